/*
 * interval.h - how time is cut for a histogram: "1h", "15m", "2w".
 *
 * Intervals are counted through all time, not from what is found: they begin at whole multiples of
 * their length since 1970-01-01T00:00:00Z, those of whole weeks on Mondays (since 1969-12-29). So
 * two histograms of one interval can be laid over each other. Pure.
 */
#ifndef INTERVAL_H
#define INTERVAL_H

#include "buffer.h"
#include "moment.h"

/* So short that no interval with a moment in it reaches beyond an int64. */
#define INTERVAL_MAX (100 * CLOCK_DAY)

struct interval {
    int64_t ns;     /* count units */
    uint32_t count; /* at least 1 */
    char unit;      /* s, m, h, d or w */
};

/* "N" and a unit, N from 1, up to INTERVAL_MAX. False where refused. */
bool interval_read(struct bytes text, struct interval *interval_out);

/* Appends what interval_read() reads. */
void interval_print(const struct interval *interval, struct buffer *out);

/* When the interval begins that a moment is in. */
int64_t interval_start(const struct interval *interval, int64_t instant);

/* Intervals are numbered through all time, the one with 1970-01-01T00:00:00Z is 0: the number of
 * the one that a moment is in, and when the one with a number begins. */
int64_t interval_number(const struct interval *interval, int64_t instant);
int64_t interval_begin(const struct interval *interval, int64_t number);

/* How many intervals there are from the one with `first` to the one with `last`, a later moment or
 * the same. */
uint64_t interval_span(const struct interval *interval, int64_t first, int64_t last);

/* The shortest one of the same unit that spans the same in `most` intervals at most. `most` is at
 * least 5,000, so that there is one. */
struct interval interval_widen(const struct interval *interval, int64_t first, int64_t last,
                               uint64_t most);

#endif
