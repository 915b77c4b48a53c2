/*
 * codec_fuzz.c - anything at all as a page, a block or a dictionary of a segment.
 *
 * The first bytes say what to take the rest for: the codec (4: a dictionary), the column's hint and
 * the number of rows less one. What decodes is a page like any other: encoded again and decoded
 * again, each row has to have the same value. A page of codes or numbers answers what
 * it is asked as it lies like the page that was decoded from it.
 */
#include "codec.h"
#include "dictionary.h"
#include "number_search.h"

#include <stdlib.h>

#define HEADER_SIZE 4
#define DICTIONARY  4 /* no codec's number */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct codec_workspace *workspace;
static struct page_decoder *decoders[2]; /* of what came, and of what was made from it */
static struct buffer again, picked;

static const struct bytes words[] = { BYTES(""), BYTES("a"), BYTES("b"), BYTES("c") };
static const struct bytes *const chunks[] = { words };
static const struct dictionary dictionary = { 4, chunks };

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static void
prepare(void)
{
    buffer_clear(&again);
    if (workspace != NULL)
        return;
    expect(codec_workspace_create(&workspace, NULL) == TALLY_OK);
    for (unsigned i = 0; i < 2; i++)
        expect(page_decoder_create(workspace, &decoders[i], NULL) == TALLY_OK);
}

static void
expect_same_rows(const struct page *a, const struct page *b, enum field_column hint)
{
    expect(a->rows == b->rows);
    for (uint32_t row = 0; row < a->rows; row++) {
        char text_a[PAGE_TEXT_MAX], text_b[PAGE_TEXT_MAX];
        struct bytes value_a = page_value(a, &dictionary, hint, row, text_a);
        struct bytes value_b = page_value(b, &dictionary, hint, row, text_b);
        expect((value_a.data == NULL) == (value_b.data == NULL));
        expect(bytes_equal(value_a, value_b));
    }
}

/* `encoded` is a page of codes that decodes to `page`. */
static void
expect_same_codes(struct bytes encoded, const struct page *page)
{
    struct coded_page coded;
    struct row_set all;
    row_set_fill(&all, page->rows);
    expect(codes_open(encoded, page->rows, &coded, NULL) == TALLY_OK);
    for (uint32_t first = 0; first <= dictionary.count; first++) {
        for (uint32_t last = first; last <= dictionary.count; last++) {
            struct row_set found = { 0 };
            codes_in(&coded, first, last, &all, &found);
            for (uint32_t row = 0; row < page->rows; row++) {
                uint32_t code = page->kind == PAGE_CODES ? page->codes[row] : 0;
                expect(row_set_has(&found, row) == (code >= first && code <= last));
            }
        }
    }
    for (uint32_t row = 0; row < page->rows; row += 16) {
        uint32_t codes[16];
        codes_gather16(&coded, row, codes);
        for (uint32_t i = 0; i < 16 && row + i < page->rows; i++)
            expect(codes[i] == (page->kind == PAGE_CODES ? page->codes[row + i] : 0));
    }
}

/* `encoded` is a page of numbers; where it decodes, `page` is not NULL. What is asked of it as it lies,
 * and of single blocks, is what the page says. */
