/*
 * codec_test.c - the law of the codecs, over all of them: decode(encode(page)) has the same value in
 * every row. Pages are drawn at random from pools of awkward values, in every kind, through every
 * codec. What holds of one codec only is tested beside it; damage is codec_damage_test.c's.
 */
#include "codec_law.h"

#include "base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_law(void **unused)
{
    (void)unused;
    static const uint32_t sizes[] = { 1, 2, 3, 255, 256, 257, 4095, 4096 };
    static const enum page_kind kinds[] = { PAGE_NUMBERS, PAGE_IDS, PAGE_VALUES };
    static const enum field_column hints[] = { COLUMN_HINT_TIME, COLUMN_HINT_NUMBER, COLUMN_HINT_ID,
                                               COLUMN_HINT_TEXT };
    struct made_page *made = calloc(1, sizeof *made);

    for (unsigned round = 0; round < 24; round++) {
        uint32_t rows = round < 16 ? sizes[round % 8] : 1 + draw_below(PAGE_ROWS);
        for (unsigned kind = 0; kind < 3; kind++) {
            for (unsigned hint = 0; hint < 4; hint++) {
                fill_awkward(made, rows);
                lay_out(made, kinds[kind], hints[hint], rows);
                check_page(made, CODEC_NUMBERS);
                check_page(made, CODEC_IDS);
                check_id_blocks(made);
                check_blocks(made, NULL, NULL);
            }
        }
        fill_awkward(made, rows);
        for (uint32_t i = 0; i < rows; i++) {
            if (made->values[i].data == NULL) /* a dictionary has no absent value */
                made->values[i] = bytes_text("");
        }
        lay_out_codes(made, rows, rows);
        check_page(made, CODEC_CODES);
        check_page(made, CODEC_NUMBERS);
        check_page(made, CODEC_IDS);
        check_id_blocks(made);
        check_blocks(made, NULL, NULL);
        made->dictionary = (struct dictionary){ 0 };
    }
    free(made);
}

/* Every number of rows, absent in every second, third, … row. */
static void
test_all_row_counts(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    for (uint32_t rows = 1; rows <= 600; rows++) {
        for (uint32_t row = 0; row < rows; row++) {
            size_t size = number_write(row * 7, 0, made->texts[row]);
            made->values[row] =
                row % (1 + rows % 5) != 0 ? bytes_of(NULL, 0) : bytes_of(made->texts[row], size);
        }
        lay_out(made, PAGE_NUMBERS, COLUMN_HINT_NUMBER, rows);
        check_page(made, CODEC_NUMBERS);
        lay_out(made, PAGE_VALUES, COLUMN_HINT_TEXT, rows);
        check_blocks(made, NULL, NULL);
    }
    free(made);
}

static void
test_absent(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    static const enum page_kind kinds[] = { PAGE_ABSENT, PAGE_NUMBERS, PAGE_IDS, PAGE_VALUES };
    for (unsigned kind = 0; kind < 4; kind++) {
        lay_out(made, kinds[kind], COLUMN_HINT_TIME, 1000);
        assert_int_equal(check_page(made, CODEC_NUMBERS), 0);
        assert_int_equal(check_page(made, CODEC_IDS), 0);
        assert_int_equal(check_blocks(made, NULL, NULL), 0);
    }
    lay_out(made, PAGE_ABSENT, COLUMN_HINT_CODES, 1000);
    assert_int_equal(check_page(made, CODEC_CODES), 0);
    made->page = (struct page){ .kind = PAGE_CODES, .rows = 1000, .codes = made->codes };
    assert_int_equal(check_page(made, CODEC_CODES), 0);
    free(made);
}

