/*
 * codec_damage_test.c - what is damaged is never more than refused: every cut and every flipped bit of
 * good pages, noise, and one by one what no writer makes.
 */
#include "codec_law.h"

#include "base64.h"
#include "number_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* What reads only a part of a page of numbers ends, too. */
static void
feed_in_part(enum field_column hint, uint32_t rows, struct bytes bytes)
{
    struct key_range range = { { -1 }, { 1 } };
    struct row_set among, found = { 0 }, exceptions = { 0 };
    const struct number_search search = { &range, 1, &among, &found, &exceptions };
    row_set_fill(&among, rows);
    tally_status status = codec_decode_numbers(decoder, 0, hint, rows, bytes, NULL);
    assert_true(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_DAMAGED);
    status = number_search_encoded(&search, bytes, hint, rows, NULL);
    assert_true(status == TALLY_OK || status == TALLY_DAMAGED);
    int64_t times[PAGE_ROWS] = { 0 };
    status = codec_lower_times(bytes, rows, &among, times, NULL);
    assert_true(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_DAMAGED);
}

/* One id alone is what it is in the block, where that can be decoded; else it is one or a refusal.
 * */
static void
feed_lone_ids(uint32_t rows, struct bytes bytes, const struct page *block)
{
    if (block != NULL && block->kind == PAGE_IDS)
        check_lone_ids(bytes, block);
    for (uint32_t row = 0; row < rows; row++) {
        uint8_t id[16], form = ID_ABSENT;
        tally_status status = codec_decode_id(rows, row, bytes, id, &form, NULL);
        assert_true(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_DAMAGED);
        assert_in_range(form, ID_ABSENT, ID_RAW);
    }
}

/* What any damage may do: nothing but a page of as many rows, or a refusal. */
static void
feed(enum codec codec, enum field_column hint, uint32_t rows, struct bytes bytes)
{
    struct bytes exact = exact_copy(bytes);
    struct page page;
    const struct bytes *values;
    tally_status status;
    if (codec == CODEC_TEXT) {
        const struct encoded_text text = { rows, NULL, exact };
        status = codec_decode_block(decoder, 0, &text, &values, NULL);
        for (uint32_t row = 0; status == TALLY_OK && row < rows; row++)
            (void)bytes_equal(values[row], values[0]);
        if (status == TALLY_OK)
            check_strips(exact, rows, NULL, values);
        for (uint32_t row = 0; status != TALLY_OK && row < rows; row++) {
            struct text_strip strip;
            tally_status alone = codec_decode_strip(decoder, &text, row, &strip, NULL);
            assert_true(alone == TALLY_OK || alone == TALLY_DAMAGED);
        }
    } else {
        status = codec_decode_page(decoder, codec, hint, rows, 9, exact, &page, NULL);
        for (uint32_t row = 0; status == TALLY_OK && row < rows; row++) {
            char text[PAGE_TEXT_MAX];
            if (page.kind == PAGE_CODES)
                assert_true(page.codes[row] <= 9);
            else
                (void)page_value(&page, NULL, hint, row, text);
        }
        if (status == TALLY_OK && page.kind == PAGE_NUMBERS)
            check_searches(hint, &page, exact);
        if (codec == CODEC_NUMBERS)
            feed_in_part(hint, rows, exact);
        if (codec == CODEC_IDS && rows <= BLOCK_ROWS)
            feed_lone_ids(rows, exact, status == TALLY_OK ? &page : NULL);
    }
    assert_true(status == TALLY_OK || status == TALLY_DAMAGED);
    free((void *)exact.data);
}

