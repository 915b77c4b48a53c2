/*
 * Everything that looks into texts - free text, phrases, wildcards, members - against the naive
 * matcher, over segments and a head whose words come and go from page to page. Filters are made of
 * pieces of what is there, in another case, so that most find something.
 */
#include "arena.h"
#include "disk_sim.h"
#include "filter.h"
#include "head.h"
#include "json.h"
#include "match.h"
#include "scan.h"
#include "segment.h"
#include "segment_fixture.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUNS 3

static const uint32_t sizes[RUNS] = { 8200, 4097, 700 }; /* the last is a head */
static const uint8_t tag[16] = "a trail's tag...";

struct stock {
    uint32_t count;
    struct bytes (*values)[FIELD_COUNT];
    struct run runs[RUNS];
    struct run_reader *readers[RUNS];
    struct disk *disk;
    struct arena arena;
    struct match_scratch *scratch;
};

static uint64_t seed = 11;

static uint32_t
below(uint32_t count)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 32) * count >> 32);
}

/*
 * Entries.
 */

static const char *const words[] = {
    "upstream",
    "Timed",
    "out",
    "payment",
    "Ref\u00fcsed",
    "\u00dcBERWEISUNG",
    "K\u00f6ln",
    "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "\u041c\u043e\u0441\u043a\u0432\u0430",
    "\u6f22\u5b57",
    "bad",
    "decade",
    "e2e",
    "HTTP/1.1",
    "user@example.com",
    "a_b",
    "x",
    "42",
    "-17",
    "\"quoted\"",
    "back\\slash",
    "tab\there",
    "line\nbreak",
    "\u0130\u0131",
    "\U0001f600smile",
};

/* A word of three letters that only some pages have. */
static void
add_local_word(uint32_t row, struct buffer *out)
{
    uint32_t n = row / 1500 * 5 + below(5);
    char text[4] = { 'q', (char)('a' + n % 26), (char)('A' + n / 26 % 26), '\0' };
    buffer_text(out, text);
}

static void
random_text(uint32_t row, uint32_t most, struct buffer *out)
{
    for (uint32_t count = 1 + below(most); count > 0; count--) {
        if (below(6) == 0)
            add_local_word(row, out);
        else
            buffer_text(out, words[below(sizeof words / sizeof *words)]);
        if (count > 1)
            buffer_text(out, below(8) == 0 ? "-" : " ");
    }
}

static struct bytes
keep(struct stock *stock, struct buffer *text)
{
    struct bytes copy = arena_copy(&stock->arena, buffer_view(text));
    assert_non_null(copy.data);
    buffer_clear(text);
    return copy;
}

static void
add_string(uint32_t row, struct buffer *out)
{
    struct buffer text = { 0 };
    random_text(row, 3, &text);
    json_write_string(buffer_view(&text), out);
    buffer_free(&text);
}

static void
random_uuid(struct buffer *out)
{
    buffer_format(out, "%08x-%04x-4%03x-8%03x-%08x%04x", below(UINT32_MAX), below(65536),
                  below(4096), below(4096), below(UINT32_MAX), below(65536));
}

static void
random_object(uint32_t row, struct buffer *out)
{
    static const char *const scalars[] = { "true", "null", "1e5", "-12.5", "7" };
    buffer_text(out, "{\"list\":[");
    add_string(row, out);
    buffer_byte(out, ',');
    buffer_text(out, scalars[below(5)]);
    buffer_text(out, "],\"note\":");
    add_string(row, out);
    buffer_text(out, ",\"sub\":{\"id\":\"");
    random_uuid(out);
    buffer_text(out, "\",\"upstream\":");
    add_string(row, out);
    buffer_text(out, "}}");
}