/* A page of times a millisecond apart, each with three digits, and some late ones. */
static size_t
times_size(struct made_page *made, uint32_t late, bool ascending)
{
    int64_t start = INT64_C(1790000000) * 1000000000;
    for (uint32_t row = 0; row < PAGE_ROWS; row++) {
        int64_t step = ascending ? row : draw_below(PAGE_ROWS);
        made->forms[row] = 3;
        made->keys[row] = start + step * 1000000;
    }
    for (uint32_t i = 0; i < late; i++)
        made->keys[i * 300 + 17] -= (int64_t)(1 + draw_below(1000)) * 86400 * 1000000000;
    made->hint = COLUMN_HINT_TIME;
    made->page = (struct page){
        .kind = PAGE_NUMBERS, .rows = PAGE_ROWS, .keys = made->keys, .forms = made->forms
    };
    return check_page(made, CODEC_NUMBERS);
}

/* What pages cost: bounds, so that a change that loses what the codecs are for is seen. */
static void
test_sizes(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);

    /* Steady steps: nothing a row, two bytes for each block's start. */
    assert_in_range(times_size(made, 0, true), 30, 62);
    assert_in_range(times_size(made, 5, true), 62, 62 + 100); /* two patches for each late one */
    size_t shuffled = times_size(made, 0, false);
    assert_in_range(shuffled, 6144, 6144 + 32); /* 12 bits a row */
    assert_in_range(times_size(made, 5, false), shuffled, shuffled + 50);

    /* Codes: constant, and three bits each. */
    lay_out_codes(made, 7, PAGE_ROWS);
    made->chunk = made->values;
    for (uint32_t row = 0; row < PAGE_ROWS; row++) {
        made->values[row] = bytes_of(made->texts[row], 0);
        made->codes[row] = 5;
    }
    assert_int_equal(check_page(made, CODEC_CODES), 5);
    for (uint32_t row = 0; row < PAGE_ROWS; row++)
        made->codes[row] = row % 8;
    assert_int_equal(check_page(made, CODEC_CODES), 5 + PAGE_ROWS * 3 / 8);
    free(made);
}

/* Values of a mebibyte, in the page and among exceptions. */
static void
test_large_values(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    char *noise = malloc(CODEC_VALUE_MAX);
    char *zeros = calloc(1, CODEC_VALUE_MAX);
    for (uint32_t i = 0; i < CODEC_VALUE_MAX; i++)
        noise[i] = (char)draw();
    fill_text(made, 300);
    made->values[3] = bytes_of(noise, CODEC_VALUE_MAX);
    made->values[4] = bytes_of(zeros, CODEC_VALUE_MAX);
    made->values[299] = bytes_of(noise, CODEC_VALUE_MAX);
    lay_out(made, PAGE_VALUES, COLUMN_HINT_TEXT, 300);
    check_blocks(made, NULL, NULL);
    check_page(made, CODEC_IDS);
    check_page(made, CODEC_NUMBERS);
    free(noise);
    free(zeros);
    free(made);
}

static struct bytes
hex_of(const struct buffer *buffer, char *text)
{
    hex_encode(buffer->data, buffer->size, text);
    return bytes_of(text, 2 * buffer->size);
}

