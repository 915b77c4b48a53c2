/*
 * Events against what others have collected: JSONTestSuite, the vectors of RFC 8785, the big list
 * of naughty strings; and the three example events that must come back whole.
 *
 * Every text goes the whole way, as `details` or as a field: read, written into both parts, parsed
 * back.
 */
#include "entry.h"
#include "json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>
#include <sys/stat.h>

#define NOW       INT64_C(1795232270000000000)
#define PATH_SIZE 1024
#define FILE_MAX  (4u << 20)

static struct catalogue *catalogue;
static struct event_reader *reader;
static struct arena arena;
static struct buffer parts_bytes;

static int
create(void **state)
{
    (void)state;
    assert_int_equal(catalogue_create(NULL, 0, &catalogue, NULL), TALLY_OK);
    assert_int_equal(event_reader_create(catalogue, &reader, NULL), TALLY_OK);
    return 0;
}

static int
destroy(void **state)
{
    (void)state;
    event_reader_destroy(reader);
    catalogue_destroy(catalogue);
    arena_finish(&arena);
    buffer_free(&parts_bytes);
    return 0;
}

static const char *
shared_folder(void)
{
    const char *shared = getenv("TALLY_SHARED");
    return shared != NULL ? shared : "../shared";
}

/* A path below the shared folder. */
static void
make_path(char path[PATH_SIZE], const char *folder, const char *name)
{
    int size = snprintf(path, PATH_SIZE, "%s/%s", shared_folder(), folder);
    assert_in_range(size, 1, PATH_SIZE - 1);
    assert_true(snprintf(path + size, PATH_SIZE - (size_t)size, "/%s", name) <
                (int)(PATH_SIZE - (size_t)size));
}

static void
read_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is missing", path);
    uint8_t *to = buffer_reserve(out, FILE_MAX);
    assert_non_null(to);
    out->size += fread(to, 1, FILE_MAX, file);
    assert_int_equal(ferror(file), 0);
    assert_int_equal(fclose(file), 0);
}

/* Calls `visit` with the name and content of every file of a folder; returns how many. */
static unsigned
each_file(const char *folder, void (*visit)(const char *name, struct bytes content))
{
    char path[PATH_SIZE];
    make_path(path, folder, "");
    DIR *dir = opendir(path);
    assert_non_null(dir);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        struct buffer content = { 0 };
        make_path(path, folder, entry->d_name);
        read_file(path, &content);
        visit(entry->d_name, buffer_view(&content));
        buffer_free(&content);
        count++;
    }
    (void)closedir(dir);
    return count;
}

/* Reads an event, writes the entry, parses it back. The values are lent until the next call. */
static tally_status
there_and_back(struct bytes json, struct entry *entry, struct tally_error *error)
{
    static const uint8_t salt[ENTRY_SALT_SIZE];
    char now[INSTANT_TEXT_MAX];
    size_t now_size = instant_format(NOW, EVENT_CLOCK_DIGITS, now);
    struct entry_stamp stamp = { bytes_of(now, now_size), bytes_text("local:0"),
                                 FIELDS_PRIVATE_DEFAULT };
    struct event event;
    struct entry_parts parts;
    event_reader_reset(reader);
    arena_reset(&arena);
    buffer_clear(&parts_bytes);
    tally_status status = event_read(reader, json, NOW, &event, error);
    if (status != TALLY_OK)
        return status;
    assert_int_equal(entry_write(&event, &stamp, salt, &parts_bytes, &parts_bytes, &parts, error),
                     TALLY_OK);
    struct bytes public_part = bytes_of(parts_bytes.data + parts.public_offset, parts.public_size);
    struct bytes private_part =
        bytes_of(parts_bytes.data + parts.private_offset, parts.private_size);
    assert_int_equal(entry_parse(public_part, private_part, &arena, entry, error), TALLY_OK);
    return TALLY_OK;
}

/* X as `details.x` of an event; the value that came back. */
static tally_status
inside_details(struct bytes x, struct bytes *value_out, struct tally_error *error)
{
    static const struct bytes path[] = { BYTES("x") };
    struct buffer json = { 0 };
    struct entry entry;
    buffer_text(&json, "{\"action\":\"a.b\",\"details\":{\"x\":");
    buffer_bytes(&json, x);
    buffer_text(&json, "}}");
    tally_status status = there_and_back(buffer_view(&json), &entry, error);
    if (status == TALLY_OK)
        assert_true(json_path_find(entry.values[FIELD_DETAILS], path, 1, value_out));
    buffer_free(&json);
    return status;
}

