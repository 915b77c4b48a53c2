#include "entries.h"

#include "csv.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A stream into memory that counts how often it was handed something. */
struct memory {
    struct stream stream;
    struct buffer all;
    unsigned writes;
    size_t largest;
};

static tally_status
keep(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    struct memory *memory = context;
    buffer_bytes(&memory->all, bytes);
    memory->writes++;
    if (bytes.size > memory->largest)
        memory->largest = bytes.size;
    return TALLY_OK;
}

static void
memory_init(struct memory *memory)
{
    *memory = (struct memory){ 0 };
    memory->stream.write = keep;
    memory->stream.context = memory;
}

static void
memory_finish(struct memory *memory)
{
    stream_finish(&memory->stream);
    buffer_free(&memory->all);
}

/* Every field has a value: its name, a number or an object, as its type wants. */
static void
fill_entry(struct run_entry *entry)
{
    static char objects[FIELD_COUNT][64];
    *entry = (struct run_entry){ .index = 41 };
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        switch (fields[i].type) {
        case TYPE_INTEGER:
            entry->values[i] = bytes_text("200");
            break;
        case TYPE_DECIMAL:
            entry->values[i] = bytes_text("1.10");
            break;
        case TYPE_OBJECT:
            (void)snprintf(objects[i], sizeof objects[i], "{\"in\":\"%s\",\"n\":1e-7}",
                           (const char *)fields[i].name.data);
            entry->values[i] = bytes_text(objects[i]);
            break;
        default:
            entry->values[i] = fields[i].name;
            break;
        }
    }
}

static void
write_one(enum listing_format format, const struct run_entry *entry, struct bytes members,
          struct memory *memory)
{
    struct listing_style style = { .csv_ways = CSV_GUARD };
    struct entries *entries;
    struct tally_error error;
    memory_init(memory);
    assert_int_equal(entries_create(format, &style, &memory->stream, &entries, &error), TALLY_OK);
    if (entry != NULL)
        assert_int_equal(entries_row(entries, entry, &error), TALLY_OK);
    assert_int_equal(entries_end(entries, members, &error), TALLY_OK);
    entries_destroy(entries);
    buffer_byte(&memory->all, '\0');
}

