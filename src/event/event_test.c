#include "entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* 2026-11-21T03:37:50.123456789Z */
#define NOW INT64_C(1795232270123456789)

static struct catalogue *catalogue;
static struct event_reader *reader;

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
    return 0;
}

static void
read_event(const char *json, struct event *event)
{
    struct tally_error error;
    if (event_read(reader, bytes_text(json), NOW, event, &error) != TALLY_OK)
        fail_msg("%s\n%s: %s", json, error.pointer, error.text);
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        assert_int_equal((event->present >> i & 1) != 0, event->values[i].data != NULL);
}

/* All members of the event but those that every event gets, as one canonical object. */
static void
check_members(const char *json, const char *wanted)
{
    struct event event;
    struct buffer out = { 0 };
    read_event(json, &event);
    part_write(event.values, FIELDS_ALL & ~FIELDS_FIXED, &out);
    if (!bytes_is(buffer_view(&out), wanted))
        fail_msg("%s\ngives  %.*s\nwanted %s", json, BYTES_ARG(buffer_view(&out)), wanted);
    buffer_free(&out);
}

/* Each character of ASCII that may stand in a string as it is, within an id. */
/* Every character, escaped so that JSON takes it, at every place of ids of up to 20 characters. */
static void
what_ids_are_made_of(void **state)
{
    (void)state;
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    static const char rest[] = "aZ09._:-zA90-:_.mM5b";
    for (int size = 0; size < 20; size++) {
        for (int at = 0; at <= size; at++) {
            for (int c = 0; c < 0x110; c++) {
                char json[80];
                (void)snprintf(json, sizeof json, "{\"action\":\"x\",\"id\":\"%.*s\\u%04x%.*s\"}",
                               at, rest, (unsigned)c, size - at, rest + at);
                struct event event;
                struct tally_error error;
                tally_status status = event_read(reader, bytes_text(json), NOW, &event, &error);
                bool good = c > 0 && c < 0x80 && strchr(allowed, c) != NULL;
                if ((status == TALLY_OK) != good)
                    fail_msg("%s: status %d", json, status);
                event_reader_reset(reader);
            }
        }
    }
}