static void
random_entry(struct stock *stock, uint32_t row)
{
    struct bytes *values = stock->values[row];
    struct buffer text = { 0 };
    random_uuid(&text);
    values[FIELD_ID] = keep(stock, &text);
    values[FIELD_TIMESTAMP] = bytes_text("2026-03-15T12:00:00Z");
    values[FIELD_RECEIVED] = bytes_text("2026-03-15T12:00:00.000000Z");
    values[FIELD_V] = bytes_text("1");
    values[FIELD_WRITER] = bytes_text("local:1");
    values[FIELD_STATUS] = bytes_text(below(2) == 0 ? "success" : "failure");
    buffer_format(&text, "%s.%u", words[below(4)], below(3));
    values[FIELD_ACTION] = keep(stock, &text);
    if (below(2) == 0) {
        random_text(row, 5, &text);
        values[FIELD_MESSAGE] = keep(stock, &text);
    }
    if (below(2) == 0) {
        random_object(row, &text);
        values[FIELD_DETAILS] = keep(stock, &text);
    }
    if (below(3) == 0) {
        buffer_text(&text, "{\"role\":{\"after\":");
        add_string(row, &text);
        buffer_text(&text, ",\"before\":");
        add_string(row, &text);
        buffer_text(&text, "}}");
        values[FIELD_CHANGES] = keep(stock, &text);
    }
    if (below(3) == 0) {
        if (below(3) == 0)
            random_text(row, 1, &text);
        else
            random_uuid(&text);
        values[FIELD_RESOURCE_ID] = keep(stock, &text);
    }
    if (below(4) == 0) {
        random_text(row, 2, &text);
        buffer_format(&text, "/%u", row); /* too many for a dictionary */
        values[FIELD_ENDPOINT] = keep(stock, &text);
    }
    buffer_free(&text);
}

static void
add_run(struct stock *stock, unsigned i, uint32_t first)
{
    struct run *run = &stock->runs[i];
    struct head *head;
    assert_int_equal(head_create(first, FIELDS_PRIVATE_DEFAULT, &head, NULL), TALLY_OK);
    for (uint32_t row = first; row < first + sizes[i]; row++) {
        uint8_t salt[16] = { (uint8_t)row };
        struct head_entry given = { .values = stock->values[row], .salt = salt };
        assert_int_equal(head_append(head, &given, 1, NULL), TALLY_OK);
    }
    head_publish(head);
    *run = (struct run){ .first = first, .count = sizes[i], .head = head };
    head_time_range(head, &run->time_min, &run->time_max);
    if (i + 1 == RUNS)
        return;
    const struct trail_place place = { stock->disk, "t", tag };
    struct segment_info info;
    assert_int_equal(segment_write_head(&place, head, &info, NULL), TALLY_OK);
    head_release(head);
    run->head = NULL;
    assert_int_equal(segment_open(&place, &info, &run->segment, NULL), TALLY_OK);
}

static struct stock *
stock_create(void)
{
    struct stock *stock = calloc(1, sizeof *stock);
    assert_non_null(stock);
    for (unsigned i = 0; i < RUNS; i++)
        stock->count += sizes[i];
    stock->values = calloc(stock->count, sizeof *stock->values);
    stock->scratch = malloc(sizeof *stock->scratch);
    stock->disk = disk_sim_create();
    assert_int_equal(disk_make_folder(stock->disk, "t", NULL), TALLY_OK);
    assert_int_equal(disk_make_folder(stock->disk, "t/segments", NULL), TALLY_OK);
    for (uint32_t row = 0; row < stock->count; row++)
        random_entry(stock, row);
    for (uint32_t i = 0, first = 0; i < RUNS; first += sizes[i++])
        add_run(stock, i, first);
    for (unsigned i = 0; i < RUNS; i++)
        assert_int_equal(run_reader_create(&stock->runs[i], &stock->readers[i], NULL), TALLY_OK);
    return stock;
}

static void
stock_destroy(struct stock *stock)
{
    for (unsigned i = 0; i < RUNS; i++) {
        run_reader_destroy(stock->readers[i]);
        segment_release(stock->runs[i].segment);
        head_release(stock->runs[i].head);
    }
    disk_close_folder(stock->disk);
    arena_finish(&stock->arena);
    free(stock->values);
    free(stock->scratch);
    free(stock);
}

static const struct run *
run_at(void *context, size_t i)
{
    return &((struct stock *)context)->runs[i];
}

static tally_status
reader_at(void *context, size_t i, struct run_reader **reader_out, struct tally_error *error)
{
    (void)error;
    *reader_out = ((struct stock *)context)->readers[i];
    return TALLY_OK;
}

/*
 * Filters.
 */

/* A piece of a text, of whole characters. */
static struct bytes
piece_of(struct bytes text, size_t most)
{
    size_t start = below((uint32_t)text.size);
    size_t end = start + 1 + below((uint32_t)most);
    end = end < text.size ? end : text.size;
    while (start < end && (text.data[start] & 0xc0) == 0x80)
        start++;
    while (end > start && end < text.size && (text.data[end] & 0xc0) == 0x80)
        end--;
    if (end == start) /* a part of one character */
        return piece_of(text, most + 4);
    return bytes_of(text.data + start, end - start);
}

