/*
 * filter_fuzz.c - any text as a filter: refused with a column inside it, or a filter whose
 * canonical text reads back as the same filter and finds the same entries. A text with a line feed
 * is the filter behind it, with the line as the value of a parameter before it.
 */
#include "filter_equal.h"
#include "match.h"

#include <stdlib.h>

#define NOW INT64_C(1773576000000000000)

static struct match_scratch scratch;

static void
require(bool holds)
{
    if (!holds)
        abort();
}

/* Two entries with something in every kind of field, the second a control entry. */
static void
fill_entries(struct bytes entries[2][FIELD_COUNT])
{
    static const struct bytes object = BYTES(
        "{\"a\":[{\"b\":\"t\\u0001\"},[1,\"x\"],-1.5e3],\"n\":1.0,\"s\":\"Text\",\"t\":\"2026-03-"
        "15T12:00:00Z\"}");
    static const struct bytes text = BYTES("Text");
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        entries[0][f] = fields[f].type == TYPE_OBJECT ? object : text;
        entries[1][f] = (struct bytes){ NULL, 0 };
    }
    entries[0][FIELD_STATUS_CODE] = bytes_text("404");
    entries[0][FIELD_RESPONSE_TIME_MS] = bytes_text("1.50");
    entries[0][FIELD_TIMESTAMP] = bytes_text("2026-03-15T12:00:00Z");
    entries[0][FIELD_RECEIVED] = bytes_text("2026-03-15T12:00:00.000001Z");
    entries[0][FIELD_IP_ADDRESS] = bytes_text("10.1.2.3");
    entries[0][FIELD_CONTROL] = (struct bytes){ NULL, 0 };
    entries[1][FIELD_CONTROL] = bytes_text("{\"type\":\"gap\"}");
}

static void
check(const struct filter *filter)
{
    const struct filter_options later = { .now = NOW + 1 };
    struct bytes entries[2][FIELD_COUNT];
    struct buffer printed = { 0 }, again = { 0 };
    struct filter *second;
    filter_print(filter, &printed);
    /* Quotes and whole times may make it longer than a filter may be. */
    if (printed.size > FILTER_SIZE_MAX) {
        buffer_free(&printed);
        return;
    }
    require(filter_parse(buffer_view(&printed), &later, &second, NULL) == TALLY_OK);
    require(filter_equal(filter, second));
    filter_print(second, &again);
    require(bytes_equal(buffer_view(&printed), buffer_view(&again)));
    fill_entries(entries);
    for (unsigned i = 0; i < 2; i++)
        require(filter_match(filter, i, entries[i], &scratch) ==
                filter_match(second, i, entries[i], &scratch));
    filter_destroy(second);
    buffer_free(&printed);
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct filter_options options = { .now = NOW };
    struct filter_parameter parameter = { .name = { NULL, 0 } };
    struct bytes text = { data, size };
    struct filter *filter;
    struct tally_error error = { 0 };

    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    if (line != NULL) {
        size_t before = (size_t)(line - data);
        parameter.name = fields[before % FIELD_COUNT].name;
        parameter.value = bytes_of(data, before);
        text = bytes_of(line + 1, size - before - 1);
    }
    tally_status status =
        filter_parse_parameters(text, &parameter, line != NULL, &options, &filter, &error);
    if (status == TALLY_OK) {
        check(filter);
        filter_destroy(filter);
        return 0;
    }
    require(status == TALLY_INVALID && error.column >= 1 && error.column <= size + 1);
    require(error.text[0] != '\0');
    return 0;
}