static void
what_is_filled_in(void **state)
{
    static const struct {
        const char *why;
        const char *json;
        const char *members;
    } rows[] = {
        { "all from the type", "{\"event_type\":\"login_failure\"}",
          "{\"action\":\"user.login\",\"event_type\":\"login_failure\",\"severity\":\"medium\","
          "\"status\":\"failure\"}" },
        { "the type from the action", "{\"action\":\"user.delete\"}",
          "{\"action\":\"user.delete\",\"crud\":\"D\",\"event_type\":\"user_delete\","
          "\"severity\":\"high\",\"status\":\"success\"}" },
        { "the type from action and status", "{\"action\":\"user.login\",\"status\":\"failure\"}",
          "{\"action\":\"user.login\",\"event_type\":\"login_failure\",\"severity\":\"medium\","
          "\"status\":\"failure\"}" },
        { "the type from action and code", "{\"action\":\"access.check\",\"status_code\":403}",
          "{\"action\":\"access.check\",\"event_type\":\"access_denied\",\"severity\":\"medium\","
          "\"status\":\"failure\",\"status_code\":403}" },
        { "a status that is assumed implies no type", "{\"action\":\"user.login\"}",
          "{\"action\":\"user.login\",\"status\":\"success\"}" },
        { "neither does a code below 400", "{\"action\":\"user.login\",\"status_code\":200}",
          "{\"action\":\"user.login\",\"status\":\"success\",\"status_code\":200}" },
        { "nor a status that no row has", "{\"action\":\"user.login\",\"status_code\":500}",
          "{\"action\":\"user.login\",\"status\":\"error\",\"status_code\":500}" },
        { "the type goes before the code", "{\"event_type\":\"logout\",\"status_code\":500}",
          "{\"action\":\"user.logout\",\"event_type\":\"logout\",\"severity\":\"low\","
          "\"status\":\"success\",\"status_code\":500}" },
        { "a type without status leaves it to the code",
          "{\"event_type\":\"data_read\",\"status_code\":404}",
          "{\"action\":\"resource.read\",\"crud\":\"R\",\"event_type\":\"data_read\",\"severity\":"
          "\"low\",\"status\":\"failure\",\"status_code\":404}" },
        { "nothing sent is overridden",
          "{\"event_type\":\"login_success\",\"severity\":\"critical\",\"action\":\"login\","
          "\"status\":\"error\",\"crud\":\"U\"}",
          "{\"action\":\"login\",\"crud\":\"U\",\"event_type\":\"login_success\",\"severity\":"
          "\"critical\",\"status\":\"error\"}" },
        { "crud from the method", "{\"action\":\"x.y\",\"method\":\"PATCH\"}",
          "{\"action\":\"x.y\",\"crud\":\"U\",\"method\":\"PATCH\",\"status\":\"success\"}" },
        { "the type's crud goes before the method's",
          "{\"event_type\":\"data_read\",\"method\":\"POST\"}",
          "{\"action\":\"resource.read\",\"crud\":\"R\",\"event_type\":\"data_read\",\"method\":"
          "\"POST\",\"severity\":\"low\",\"status\":\"success\"}" },
        { "an unknown type gets little", "{\"event_type\":\"coffee\",\"status_code\":418}",
          "{\"event_type\":\"coffee\",\"status\":\"failure\",\"status_code\":418}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_members(rows[i].json, rows[i].members);
}

#define A "{\"action\":\"a\","
#define S ",\"status\":\"success\"}"

static void
how_values_are_kept(void **state)
{
    static const struct {
        const char *why;
        const char *json;
        const char *members;
    } rows[] = {
        { "null is as if not sent", A "\"user_id\":null,\"status_code\":null,\"details\":null}",
          "{\"action\":\"a\"" S },
        { "enumerations in any case",
          A "\"severity\":\"HIGH\",\"crud\":\"c\",\"status\":\"Success\"}",
          "{\"action\":\"a\",\"crud\":\"C\",\"severity\":\"high\"" S },
        { "empty texts are kept", A "\"user_id\":\"\"}",
          "{\"action\":\"a\",\"status\":\"success\",\"user_id\":\"\"}" },
        { "a NUL is a character", A "\"user_id\":\"a\\u0000b\"}",
          "{\"action\":\"a\",\"status\":\"success\",\"user_id\":\"a\\u0000b\"}" },
        { "escapes are decoded", A "\"service\":\"\\u00e9\\/\\n\"}",
          "{\"action\":\"a\",\"service\":\"\xc3\xa9/\\n\"" S },
        { "numbers keep their token", A "\"response_time_ms\":1.10}",
          "{\"action\":\"a\",\"response_time_ms\":1.10" S },
        { "zero is a time too", A "\"response_time_ms\":0}",
          "{\"action\":\"a\",\"response_time_ms\":0" S },
        { "numbers in details too", A "\"details\":{\"n\":[12345678901234567890, 1e-7 ,1.10,-0]}}",
          "{\"action\":\"a\",\"details\":{\"n\":[12345678901234567890,1e-7,1.10,-0]}" S },
        { "unknown members go under details", A "\"zone\":{\"b\":1,\"a\":null},\"area\":null}",
          "{\"action\":\"a\",\"details\":{\"area\":null,\"zone\":{\"a\":null,\"b\":1}}" S },
        { "beside what is there", A "\"m\":1,\"details\":{\"z\":3,\"b\":2},\"a\":0}",
          "{\"action\":\"a\",\"details\":{\"a\":0,\"b\":2,\"m\":1,\"z\":3}" S },
        { "aliases are for queries", A "\"user\":\"u\",\"ip\":\"1.2.3.4\"}",
          "{\"action\":\"a\",\"details\":{\"ip\":\"1.2.3.4\",\"user\":\"u\"}" S },
        { "names may be escaped", "{\"\\u0061ction\":\"a\",\"us\\u0065r_id\":\"u\"}",
          "{\"action\":\"a\",\"status\":\"success\",\"user_id\":\"u\"}" },
        { "addresses may be names", A "\"ip_address\":\"AWS Internal\"}",
          "{\"action\":\"a\",\"ip_address\":\"AWS Internal\"" S },
        { "empty objects are kept", A "\"details\":{},\"changes\":{ }}",
          "{\"action\":\"a\",\"changes\":{},\"details\":{}" S },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_members(rows[i].json, rows[i].members);
}

static void
what_is_refused_and_where(void **state)
{
    static const struct {
        const char *json;
        const char *pointer;
        const char *reason;
    } rows[] = {
        { "[]", "", "not an array" },
        { "3", "", "not a number" },
        { "{}", "", "needs action or event_type" },
        { "{\"action\":null}", "", "needs action or event_type" },
        { "{\"action\":\"\"}", "", "needs action or event_type" },
        { "{\"action\":1}", "/action", "action is a string, not a number" },
        { A "\"user_id\":7}", "/user_id", "a string, not a number" },
        { A "\"user_id\":[\"u\"]}", "/user_id", "not an array" },
        { A "\"status_code\":\"200\"}", "/status_code", "a number, not a string" },
        { A "\"status_code\":99}", "/status_code", "from 100 to 999" },
        { A "\"status_code\":1000}", "/status_code", "from 100 to 999" },
        { A "\"status_code\":200.0}", "/status_code", "whole number" },
        { A "\"status_code\":-200}", "/status_code", "whole number" },
        { A "\"status_code\":18446744073709551816}", "/status_code", "whole number" },
        { A "\"response_time_ms\":-1}", "/response_time_ms", "no sign" },
        { A "\"response_time_ms\":1e3}", "/response_time_ms", "no exponent" },
        { A "\"response_time_ms\":1.00000000000000000000000000000000}", "/response_time_ms",
          "at most 32" },
        { A "\"severity\":\"urgent\"}", "/severity", "low, medium, high, critical" },
        { A "\"crud\":\"CR\"}", "/crud", "C, R, U, D" },
        { A "\"status\":\"\"}", "/status", "success, failure, error" },
        { A "\"actor_type\":\"human\"}", "/actor_type", "user, service, system" },
        { A "\"details\":[]}", "/details", "an object, not an array" },
        { A "\"changes\":\"x\"}", "/changes", "an object, not a string" },
        { A "\"id\":\"\"}", "/id", "1 to 64" },
        { A "\"id\":\"a b\"}", "/id", "1 to 64" },
        { A "\"id\":\"a\\u0000\"}", "/id", "1 to 64" },
        { A "\"timestamp\":\"yesterday\"}", "/timestamp", "RFC 3339" },
        { A "\"timestamp\":\"2026-02-30T00:00:00Z\"}", "/timestamp", "the day does not exist" },
        { A "\"timestamp\":1700000000}", "/timestamp", "a string, not a number" },
        { A "\"v\":1}", "/v", "set by Tallystick" },
        { A "\"index\":0}", "/index", "set by Tallystick" },
        { A "\"trail\":\"main\"}", "/trail", "set by Tallystick" },
        { A "\"received\":null}", "/received", "set by Tallystick" },
        { A "\"writer\":\"me\"}", "/writer", "set by Tallystick" },
        { A "\"leaf\":\"\"}", "/leaf", "set by Tallystick" },
        { A "\"private\":{}}", "/private", "set by Tallystick" },
        { A "\"control\":{}}", "/control", "set by Tallystick" },
        { A "\"\\u0063ontrol\":{}}", "/control", "set by Tallystick" },
        { A "\"x\":1,\"details\":{\"x\":2}}", "/details/x", "stands in the event and under" },
        { A "\"details\":{\"x\":2},\"\\u0078\":1}", "/x", "stands in the event and under" },
        { A "\"details\":{\"x\":{\"y\":1,\"y\":1}}}", "/details/x/y", "occurs twice" },
        { A "\"action\":\"b\"}", "/action", "occurs twice" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event event;
        struct tally_error error = { 0 };
        memset(&event, 0x5a, sizeof event);
        struct event before = event;
        if (event_read(reader, bytes_text(rows[i].json), NOW, &event, &error) != TALLY_INVALID)
            fail_msg("accepted: %s", rows[i].json);
        if (strcmp(error.pointer, rows[i].pointer) != 0 ||
            strstr(error.text, rows[i].reason) == NULL || error.line != 1 || error.column == 0)
            fail_msg("%s\n%s: %s", rows[i].json, error.pointer, error.text);
        assert_memory_equal(&event, &before, sizeof event);
    }
}

/* Each text field at its limit and one byte beyond. */
static void
limits_of_texts(void **state)
{
    static char json[1 << 16];
    (void)state;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if ((field->type != TYPE_TEXT && field->type != TYPE_NAME) || field->flags & FIELD_CUT ||
            field->flags & FIELD_SERVER_SET)
            continue;
        for (unsigned size = field->size_max; size <= field->size_max + 1u; size++) {
            int at = sprintf(json, "{\"%s\":\"x\",\"%.*s\":\"",
                             i == FIELD_ACTION ? "event_type" : "action", BYTES_ARG(field->name));
            memset(json + at, 'x', size);
            (void)strcpy(json + at + size, "\"}");
            struct event event;
            tally_status status = event_read(reader, bytes_text(json), NOW, &event, NULL);
            assert_int_equal(status, size == field->size_max ? TALLY_OK : TALLY_INVALID);
        }
    }
}

static void
user_agents_are_cut_at_500_characters(void **state)
{
    static const char *const letters[] = { "x", "\xc3\xa9", "\xf0\x9f\x98\x80", "\\u00e9" };
    static char json[8192];
    (void)state;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        for (unsigned count = 499; count <= 502; count++) {
            int at = sprintf(json, A "\"user_agent\":\"");
            for (unsigned n = 0; n < count; n++)
                at += sprintf(json + at, "%s", letters[i]);
            (void)strcpy(json + at, "\"}");
            struct event event;
            read_event(json, &event);
            struct bytes kept = event.values[FIELD_USER_AGENT];
            unsigned characters = 0;
            for (size_t n = 0; n < kept.size; n++)
                characters += (kept.data[n] & 0xc0) != 0x80;
            assert_int_equal(characters, count <= 500 ? count : 501);
            bool marked = memcmp(kept.data + kept.size - 3, "\xe2\x80\xa6", 3) == 0;
            assert_int_equal(marked, count > 500);
        }
    }
}

static void
times_are_kept_in_utc_with_their_digits(void **state)
{
    static const struct {
        const char *sent;
        const char *kept;
        int64_t ns;
    } rows[] = {
        { "2026-11-21T03:37:50Z", "2026-11-21T03:37:50Z", INT64_C(1795232270000000000) },
        { "2026-11-21 03:37:50", "2026-11-21T03:37:50Z", INT64_C(1795232270000000000) },
        { "2026-11-21T05:37:50.120+02:00", "2026-11-21T03:37:50.120Z",
          INT64_C(1795232270120000000) },
        { "1970-01-01T00:00:00.0000000001z", "1970-01-01T00:00:00.0000000001Z", 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[128];
        struct event event;
        (void)sprintf(json, A "\"timestamp\":\"%s\"}", rows[i].sent);
        read_event(json, &event);
        assert_true(bytes_is(event.values[FIELD_TIMESTAMP], rows[i].kept));
        assert_true(event.timestamp == rows[i].ns);
    }
}

static void
id_and_timestamp_are_given(void **state)
{
    struct event event, other;
    (void)state;
    read_event("{\"action\":\"a\"}", &event);
    read_event("{\"action\":\"a\"}", &other);
    assert_true(bytes_is(event.values[FIELD_TIMESTAMP], "2026-11-21T03:37:50.123456Z"));
    assert_true(event.timestamp == INT64_C(1795232270123456000));
    assert_int_equal(event.values[FIELD_ID].size, 36);
    assert_int_equal(event.values[FIELD_ID].data[14], '7');
    assert_false(bytes_equal(event.values[FIELD_ID], other.values[FIELD_ID]));
    assert_true(event.sent == FIELD_BIT(FIELD_ACTION));

    read_event("{\"action\":\"a\",\"id\":\"A-z_0.9:\"}", &event);
    assert_true(bytes_is(event.values[FIELD_ID], "A-z_0.9:"));
    assert_true(event.sent == (FIELD_BIT(FIELD_ACTION) | FIELD_BIT(FIELD_ID)));
}

/* Unknown members move one level down; what then cannot be read back is refused. */
static void
depth_counts_from_where_a_member_ends_up(void **state)
{
    static const struct {
        const char *name;
        unsigned depth_max;
    } rows[] = { { "details\":{\"x", 62 }, { "x", 62 } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned depth = 60; depth <= 64; depth++) {
            char json[512];
            int at = sprintf(json, A "\"%s\":", rows[i].name);
            for (unsigned n = 0; n < depth; n++)
                json[at++] = '[';
            for (unsigned n = 0; n < depth; n++)
                json[at++] = ']';
            (void)strcpy(json + at, i == 0 ? "}}" : "}");
            struct event event;
            tally_status status = event_read(reader, bytes_text(json), NOW, &event, NULL);
            assert_int_equal(status, depth <= rows[i].depth_max ? TALLY_OK : TALLY_INVALID);
        }
    }
}

static void
events_of_an_array(void **state)
{
    static const char json[] =
        "[{\"action\":\"a\",\"user_id\":\"u\\u0031\"},\n {\"action\":\"b\"},\n"
        " {\"action\":\"c\",\"x\":{\"y\":0},\n  \"status_code\":7}]";
    struct event events[2];
    struct tally_error error;
    struct json_tape *tape = event_reader_tape(reader);
    (void)state;
    assert_int_equal(json_scan(tape, bytes_text(json), &error), TALLY_OK);
    uint32_t node = 1;
    for (unsigned i = 0; i < 2; i++, node = tape->nodes[node].next)
        assert_int_equal(event_read_node(reader, node, NOW, &events[i], &error), TALLY_OK);
    assert_true(bytes_is(events[0].values[FIELD_USER_ID], "u1"));
    assert_true(bytes_is(events[1].values[FIELD_ACTION], "b"));

    assert_int_equal(event_read_node(reader, node, NOW, &events[1], &error), TALLY_INVALID);
    assert_string_equal(error.pointer, "/2/status_code");
    assert_int_equal(error.line, 4);
    assert_int_equal(error.column, 17);
    event_reader_reset(reader);
}

static void
nothing_is_filled_in_without_a_catalogue(void **state)
{
    struct event_reader *plain;
    struct event event;
    (void)state;
    assert_int_equal(event_reader_create(catalogue_none(), &plain, NULL), TALLY_OK);
    assert_int_equal(event_read(plain,
                                bytes_text("{\"action\":\"user.login\",\"status\":\"success\","
                                           "\"method\":\"POST\"}"),
                                NOW, &event, NULL),
                     TALLY_OK);
    assert_true((event.present & ~FIELDS_FIXED) == (event.sent & ~FIELDS_FIXED));
    event_reader_destroy(plain);
}

static void
control_entries(void **state)
{
    static const char *const refused[] = { "{}", "{\"type\":1}", "[]", "\"type\"", "{" };
    struct event event;
    (void)state;
    assert_int_equal(
        event_read_control(reader, bytes_text("{\"type\": \"key\",\"a\":1}"), NOW, &event, NULL),
        TALLY_OK);
    assert_true(bytes_is(event.values[FIELD_CONTROL], "{\"a\":1,\"type\":\"key\"}"));
    assert_true(event.present ==
                (FIELD_BIT(FIELD_CONTROL) | FIELD_BIT(FIELD_ID) | FIELD_BIT(FIELD_TIMESTAMP)));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(event_read_control(reader, bytes_text(refused[i]), NOW, &event, NULL),
                         TALLY_INVALID);
}

#define I "{\"id\":\"1\",\"action\":\"a\""

static void
repeats_are_told_from_conflicts(void **state)
{
    static const struct {
        const char *why;
        const char *stored;
        const char *sent;
        bool equal;
    } rows[] = {
        { "the same", I ",\"timestamp\":\"2026-01-01T00:00:00Z\"}",
          I ",\"timestamp\":\"2026-01-01T00:00:00Z\"}", true },
        { "no timestamp: not compared", I "}", I "}", true },
        { "no timestamp this time", I ",\"timestamp\":\"2026-01-01T00:00:00Z\"}", I "}", true },
        { "another timestamp", I ",\"timestamp\":\"2026-01-01T00:00:00Z\"}",
          I ",\"timestamp\":\"2026-01-01T00:00:01Z\"}", false },
        { "the same time in another offset", I ",\"timestamp\":\"2026-01-01T00:00:00Z\"}",
          I ",\"timestamp\":\"2026-01-01T01:00:00+01:00\"}", true },
        { "order and blanks", I ",\"details\":{\"a\":1,\"b\":2}}",
          I ",\"details\":{\"b\": 2,\"a\": 1}}", true },
        { "filled in or sent", I "}", I ",\"status\":\"SUCCESS\"}", true },
        { "another token", I ",\"details\":{\"a\":1}}", I ",\"details\":{\"a\":1.0}}", false },
        { "a member more", I "}", I ",\"user_id\":\"u\"}", false },
        { "a member less", I ",\"user_id\":\"u\"}", I "}", false },
        { "empty is not absent", I ",\"user_id\":\"\"}", I "}", false },
        { "null is absent", I ",\"user_id\":null}", I "}", true },
        { "another value", I ",\"user_id\":\"u\"}", I ",\"user_id\":\"v\"}", false },
        { "under details or not", I ",\"details\":{\"x\":1}}", I ",\"x\":1}", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event stored, sent;
        read_event(rows[i].stored, &stored);
        read_event(rows[i].sent, &sent);
        stored.values[FIELD_WRITER] = bytes_text("local:0"); /* what the server sets */
        stored.values[FIELD_V] = bytes_text("1");
        if (event_equal(&sent, stored.values, 0) != rows[i].equal)
            fail_msg("%s: not %d", rows[i].why, rows[i].equal);
    }

    struct event stored, sent, control;
    read_event(I ",\"user_id\":\"u\"}", &stored);
    read_event(I ",\"user_id\":\"v\"}", &sent);
    assert_true(event_equal(&sent, stored.values, FIELD_BIT(FIELD_USER_ID))); /* erased */
    assert_int_equal(
        event_read_control(reader, bytes_text("{\"type\":\"key\"}"), NOW, &control, NULL),
        TALLY_OK);
    assert_false(event_equal(&sent, control.values, ~FIELD_BIT(FIELD_CONTROL)));
    event_reader_reset(reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ids_are_made_of),
        cmocka_unit_test(what_is_filled_in),
        cmocka_unit_test(how_values_are_kept),
        cmocka_unit_test(what_is_refused_and_where),
        cmocka_unit_test(limits_of_texts),
        cmocka_unit_test(user_agents_are_cut_at_500_characters),
        cmocka_unit_test(times_are_kept_in_utc_with_their_digits),
        cmocka_unit_test(id_and_timestamp_are_given),
        cmocka_unit_test(depth_counts_from_where_a_member_ends_up),
        cmocka_unit_test(events_of_an_array),
        cmocka_unit_test(nothing_is_filled_in_without_a_catalogue),
        cmocka_unit_test(control_entries),
        cmocka_unit_test(repeats_are_told_from_conflicts),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