static bool
equal_in_value(struct bytes a, struct bytes b)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    json_t *x = json_loadb((const char *)a.data, a.size, flags, NULL);
    json_t *y = json_loadb((const char *)b.data, b.size, flags, NULL);
    /* Jansson has no keys with NUL; then nothing is left but to ask that both are such texts. */
    bool equal = x == NULL ? y == NULL : y != NULL && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return equal;
}

static struct bytes
without_blanks(struct bytes text, uint8_t *out)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (strchr(" \t\r\n", text.data[i]) == NULL)
            out[size++] = text.data[i];
    }
    return bytes_of(out, size);
}

static void
visit_suite(const char *name, struct bytes content)
{
    struct bytes value = { 0 };
    struct tally_error error = { 0 };
    tally_status status = inside_details(content, &value, &error);
    bool duplicate = strncmp(name, "y_object_duplicated_key", 23) == 0;
    bool accepted = status == TALLY_OK;
    if (name[0] != 'i' && accepted != (name[0] == 'y' && !duplicate))
        fail_msg("%s: %s", name, accepted ? "accepted" : error.text);
    if (!accepted) {
        assert_int_equal(status, TALLY_INVALID);
        assert_true(error.line > 0 && error.column > 0 && error.text[0] != '\0');
        return;
    }
    if (name[0] == 'y' && !equal_in_value(value, content))
        fail_msg("%s came back as %.*s", name, BYTES_ARG(value));
    if (strstr(name, "_number_") != NULL) {
        uint8_t token[8192];
        assert_true(content.size <= sizeof token);
        if (!bytes_equal(value, without_blanks(content, token)))
            fail_msg("%s: the token came back as %.*s", name, BYTES_ARG(value));
    }
}

static void
json_test_suite(void **state)
{
    (void)state;
    assert_true(each_file("data/json/JSONTestSuite/test_parsing", visit_suite) > 300);
}

/* Two canonical texts, node by node: all bytes equal, but numbers only in value. */
static void
compare_tokens(const char *name, struct bytes ours, struct bytes theirs)
{
    struct json_tape a, b;
    assert_int_equal(json_tape_init(&a, 65536, NULL), TALLY_OK);
    assert_int_equal(json_tape_init(&b, 65536, NULL), TALLY_OK);
    assert_int_equal(json_scan(&a, ours, NULL), TALLY_OK);
    assert_int_equal(json_scan(&b, theirs, NULL), TALLY_OK);
    if (a.count != b.count)
        fail_msg("%s: %.*s", name, BYTES_ARG(ours));
    for (uint32_t i = 0; i < a.count; i++) {
        struct bytes x = json_token(&a, i);
        struct bytes y = json_token(&b, i);
        assert_int_equal(a.nodes[i].kind, b.nodes[i].kind);
        if (a.nodes[i].kind == JSON_KIND_NUMBER) {
            /* Each token ends before a comma or a bracket, which ends the number for strtod too. */
            double p = strtod((const char *)x.data, NULL);
            double q = strtod((const char *)y.data, NULL);
            assert_true(!(p < q) && !(p > q));
        } else if (a.nodes[i].kind < JSON_KIND_ARRAY && !bytes_equal(x, y)) {
            fail_msg("%s: %.*s, not %.*s", name, BYTES_ARG(x), BYTES_ARG(y));
        }
    }
    json_tape_finish(&a);
    json_tape_finish(&b);
}

static void
visit_jcs(const char *name, struct bytes content)
{
    char path[PATH_SIZE];
    struct buffer wanted = { 0 };
    struct bytes value;
    make_path(path, "vectors/jcs/testdata/output", name);
    read_file(path, &wanted);
    assert_int_equal(inside_details(content, &value, NULL), TALLY_OK);
    buffer_byte(&wanted, '\n'); /* something to end a number */
    wanted.size--;
    compare_tokens(name, value, buffer_view(&wanted));
    if (strcmp(name, "structures.json") != 0 && strcmp(name, "values.json") != 0 &&
        strcmp(name, "arrays.json") != 0)
        assert_true(bytes_equal(value, buffer_view(&wanted)));
    buffer_free(&wanted);
}

static void
rfc_8785_vectors(void **state)
{
    (void)state;
    assert_int_equal(each_file("vectors/jcs/testdata/input", visit_jcs), 6);
}

