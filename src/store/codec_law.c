#include "codec_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Row by row, byte by byte, through page_value(). */
static void
assert_same_rows(const struct made_page *made, const struct page *page)
{
    assert_int_equal(page->rows, made->page.rows);
    for (uint32_t row = 0; row < page->rows; row++) {
        char expected_text[PAGE_TEXT_MAX], text[PAGE_TEXT_MAX];
        struct bytes expected =
            page_value(&made->page, &made->dictionary, made->hint, row, expected_text);
        struct bytes value = page_value(page, &made->dictionary, made->hint, row, text);
        if (!same_value(expected, value))
            fail_msg("row %u of %u: %.*s came back as %.*s", row, page->rows, BYTES_ARG(expected),
                     BYTES_ARG(value));
    }
}

static void
assert_summary(const struct made_page *made, const struct page *page,
               const struct page_summary *summary)
{
    assert_true(summary->known);
    assert_int_equal(summary->kind, page->kind);
    if (page->kind == PAGE_NUMBERS)
        check_number_summary(made, page, summary);
    else
        assert_false(summary->complete || summary->bounded);
    if (page->kind != PAGE_CODES)
        return;
    int64_t minimum = INT64_MAX, maximum = INT64_MIN;
    for (uint32_t row = 0; row < page->rows; row++) {
        minimum = page->codes[row] < minimum ? page->codes[row] : minimum;
        maximum = page->codes[row] > maximum ? page->codes[row] : maximum;
    }
    assert_int_equal(summary->constant, minimum == maximum);
    assert_int_equal(summary->minimum, minimum);
    assert_int_equal(summary->maximum, maximum);
}

/* A decoded page says of itself what was said when it was encoded. */
static void
check_summarised(enum field_column hint, const struct page *page,
                 const struct page_summary *expected)
{
    struct page_summary summary;
    codec_summarise_page(hint, page, &summary);
    assert_true(summary.known);
    assert_int_equal(summary.kind, expected->kind);
    assert_int_equal(summary.constant, expected->constant);
    assert_int_equal(summary.complete, expected->complete);
    assert_int_equal(summary.bounded, expected->bounded);
    assert_int_equal(summary.digits, expected->digits);
    assert_true(summary.minimum == expected->minimum);
    assert_true(summary.maximum == expected->maximum);
}

/* The law of a page of codes that is asked as it lies: what it says of any codes is what the codes
 * say. */
static void
check_coded(const struct made_page *made, struct bytes encoded)
{
    struct coded_page coded;
    struct row_set all;
    const uint32_t *codes = made->page.codes;
    uint32_t rows = made->page.rows, most = made->dictionary.count;

    assert_int_equal(codes_open(encoded, rows, &coded, NULL), TALLY_OK);
    row_set_fill(&all, rows);
    for (unsigned round = 0; round < 8; round++) {
        struct row_set found = { 0 };
        uint32_t first = draw_below(most + 2), last = first + draw_below(round == 0 ? 1 : most + 2);
        codes_in(&coded, first, last, &all, &found);
        for (uint32_t row = 0; row < rows; row++)
            assert_int_equal(row_set_has(&found, row), codes[row] >= first && codes[row] <= last);
    }
    for (uint32_t row = 0; row < rows; row += 16) {
        uint32_t some[16];
        codes_gather16(&coded, row, some);
        for (uint32_t i = 0; i < 16; i++)
            assert_int_equal(some[i], row + i < rows ? codes[row + i] : 0);
    }
}

size_t
check_page(const struct made_page *made, enum codec codec)
{
    const struct page_source source = { &made->page, &made->dictionary, NULL };
    struct buffer out = { 0 };
    struct page_summary summary;
    struct page page;

    buffer_text(&out, "before"); /* appending, not replacing */
    assert_int_equal(codec_encode_page(workspace, codec, made->hint, &source, &out, &summary, NULL),
                     TALLY_OK);
    assert_memory_equal(out.data, "before", 6);
    struct bytes encoded = exact_copy(bytes_of(out.data + 6, out.size - 6));
    assert_int_equal(codec_decode_page(decoder, codec, made->hint, made->page.rows,
                                       made->dictionary.count, encoded, &page, NULL),
                     TALLY_OK);
    if (codec == CODEC_CODES && made->page.kind == PAGE_CODES)
        check_coded(made, encoded);
    assert_same_rows(made, &page);
    assert_summary(made, &page, &summary);
    check_summarised(made->hint, &page, &summary);
    if (page.kind == PAGE_NUMBERS)
        check_searches(made->hint, &page, encoded);
    if (codec == CODEC_NUMBERS)
        check_number_blocks(made, &page, encoded);
    if (codec == CODEC_NUMBERS && made->hint == COLUMN_HINT_TIME)
        check_lowered(&page, encoded);
    free((void *)encoded.data);
    size_t size = out.size - 6;
    buffer_free(&out);
    return size;
}