static void
feed_damaged(enum codec codec, enum field_column hint, uint32_t rows, struct buffer *encoded)
{
    for (size_t size = 0; size < encoded->size; size++)
        feed(codec, hint, rows, bytes_of(encoded->data, size));
    for (size_t bit = 0; bit < encoded->size * 8; bit++) {
        encoded->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        feed(codec, hint, rows, buffer_view(encoded));
        encoded->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buffer_byte(encoded, 0);
    feed(codec, hint, rows, buffer_view(encoded));
}

static void
test_damage(void **unused)
{
    (void)unused;
    static const enum codec codecs[] = { CODEC_CODES, CODEC_NUMBERS, CODEC_IDS, CODEC_TEXT };
    struct made_page *made = calloc(1, sizeof *made);
    enum {
        ROWS = 40
    };

    for (unsigned c = 0; c < 4; c++) {
        struct buffer out = { 0 };
        struct page_summary summary;
        fill_awkward(made, ROWS);
        enum field_column hint = c == 1 ? COLUMN_HINT_TIME : COLUMN_HINT_TEXT;
        lay_out(made, PAGE_VALUES, hint, ROWS);
        if (codecs[c] == CODEC_CODES)
            lay_out_codes(made, 9, ROWS);
        const struct page_source source = { &made->page, &made->dictionary, NULL };
        tally_status status =
            codecs[c] == CODEC_TEXT
                ? codec_encode_block(workspace, hint, &source, 0, NULL, &out, NULL)
                : codec_encode_page(workspace, codecs[c], hint, &source, &out, &summary, NULL);
        assert_int_equal(status, TALLY_OK);
        feed_damaged(codecs[c], hint, ROWS, &out);
        buffer_free(&out);
    }
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t noise[96];
        for (unsigned i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)(draw() >> draw_below(64)); /* mostly small */
        feed(codecs[round % 4], COLUMN_HINT_NUMBER, 1 + draw_below(64),
             bytes_of(noise, draw_below(96)));
    }
    free(made);
}

#define PACKED_1     "0000000001000000000000000000000000000000000000000000000000000000"
#define PLANE(digit) "0" digit "00000000000000"
#define NO_OFFSETS     \
    "0000000000000000" \
    "00"               \
    "0000"
