#include "metrics.h"

#include <assert.h>
#include <math.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)

/* Processors that count different things do not wait for each other's cache lines. */
#define CACHE_LINE 64

static const struct {
    const char *name;
    const char *help;   /* NULL: of the row before, with another label */
    const char *labels; /* NULL: none */
} counters[METRIC_COUNTERS] = {
    [METRIC_RECORDED] = { "tally_entries_recorded_total", "Entries recorded.", NULL },
    [METRIC_RECORDED_BYTES] = { "tally_recorded_bytes_total",
                                "Bytes of JSON of the events recorded.", NULL },
    [METRIC_REPEATED] = { "tally_events_repeated_total",
                          "Events that were recorded before and got their first receipts.", NULL },
    [METRIC_REFUSED] = { "tally_events_refused_total", "Events refused as invalid.", NULL },
    [METRIC_CONFLICTS] = { "tally_events_conflicting_total",
                           "Events refused because their id was recorded with other content.",
                           NULL },
    [METRIC_REQUESTS] = { "tally_requests_total", "HTTP requests answered.", NULL },
    [METRIC_REQUESTS_REFUSED_FRAMING] = { "tally_requests_misframed_total",
                                          "HTTP requests refused because their framing is "
                                          "ambiguous or broken.",
                                          NULL },
    [METRIC_REQUESTS_FAILED_SERVER] = { "tally_requests_failed_total",
                                        "HTTP requests answered with a status of 500 or above.",
                                        NULL },
    [METRIC_AUTHENTICATION_FAILURES] = { "tally_authentication_failures_total",
                                         "HTTP requests without a good key.", NULL },
    [METRIC_RATE_LIMITED] = { "tally_rate_limited_total",
                              "HTTP requests refused because their address or key asked too often.",
                              NULL },
    [METRIC_OVERLOADED] = { "tally_overloaded_total", "HTTP requests refused for want of room.",
                            NULL },
    [METRIC_QUERIES] = { "tally_queries_total", "Queries answered.", NULL },
    [METRIC_EXPORTED_ROWS] = { "tally_exported_entries_total", "Entries sent in exports.", NULL },
    [METRIC_VERIFICATIONS_INTACT] = { "tally_verifications_total",
                                      "Verifications of a trail, by their verdict.",
                                      "verdict=\"intact\"" },
    [METRIC_VERIFICATIONS_FAILED] = { "tally_verifications_total", NULL, "verdict=\"other\"" },
    [METRIC_DIARY_DROPPED] = { "tally_diary_dropped_total",
                               "Entries about the server itself that found no room and were only "
                               "counted.",
                               NULL },
};

static const struct {
    const char *name;
    const char *help;
} histograms[HISTOGRAM_COUNT] = {
    [HISTOGRAM_COMMIT] = { "tally_commit_seconds", "From a batch ready to its receipts." },
    [HISTOGRAM_REQUEST] = { "tally_request_seconds",
                            "From the first byte of an HTTP request to its answer." },
    [HISTOGRAM_QUERY] = { "tally_query_seconds", "Running a query." },
    [HISTOGRAM_SEAL] = { "tally_seal_seconds", "Sealing a head into a segment." },
};

/* Upper bounds, included, in nanoseconds, and as they are written. */
static const struct {
    int64_t bound;
    const char *text;
} buckets[] = {
    { 100000, "0.0001" },  { 250000, "0.00025" }, { 500000, "0.0005" },  { 1000000, "0.001" },
    { 2500000, "0.0025" }, { 5000000, "0.005" },  { 10000000, "0.01" },  { 25000000, "0.025" },
    { 50000000, "0.05" },  { 100000000, "0.1" },  { 250000000, "0.25" }, { 500000000, "0.5" },
    { 1000000000, "1" },   { 2500000000, "2.5" }, { 5000000000, "5" },   { 10000000000, "10" },
};
#define BUCKET_COUNT (sizeof buckets / sizeof buckets[0])

struct counter {
    alignas(CACHE_LINE) _Atomic uint64_t value;
};

