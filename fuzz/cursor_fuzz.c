/*
 * cursor_fuzz.c - any text as a cursor, and any cursor as text.
 *
 * What is read is exactly what was written; a written cursor with one byte changed, or under
 * another binding, is refused. The input is a text; its bytes are the numbers of a cursor as well.
 */
#include "cursor.h"

#include <stdlib.h>

static const uint8_t key[CURSOR_KEY_SIZE] = "thirty-two bytes that no one has";

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t
number_at(const uint8_t *data, size_t size, size_t at)
{
    uint8_t bytes[8] = { 0 };
    if (at < size)
        memcpy(bytes, data + at, size - at < 8 ? size - at : 8);
    return get_u64(bytes);
}

static void
check_text(const struct cursor_binding *binding, struct bytes text)
{
    struct cursor cursor;
    char again[CURSOR_TEXT_SIZE];
    if (cursor_read(key, binding, text, &cursor, NULL) != TALLY_OK)
        return;
    require(cursor_write(key, binding, &cursor, again, NULL) == TALLY_OK);
    require(bytes_equal(text, bytes_of(again, sizeof again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor_binding binding = { .filter = { data, size }, .order = ORDER_TIME };
    const struct cursor cursor = {
        .size = number_at(data, size, 0),
        .now = (int64_t)number_at(data, size, 8),
        .place = { true, { (int64_t)number_at(data, size, 16), number_at(data, size, 24) } },
    };
    struct cursor read;
    char text[CURSOR_TEXT_SIZE];

    check_text(&binding, bytes_of(data, size));
    require(cursor_write(key, &binding, &cursor, text, NULL) == TALLY_OK);
    check_text(&binding, bytes_of(text, sizeof text));
    require(cursor_read(key, &binding, bytes_of(text, sizeof text), &read, NULL) == TALLY_OK);
    require(read.size == cursor.size && read.now == cursor.now && read.place.begun &&
            read.place.last.time == cursor.place.last.time &&
            read.place.last.index == cursor.place.last.index);

    if (size == 0)
        return 0;
    text[data[0] % CURSOR_TEXT_SIZE] ^= (char)(data[size - 1] == 0 ? 1 : data[size - 1]);
    require(cursor_read(key, &binding, bytes_of(text, sizeof text), &read, NULL) == TALLY_INVALID);
    binding.filter.size--;
    text[data[0] % CURSOR_TEXT_SIZE] ^= (char)(data[size - 1] == 0 ? 1 : data[size - 1]);
    require(cursor_read(key, &binding, bytes_of(text, sizeof text), &read, NULL) == TALLY_INVALID);
    return 0;
}
