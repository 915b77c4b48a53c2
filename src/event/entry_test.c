#include "base64.h"
#include "entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW      INT64_C(1795232270123456789)
#define NOW_TEXT "2026-11-21T03:37:50.123456Z"

static const uint8_t salt[ENTRY_SALT_SIZE] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};
static const char event_json[] =
    "{\"id\":\"e1\",\"timestamp\":\"2026-11-21T03:37:50Z\",\"event_type\":\"login_success\","
    "\"user_id\":\"user123\",\"details\":{\"n\":1.10,\"a\":\"x\\ty\"},\"status_code\":200}";

static struct event_reader *reader;
static struct catalogue *catalogue;

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

static struct entry_stamp
stamp_of(uint64_t private_fields)
{
    return (struct entry_stamp){ BYTES(NOW_TEXT), bytes_text("local:1000"), private_fields };
}

static void
read_event(struct bytes json, struct event *event)
{
    struct tally_error error;
    if (event_read(reader, json, NOW, event, &error) != TALLY_OK)
        fail_msg("%.*s\n%s: %s", BYTES_ARG(json), error.pointer, error.text);
}

static struct bytes
public_of(const struct buffer *buffer, const struct entry_parts *parts)
{
    return bytes_of(buffer->data + parts->public_offset, parts->public_size);
}

static struct bytes
private_of(const struct buffer *buffer, const struct entry_parts *parts)
{
    return bytes_of(buffer->data + parts->private_offset, parts->private_size);
}

/* Every byte of one entry. The commitment and the leaf were computed with sha256sum and base64 from
 * the bytes above them; docs/format.md shows how. */
static void
a_worked_example(void **state)
{
    static const char private_part[] =
        "{\"details\":{\"a\":\"x\\ty\",\"n\":1.10},\"user_id\":\"user123\"}";
    static const char public_part[] =
        "{\"action\":\"user.login\",\"event_type\":\"login_success\",\"id\":\"e1\","
        "\"private\":\"rp4fs4s7ngoZvCawWxnSt+FD2pB3h30qHljgV6lHMa4=\",\"received\":\"2026-11-21T03:"
        "37:50.123456Z\","
        "\"severity\":\"low\",\"status\":\"success\",\"status_code\":200,"
        "\"timestamp\":\"2026-11-21T03:37:50Z\",\"v\":1,\"writer\":\"local:1000\"}";
    static const char leaf[] = "347298a2d8e8e19bdbeb1db0ba546e7d5e87c26c67374503f56ab55d07562cf0";

    struct event event;
    struct buffer out = { 0 };
    struct entry_parts parts;
    struct entry_stamp stamp = stamp_of(FIELDS_PRIVATE_DEFAULT);
    (void)state;
    read_event(bytes_text(event_json), &event);
    assert_int_equal(entry_write(&event, &stamp, salt, &out, &out, &parts, NULL), TALLY_OK);
    if (!bytes_is(private_of(&out, &parts), private_part))
        fail_msg("%.*s", BYTES_ARG(private_of(&out, &parts)));
    if (!bytes_is(public_of(&out, &parts), public_part))
        fail_msg("%.*s", BYTES_ARG(public_of(&out, &parts)));
    char hex[65] = { 0 };
    hex_encode(parts.leaf.bytes, sizeof parts.leaf.bytes, hex);
    assert_string_equal(hex, leaf);
    assert_memory_equal(parts.salt, salt, sizeof salt);
    assert_true(parts.timestamp == INT64_C(1795232270000000000));
    buffer_free(&out);
}

static uint32_t seed = 1;

static uint32_t
draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void
draw_text(struct buffer *out)
{
    static const char *const pieces[] = { "a",
                                          "user",
                                          "\\u0000",
                                          "\\n",
                                          "\\\"",
                                          "\\\\",
                                          "/",
                                          "\xc3\xa9",
                                          "\\u20ac",
                                          " ",
                                          "\xf0\x9f\x98\x80",
                                          "0123456789abcdef" };
    buffer_byte(out, '"');
    for (uint32_t n = draw(8); n > 0; n--)
        buffer_text(out, pieces[draw(sizeof pieces / sizeof *pieces)]);
    buffer_byte(out, '"');
}

