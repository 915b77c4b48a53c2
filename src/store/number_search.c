/*
 * number_search.c - comparing keys 64 at a time, encoded or not.
 *
 * A page is gone through in blocks of 256 rows, and only in those that have rows to look at. In
 * each, the rows of every form are compared with that form's bounds, without a branch for a row;
 * then what has another form is taken away. Most pages have one form or two.
 *
 * Keys that are encoded as distances from a base, of at most 32 bits, are compared as distances:
 * the bounds are moved and cut instead. The few keys that are patches have a distance of 0, and are
 * looked at one by one. All other pages have the block's keys read first.
 *
 * Rows behind the page's last hold anything; they are in no set of the page's rows.
 */
#include "number_search.h"

#include "bits.h"
#include "codec_parts.h"

#include <assert.h>

#define BLOCK_WORDS (BLOCK_ROWS / 64)

/* A block of rows: bits of the set, and how the rows' forms are told apart. */
struct block {
    uint32_t number;
    uint64_t among[BLOCK_WORDS];
    uint64_t found[BLOCK_WORDS];
    uint64_t exceptions[BLOCK_WORDS];
};

/* False where the block has no rows to look at. */
static bool
block_begin(const struct number_search *search, uint32_t number, struct block *block)
{
    const uint64_t *among = search->among->words + (size_t)number * BLOCK_WORDS;
    if ((among[0] | among[1] | among[2] | among[3]) == 0)
        return false;
    *block = (struct block){ .number = number };
    memcpy(block->among, among, sizeof block->among);
    return true;
}

static void
block_end(const struct number_search *search, const struct block *block)
{
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        size_t word = (size_t)block->number * BLOCK_WORDS + i;
        search->found->words[word] |= block->found[i] & block->among[i];
        search->exceptions->words[word] |= block->exceptions[i] & block->among[i];
    }
}

static bool
key_within(const struct number_search *search, uint8_t form, int64_t key)
{
    for (uint32_t i = 0; i < search->range_count; i++) {
        if (key >= search->ranges[i].low[form] && key <= search->ranges[i].high[form])
            return true;
    }
    return false;
}

/* The lowest bits of 64 bytes, which are 0 or 1: of eight at a time, moved next to each other. */
static uint64_t
gather_bits(const uint8_t *bytes)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++)
        bits |= (get_u64(bytes + 8 * i) * 0x0102040810204080u >> 56) << 8 * i;
    return bits;
}

static uint64_t
keys_between(const int64_t *keys, int64_t low, int64_t high)
{
    uint8_t in[64];
    uint64_t span = (uint64_t)high - (uint64_t)low;
    for (unsigned i = 0; i < 64; i++)
        in[i] = (uint64_t)keys[i] - (uint64_t)low <= span;
    return gather_bits(in);
}

static uint64_t
forms_equal(const uint8_t *forms, uint8_t form)
{
    uint8_t in[64];
    for (unsigned i = 0; i < 64; i++)
        in[i] = forms[i] == form;
    return gather_bits(in);
}

/* Adds the rows of a block that have `form` and a key in one of the ranges. */
static void
block_keys(const struct number_search *search, struct block *block, const int64_t *keys,
           uint8_t form, const uint64_t with_form[BLOCK_WORDS])
{
    for (uint32_t i = 0; i < search->range_count; i++) {
        int64_t low = search->ranges[i].low[form];
        int64_t high = search->ranges[i].high[form];
        for (unsigned word = 0; word < BLOCK_WORDS && low <= high; word++) {
            if ((block->among[word] & with_form[word]) != 0)
                block->found[word] |= keys_between(keys + 64 * word, low, high) & with_form[word];
        }
    }
}

/*
 * Pages in memory.
 */

static void
page_block(const struct number_search *search, struct block *block, const uint8_t *forms,
           const int64_t *keys)
{
    uint64_t left[BLOCK_WORDS];
    memcpy(left, block->among, sizeof left);
    /* The form of the first row that is left, until no row is. */
    for (unsigned word = 0; word < BLOCK_WORDS; word++) {
        while (left[word] != 0) {
            uint8_t form = forms[64 * word + (unsigned)__builtin_ctzll(left[word])];
            uint64_t with_form[BLOCK_WORDS];
            for (unsigned i = 0; i < BLOCK_WORDS; i++) {
                with_form[i] = left[i] == 0 ? 0 : forms_equal(forms + 64 * i, form) & left[i];
                left[i] &= ~with_form[i];
            }
            if (form <= NUMBER_DIGITS_MAX)
                block_keys(search, block, keys, form, with_form);
            else if (form == NUMBER_EXCEPTION)
                memcpy(block->exceptions, with_form, sizeof with_form);
        }
    }
}

void
number_search_page(const struct number_search *search, const struct page *page)
{
    assert(page->kind == PAGE_NUMBERS);
    for (uint32_t first = 0; first < page->rows; first += BLOCK_ROWS) {
        struct block block;
        if (!block_begin(search, first / BLOCK_ROWS, &block))
            continue;
        const uint8_t *forms = page->forms + first;
        const int64_t *keys = page->keys + first;
        uint8_t padded_forms[BLOCK_ROWS] = { 0 };
        int64_t padded_keys[BLOCK_ROWS] = { 0 };
        if (page->rows - first < BLOCK_ROWS) {
            memcpy(padded_forms, forms, page->rows - first);
            memcpy(padded_keys, keys, (page->rows - first) * sizeof *keys);
            forms = padded_forms;
            keys = padded_keys;
        }
        page_block(search, &block, forms, keys);
        block_end(search, &block);
    }
}

