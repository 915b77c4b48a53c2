#include "codec_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* A primer's sample: all of the page's values, and its first 32 strips of 64 rows. */
static struct primer_sample
sample_of(const struct made_page *made)
{
    return (struct primer_sample){
        .values = made->values,
        .value_count = PAGE_ROWS,
        .strips = made->values,
        .strip_rows = 64,
        .strip_count = 32,
    };
}

static void
test_primer(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    struct buffer bytes = { 0 };
    struct primer *encode, *decode;
    const struct column_profile small = { .text_size = 100000 }, large = { .text_size = 8 << 20 };

    fill_text(made, PAGE_ROWS);
    struct primer_sample sample = sample_of(made), none = sample;
    none.strip_count = 0;
    assert_int_equal(primer_make(&small, &sample, &bytes, NULL), TALLY_ABSENT);
    assert_int_equal(primer_make(&large, &none, &bytes, NULL), TALLY_ABSENT);
    assert_int_equal(bytes.size, 0);
    assert_int_equal(primer_make(&large, &sample, &bytes, NULL), TALLY_OK);
    assert_in_range(bytes.size, PRIMER_SIZE_MAX / 2, PRIMER_SIZE_MAX);
    assert_int_equal(primer_create(buffer_view(&bytes), PRIMER_ENCODE, &encode, NULL), TALLY_OK);
    assert_int_equal(primer_create(buffer_view(&bytes), PRIMER_DECODE, &decode, NULL), TALLY_OK);
    assert_true(primer_memory(encode) >= bytes.size);

    size_t alone = check_blocks(made, NULL, NULL);
    size_t primed = check_blocks(made, encode, decode);
    assert_true(primed < alone);

    /* A block that needs a primer says so. */
    const struct page_source source = { &made->page, NULL, NULL };
    struct buffer out = { 0 };
    struct text_strip strip;
    const struct bytes *values;
    assert_int_equal(
        codec_encode_block(workspace, COLUMN_HINT_TEXT, &source, 0, encode, &out, NULL), TALLY_OK);
    const struct encoded_text text = { BLOCK_ROWS, NULL, buffer_view(&out) };
    assert_int_equal(codec_decode_block(decoder, 0, &text, &values, NULL), TALLY_DAMAGED);
    assert_int_equal(codec_decode_strip(decoder, &text, 9, &strip, NULL), TALLY_DAMAGED);
    buffer_free(&out);
    primer_destroy(encode);
    primer_destroy(decode);
    buffer_free(&bytes);
    free(made);
}

/* Text that begins like a dictionary of zstd's is text; other bytes than a primer's are damage. */
static void
test_primer_bytes(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    struct buffer bytes = { 0 };
    struct primer *encode, *decode;
    const struct column_profile large = { .text_size = 8 << 20 };

    fill_text(made, PAGE_ROWS);
    memcpy(made->texts[0], "\x37\xa4\x30\xec", 4);
    const struct primer_sample sample = sample_of(made);
    assert_int_equal(primer_make(&large, &sample, &bytes, NULL), TALLY_OK);
    assert_int_equal(primer_create(buffer_view(&bytes), PRIMER_ENCODE, &encode, NULL), TALLY_OK);
    assert_int_equal(primer_create(buffer_view(&bytes), PRIMER_DECODE, &decode, NULL), TALLY_OK);
    check_blocks(made, encode, decode);
    primer_destroy(encode);
    primer_destroy(decode);
    static const struct bytes others[] = {
        BYTES(""),
        BYTES("text of nobody's primer"),
        BYTES("\x37\xa4\x30\xec\1\0\0\0x"),
        BYTES("\x37\xa4\x30\xec\1\0\0"),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(primer_create(others[i], PRIMER_DECODE, &decode, NULL), TALLY_DAMAGED);
    /* Any bit of the tables, and any end. */
    for (size_t bit = 0; bit < 8 * 256; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tally_status status = primer_create(buffer_view(&bytes), PRIMER_DECODE, &decode, NULL);
        assert_true(status == TALLY_OK || status == TALLY_DAMAGED);
        if (status == TALLY_OK)
            primer_destroy(decode);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < 256; size++) {
        tally_status status =
            primer_create(bytes_of(bytes.data, size), PRIMER_DECODE, &decode, NULL);
        assert_true(status == TALLY_OK || status == TALLY_DAMAGED);
        if (status == TALLY_OK)
            primer_destroy(decode);
    }
    buffer_free(&bytes);
    free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_primer),
        cmocka_unit_test(test_primer_bytes),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
