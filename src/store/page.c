/*
 * page.c - reading one row of a page, and the spellings that pages take apart.
 *
 * A value that is not kept as bytes is kept as something smaller that spells exactly one text: a
 * key with a count of fraction digits, or 16 bytes with a form. The reading functions accept a text
 * only if it is the one that the writing function would produce, so no value is ever changed by
 * being stored; what they refuse is kept as it came, in the exceptions.
 */
#include "page.h"

#include "ascii.h"
#include "base64.h"
#include "clock.h"
#include "uuid.h"

#include <assert.h>

#define KEY_LIMIT UINT64_C(1000000000000000000) /* 10 to the NUMBER_DIGITS_MAX: keys are below */

bool
number_read(struct bytes token, int64_t *key_out, uint8_t *digits_out)
{
    const uint8_t *at = token.data;
    const uint8_t *end = at + token.size;
    if (token.size == 0)
        return false;
    bool negative = *at == '-';
    if (negative)
        at++;

    /* "0" or a digit from 1 to 9 first: no zero leads other digits. */
    if (at == end || !ascii_is_digit(*at) || (*at == '0' && at + 1 < end && at[1] != '.'))
        return false;

    uint64_t key = 0;
    const uint8_t *point = NULL;
    for (; at < end; at++) {
        if (*at == '.' && point == NULL) {
            point = at;
            continue;
        }
        if (!ascii_is_digit(*at))
            return false;
        key = key * 10 + (uint64_t)(*at - '0');
        if (key >= KEY_LIMIT)
            return false;
    }
    ptrdiff_t digits = point == NULL ? 0 : end - point - 1;
    if (point != NULL && (digits == 0 || digits > NUMBER_DIGITS_MAX))
        return false;
    if (negative && key == 0)
        return false; /* a key has no negative zero */

    *key_out = negative ? -(int64_t)key : (int64_t)key;
    *digits_out = (uint8_t)digits;
    return true;
}