void
check_strips(struct bytes encoded, uint32_t rows, const struct primer *decode,
             const struct bytes *values)
{
    const struct encoded_text text = { rows, decode, encoded };
    struct text_strip strip = { 0 };
    for (uint32_t row = rows; row-- > 0;) {
        if (row - strip.first >= strip.count || row % 16 == 5) {
            assert_int_equal(codec_decode_strip(decoder, &text, row, &strip, NULL), TALLY_OK);
            assert_in_range(row, strip.first, strip.first + strip.count - 1);
            assert_true(strip.first + strip.count <= rows);
            assert_int_equal(strip.value.data == NULL, values[row].data == NULL);
            assert_true(bytes_equal(strip.value, values[row]));
            assert_int_equal(codec_split_strip(decoder, &strip, NULL), TALLY_OK);
        }
        struct bytes a = values[row], b = strip.values[row - strip.first];
        assert_int_equal(a.data == NULL, b.data == NULL);
        assert_true(bytes_equal(a, b));
    }
    for (uint32_t row = 0; row < rows; row += 1 + rows / 8) {
        if (values[row].size == 0 || values[row].size > 100)
            continue;
        assert_int_equal(codec_search_strip(decoder, &text, row, values[row], &strip, NULL),
                         TALLY_OK);
        assert_in_range(row, strip.first, strip.first + strip.count - 1);
        assert_int_equal(codec_search_strip(decoder, &text, row,
                                            bytes_text("what nobody has ever said"), &strip, NULL),
                         TALLY_ABSENT);
        assert_in_range(row, strip.first, strip.first + strip.count - 1);
    }
}

size_t
check_blocks(const struct made_page *made, const struct primer *encode, const struct primer *decode)
{
    const struct page_source source = { &made->page, &made->dictionary, NULL };
    size_t total = 0;

    for (uint32_t block = 0; block * BLOCK_ROWS < made->page.rows; block++) {
        uint32_t rest = made->page.rows - block * BLOCK_ROWS;
        uint32_t rows = rest < BLOCK_ROWS ? rest : BLOCK_ROWS;
        struct buffer out = { 0 };
        const struct bytes *values;
        assert_int_equal(
            codec_encode_block(workspace, made->hint, &source, block, encode, &out, NULL),
            TALLY_OK);
        struct bytes encoded = exact_copy(buffer_view(&out));
        const struct encoded_text text = { rows, decode, encoded };
        assert_int_equal(codec_decode_block(decoder, block, &text, &values, NULL), TALLY_OK);
        check_strips(encoded, rows, decode, values);
        free((void *)encoded.data);
        total += out.size;
        buffer_free(&out);
    }
    struct page page;
    page_decoder_text_page(decoder, made->page.rows, &page);
    assert_same_rows(made, &page);
    return total;
}

void
check_lone_ids(struct bytes encoded, const struct page *block)
{
    for (uint32_t row = 0; row < block->rows; row++) {
        uint8_t id[16] = { 0 }, form = ID_ABSENT;
        tally_status status = codec_decode_id(block->rows, row, encoded, id, &form, NULL);
        assert_int_equal(status, block->forms[row] == ID_EXCEPTION ? TALLY_ABSENT : TALLY_OK);
        if (status == TALLY_OK) {
            assert_int_equal(form, block->forms[row]);
            assert_memory_equal(id, block->ids[row], 16);
        }
    }
}

/* They are decoded from the last to the first, as somebody might ask who reads backwards. */
void
check_id_blocks(const struct made_page *made)
{
    uint32_t blocks = (made->page.rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    struct page page;
    for (uint32_t block = blocks; block-- > 0;) {
        struct page_exception room[BLOCK_ROWS];
        struct page slice, back;
        struct page_summary summary;
        struct buffer out = { 0 };
        page_slice(&made->page, block * BLOCK_ROWS, room, &slice);
        const struct page_source source = { &slice, &made->dictionary, NULL };
        assert_int_equal(
            codec_encode_page(workspace, CODEC_IDS, made->hint, &source, &out, &summary, NULL),
            TALLY_OK);
        struct bytes encoded = exact_copy(buffer_view(&out));
        assert_int_equal(codec_decode_ids(decoder, block, slice.rows, encoded, NULL), TALLY_OK);
        page_decoder_ids_block(decoder, block, slice.rows, &back);
        check_lone_ids(encoded, &back);
        free((void *)encoded.data);
        buffer_free(&out);
        for (uint32_t row = 0; row < slice.rows; row++) {
            char text_a[PAGE_TEXT_MAX], text_b[PAGE_TEXT_MAX];
            struct bytes a = page_value(&made->page, &made->dictionary, made->hint,
                                        block * BLOCK_ROWS + row, text_a);
            struct bytes b = page_value(&back, NULL, made->hint, row, text_b);
            assert_int_equal(a.data == NULL, b.data == NULL);
            assert_true(bytes_equal(a, b));
        }
    }
    assert_int_equal(page_decoder_ids_page(decoder, made->page.rows, &page, NULL), TALLY_OK);
    assert_same_rows(made, &page);
}