struct distribution {
    alignas(CACHE_LINE) _Atomic uint64_t counts[BUCKET_COUNT + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum;                                          /* nanoseconds */
};

struct metrics {
    struct counter counters[METRIC_COUNTERS];
    struct distribution distributions[HISTOGRAM_COUNT];
};

struct metrics *
metrics_create(void)
{
    struct metrics *metrics = aligned_alloc(CACHE_LINE, sizeof *metrics);
    if (metrics != NULL)
        memset(metrics, 0, sizeof *metrics);
    return metrics;
}

void
metrics_destroy(struct metrics *metrics)
{
    free(metrics);
}

void
metrics_add(struct metrics *metrics, enum metric metric, uint64_t count)
{
    assert(metric < METRIC_COUNTERS);
    atomic_fetch_add_explicit(&metrics->counters[metric].value, count, memory_order_relaxed);
}

void
metrics_raise(struct metrics *metrics, enum metric metric, uint64_t value)
{
    assert(metric < METRIC_COUNTERS);
    _Atomic uint64_t *counter = &metrics->counters[metric].value;
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    while (before < value &&
           !atomic_compare_exchange_weak_explicit(counter, &before, value, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

uint64_t
metrics_get(const struct metrics *metrics, enum metric metric)
{
    assert(metric < METRIC_COUNTERS);
    return atomic_load_explicit(&metrics->counters[metric].value, memory_order_relaxed);
}

void
metrics_observe(struct metrics *metrics, enum histogram histogram, int64_t nanoseconds)
{
    assert(histogram < HISTOGRAM_COUNT);
    if (nanoseconds < 0)
        nanoseconds = 0;
    size_t bucket = 0;
    while (bucket < BUCKET_COUNT && nanoseconds > buckets[bucket].bound)
        bucket++;
    struct distribution *distribution = &metrics->distributions[histogram];
    atomic_fetch_add_explicit(&distribution->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&distribution->sum, (uint64_t)nanoseconds, memory_order_relaxed);
}

/* ---- the text ---- */

static void
write_heading(struct buffer *out, const char *name, const char *help, const char *type)
{
    buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_name(struct buffer *out, const char *name, const char *labels)
{
    buffer_text(out, name);
    if (labels != NULL)
        buffer_format(out, "{%s}", labels);
    buffer_byte(out, ' ');
}

/* The count is what the buckets have, so that they agree also where others add meanwhile. */
static void
write_histogram(const struct metrics *metrics, enum histogram histogram, struct buffer *out)
{
    const struct distribution *distribution = &metrics->distributions[histogram];
    const char *name = histograms[histogram].name;
    write_heading(out, name, histograms[histogram].help, "histogram");
    uint64_t count = 0;
    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        count += atomic_load_explicit(&distribution->counts[i], memory_order_relaxed);
        buffer_format(out, "%s_bucket{le=\"%s\"} %llu\n", name,
                      i < BUCKET_COUNT ? buckets[i].text : "+Inf", (unsigned long long)count);
    }
    uint64_t sum = atomic_load_explicit(&distribution->sum, memory_order_relaxed);
    buffer_format(out, "%s_sum %llu.%09llu\n%s_count %llu\n", name,
                  (unsigned long long)(sum / NANOSECONDS_PER_SECOND),
                  (unsigned long long)(sum % NANOSECONDS_PER_SECOND), name,
                  (unsigned long long)count);
}

void
metrics_write(const struct metrics *metrics, struct buffer *out)
{
    for (unsigned i = 0; i < METRIC_COUNTERS; i++) {
        if (counters[i].help != NULL)
            write_heading(out, counters[i].name, counters[i].help, "counter");
        write_name(out, counters[i].name, counters[i].labels);
        buffer_decimal(out, metrics_get(metrics, (enum metric)i));
        buffer_byte(out, '\n');
    }
    for (unsigned i = 0; i < HISTOGRAM_COUNT; i++)
        write_histogram(metrics, (enum histogram)i, out);
}

/* In the fewest digits that read back as the same. */
static void
write_shortest(double value, struct buffer *out)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buffer_text(out, text);
}

void
metrics_write_gauge(struct buffer *out, const char *name, const char *help, const char *labels,
                    double value)
{
    if (help != NULL)
        write_heading(out, name, help, "gauge");
    write_name(out, name, labels);
    if (isnan(value))
        buffer_text(out, "NaN");
    else if (isinf(value))
        buffer_text(out, value > 0 ? "+Inf" : "-Inf");
    else
        write_shortest(value, out);
    buffer_byte(out, '\n');
}