/* {"action": "a.b", NAME: VALUE}, as jansson writes it. */
static char *
event_with(const struct field *field, const json_t *value)
{
    char name[FIELD_NAME_SIZE_MAX + 1] = { 0 };
    memcpy(name, field->name.data, field->name.size);
    json_t *event = json_object();
    const char *other = bytes_is(field->name, "action") ? "event_type" : "action";
    assert_int_equal(json_object_set_new(event, other, json_string("a.b")), 0);
    assert_int_equal(json_object_set_new(event, name, json_deep_copy(value)), 0);
    char *text = json_dumps(event, 0);
    assert_non_null(text);
    json_decref(event);
    return text;
}

static void
check_naughty(unsigned id, const json_t *line)
{
    const struct field *field = &fields[id];
    struct bytes sent = bytes_of(json_string_value(line), json_string_length(line));
    struct tally_error error;
    struct entry entry;
    char *json = event_with(field, line);
    tally_status status = there_and_back(bytes_text(json), &entry, &error);
    if ((field->flags & FIELD_CUT) == 0 && sent.size > field->size_max) {
        assert_int_equal(status, TALLY_INVALID);
    } else {
        if (status != TALLY_OK)
            fail_msg("%s: %s", json, error.text);
        struct bytes kept = entry.values[id];
        bool cut = (field->flags & FIELD_CUT) != 0 && sent.size > field->size_max &&
                   kept.size < sent.size && memcmp(kept.data, sent.data, kept.size - 3) == 0;
        if (!bytes_equal(kept, sent) && !cut)
            fail_msg("%s: came back as %.*s", json, BYTES_ARG(kept));
    }
    free(json);
}

static void
naughty_strings(void **state)
{
    char path[PATH_SIZE];
    (void)state;
    make_path(path, "data/utf8/blns", "blns.json");
    json_error_t error;
    json_t *lines = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (lines == NULL)
        fail_msg("%s: %s", path, error.text);
    assert_true(json_array_size(lines) > 400);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        for (unsigned id = 0; id < FIELD_COUNT; id++) {
            if (fields[id].type == TYPE_TEXT && (fields[id].flags & FIELD_SERVER_SET) == 0)
                check_naughty(id, json_array_get(lines, i));
        }
    }
    json_decref(lines);
}

/* What is on record of a field, as JSON. */
static json_t *
value_as_json(const struct entry *entry, unsigned id)
{
    struct bytes value = entry->values[id];
    assert_non_null(value.data);
    if (field_type_raw(fields[id].type))
        return json_loadb((const char *)value.data, value.size, JSON_DECODE_ANY, NULL);
    return json_stringn((const char *)value.data, value.size);
}

static void
example_events(void **state)
{
    static const char *const examples[] = {
        "{\"event_type\":\"login_success\",\"severity\":\"low\",\"user_id\":\"user123\","
        "\"ip_address\":\"192.168.1.100\",\"user_agent\":\"Mozilla/5.0...\",\"action\":\"login\","
        "\"resource_type\":\"authentication\"}",
        "{\"event_type\":\"report_approve\",\"severity\":\"medium\",\"user_id\":\"approver456\","
        "\"resource_type\":\"report\",\"resource_id\":\"rep789\",\"action\":\"approve\","
        "\"details\":{\"previous_status\":\"pending\",\"comments\":\"Approved after review\"}}",
        "{\"event_type\":\"config_change\",\"severity\":\"high\",\"user_id\":\"admin789\","
        "\"resource_type\":\"system\",\"resource_id\":\"smtp_settings\",\"action\":\"update\","
        "\"details\":{\"changed_fields\":[\"host\",\"port\"],\"old_values\":{\"host\":"
        "\"smtp.old.com\",\"port\":25}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct entry entry;
        json_t *sent = json_loads(examples[i], 0, NULL);
        const char *name;
        json_t *value;
        assert_int_equal(there_and_back(bytes_text(examples[i]), &entry, NULL), TALLY_OK);
        json_object_foreach (sent, name, value) {
            json_t *kept = value_as_json(&entry, field_find(bytes_text(name)));
            assert_true(json_equal(kept, value));
            json_decref(kept);
        }
        json_decref(sent);
    }
}

/* event_vectors_test [TEST]: all of them, or one. */
int
main(int argc, char **argv)
{
    struct stat info;
    bool of_ours = argc > 1 && strcmp(argv[1], "example_events") == 0;
    if (!of_ours && stat(shared_folder(), &info) != 0) {
        printf("1..0 # SKIP no test vectors in %s, set TALLY_SHARED\n", shared_folder());
        return 0;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_test_suite),
        cmocka_unit_test(rfc_8785_vectors),
        cmocka_unit_test(naughty_strings),
        cmocka_unit_test(example_events),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
