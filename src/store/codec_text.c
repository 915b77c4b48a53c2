/*
 * codec_text.c - blocks of text, in strips.
 *
 * The idea: a block of 256 rows is what a column's tables and lists of words tell apart, and thirty
 * kilobytes of details, of which one entry wants a hundred bytes. So its text is compressed in strips
 * of as many rows as have about four kilobytes, each by itself: one row costs one strip. The primer
 * (primer.c) makes up for what strips cannot take from each other.
 *
 *     shift 1 | sizes of all strips but the last, a varint each | the strips
 *
 * A strip has 2^shift rows, the last what is left. It is the rows' values squeezed (squeeze.c), and no
 * byte where none of them has a value.
 *
 * Invariants: a strip has at least GROUP rows of those that are read in order together, and all sizes
 * add up to the block's.
 */
#include "codec_parts.h"

#include <assert.h>

#define SHIFT_MIN  4u /* run_reader.h: GROUP_ROWS */
#define SHIFT_MAX  8u
#define STRIPS_MAX (BLOCK_ROWS >> SHIFT_MIN)

/* Text of a strip. Half of it costs half a byte an entry more, and is read in half the time. */
#define STRIP_SIZE 4096u

_Static_assert(BLOCK_ROWS == 1u << SHIFT_MAX, "a block is the largest strip");

static const char wrong_strips[] = "the strips of a block are not of %u rows";

/* A block taken apart: its strips as they lie. */
struct text_block {
    uint32_t rows;
    unsigned shift;
    uint32_t count;
    struct bytes strips[STRIPS_MAX];
};

static unsigned
strip_shift(uint64_t text_size, uint32_t rows)
{
    unsigned shift = SHIFT_MAX;
    while (shift > SHIFT_MIN && (text_size << shift) / rows > STRIP_SIZE)
        shift--;
    return shift;
}

uint32_t
text_strip_rows(uint64_t text_size, uint32_t rows)
{
    return UINT32_C(1) << strip_shift(text_size, rows);
}

static uint32_t
strip_count(uint32_t rows, unsigned shift)
{
    return (rows + (UINT32_C(1) << shift) - 1) >> shift;
}

static uint32_t
strip_rows(const struct text_block *block, uint32_t strip)
{
    uint32_t rest = block->rows - (strip << block->shift);
    return rest < UINT32_C(1) << block->shift ? rest : UINT32_C(1) << block->shift;
}

static bool
all_absent(const struct bytes *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (values[i].data != NULL)
            return false;
    return true;
}

tally_status
text_encode(struct codec_workspace *workspace, const struct primer *primer,
            const struct bytes *values, uint32_t rows, struct buffer *out,
            struct tally_error *error)
{
    struct text_block block = { .rows = rows };
    struct buffer *strips = &workspace->strips;
    uint64_t size = 0;
    if (all_absent(values, rows))
        return TALLY_OK;
    for (uint32_t i = 0; i < rows; i++)
        size += values[i].size;
    block.shift = strip_shift(size, rows);
    block.count = strip_count(rows, block.shift);

    buffer_clear(strips);
    buffer_byte(out, (uint8_t)block.shift);
    for (uint32_t i = 0; i < block.count; i++) {
        const struct bytes *first = values + (i << block.shift);
        uint32_t count = strip_rows(&block, i);
        size_t start = strips->size;
        if (!all_absent(first, count)) {
            tally_status status = values_encode(workspace, primer, first, count, strips, error);
            if (status != TALLY_OK)
                return status;
        }
        if (i + 1 < block.count)
            buffer_varint(out, (uint32_t)(strips->size - start));
    }
    buffer_bytes(out, buffer_view(strips));
    if (strips->capacity > BUFFER_KEEP_MAX)
        buffer_free(strips);
    return buffer_failed(out) ? memory_fault(error) : TALLY_OK;
}

static bool
text_open(struct bytes encoded, uint32_t rows, struct text_block *block)
{
    uint32_t sizes[STRIPS_MAX] = { 0 };
    uint8_t shift;
    if (!take_u8(&encoded, &shift) || shift < SHIFT_MIN || shift > SHIFT_MAX)
        return false;
    *block = (struct text_block){ .rows = rows, .shift = shift };
    block->count = strip_count(rows, shift);
    for (uint32_t i = 0; i + 1 < block->count; i++)
        if (!take_varint(&encoded, &sizes[i]))
            return false;
    for (uint32_t i = 0; i + 1 < block->count; i++)
        if (!take_bytes(&encoded, sizes[i], &block->strips[i]))
            return false;
    block->strips[block->count - 1] = encoded;
    return true;
}

