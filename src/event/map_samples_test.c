/*
 * The records of map_samples.ndjson, small ones of each product, and the events that must come of
 * them: whole, but for `id` and `details`.
 */
#include "map_standard.h"

#include "map_fixture.h"
#include "records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the samples ---- */

#define SAMPLES_MAX 256

struct sample {
    char *map;
    char *why;
    struct buffer record;
    struct buffer expected[FIELD_COUNT]; /* empty: no value */
};

static struct sample samples[SAMPLES_MAX];
static size_t sample_count;

static uint32_t
member(const struct json_tape *line, uint32_t object, const char *name)
{
    uint32_t node = json_member(line, object, bytes_text(name));
    if (node == 0)
        fail_msg("a sample has no %s: %.*s", name, BYTES_ARG(line->text));
    return node;
}

static char *
text_member(const struct json_tape *line, const char *name)
{
    struct buffer text = { 0 };
    json_string_decode(line, member(line, 0, name), &text);
    buffer_byte(&text, '\0');
    return (char *)text.data;
}

static void
read_sample(const struct json_tape *line, struct sample *out)
{
    out->map = text_member(line, "map");
    out->why = text_member(line, "why");
    buffer_bytes(&out->record, json_token(line, member(line, 0, "record")));
    uint32_t event = member(line, 0, "event");
    for (uint32_t i = event + 1; i < line->nodes[event].next; i = line->nodes[i + 1].next) {
        struct buffer name = { 0 };
        json_string_decode(line, i, &name);
        enum field_id field = field_find(buffer_view(&name));
        if (field == FIELD_COUNT)
            fail_msg("%s: there is no field %.*s", out->why, BYTES_ARG(buffer_view(&name)));
        json_string_decode(line, i + 1, &out->expected[field]);
        buffer_free(&name);
    }
}

static int
read_samples(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct records *records;
    static uint8_t text[1 << 20];
    if (file == NULL || records_create(&records, NULL) != TALLY_OK)
        return -1;
    size_t size = fread(text, 1, sizeof text, file);
    bool good = size < sizeof text && fclose(file) == 0 &&
                records_feed(records, bytes_of(text, size), NULL) == TALLY_OK;
    records_end(records);
    struct record record;
    while (good && records_next(records, &record, NULL) == TALLY_OK) {
        good = sample_count < SAMPLES_MAX &&
               json_scan(&map_fixture_tape, record.text, NULL) == TALLY_OK;
        if (good)
            read_sample(&map_fixture_tape, &samples[sample_count++]);
    }
    records_destroy(records);
    return good && sample_count > 0 ? 0 : -1;
}

static void
free_samples(void)
{
    for (size_t i = 0; i < sample_count; i++) {
        free(samples[i].map);
        free(samples[i].why);
        buffer_free(&samples[i].record);
        for (unsigned f = 0; f < FIELD_COUNT; f++)
            buffer_free(&samples[i].expected[f]);
    }
}

static void
samples_become_these_events(void **state)
{
    (void)state;
    struct buffer out = { 0 };
    for (size_t i = 0; i < sample_count; i++) {
        struct map *map = map_fixture_standard(samples[i].map);
        struct event event;
        struct tally_error error;
        if (map_fixture_read(map, buffer_view(&samples[i].record), &out, &event, &error) !=
            TALLY_OK)
            fail_msg("%s: %s", samples[i].why, error.text);
        for (unsigned f = 0; f < FIELD_COUNT; f++) {
            struct bytes value = event.values[f];
            if (f == FIELD_ID || f == FIELD_DETAILS)
                assert_non_null(value.data);
            else if (!bytes_equal(value, buffer_view(&samples[i].expected[f])))
                fail_msg("%s: %s: %s is %.*s", samples[i].map, samples[i].why,
                         (const char *)fields[f].name.data, BYTES_ARG(value));
        }
        map_destroy(map);
    }
    buffer_free(&out);
}

/* Every map but the one that copies has a sample. */
static void
every_map_has_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < map_standard_count; i++) {
        unsigned count = 0;
        for (size_t k = 0; k < sample_count; k++)
            count += strcmp(samples[k].map, map_standards[i].name) == 0;
        if (count == 0 && strcmp(map_standards[i].name, "tallystick") != 0)
            fail_msg("map %s has no sample", map_standards[i].name);
    }
}

/* A record in which any one value is something else becomes an event still, one that event_read
 * takes and that has an action; or it is refused because the changed value is one that the map
 * requires, or its time. Twice over all samples: this is what a product's next version may do. */
static void
odd_values_cost_no_record(void **state)
{
    (void)state;
    struct buffer odd_text = { 0 };
    buffer_byte(&odd_text, '"');
    for (unsigned i = 0; i < 5000; i++)
        buffer_text(&odd_text, "é ");
    buffer_text(&odd_text, "\"");
    const struct bytes odd[] = {
        BYTES("null"),
        BYTES("true"),
        BYTES("-1.5e300"),
        BYTES("\"\""),
        BYTES("\"-\""),
        BYTES("[]"),
        BYTES("[[{\"x\":1}],2]"),
        BYTES("{}"),
        BYTES("{\"code\":{\"x\":[]}}"),
        BYTES("\"\\u0000\\\"\\n\""),
        buffer_view(&odd_text),
    };
    struct json_tape plan = { 0 };
    struct buffer record = { 0 };
    struct buffer out = { 0 };
    unsigned refused = 0;
    unsigned taken = 0;
    assert_int_equal(json_tape_init(&plan, 1000, NULL), TALLY_OK);

    for (size_t i = 0; i < sample_count; i++) {
        struct map *map = map_fixture_standard(samples[i].map);
        struct bytes text = buffer_view(&samples[i].record);
        assert_int_equal(json_scan(&plan, text, NULL), TALLY_OK);
        for (uint32_t node = 1; node < plan.count; node++) {
            struct bytes token = json_token(&plan, node);
            /* Names are left as they are: a colon follows them. */
            if (token.data[token.size] == ':')
                continue;
            for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++) {
                buffer_clear(&record);
                buffer_append(&record, text.data, (size_t)(token.data - text.data));
                buffer_bytes(&record, odd[k]);
                buffer_append(&record, token.data + token.size,
                              (size_t)(text.data + text.size - token.data - token.size));

                struct event event;
                struct tally_error error;
                tally_status status =
                    map_fixture_read(map, buffer_view(&record), &out, &event, &error);
                if (status == TALLY_OK) {
                    assert_true(event.values[FIELD_ACTION].size > 0);
                    taken++;
                    continue;
                }
                bool known = strstr(error.text, "which requires") != NULL ||
                             strstr(error.text, "time cannot be read") != NULL;
                if (status != TALLY_INVALID || !known)
                    fail_msg("%s\n%.*s", error.text, BYTES_ARG(buffer_view(&record)));
                refused++;
            }
        }
        map_destroy(map);
    }
    assert_true(taken > 1000);
    assert_in_range(refused, 1, taken / 15);
    json_tape_finish(&plan);
    buffer_free(&odd_text);
    buffer_free(&record);
    buffer_free(&out);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_become_these_events),
        cmocka_unit_test(every_map_has_samples),
        cmocka_unit_test(odd_values_cost_no_record),
    };
    if (argc != 2 || map_fixture_set_up(NULL) != 0 || read_samples(argv[1]) != 0) {
        (void)fprintf(stderr, "usage: map_samples_test map_samples.ndjson\n");
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_samples();
    (void)map_fixture_tear_down(NULL);
    return failed;
}
