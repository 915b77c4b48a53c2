#include "sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a stream handed on, and whether each time an event had ended. */
struct sink {
    struct buffer text;
    unsigned times;
};

static tally_status
take(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    struct sink *sink = context;
    assert_true(bytes.size >= 2 && memcmp(bytes.data + bytes.size - 2, "\n\n", 2) == 0);
    buffer_bytes(&sink->text, bytes);
    sink->times++;
    return TALLY_OK;
}

/* The next line, without its end; false at the end. */
static bool
next_line(struct bytes *text, struct bytes *line)
{
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->data, '\n', text->size);
    if (end == NULL)
        return false;
    size_t size = (size_t)(end - text->data);
    *line = bytes_of(text->data, size);
    *text = bytes_of(end + 1, text->size - size - 1);
    return true;
}

/* What is written is read back, as events that end one by one, whatever the values hold. */
static void
entries_come_back(void **state)
{
    (void)state;
    static const char *const messages[] = { "plain", "two\nlines", "\r\n\r\ndata: x", "",
                                            "\xe2\x80\xa8 \"quoted\" \\ back" };
    struct sink sink = { 0 };
    struct stream stream = { .write = take, .context = &sink };
    struct sse *sse;
    struct tally_error error;
    char *large = malloc(200001);
    memset(large, 'x', 200000);
    large[200000] = '\0';
    assert_int_equal(sse_create(&stream, &sse, &error), TALLY_OK);
    for (uint64_t i = 0; i < 1000; i++) {
        const char *message = i % 100 == 7 ? large : messages[i % 5];
        struct run_entry entry = { .index = i };
        entry.values[FIELD_MESSAGE] = bytes_text(message);
        assert_int_equal(sse_entry(sse, &entry, &error), TALLY_OK);
    }
    sse_position(&stream.buffer, 999);
    sse_comment(&stream.buffer);
    sse_event(&stream.buffer, "end", bytes_text("it\nends"));
    assert_int_equal(stream_flush(&stream, &error), TALLY_OK);
    assert_true(sink.times > 10);

    struct bytes text = buffer_view(&sink.text), line, value;
    for (uint64_t i = 0; i < 1000; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)i);
        assert_true(next_line(&text, &line));
        assert_int_equal(sse_read_line(line, &value), SSE_ID);
        assert_true(bytes_is(value, expected));
        assert_true(next_line(&text, &line));
        assert_int_equal(sse_read_line(line, &value), SSE_DATA);
        (void)snprintf(expected, sizeof expected, "{\"index\":%llu,", (unsigned long long)i);
        assert_memory_equal(value.data, expected, strlen(expected));
        assert_true(next_line(&text, &line));
        assert_int_equal(sse_read_line(line, &value), SSE_END);
    }
    static const enum sse_line rest[] = { SSE_ID,    SSE_END,  SSE_OTHER, SSE_END,
                                          SSE_EVENT, SSE_DATA, SSE_END };
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        assert_true(next_line(&text, &line));
        assert_int_equal(sse_read_line(line, &value), rest[i]);
    }
    assert_true(bytes_is(line, ""));
    assert_false(next_line(&text, &line));

    sse_destroy(sse);
    stream_finish(&stream);
    buffer_free(&sink.text);
    free(large);
}

static void
lines_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum sse_line kind;
        const char *value;
        const char *why;
    } rows[] = {
        { "data: x", SSE_DATA, "x", "one blank is taken off" },
        { "data:x", SSE_DATA, "x", "there need be none" },
        { "data:  x", SSE_DATA, " x", "only one is" },
        { "data", SSE_DATA, "", "a field without a colon is empty" },
        { "data:", SSE_DATA, "", "and so is this" },
        { "data: x\r", SSE_DATA, "x", "lines may end in CR LF" },
        { "\r", SSE_END, NULL, "an empty one, too" },
        { ": data: x", SSE_OTHER, NULL, "a comment" },
        { " data: x", SSE_OTHER, NULL, "no blank before a name" },
        { "Data: x", SSE_OTHER, NULL, "names have a case" },
        { "database: x", SSE_OTHER, NULL, "another name" },
        { "retry: 5", SSE_OTHER, NULL, "not looked at" },
        { "id: 7", SSE_ID, "7", "an id" },
        { "event: end", SSE_EVENT, "end", "a kind" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes value = { NULL, 0 };
        assert_int_equal(sse_read_line(bytes_text(rows[i].line), &value), rows[i].kind);
        if (rows[i].value != NULL)
            assert_true(bytes_is(value, rows[i].value));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(lines_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
