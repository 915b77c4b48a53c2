/*
 * token_test.c - tokens are what the format says, and a run's are those of its values.
 *
 * The oracle goes through the entries value by value and through objects member by member. Head and
 * segment must give exactly what it gives, however they hold a column.
 */
#include "id_index.h"
#include "json_text.h"
#include "run_column.h"
#include "segment_fixture.h"
#include "token.h"
#include "token_gather.h"
#include "token_object.h"
#include "token_set.h"
#include "token_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static struct tally_error error;

static void
assert_ok(tally_status status)
{
    if (status != TALLY_OK)
        fail_msg("status %d: %s", (int)status, status < 0 ? error.text : "an answer");
}

/* Tokens are stored: these never change. */
static void
tokens_are_what_they_were(void **state)
{
    (void)state;
    static const struct {
        enum field_id field;
        const char *value;
        uint64_t token;
        const char *why;
    } rows[] = {
        { FIELD_USER_ID, "alice", UINT64_C(0x172b73a9bf3a5fc9), "plain" },
        { FIELD_REQUEST_ID, "0190b2a4-7c3e-7d11-8e1f-0123456789ab", UINT64_C(0xf21a33678d32a8f2),
          "a UUID" },
        { FIELD_ID, "0190b2a4-7c3e-7d11-8e1f-0123456789ab", UINT64_C(0xa4c42878b9ae2b84),
          "an id's hash" },
        { FIELD_TRACE_ID, "0190b2a47c3e7d118e1f0123456789ab", UINT64_C(0x15a31622d511cb4c), "hex" },
        { FIELD_IP_ADDRESS, "10.0.0.1", UINT64_C(0x47d3d4c4b87f47c9), "an address" },
        { FIELD_IP_ADDRESS, "::ffff:10.0.0.1", UINT64_C(0x47d3d4c4b87f47c9), "the same" },
        { FIELD_IP_ADDRESS, "::FFFF:a00:1", UINT64_C(0x47d3d4c4b87f47c9), "and again" },
        { FIELD_IP_ADDRESS, "host.example", UINT64_C(0xba745d18633442cf), "no address" },
        { FIELD_DETAILS, "admin", UINT64_C(0x9299ac9e05904167), "a member's text" },
        { FIELD_DETAILS, "12.50", UINT64_C(0x3afc36bdebc8c5c3), "a number" },
        { FIELD_DETAILS, "0.125e2", UINT64_C(0x3afc36bdebc8c5c3), "of the same value" },
        { FIELD_CHANGES, "-7", UINT64_C(0x9c6f18f80403d126), "below zero" },
        { FIELD_CHANGES, "0", UINT64_C(0x2ebcdbbaaaeca2ca), "zero" },
        { FIELD_CHANGES, "-0.00e9", UINT64_C(0x2ebcdbbaaaeca2ca), "has one value" },
        { FIELD_DETAILS,
          "123456789012345678901234567890123456789012345678901234567890"
          "1234567890123456789012345678901234567891",
          UINT64_C(0xc6d82329013f6304), "of many digits" },
        { FIELD_DETAILS,
          "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
          "7890.12345678910E10",
          UINT64_C(0xc6d82329013f6304), "with a point among them" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes value = bytes_text(rows[i].value);
        bool object = fields[rows[i].field].type == TYPE_OBJECT;
        uint64_t token =
            object ? token_of_member(rows[i].field, value) : token_of_value(rows[i].field, value);
        if (token != rows[i].token)
            fail_msg("%s (%s): 0x%016llx", rows[i].value, rows[i].why, (unsigned long long)token);
    }
}

static uint64_t
mix(uint64_t hash)
{
    hash *= UINT64_C(0x9fb21c651e98df25);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 29;
}

/* The way of a plain text, by the definition, for every field. */
static void
every_field_has_its_own(void **state)
{
    (void)state;
    const struct bytes text = BYTES("x");
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        bool object = fields[i].type == TYPE_OBJECT;
        if (!token_covers_field(i) || i == FIELD_ID)
            continue;
        assert_true((object ? token_of_member(i, text) : token_of_value(i, text)) ==
                    mix(id_hash(text) ^ mix(id_hash(fields[i].name))));
    }
}