/* A random event with about half of the fields. */
static void
draw_event(struct buffer *out)
{
    static const char *const objects[] = { "{}",
                                           "{\"z\":[1,{\"b\":0,\"a\":-1e5}],\"a\":\"\\u0001\"}",
                                           "{\"role\":{\"before\":null,\"after\":\"x\"}}" };
    buffer_text(out, "{\"action\":\"a.b\"");
    for (unsigned i = 1; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if (draw(2) == 0 || (field->flags & FIELD_SERVER_SET) != 0)
            continue;
        buffer_format(out, ",\"%.*s\":", BYTES_ARG(field->name));
        if (field->type == TYPE_TEXT)
            draw_text(out);
        else if (field->type == TYPE_NAME)
            buffer_format(out, "\"id-%u\"", draw(1000000));
        else if (field->type == TYPE_ENUM)
            buffer_format(out, "\"%s\"", field->values[draw(3)]);
        else if (field->type == TYPE_INTEGER)
            buffer_format(out, "%u", 100 + draw(900));
        else if (field->type == TYPE_DECIMAL)
            buffer_format(out, "%u.%02u", draw(1000), draw(100));
        else if (field->type == TYPE_TIME)
            buffer_format(out, "\"20%02u-01-02T03:04:05.%uZ\"", 10 + draw(90), draw(100000));
        else
            buffer_text(out, objects[draw(3)]);
    }
    buffer_byte(out, '}');
}

/* Laws: the values come back, the same values give the same bytes, the commitment and the leaf are
 * those of the bytes. For any choice of private fields. */
static void
check_laws(const struct event *event, const struct entry_stamp *stamp)
{
    struct buffer public_out = { 0 };
    struct buffer private_out = { 0 };
    struct buffer again = { 0 };
    struct arena arena = { 0 };
    struct entry_parts parts;
    struct entry entry;
    assert_int_equal(entry_write(event, stamp, salt, &public_out, &private_out, &parts, NULL),
                     TALLY_OK);
    struct bytes public_part = public_of(&public_out, &parts);
    struct bytes private_part = private_of(&private_out, &parts);
    assert_int_equal(entry_parse(public_part, private_part, &arena, &entry, NULL), TALLY_OK);

    uint64_t server = FIELDS_SERVER_SET & ~FIELD_BIT(FIELD_CONTROL);
    assert_true((entry.present & ~server) == event->present);
    assert_true((entry.present & server) == server);
    assert_true(entry.in_private == (event->present & stamp->private_fields));
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if ((server & FIELD_BIT(i)) == 0)
            assert_true(bytes_equal(entry.values[i], event->values[i]));
        assert_int_equal(entry.values[i].data != NULL, (entry.present >> i & 1) != 0);
    }
    assert_true(entry.timestamp == event->timestamp && entry.received == event_clock_cut(NOW));

    part_write(entry.values, entry.present & ~entry.in_private, &again);
    assert_true(bytes_equal(buffer_view(&again), public_part));
    buffer_clear(&again);
    part_write(entry.values, entry.in_private, &again);
    assert_true(bytes_equal(buffer_view(&again), private_part));

    char commitment[ENTRY_COMMITMENT_SIZE];
    struct tally_hash leaf;
    entry_commit(salt, private_part, commitment);
    assert_true(bytes_equal(entry.values[FIELD_PRIVATE], bytes_of(commitment, sizeof commitment)));
    tally_hash_leaf(public_part.data, public_part.size, &leaf);
    assert_true(tally_hash_equal(&leaf, &parts.leaf));

    buffer_free(&public_out);
    buffer_free(&private_out);
    buffer_free(&again);
    arena_finish(&arena);
}

