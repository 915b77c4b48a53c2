/*
 * scan_stop_test.c - what ends a scan before its end: somebody who waits no longer, and the
 * first failure of several threads.
 */
#include "corpus_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Ends a scan after so many pages. */
static tally_status
count_down(void *context, struct tally_error *error)
{
    unsigned *left = context;
    (void)error;
    return (*left)-- == 0 ? TALLY_BUSY : TALLY_OK;
}

static void
who_waits_no_longer_is_heard_at_every_page(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 3 * 4096, 300, 4096, 1, 0 };
    const unsigned pages = 3 + 1 + 1 + 1;
    struct corpus *corpus = corpus_create(7, sizes);
    struct corpus_scan scan;
    corpus_scan_begin(&scan, corpus, "index:0..", 1); /* counts do not tell */
    for (unsigned allowed = 0; allowed <= pages; allowed++) {
        const tally_status wanted = allowed < pages ? TALLY_BUSY : TALLY_OK;
        const struct scan_place place = SCAN_START;
        static struct scan_hit hits[20000];
        struct scan_list list;
        uint64_t count;
        unsigned left = allowed;
        scan_watch(scan.scan, count_down, &left);
        assert_int_equal(scan_count(scan.scan, &count, NULL), wanted);
        for (enum scan_order order = ORDER_TIME_DOWN; order <= ORDER_INDEX_DOWN; order++) {
            left = allowed;
            assert_int_equal(scan_list(scan.scan, order, &place, hits, 20000, &list, NULL), wanted);
        }
    }
    corpus_scan_end(&scan);
    corpus_destroy(corpus);
}

/* Fails at its page number `left`, with a message of its own. */
static tally_status
visit_some(void *context, const struct scan_page *page, struct tally_error *error)
{
    unsigned *left = context;
    (void)page;
    if ((*left)-- > 0)
        return TALLY_OK;
    (void)snprintf(error->text, sizeof error->text, "enough");
    return TALLY_IO;
}

/* Two segments by their counts, and the pages of two heads. */
static void
who_waits_no_longer_is_heard_at_every_run_that_is_counted(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 3 * 4096, 300, 4096, 1, 0 };
    const unsigned asked = 1 + 1 + 1 + 1;
    struct corpus *corpus = corpus_create(7, sizes);
    struct corpus_scan scan;
    corpus_scan_begin(&scan, corpus, "", 1);
    for (unsigned allowed = 0; allowed <= asked; allowed++) {
        uint64_t count;
        unsigned left = allowed;
        scan_watch(scan.scan, count_down, &left);
        assert_int_equal(scan_count(scan.scan, &count, NULL),
                         allowed < asked ? TALLY_BUSY : TALLY_OK);
    }
    assert_int_equal(scan_account(scan.scan)->runs[FATE_COUNTED] > 0, true);
    corpus_scan_end(&scan);
    corpus_destroy(corpus);
}

static void
the_first_failure_ends_all_threads(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 3 * 4096, 300, 4096, 1, 5, 0 };
    struct corpus *corpus = corpus_create(7, sizes);
    struct corpus_scan scan;
    const struct scan_visits visits = { .page = visit_some };
    corpus_scan_begin(&scan, corpus, "", 1);
    for (unsigned left = 0; left < 2; left++) {
        /* Of seven pages one of three threads has three. */
        unsigned lefts[3] = { left, left, left };
        void *contexts[3] = { &lefts[0], &lefts[1], &lefts[2] };
        struct tally_error error = { 0 };
        assert_int_equal(scan_visit(scan.scan, 3, &visits, contexts, &error), TALLY_IO);
        assert_string_equal(error.text, "enough");
    }
    unsigned allowed = 0;
    uint64_t count;
    scan_watch(scan.scan, count_down, &allowed);
    scan_share(scan.scan, SCAN_THREADS_MAX + 1);
    assert_int_equal(scan_threads(scan.scan), 2); /* of five runs */
    assert_int_equal(scan_count(scan.scan, &count, NULL), TALLY_BUSY);
    allowed = 100;
    assert_int_equal(scan_count(scan.scan, &count, NULL), TALLY_OK);
    assert_in_range(allowed, 93, 99); /* one at least, seven at most */
    corpus_scan_end(&scan);
    corpus_destroy(corpus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_no_longer_is_heard_at_every_page),
        cmocka_unit_test(who_waits_no_longer_is_heard_at_every_run_that_is_counted),
        cmocka_unit_test(the_first_failure_ends_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
