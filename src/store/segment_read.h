/*
 * segment_read.h - a segment's columns while they are in use.
 *
 * A segment that nobody uses holds no file and hardly any memory, unless a cache keeps it
 * (segment_cache.h). A user opens nothing either: the public, the private and the index file are
 * opened when something of them is asked for, each by itself; a column's block table, dictionary
 * and primer are read when they are first asked for; the last segment_unuse() lets go of all of it,
 * or leaves it to the cache. So the memory of a trail's segments is that of those being read, and
 * of some that were. Thread-safe; what is handed out is immutable and lent until the user's
 * segment_unuse().
 */
#ifndef SEGMENT_READ_H
#define SEGMENT_READ_H

#include "id_index.h"
#include "segment.h"
#include "segment_cache.h"
#include "segment_half.h"
#include "segment_index.h"

#include <pthread.h>

#define SEGMENT_ENTRIES_MAX (1u << 24)

struct segment {
    atomic_uint references;
    struct trail_place place; /* with these two: */
    char *folder;
    uint8_t tag[SEGMENT_TAG_SIZE];
    struct segment_info info;

    struct segment_cache *cache; /* NULL: none */
    /* Under the cache's mutex: */
    bool kept;
    struct segment_weight weight;
    struct segment *warmer, *colder;

    pthread_mutex_t mutex; /* for everything below, but for reading what was handed out */
    uint32_t users;
    struct segment_half *halves[2]; /* by enum field_half; NULL until asked for */
    struct segment_index index;
    struct id_filter filter; /* of the id window: kept until the segment goes */
};

/* Between the two, what is handed out stays. Nothing is opened yet. */
void segment_use(struct segment *segment);
void segment_unuse(struct segment *segment);

/* For segment_cache.c. One more reference, unless there is none left; closing what was kept, if it
 * is not used or kept again; and dropping the dictionaries of one that is kept, under its mutex. */
bool segment_retain_if_alive(struct segment *segment);
void segment_close_unused(struct segment *segment);
void segment_drop_dictionaries(struct segment *segment);

/* What it takes now; under its mutex. */
struct segment_weight segment_weigh(const struct segment *segment);

/*
 * The rest is for users. What is opened and read for them goes through `input`, and is counted there.
 */

/* The file of one half, opened on first use. */
TALLY_MUST_CHECK tally_status segment_get_half(struct segment *segment, enum field_half half,
                                               struct segment_input *input,
                                               const struct segment_half **half_out,
                                               struct tally_error *error);

/* A column with its block table. TALLY_ABSENT where no row has a value; TALLY_UNSUPPORTED where a
 * newer version stored it in a way that this one does not know. */
TALLY_MUST_CHECK tally_status segment_find_column(struct segment *segment, unsigned column,
                                                  struct segment_input *input,
                                                  struct segment_column **column_out,
                                                  struct tally_error *error);

/* Loads the primer of a column that was found, or its dictionary: the table, and all values where
 * `what` says so or somebody has loaded them or they are few. NULL where only the table is there. */
enum segment_dictionary {
    SEGMENT_DICTIONARY_TABLE,
    SEGMENT_DICTIONARY_WHOLE,
};
TALLY_MUST_CHECK tally_status segment_load_column(
    struct segment *segment, struct segment_column *column, enum segment_dictionary what,
    struct codec_workspace *workspace, struct segment_input *input,
    const struct dictionary **dictionary_out, struct tally_error *error);

/* segment_recall.c: a question looks up the same value in segment after segment, and whoever reads
 * what it found, or asks for the next page, meets it again: so the value that was looked up last in a
 * column is kept with its code, 0 where the column has it not. Long ones are not. False: something
 * else was looked up. */
void segment_remember(struct segment *segment, struct segment_column *column, struct bytes value,
                      uint32_t code);
bool segment_recall_code(struct segment *segment, const struct segment_column *column,
                         struct bytes value, uint32_t *code_out);
/* `size_out` bytes, never 0, go into `text`. */
bool segment_recall_value(struct segment *segment, const struct segment_column *column,
                          uint32_t code, char text[LOOKED_UP_SIZE], size_t *size_out);

/* The same for a row that was found to have the code, if it is the one that was looked up last: who
 * reads the row need not read its page. */
void segment_remember_row(struct segment *segment, struct segment_column *column, uint32_t code,
                          uint32_t row);
bool segment_recall_row(struct segment *segment, const struct segment_column *column, uint32_t row,
                        char text[LOOKED_UP_SIZE], size_t *size_out);

/* Whether an erasure has replaced private and index file since the segment was opened: these may be
 * gone, or of another generation than what is open. Reads the manifest. */
bool segment_is_superseded(const struct segment *segment);

/* The fields of the private half that have a value. */
TALLY_MUST_CHECK tally_status segment_fields_private(struct segment *segment,
                                                     struct segment_input *input,
                                                     uint64_t *fields_out,
                                                     struct tally_error *error);

/* Has the processor fetch what reading a row begins with, of all columns at once: where a segment
 * was not used for long, each of them would be waited for by itself. */
void segment_prefetch_row(struct segment *segment, uint32_t row);

/* The least and greatest order time of each page. */
TALLY_MUST_CHECK tally_status segment_time_ranges(struct segment *segment,
                                                  struct segment_input *input,
                                                  const struct time_range **ranges_out,
                                                  struct tally_error *error);

/* TALLY_OK, or TALLY_UNSUPPORTED where there is a column that this program does not know, so that
 * whole entries cannot be rebuilt. */
TALLY_MUST_CHECK tally_status segment_whole(struct segment *segment, struct segment_input *input,
                                            struct tally_error *error);

#endif
