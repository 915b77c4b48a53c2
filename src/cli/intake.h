/*
 * intake.h - records from files and standard input into a trail, in batches.
 *
 * What `record` and `import` share: they read the shapes of records.h, plain, gzip or zstd, turn each
 * record into an event (by a map, or it is one), and append up to INTAKE_BATCH_MAX of them at once.
 *
 * A record that cannot be taken is reported with its file, line, pointer and reason. Then either
 * reading goes on (INTAKE_SKIP), also with the next file where one cannot be read to its end, or it
 * ends (INTAKE_STOP) by these rules:
 *
 *     files                      are read twice, first only to see that every record is good; a bad
 *                                one ends the command before anything is stored
 *     a pipe                     is stored as it comes, a batch whenever no more is waiting. A bad
 *                                record in the first batch: nothing is stored. Later: everything
 *                                before it is, and the message says how much that is
 *
 * So MISUSED always means that nothing was stored, and UNABLE says what was, or that not everything
 * could be read.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include "destination.h"
#include "listing.h"
#include "map.h"
#include "progress.h"

#define INTAKE_BATCH_MAX 1000

enum intake_refusal {
    INTAKE_STOP,
    INTAKE_SKIP,
};

struct intake_options {
    struct destination *destination;
    const struct map *map; /* NULL: records are events */
    enum intake_refusal refusal;
    struct listing *receipts;  /* rows of intake_columns, written after each batch; NULL: none */
    struct progress *progress; /* NULL: none */
};

struct intake_counts {
    uint64_t stored;
    uint64_t repeated; /* stored before, with the same content */
    uint64_t skipped;  /* a map says that such records are no events */
    uint64_t refused;
};

/* The columns of receipts. */
#define INTAKE_COLUMN_COUNT 3
extern const struct listing_column intake_columns[INTAKE_COLUMN_COUNT];

struct intake;

/* The options are copied, what they point to is borrowed. Caller owns. */
TALLY_MUST_CHECK tally_status intake_create(const struct intake_options *options,
                                            struct intake **intake_out, struct tally_error *error);
void intake_destroy(struct intake *intake); /* NULL is allowed */

/* Takes everything in `paths` ("-": standard input), in their order. Returns the exit status, after
 * saying why if it is not DONE. */
int intake_files(struct intake *intake, char *const *paths, int count);

/* Takes one event, `text`, which `name` stands for in messages. The same. */
int intake_event(struct intake *intake, struct bytes text, const char *name);

struct intake_counts intake_counts(const struct intake *intake);

#endif
