/*
 * The law of the codecs: decode(encode(page)) has the same value in every row. Pages are drawn at
 * random from pools of awkward values, in every kind, through every codec; and what is damaged is
 * never more than refused.
 */
#include "codec_parts.h"

#include "base64.h"
#include "number_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(next() % limit);
}

static struct codec_workspace *workspace;
static struct page_decoder *decoder;

static int
open_codec(void **unused)
{
    (void)unused;
    if (codec_workspace_create(&workspace, NULL) != TALLY_OK)
        return -1;
    return page_decoder_create(workspace, &decoder, NULL) == TALLY_OK ? 0 : -1;
}

static int
close_codec(void **unused)
{
    (void)unused;
    page_decoder_destroy(decoder);
    codec_workspace_destroy(workspace);
    return 0;
}

/* A page with all memory it may need, whatever its kind. */
struct made_page {
    struct page page;
    struct dictionary dictionary;
    const struct bytes *chunk;
    enum field_column hint;
    uint32_t codes[PAGE_ROWS];
    int64_t keys[PAGE_ROWS];
    uint8_t ids[PAGE_ROWS][16];
    uint8_t forms[PAGE_ROWS];
    struct bytes values[PAGE_ROWS];
    struct page_exception exceptions[PAGE_ROWS];
    char texts[PAGE_ROWS][PAGE_TEXT_MAX];
};

/* Lays out values[] as a page of a kind, the way a head does. */
static void
lay_out(struct made_page *made, enum page_kind kind, enum field_column hint, uint32_t rows)
{
    made->hint = hint;
    made->page = (struct page){ .kind = kind, .rows = rows };
    uint32_t exceptions = 0;

    for (uint32_t row = 0; row < rows; row++) {
        struct bytes value = made->values[row];
        bool exception = false;
        if (kind == PAGE_NUMBERS) {
            made->forms[row] = number_form(hint, value, &made->keys[row]);
            exception = made->forms[row] == NUMBER_EXCEPTION;
        } else if (kind == PAGE_IDS) {
            made->forms[row] = id_form(value, made->ids[row]);
            exception = made->forms[row] == ID_EXCEPTION;
        }
        if (exception)
            made->exceptions[exceptions++] = (struct page_exception){ row, value };
    }
    made->page.exceptions = made->exceptions;
    made->page.exception_count = exceptions;
    if (kind == PAGE_NUMBERS)
        made->page.keys = made->keys;
    if (kind == PAGE_IDS)
        made->page.ids = (const uint8_t(*)[16])made->ids;
    if (kind == PAGE_NUMBERS || kind == PAGE_IDS)
        made->page.forms = made->forms;
    if (kind == PAGE_VALUES)
        made->page.values = made->values;
}

/* Lays out a page of codes: values[] becomes a pool, and the rows draw from it. */
static void
lay_out_codes(struct made_page *made, uint32_t pool, uint32_t rows)
{
    made->hint = COLUMN_HINT_CODES;
    made->chunk = made->values;
    made->dictionary = (struct dictionary){ pool, &made->chunk };
    for (uint32_t row = 0; row < rows; row++)
        made->codes[row] = below(pool + 1);
    made->page = (struct page){ .kind = PAGE_CODES, .rows = rows, .codes = made->codes };
}

static bool
same_value(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && bytes_equal(a, b);
}

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

/* What a page of numbers says of itself, at length: bounds in the most fraction digits of any row, in
 * numbers that are long enough. */
