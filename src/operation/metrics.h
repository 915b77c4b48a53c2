/*
 * metrics.h - what the server counts, as Prometheus reads it (text exposition format 0.0.4).
 *
 * Counters and histograms are atomic and may be added to from any thread without a lock; gauges are
 * asked for when the page is written. The table in metrics.c has name, type and help of each.
 */
#ifndef METRICS_H
#define METRICS_H

#include "buffer.h"

enum metric {
    METRIC_RECORDED,       /* entries */
    METRIC_RECORDED_BYTES, /* of their JSON */
    METRIC_REPEATED,
    METRIC_REFUSED,
    METRIC_CONFLICTS,
    METRIC_REQUESTS,
    METRIC_REQUESTS_REFUSED_FRAMING,
    METRIC_REQUESTS_FAILED_SERVER, /* answered 5xx */
    METRIC_AUTHENTICATION_FAILURES,
    METRIC_RATE_LIMITED,
    METRIC_OVERLOADED, /* answered 429 or 503 for want of room */
    METRIC_QUERIES,
    METRIC_EXPORTED_ROWS,
    METRIC_VERIFICATIONS_INTACT,
    METRIC_VERIFICATIONS_FAILED,
    METRIC_DIARY_DROPPED,
    METRIC_COUNTERS, /* their number */
};

enum histogram {
    HISTOGRAM_COMMIT,  /* seconds from a batch ready to its receipt */
    HISTOGRAM_REQUEST, /* seconds from the first byte to the answer */
    HISTOGRAM_QUERY,
    HISTOGRAM_SEAL,
    HISTOGRAM_COUNT,
};

struct metrics;

struct metrics *metrics_create(void); /* NULL when memory is short */
void metrics_destroy(struct metrics *metrics);

void metrics_add(struct metrics *metrics, enum metric metric, uint64_t count);
void metrics_observe(struct metrics *metrics, enum histogram histogram, int64_t nanoseconds);
/* Brings a counter that is counted elsewhere up to `value`, never down. */
void metrics_raise(struct metrics *metrics, enum metric metric, uint64_t value);
uint64_t metrics_get(const struct metrics *metrics, enum metric metric);

/* Appends all counters and histograms. */
void metrics_write(const struct metrics *metrics, struct buffer *out);

/* Appends one gauge with its HELP and TYPE (only where `help` is not NULL: the first of its name).
 * `labels` as they stand between braces (`trail="main"`), or NULL. */
void metrics_write_gauge(struct buffer *out, const char *name, const char *help, const char *labels,
                         double value);

#endif
