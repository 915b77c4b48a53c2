/*
 * bench.h - the stages of a measurement and what they hand back.
 */
#ifndef BENCH_H
#define BENCH_H

#include "buffer.h"
#include "generate.h"
#include "tally/status.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What events are generated from. */
#define BENCH_SEED UINT64_C(20260101)

struct bench {
    char path[PATH_MAX];    /* of the data folder */
    uint64_t events;        /* to record */
    uint64_t *acknowledged; /* in all; stages are processes, this is shared by them */
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
/* `ns` nanoseconds for `count` entries, as a cost. */
void results_add_cost(struct results *results, const char *name, uint64_t count, int64_t ns);
void results_fail(struct results *results, const struct tally_error *error);

/* This thread's processor time in nanoseconds. A step's cost is taken by it, so that it means the
 * same on a busy machine. */
int64_t bench_thread_time(void);

#define BENCH_BATCH 1000u

/* A batch of generated events, one after another in a buffer. */
struct events {
    struct buffer text;
    size_t ends[BENCH_BATCH];
    uint32_t count;
};
TALLY_MUST_CHECK tally_status events_make(struct generator *generator, uint32_t count,
                                          struct events *events, struct tally_error *error);
struct bytes events_at(const struct events *events, uint32_t i);

/* A stage runs in a process of its own, so that its peak of memory is its own. */
struct bench_stage {
    const char *memory; /* what that peak is called; NULL: not worth a row */
    bool dies;          /* it kills itself in the middle of recording */
    void (*run)(const struct bench *bench, struct results *results);
};

void stage_steps(const struct bench *bench, struct results *results);
void stage_queries(const struct bench *bench, struct results *results);

/* In order; the last has no `run`. */
extern const struct bench_stage bench_stages[];

#endif
