/*
 * excerpt_test.c - excerpts of a list joined give every entry once, however they are cut.
 */
#include "entries.h"
#include "excerpt.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ENTRIES 240

static const uint8_t key[CURSOR_KEY_SIZE] = "the key of a test";

struct setting {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
};

static int
set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    setting->disk = fixture_disk();
    setting->folder = fixture_folder(setting->disk, 1000);
    setting->trail = fixture_create(setting->folder, "main", FIXTURE_ORIGIN);
    fixture_record(setting->trail, 0, ENTRIES / 2, NULL);
    MUST(trail_seal(setting->trail, SEAL_ALL, &why));
    fixture_record(setting->trail, ENTRIES / 2, ENTRIES / 2, NULL);
    *state = setting;
    return 0;
}

static int
tear_down(void **state)
{
    struct setting *setting = *state;
    MUST(trail_close(setting->trail, &why));
    folder_close(setting->folder);
    disk_close_folder(setting->disk);
    free(setting);
    return 0;
}

static struct excerpt_request
request_of(size_t limit)
{
    return (struct excerpt_request){
        .order = ORDER_INDEX,
        .limit = limit,
        .role = bytes_text("auditor"),
        .key = key,
    };
}

static struct excerpt
open_excerpt(struct trail *trail, const struct excerpt_request *request)
{
    struct cursor start;
    struct excerpt excerpt;
    MUST(excerpt_start(trail, request, &start, &why));
    MUST(excerpt_open(trail, request, &start, &excerpt, &why));
    return excerpt;
}

/* Every entry once, in order, whatever limit and cuts, and whatever arrives between excerpts. */
static void
excerpts_join(void **state)
{
    struct setting *setting = *state;
    uint64_t seed = 7;
    for (unsigned round = 0; round < 20; round++) {
        char cursor[CURSOR_TEXT_SIZE];
        struct excerpt_request request = request_of(1 + fixture_random(&seed) % 50);
        uint64_t size = trail_size(setting->trail);
        uint64_t next = 1; /* entry 0 is a control entry */
        bool more = true;
        while (more) {
            struct excerpt excerpt = open_excerpt(setting->trail, &request);
            assert_true(excerpt.count > 0 && excerpt.count <= request.limit);
            if (fixture_random(&seed) % 2 == 0)
                excerpt_cut(&excerpt, 1 + fixture_random(&seed) % excerpt.count);
            for (size_t i = 0; i < excerpt.count; i++)
                assert_int_equal(excerpt.hits[i].index, next++);
            more = excerpt_next(&excerpt, cursor, &why) == TALLY_OK;
            assert_true(more == excerpt.more);
            excerpt_close(&excerpt);
            request.cursor = bytes_of(cursor, sizeof cursor);
            fixture_record(setting->trail, trail_size(setting->trail), 1, NULL);
        }
        assert_int_equal(next, size);
    }
}

