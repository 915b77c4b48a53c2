/*
 * follow_test.c - who follows a trail sees each entry that matches once, in order of index, however
 * the readings fall between appends and seals and wherever a reading is broken off.
 */
#include "follow.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD_MAX 97
#define ROUNDS   120

struct setting {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    struct filter *filter;
};

static int
set_up(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    setting->disk = fixture_disk();
    setting->folder = fixture_folder(setting->disk, HEAD_MAX);
    setting->trail = fixture_create(setting->folder, "main", FIXTURE_ORIGIN);
    *state = setting;
    return 0;
}

static int
tear_down(void **state)
{
    struct setting *setting = *state;
    filter_destroy(setting->filter);
    MUST(trail_close(setting->trail, &why));
    folder_close(setting->folder);
    disk_close_folder(setting->disk);
    free(setting);
    return 0;
}

static void
parse(struct setting *setting, const char *text)
{
    const struct filter_options options = { 0 };
    filter_destroy(setting->filter);
    MUST(filter_parse(bytes_text(text), &options, &setting->filter, &why));
}

/* Takes entries until it has had enough of them. */
struct visitor {
    uint64_t seed;
    uint64_t modulo;   /* the entries that match are those of event numbers with no rest */
    uint64_t expected; /* number of the next one */
};

/* Entry i + 1 is event i: entry 0 is the trail's own. */
static tally_status
visit(void *context, const struct run_entry *entry, struct tally_error *error)
{
    (void)error;
    struct visitor *visitor = context;
    if (fixture_random(&visitor->seed) % 10 == 0)
        return TALLY_BUSY;
    char id[32];
    (void)snprintf(id, sizeof id, "event-%llu", (unsigned long long)visitor->expected);
    assert_true(bytes_is(entry->values[FIELD_ID], id));
    assert_int_equal(entry->index, visitor->expected + 1);
    visitor->expected += visitor->modulo;
    return TALLY_OK;
}

static void
read_to_the_end(struct setting *setting, struct follow *follow, struct visitor *visitor)
{
    tally_status status;
    do
        status = follow_read(follow, setting->trail, visit, visitor, &why);
    while (status == TALLY_BUSY);
    assert_int_equal(status, TALLY_OK);
    assert_int_equal(follow->next, trail_size(setting->trail));
}

static void
each_entry_once(void **state)
{
    struct setting *setting = *state;
    uint64_t seed = 11, number = 0;
    struct visitor all = { .seed = 1, .modulo = 1 };
    struct visitor seldom = { .seed = 2, .modulo = 1 };
    parse(setting, "");
    struct follow follow = { .filter = setting->filter };
    struct follow sleepy = { .filter = setting->filter };
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t count = 1 + (uint32_t)(fixture_random(&seed) % 30);
        fixture_record(setting->trail, number, count, NULL);
        number += count;
        if (round % 7 == 0)
            MUST(trail_seal(setting->trail, SEAL_ALL, &why));
        if (fixture_random(&seed) % 3 > 0)
            read_to_the_end(setting, &follow, &all);
        if (round % 50 == 49)
            read_to_the_end(setting, &sleepy, &seldom);
    }
    read_to_the_end(setting, &follow, &all);
    read_to_the_end(setting, &sleepy, &seldom);
    assert_int_equal(all.expected, number);
    assert_int_equal(seldom.expected, number);
}

static void
only_what_matches(void **state)
{
    struct setting *setting = *state;
    struct visitor visitor = { .seed = 3, .expected = 40, .modulo = 1000 };
    fixture_record(setting->trail, 0, 60, NULL);
    parse(setting, "id:event-40");
    struct follow follow = { .filter = setting->filter };
    read_to_the_end(setting, &follow, &visitor);
    assert_int_equal(visitor.expected, 1040);

    /* Nothing new: nothing again. */
    read_to_the_end(setting, &follow, &visitor);
    assert_int_equal(visitor.expected, 1040);
}

static void
from_the_last_ones(void **state)
{
    struct setting *setting = *state;
    static const struct {
        size_t count;
        uint64_t next;
        const char *why;
    } rows[] = {
        { 0, 201, "none: at the end" },          { 1, 200, "the last" },
        { 50, 151, "across the segment's end" }, { 200, 1, "all but the control entry" },
        { 1000, 1, "more than there are" },
    };
    fixture_record(setting->trail, 0, 160, NULL);
    MUST(trail_seal(setting->trail, SEAL_ALL, &why));
    fixture_record(setting->trail, 160, 40, NULL);
    parse(setting, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct follow follow = { .filter = setting->filter };
        MUST(follow_from_last(&follow, setting->trail, rows[i].count, &why));
        assert_int_equal(follow.next, rows[i].next);
    }
    parse(setting, "id:nobody");
    struct follow follow = { .filter = setting->filter };
    MUST(follow_from_last(&follow, setting->trail, 10, &why));
    assert_int_equal(follow.next, 201);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_entry_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_matches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(from_the_last_ones, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
