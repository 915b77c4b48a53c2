#include "codec_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Strips have less rows the more text there is, and one without a value takes no byte. */
static void
test_strips(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    struct buffer out = { 0 };
    const struct bytes *values;
    assert_int_equal(text_strip_rows(4096, BLOCK_ROWS), 256);
    assert_int_equal(text_strip_rows(4097, BLOCK_ROWS), 128);
    assert_int_equal(text_strip_rows(30000, BLOCK_ROWS), 32);
    assert_int_equal(text_strip_rows(UINT32_MAX, BLOCK_ROWS), 16);
    assert_int_equal(text_strip_rows(30000, 1), 16);
    assert_int_equal(text_strip_rows(0, BLOCK_ROWS), 256);

    fill_text(made, BLOCK_ROWS); /* some 30 bytes each: two strips of 128 rows */
    for (uint32_t row = 0; row < 200; row++)
        made->values[row] = bytes_of(NULL, 0);
    lay_out(made, PAGE_VALUES, COLUMN_HINT_TEXT, BLOCK_ROWS);
    check_blocks(made, NULL, NULL);
    fill_text(made, BLOCK_ROWS);
    for (uint32_t row = 128; row < BLOCK_ROWS; row++)
        made->values[row] = bytes_of(NULL, 0);
    made->values[0] = bytes_of(made->texts, sizeof made->texts); /* many strips, most of nothing */
    lay_out(made, PAGE_VALUES, COLUMN_HINT_TEXT, BLOCK_ROWS);
    check_blocks(made, NULL, NULL);

    const struct page_source source = { &made->page, NULL, NULL };
    assert_int_equal(codec_encode_block(workspace, COLUMN_HINT_TEXT, &source, 0, NULL, &out, NULL),
                     TALLY_OK);
    assert_int_equal(out.data[0], 4);
    /* Fifteen sizes: of the strips 8 to 14 none has a byte, nor has the last. */
    static const uint8_t nothing[7] = { 0 };
    uint32_t size, total = 0;
    struct bytes sizes = bytes_of(out.data + 1, out.size - 1);
    for (unsigned strip = 0; strip < 8; strip++) {
        assert_true(take_varint(&sizes, &size) && size > 0);
        total += size;
    }
    assert_memory_equal(sizes.data, nothing, sizeof nothing);
    assert_int_equal(sizes.size, sizeof nothing + total);
    const struct encoded_text text = { BLOCK_ROWS, NULL, buffer_view(&out) };
    assert_int_equal(codec_decode_block(decoder, 0, &text, &values, NULL), TALLY_OK);
    buffer_free(&out);
    free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strips),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