static void
only_some_texts_are_covered(void **state)
{
    (void)state;
    static const char digits[] = "0123456789012345678901234567890123456789012345678901234567890123";
    assert_true(token_covers_member(bytes_text(digits)));
    assert_false(token_covers_member(bytes_of(digits, 0)));
    assert_int_equal(sizeof digits - 1, TOKEN_MEMBER_SIZE_MAX);
    char longer[sizeof digits + 1];
    snprintf(longer, sizeof longer, "%sx", digits);
    assert_false(token_covers_member(bytes_text(longer)));
    static const char *const none[] = { "two words", "tab\t", "true", "false", "null", " " };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(token_covers_member(bytes_text(none[i])));
    static const char *const some[] = { "True", "x", "1e5", "caf\xc3\xa9", "a\"b" };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_true(token_covers_member(bytes_text(some[i])));

    static const enum field_id covered[] = { FIELD_ID,         FIELD_USER_ID, FIELD_SESSION_ID,
                                             FIELD_IP_ADDRESS, FIELD_DETAILS, FIELD_CONTROL };
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
        assert_true(token_covers_field(covered[i]));
    static const enum field_id others[] = { FIELD_MESSAGE, FIELD_TIMESTAMP, FIELD_STATUS_CODE,
                                            FIELD_PRIVATE, FIELD_V,         FIELD_SEVERITY };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(token_covers_field(others[i]));
}

/*
 * All tokens of a run.
 */

#define PAGES  8u
#define BLOCKS (PAGES * PLACES_BLOCKS)

struct run_sets {
    struct token_set pages[PAGES];   /* tokens of values */
    struct token_set blocks[BLOCKS]; /* those of members */
};

static void
put(struct token_set *set, uint64_t token)
{
    bool added;
    assert_ok(token_set_add(set, token, &added, &error));
}

/* Every scalar below a value, by the definition. */
static void
put_members(struct token_set *set, enum field_id object, struct bytes value)
{
    struct bytes name, element;
    uint8_t decoded[4096];
    assert_true(value.size > 0 && value.size <= sizeof decoded);
    uint8_t first = value.data[0];
    for (size_t at = 0; json_text_next(value, &at, &name, &element);)
        put_members(set, object, element);
    if (first == '-' || (first >= '0' && first <= '9'))
        put(set, token_of_member(object, value));
    if (first != '"')
        return;
    size_t size = json_text_decode(bytes_of(value.data + 1, value.size - 2), decoded);
    assert_true(size != SIZE_MAX);
    if (token_covers_member(bytes_of(decoded, size)))
        put(set, token_of_member(object, bytes_of(decoded, size)));
}

static void
expect(const struct sample *sample, uint64_t mask, struct run_sets *sets)
{
    for (uint32_t row = 0; row < sample->count; row++) {
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            struct bytes value = sample->entries[row].values[field];
            if ((mask & token_fields() & FIELD_BIT(field)) == 0 || value.data == NULL)
                continue;
            if (fields[field].type == TYPE_OBJECT)
                put_members(&sets->blocks[row / BLOCK_ROWS], field, value);
            else
                put(&sets->pages[row / PAGE_ROWS], token_of_value(field, value));
        }
    }
}

static void
put_new(struct token_set *set, uint64_t token)
{
    bool added;
    assert_ok(token_set_add(set, token, &added, &error));
    assert_true(added);
}

/* Goes through a run; a page's tokens are told of once each, a block's likewise. */
static void
collect(struct run_reader *reader, uint64_t mask, struct run_sets *sets)
{
    struct token_walk *walk;
    assert_ok(token_walk_create(reader, mask, NULL, &walk, &error));
    for (uint32_t page = 0; page < run_page_count(run_of(reader)); page++) {
        struct token_page found;
        assert_ok(token_walk_page(walk, page, &found, &error));
        for (size_t i = 0; i < found.count; i++)
            put_new(&sets->pages[page], found.tokens[i]);
        for (size_t i = 0; i < found.members->count; i++) {
            assert_int_equal(found.members->blocks[i] / PLACES_BLOCKS, page);
            put_new(&sets->blocks[found.members->blocks[i]], found.members->tokens[i]);
        }
    }
    token_walk_destroy(walk);
}

static void
compare(const struct token_set *actual, const struct token_set *expected, size_t count)
{
    for (size_t set = 0; set < count; set++) {
        struct token_set both = actual[set];
        assert_int_equal(both.count, expected[set].count);
        for (size_t i = 0; i < expected[set].capacity; i++) {
            uint64_t token = expected[set].slots[i];
            bool found = token == 0;
            for (size_t at = token & (both.capacity - 1); !found && both.slots[at] != 0;
                 at = (at + 1) & (both.capacity - 1))
                found = both.slots[at] == token;
            assert_true(found);
        }
    }
}

static void
sets_free(struct run_sets *sets)
{
    for (size_t page = 0; page < PAGES; page++)
        token_set_free(&sets->pages[page]);
    for (size_t block = 0; block < BLOCKS; block++)
        token_set_free(&sets->blocks[block]);
}