/* Quoted for a filter, with ASCII letters in the other case where `flip`. */
static void
put_quoted(struct bytes text, bool flip, struct buffer *out)
{
    buffer_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool letter = (uint8_t)((c | 0x20) - 'a') < 26;
        if (c < 0x20)
            buffer_format(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", c);
        else
            buffer_byte(out, letter && flip ? c ^ 0x20 : c);
    }
    buffer_byte(out, '"');
}

/* One or two pieces of a text with stars around, as `ends` has it: 1 before, 2 behind. */
static void
put_pattern(struct bytes text, unsigned ends, bool flip, struct buffer *out)
{
    struct bytes piece = piece_of(text, 14);
    if ((ends & 1) != 0)
        buffer_byte(out, '*');
    put_quoted(piece, flip, out);
    size_t behind = (size_t)(piece.data - text.data) + piece.size;
    if (behind < text.size && below(3) == 0) {
        buffer_byte(out, '*');
        put_quoted(piece_of(bytes_of(text.data + behind, text.size - behind), 8), flip, out);
    }
    if ((ends & 2) != 0)
        buffer_byte(out, '*');
}

/* The value of the first string of an object's member, decoded; absent where there is none. */
static struct bytes
member_of(struct bytes object, const char *name, uint8_t *memory)
{
    char key[32];
    (void)snprintf(key, sizeof key, "\"%s\":\"", name);
    const uint8_t *at =
        object.size == 0 ? NULL : memmem(object.data, object.size, key, strlen(key));
    if (at == NULL)
        return (struct bytes){ NULL, 0 };
    at += strlen(key);
    size_t size = 0;
    while (at[size] != '"')
        size += at[size] == '\\' ? 2 : 1;
    struct json_tape tape;
    struct buffer decoded = { 0 };
    assert_int_equal(json_tape_init(&tape, 4, NULL), TALLY_OK);
    assert_int_equal(json_scan(&tape, bytes_of(at - 1, size + 2), NULL), TALLY_OK);
    json_string_decode(&tape, 0, &decoded);
    memcpy(memory, decoded.data, decoded.size);
    size = decoded.size;
    buffer_free(&decoded);
    json_tape_finish(&tape);
    return bytes_of(memory, size);
}

/* A term about something that the row has. False where the row has it not. */
static bool
put_term(const struct stock *stock, uint32_t row, struct buffer *out)
{
    static const enum field_id texts[] = { FIELD_MESSAGE,  FIELD_ACTION, FIELD_RESOURCE_ID,
                                           FIELD_ENDPOINT, FIELD_ID,     FIELD_STATUS };
    static const struct {
        enum field_id field;
        const char *path, *name;
    } members[] = {
        { FIELD_DETAILS, "details.note", "note" },
        { FIELD_DETAILS, "details.sub.upstream", "upstream" },
        { FIELD_CHANGES, "changes.role", "after" },
        { FIELD_CHANGES, "changes.role.before", "before" },
    };
    const struct bytes *values = stock->values[row];
    uint8_t memory[256];
    enum field_id field = texts[below(sizeof texts / sizeof *texts)];
    size_t m = below(sizeof members / sizeof *members);
    struct bytes text = values[field];
    struct bytes member = member_of(values[members[m].field], members[m].name, memory);
    switch (below(5)) {
    case 0: /* free text of a field */
        if (text.size == 0)
            return false;
        put_pattern(text, 0, true, out);
        return true;
    case 1: /* of a member */
        if (member.size == 0)
            return false;
        put_pattern(member, 0, true, out);
        return true;
    case 2: /* a field by pattern: prefix, suffix, contained */
        if (text.size == 0 || field == FIELD_STATUS)
            return false;
        buffer_format(out, "%.*s:", BYTES_ARG(fields[field].name));
        put_pattern(text, 1 + below(3), false, out);
        return true;
    case 3: /* a member whole */
        if (member.size == 0)
            return false;
        buffer_format(out, "%s:", members[m].path);
        put_quoted(member, false, out);
        return true;
    default: /* a member by pattern */
        if (member.size == 0)
            return false;
        buffer_format(out, "%s:", members[m].path);
        put_pattern(member, 1 + below(3), false, out);
        return true;
    }
}