static void
assert_number_summary(const struct made_page *made, const struct page *page,
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

static void
assert_summary(const struct made_page *made, const struct page *page,
               const struct page_summary *summary)
{
    assert_true(summary->known);
    assert_int_equal(summary->kind, page->kind);
    if (page->kind == PAGE_NUMBERS)
        assert_number_summary(made, page, summary);
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

/* Bytes in memory of exactly their size, so that a sanitizer sees a step too far. */
static struct bytes
exact_copy(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + (bytes.size == 0));
    assert_non_null(copy);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
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
        uint32_t first = below(most + 2), last = first + below(round == 0 ? 1 : most + 2);
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

/* The end of a range: a key of the page or next to it, or anything. */
static int64_t
some_bound(const int64_t *keys, uint32_t rows)
{
    uint64_t key = (uint64_t)keys[below(rows)];
    switch (below(10)) {
    case 0:
        return INT64_MIN;
    case 1:
        return INT64_MAX;
    case 2:
        return (int64_t)next();
    default:
        return (int64_t)(key + below(3) - 1);
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

/* The law of a page of numbers that is asked, as it lies or decoded. */
static void
check_searches(enum field_column hint, const struct page *page, struct bytes encoded)
{
    for (unsigned round = 0; round < 4; round++) {
        struct key_range ranges[3];
        struct row_set among;
        row_set_fill(&among, page->rows);
        for (unsigned i = 0; i < ROW_SET_WORDS && round > 0; i++)
            among.words[i] &= below(3) == 0 ? 0 : next() | next();
        some_ranges(ranges, 3, page->keys, page->rows);
        for (unsigned way = 0; way < 2; way++) {
            struct row_set found = { 0 }, exceptions = { 0 };
            const struct number_search search = { ranges, below(4), &among, &found, &exceptions };
            if (way == 0)
                number_search_page(&search, page);
            else
                assert_int_equal(number_search_encoded(&search, encoded, hint, page->rows, NULL),
                                 TALLY_OK);
            assert_search(&search, page);
        }
    }
}

/* Blocks that are read alone have what the page has; where one has exceptions, it says so. */
static void
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

/* Times of some rows are those that the page has; where one is an exception, it says so. */
static void
check_lowered(const struct page *page, struct bytes encoded)
{
    int64_t times[PAGE_ROWS];
    struct row_set wanted = { 0 };
    bool exceptions = false;
    for (uint32_t row = below(300); row < page->rows; row += 1 + below(600))
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

/* The law, for pages; returns the encoded size. */
static size_t
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

/* A row of a block by its strip is what it is in the block. Rows are asked from the last to the first. */
static void
check_strips(struct bytes encoded, uint32_t rows, const struct primer *decode,
             const struct bytes *values)
{
    struct text_strip strip = { 0 };
    for (uint32_t row = rows; row-- > 0;) {
        if (row - strip.first >= strip.count)
            assert_int_equal(codec_decode_strip(decoder, rows, row, decode, encoded, &strip, NULL),
                             TALLY_OK);
        assert_in_range(row, strip.first, strip.first + strip.count - 1);
        assert_true(strip.first + strip.count <= rows);
        struct bytes a = values[row], b = strip.values[row - strip.first];
        assert_int_equal(a.data == NULL, b.data == NULL);
        assert_true(bytes_equal(a, b));
    }
    for (uint32_t row = 0; row < rows; row += 1 + rows / 8) {
        if (values[row].size == 0 || values[row].size > 100)
            continue;
        assert_int_equal(
            codec_search_strip(decoder, rows, row, decode, encoded, values[row], &strip, NULL),
            TALLY_OK);
        assert_in_range(row, strip.first, strip.first + strip.count - 1);
        assert_int_equal(codec_search_strip(decoder, rows, row, decode, encoded,
                                            bytes_text("what nobody has ever said"), &strip, NULL),
                         TALLY_ABSENT);
        assert_in_range(row, strip.first, strip.first + strip.count - 1);
    }
}

/* The law, for blocks, with or without a primer. */
static size_t
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
        assert_int_equal(codec_decode_block(decoder, block, rows, decode, encoded, &values, NULL),
                         TALLY_OK);
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

/* The law, for blocks of ids: each alone, and all of them as a page. They are decoded from the last to
 * the first, as somebody might ask who reads backwards. */
static void
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
        free((void *)encoded.data);
        buffer_free(&out);
        page_decoder_ids_block(decoder, block, slice.rows, &back);
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

/* Awkward values: empty, absent, NUL, all forms of numbers, times and ids, near misses, random
 * bytes. */
static struct bytes
awkward_value(char text[PAGE_TEXT_MAX])
{
    static const char *const fixed[] = {
        "",
        "-0",
        "0",
        "00",
        "1e3",
        "12.50",
        "-12.50",
        "999999999999999999",
        "9223372036854775808",
        "0.000000000000000001",
        "1.0000000000000000000",
        "2026-01-31T23:59:59Z",
        "2016-12-31T23:59:60Z",
        "2026-01-31T23:59:59.1234567891Z",
        "2026-01-31T23:59:59.123Z",
        "1678-01-01T00:00:00Z",
        "2261-12-31T23:59:59.999999999Z",
        "2026-01-31 23:59:59Z",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "4bf92f3577b34da6a3ce929d0e0e473",
        "null",
        "\xff\xfe",
    };
    uint32_t choice = below(10);
    if (choice == 0)
        return bytes_of(NULL, 0);
    if (choice < 4)
        return bytes_text(fixed[below(sizeof fixed / sizeof *fixed)]);
    if (choice < 6) {
        size_t size = number_write((int64_t)(next() % 1000000), (uint8_t)below(4), text);
        return bytes_of(text, size);
    }
    if (choice < 8) {
        static const int64_t units[] = { 1000000000, 100000000, 1000000, 1 };
        static const uint8_t digits[] = { 0, 1, 3, 9 };
        uint32_t unit = below(4);
        int64_t key = (int64_t)(1790000000 + next() % 100000) * 1000000000;
        key += (int64_t)(next() % 1000000000) / units[unit] * units[unit];
        return bytes_of(text, time_write(key, digits[unit], text));
    }
    size_t size = below(PAGE_TEXT_MAX);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)next();
    return bytes_of(text, size);
}

static void
fill_awkward(struct made_page *made, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++)
        made->values[row] = awkward_value(made->texts[row]);
}

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
        uint32_t rows = round < 16 ? sizes[round % 8] : 1 + below(PAGE_ROWS);
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

/* Salts are 16 bytes that are no text, and 32 where an erasure left a commitment. */
static void
test_raw_ids(void **unused)
{
    (void)unused;
    static const uint8_t commitment[32] = { 1, 2, 3 };
    struct made_page *made = calloc(1, sizeof *made);
    for (uint32_t row = 0; row < 1000; row++) {
        made->forms[row] = row == 500 ? ID_EXCEPTION : ID_RAW;
        put_u64(made->ids[row], next());
        put_u64(made->ids[row] + 8, next());
    }
    made->exceptions[0] = (struct page_exception){ 500, bytes_of(commitment, 32) };
    made->hint = COLUMN_HINT_ID;
    made->page = (struct page){
        .kind = PAGE_IDS,
        .rows = 1000,
        .ids = (const uint8_t(*)[16])made->ids,
        .forms = made->forms,
        .exceptions = made->exceptions,
        .exception_count = 1,
    };
    check_id_blocks(made);
    size_t size = check_page(made, CODEC_IDS);
    assert_in_range(size, 999 * 16, 999 * 16 + 32 + 140);
    check_blocks(made, NULL, NULL);
    free(made);
}

static void
test_remap(void **unused)
{
    (void)unused;
    static const uint32_t remap[] = { 0, 3, 1, 2 };
    static const uint32_t codes[] = { 1, 2, 3, 0, 1 };
    static const uint32_t expected[] = { 3, 1, 2, 0, 3 };
    const struct page page = { .kind = PAGE_CODES, .rows = 5, .codes = codes };
    const struct page_source source = { &page, NULL, remap };
    struct buffer out = { 0 };
    struct page_summary summary;
    struct page back;

    assert_int_equal(
        codec_encode_page(workspace, CODEC_CODES, COLUMN_HINT_CODES, &source, &out, &summary, NULL),
        TALLY_OK);
    assert_int_equal(summary.minimum, 0);
    assert_int_equal(summary.maximum, 3);
    assert_int_equal(codec_decode_page(decoder, CODEC_CODES, COLUMN_HINT_CODES, 5, 3,
                                       buffer_view(&out), &back, NULL),
                     TALLY_OK);
    assert_memory_equal(back.codes, expected, sizeof expected);
    /* The same bytes for a dictionary of two values: one code is beyond it. */
    assert_int_equal(codec_decode_page(decoder, CODEC_CODES, COLUMN_HINT_CODES, 5, 2,
                                       buffer_view(&out), &back, NULL),
                     TALLY_DAMAGED);
    buffer_free(&out);
}

/* A page of times a millisecond apart, each with three digits, and some late ones. */
static size_t
times_size(struct made_page *made, uint32_t late, bool ascending)
{
    int64_t start = INT64_C(1790000000) * 1000000000;
    for (uint32_t row = 0; row < PAGE_ROWS; row++) {
        int64_t step = ascending ? row : below(PAGE_ROWS);
        made->forms[row] = 3;
        made->keys[row] = start + step * 1000000;
    }
    for (uint32_t i = 0; i < late; i++)
        made->keys[i * 300 + 17] -= (int64_t)(1 + below(1000)) * 86400 * 1000000000;
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

static void
test_extreme_keys(void **unused)
{
    (void)unused;
    static const int64_t keys[] = { INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1 };
    struct made_page *made = calloc(1, sizeof *made);
    for (unsigned round = 0; round < 50; round++) {
        uint32_t rows = 1 + below(600);
        for (uint32_t row = 0; row < rows; row++) {
            made->forms[row] = (uint8_t)below(10);
            made->keys[row] = round % 2 == 0 ? keys[below(7)] : (int64_t)(next() >> below(64));
        }
        made->page = (struct page){
            .kind = PAGE_NUMBERS, .rows = rows, .keys = made->keys, .forms = made->forms
        };
        made->hint = round % 3 == 0 ? COLUMN_HINT_TIME : COLUMN_HINT_NUMBER;
        check_page(made, CODEC_NUMBERS);
    }
    free(made);
}

/* Text like a column's: sentences of many kinds, so that a block alone has few of a kind. */
static void
fill_text(struct made_page *made, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t sentence = below(500);
        uint64_t words = sentence * UINT64_C(0x9e3779b97f4a7c15);
        int size = snprintf(made->texts[row], PAGE_TEXT_MAX, "%016llx %u %08llx",
                            (unsigned long long)words, below(10000),
                            (unsigned long long)(words * 31 % UINT32_MAX));
        made->values[row] = bytes_of(made->texts[row], (size_t)size);
    }
    lay_out(made, PAGE_VALUES, COLUMN_HINT_TEXT, rows);
}

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
    assert_int_equal(
        codec_decode_block(decoder, 0, BLOCK_ROWS, NULL, buffer_view(&out), &values, NULL),
        TALLY_DAMAGED);
    assert_int_equal(
        codec_decode_strip(decoder, BLOCK_ROWS, 9, NULL, buffer_view(&out), &strip, NULL),
        TALLY_DAMAGED);
    buffer_free(&out);
    primer_destroy(encode);
    primer_destroy(decode);
    buffer_free(&bytes);
    free(made);
}

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
    assert_int_equal(
        codec_decode_block(decoder, 0, BLOCK_ROWS, NULL, buffer_view(&out), &values, NULL),
        TALLY_OK);
    buffer_free(&out);
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

/* Values of a mebibyte, in the page and among exceptions. */
static void
test_large_values(void **unused)
{
    (void)unused;
    struct made_page *made = calloc(1, sizeof *made);
    char *noise = malloc(CODEC_VALUE_MAX);
    char *zeros = calloc(1, CODEC_VALUE_MAX);
    for (uint32_t i = 0; i < CODEC_VALUE_MAX; i++)
        noise[i] = (char)next();
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
hex_of(const struct buffer *buffer, size_t from, char *text)
{
    size_t size = buffer->size - from;
    hex_encode(buffer->data + from, size, text);
    return bytes_of(text, 2 * size);
}

/* The worked examples of docs/format.md: a change here is a change of the format. */
static void
test_vectors(void **unused)
{
    (void)unused;
    static const struct {
        enum codec codec;
        enum field_column hint;
        const char *values[3];
        const char *hex;
    } rows[] = {
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
    struct made_page *made = calloc(1, sizeof *made);
    char text[512];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out = { 0 };
        struct page_summary summary;
        for (unsigned row = 0; row < 3; row++)
            made->values[row] =
                rows[i].values[row] == NULL ? bytes_of(NULL, 0) : bytes_text(rows[i].values[row]);
        lay_out(made, PAGE_VALUES, rows[i].hint, 3);
        const struct page_source source = { &made->page, NULL, NULL };
        if (rows[i].codec == CODEC_TEXT)
            assert_int_equal(
                codec_encode_block(workspace, rows[i].hint, &source, 0, NULL, &out, NULL),
                TALLY_OK);
        else
            assert_int_equal(codec_encode_page(workspace, rows[i].codec, rows[i].hint, &source,
                                               &out, &summary, NULL),
                             TALLY_OK);
        struct bytes hex = hex_of(&out, 0, text);
        if (!bytes_is(hex, rows[i].hex))
            fail_msg("example %zu is\n%.*s", i, BYTES_ARG(hex));
        buffer_free(&out);
    }

    static const uint32_t codes[] = { 3, 3, 4 };
    const struct page page = { .kind = PAGE_CODES, .rows = 3, .codes = codes };
    const struct page_source source = { &page, NULL, NULL };
    struct buffer out = { 0 };
    struct page_summary summary;
    assert_int_equal(
        codec_encode_page(workspace, CODEC_CODES, COLUMN_HINT_CODES, &source, &out, &summary, NULL),
        TALLY_OK);
    assert_true(bytes_is(hex_of(&out, 0, text), "0300000001"
                                                "0400000000000000"));
    buffer_clear(&out);

    static const uint32_t more[] = { 0, 7, 4, 0, 2 };
    const struct page wider = { .kind = PAGE_CODES, .rows = 5, .codes = more };
    const struct page_source wider_source = { &wider, NULL, NULL };
    assert_int_equal(codec_encode_page(workspace, CODEC_CODES, COLUMN_HINT_CODES, &wider_source,
                                       &out, &summary, NULL),
                     TALLY_OK);
    assert_true(bytes_is(hex_of(&out, 0, text), "0000000003"
                                                "0200000000000000"
                                                "1200000000000000"
                                                "0600000000000000"));
    buffer_free(&out);
    free(made);
}

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

/* What any damage may do: nothing but a page of as many rows, or a refusal. */
static void
feed(enum codec codec, enum field_column hint, uint32_t rows, struct bytes bytes)
{
    struct bytes exact = exact_copy(bytes);
    struct page page;
    const struct bytes *values;
    tally_status status;
    if (codec == CODEC_TEXT) {
        status = codec_decode_block(decoder, 0, rows, NULL, exact, &values, NULL);
        for (uint32_t row = 0; status == TALLY_OK && row < rows; row++)
            (void)bytes_equal(values[row], values[0]);
        if (status == TALLY_OK)
            check_strips(exact, rows, NULL, values);
        for (uint32_t row = 0; status != TALLY_OK && row < rows; row++) {
            struct text_strip strip;
            tally_status alone = codec_decode_strip(decoder, rows, row, NULL, exact, &strip, NULL);
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
            noise[i] = (uint8_t)(next() >> below(64)); /* mostly small */
        feed(codecs[round % 4], COLUMN_HINT_NUMBER, 1 + below(64), bytes_of(noise, below(96)));
    }
    free(made);
}

/* The bounds of a page of numbers: the example of docs/format.md, and where they are not known. */
static void
test_bounds(void **unused)
{
    (void)unused;
    static const struct {
        const char *values[3];
        bool bounded;
        uint8_t digits;
        int64_t minimum, maximum;
    } rows[] = {
        { { "12.5", "3", NULL }, true, 1, 30, 125 },
        { { "-3", "-3.00", "0" }, true, 2, -300, 0 },
        { { "0.5", "99999999999999999", NULL }, true, 1, 5, 999999999999999990 },
        { { "0.5", "100000000000000000", NULL }, false, 0, 0, 0 }, /* 19 digits */
        { { "1", "1e3", NULL }, false, 0, 0, 0 },                  /* an exception */
    };
    struct made_page *made = calloc(1, sizeof *made);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out = { 0 };
        struct page_summary summary;
        for (unsigned row = 0; row < 3; row++)
            made->values[row] =
                rows[i].values[row] == NULL ? bytes_of(NULL, 0) : bytes_text(rows[i].values[row]);
        lay_out(made, PAGE_NUMBERS, COLUMN_HINT_NUMBER, 3);
        const struct page_source source = { &made->page, NULL, NULL };
        assert_int_equal(codec_encode_page(workspace, CODEC_NUMBERS, COLUMN_HINT_NUMBER, &source,
                                           &out, &summary, NULL),
                         TALLY_OK);
        assert_int_equal(summary.bounded, rows[i].bounded);
        assert_int_equal(summary.digits, rows[i].digits);
        assert_true(summary.minimum == rows[i].minimum && summary.maximum == rows[i].maximum);
        buffer_free(&out);
    }
    free(made);
}

/* Bytes that no writer makes. Each row differs from a good page in one thing. */
static void
test_refusals(void **unused)
{
    (void)unused;
#define PACKED_1     "0000000001000000000000000000000000000000000000000000000000000000"
#define PLANE(digit) "0" digit "00000000000000"
#define NO_OFFSETS     \
    "0000000000000000" \
    "00"               \
    "0000"
    static const struct {
        enum codec codec;
        uint32_t rows;
        const char *hex;
        tally_status status;
    } rows[] = {
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
        { CODEC_CODES, 2, "0000000000", TALLY_DAMAGED }, /* absent, at length */
        { CODEC_CODES, 2, "0000000021", TALLY_DAMAGED }, /* a width of 33 */
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
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[256];
        size_t size = strlen(rows[i].hex) / 2;
        struct page page;
        const struct bytes *values;
        assert_true(hex_decode(bytes_of(rows[i].hex, 2 * size), bytes, size));
        tally_status status =
            rows[i].codec == CODEC_TEXT
                ? codec_decode_block(decoder, 0, rows[i].rows, NULL, bytes_of(bytes, size), &values,
                                     NULL)
                : codec_decode_page(decoder, rows[i].codec, COLUMN_HINT_NUMBER, rows[i].rows, 9,
                                    bytes_of(bytes, size), &page, NULL);
        if (status != rows[i].status)
            fail_msg("row %zu, %s: %d", i, rows[i].hex, status);
        feed(rows[i].codec, COLUMN_HINT_NUMBER, rows[i].rows, bytes_of(bytes, size));
    }
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
        cmocka_unit_test(test_absent),       cmocka_unit_test(test_raw_ids),
        cmocka_unit_test(test_remap),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_extreme_keys), cmocka_unit_test(test_primer),
        cmocka_unit_test(test_primer_bytes), cmocka_unit_test(test_strips),
        cmocka_unit_test(test_large_values), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_vectors),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_choose),       cmocka_unit_test(test_profile),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, open_codec, close_codec);
}
