/*
 * samples.h - durations, all of them kept, so that a quantile is one that was measured.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    int64_t *values; /* nanoseconds */
    size_t count;
    size_t capacity;
};

void samples_add(struct samples *samples, int64_t duration);

/* The least duration that `share` (0 to 1) of all of them do not exceed, in milliseconds; sorts
 * them. 0 where there are none. */
double samples_quantile(struct samples *samples, double share);

void samples_free(struct samples *samples);

/* Prints the median and the 99th and 99.9th percentiles as rows of CSV, "LABEL p50",N,ms, as far as
 * there are samples beyond them. */
void samples_print(struct samples *samples, const char *label);

#endif