/* Laid out one by one and hashed together, entries are what they are when written whole. */
static void
hashed_together(void **state)
{
    enum {
        MANY = 40
    };
    struct buffer json = { 0 };
    struct buffer whole = { 0 }, blank = { 0 };
    struct entry_parts parts[MANY], laid_out[MANY];
    struct entry_secret secrets[MANY];
    struct bytes public_parts[MANY];
    struct tally_hash hashes[MANY];
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        struct event event;
        uint64_t choice = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
        struct entry_stamp stamp = stamp_of(choice & FIELDS_ALL & ~FIELDS_FIXED);
        buffer_clear(&json);
        draw_event(&json);
        read_event(buffer_view(&json), &event);
        assert_int_equal(entry_write(&event, &stamp, salt, &whole, &whole, &parts[i], NULL),
                         TALLY_OK);
        assert_int_equal(entry_lay_out(&event, &stamp, &blank, &blank, &laid_out[i], NULL),
                         TALLY_OK);
        event_reader_reset(reader);
    }
    for (unsigned i = 0; i < MANY; i++) {
        secrets[i].salt = salt;
        secrets[i].private_part =
            bytes_of(blank.data + laid_out[i].private_offset, laid_out[i].private_size);
        public_parts[i] = public_of(&blank, &laid_out[i]);
    }
    entry_commit_many(secrets, MANY, hashes);
    for (unsigned i = 0; i < MANY; i++)
        base64_encode(hashes[i].bytes, TALLY_HASH_SIZE,
                      (char *)blank.data + laid_out[i].commitment_offset);
    entry_hash_leaves(public_parts, MANY, hashes);
    assert_true(bytes_equal(buffer_view(&whole), buffer_view(&blank)));
    for (unsigned i = 0; i < MANY; i++)
        assert_true(tally_hash_equal(&hashes[i], &parts[i].leaf));
    buffer_free(&json);
    buffer_free(&whole);
    buffer_free(&blank);
}

static void
entries_come_back(void **state)
{
    struct buffer json = { 0 };
    struct buffer written = { 0 };
    struct event event;
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        buffer_clear(&json);
        draw_event(&json);
        read_event(buffer_view(&json), &event);
        uint64_t choice = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
        struct entry_stamp stamp =
            stamp_of(round % 4 == 0 ? FIELDS_PRIVATE_DEFAULT : choice & FIELDS_ALL & ~FIELDS_FIXED);
        check_laws(&event, &stamp);

        /* And the written values read as an event again are a repeat of it. */
        struct event again;
        buffer_clear(&written);
        part_write(event.values, event.present, &written);
        read_event(buffer_view(&written), &again);
        assert_true(event_equal(&again, event.values, 0));
        if (round % 100 == 0)
            event_reader_reset(reader);
    }
    buffer_free(&json);
    buffer_free(&written);
}

static void
control_entries_come_back(void **state)
{
    struct event event;
    struct entry_stamp stamp = stamp_of(FIELDS_PRIVATE_DEFAULT);
    (void)state;
    assert_int_equal(event_read_control(reader, bytes_text("{\"type\":\"created\",\"format\":1}"),
                                        NOW, &event, NULL),
                     TALLY_OK);
    check_laws(&event, &stamp);
}

static void
erased_entries_have_no_private_part(void **state)
{
    struct event event;
    struct entry entry;
    struct entry_parts parts;
    struct buffer out = { 0 };
    struct arena arena = { 0 };
    struct entry_stamp stamp = stamp_of(FIELDS_PRIVATE_DEFAULT);
    (void)state;
    read_event(bytes_text(event_json), &event);
    assert_int_equal(entry_write(&event, &stamp, salt, &out, &out, &parts, NULL), TALLY_OK);
    assert_int_equal(
        entry_parse(public_of(&out, &parts), (struct bytes){ 0 }, &arena, &entry, NULL), TALLY_OK);
    assert_true(entry.in_private == 0);
    assert_null(entry.values[FIELD_USER_ID].data);
    buffer_free(&out);
    arena_finish(&arena);
}

