/*
 * codec_pages.c - pages of numbers and ids.
 *
 *     numbers   forms | order 1 | exponent 1 | first 8 (deltas only) | frame | exceptions
 *     ids       forms | 16 bytes for each row that has them | exceptions
 *
 * A number's key is stored divided by 10 to the exponent: times sent in milliseconds are kept in
 * milliseconds. The order says whether the frame has the keys (rows of them) or each key's distance
 * from the one before it (rows - 1); the encoder takes the smaller. Rows without a key repeat the
 * one before them and cost nothing.
 *
 * Exceptions are the values of the rows whose form says so, squeezed (squeeze.c), and stand at the
 * end, only if there are any: the forms say which rows they are. Their keys are computed when they
 * are read.
 *
 * Invariant: what is read back is a page that could have been written: every form is one of the
 * codec's, every byte used.
 */
#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>

enum order {
    ORDER_KEYS = 0,
    ORDER_DELTAS = 1,
};

static tally_status
damaged(struct tally_error *error, const char *what)
{
    return fault(error, TALLY_DAMAGED, "a page of %s is not what was written", what);
}

/* All rows as values; those of a page of exceptions point into it, others into the scratch. */
static void
spell_rows(struct encode_scratch *scratch, enum field_column hint, const struct page_source *source)
{
    page_values(source->page, source->dictionary, hint, 0, source->page->rows, scratch->values,
                scratch->texts);
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

static void
forms_of_ids(struct encode_scratch *scratch, enum field_column hint,
             const struct page_source *source)
{
    const struct page *page = source->page;
    if (page->kind == PAGE_IDS) {
        memcpy(scratch->forms, page->forms, page->rows);
        memcpy(scratch->ids, page->ids, page->rows * sizeof *page->ids);
        return;
    }
    spell_rows(scratch, hint, source);
    for (uint32_t row = 0; row < page->rows; row++)
        scratch->forms[row] = id_form(scratch->values[row], scratch->ids[row]);
}

static bool
all_have_form(const uint8_t *forms, uint32_t rows, uint8_t form)
{
    for (uint32_t row = 0; row < rows; row++) {
        if (forms[row] != form)
            return false;
    }
    return true;
}

/* The values of the rows of form `exception`, after everything else of the page. The rows were
 * spelled before unless the page is of the codec's own kind, and then has its exceptions in order.
 */
static tally_status
append_exceptions(struct codec_workspace *workspace, uint8_t exception, enum page_kind own_kind,
                  const struct page *page, struct buffer *out, struct tally_error *error)
{
    struct encode_scratch *scratch = workspace->scratch;
    uint32_t count = 0;

    for (uint32_t row = 0; row < page->rows; row++) {
        if (scratch->forms[row] != exception)
            continue;
        if (page->kind == own_kind) {
            assert(count < page->exception_count && page->exceptions[count].row == row);
            scratch->exceptions[count] = page->exceptions[count].value;
        } else {
            scratch->exceptions[count] = scratch->values[row];
        }
        count++;
    }
    if (count == 0)
        return TALLY_OK;
    return values_encode(workspace, NULL, scratch->exceptions, count, out, error);
}

tally_status
exceptions_decode(struct page_decoder *decoder, uint8_t exception, uint32_t slot,
                  struct bytes encoded, struct page *page, struct tally_error *error)
{
    size_t first = (size_t)slot * BLOCK_ROWS;
    const uint8_t *forms = decoder->forms + first;
    uint32_t count = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        count += forms[row] == exception;
    if (count == 0)
        return encoded.size == 0 ? TALLY_OK : damaged(error, "exceptions");

    tally_status status =
        decoder_memory((void **)&decoder->values, PAGE_ROWS * sizeof *decoder->values, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->exceptions,
                                PAGE_ROWS * sizeof *decoder->exceptions, error);
    if (status != TALLY_OK)
        return status;
    struct bytes *values = decoder->values + first;
    struct page_exception *exceptions = decoder->exceptions + first;
    status = values_decode(decoder->workspace, NULL, encoded, count, BLOCK_SIZE_MAX,
                           &decoder->slots[slot], values, error);
    if (status != TALLY_OK)
        return status;

    uint32_t taken = 0;
    for (uint32_t row = 0; row < page->rows; row++) {
        if (forms[row] != exception)
            continue;
        if (values[taken].data == NULL)
            return damaged(error, "exceptions");
        exceptions[taken] = (struct page_exception){ row, values[taken] };
        taken++;
    }
    page->exceptions = exceptions;
    page->exception_count = count;
    return TALLY_OK;
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

/* Appends the keys in the order that takes less room, with everything from the order byte on. */
static void
append_keys(struct encode_scratch *scratch, uint32_t rows, uint8_t exponent, struct buffer *out)
{
    size_t start = out->size;
    buffer_byte(out, ORDER_KEYS);
    buffer_byte(out, exponent);
    frame_encode(scratch->keys, rows, scratch->offsets, out);
    if (rows == 1 || buffer_failed(out))
        return;

    size_t keys_end = out->size;
    for (uint32_t row = 1; row < rows; row++)
        scratch->deltas[row - 1] = scratch->keys[row] - scratch->keys[row - 1];
    buffer_byte(out, ORDER_DELTAS);
    buffer_byte(out, exponent);
    buffer_u64(out, scratch->keys[0]);
    frame_encode(scratch->deltas, rows - 1, scratch->offsets, out);
    if (buffer_failed(out))
        return;

    size_t deltas_size = out->size - keys_end;
    if (deltas_size < keys_end - start) {
        memmove(out->data + start, out->data + keys_end, deltas_size);
        out->size = start + deltas_size;
    } else {
        out->size = keys_end;
    }
}

/* The least and greatest key of a page of times, over all present rows. */
static void
summarise_keys(const struct encode_scratch *scratch, uint32_t rows, struct page_summary *summary)
{
    summary->minimum = INT64_MAX;
    summary->maximum = INT64_MIN;
    summary->complete = true;
    for (uint32_t row = 0; row < rows; row++) {
        int64_t key = (int64_t)scratch->keys[row];
        if (scratch->forms[row] == NUMBER_ABSENT) {
            summary->complete = false;
            continue;
        }
        summary->minimum = key < summary->minimum ? key : summary->minimum;
        summary->maximum = key > summary->maximum ? key : summary->maximum;
    }
}

tally_status
numbers_encode(struct codec_workspace *workspace, enum field_column hint,
               const struct page_source *source, struct buffer *out, struct page_summary *summary,
               struct tally_error *error)
{
    struct encode_scratch *scratch = workspace->scratch;
    uint32_t rows = source->page->rows;

    forms_of_numbers(scratch, hint, source);
    if (all_have_form(scratch->forms, rows, NUMBER_ABSENT))
        return TALLY_OK;
    summary->kind = PAGE_NUMBERS;
    if (hint == COLUMN_HINT_TIME)
        summarise_keys(scratch, rows, summary);

    forms_encode(scratch->forms, rows, out);
    uint8_t exponent = hint == COLUMN_HINT_TIME ? common_exponent(scratch, rows) : 0;
    settle_keys(scratch, rows, exponent);
    append_keys(scratch, rows, exponent, out);
    return append_exceptions(workspace, NUMBER_EXCEPTION, PAGE_NUMBERS, source->page, out, error);
}

static bool
number_forms_valid(const uint8_t *forms, uint32_t rows, enum field_column hint)
{
    unsigned digits_max = hint == COLUMN_HINT_TIME ? TIME_DIGITS_MAX : NUMBER_DIGITS_MAX;
    for (uint32_t row = 0; row < rows; row++) {
        if (forms[row] > digits_max && forms[row] < NUMBER_EXCEPTION)
            return false;
    }
    return true;
}

static bool
keys_decode(struct bytes *encoded, uint32_t rows, uint64_t *keys)
{
    uint8_t order, exponent;
    if (!take_u8(encoded, &order) || !take_u8(encoded, &exponent) || exponent > TIME_DIGITS_MAX)
        return false;
    if (order == ORDER_KEYS) {
        if (!frame_decode(encoded, rows, keys))
            return false;
    } else if (order == ORDER_DELTAS && rows > 1) {
        uint64_t key;
        if (!take_u64(encoded, &key) || !frame_decode(encoded, rows - 1, keys))
            return false;
        for (uint32_t row = 0; row < rows; row++) {
            uint64_t delta = keys[row];
            keys[row] = key;
            key += delta;
        }
    } else {
        return false;
    }
    for (uint32_t row = 0; row < rows && exponent > 0; row++)
        keys[row] *= (uint64_t)powers_of_ten[exponent];
    return true;
}

tally_status
numbers_decode(struct page_decoder *decoder, enum field_column hint, uint32_t rows,
               struct bytes encoded, struct page *page, struct tally_error *error)
{
    tally_status status =
        decoder_memory((void **)&decoder->keys, PAGE_ROWS * sizeof *decoder->keys, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->forms, PAGE_ROWS, error);
    if (status != TALLY_OK)
        return status;

    if (!forms_decode(&encoded, rows, decoder->forms) ||
        !number_forms_valid(decoder->forms, rows, hint) ||
        !keys_decode(&encoded, rows, (uint64_t *)decoder->keys))
        return damaged(error, "numbers");

    struct page decoded = {
        .kind = PAGE_NUMBERS, .rows = rows, .keys = decoder->keys, .forms = decoder->forms
    };
    status = exceptions_decode(decoder, NUMBER_EXCEPTION, 0, encoded, &decoded, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t i = 0; i < decoded.exception_count; i++) {
        const struct page_exception *exception = &decoded.exceptions[i];
        (void)number_form(hint, exception->value, &decoder->keys[exception->row]);
    }
    *page = decoded;
    return TALLY_OK;
}

static bool
has_id(uint8_t form)
{
    return form == ID_UUID || form == ID_HEX || form == ID_RAW;
}

tally_status
ids_encode(struct codec_workspace *workspace, enum field_column hint,
           const struct page_source *source, struct buffer *out, struct page_summary *summary,
           struct tally_error *error)
{
    struct encode_scratch *scratch = workspace->scratch;
    uint32_t rows = source->page->rows;

    forms_of_ids(scratch, hint, source);
    if (all_have_form(scratch->forms, rows, ID_ABSENT))
        return TALLY_OK;
    summary->kind = PAGE_IDS;

    forms_encode(scratch->forms, rows, out);
    uint8_t *room = buffer_reserve(out, (size_t)rows * 16);
    if (room == NULL)
        return memory_fault(error);
    for (uint32_t row = 0; row < rows; row++) {
        if (has_id(scratch->forms[row])) {
            memcpy(out->data + out->size, scratch->ids[row], 16);
            out->size += 16;
        }
    }
    return append_exceptions(workspace, ID_EXCEPTION, PAGE_IDS, source->page, out, error);
}

tally_status
ids_decode(struct page_decoder *decoder, uint32_t slot, uint32_t rows, struct bytes encoded,
           struct page *page, struct tally_error *error)
{
    tally_status status =
        decoder_memory((void **)&decoder->ids, PAGE_ROWS * sizeof *decoder->ids, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->forms, PAGE_ROWS, error);
    if (status != TALLY_OK)
        return status;

    uint8_t *forms = decoder->forms + (size_t)slot * BLOCK_ROWS;
    uint8_t(*ids)[16] = decoder->ids + (size_t)slot * BLOCK_ROWS;
    if (!forms_decode(&encoded, rows, forms))
        return damaged(error, "ids");
    for (uint32_t row = 0; row < rows; row++) {
        struct bytes id;
        if (!has_id(forms[row])) {
            if (forms[row] > ID_EXCEPTION)
                return damaged(error, "ids");
            memset(ids[row], 0, 16);
            continue;
        }
        if (!take_bytes(&encoded, 16, &id))
            return damaged(error, "ids");
        memcpy(ids[row], id.data, 16);
    }

    struct page decoded = {
        .kind = PAGE_IDS,
        .rows = rows,
        .ids = (const uint8_t(*)[16])ids,
        .forms = forms,
    };
    status = exceptions_decode(decoder, ID_EXCEPTION, slot, encoded, &decoded, error);
    if (status == TALLY_OK)
        *page = decoded;
    return status;
}
