/*
 * event_fuzz.c - the laws of events and entries, on any bytes.
 *
 * As an event: what is accepted is written, parsed back and read again, and is the same each time.
 * As parts (split at the first line end): parsing never trusts them, and what it accepts can be
 * written again.
 */
#include "entry.h"

#include <stdlib.h>

#define NOW      INT64_C(1795232270123456789)
#define NOW_TEXT "2026-11-21T03:37:50.123456Z"

static struct catalogue *catalogue;
static struct event_reader *reader;
static struct event_reader *plain; /* fills in nothing */
static struct arena arena;

static void
require(bool law)
{
    if (!law)
        abort();
}

static void
check_parts(const struct event *event, struct bytes public_part, struct bytes private_part)
{
    struct entry entry;
    struct buffer again = { 0 };
    require(entry_parse(public_part, private_part, &arena, &entry, NULL) == TALLY_OK);
    require(event_equal(event, entry.values, 0));
    require(entry.timestamp == event->timestamp);
    part_write(entry.values, entry.present & ~entry.in_private, &again);
    require(bytes_equal(buffer_view(&again), public_part));
    buffer_clear(&again);
    part_write(entry.values, entry.in_private, &again);
    require(bytes_equal(buffer_view(&again), private_part));
    buffer_free(&again);
}

/* What is on record reads as an event that repeats it. (Not with the catalogue: a status that was
 * filled in would then count as sent, and may imply a type.) */
static void
check_reading_again(const struct event *event)
{
    struct event again;
    struct buffer json = { 0 };
    part_write(event->values, event->present, &json);
    require(event_read(plain, buffer_view(&json), NOW, &again, NULL) == TALLY_OK);
    require(event_equal(&again, event->values, 0));
    buffer_free(&json);
}

static void
try_event(struct bytes text)
{
    static const uint8_t salt[ENTRY_SALT_SIZE];
    struct event event;
    struct tally_error error;
    tally_status status = event_read(reader, text, NOW, &event, &error);
    if (status != TALLY_OK) {
        require(status == TALLY_INVALID && error.line > 0 && error.text[0] != '\0');
        return;
    }

    /* Any choice of private fields, drawn from the text. */
    uint64_t choice = text.size * UINT64_C(0x9e3779b97f4a7c15);
    struct entry_stamp stamp = { BYTES(NOW_TEXT), bytes_text("local:0"),
                                 choice & FIELDS_ALL & ~FIELDS_FIXED };
    struct entry_parts parts;
    struct buffer out = { 0 };
    status = entry_write(&event, &stamp, salt, &out, &out, &parts, &error);
    require(status == TALLY_OK || status == TALLY_INVALID);
    if (status == TALLY_OK)
        check_parts(&event, bytes_of(out.data + parts.public_offset, parts.public_size),
                    bytes_of(out.data + parts.private_offset, parts.private_size));
    buffer_free(&out);
    check_reading_again(&event);
}

static void
try_parts(struct bytes text)
{
    const uint8_t *end = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
    size_t size = end == NULL ? text.size : (size_t)(end - text.data);
    struct bytes private_part = { 0 };
    if (end != NULL)
        private_part = bytes_of(end + 1, text.size - size - 1);
    struct entry entry;
    struct buffer again = { 0 };
    if (entry_parse(bytes_of(text.data, size), private_part, &arena, &entry, NULL) == TALLY_OK) {
        part_write(entry.values, entry.present, &again);
        require(!buffer_failed(&again));
    }
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (reader == NULL) {
        require(catalogue_create(NULL, 0, &catalogue, NULL) == TALLY_OK);
        require(event_reader_create(catalogue, &reader, NULL) == TALLY_OK);
        require(event_reader_create(catalogue_none(), &plain, NULL) == TALLY_OK);
    }
    try_event(bytes_of(data, size));
    try_parts(bytes_of(data, size));
    event_reader_reset(reader);
    event_reader_reset(plain);
    arena_reset(&arena);
    return 0;
}