static void
parts_have_limits(void **state)
{
    struct event event;
    struct entry_parts parts;
    struct tally_error error;
    struct buffer public_out = { 0 };
    struct buffer private_out = { 0 };
    struct buffer json = { 0 };
    (void)state;
    buffer_text(&public_out, "before");
    buffer_text(&private_out, "before");
    for (int row = 0; row < 4; row++) {
        /* A private part of exactly 1 MiB fits; then a public one of exactly 65,535 bytes. */
        static const char head[] = "{\"details\":{\"x\":\"\"}}";
        uint64_t choice = row < 2 ? FIELDS_PRIVATE_DEFAULT : 0;
        struct entry_stamp stamp = stamp_of(choice);
        size_t fill = ENTRY_PRIVATE_SIZE_MAX - (sizeof head - 1);
        if (row >= 2) {
            read_event(bytes_text("{\"id\":\"1\",\"timestamp\":\"2026-01-01T00:00:00Z\","
                                  "\"action\":\"a\",\"details\":{\"x\":\"\"}}"),
                       &event);
            assert_int_equal(
                entry_write(&event, &stamp, salt, &public_out, &private_out, &parts, NULL),
                TALLY_OK);
            public_out.size = private_out.size = 6;
            fill = ENTRY_PUBLIC_SIZE_MAX - parts.public_size;
        }
        fill += row % 2;
        buffer_clear(&json);
        buffer_text(&json, "{\"id\":\"1\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"action\":\"a\","
                           "\"details\":{\"x\":\"");
        uint8_t *to = buffer_reserve(&json, fill);
        assert_non_null(to);
        memset(to, 'x', fill);
        json.size += fill;
        buffer_text(&json, "\"}}");
        read_event(buffer_view(&json), &event);
        tally_status status =
            entry_write(&event, &stamp, salt, &public_out, &private_out, &parts, &error);
        assert_int_equal(status, row % 2 == 0 ? TALLY_OK : TALLY_INVALID);
        if (status == TALLY_OK) {
            size_t size = row < 2 ? parts.private_size : parts.public_size;
            assert_int_equal(size, row < 2 ? ENTRY_PRIVATE_SIZE_MAX : ENTRY_PUBLIC_SIZE_MAX);
            public_out.size = private_out.size = 6;
        }
        assert_true(bytes_is(buffer_view(&public_out), "before"));
        assert_true(bytes_is(buffer_view(&private_out), "before"));
    }
    buffer_free(&public_out);
    buffer_free(&private_out);
    buffer_free(&json);
}

#define REST                                                                              \
    "\"id\":\"1\",\"private\":\"p\",\"received\":\"2026-01-01T00:00:00Z\",\"timestamp\":" \
    "\"2026-01-01T00:00:00Z\",\"v\":1,\"writer\":\"w\"}"

static void
damaged_parts_are_refused(void **state)
{
    static const struct {
        const char *why;
        const char *public_part;
        const char *private_part;
        tally_status status;
    } rows[] = {
        { "whole", "{" REST, "{}", TALLY_OK },
        { "erased", "{" REST, "", TALLY_OK },
        { "empty", "", "{}", TALLY_DAMAGED },
        { "no members", "{}", "{}", TALLY_DAMAGED },
        { "no object", "[]", "{}", TALLY_DAMAGED },
        { "a blank", "{ " REST, "{}", TALLY_DAMAGED },
        { "unknown name", "{\"actio\":\"a\"," REST, "{}", TALLY_DAMAGED },
        { "a name without end", "{\"action", "{}", TALLY_DAMAGED },
        { "a number for a text", "{\"action\":1," REST, "{}", TALLY_DAMAGED },
        { "out of order", "{\"crud\":\"C\",\"action\":\"a\"," REST, "{}", TALLY_DAMAGED },
        { "a name twice", "{\"action\":\"a\",\"action\":\"a\"," REST, "{}", TALLY_DAMAGED },
        { "a comma too many", "{" REST, "{\"user_id\":\"u\",}", TALLY_DAMAGED },
        { "no comma", "{" REST, "{\"message\":\"m\"\"user_id\":\"u\"}", TALLY_DAMAGED },
        { "something behind", "{" REST, "{}}", TALLY_DAMAGED },
        { "in both parts", "{\"action\":\"a\"," REST, "{\"action\":\"a\"}", TALLY_DAMAGED },
        { "never private", "{" REST, "{\"control\":{}}", TALLY_DAMAGED },
        { "details is a text", "{" REST, "{\"details\":\"x\"}", TALLY_DAMAGED },
        { "details without end", "{" REST, "{\"details\":{}", TALLY_DAMAGED },
        { "no such time",
          "{\"id\":\"1\",\"private\":\"p\",\"received\":\"2026-01-01T00:00:00Z\",\"timestamp\":"
          "\"2026-01-32T00:00:00Z\",\"v\":1,\"writer\":\"w\"}",
          "{}", TALLY_DAMAGED },
        { "no writer",
          "{\"id\":\"1\",\"private\":\"p\",\"received\":\"2026-01-01T00:00:00Z\",\"timestamp\":"
          "\"2026-01-01T00:00:00Z\",\"v\":1}",
          "{}", TALLY_DAMAGED },
        { "a newer format", "{\"v\":2}", "{}", TALLY_UNSUPPORTED },
    };
    struct arena arena = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entry entry;
        struct tally_error error;
        tally_status status = entry_parse(bytes_text(rows[i].public_part),
                                          bytes_text(rows[i].private_part), &arena, &entry, &error);
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].why, status);
    }
    arena_finish(&arena);
}