/*
 * Encoded pages.
 */

/* Whether the keys of a page are compared as distances: they are the base and what 32 bits can add,
 * without going over. */
static bool
by_distance(const struct numbered_page *page)
{
    const struct frame *frame = &page->frame;
    int64_t highest;
    return !page->differences && page->exponent == 0 && frame->width <= 32 &&
           !__builtin_add_overflow((int64_t)frame->base,
                                   (int64_t)((UINT64_C(1) << frame->width) - 1), &highest);
}

/* A range's part among the distances of a page; false where it has none. */
static bool
distances_of(const struct frame *frame, int64_t low, int64_t high, uint32_t *low_out,
             uint32_t *high_out)
{
    int64_t base = (int64_t)frame->base;
    int64_t highest = base + (int64_t)((UINT64_C(1) << frame->width) - 1);
    if (low > high || low > highest || high < base)
        return false;
    int64_t first = low < base ? base : low;
    int64_t last = high > highest ? highest : high;
    *low_out = (uint32_t)(first - base);
    *high_out = (uint32_t)(last - base);
    return true;
}

/* As block_keys(). */
static void
block_distances(const struct number_search *search, struct block *block, const struct frame *frame,
                const uint32_t *distances, uint8_t form, const uint64_t with_form[BLOCK_WORDS])
{
    for (uint32_t i = 0; i < search->range_count; i++) {
        uint32_t low, high;
        if (!distances_of(frame, search->ranges[i].low[form], search->ranges[i].high[form], &low,
                          &high))
            continue;
        for (unsigned word = 0; word < BLOCK_WORDS; word++)
            block->found[word] |= bits_between(distances + 64 * word, low, high) & with_form[word];
    }
}

/* What a block's rows have: their forms' positions, and their keys in one of two ways. */
struct block_rows {
    bool distant; /* distances; else keys */
    union {
        uint32_t distances[BLOCK_ROWS];
        int64_t keys[BLOCK_ROWS];
    };
    uint32_t positions[BLOCK_ROWS]; /* only where the page has several forms */
};

/* Says of patches, whose distances say nothing, what their keys say. Blocks come in order: `*next`
 * is the first patch that is not of one before. */
static void
block_patches(const struct number_search *search, struct block *block,
              const struct numbered_page *page, const struct block_rows *rows, uint32_t *next)
{
    const struct frame *frame = &page->frame;
    for (; *next < frame->patches; ++*next) {
        uint32_t i = *next;
        uint32_t place = get_u16(frame->places + 2 * i);
        uint32_t row = place % BLOCK_ROWS;
        if (place / BLOCK_ROWS > block->number)
            break;
        if (place / BLOCK_ROWS < block->number)
            continue;
        uint8_t form = page->forms.list[page->forms.count == 1 ? 0 : rows->positions[row]];
        uint64_t bit = UINT64_C(1) << row % 64;
        block->found[row / 64] &= ~bit;
        if (form <= NUMBER_DIGITS_MAX &&
            key_within(search, form, (int64_t)get_u64(frame->values + 8 * i)))
            block->found[row / 64] |= bit;
    }
}

static bool
block_rows_read(const struct numbered_page *page, uint32_t number, struct block_rows *rows)
{
    const struct frame *frame = &page->frame;
    rows->distant = by_distance(page);
    if (rows->distant)
        bits_unpack32(frame->packed + bits_size(number * BLOCK_ROWS, frame->width), BLOCK_ROWS,
                      frame->width, rows->distances);
    else
        numbers_read_block(page, number, rows->keys);
    return page->forms.count == 1 || forms_positions(&page->forms, number, rows->positions);
}

static void
encoded_block(const struct number_search *search, struct block *block,
              const struct numbered_page *page, const struct block_rows *rows, uint32_t *next_patch)
{
    for (uint32_t position = 0; position < page->forms.count; position++) {
        uint8_t form = page->forms.list[position];
        uint64_t with_form[BLOCK_WORDS];
        for (unsigned word = 0; word < BLOCK_WORDS; word++)
            with_form[word] = page->forms.count == 1
                                  ? UINT64_MAX
                                  : bits_between(rows->positions + 64 * word, position, position);
        if (form == NUMBER_EXCEPTION)
            memcpy(block->exceptions, with_form, sizeof with_form);
        else if (form <= NUMBER_DIGITS_MAX && rows->distant)
            block_distances(search, block, &page->frame, rows->distances, form, with_form);
        else if (form <= NUMBER_DIGITS_MAX)
            block_keys(search, block, rows->keys, form, with_form);
    }
    if (rows->distant)
        block_patches(search, block, page, rows, next_patch);
}

tally_status
number_search_encoded(const struct number_search *search, struct bytes encoded,
                      enum field_column hint, uint32_t rows, struct tally_error *error)
{
    struct numbered_page page;
    uint32_t next_patch = 0;
    if (encoded.size == 0)
        return TALLY_OK;
    tally_status status = numbers_open(encoded, hint, rows, &page, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t first = 0; first < rows; first += BLOCK_ROWS) {
        struct block block;
        struct block_rows block_rows;
        if (!block_begin(search, first / BLOCK_ROWS, &block))
            continue;
        if (!block_rows_read(&page, block.number, &block_rows))
            return fault(error, TALLY_DAMAGED, "a page of numbers is not what was written");
        encoded_block(search, &block, &page, &block_rows, &next_patch);
        block_end(search, &block);
    }
    return TALLY_OK;
}
