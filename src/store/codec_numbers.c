/*
 * codec_numbers.c - pages of numbers: times, integers, decimals.
 *
 *     forms | order 1 | exponent 1 | starts (differences only) | frame | exceptions
 *     starts: first 8 | size 1 | the other blocks' distances from the first, `size` bytes each
 *
 * A number's key is stored divided by 10 to the exponent: times sent in milliseconds are kept in
 * milliseconds. The order says whether the frame has the keys or each key's difference from the one
 * before it; the encoder takes the smaller. Rows without a key repeat the one before them and cost
 * nothing. Each block of 256 rows has its own start, which stands for the key before its first: so a
 * row's key takes one block's differences to add up, and not 4,096.
 *
 * What is known of a page without decoding it is its least and greatest key, made comparable: as if
 * all had the most fraction digits that any has. It is not known where a value has no key, or where
 * such a number would have too many digits.
 *
 * Exceptions stand at the end (codec_exceptions.c). Their keys are computed when they are read.
 *
 * Invariant: what is read back is a page that could have been written: every form is one of the
 * codec's, every byte used. A single block is read with its own rows' forms looked at and nothing of
 * the exceptions: of a page that was written it is what the page has.
 */
#include "bits.h"
#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(BLOCK_ROWS == BITS_GROUP, "a block's keys and forms are a group each");

enum order {
    ORDER_KEYS = 0,
    ORDER_DIFFERENCES = 1,
};

static tally_status
damaged(struct tally_error *error)
{
    return fault(error, TALLY_DAMAGED, "a page of numbers is not what was written");
}

static void
forms_of_numbers(struct encode_scratch *scratch, enum field_column hint,
                 const struct page_source *source)
{
    const struct page *page = source->page;
    if (page->kind == PAGE_NUMBERS) {
        memcpy(scratch->forms, page->forms, page->rows);
        memcpy(scratch->keys, page->keys, page->rows * sizeof *page->keys);
        return;
    }
    spell_rows(scratch, hint, source);
    for (uint32_t row = 0; row < page->rows; row++) {
        int64_t key;
        scratch->forms[row] = number_form(hint, scratch->values[row], &key);
        scratch->keys[row] = (uint64_t)key;
    }
}

static bool
has_key(uint8_t form)
{
    return form <= NUMBER_DIGITS_MAX;
}

