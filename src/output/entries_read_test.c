#include "entries_read.h"

#include "csv.h"
#include "entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static tally_status
keep(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    buffer_bytes(context, bytes);
    return TALLY_OK;
}

/* Appends one entry as it is printed. */
static void
write_entry(enum listing_format format, const struct run_entry *entry, struct buffer *text)
{
    struct stream stream = { .write = keep, .context = text };
    struct listing_style style = { .csv_ways = CSV_GUARD };
    struct entries *entries;
    struct tally_error error;
    assert_int_equal(entries_create(format, &style, &stream, &entries, &error), TALLY_OK);
    assert_int_equal(entries_row(entries, entry, &error), TALLY_OK);
    assert_int_equal(entries_end(entries, (struct bytes){ NULL, 0 }, &error), TALLY_OK);
    entries_destroy(entries);
    stream_finish(&stream);
}

static tally_status
read_entry(struct json_tape *tape, struct arena *texts, struct bytes text, struct run_entry *entry)
{
    struct tally_error error;
    assert_int_equal(json_scan(tape, text, &error), TALLY_OK);
    return entries_read(tape, 0, texts, entry, &error);
}

/* Whatever an entry holds: writing it, reading it and writing it again gives the same bytes in all
 * formats, though the first writing escapes what acts on a terminal. */
static void
what_is_written_is_read_back(void **state)
{
    (void)state;
    struct run_entry whole = { .index = UINT64_MAX - 1 };
    whole.values[FIELD_ACTION] = bytes_text("user.login");
    whole.values[FIELD_TIMESTAMP] = bytes_text("2026-01-02T03:04:05.123456Z");
    whole.values[FIELD_USER_ID] = bytes_text("=1+1 \"quoted\" \x1b[31m \xe2\x80\xae \xc3\xbc");
    whole.values[FIELD_MESSAGE] = bytes_of("with\0nothing", 12);
    whole.values[FIELD_ERROR_MESSAGE] = bytes_text("");
    whole.values[FIELD_RESPONSE_TIME_MS] = bytes_text("12.50");
    whole.values[FIELD_STATUS_CODE] = bytes_text("404");
    whole.values[FIELD_DETAILS] = bytes_text("{\"a\":1e-7,\"b\":[\"\xe2\x80\xae\",{}]}");
    struct run_entry control = { .index = 0 };
    control.values[FIELD_CONTROL] = bytes_text("{\"type\":\"created\"}");
    struct run_entry erased = { .index = 7, .erased = true };
    erased.values[FIELD_ACTION] = bytes_text("a.b");
    const struct run_entry *const entries[] = { &whole, &control, &erased };

    struct json_tape tape;
    assert_int_equal(json_tape_init(&tape, 1024, NULL), TALLY_OK);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct buffer row = { 0 };
        write_entry(LISTING_NDJSON, entries[i], &row);
        struct arena texts = { 0 };
        struct run_entry again;
        assert_int_equal(read_entry(&tape, &texts, buffer_view(&row), &again), TALLY_OK);
        assert_int_equal(again.index, entries[i]->index);
        assert_int_equal(again.erased, entries[i]->erased);
        assert_int_equal(again.control, entries[i] == &control);
        for (int format = LISTING_TABLE; format <= LISTING_CSV; format++) {
            struct buffer first = { 0 };
            struct buffer second = { 0 };
            write_entry((enum listing_format)format, entries[i], &first);
            write_entry((enum listing_format)format, &again, &second);
            assert_true(bytes_equal(buffer_view(&first), buffer_view(&second)));
            buffer_free(&first);
            buffer_free(&second);
        }
        arena_finish(&texts);
        buffer_free(&row);
    }
    json_tape_finish(&tape);
}

static void
what_is_no_entry_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tally_status status;
    } rows[] = {
        { "{\"index\":3}", TALLY_OK },
        { "{\"index\":18446744073709551615}", TALLY_OK },
        { "{\"index\":3,\"colour\":[\"of a newer version\"]}", TALLY_OK },
        { "{}", TALLY_INVALID },             /* no index */
        { "[1]", TALLY_INVALID },            /* no object */
        { "{\"index\":-1}", TALLY_INVALID }, /* no index either */
        { "{\"index\":1.5}", TALLY_INVALID },
        { "{\"index\":18446744073709551616}", TALLY_INVALID }, /* beyond 64 bits */
        { "{\"index\":\"3\"}", TALLY_INVALID },
        { "{\"index\":3,\"action\":7}", TALLY_INVALID }, /* a text's number */
        { "{\"index\":3,\"status_code\":\"200\"}", TALLY_INVALID },
        { "{\"index\":3,\"details\":\"{}\"}", TALLY_INVALID },
        { "{\"index\":3,\"action\":null}", TALLY_INVALID }, /* absent members are left out */
    };
    struct json_tape tape;
    assert_int_equal(json_tape_init(&tape, 1024, NULL), TALLY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena texts = { 0 };
        struct run_entry entry;
        assert_int_equal(read_entry(&tape, &texts, bytes_text(rows[i].text), &entry),
                         rows[i].status);
        arena_finish(&texts);
    }
    json_tape_finish(&tape);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_is_no_entry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