/* The worked examples of docs/format.md: a change here is a change of the format. */
static const struct {
    enum codec codec;
    enum field_column hint;
    const char *values[3];
    const char *hex;
} vectors[] = {
    { CODEC_NUMBERS,
      COLUMN_HINT_TIME,
      { "2026-01-01T00:00:00.000Z", NULL, "2026-01-01T00:00:00.250Z" },
      "0203ff"                                                           /* forms 3 and none */
      "0000000001000000000000000000000000000000000000000000000000000000" /* 0, 1, 0 */
      "0006"                                                             /* keys, / 10^6 */
      "00a8da769b010000"
      "00"
      "0100" /* one patch: */
      "0200"
      "faa8da769b010000" },
    { CODEC_NUMBERS,
      COLUMN_HINT_NUMBER,
      { "12.50", "12.50", "1e3" },
      "0202fe"
      "0000000000000000010000000000000000000000000000000000000000000000"
      "0000"
      "e204000000000000"
      "00"
      "0000"
      "0004316533" }, /* plain, 3 bytes: 1e3 */
    { CODEC_NUMBERS,
      COLUMN_HINT_NUMBER,
      { "10", "20", "30" },
      "0100"
      "0100" /* differences */
      "0000000000000000"
      "00" /* from 0 on; no other starts */
      "0a00000000000000"
      "00"
      "0000" }, /* 10 each */
    { CODEC_IDS,
      COLUMN_HINT_ID,
      { "01890a5d-ac96-774b-bcce-b302099a8057", "4bf92f3577b34da6a3ce929d0e0e4736", "x" },
      "03010204"
      "0000000001000000020000000000000000000000000000000000000000000000"
      "0000000000000000000000000000000000000000000000000000000000000000"
      "01890a5dac96774bbcceb302099a8057"
      "4bf92f3577b34da6a3ce929d0e0e4736"
      "000278" },
    { CODEC_TEXT,
      COLUMN_HINT_TEXT,
      { "ab", NULL, "" },
      "08" /* a strip of up to 256 rows */
      "00"
      "030001"
      "6162" },
};

/* The same for a page of codes. */
static void
check_codes_vector(const uint32_t *codes, uint32_t rows, const char *hex)
{
    const struct page page = { .kind = PAGE_CODES, .rows = rows, .codes = codes };
    const struct page_source source = { &page, NULL, NULL };
    struct buffer out = { 0 };
    struct page_summary summary;
    char text[512];
    assert_int_equal(
        codec_encode_page(workspace, CODEC_CODES, COLUMN_HINT_CODES, &source, &out, &summary, NULL),
        TALLY_OK);
    assert_true(bytes_is(hex_of(&out, text), hex));
    buffer_free(&out);
}

static void
test_vectors(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    char text[512];

    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buffer out = { 0 };
        struct page_summary summary;
        for (unsigned row = 0; row < 3; row++)
            made->values[row] = vectors[i].values[row] == NULL ? bytes_of(NULL, 0)
                                                               : bytes_text(vectors[i].values[row]);
        lay_out(made, PAGE_VALUES, vectors[i].hint, 3);
        const struct page_source source = { &made->page, NULL, NULL };
        if (vectors[i].codec == CODEC_TEXT)
            assert_int_equal(
                codec_encode_block(workspace, vectors[i].hint, &source, 0, NULL, &out, NULL),
                TALLY_OK);
        else
            assert_int_equal(codec_encode_page(workspace, vectors[i].codec, vectors[i].hint,
                                               &source, &out, &summary, NULL),
                             TALLY_OK);
        struct bytes hex = hex_of(&out, text);
        if (!bytes_is(hex, vectors[i].hex))
            fail_msg("example %zu is\n%.*s", i, BYTES_ARG(hex));
        buffer_free(&out);
    }

    free(made);
    check_codes_vector((const uint32_t[]){ 3, 3, 4 }, 3,
                       "0300000001"
                       "0400000000000000");
    check_codes_vector((const uint32_t[]){ 0, 7, 4, 0, 2 }, 5,
                       "0000000003"
                       "0200000000000000"
                       "1200000000000000"
                       "0600000000000000");
}

