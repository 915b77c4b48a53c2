/*
 * erased.h - which entries are erased, as control entries have it on record.
 *
 * Such an entry has in its member `control`:
 *
 *     {"entries":[[first,last],…],"reason":"…","type":"erased"}
 */
#ifndef ERASED_H
#define ERASED_H

#include "bytes.h"
#include "spans.h"

struct trail;

/* Adds what the member `control` of an entry names as erased: nothing, if the entry is about
 * something else. TALLY_DAMAGED where it cannot be read. */
TALLY_MUST_CHECK tally_status erased_read(struct bytes control, struct spans *spans,
                                          struct tally_error *error);

/* Puts spans on record, in as many entries as it takes; status as of trail_append(). */
TALLY_MUST_CHECK tally_status erased_record(struct trail *trail, const struct spans *spans,
                                            const char *reason, struct tally_error *error);

/* Adds what is on record in a trail from entry `from` on. Under the right to seal. */
TALLY_MUST_CHECK tally_status erased_collect(struct trail *trail, uint64_t from,
                                             struct spans *spans, struct tally_error *error);

#endif
