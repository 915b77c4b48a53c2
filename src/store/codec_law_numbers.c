#include "codec_law.h"

#include "number_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void
check_number_summary(const struct made_page *made, const struct page *page,
                     const struct page_summary *summary)
{
    const __int128 limit = INT64_C(1000000000000000000);
    bool time = made->hint == COLUMN_HINT_TIME, absent = false, bounded = true;
    unsigned digits = 0;
    __int128 minimum = INT64_MAX, maximum = INT64_MIN;
    for (uint32_t row = 0; row < page->rows; row++) {
        absent |= page->forms[row] == NUMBER_ABSENT;
        bounded &= page->forms[row] != NUMBER_EXCEPTION || time;
        if (page->forms[row] <= NUMBER_DIGITS_MAX && page->forms[row] > digits && !time)
            digits = page->forms[row];
    }
    for (uint32_t row = 0; row < page->rows && bounded; row++) {
        __int128 key = page->keys[row];
        if (page->forms[row] == NUMBER_ABSENT)
            continue;
        for (unsigned more = page->forms[row]; more < digits && !time; more++)
            key *= 10;
        bounded &= time || (key < limit && key > -limit);
        minimum = key < minimum ? key : minimum;
        maximum = key > maximum ? key : maximum;
    }
    assert_int_equal(summary->complete, !absent);
    assert_int_equal(summary->bounded, bounded);
    assert_int_equal(summary->digits, bounded ? digits : 0);
    assert_true(summary->minimum == (bounded ? minimum : 0));
    assert_true(summary->maximum == (bounded ? maximum : 0));
}

/* The end of a range: a key of the page or next to it, or anything. */
static int64_t
some_bound(const int64_t *keys, uint32_t rows)
{
    uint64_t key = (uint64_t)keys[draw_below(rows)];
    switch (draw_below(10)) {
    case 0:
        return INT64_MIN;
    case 1:
        return INT64_MAX;
    case 2:
        return (int64_t)draw();
    default:
        return (int64_t)(key + draw_below(3) - 1);
    }
}

static void
some_ranges(struct key_range *ranges, uint32_t count, const int64_t *keys, uint32_t rows)
{
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned digits = 0; digits <= NUMBER_DIGITS_MAX; digits++) {
            ranges[i].low[digits] = some_bound(keys, rows);
            ranges[i].high[digits] = some_bound(keys, rows);
        }
    }
}

/* A search found what each row's form and key say, of the rows it was about. */
static void
assert_search(const struct number_search *search, const struct page *page)
{
    for (uint32_t row = 0; row < PAGE_ROWS; row++) {
        bool within = false, exception = false;
        if (row < page->rows && row_set_has(search->among, row)) {
            uint8_t form = page->forms[row];
            exception = form == NUMBER_EXCEPTION;
            for (uint32_t i = 0; i < search->range_count && form <= NUMBER_DIGITS_MAX; i++)
                within |= page->keys[row] >= search->ranges[i].low[form] &&
                          page->keys[row] <= search->ranges[i].high[form];
        }
        assert_int_equal(row_set_has(search->found, row), within);
        assert_int_equal(row_set_has(search->exceptions, row), exception);
    }
}

void
check_searches(enum field_column hint, const struct page *page, struct bytes encoded)
{
    for (unsigned round = 0; round < 4; round++) {
        struct key_range ranges[3];
        struct row_set among;
        row_set_fill(&among, page->rows);
        for (unsigned i = 0; i < ROW_SET_WORDS && round > 0; i++)
            among.words[i] &= draw_below(3) == 0 ? 0 : draw() | draw();
        some_ranges(ranges, 3, page->keys, page->rows);
        for (unsigned way = 0; way < 2; way++) {
            struct row_set found = { 0 }, exceptions = { 0 };
            const struct number_search search = { ranges, draw_below(4), &among, &found,
                                                  &exceptions };
            if (way == 0)
                number_search_page(&search, page);
            else
                assert_int_equal(number_search_encoded(&search, encoded, hint, page->rows, NULL),
                                 TALLY_OK);
            assert_search(&search, page);
        }
    }
}

void
check_number_blocks(const struct made_page *made, const struct page *page, struct bytes encoded)
{
    struct page_decoder *other;
    assert_int_equal(page_decoder_create(workspace, &other, NULL), TALLY_OK);
    for (uint32_t first = 0; first < made->page.rows; first += BLOCK_ROWS) {
        struct page block;
        uint32_t left = made->page.rows - first, slot = first / BLOCK_ROWS;
        uint32_t rows = left < BLOCK_ROWS ? left : BLOCK_ROWS;
        tally_status status =
            codec_decode_numbers(other, slot, made->hint, made->page.rows, encoded, NULL);
        bool exceptions = false;
        page_decoder_numbers_block(other, slot, rows, &block);
        for (uint32_t row = 0; row < rows; row++) {
            char expected_text[PAGE_TEXT_MAX], text[PAGE_TEXT_MAX];
            struct bytes expected =
                page_value(&made->page, &made->dictionary, made->hint, first + row, expected_text);
            exceptions |=
                page->kind == PAGE_NUMBERS && page->forms[first + row] == NUMBER_EXCEPTION;
            if (status == TALLY_OK)
                assert_true(same_value(expected, page_value(&block, NULL, made->hint, row, text)));
        }
        assert_int_equal(status, exceptions ? TALLY_ABSENT : TALLY_OK);
    }
    page_decoder_destroy(other);
}

void
check_lowered(const struct page *page, struct bytes encoded)
{
    int64_t times[PAGE_ROWS];
    struct row_set wanted = { 0 };
    bool exceptions = false;
    for (uint32_t row = draw_below(300); row < page->rows; row += 1 + draw_below(600))
        row_set_add(&wanted, row);
    for (uint32_t row = 0; row < page->rows; row++)
        times[row] = row % 3 == 0 ? INT64_MIN : INT64_MAX;
    tally_status status = codec_lower_times(encoded, page->rows, &wanted, times, NULL);
    for (uint32_t row = 0; row < page->rows; row++) {
        uint8_t form = page->kind == PAGE_NUMBERS ? page->forms[row] : NUMBER_ABSENT;
        bool has = row_set_has(&wanted, row) && form != NUMBER_ABSENT && row % 3 != 0;
        exceptions |= row_set_has(&wanted, row) && form == NUMBER_EXCEPTION;
        if (status == TALLY_OK)
            assert_true(times[row] == (has            ? page->keys[row]
                                       : row % 3 == 0 ? INT64_MIN
                                                      : INT64_MAX));
    }
    assert_int_equal(status, exceptions ? TALLY_ABSENT : TALLY_OK);
}