static void
test_choose(void **unused)
{
    (void)unused;
    static const struct {
        enum field_column hint;
        struct column_profile profile;
        enum codec codec;
    } rows[] = {
        /* rows, absent, ids, exceptions, uncoded, distinct, text */
        { COLUMN_HINT_CODES, { 262144, 0, 0, 0, 0, 65536, 0 }, CODEC_CODES },
        { COLUMN_HINT_CODES, { 262144, 0, 0, 0, 0, 65537, 0 }, CODEC_TEXT },
        { COLUMN_HINT_CODES, { 262144, 0, 200000, 0, 0, 65537, 0 }, CODEC_IDS },
        { COLUMN_HINT_CODES, { 1000, 0, 0, 0, 0, 1000, 0 }, CODEC_CODES },
        { COLUMN_HINT_ID, { 9000, 0, 9000, 0, 4904, 4096, 0 }, CODEC_IDS }, /* codes, then ids */
        { COLUMN_HINT_ID, { 9000, 0, 0, 0, 4904, 4096, 0 }, CODEC_TEXT },   /* codes, then text */
        { COLUMN_HINT_CODES, { 1000000, 0, 0, 0, 0, 250000, 0 }, CODEC_CODES },
        { COLUMN_HINT_ID, { 1000, 0, 501, 499, 0, 0, 0 }, CODEC_IDS },
        { COLUMN_HINT_ID, { 1000, 0, 500, 500, 0, 0, 0 }, CODEC_TEXT },
        { COLUMN_HINT_ID, { 1000, 900, 60, 40, 0, 0, 0 }, CODEC_IDS }, /* of those present */
        { COLUMN_HINT_TIME, { 1000, 0, 0, 250, 0, 0, 0 }, CODEC_NUMBERS },
        { COLUMN_HINT_TIME, { 1000, 0, 0, 251, 0, 0, 0 }, CODEC_TEXT },
        { COLUMN_HINT_NUMBER, { 1000, 996, 0, 1, 0, 0, 0 }, CODEC_NUMBERS },
        { COLUMN_HINT_NUMBER, { 1000, 1000, 0, 0, 0, 0, 0 }, CODEC_NUMBERS }, /* nothing yet */
        { COLUMN_HINT_ID, { 1000, 1000, 0, 0, 0, 0, 0 }, CODEC_IDS },
        { COLUMN_HINT_TEXT, { 1000, 0, 0, 0, 0, 0, 0 }, CODEC_TEXT },
        { COLUMN_HINT_TEXT, { 1000, 0, 900, 0, 0, 0, 0 }, CODEC_IDS },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum codec codec = codec_choose(rows[i].hint, &rows[i].profile);
        if (codec != rows[i].codec)
            fail_msg("row %zu chose %s", i, codec_name(codec));
    }
    assert_null(codec_name((enum codec)0));
}

static void
test_profile(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    struct column_profile profile = { 0 };
    static const struct bytes values[] = {
        BYTES("01890a5d-ac96-774b-bcce-b302099a8057"),
        BYTES("4bf92f3577b34da6a3ce929d0e0e4736"),
        BYTES("order-7"),
        { NULL, 0 },
        BYTES(""),
    };
    memcpy(made->values, values, sizeof values);
    lay_out(made, PAGE_IDS, COLUMN_HINT_ID, 5);
    column_profile_add(&profile, &made->page, NULL);
    lay_out(made, PAGE_VALUES, COLUMN_HINT_ID, 5);
    column_profile_add(&profile, &made->page, NULL);
    assert_int_equal(profile.rows, 10);
    assert_int_equal(profile.absent, 2);
    assert_int_equal(profile.ids, 4);
    assert_int_equal(profile.exceptions, 2);
    assert_int_equal(profile.distinct, 0);
    assert_int_equal(profile.uncoded, 8);
    assert_int_equal(profile.text_size, 7 + 36 + 32 + 7); /* an exception; all values */

    struct column_profile coded = { 0 };
    lay_out_codes(made, 2, 1000); /* two ids */
    column_profile_add(&coded, &made->page, &made->dictionary);
    assert_int_equal(coded.distinct, 2);
    assert_int_equal(coded.uncoded, 0);
    assert_int_equal(coded.ids, coded.rows - coded.absent);
    assert_int_equal(coded.text_size, (coded.rows - coded.absent) * 34); /* of 36 and 32 */
    free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law),          cmocka_unit_test(test_all_row_counts),
        cmocka_unit_test(test_absent),       cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_large_values), cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_choose),       cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