static void
put_filter(const struct stock *stock, struct buffer *out)
{
    uint32_t wanted = 1 + below(3), row = below(stock->count);
    const char *between = below(2) == 0 ? " " : " OR ";
    for (uint32_t count = 0; count < wanted;) {
        size_t start = out->size;
        if (count > 0)
            buffer_text(out, between);
        if (below(5) == 0)
            buffer_byte(out, '-');
        if (put_term(stock, row, out))
            count++;
        else
            out->size = start;
        if (below(3) == 0)
            row = below(stock->count);
    }
}

/*
 * Tests.
 */

/* Counts and lists the matches of a filter and compares them with the naive matcher's. Returns how
 * many there are. */
static uint64_t
check(struct stock *stock, struct bytes text)
{
    const struct filter_options options = { .now = 0 };
    const struct scan_source source = {
        .context = stock,
        .run_count = RUNS,
        .run = run_at,
        .reader = reader_at,
    };
    struct tally_error error = { 0 };
    struct filter *filter;
    struct scan *scan;
    if (filter_parse(text, &options, &filter, &error) != TALLY_OK)
        fail_msg("%.*s: %s", BYTES_ARG(text), error.text);
    assert_int_equal(scan_create(filter, &source, &scan, NULL), TALLY_OK);

    struct scan_place place = SCAN_START;
    struct scan_hit hits[1000];
    struct scan_list list = { 0 };
    uint64_t counted, found = 0;
    size_t at = 0;
    for (uint32_t row = 0; row < stock->count; row++) {
        if (!filter_match(filter, row, stock->values[row], stock->scratch))
            continue;
        found++;
        if (at == list.count) {
            assert_int_equal(scan_list(scan, ORDER_INDEX, &place, hits, 1000, &list, &error),
                             TALLY_OK);
            place = list.next;
            at = 0;
        }
        if (at == list.count || hits[at].index != row)
            fail_msg("%.*s: row %u is not found", BYTES_ARG(text), row);
        at++;
    }
    assert_int_equal(scan_count(scan, &counted, &error), TALLY_OK);
    if (counted != found)
        fail_msg("%.*s: %llu counted, not %llu", BYTES_ARG(text), (unsigned long long)counted,
                 (unsigned long long)found);
    scan_destroy(scan);
    filter_destroy(filter);
    return found;
}

static void
random_texts_are_found_as_by_the_naive_matcher(void **state)
{
    struct stock *stock = *state;
    struct buffer text = { 0 };
    unsigned some = 0;
    for (unsigned round = 0; round < 250; round++) {
        buffer_clear(&text);
        put_filter(stock, &text);
        uint64_t found = check(stock, buffer_view(&text));
        some += found > 0 && found < stock->count / 10;
    }
    assert_true(some > 60); /* neither everything nor nothing */
    buffer_free(&text);
}

static void
what_documents_promise_is_found(void **state)
{
    struct stock *stock = *state;
    static const char *const filters[] = {
        "upstream",
        "\"timed out\"",
        "PAY*MENT",
        "timed*out",
        "out*timed",
        "\u03a3\u0388\u03a3\u03a5\u03a6\u039f\u03a3 OR \u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3",
        "\u043c\u041e\u0421\u041a\u0412",
        "\u00fcberweisung",
        "ref\u00dcsed",
        "\u6f22",
        "\u5b57\u6f22",
        "42",
        "1e5",
        "12.5",
        "true",
        "null",
        "details.list:true",
        "details.list:tru*",
        "details.list:*",
        "changes.role:*",
        "changes.role:\"payment\"",
        "details.sub.upstream:\"payment upstream\"",
        "note",
        "bad",
        "decade",
        "dead",
        "\"bad timed\"",
        "resource_id:*bad*",
        "\"line\\nbreak\"",
        "\"tab\\there\"",
        "\"\\\"quoted\\\"\"",
        "back*slash",
        "\"back\\\\slash\"",
        "message:*",
        "message:\"\"",
        "-upstream",
        "message:-*",
        "qaA OR qbA",
        "qaa status:failure",
        "zzzz",
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        (void)check(stock, bytes_text(filters[i]));
    assert_int_equal(check(stock, bytes_text("zzzz")), 0);
    assert_true(check(stock, bytes_text("\"TIMED OUT\"")) > 0);
}

static int
setup(void **state)
{
    *state = stock_create();
    return 0;
}

static int
teardown(void **state)
{
    stock_destroy(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts_are_found_as_by_the_naive_matcher),
        cmocka_unit_test(what_documents_promise_is_found),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
