/*
 * run_codes_test.c - pages of codes that are asked as they lie, in segments and heads.
 */
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The rows of a page whose codes are in a range, by the page decoded. */
static void
check_codes(struct run_reader *reader, const struct run *run, enum field_id field, uint32_t number,
            const struct code_range *range)
{
    struct row_set all, found = { 0 };
    struct page page;
    uint32_t left = run->count - number * PAGE_ROWS;
    row_set_fill(&all, left < PAGE_ROWS ? left : PAGE_ROWS);
    assert_int_equal(run_codes_in(reader, field, number, range, &all, &found, NULL), TALLY_OK);
    assert_int_equal(run_page(reader, field, number, &page, NULL), TALLY_OK);
    assert_true(page.kind == PAGE_CODES || page.kind == PAGE_ABSENT);
    for (uint32_t row = 0; row < PAGE_ROWS; row++) {
        uint32_t code = page.kind == PAGE_CODES && row < page.rows ? page.codes[row] : 0;
        bool in = row < page.rows && code >= range->first && code <= range->last;
        if (row_set_has(&found, row) != in)
            fail_msg("page %u, row %u has code %u: it is%s in %u to %u", number, row, code,
                     in ? "" : " not", range->first, range->last);
    }
}

/* In segments and heads, in any order of pages, also where a snapshot of an older size cuts a page.
 */
static void
codes_are_found_as_they_are_decoded(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 26000, 300, 5000, 700, 0 };
    static const enum field_id of[] = { FIELD_ACTION, FIELD_STATUS, FIELD_USER_ID };
    struct corpus *corpus = corpus_create(13, sizes);
    uint64_t seed = 5;
    for (unsigned cut = 0; cut < 2; cut++) {
        struct scan_source source = corpus_source(corpus, cut == 0 ? corpus->count : 23456);
        for (size_t i = 0; i < source.run_count; i++) {
            const struct run *run = source.run(source.context, i);
            struct run_reader *reader;
            assert_int_equal(run_reader_create(run, &reader, NULL), TALLY_OK);
            for (unsigned round = 0; round < 60; round++) {
                enum field_id field = of[corpus_random(&seed, 3)];
                uint32_t page = (uint32_t)corpus_random(&seed, run_page_count(run));
                uint32_t first = (uint32_t)corpus_random(&seed, 8);
                uint32_t last = first + (uint32_t)corpus_random(&seed, round % 2 == 0 ? 1 : 8);
                if (round % 10 == 0)
                    last = UINT32_MAX;
                check_codes(reader, run, field, page, &(struct code_range){ first, last });
            }
            run_reader_destroy(reader);
        }
    }
    corpus_destroy(corpus);
}

/* A page here and a page there is read alone; in order, several come with one read. */
static void
pages_in_order_are_read_together(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 16 * PAGE_ROWS, 10, 10, 0 };
    struct corpus *corpus = corpus_create(17, sizes);
    struct scan_source source = corpus_source(corpus, corpus->count);
    const struct run *run = source.run(source.context, 0);
    const struct code_range range = { 1, 1 };
    struct row_set all, found = { 0 };
    struct run_reader *reader;
    assert_non_null(run->segment);
    row_set_fill(&all, PAGE_ROWS);
    assert_int_equal(run_reader_create(run, &reader, NULL), TALLY_OK);

    assert_int_equal(run_codes_in(reader, FIELD_ACTION, 15, &range, &all, &found, NULL), TALLY_OK);
    struct run_meter before = *run_meter(reader);
    assert_int_equal(run_codes_in(reader, FIELD_ACTION, 9, &range, &all, &found, NULL), TALLY_OK);
    uint64_t alone = run_meter(reader)->bytes - before.bytes;
    assert_int_equal(run_meter(reader)->reads - before.reads, 1);
    assert_int_equal(run_codes_in(reader, FIELD_ACTION, 2, &range, &all, &found, NULL), TALLY_OK);
    assert_int_equal(run_meter(reader)->reads - before.reads, 2);
    assert_in_range(run_meter(reader)->bytes - before.bytes, alone + 1, 3 * alone);

    before = *run_meter(reader);
    for (uint32_t page = 0; page < 16; page++)
        assert_int_equal(run_codes_in(reader, FIELD_ACTION, page, &range, &all, &found, NULL),
                         TALLY_OK);
    assert_in_range(run_meter(reader)->reads - before.reads, 1, 4); /* of 1, 4 and 11 pages */
    run_reader_destroy(reader);
    corpus_destroy(corpus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_found_as_they_are_decoded),
        cmocka_unit_test(pages_in_order_are_read_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