/* The values of one strip, their text behind what `plain` has, where there is room. */
static tally_status
strip_decode(struct codec_workspace *workspace, const struct primer *primer,
             const struct text_block *block, uint32_t strip, struct buffer *plain,
             struct bytes *values, struct tally_error *error)
{
    size_t start = plain->size;
    uint32_t count = strip_rows(block, strip);
    if (block->strips[strip].size == 0) {
        memset(values, 0, count * sizeof *values);
        return TALLY_OK;
    }
    tally_status status =
        unsqueeze_behind(workspace, primer, block->strips[strip], BLOCK_SIZE_MAX, plain, error);
    if (status != TALLY_OK)
        return status;
    if (plain->size == start)
        return fault(error, TALLY_DAMAGED, "a strip has no values");
    return values_split(bytes_of(plain->data + start, plain->size - start), count, values, error);
}

/* How much text all strips have, as they say. */
static tally_status
block_size(const struct text_block *block, size_t *size_out, struct tally_error *error)
{
    size_t total = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        size_t size = 0;
        tally_status status = TALLY_OK;
        if (block->strips[i].size > 0)
            status = squeezed_size(block->strips[i], BLOCK_SIZE_MAX - total, &size, error);
        if (status != TALLY_OK)
            return status;
        total += size;
    }
    *size_out = total;
    return TALLY_OK;
}

tally_status
text_decode(struct codec_workspace *workspace, const struct encoded_text *encoded,
            struct buffer *plain, struct bytes *values_out, struct tally_error *error)
{
    struct text_block block;
    size_t size;
    if (!text_open(encoded->bytes, encoded->rows, &block))
        return fault(error, TALLY_DAMAGED, wrong_strips, encoded->rows);
    tally_status status = block_size(&block, &size, error);
    if (status != TALLY_OK)
        return status;
    buffer_clear(plain);
    if (plain->capacity > BUFFER_KEEP_MAX)
        buffer_free(plain);
    /* At once, so that no strip's text moves for the next. */
    if (buffer_reserve(plain, size + 1) == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < block.count && status == TALLY_OK; i++)
        status = strip_decode(workspace, encoded->primer, &block, i, plain,
                              values_out + (i << block.shift), error);
    return status;
}

/* Decompresses the strip with a row into the decoder's own text; says its rows and, where it has a
 * value, its text. A block without any byte is a strip of all its rows. */
static tally_status
strip_open(struct page_decoder *decoder, const struct encoded_text *encoded, uint32_t row,
           struct text_strip *strip_out, struct tally_error *error)
{
    uint32_t rows = encoded->rows;
    struct text_block block = { .rows = rows, .shift = SHIFT_MAX, .count = 1 };
    struct buffer *text = &decoder->strip_text;
    assert(row < rows && rows <= BLOCK_ROWS);
    if (encoded->bytes.size > 0 && !text_open(encoded->bytes, rows, &block))
        return fault(error, TALLY_DAMAGED, wrong_strips, rows);
    uint32_t number = row >> block.shift;
    struct text_strip strip = {
        .first = number << block.shift,
        .count = strip_rows(&block, number),
    };
    buffer_clear(text);
    if (block.strips[number].size > 0) {
        tally_status status = unsqueeze_behind(decoder->workspace, encoded->primer,
                                               block.strips[number], BLOCK_SIZE_MAX, text, error);
        if (status != TALLY_OK)
            return status;
        if (text->size == 0)
            return fault(error, TALLY_DAMAGED, "a strip has no values");
        strip.text = buffer_view(text);
    }
    *strip_out = strip;
    return TALLY_OK;
}

tally_status
codec_decode_strip(struct page_decoder *decoder, const struct encoded_text *encoded, uint32_t row,
                   struct text_strip *strip_out, struct tally_error *error)
{
    struct text_strip strip;
    tally_status status = strip_open(decoder, encoded, row, &strip, error);
    if (status != TALLY_OK)
        return status;
    if (strip.text.size > 0 &&
        !values_pick(strip.text, strip.count, row - strip.first, &strip.value))
        return fault(error, TALLY_DAMAGED, "a strip is not %u values", strip.count);
    *strip_out = strip;
    return TALLY_OK;
}

tally_status
codec_split_strip(struct page_decoder *decoder, struct text_strip *strip, struct tally_error *error)
{
    tally_status status =
        decoder_memory((void **)&decoder->strip, BLOCK_ROWS * sizeof *decoder->strip, error);
    if (status == TALLY_OK && strip->text.size > 0)
        status = values_split(strip->text, strip->count, decoder->strip, error);
    else if (status == TALLY_OK)
        memset(decoder->strip, 0, strip->count * sizeof *decoder->strip);
    if (status == TALLY_OK)
        strip->values = decoder->strip;
    return status;
}

tally_status
codec_search_strip(struct page_decoder *decoder, const struct encoded_text *encoded, uint32_t row,
                   struct bytes sought, struct text_strip *strip_out, struct tally_error *error)
{
    struct text_strip strip;
    tally_status status = strip_open(decoder, encoded, row, &strip, error);
    if (status != TALLY_OK)
        return status;
    *strip_out = strip;
    bool found = strip.text.size > 0 &&
                 memmem(strip.text.data, strip.text.size, sought.data, sought.size) != NULL;
    return found ? TALLY_OK : TALLY_ABSENT;
}