static void
check_run(const struct run *run, const struct sample *sample, uint64_t mask)
{
    struct run_reader *reader;
    struct run_sets actual = { 0 }, expected = { 0 };
    assert_ok(run_reader_create(run, &reader, &error));
    collect(reader, mask, &actual);
    expect(sample, mask, &expected);
    compare(actual.pages, expected.pages, PAGES);
    compare(actual.blocks, expected.blocks, BLOCKS);
    sets_free(&actual);
    sets_free(&expected);
    run_reader_destroy(reader);
}

static const char *const objects[] = {
    "{}",
    "{\"a\":1,\"b\":\"1\",\"c\":1.0,\"d\":[\"x\",[\"y\",{\"e\":\"z\"}],-2.50e3]}",
    "{\"long\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
    "{\"longer\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
    "{\"q\":\"a\\\"b\",\"s\":\"two words\",\"t\":true,\"u\":null,\"v\":\"\",\"w\":\"\\u0001\"}",
    "{\"a\":0.05,\"b\":-0.0,\"c\":100,\"d\":\"1e2\",\"e\":\"01\",\"f\":\"-\"}",
    "{\"g\":0.000000001,\"h\":12345678901234567,\"i\":1234567890.123456,\"j\":\"1.\"}",
    "{\"k\":\"true\",\"l\":\"trues\",\"s\":\"1234567\",\"t\":\"abcdefgh\"}",
    "{\"u\":[\"12:30\",\"\u00e9\",\"x y\",\"1.5\",\"\"],\"v\":-5E3}",
    "{\"n\":1000000000000000000000000000000000000000000000000000000000000000000000000000001}",
    "{\"role\":{\"after\":\"admin\",\"before\":\"user\"},\"x\\\"y\":{\"k\":{}}}",
};

/* Objects of all kinds in some of the entries. */
static void
enrich(struct sample *sample, uint64_t seed)
{
    for (uint32_t row = 0; row < sample->count; row++) {
        static const enum field_id fields_of[] = { FIELD_DETAILS, FIELD_CHANGES, FIELD_CONTROL };
        enum field_id field = fields_of[sample_random(&seed) % 3];
        if (sample->entries[row].values[field].data != NULL)
            sample->entries[row].values[field] =
                bytes_text(objects[sample_random(&seed) % (sizeof objects / sizeof *objects)]);
        if (sample->entries[row].values[FIELD_IP_ADDRESS].data != NULL && row % 3 == 0)
            sample->entries[row].values[FIELD_IP_ADDRESS] =
                bytes_text(row % 2 == 0 ? "10.0.0.1" : "::ffff:10.0.0.1");
    }
}

static void
a_run_has_the_tokens_of_its_values(void **state)
{
    (void)state;
    static const struct {
        enum sample_style style;
        uint32_t count;
    } samples[] = {
        { SAMPLE_PLAIN, 1 },     { SAMPLE_PLAIN, 4096 }, { SAMPLE_PLAIN, 9000 },
        { SAMPLE_WILD, 300 },    { SAMPLE_WILD, 12345 }, { SAMPLE_WILD, 4097 },
        { SAMPLE_SPARSE, 5000 },
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct sample *sample = sample_create(i + 1, samples[i].style, 10, samples[i].count);
        enrich(sample, i);
        struct head *head = sample_head(sample);
        struct disk *disk = sample_disk();
        struct segment_info info;
        struct segment *segment;
        const struct run in_memory = { .first = 10, .count = sample->count, .head = head };
        uint64_t mask = i % 2 == 0 ? FIELDS_ALL : FIELDS_ALL & ~FIELD_BIT(FIELD_ID);
        check_run(&in_memory, sample, mask);
        assert_ok(segment_write_head(SAMPLE_PLACE(disk), head, &info, &error));
        assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
        const struct run sealed = { .first = 10, .count = sample->count, .segment = segment };
        check_run(&sealed, sample, mask);
        segment_release(segment);
        disk_close_folder(disk);
        head_release(head);
        sample_destroy(sample);
    }
}