static const int64_t powers_of_ten[TIME_DIGITS_MAX + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

/* The exponent that all keys of a page of times allow: from the most digits that any was sent with,
 * if the keys are what such texts give. */
static uint8_t
common_exponent(const struct encode_scratch *scratch, uint32_t rows)
{
    uint8_t digits = 0;
    for (uint32_t row = 0; row < rows; row++) {
        if (has_key(scratch->forms[row]) && scratch->forms[row] > digits)
            digits = scratch->forms[row];
    }
    if (digits >= TIME_DIGITS_MAX)
        return 0;
    uint8_t exponent = (uint8_t)(TIME_DIGITS_MAX - digits);
    for (uint32_t row = 0; row < rows; row++) {
        if (has_key(scratch->forms[row]) &&
            (int64_t)scratch->keys[row] % powers_of_ten[exponent] != 0)
            return 0;
    }
    return exponent;
}

/* Divides the keys and gives rows without one that of the row before them; the first ones, that of
 * the first row that has one. */
static void
settle_keys(struct encode_scratch *scratch, uint32_t rows, uint8_t exponent)
{
    int64_t power = powers_of_ten[exponent];
    uint32_t first = 0;
    while (first < rows && !has_key(scratch->forms[first]))
        first++;
    uint64_t key = first == rows ? 0 : (uint64_t)((int64_t)scratch->keys[first] / power);
    for (uint32_t row = 0; row < rows; row++) {
        if (has_key(scratch->forms[row]))
            key = (uint64_t)((int64_t)scratch->keys[row] / power);
        scratch->keys[row] = key;
    }
}

/* How many bytes a signed number takes, 0 for 0. */
static unsigned
signed_size(uint64_t value)
{
    uint64_t size = (int64_t)value < 0 ? ~value : value;
    return value == 0 ? 0 : bits_width(size) / 8 + 1;
}

/* The starts of a page's blocks, the first one's being `first`. */
static void
append_starts(const uint64_t *keys, uint32_t rows, uint64_t first, struct buffer *out)
{
    unsigned size = 0;
    for (uint32_t row = BLOCK_ROWS; row < rows; row += BLOCK_ROWS) {
        unsigned needed = signed_size(keys[row - 1] - first);
        size = needed > size ? needed : size;
    }
    buffer_u64(out, first);
    buffer_byte(out, (uint8_t)size);
    for (uint32_t row = BLOCK_ROWS; row < rows; row += BLOCK_ROWS) {
        uint8_t distance[8];
        put_u64(distance, keys[row - 1] - first);
        buffer_bytes(out, bytes_of(distance, size));
    }
}

/* Appends the keys in the order that takes less room, with everything from the order byte on. */
static void
append_keys(struct encode_scratch *scratch, uint32_t rows, uint8_t exponent, struct buffer *out)
{
    const uint64_t *keys = scratch->keys;
    uint64_t *differences = scratch->differences;
    size_t start = out->size;
    buffer_byte(out, ORDER_KEYS);
    buffer_byte(out, exponent);
    frame_encode(keys, rows, scratch->offsets, out);
    if (rows == 1 || buffer_failed(out))
        return;

    size_t keys_end = out->size;
    for (uint32_t row = 1; row < rows; row++)
        differences[row] = keys[row] - keys[row - 1];
    differences[0] = differences[1]; /* the first start is placed so that any will do */
    buffer_byte(out, ORDER_DIFFERENCES);
    buffer_byte(out, exponent);
    append_starts(keys, rows, keys[0] - differences[0], out);
    frame_encode(differences, rows, scratch->offsets, out);
    if (buffer_failed(out))
        return;

    size_t differences_size = out->size - keys_end;
    if (differences_size < keys_end - start) {
        memmove(out->data + start, out->data + keys_end, differences_size);
        out->size = start + differences_size;
    } else {
        out->size = keys_end;
    }
}

/* A key as if it had `more` fraction digits; false beyond NUMBER_DIGITS_MAX digits in all. */
static bool
key_scale(int64_t key, unsigned more, int64_t *scaled_out)
{
    const int64_t limit = INT64_C(1000000000000000000);
    for (; more > 0 && key != 0; more--) {
        if (key >= limit / 10 || key <= -limit / 10)
            return false;
        key *= 10;
    }
    *scaled_out = key;
    return key < limit && key > -limit;
}

/* Least and greatest of the present rows in `digits` fraction digits, which none has more of; times
 * are all alike. */
static void
bound_keys(const struct page *page, enum field_column hint, uint8_t digits,
           struct page_summary *summary)
{
    int64_t minimum = INT64_MAX, maximum = INT64_MIN;
    for (uint32_t row = 0; row < page->rows; row++) {
        uint8_t form = page->forms[row];
        int64_t key = page->keys[row];
        if (form == NUMBER_ABSENT)
            continue;
        if (hint != COLUMN_HINT_TIME &&
            (form == NUMBER_EXCEPTION || !key_scale(key, (unsigned)(digits - form), &key)))
            return;
        minimum = key < minimum ? key : minimum;
        maximum = key > maximum ? key : maximum;
    }
    summary->bounded = true;
    summary->digits = digits;
    summary->minimum = minimum;
    summary->maximum = maximum;
}

void
numbers_summarise(const struct page *page, enum field_column hint, struct page_summary *summary)
{
    uint8_t digits = 0;
    uint32_t absent = 0;
    for (uint32_t row = 0; row < page->rows; row++) {
        uint8_t form = page->forms[row];
        absent += form == NUMBER_ABSENT;
        if (has_key(form) && hint != COLUMN_HINT_TIME && form > digits)
            digits = form;
    }
    if (absent == page->rows)
        return;
    summary->kind = PAGE_NUMBERS;
    summary->complete = absent == 0;
    bound_keys(page, hint, digits, summary);
}

tally_status
numbers_encode(struct codec_workspace *workspace, enum field_column hint,
               const struct page_source *source, struct buffer *out, struct page_summary *summary,
               struct tally_error *error)
{
    struct encode_scratch *scratch = workspace->scratch;
    uint32_t rows = source->page->rows;

    forms_of_numbers(scratch, hint, source);
    if (forms_are_all(scratch->forms, rows, NUMBER_ABSENT))
        return TALLY_OK;
    const struct page page = {
        .kind = PAGE_NUMBERS,
        .rows = rows,
        .forms = scratch->forms,
        .keys = (const int64_t *)scratch->keys,
    };
    numbers_summarise(&page, hint, summary);

    forms_encode(scratch->forms, rows, out);
    uint8_t exponent = hint == COLUMN_HINT_TIME ? common_exponent(scratch, rows) : 0;
    settle_keys(scratch, rows, exponent);
    append_keys(scratch, rows, exponent, out);
    return exceptions_encode(workspace, NUMBER_EXCEPTION, PAGE_NUMBERS, source->page, out, error);
}

static bool
number_forms_valid(const struct forms *forms, enum field_column hint)
{
    unsigned digits_max = hint == COLUMN_HINT_TIME ? TIME_DIGITS_MAX : NUMBER_DIGITS_MAX;
    for (unsigned i = 0; i < forms->count; i++) {
        if (forms->list[i] > digits_max && forms->list[i] < NUMBER_EXCEPTION)
            return false;
    }
    return true;
}

static bool
starts_open(struct bytes *from, uint32_t rows, uint64_t starts[PAGE_BLOCKS])
{
    uint8_t size;
    struct bytes distance;
    if (!take_u64(from, &starts[0]) || !take_u8(from, &size) || size > 8)
        return false;
    for (uint32_t block = 1; block * BLOCK_ROWS < rows; block++) {
        if (!take_bytes(from, size, &distance))
            return false;
        /* Bytes that are not there are those of the sign. */
        uint8_t bytes[8];
        memset(bytes, size > 0 && distance.data[size - 1] >= 0x80 ? 0xff : 0, sizeof bytes);
        for (unsigned i = 0; i < size; i++)
            bytes[i] = distance.data[i];
        starts[block] = starts[0] + get_u64(bytes);
    }
    return true;
}

tally_status
numbers_open(struct bytes encoded, enum field_column hint, uint32_t rows,
             struct numbered_page *page_out, struct tally_error *error)
{
    struct numbered_page page = { .rows = rows };
    uint8_t order;
    if (!forms_open(&encoded, rows, &page.forms) || !number_forms_valid(&page.forms, hint) ||
        !take_u8(&encoded, &order) || !take_u8(&encoded, &page.exponent) ||
        page.exponent > TIME_DIGITS_MAX || order > ORDER_DIFFERENCES)
        return damaged(error);
    page.differences = order == ORDER_DIFFERENCES;
    if (page.differences && (rows == 1 || !starts_open(&encoded, rows, page.starts)))
        return damaged(error);
    if (!frame_open(&encoded, rows, &page.frame))
        return damaged(error);
    page.exceptions = encoded;
    *page_out = page;
    return TALLY_OK;
}

void
numbers_read_block(const struct numbered_page *page, uint32_t block, int64_t *keys_out)
{
    uint64_t *keys = (uint64_t *)keys_out;
    frame_read_group(&page->frame, block, keys);
    if (page->differences) {
        uint64_t key = page->starts[block];
        for (uint32_t row = 0; row < BLOCK_ROWS; row++) {
            key += keys[row];
            keys[row] = key;
        }
    }
    uint64_t power = (uint64_t)powers_of_ten[page->exponent];
    for (uint32_t row = 0; row < BLOCK_ROWS && power > 1; row++)
        keys[row] *= power;
}

static tally_status
numbers_memory(struct page_decoder *decoder, struct tally_error *error)
{
    tally_status status =
        decoder_memory((void **)&decoder->keys, PAGE_ROWS * sizeof *decoder->keys, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->forms, PAGE_ROWS, error);
    return status;
}

tally_status
numbers_decode(struct page_decoder *decoder, enum field_column hint, uint32_t rows,
               struct bytes encoded, struct page *page, struct tally_error *error)
{
    struct numbered_page numbered;
    tally_status status = numbers_memory(decoder, error);
    if (status == TALLY_OK)
        status = numbers_open(encoded, hint, rows, &numbered, error);
    if (status != TALLY_OK)
        return status;
    if (!forms_read(&numbered.forms, decoder->forms))
        return damaged(error);
    for (uint32_t block = 0; block * BLOCK_ROWS < rows; block++)
        numbers_read_block(&numbered, block, decoder->keys + block * BLOCK_ROWS);

    struct page decoded = {
        .kind = PAGE_NUMBERS, .rows = rows, .keys = decoder->keys, .forms = decoder->forms
    };
    status = exceptions_decode(decoder, NUMBER_EXCEPTION, 0, numbered.exceptions, &decoded, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t i = 0; i < decoded.exception_count; i++) {
        const struct page_exception *exception = &decoded.exceptions[i];
        (void)number_form(hint, exception->value, &decoder->keys[exception->row]);
    }
    *page = decoded;
    return TALLY_OK;
}

tally_status
codec_decode_numbers(struct page_decoder *decoder, uint32_t slot, enum field_column hint,
                     uint32_t rows, struct bytes encoded, struct tally_error *error)
{
    struct numbered_page numbered;
    uint32_t first = slot * BLOCK_ROWS;
    assert(first < rows && rows <= PAGE_ROWS);
    tally_status status = numbers_memory(decoder, error);
    if (status != TALLY_OK)
        return status;
    uint8_t *forms = decoder->forms + first;
    uint32_t count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
    if (encoded.size == 0) {
        memset(forms, NUMBER_ABSENT, count);
        return TALLY_OK;
    }
    status = numbers_open(encoded, hint, rows, &numbered, error);
    if (status != TALLY_OK)
        return status;
    if (!forms_read_group(&numbered.forms, slot, forms))
        return damaged(error);
    if (memchr(forms, NUMBER_EXCEPTION, count) != NULL)
        return TALLY_ABSENT;
    numbers_read_block(&numbered, slot, decoder->keys + first);
    return TALLY_OK;
}

void
page_decoder_numbers_block(const struct page_decoder *decoder, uint32_t slot, uint32_t rows,
                           struct page *page_out)
{
    size_t first = (size_t)slot * BLOCK_ROWS;
    *page_out = (struct page){
        .kind = PAGE_NUMBERS,
        .rows = rows,
        .keys = decoder->keys + first,
        .forms = decoder->forms + first,
    };
}

/* Those of one block, whose first row is row 0 of `times`. */
static tally_status
block_lower(const struct numbered_page *page, uint32_t block, const uint64_t *wanted,
            int64_t *times, struct tally_error *error)
{
    uint8_t forms[BLOCK_ROWS];
    int64_t keys[BLOCK_ROWS];
    if (!forms_read_group(&page->forms, block, forms))
        return damaged(error);
    numbers_read_block(page, block, keys);
    for (unsigned word = 0; word < BLOCK_ROWS / 64; word++) {
        for (uint64_t left = wanted[word]; left != 0; left &= left - 1) {
            unsigned row = word * 64 + (unsigned)__builtin_ctzll(left);
            if (forms[row] == NUMBER_EXCEPTION)
                return TALLY_ABSENT;
            if (forms[row] != NUMBER_ABSENT && keys[row] < times[row])
                times[row] = keys[row];
        }
    }
    return TALLY_OK;
}

tally_status
codec_lower_times(struct bytes encoded, uint32_t rows, const struct row_set *wanted, int64_t *times,
                  struct tally_error *error)
{
    struct numbered_page page;
    if (encoded.size == 0)
        return TALLY_OK;
    tally_status status = numbers_open(encoded, COLUMN_HINT_TIME, rows, &page, error);
    for (uint32_t row = row_set_next(wanted, 0); row < rows && status == TALLY_OK;) {
        uint32_t block = row / BLOCK_ROWS, first = block * BLOCK_ROWS;
        status = block_lower(&page, block, wanted->words + first / 64, times + first, error);
        row = row_set_next(wanted, first + BLOCK_ROWS);
    }
    return status;
}
