#include "map_fixture.h"

#include "map_standard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW INT64_C(1767225600000000000)

struct json_tape map_fixture_tape;
static struct catalogue *catalogue;
static struct event_reader *reader;

int
map_fixture_set_up(void **state)
{
    (void)state;
    struct tally_error error;
    bool good = json_tape_init(&map_fixture_tape, EVENT_NODES_MAX, &error) == TALLY_OK &&
                catalogue_create(NULL, 0, &catalogue, &error) == TALLY_OK &&
                event_reader_create(catalogue, &reader, &error) == TALLY_OK;
    return good ? 0 : -1;
}

int
map_fixture_tear_down(void **state)
{
    (void)state;
    event_reader_destroy(reader);
    catalogue_destroy(catalogue);
    json_tape_finish(&map_fixture_tape);
    return 0;
}

struct map *
map_fixture_parse(const char *text)
{
    struct map *map = NULL;
    struct tally_error error;
    if (map_parse(bytes_text(text), "demo", &map, &error) != TALLY_OK)
        fail_msg("line %u: %s\n%s", (unsigned)error.line, error.text, text);
    return map;
}

void
map_fixture_refuse(const struct map_refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct map *map = NULL;
        struct tally_error error;
        tally_status status = map_parse(bytes_text(rows[i].text), "demo", &map, &error);
        if (status != TALLY_INVALID || map != NULL)
            fail_msg("accepted: %s", rows[i].text);
        if (error.line != rows[i].line || error.column != rows[i].column ||
            strstr(error.text, rows[i].reason) == NULL)
            fail_msg("%s\n%u:%u %s", rows[i].text, (unsigned)error.line, error.column, error.text);
        assert_int_equal(map_parse(bytes_text(rows[i].text), "demo", &map, NULL), TALLY_INVALID);
    }
}

void
map_fixture_expect(const char *rules, const char *record, const char *expected, const char *why)
{
    struct map *map = map_fixture_parse(rules);
    struct buffer out = { 0 };
    struct buffer wanted = { 0 };
    struct tally_error error;
    tally_status status =
        map_apply(map, &map_fixture_tape, bytes_text(record), MAP_ID_SOURCE, &out, &error);
    if (status != TALLY_OK)
        fail_msg("%s: %s", why, error.text);

    static const char id[] = "{\"id\":\"00000000-0000-5000-8000-000000000000\"";
    assert_true(out.size > sizeof id);
    buffer_append(&wanted, out.data, sizeof id - 1);
    buffer_text(&wanted, expected[0] == '\0' ? "" : ",");
    buffer_text(&wanted, expected);
    buffer_text(&wanted, ",\"details\":");
    buffer_text(&wanted, record);
    buffer_text(&wanted, "}");
    if (!bytes_equal(buffer_view(&out), buffer_view(&wanted)))
        fail_msg("%s:\n%.*s\n%.*s", why, BYTES_ARG(buffer_view(&out)),
                 BYTES_ARG(buffer_view(&wanted)));
    buffer_free(&out);
    buffer_free(&wanted);
    map_destroy(map);
}

struct map *
map_fixture_standard(const char *name)
{
    struct bytes text;
    struct map *map = NULL;
    struct tally_error error;
    assert_true(map_standard_find(name, &text));
    if (map_parse(text, name, &map, &error) != TALLY_OK)
        fail_msg("%u:%u %s", (unsigned)error.line, error.column, error.text);
    return map;
}

tally_status
map_fixture_read(const struct map *map, struct bytes record, struct buffer *out,
                 struct event *event, struct tally_error *error)
{
    event_reader_reset(reader);
    buffer_clear(out);
    tally_status status = map_apply(map, &map_fixture_tape, record, MAP_ID_SOURCE, out, error);
    if (status != TALLY_OK)
        return status;
    return event_read(reader, buffer_view(out), NOW, event, error);
}
