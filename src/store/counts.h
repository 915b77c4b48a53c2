/*
 * counts.h - how often each value of a run's columns occurs, by the hour: written down and read.
 *
 * Statistics of whole segments are answered by these alone. Control entries are not counted: who
 * asks for statistics leaves them out. Hours are of the time that entries are ordered by. Pure but
 * for memory; the bytes are in docs/format.md.
 *
 * A column is counted by the hour where it has few values, else as a whole; one with very many is
 * left out. What is written is the same however the run stores its columns: codes are places among
 * the column's values in bytewise order, from 1, and 0 where an entry has no value.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include "buffer.h"
#include "field.h"
#include "tally/status.h"

#define COUNTS_HOURS_MAX         1024u  /* beyond, nothing is counted by the hour */
#define COUNTS_HOURLY_VALUES_MAX 256u   /* of a column that does not stand apart */
#define COUNTS_VALUES_MAX        16384u /* of a column that is counted at all */

/* The hours in which there are entries, or one period of no time for all of them. */
struct counts_periods {
    bool timed;      /* by the hour */
    bool timestamps; /* the time of every entry is its timestamp, none was received before */
    uint32_t count;
    const int32_t *hours; /* since 1970, ascending, where timed */
    const uint32_t *totals;
};

enum counts_way {
    COUNTS_HOURLY = 0,
    COUNTS_WHOLE = 1, /* all periods as one */
    COUNTS_APART = 2, /* likewise, and behind the first part */
};

/* One number: in which period (0 unless hourly), which code, how many entries; at least 1. */
struct counts_item {
    uint32_t period;
    uint32_t code;
    uint32_t count;
};

/*
 * Writing.
 */

/* Appends the items of one column: `matrix` has for each period, one or all of them, the counts of
 * all codes, 0 to value_count. */
void counts_put_items(const uint32_t *matrix, uint32_t period_count, uint32_t value_count,
                      struct buffer *out);

/* A column as it is to be written. */
struct counts_column {
    enum field_id field;
    uint32_t value_count;
    enum counts_way way;
    struct buffer items;
};

/* Appends the first part: periods, which columns there are, and the items of those that do not
 * stand apart. */
void counts_put(const struct counts_periods *periods, const struct counts_column *columns,
                size_t column_count, struct buffer *out);

/*
 * Reading. Whatever the bytes are, it ends in an answer or in false.
 */

/* The first part, opened. Views are lent by it. */
struct counts {
    bool timed, timestamps;
    uint32_t period_count;
    struct bytes periods; /* as they are written */
    uint64_t total;       /* of all periods */
    uint32_t column_count;
    struct bytes columns; /* the table of them */
    struct bytes items;   /* of those that do not stand apart */
};

bool counts_open(struct bytes part, struct counts *counts_out);

/* The hours, where timed, and totals: room for period_count each. */
void counts_read_periods(const struct counts *counts, int32_t *hours_out, uint32_t *totals_out);

/* Where a column's items are. */
struct counts_place {
    enum counts_way way;
    uint32_t value_count;
    struct bytes items; /* where they do not stand apart */
    uint64_t offset;    /* behind the first part, where they do, */
    uint32_t size, crc;
};
/* False where the column is not there. */
bool counts_find(const struct counts *counts, struct bytes name, struct counts_place *place_out);

/* Takes the next item from `items`, which stands in *item_out, zeroed before the first. False at
 * the end, with *whole_out, or where the bytes make no sense. `totals` are the periods': what the
 * items of each add up to. */
struct counts_walk {
    struct bytes items;
    uint32_t period_count, value_count;
    const uint32_t *totals;
    uint32_t period;   /* of which items are being taken, + 1 */
    uint32_t left;     /* of its items */
    uint64_t expected; /* entries that its items must still add up to */
    uint64_t code;     /* the next that there can be */
};
void counts_walk_begin(struct counts_walk *walk, const struct counts_place *place,
                       struct bytes items, const struct counts *counts, const uint32_t *totals);
bool counts_walk_next(struct counts_walk *walk, struct counts_item *item_out, bool *whole_out);

#endif
