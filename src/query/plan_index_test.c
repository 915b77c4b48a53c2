/*
 * plan_index_test.c - pages that indexes rule out, which nobody asks then.
 */
#include "corpus_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Counts, and says how many pages were asked about. */
static uint64_t
count_asked(struct corpus *corpus, const char *text, uint64_t *pages_asked)
{
    struct corpus_scan scan;
    uint64_t count;
    corpus_scan_begin(&scan, corpus, text, 1);
    assert_int_equal(scan_count(scan.scan, &count, NULL), TALLY_OK);
    *pages_asked = scan_account(scan.scan)->pages[FATE_ASKED];
    corpus_scan_end(&scan);
    return count;
}

/* The heads' two pages are asked about in any case; hardly any other has what is asked for. */
static void
indexes_rule_pages_out(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 40000, 20000, 100, 100, 0 };
    static const struct {
        const char *filter;
        uint64_t count, pages;
    } rows[] = {
        { "session_id:session-3", 100, 1 },
        { "session_id:session-3,session-100", 200, 2 },
        { "details.of.rare:k-7", 67, 1 },
        { "details.n:7.5", 167, 1 },
        { "details.n:7.5 session_id:session-99", 0, 0 },
        { "session_id:session-3 OR details.of.rare:k-200", 166, 2 },
        { "user_id:u1 session_id:nobody", 0, 0 },
        { "endpoint:/api/items/17 index:<20000", 4, 4 },
        { "session_id:session-3 -details.of.rare:k-4", 67, 1 },
    };
    struct corpus *corpus = corpus_create(8, sizes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t pages, all;
        uint64_t count = count_asked(corpus, rows[i].filter, &pages);
        if (pages > rows[i].pages + 2 + 1)
            fail_msg("%s: %u pages", rows[i].filter, (unsigned)pages);
        if (count > rows[i].count || count < rows[i].count * 9 / 10)
            fail_msg("%s: %u entries", rows[i].filter, (unsigned)count);
        if (i + 1 < sizeof rows / sizeof *rows)
            continue;
        corpus_change(corpus, CORPUS_LOSE_INDEXES);
        assert_int_equal(count_asked(corpus, rows[i].filter, &all), count);
        assert_true(all > pages);
    }
    corpus_destroy(corpus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_rule_pages_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
