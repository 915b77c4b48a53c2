#include "samples.h"

#include "quit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void
samples_add(struct samples *samples, int64_t duration)
{
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity == 0 ? 4096 : samples->capacity * 2;
        int64_t *values = realloc(samples->values, capacity * sizeof *values);
        if (values == NULL)
            quit("out of memory");
        samples->values = values;
        samples->capacity = capacity;
    }
    samples->values[samples->count++] = duration;
}

static int
compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

double
samples_quantile(struct samples *samples, double share)
{
    if (samples->count == 0)
        return 0;
    qsort(samples->values, samples->count, sizeof *samples->values, compare);
    size_t rank = (size_t)ceil(share * (double)samples->count);
    return (double)samples->values[rank == 0 ? 0 : rank - 1] / 1e6;
}

void
samples_free(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){ 0 };
}

void
samples_print(struct samples *samples, const char *label)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = { { "p50", 0.5 }, { "p99", 0.99 }, { "p99.9", 0.999 } };
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        /* The largest of few is no percentile. */
        if ((double)samples->count * (1 - quantiles[i].share) < 0.999)
            break;
        (void)printf("\"%s %s\",%.3f,ms\n", label, quantiles[i].name,
                     samples_quantile(samples, quantiles[i].share));
    }
}
