/*
 * json_fuzz.c - the JSON reader against jansson: the same texts accepted, the same values in them.
 *
 * They differ in four ways, which are not compared: jansson refuses numbers beyond a double and
 * NULs in names, and takes a NUL behind the value for the end of the text; we refuse deep nesting.
 */
#include "json.h"
#include "json_text.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#define NODES 65536

static struct json_tape tape;

static json_t *
jansson_read(struct bytes text, json_error_t *error)
{
    return json_loadb(
        (const char *)text.data, text.size,
        JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, error);
}

static void
compare_string(uint32_t node, const char *text, size_t size)
{
    struct buffer value = { 0 };
    json_string_decode(&tape, node, &value);
    if (!bytes_equal(buffer_view(&value), bytes_of(text, size)))
        abort();
    if (!json_string_is(&tape, node, buffer_view(&value)))
        abort();
    buffer_free(&value);
}

static void
compare_number(uint32_t node, double wanted)
{
    struct bytes token = json_token(&tape, node);
    char *copy = strndup((const char *)token.data, token.size);
    double ours = strtod(copy, NULL);
    if (ours < wanted || ours > wanted)
        abort();
    free(copy);
}

static void compare_value(uint32_t node, const json_t *wanted);

static void
compare_object(uint32_t node, const json_t *wanted)
{
    size_t count = 0;
    for (uint32_t i = node + 1; i < tape.nodes[node].next; i = tape.nodes[i + 1].next, count++) {
        struct buffer name = { 0 };
        json_string_decode(&tape, i, &name);
        if (json_member(&tape, node, buffer_view(&name)) != i + 1)
            abort();
        buffer_byte(&name, 0);
        const json_t *value = json_object_get(wanted, (const char *)name.data);
        if (value == NULL)
            abort();
        compare_value(i + 1, value);
        buffer_free(&name);
    }
    if (count != json_object_size(wanted))
        abort();
}

static void
compare_array(uint32_t node, const json_t *wanted)
{
    size_t count = 0;
    for (uint32_t i = node + 1; i < tape.nodes[node].next; i = tape.nodes[i].next, count++)
        compare_value(i, json_array_get(wanted, count));
    if (count != json_array_size(wanted))
        abort();
}

static void
compare_value(uint32_t node, const json_t *wanted)
{
    static const json_type types[] = {
        [JSON_KIND_NULL] = JSON_NULL,     [JSON_KIND_FALSE] = JSON_FALSE,
        [JSON_KIND_TRUE] = JSON_TRUE,     [JSON_KIND_NUMBER] = JSON_REAL,
        [JSON_KIND_STRING] = JSON_STRING, [JSON_KIND_ARRAY] = JSON_ARRAY,
        [JSON_KIND_OBJECT] = JSON_OBJECT,
    };
    enum json_kind kind = tape.nodes[node].kind;
    if (wanted == NULL || types[kind] != json_typeof(wanted))
        abort();
    if (kind == JSON_KIND_STRING)
        compare_string(node, json_string_value(wanted), json_string_length(wanted));
    else if (kind == JSON_KIND_NUMBER)
        compare_number(node, json_real_value(wanted));
    else if (kind == JSON_KIND_ARRAY)
        compare_array(node, wanted);
    else if (kind == JSON_KIND_OBJECT)
        compare_object(node, wanted);
}

/* The canonical form says the same, is not longer, and is its own canonical form. */
static void
check_canonical(struct bytes text, json_t *wanted)
{
    struct buffer once = { 0 };
    struct buffer twice = { 0 };
    json_error_t error;
    json_canonical(&tape, 0, &once);
    if (buffer_failed(&once) || once.size > text.size)
        abort();
    json_t *back = jansson_read(buffer_view(&once), &error);
    if (back == NULL || !json_equal(back, wanted))
        abort();
    json_decref(back);
    if (json_text_value(buffer_view(&once)) != once.size)
        abort();
    if (json_scan(&tape, buffer_view(&once), NULL) != TALLY_OK)
        abort();
    json_canonical(&tape, 0, &twice);
    if (!bytes_equal(buffer_view(&once), buffer_view(&twice)))
        abort();
    buffer_free(&once);
    buffer_free(&twice);
}

static void
check_error(const struct tally_error *error, struct bytes text)
{
    if (error->line == 0 || error->column == 0 || error->text[0] == '\0')
        abort();
    if (error->column > text.size + 1 || memchr(error->pointer, 0, sizeof error->pointer) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (tape.nodes == NULL && json_tape_init(&tape, NODES, NULL) != TALLY_OK)
        abort();
    struct bytes text = bytes_of(data, size);
    struct tally_error error;
    json_error_t theirs;
    tally_status status = json_scan(&tape, text, &error);
    if (size > 0 && memchr(data, 0, size) != NULL) {
        if (status == TALLY_OK)
            abort();
        return 0;
    }
    json_t *wanted = jansson_read(text, &theirs);

    if (status == TALLY_OK && wanted != NULL) {
        compare_value(0, wanted);
        check_canonical(text, wanted);
    } else if (status == TALLY_OK) {
        enum json_error_code code = json_error_code(&theirs);
        if (code != json_error_numeric_overflow && code != json_error_null_byte_in_key)
            abort();
    } else {
        check_error(&error, text);
        if (wanted != NULL && strstr(error.text, "inside each other") == NULL &&
            strstr(error.text, "too many values") == NULL)
            abort();
    }
    json_decref(wanted);
    return 0;
}