static void
what_is_skipped_is_passed_over(void **state)
{
    struct setting *setting = *state;
    static const struct {
        size_t skip, limit, count;
        bool more;
    } rows[] = {
        { 0, 10, 10, true },
        { 10, 10, 10, true },
        { ENTRIES - 10, 10, 10, false },
        { ENTRIES - 5, 10, 5, false }, /* the last, shorter */
        { ENTRIES, 10, 0, false },     /* behind the end */
        { ENTRIES + 100, 10, 0, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct excerpt_request request = request_of(rows[i].limit);
        request.skip = rows[i].skip;
        struct bytes text = BYTES("index:..240");
        request.text = text;
        struct excerpt excerpt = open_excerpt(setting->trail, &request);
        assert_int_equal(excerpt.count, rows[i].count);
        assert_true(excerpt.more == rows[i].more);
        if (excerpt.count > 0)
            assert_int_equal(excerpt.hits[0].index, 1 + rows[i].skip);
        excerpt_close(&excerpt);
    }
}

/* A cursor is good for the request it was made for, and for no other. */
static void
cursors_are_bound_to_everything_asked(void **state)
{
    struct setting *setting = *state;
    static const struct filter_parameter one[] = { { BYTES("user_id"), BYTES("a") } };
    static const struct filter_parameter other[] = { { BYTES("user_id"), BYTES("b") } };
    static const struct filter_parameter split[] = { { BYTES("user_i"), BYTES("da") } };
    static const struct bytes texts[] = { BYTES(""), BYTES("action:*") };
    struct excerpt_request request = request_of(1);
    request.text = texts[0];
    struct excerpt excerpt = open_excerpt(setting->trail, &request);
    char cursor[CURSOR_TEXT_SIZE];
    MUST(excerpt_next(&excerpt, cursor, &why));
    excerpt_close(&excerpt);

    request.cursor = bytes_of(cursor, sizeof cursor);
    struct cursor start;
    assert_int_equal(excerpt_start(setting->trail, &request, &start, NULL), TALLY_OK);
    struct excerpt_request changed[6];
    for (size_t i = 0; i < 6; i++)
        changed[i] = request;
    changed[0].text = texts[1];
    changed[1].parameters = one;
    changed[1].parameter_count = 1;
    changed[2].control = CONTROL_INCLUDED;
    changed[3].order = ORDER_INDEX_DOWN;
    changed[4].role = bytes_text("admin");
    changed[5].key = (const uint8_t *)"the key of another test, as long";
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(excerpt_start(setting->trail, &changed[i], &start, NULL), TALLY_INVALID);

    /* Parameters are told apart, also where their bytes in a row are the same. */
    request = request_of(1);
    request.parameters = one;
    request.parameter_count = 1;
    excerpt = (struct excerpt){ .request = &request, .trail = setting->trail, .more = true };
    excerpt.next.begun = true;
    const struct selection_request all = { .size = SELECTION_ALL };
    MUST(selection_open(setting->trail, &all, &excerpt.selection, &why));
    MUST(excerpt_next(&excerpt, cursor, &why));
    request.cursor = bytes_of(cursor, sizeof cursor);
    assert_int_equal(excerpt_start(setting->trail, &request, &start, NULL), TALLY_OK);
    request.parameters = other;
    assert_int_equal(excerpt_start(setting->trail, &request, &start, NULL), TALLY_INVALID);
    request.parameters = split;
    assert_int_equal(excerpt_start(setting->trail, &request, &start, NULL), TALLY_INVALID);
    excerpt_close(&excerpt);
}

static tally_status
drop(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    *(uint64_t *)context += bytes.size;
    return TALLY_OK;
}

/* What is written of an excerpt is bounded, but for one entry. */
static void
an_excerpt_ends_where_it_is_full(void **state)
{
    struct setting *setting = *state;
    static const uint64_t sizes[] = { 0, 1, 1000, 5000, UINT64_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct excerpt_request request = request_of(100);
        struct excerpt excerpt = open_excerpt(setting->trail, &request);
        const struct listing_style style = { 0 };
        uint64_t size = 0;
        struct stream stream = { .write = drop, .context = &size };
        struct entries *entries;
        MUST(entries_create(LISTING_NDJSON, &style, &stream, &entries, &why));
        MUST(entries_excerpt(entries, &excerpt, sizes[i], &why));
        MUST(stream_flush(&stream, &why));
        assert_true(excerpt.count >= 1);
        uint64_t each = size / excerpt.count;
        if (sizes[i] == UINT64_MAX)
            assert_int_equal(excerpt.count, 100);
        else
            assert_true(size < sizes[i] + 2 * each && excerpt.count < 100 && excerpt.more);
        if (sizes[i] >= 1000 && sizes[i] < UINT64_MAX)
            assert_true(size >= sizes[i]);
        entries_destroy(entries);
        stream_finish(&stream);
        excerpt_close(&excerpt);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(excerpts_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_skipped_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cursors_are_bound_to_everything_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_excerpt_ends_where_it_is_full, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
