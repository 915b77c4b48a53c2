/*
 * bench.h - the stages of a measurement and what they hand back.
 */
#ifndef BENCH_H
#define BENCH_H

#include "tally/status.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What events are generated from. */
#define BENCH_SEED UINT64_C(20260101)

struct bench {
    char path[PATH_MAX]; /* of the data folder */
    uint64_t events;     /* to record */
};

#define BENCH_MEASURES_MAX 96

struct measure {
    char name[64];
    char unit[16];
    double value;
};

/* Without pointers: it goes through a pipe. */
struct results {
    uint32_t count;
    bool failed;
    char text[512]; /* why */
    struct measure measures[BENCH_MEASURES_MAX];
};

void results_add(struct results *results, const char *name, double value, const char *unit);

/* A stage runs in a process of its own, so that its peak of memory is its own. */
struct bench_stage {
    const char *memory; /* what that peak is called; NULL: not worth a row */
    bool dies;          /* it kills itself in the middle of recording */
    void (*run)(const struct bench *bench, struct results *results);
};

/* In order; the last has no `run`. */
extern const struct bench_stage bench_stages[];

#endif
