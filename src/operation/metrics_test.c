#include "metrics.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The page of all counters and histograms; the caller frees it. */
static char *
page_of(const struct metrics *metrics)
{
    struct buffer out = { 0 };
    metrics_write(metrics, &out);
    buffer_byte(&out, '\0');
    assert_false(buffer_failed(&out));
    return (char *)out.data;
}

static void
expect_line(const struct metrics *metrics, const char *line)
{
    char *page = page_of(metrics);
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(page, wanted) == NULL)
        fail_msg("no line \"%s\" in\n%s", line, page);
    free(page);
}

static void
counters_count(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    for (unsigned i = 0; i < METRIC_COUNTERS; i++) {
        assert_int_equal(metrics_get(metrics, (enum metric)i), 0);
        metrics_add(metrics, (enum metric)i, i + 1);
        metrics_add(metrics, (enum metric)i, 100);
    }
    for (unsigned i = 0; i < METRIC_COUNTERS; i++)
        assert_int_equal(metrics_get(metrics, (enum metric)i), i + 101);
    expect_line(metrics, "tally_entries_recorded_total 101");
    expect_line(metrics, "tally_diary_dropped_total 116");
    expect_line(metrics, "tally_verifications_total{verdict=\"intact\"} 114");
    expect_line(metrics, "tally_verifications_total{verdict=\"other\"} 115");
    metrics_destroy(metrics);
    metrics_destroy(NULL);
}

static void
histograms_are_cumulative(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    static const int64_t times[] = { 0, -5, 100000, 100001, 999999999, 10000000000, 10000000001 };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        metrics_observe(metrics, HISTOGRAM_QUERY, times[i]);
    expect_line(metrics, "tally_query_seconds_bucket{le=\"0.0001\"} 3"); /* bounds are included */
    expect_line(metrics, "tally_query_seconds_bucket{le=\"0.00025\"} 4");
    expect_line(metrics, "tally_query_seconds_bucket{le=\"0.5\"} 4");
    expect_line(metrics, "tally_query_seconds_bucket{le=\"1\"} 5");
    expect_line(metrics, "tally_query_seconds_bucket{le=\"10\"} 6");
    expect_line(metrics, "tally_query_seconds_bucket{le=\"+Inf\"} 7");
    expect_line(metrics, "tally_query_seconds_sum 21.000200001");
    expect_line(metrics, "tally_query_seconds_count 7");
    expect_line(metrics, "tally_seal_seconds_count 0");
    metrics_destroy(metrics);
}

static bool
name_valid(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!islower((unsigned char)name[i]) && name[i] != '_')
            return false;
    return size > 0;
}

/* The format 0.0.4: each name has one HELP and one TYPE, before its samples, which stand together.
 */
static void
the_page_has_the_format(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    char *page = page_of(metrics);
    char family[128] = "";
    char type[32] = "";
    unsigned families = 0;
    char *rest = page;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char name[128];
        int at = 0;
        if (line[0] == '\0') {
            assert_null(rest); /* only at the end */
        } else if (sscanf(line, "# HELP %127s %n", name, &at) == 1) {
            assert_true(line[at] != '\0');
            assert_true(strncmp(name, "tally_", 6) == 0 && name_valid(name, strlen(name)));
            memcpy(family, name, sizeof family);
            type[0] = '\0';
            families++;
            char again[160];
            (void)snprintf(again, sizeof again, "# HELP %s ", name);
            assert_true(rest == NULL || strstr(rest, again) == NULL);
        } else if (line[0] == '#') {
            assert_int_equal(sscanf(line, "# TYPE %127s %31s", name, type), 2);
            assert_string_equal(name, family);
            if (strcmp(type, "counter") == 0)
                assert_string_equal(name + strlen(name) - 6, "_total");
        } else {
            assert_true(type[0] != '\0');
            size_t size = strlen(family);
            assert_memory_equal(line, family, size);
            size_t suffix = strcspn(line + size, "{ ");
            assert_true(strcmp(type, "histogram") == 0 ? suffix > 0 : suffix == 0);
            char *end;
            (void)strtod(strrchr(line, ' ') + 1, &end);
            assert_true(*end == '\0');
        }
    }
    assert_int_equal(families, METRIC_COUNTERS - 1 + HISTOGRAM_COUNT);
    free(page);
    metrics_destroy(metrics);
}

static void
gauges_are_written(void **state)
{
    (void)state;
    struct buffer out = { 0 };
    metrics_write_gauge(&out, "tally_x", "What it is.", "trail=\"main\"", 3);
    metrics_write_gauge(&out, "tally_x", NULL, "trail=\"b\"", 0.1);
    metrics_write_gauge(&out, "tally_y", NULL, NULL, 9007199254740993e3);
    metrics_write_gauge(&out, "tally_y", NULL, NULL, NAN);
    metrics_write_gauge(&out, "tally_y", NULL, NULL, HUGE_VAL);
    metrics_write_gauge(&out, "tally_y", NULL, NULL, -HUGE_VAL);
    buffer_byte(&out, '\0');
    assert_string_equal((char *)out.data, "# HELP tally_x What it is.\n"
                                          "# TYPE tally_x gauge\n"
                                          "tally_x{trail=\"main\"} 3\n"
                                          "tally_x{trail=\"b\"} 0.1\n"
                                          "tally_y 9.007199254740993e+18\n"
                                          "tally_y NaN\n"
                                          "tally_y +Inf\n"
                                          "tally_y -Inf\n");
    buffer_free(&out);
}

#define ADDERS 4
#define ROUNDS 20000

static void *
add(void *context)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        metrics_add(context, METRIC_REQUESTS, 2);
        metrics_observe(context, HISTOGRAM_REQUEST, 1000000);
    }
    return NULL;
}

static void
threads_lose_nothing(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    pthread_t threads[ADDERS];
    for (size_t i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add, metrics), 0);
    free(page_of(metrics)); /* meanwhile */
    for (size_t i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metrics_get(metrics, METRIC_REQUESTS), 2 * ADDERS * ROUNDS);
    expect_line(metrics, "tally_request_seconds_count 80000");
    expect_line(metrics, "tally_request_seconds_sum 80.000000000");
    metrics_destroy(metrics);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_count),          cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(the_page_has_the_format), cmocka_unit_test(gauges_are_written),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