size_t
number_write(int64_t key, uint8_t digits, char text[PAGE_TEXT_MAX])
{
    assert(digits <= NUMBER_DIGITS_MAX);

    char reversed[PAGE_TEXT_MAX];
    size_t size = 0, out = 0;
    uint64_t rest = key < 0 ? -(uint64_t)key : (uint64_t)key;
    for (unsigned i = 0; i <= digits || rest > 0; i++) {
        if (i == digits && digits > 0)
            reversed[size++] = '.';
        reversed[size++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (key < 0)
        text[out++] = '-';
    while (size > 0)
        text[out++] = reversed[--size];
    return out;
}

bool
time_read(struct bytes text, int64_t *key_out, uint8_t *digits_out)
{
    _Static_assert(TIME_DIGITS_MAX == 9, "as many as instant_read() takes");
    return instant_read(text, key_out, digits_out);
}

size_t
time_write(int64_t key, uint8_t digits, char text[PAGE_TEXT_MAX])
{
    _Static_assert(INSTANT_TEXT_MAX <= PAGE_TEXT_MAX, "a time fits");
    return instant_format(key, digits, text);
}

static bool
is_lower_hex(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!ascii_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
    }
    return true;
}

bool
id_read(struct bytes text, uint8_t id_out[16], uint8_t *form_out)
{
    uint8_t id[16];
    if (text.size == UUID_TEXT_SIZE && uuid_parse(text, id))
        *form_out = ID_UUID;
    else if (text.size == 2 * sizeof id && is_lower_hex(text) && hex_decode(text, id, sizeof id))
        *form_out = ID_HEX;
    else
        return false;
    memcpy(id_out, id, sizeof id);
    return true;
}

size_t
id_write(const uint8_t id[16], enum id_form form, char text[PAGE_TEXT_MAX])
{
    switch (form) {
    case ID_UUID:
        uuid_format(id, text);
        return UUID_TEXT_SIZE;
    case ID_HEX:
        hex_encode(id, 16, text);
        return 32;
    case ID_RAW:
        memcpy(text, id, 16);
        return 16;
    case ID_ABSENT:
    case ID_EXCEPTION:
        break;
    }
    assert(false && "a form that spells a value");
    return 0;
}

uint8_t
number_form(enum field_column column, struct bytes value, int64_t *key_out)
{
    uint8_t digits;
    struct instant instant;
    const char *reason;

    *key_out = 0;
    if (value.data == NULL)
        return NUMBER_ABSENT;
    if (column != COLUMN_HINT_TIME)
        return number_read(value, key_out, &digits) ? digits : NUMBER_EXCEPTION;
    if (time_read(value, key_out, &digits))
        return digits;
    if (instant_parse(value, &instant, &reason))
        *key_out = instant.ns;
    return NUMBER_EXCEPTION;
}

uint8_t
id_form(struct bytes value, uint8_t id_out[16])
{
    uint8_t form;
    if (value.data != NULL && id_read(value, id_out, &form))
        return form;
    memset(id_out, 0, 16);
    return value.data == NULL ? ID_ABSENT : ID_EXCEPTION;
}

static struct bytes
exception_value(const struct page *page, uint32_t row)
{
    uint32_t low = 0, high = page->exception_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (page->exceptions[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low < page->exception_count && page->exceptions[low].row == row);
    return page->exceptions[low].value;
}

static struct bytes
number_value(const struct page *page, enum field_column column, uint32_t row, char *text)
{
    uint8_t form = page->forms[row];
    if (form == NUMBER_ABSENT)
        return bytes_of(NULL, 0);
    if (form == NUMBER_EXCEPTION)
        return exception_value(page, row);
    if (column == COLUMN_HINT_TIME)
        return bytes_of(text, time_write(page->keys[row], form, text));
    return bytes_of(text, number_write(page->keys[row], form, text));
}

static struct bytes
id_value(const struct page *page, uint32_t row, char *text)
{
    enum id_form form = page->forms[row];
    if (form == ID_ABSENT)
        return bytes_of(NULL, 0);
    if (form == ID_EXCEPTION)
        return exception_value(page, row);
    if (form == ID_RAW)
        return bytes_of(page->ids[row], sizeof page->ids[row]);
    return bytes_of(text, id_write(page->ids[row], form, text));
}

struct bytes
page_value(const struct page *page, const struct dictionary *dictionary, enum field_column column,
           uint32_t row, char text[PAGE_TEXT_MAX])
{
    assert(row < page->rows);

    switch (page->kind) {
    case PAGE_ABSENT:
        break;
    case PAGE_CODES:
        if (page->codes[row] == 0)
            break;
        return dictionary_value(dictionary, page->codes[row]);
    case PAGE_NUMBERS:
        return number_value(page, column, row, text);
    case PAGE_IDS:
        return id_value(page, row, text);
    case PAGE_VALUES:
        return page->values[row];
    }
    return bytes_of(NULL, 0);
}

/* A value's place in the dictionary and its bytes are in no cache where there are many values: so
 * nothing of a row waits for another row's, and the bytes are fetched before somebody needs them.
 * The places of the rows behind these are fetched as well, for who goes on with them. */
static void
coded_values(const uint32_t *codes, const struct dictionary *dictionary, uint32_t count,
             uint32_t behind, struct bytes *values_out)
{
    for (uint32_t i = 0; i < count; i++) {
        values_out[i] = codes[i] == 0 ? bytes_of(NULL, 0) : dictionary_value(dictionary, codes[i]);
        __builtin_prefetch(values_out[i].data);
    }
    for (uint32_t i = count; i < count + behind; i++) {
        if (codes[i] != 0)
            dictionary_prefetch(dictionary, codes[i]);
    }
}

static void
time_values(const struct page *page, uint32_t row, uint32_t count, struct bytes *values_out,
            char (*texts)[PAGE_TEXT_MAX])
{
    struct instant_near near = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        uint8_t form = page->forms[row + i];
        values_out[i] = form <= TIME_DIGITS_MAX
                            ? bytes_of(texts[i], instant_format_near(&near, page->keys[row + i],
                                                                     form, texts[i]))
                            : number_value(page, COLUMN_HINT_TIME, row + i, texts[i]);
    }
}

void
page_values(const struct page *page, const struct dictionary *dictionary, enum field_column column,
            uint32_t row, uint32_t count, struct bytes *values_out, char (*texts)[PAGE_TEXT_MAX])
{
    assert(row + count <= page->rows);

    switch (page->kind) {
    case PAGE_ABSENT:
        memset(values_out, 0, count * sizeof *values_out);
        break;
    case PAGE_CODES: {
        uint32_t left = page->rows - row - count;
        coded_values(page->codes + row, dictionary, count, left < count ? left : count, values_out);
        break;
    }
    case PAGE_NUMBERS:
        if (column == COLUMN_HINT_TIME) {
            time_values(page, row, count, values_out, texts);
            break;
        }
        for (uint32_t i = 0; i < count; i++)
            values_out[i] = number_value(page, column, row + i, texts[i]);
        break;
    case PAGE_IDS:
        for (uint32_t i = 0; i < count; i++)
            values_out[i] = id_value(page, row + i, texts[i]);
        break;
    case PAGE_VALUES:
        memcpy(values_out, page->values + row, count * sizeof *values_out);
        break;
    }
}

void
page_slice(const struct page *page, uint32_t first, struct page_exception room[BLOCK_ROWS],
           struct page *slice_out)
{
    assert(first < page->rows);
    struct page slice = *page;
    slice.rows = page->rows - first < BLOCK_ROWS ? page->rows - first : BLOCK_ROWS;
    slice.codes = page->codes == NULL ? NULL : page->codes + first;
    slice.keys = page->keys == NULL ? NULL : page->keys + first;
    slice.ids = page->ids == NULL ? NULL : page->ids + first;
    slice.forms = page->forms == NULL ? NULL : page->forms + first;
    slice.values = page->values == NULL ? NULL : page->values + first;
    slice.exceptions = room;
    slice.exception_count = 0;
    for (uint32_t i = 0; i < page->exception_count; i++) {
        const struct page_exception *exception = &page->exceptions[i];
        if (exception->row >= first && exception->row - first < slice.rows)
            room[slice.exception_count++] =
                (struct page_exception){ exception->row - first, exception->value };
    }
    *slice_out = slice;
}