static void
expect_same_numbers(enum field_column hint, uint32_t rows, struct bytes encoded,
                    const struct page *page)
{
    struct key_range ranges[2] = { 0 };
    struct row_set among, found = { 0 }, exceptions = { 0 };
    const struct number_search search = { ranges, 2, &among, &found, &exceptions };
    row_set_fill(&among, rows);
    for (unsigned digits = 0; digits <= NUMBER_DIGITS_MAX && page != NULL; digits++) {
        ranges[0].low[digits] = page->keys[digits % rows];
        ranges[0].high[digits] = page->keys[rows / 2];
        ranges[1].low[digits] = ranges[1].high[digits] = page->keys[rows - 1];
    }
    tally_status status = number_search_encoded(&search, encoded, hint, rows, NULL);
    expect(status == TALLY_OK || (status == TALLY_DAMAGED && page == NULL));
    for (uint32_t row = 0; page != NULL && row < rows; row++) {
        uint8_t form = page->forms[row];
        bool within = false;
        for (unsigned i = 0; i < 2 && form <= NUMBER_DIGITS_MAX; i++)
            within |=
                page->keys[row] >= ranges[i].low[form] && page->keys[row] <= ranges[i].high[form];
        expect(row_set_has(&found, row) == within);
        expect(row_set_has(&exceptions, row) == (form == NUMBER_EXCEPTION));
    }
    int64_t times[PAGE_ROWS];
    memset(times, 0x7f, sizeof times);
    /* Numbers may have forms that no time has. */
    status = codec_lower_times(encoded, rows, &among, times, NULL);
    expect(status == TALLY_OK || status == TALLY_ABSENT || page == NULL ||
           (status == TALLY_DAMAGED && hint != COLUMN_HINT_TIME));
    for (uint32_t first = 0; first < rows; first += BLOCK_ROWS) {
        struct page block;
        status = codec_decode_numbers(decoders[1], first / BLOCK_ROWS, hint, rows, encoded, NULL);
        expect(status == TALLY_OK || status == TALLY_ABSENT || page == NULL);
        if (status != TALLY_OK || page == NULL)
            continue;
        uint32_t count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        page_decoder_numbers_block(decoders[1], first / BLOCK_ROWS, count, &block);
        for (uint32_t row = 0; row < count; row++) {
            expect(block.forms[row] == page->forms[first + row]);
            expect(block.forms[row] > NUMBER_DIGITS_MAX ||
                   block.keys[row] == page->keys[first + row]);
        }
    }
}

static void
read_page(enum codec codec, enum field_column hint, uint32_t rows, struct bytes encoded)
{
    struct page page, back;
    struct page_summary summary;
    const struct page_source source = { &page, &dictionary, NULL };
    tally_status status =
        codec_decode_page(decoders[0], codec, hint, rows, dictionary.count, encoded, &page, NULL);
    if (codec == CODEC_NUMBERS && encoded.size > 0)
        expect_same_numbers(hint, rows, encoded, status == TALLY_OK ? &page : NULL);
    if (status != TALLY_OK)
        return;
    if (codec == CODEC_CODES)
        expect_same_codes(encoded, &page);
    expect(codec_encode_page(workspace, codec, hint, &source, &again, &summary, NULL) == TALLY_OK);
    expect(codec_decode_page(decoders[1], codec, hint, rows, dictionary.count, buffer_view(&again),
                             &back, NULL) == TALLY_OK);
    expect(summary.kind == back.kind);
    expect_same_rows(&page, &back, hint);
}

/* A row by its strip is what it is in the block, where that decodes. */
static void
expect_strips(uint32_t rows, struct bytes encoded, const struct bytes *values)
{
    const struct encoded_text text = { rows, NULL, encoded };
    for (uint32_t row = 0; row < rows; row++) {
        struct text_strip strip;
        tally_status status = codec_decode_strip(decoders[1], &text, row, &strip, NULL);
        expect(status == TALLY_OK || values == NULL);
        if (values == NULL || status != TALLY_OK)
            continue;
        expect(row >= strip.first && row - strip.first < strip.count);
        struct bytes value = strip.value;
        expect((value.data == NULL) == (values[row].data == NULL));
        expect(bytes_equal(value, values[row]));
    }
}

static void
read_block(enum field_column hint, uint32_t rows, struct bytes encoded)
{
    const struct bytes *values;
    struct page page, back;
    const struct page_source source = { &page, NULL, NULL };
    struct encoded_text text = { rows, NULL, encoded };
    bool decodes = codec_decode_block(decoders[0], 0, &text, &values, NULL) == TALLY_OK;
    expect_strips(rows, encoded, decodes ? values : NULL);
    if (!decodes)
        return;
    page_decoder_text_page(decoders[0], rows, &page);
    expect(codec_encode_block(workspace, hint, &source, 0, NULL, &again, NULL) == TALLY_OK);
    text.bytes = buffer_view(&again);
    expect(codec_decode_block(decoders[1], 0, &text, &values, NULL) == TALLY_OK);
    page_decoder_text_page(decoders[1], rows, &back);
    expect_same_rows(&page, &back, hint);
}

