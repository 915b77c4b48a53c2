/*
 * batch.h - events made ready to be appended: read, normalised, written canonically, hashed.
 *
 * A batch belongs to one thread at a time and to one trail; several threads fill batches of one
 * trail at once, so that all but the order itself is done in parallel. It owns copies of what it
 * was given and is used again after batch_clear().
 */
#ifndef BATCH_H
#define BATCH_H

#include "catalogue.h"
#include "event.h"
#include "tally/hash.h"

#define BATCH_ENTRIES_MAX 65536u

struct batch;
struct trail;

/* `writer` (at most 64 bytes, copied) is what entries will say under `writer`, e.g. "local:1000" or
 * a key's id. `catalogue` is lent for the batch's life; NULL is the built-in one. */
TALLY_MUST_CHECK tally_status batch_create(const struct trail *trail, const char *writer,
                                           const struct catalogue *catalogue,
                                           struct batch **batch_out, struct tally_error *error);
void batch_destroy(struct batch *batch); /* NULL is allowed */
void batch_clear(struct batch *batch);
/* All events that are added from now on, until it is cleared, were received at `now` (clock_now()),
 * like those of one request; else each was when it is added. */
void batch_receive_at(struct batch *batch, int64_t now);

/* Clears it and makes it one for another trail, writer and catalogue (not NULL), as batch_create()
 * would: a server keeps batches and uses them for whoever comes. */
void batch_begin(struct batch *batch, const struct trail *trail, const char *writer,
                 const struct catalogue *catalogue);

/* Reads one event, a JSON object, and adds it. TALLY_INVALID with pointer and reason: it was not
 * added and the others stand; TALLY_FULL where the batch has BATCH_ENTRIES_MAX events or the
 * journal's record would grow too large: append it first. */
TALLY_MUST_CHECK tally_status batch_add(struct batch *batch, struct bytes json,
                                        struct tally_error *error);

/* The same, but the text is lent and not copied: it must stay as it is until batch_clear(). */
TALLY_MUST_CHECK tally_status batch_add_lent(struct batch *batch, struct bytes json,
                                             struct tally_error *error);

uint32_t batch_count(const struct batch *batch);
/* Bytes of memory it keeps for being used again. */
size_t batch_memory(const struct batch *batch);

#endif