/* Bytes that no writer makes. Each row differs from a good page in one thing. */
static const struct {
    enum codec codec;
    uint32_t rows;
    const char *hex;
    tally_status status;
} refusals[] = {
    { CODEC_CODES, 2, "0900000000", TALLY_OK },
    { CODEC_CODES, 2, "0a00000000", TALLY_DAMAGED },            /* beyond the dictionary */
    { CODEC_CODES, 2, "090000000000", TALLY_DAMAGED },          /* a byte left over */
    { CODEC_CODES, 2, "09000000", TALLY_DAMAGED },              /* cut short */
    { CODEC_CODES, 2, "0800000001" PLANE("2"), TALLY_OK },      /* 8, 9 */
    { CODEC_CODES, 2, "0900000001" PLANE("2"), TALLY_DAMAGED }, /* 9, 10 */
    { CODEC_CODES, 2, "0700000001" PLANE("6"), TALLY_DAMAGED }, /* a bit behind the last row */
    { CODEC_CODES, 2, "0700000001" PLANE("3"), TALLY_DAMAGED }, /* the base is not the least */
    { CODEC_CODES, 2, "0700000001" PLANE("0"), TALLY_DAMAGED }, /* a plane for nothing */
    { CODEC_CODES, 2, "0700000002" PLANE("1") PLANE("0"), TALLY_DAMAGED }, /* the upper one */
    { CODEC_CODES, 2, "0700000002" PLANE("0") PLANE("1"), TALLY_OK },      /* 9, 7 */
    { CODEC_CODES, 2, "0800000002" PLANE("0") PLANE("1"), TALLY_DAMAGED }, /* 10, 8 */
    { CODEC_CODES, 2, "0000000000", TALLY_DAMAGED },                       /* absent, at length */
    { CODEC_CODES, 2, "0000000021", TALLY_DAMAGED },                       /* a width of 33 */
    { CODEC_NUMBERS, 2,
      "0102"
      "0000" NO_OFFSETS,
      TALLY_OK }, /* twice 0.00 */
    { CODEC_NUMBERS, 2,
      "0102"
      "0000" NO_OFFSETS "00",
      TALLY_DAMAGED },
    { CODEC_NUMBERS, 2,
      "0112"
      "0000" NO_OFFSETS,
      TALLY_OK }, /* 18 digits */
    { CODEC_NUMBERS, 2,
      "0113"
      "0000" NO_OFFSETS,
      TALLY_DAMAGED }, /* 19 */
    { CODEC_NUMBERS, 2,
      "01fd"
      "0000" NO_OFFSETS,
      TALLY_DAMAGED }, /* no form at all */
    { CODEC_NUMBERS, 2,
      "00"
      "0000" NO_OFFSETS,
      TALLY_DAMAGED }, /* a list of none */
    { CODEC_NUMBERS, 2, "020002" PACKED_1 "0000" NO_OFFSETS, TALLY_OK },
    { CODEC_NUMBERS, 2, "020200" PACKED_1 "0000" NO_OFFSETS, TALLY_DAMAGED }, /* descend */
    { CODEC_NUMBERS, 2, "020202" PACKED_1 "0000" NO_OFFSETS, TALLY_DAMAGED }, /* twice */
    { CODEC_NUMBERS, 2,
      "0102"
      "0200" NO_OFFSETS,
      TALLY_DAMAGED }, /* no such order */
    { CODEC_NUMBERS, 2,
      "0102"
      "0100"
      "0000000000000000"
      "00" NO_OFFSETS,
      TALLY_OK },
    { CODEC_NUMBERS, 2,
      "0102"
      "0100"
      "0000000000000000"
      "08" NO_OFFSETS,
      TALLY_OK }, /* the size of what there is none of */
    { CODEC_NUMBERS, 2,
      "0102"
      "0100"
      "0000000000000000"
      "09" NO_OFFSETS,
      TALLY_DAMAGED },
    { CODEC_NUMBERS, 257,
      "0102"
      "0100"
      "0000000000000000"
      "0180" NO_OFFSETS,
      TALLY_OK }, /* 256 times 0.00, then -1.28 */
    { CODEC_NUMBERS, 257,
      "0102"
      "0100"
      "0000000000000000"
      "01" NO_OFFSETS,
      TALLY_DAMAGED }, /* no start of the second block */
    { CODEC_NUMBERS, 1,
      "0102"
      "0100"
      "0000000000000000"
      "00" NO_OFFSETS,
      TALLY_DAMAGED }, /* no differences of one */
    { CODEC_NUMBERS, 2,
      "0102"
      "000a" NO_OFFSETS,
      TALLY_DAMAGED }, /* the exponent */
    { CODEC_NUMBERS, 2,
      "0102"
      "0000"
      "0000000000000000"
      "41"
      "0000",
      TALLY_DAMAGED },
    { CODEC_NUMBERS, 2,
      "0102"
      "0000"
      "0000000000000000"
      "00"
      "0200"
      "00000100"
      "00000000000000000000000000000000",
      TALLY_OK },
    { CODEC_NUMBERS, 2,
      "0102"
      "0000"
      "0000000000000000"
      "00"
      "0200"
      "00000000"
      "00000000000000000000000000000000",
      TALLY_DAMAGED }, /* one place twice */
    { CODEC_NUMBERS, 2,
      "0102"
      "0000"
      "0000000000000000"
      "00"
      "0200"
      "00000200"
      "00000000000000000000000000000000",
      TALLY_DAMAGED }, /* beyond the rows */
    { CODEC_NUMBERS, 1,
      "01fe"
      "0000" NO_OFFSETS "000278",
      TALLY_OK }, /* an exception */
    { CODEC_NUMBERS, 1,
      "01fe"
      "0000" NO_OFFSETS "0000",
      TALLY_DAMAGED }, /* that is absent */
    { CODEC_NUMBERS, 1,
      "01fe"
      "0000" NO_OFFSETS,
      TALLY_DAMAGED }, /* that is missing */
    { CODEC_IDS, 1,
      "0103"
      "00112233445566778899aabbccddeeff",
      TALLY_OK },
    { CODEC_IDS, 1,
      "0103"
      "00112233445566778899aabbccddee",
      TALLY_DAMAGED },
    { CODEC_IDS, 1,
      "0103"
      "00112233445566778899aabbccddeeff00",
      TALLY_DAMAGED },
    { CODEC_IDS, 1,
      "0105"
      "00112233445566778899aabbccddeeff",
      TALLY_DAMAGED },
    { CODEC_IDS, 1, "0100", TALLY_OK }, /* absent, at length */
    { CODEC_TEXT, 2,
      "08"
      "00"
      "0201"
      "78",
      TALLY_OK },
    { CODEC_TEXT, 2,
      "08"
      "00"
      "0201"
      "7878",
      TALLY_DAMAGED }, /* a byte left over */
    { CODEC_TEXT, 2,
      "08"
      "00"
      "0202"
      "78",
      TALLY_DAMAGED }, /* one missing */
    { CODEC_TEXT, 2,
      "08"
      "00"
      "02",
      TALLY_DAMAGED }, /* a length missing */
    { CODEC_TEXT, 2,
      "08"
      "00"
      "02"
      "8100"
      "78",
      TALLY_DAMAGED }, /* 1 in two bytes */
    { CODEC_TEXT, 1,
      "08"
      "00"
      "82808040",
      TALLY_DAMAGED }, /* a value too long */
    { CODEC_TEXT, 2,
      "08"
      "01"
      "0201"
      "78",
      TALLY_DAMAGED }, /* no frame */
    { CODEC_TEXT, 2,
      "08"
      "03"
      "0201"
      "78",
      TALLY_DAMAGED }, /* an unknown method */
    { CODEC_TEXT, 2,
      "03"
      "00"
      "0201"
      "78",
      TALLY_DAMAGED }, /* strips of 8 rows */
    { CODEC_TEXT, 2,
      "09"
      "00"
      "0201"
      "78",
      TALLY_DAMAGED },                 /* of 512 */
    { CODEC_TEXT, 1, "08", TALLY_OK }, /* absent, at length */
    { CODEC_TEXT, 17,
      "04"
      "00"
      "00"
      "0278",
      TALLY_OK }, /* a strip without a value, and one of a row */
    { CODEC_TEXT, 17,
      "04"
      "12"
      "00"
      "02000000000000000000000000000000"
      "78",
      TALLY_OK }, /* the other way round */
    { CODEC_TEXT, 17,
      "04"
      "13"
      "00"
      "02000000000000000000000000000000"
      "78",
      TALLY_DAMAGED },                       /* a strip beyond the end */
    { CODEC_TEXT, 17, "04", TALLY_DAMAGED }, /* no sizes */
    { CODEC_TEXT, 1,
      "08"
      "00",
      TALLY_DAMAGED }, /* a strip of nothing */
};

static void
test_refusals(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        uint8_t bytes[256];
        size_t size = strlen(refusals[i].hex) / 2;
        struct page page;
        const struct bytes *values;
        assert_true(hex_decode(bytes_of(refusals[i].hex, 2 * size), bytes, size));
        const struct encoded_text text = { refusals[i].rows, NULL, bytes_of(bytes, size) };
        tally_status status =
            refusals[i].codec == CODEC_TEXT
                ? codec_decode_block(decoder, 0, &text, &values, NULL)
                : codec_decode_page(decoder, refusals[i].codec, COLUMN_HINT_NUMBER,
                                    refusals[i].rows, 9, bytes_of(bytes, size), &page, NULL);
        if (status != refusals[i].status)
            fail_msg("row %zu, %s: %d", i, refusals[i].hex, status);
        feed(refusals[i].codec, COLUMN_HINT_NUMBER, refusals[i].rows, bytes_of(bytes, size));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