/* Every chunk has the whole dictionary's values. */
static void
expect_chunks(const struct dictionary *view, const struct dictionary_table *table,
              struct bytes chunks_bytes)
{
    for (uint32_t i = 0; i < table->chunk_count; i++) {
        struct dictionary_chunk *chunk;
        const struct dictionary_place *place = &table->places[i];
        expect(dictionary_chunk_decode(workspace, table, i,
                                       bytes_of(chunks_bytes.data + place->offset, place->size),
                                       &chunk, NULL) == TALLY_OK);
        for (uint32_t k = 0; k < chunk->count; k++) {
            struct bytes value = dictionary_value(view, chunk->first + k);
            uint32_t number;
            expect(bytes_equal(chunk->values[k], value));
            expect(dictionary_table_find(table, value, &number) && number == i);
            expect(dictionary_chunk_find(chunk, value) == chunk->first + k);
            expect(dictionary_chunk_pick(workspace, table, chunk->first + k,
                                         bytes_of(chunks_bytes.data + place->offset, place->size),
                                         &picked, NULL) == TALLY_OK);
            expect(bytes_equal(buffer_view(&picked), value));
        }
        free(chunk);
    }
}

/* What decodes is written the same way again and read again. */
static void
expect_again(const struct dictionary *view)
{
    static struct buffer again_table;
    struct dictionary_copy *back;
    struct dictionary_table *table;
    struct dictionary_order order = { 0 };
    buffer_clear(&again_table);
    expect(dictionary_sort(view, NULL, &order, NULL) == TALLY_OK);
    for (uint32_t i = 0; i < view->count; i++)
        expect(order.codes[i] == i + 1 &&
               dictionary_find(view, dictionary_value(view, i + 1)) == i + 1);
    expect(dictionary_encode(workspace, view, &order, &again, &again_table, NULL) == TALLY_OK);
    expect(dictionary_table_decode(workspace, buffer_view(&again_table), view->count,
                                   (uint32_t)again.size, &table, NULL) == TALLY_OK);
    expect(dictionary_decode(workspace, table, buffer_view(&again), &back, NULL) == TALLY_OK);
    for (uint32_t code = 1; code <= view->count; code++)
        expect(bytes_equal(dictionary_value(view, code),
                           dictionary_value(dictionary_copy_view(back), code)));
    dictionary_copy_destroy(back);
    dictionary_table_destroy(table);
    dictionary_order_free(&order);
}

/* The first two bytes say how many of the rest are the table; the others are the chunks. */
static void
read_dictionary(uint32_t count, struct bytes encoded)
{
    struct dictionary_copy *copy;
    struct dictionary_table *table;
    if (count == 0 || encoded.size < 2 || get_u16(encoded.data) > encoded.size - 2)
        return;
    struct bytes table_bytes = bytes_of(encoded.data + 2, get_u16(encoded.data));
    struct bytes chunks_bytes =
        bytes_of(table_bytes.data + table_bytes.size, encoded.size - 2 - table_bytes.size);
    if (dictionary_table_decode(workspace, table_bytes, count, (uint32_t)chunks_bytes.size, &table,
                                NULL) != TALLY_OK)
        return;
    if (dictionary_decode(workspace, table, chunks_bytes, &copy, NULL) == TALLY_OK) {
        const struct dictionary *view = dictionary_copy_view(copy);
        expect(view->count == count);
        expect_chunks(view, table, chunks_bytes);
        expect_again(view);
        dictionary_copy_destroy(copy);
    }
    dictionary_table_destroy(table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER_SIZE)
        return 0;
    prepare();

    enum field_column hint = data[1] % (COLUMN_HINT_DIGEST + 1);
    uint32_t number = get_u16(data + 2);
    struct bytes encoded = bytes_of(data + HEADER_SIZE, size - HEADER_SIZE);
    if (data[0] == DICTIONARY)
        read_dictionary(number, encoded);
    else if (data[0] == CODEC_TEXT)
        read_block(hint, 1 + number % BLOCK_ROWS, encoded);
    else if (codec_name(data[0]) != NULL)
        read_page(data[0], hint, 1 + number % PAGE_ROWS, encoded);
    return 0;
}