/* Every bit of both parts flipped, and every cut: never a crash (the copies have exactly their
 * size), and what still parses gives other bytes than the entry had, so that comparing finds it. */
static void
damage_is_never_taken_for_the_entry(void **state)
{
    struct event event;
    struct entry entry;
    struct entry_parts parts;
    struct buffer out = { 0 };
    struct buffer again = { 0 };
    struct arena arena = { 0 };
    struct entry_stamp stamp = stamp_of(FIELDS_PRIVATE_DEFAULT);
    (void)state;
    read_event(bytes_text(event_json), &event);
    assert_int_equal(entry_write(&event, &stamp, salt, &out, &out, &parts, NULL), TALLY_OK);
    struct bytes whole[] = { public_of(&out, &parts), private_of(&out, &parts) };
    for (unsigned which = 0; which < 2; which++) {
        size_t size = whole[which].size;
        for (size_t bit = 0; bit < 8 * size; bit++) {
            uint8_t *copy = malloc(size);
            assert_non_null(copy);
            memcpy(copy, whole[which].data, size);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct bytes damaged = bytes_of(copy, size);
            if (entry_parse(which == 0 ? damaged : whole[0], which == 1 ? damaged : whole[1],
                            &arena, &entry, NULL) == TALLY_OK) {
                uint64_t mask = which == 1 ? entry.in_private : entry.present & ~entry.in_private;
                buffer_clear(&again);
                part_write(entry.values, mask, &again);
                assert_false(bytes_equal(buffer_view(&again), whole[which]));
            }
            free(copy);
        }
        for (size_t cut = 1; cut < size; cut++) {
            uint8_t *copy = malloc(cut);
            assert_non_null(copy);
            memcpy(copy, whole[which].data, cut);
            struct bytes damaged = bytes_of(copy, cut);
            assert_int_equal(entry_parse(which == 0 ? damaged : whole[0],
                                         which == 1 ? damaged : whole[1], &arena, &entry, NULL),
                             TALLY_DAMAGED);
            free(copy);
        }
    }
    buffer_free(&out);
    buffer_free(&again);
    arena_finish(&arena);
}

static void
the_earlier_time_orders(void **state)
{
    (void)state;
    assert_true(entry_time(1, 2) == 1);
    assert_true(entry_time(2, 1) == 1);
    assert_true(entry_time(-5, -4) == -5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worked_example),
        cmocka_unit_test(hashed_together),
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(control_entries_come_back),
        cmocka_unit_test(erased_entries_have_no_private_part),
        cmocka_unit_test(parts_have_limits),
        cmocka_unit_test(damaged_parts_are_refused),
        cmocka_unit_test(damage_is_never_taken_for_the_entry),
        cmocka_unit_test(the_earlier_time_orders),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