static void
ndjson_has_every_member_once_in_order(void **state)
{
    (void)state;
    struct run_entry entry;
    fill_entry(&entry);
    struct memory memory;
    write_one(LISTING_NDJSON, &entry, (struct bytes){ NULL, 0 }, &memory);

    json_t *row = json_loads((const char *)memory.all.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(row);
    assert_int_equal(json_object_size(row), FIELD_COUNT + 1);
    size_t at = 0;
    const char *name;
    json_t *value;
    json_object_foreach (row, name, value) {
        if (at == 0)
            assert_string_equal(name, "index");
        else
            assert_string_equal(name,
                                (const char *)fields[fields_in_reading_order[at - 1]].name.data);
        at++;
    }
    assert_int_equal(json_integer_value(json_object_get(row, "index")), 41);
    assert_string_equal(json_string_value(json_object_get(row, "user_id")), "user_id");
    json_decref(row);

    const char *text = (const char *)memory.all.data;
    assert_non_null(strstr(text, "\"response_time_ms\":1.10,"));
    assert_non_null(strstr(text, "\"details\":{\"in\":\"details\",\"n\":1e-7}"));
    memory_finish(&memory);
}

static void
absent_members_are_left_out(void **state)
{
    (void)state;
    struct run_entry entry = { .index = 3 };
    entry.values[FIELD_ACTION] = bytes_text("a.b");
    entry.values[FIELD_MESSAGE] = bytes_text("");
    struct memory memory;
    write_one(LISTING_NDJSON, &entry, (struct bytes){ NULL, 0 }, &memory);
    json_t *row = json_loads((const char *)memory.all.data, 0, NULL);
    assert_int_equal(json_object_size(row), 3);
    assert_string_equal(json_string_value(json_object_get(row, "message")), "");
    json_decref(row);
    memory_finish(&memory);
}

static void
json_is_one_document(void **state)
{
    (void)state;
    struct run_entry entry = { .index = 3 };
    struct memory memory;
    write_one(LISTING_JSON, &entry, (struct bytes)BYTES("\"next\":null"), &memory);
    assert_string_equal((const char *)memory.all.data,
                        "{\"data\":[\n{\"index\":3}\n],\"next\":null}\n");
    memory_finish(&memory);
    write_one(LISTING_JSON, NULL, (struct bytes){ NULL, 0 }, &memory);
    assert_string_equal((const char *)memory.all.data, "{\"data\":[]}\n");
    memory_finish(&memory);
}

static void
csv_has_one_header_whatever_is_there(void **state)
{
    (void)state;
    struct run_entry full;
    fill_entry(&full);
    struct run_entry bare = { .index = 41 };
    struct memory a;
    struct memory b;
    write_one(LISTING_CSV, &full, (struct bytes){ NULL, 0 }, &a);
    write_one(LISTING_CSV, &bare, (struct bytes){ NULL, 0 }, &b);
    size_t header = strcspn((const char *)a.all.data, "\r");
    assert_memory_equal(a.all.data, b.all.data, header);

    unsigned commas = 0;
    for (size_t i = 0; i < header; i++)
        commas += a.all.data[i] == ',';
    assert_int_equal(commas, FIELD_COUNT);
    assert_memory_equal(a.all.data, "index,", 6);
    /* The bare row: the index, then only commas. */
    const char *row = (const char *)b.all.data + header + 2;
    assert_memory_equal(row, "41", 2);
    assert_int_equal(strspn(row + 2, ","), FIELD_COUNT);
    assert_string_equal(row + 2 + FIELD_COUNT, "\r\n");
    memory_finish(&a);
    memory_finish(&b);
}

static void
csv_guards_texts_and_not_numbers(void **state)
{
    (void)state;
    struct run_entry entry = { .index = 1 };
    entry.values[FIELD_USER_ID] = bytes_text("=cmd|' /C calc'!A0");
    entry.values[FIELD_STATUS_CODE] = bytes_text("200");
    entry.values[FIELD_DETAILS] = bytes_text("{\"a\":\"=1\"}");
    struct memory memory;
    write_one(LISTING_CSV, &entry, (struct bytes){ NULL, 0 }, &memory);
    const char *text = (const char *)memory.all.data;
    assert_non_null(strstr(text, ",'=cmd|' /C calc'!A0,"));
    assert_non_null(strstr(text, ",200,"));
    assert_non_null(strstr(text, ",\"{\"\"a\"\":\"\"=1\"\"}\","));
    memory_finish(&memory);
}

static void
tables_show_what_people_look_for(void **state)
{
    (void)state;
    struct run_entry entry = { .index = 12 };
    entry.values[FIELD_TIMESTAMP] = bytes_text("2026-01-02T03:04:05.123456Z");
    entry.values[FIELD_USER_EMAIL] = bytes_text("ann@example.org");
    entry.values[FIELD_EVENT_TYPE] = bytes_text("report_approve");
    entry.values[FIELD_RESOURCE_TYPE] = bytes_text("report");
    entry.values[FIELD_RESOURCE_ID] = bytes_text("rep789");
    struct memory memory;
    write_one(LISTING_TABLE, &entry, (struct bytes){ NULL, 0 }, &memory);
    assert_string_equal(
        (const char *)memory.all.data,
        "index  timestamp             user             action          resource\n"
        "   12  2026-01-02T03:04:05Z  ann@example.org  report_approve  report/rep789\n");
    memory_finish(&memory);

    entry.erased = true;
    entry.values[FIELD_USER_EMAIL] = (struct bytes){ NULL, 0 };
    write_one(LISTING_TABLE, &entry, (struct bytes){ NULL, 0 }, &memory);
    assert_non_null(strstr((const char *)memory.all.data, "(erased)"));
    memory_finish(&memory);
}

static void
memory_stays_small(void **state)
{
    (void)state;
    struct run_entry entry;
    fill_entry(&entry);
    for (int format = LISTING_TABLE; format <= LISTING_CSV; format++) {
        struct listing_style style = { 0 };
        struct memory memory;
        memory_init(&memory);
        struct entries *entries;
        struct tally_error error;
        assert_int_equal(
            entries_create((enum listing_format)format, &style, &memory.stream, &entries, &error),
            TALLY_OK);
        for (entry.index = 0; entry.index < 20000; entry.index++)
            assert_int_equal(entries_row(entries, &entry, &error), TALLY_OK);
        assert_int_equal(entries_end(entries, (struct bytes){ NULL, 0 }, &error), TALLY_OK);
        entries_destroy(entries);
        assert_true(memory.writes > 10);
        /* A table is laid out a thousand rows at a time. */
        assert_true(memory.largest < STREAM_FLUSH_SIZE + 1000 * 200);
        memory_finish(&memory);
    }
}

static tally_status
refuse(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)context;
    (void)bytes;
    (void)error;
    return TALLY_FULL;
}

static void
what_the_stream_says_comes_through(void **state)
{
    (void)state;
    struct run_entry entry = { .index = 1 };
    struct stream stream = { .write = refuse };
    struct listing_style style = { 0 };
    struct entries *entries;
    struct tally_error error;
    assert_int_equal(entries_create(LISTING_NDJSON, &style, &stream, &entries, &error), TALLY_OK);
    tally_status status = TALLY_OK;
    for (unsigned i = 0; i < 100000 && status == TALLY_OK; i++)
        status = entries_row(entries, &entry, &error);
    assert_int_equal(status, TALLY_FULL);
    entries_destroy(entries);
    stream_finish(&stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ndjson_has_every_member_once_in_order),
        cmocka_unit_test(absent_members_are_left_out),
        cmocka_unit_test(json_is_one_document),
        cmocka_unit_test(csv_has_one_header_whatever_is_there),
        cmocka_unit_test(csv_guards_texts_and_not_numbers),
        cmocka_unit_test(tables_show_what_people_look_for),
        cmocka_unit_test(memory_stays_small),
        cmocka_unit_test(what_the_stream_says_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
