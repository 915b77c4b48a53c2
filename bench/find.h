/*
 * find.h - the questions that a trail and its peers are asked, and how an answer is timed.
 *
 * A question is a shape (what is wanted) and a condition (of which entries). Each has many asks
 * with values as they occur among the entries (find_wanted.c), the same ones for all: an engine says
 * how one is asked, find_run.c asks, times and prints, and what was answered is written to a file,
 * so that the answers of two engines can be compared.
 */
#ifndef FIND_H
#define FIND_H

#include "bytes.h"

#include <stdio.h>

enum find_shape {
    FIND_ENTRY,  /* one entry, whole */
    FIND_NEWEST, /* the newest 50, whole */
    FIND_COUNT,  /* how many there are */
    FIND_HOURS,  /* how many in each hour */
    FIND_GROUPS, /* the ten most frequent values of a field */
    FIND_EXPORT, /* all of them as NDJSON */
};
#define FIND_LIMIT 50
#define FIND_TOP   10

enum find_condition {
    WHERE_ALL,
    WHERE_INDEX,
    WHERE_ID,
    WHERE_USER,
    WHERE_ACTION,
    WHERE_RESOURCE,
    WHERE_USER_ACTION_TIME,
    WHERE_ACTION_STATUS_TIME,
    WHERE_ACTION_STATUS,
    WHERE_TEXT,
    WHERE_REGION, /* a member of details with few values */
    WHERE_AMOUNT, /* … with many */
    WHERE_TIME,
};
#define FIND_CONDITIONS (WHERE_TIME + 1)

enum find_value {
    WANTED_INDEX,
    WANTED_ID,
    WANTED_USER,
    WANTED_ACTION,
    WANTED_STATUS,
    WANTED_RESOURCE,
    WANTED_REGION,
    WANTED_AMOUNT,
    WANTED_FROM, /* times, both included */
    WANTED_TO,
    WANTED_TEXT,
};
#define FIND_VALUES     (WANTED_TEXT + 1)
#define FIND_VALUE_SIZE 64

/* The values of one ask, all of one entry. */
struct find_wanted {
    char values[FIND_VALUES][FIND_VALUE_SIZE];
};

/* What a condition is filled in with: $1 stands for the first value, and so on. */
#define FIND_PLACES 4
struct find_places {
    unsigned count;
    enum find_value values[FIND_PLACES];
};
extern const struct find_places find_places[FIND_CONDITIONS];

/* Which entries' values are taken. */
enum find_pick {
    PICK_ANY,
    PICK_FREQUENT_USER, /* one of the hundred with the most entries */
    PICK_RARE_USER,     /* one of the half with the fewest */
    PICK_AMOUNT,        /* one with an amount among its details */
    PICK_COMMON_WORD,   /* of texts; one entry in ten has it */
    PICK_COMMON_PART,   /* the middle of such a word */
    PICK_RARE_WORD,
    PICK_RARE_PART,
    PICK_STRETCH, /* a time with 100,000 entries */
};

struct find_question {
    const char *label;
    enum find_shape shape;
    enum find_condition condition;
    enum find_pick pick;
    const char *field; /* to group by */
};
/* The last has no label. */
extern const struct find_question find_questions[];

/* ---- values ---- */

struct find_samples;

/* Reads what fill_trail wrote. */
struct find_samples *find_samples_read(const char *path);
void find_samples_free(struct find_samples *samples);

/* The values for the i-th ask of a question. */
void find_wanted(const struct find_samples *samples, const struct find_question *question, size_t i,
                 struct find_wanted *wanted_out);

/* ---- asking ---- */

struct find_answer {
    uint64_t rows;    /* or the count that was asked for */
    uint64_t digest;  /* of what the rows say */
    uint64_t metered; /* bytes read, as the engine counts them itself; 0 where it does not */
};

/* Takes a row in: `key` and a number. Lists in their order, everything else in any. */
void find_answer_next(struct find_answer *answer, struct bytes key);
void find_answer_add(struct find_answer *answer, struct bytes key, uint64_t number);

enum find_outcome {
    FIND_ANSWERED,
    FIND_REFUSED, /* it would be too much */
};

struct find_engine {
    void *context;
    enum find_outcome (*ask)(void *context, const struct find_question *question,
                             const struct find_wanted *wanted, struct find_answer *answer_out);
    /* Forgets what it has in memory, and has the kernel forget it. */
    void (*cool)(void *context);
};

struct find_options {
    size_t asks;         /* of a question, warm */
    size_t cold;         /* … cold */
    unsigned seconds;    /* for a question's warm asks, and for its cold ones */
    const char *answers; /* a file, or NULL */
    const char *restart; /* a command, or NULL */
    const char *targets; /* a file for what is asked over HTTP, or NULL */
    const char *only;    /* how the labels of the questions that are asked begin, or NULL: all */
    const char *where;   /* the folder, file or database */
    const char *samples;
};

/* Ends the program where the arguments are wrong. */
void find_options_read(int argc, char **argv, struct find_options *options_out);

/*
 * Asks everything and prints rows of CSV: question, measure, value. Warm: each value is asked once
 * before (that answer goes to the file), then once more and timed. Cold: cooled before each ask, of
 * values that were not asked before. Measures:
 *
 *     p50, p99                 warm, ms; p99 only where enough was asked
 *     asks                     how many those are of
 *     rows                     warm, p50
 *     reads, bytes             that this process made and got from files, warm, p50
 *     cold                     p50, ms
 *     cold-reads, cold-bytes   as the warm ones
 *     metered                  bytes as the engine counts them, cold, p50
 *     disk                     bytes fetched from the disk, cold, p50
 *     refused                  1
 */
void find_run(const struct find_engine *engine, const struct find_options *options);

/* One of these rows, also of what is no question. */
void find_print(const char *label, const char *measure, double value);

#endif