/* Whatever an object's text is, the walk stays inside it. */
static void
broken_objects_end_the_walk(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[{\"b\":\"t\\u0065xt\"},1.5,[\"x\"]],\"c\":\"d\"}";
    for (size_t size = 0; size < sizeof whole; size++) {
        for (size_t i = 0; i <= size; i++) {
            struct sample *sample = sample_create(3, SAMPLE_SPARSE, 0, 1);
            uint8_t *text = malloc(size + 1); /* exactly as long, so that a step beyond is seen */
            assert_non_null(text);
            memcpy(text, whole, size);
            if (i < size)
                text[i] ^= 0x20;
            sample->entries[0].values[FIELD_DETAILS] = bytes_of(text, size);
            struct head *head = sample_head(sample);
            const struct run run = { .count = 1, .head = head };
            struct run_reader *reader;
            struct run_sets sets = { 0 };
            assert_ok(run_reader_create(&run, &reader, &error));
            collect(reader, FIELDS_ALL, &sets);
            sets_free(&sets);
            run_reader_destroy(reader);
            head_release(head);
            free(text);
            sample_destroy(sample);
        }
    }
}

/* The words that are found on the way are those that are found by themselves. */
static void
words_of_objects_are_found_on_the_way(void **state)
{
    (void)state;
    static const char *const others[] = {
        "{\"a\":\"Zwei W\u00f6rter\",\"n\":[1e5,-2.5E+7,true,false,null],\"not this\":\"but\"}",
        "{\"a\":12345678901234567890123456789e12}",
        "{\"a\":\"12345678901234567890123456789e12\"}",
        "{\"id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"w\":\"q\"}",
        "{\"q\":\"an \\\"escaped\\\" one\"}",
    };
    struct token_object object;
    token_object_init(&object, FIELD_DETAILS);
    size_t count = sizeof objects / sizeof *objects;
    for (size_t i = 0; i < count + sizeof others / sizeof *others; i++) {
        struct bytes json = bytes_text(i < count ? objects[i] : others[i - count]);
        struct token_gather gather = { 0 };
        struct word_set found, expected;
        struct buffer lists[2] = { 0 };
        assert_ok(word_set_init(&found, &error));
        assert_ok(word_set_init(&expected, &error));
        token_gather_clear(&gather);
        token_object_add(&object, json, &gather, &(struct word_target){ &found, 4 });
        word_set_object(&expected, json, 4);
        assert_ok(word_set_list(&found, &lists[0], &error));
        assert_ok(word_set_list(&expected, &lists[1], &error));
        assert_true(bytes_equal(buffer_view(&lists[0]), buffer_view(&lists[1])));
        assert_true(i < count || lists[0].size > 0);
        buffer_free(&lists[0]);
        buffer_free(&lists[1]);
        word_set_finish(&found);
        word_set_finish(&expected);
        token_gather_free(&gather);
    }
}

/* Another number for each token, with low bits that vary. */
static uint64_t
spread(uint64_t token)
{
    return __builtin_bswap64(token * UINT64_C(0x9e3779b97f4a7c15));
}

/* Few and many, in one bucket and in all, those that look like free slots among them. */
static void
each_token_is_told_of_once(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        unsigned bits; /* of a token that vary */
        unsigned shift;
    } rows[] = {
        { 0, 1, 0 },       { 1, 1, 0 },     { 5000, 3, 0 },  { 3000, 64, 0 },    { 5000, 12, 52 },
        { 200000, 64, 0 }, { 6000, 8, 56 }, { 9000, 13, 0 }, { 300000, 18, 30 }, { 100000, 12, 0 },
    };
    struct token_gather gather = { 0 };
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_set set = { 0 }, seen = { 0 };
        const uint64_t *tokens;
        size_t count;
        token_gather_clear(&gather);
        for (size_t k = 0; k < rows[i].count; k++) {
            uint64_t token = sample_random(&seed) >> (64 - rows[i].bits) << rows[i].shift;
            bool added;
            if (k % 2 == 0)
                token_gather_add(&gather, token);
            else
                token_gather_add_often(&gather, token);
            assert_ok(token_set_add(&set, spread(token), &added, &error));
        }
        assert_ok(token_gather_distinct(&gather, &tokens, &count, &error));
        for (size_t k = 0; k < count; k++) {
            bool added;
            assert_ok(token_set_add(&set, spread(tokens[k]), &added, &error));
            assert_false(added);
            assert_ok(token_set_add(&seen, spread(tokens[k]), &added, &error));
            assert_true(added);
        }
        assert_int_equal(seen.count, set.count);
        assert_int_equal(seen.zero, set.zero);
        token_set_free(&set);
        token_set_free(&seen);
    }
    token_gather_free(&gather);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_what_they_were),
        cmocka_unit_test(every_field_has_its_own),
        cmocka_unit_test(only_some_texts_are_covered),
        cmocka_unit_test(a_run_has_the_tokens_of_its_values),
        cmocka_unit_test(each_token_is_told_of_once),
        cmocka_unit_test(broken_objects_end_the_walk),
        cmocka_unit_test(words_of_objects_are_found_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
