/*
 * oracle_test.c - random filters over random trails: what the planner finds is what SQLite finds over
 * the exported rows, and what one finds who reads every entry. Also after private parts were erased,
 * and where every index was deleted.
 *
 * TALLY_ORACLE_QUESTIONS (100) says how many are asked of each trail in each state.
 */
#include "oracle.h"

#include "fixture.h"
#include "match.h"
#include "stats.h"
#include "twin.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 7

static struct match_scratch scratch;

/* A trail's shape: entries that are sealed, in segments of so many, and some in the head. */
static const struct shape {
    const char *name;
    uint32_t head_max, sealed, unsealed;
} shapes[] = {
    { "many small segments", 300, 3000, 150 },
    { "a segment of some pages", 20000, 9500, 700 },
};

struct setting {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    uint64_t random;
    uint64_t recorded;
};

static void
record(struct setting *setting, uint32_t count)
{
    struct batch *batch;
    struct append_result result;
    struct receipt *receipts = calloc(count, sizeof *receipts);
    struct buffer text = { 0 };
    MUST(batch_create(setting->trail, "test", NULL, &batch, &why));
    for (uint32_t i = 0; i < count; i++) {
        buffer_clear(&text);
        twin_event(&setting->random, setting->recorded++, &text);
        MUST(batch_add(batch, buffer_view(&text), &why));
    }
    MUST(trail_append(setting->trail, batch, APPEND_WAIT, receipts, &result, &why));
    batch_destroy(batch);
    buffer_free(&text);
    free(receipts);
}

static void
set_up(struct setting *setting, const struct shape *shape)
{
    *setting = (struct setting){ .random = fixture_setting("TALLY_ORACLE_SEED", 1) };
    setting->disk = fixture_disk();
    setting->folder = fixture_folder(setting->disk, shape->head_max);
    setting->trail = fixture_create(setting->folder, "main", FIXTURE_ORIGIN);
    while (setting->recorded < shape->sealed) {
        uint32_t step = shape->head_max < 1000 ? shape->head_max / 3 : 500;
        record(setting, step);
        MUST(trail_seal(setting->trail, SEAL_FULL, &why));
    }
    MUST(trail_seal(setting->trail, SEAL_ALL, &why));
    while (setting->recorded < shape->sealed + shape->unsealed)
        record(setting, 50);
}

static void
tear_down(struct setting *setting)
{
    MUST(trail_close(setting->trail, &why));
    folder_close(setting->folder);
    disk_close_folder(setting->disk);
}

static void
reopen(struct setting *setting)
{
    MUST(trail_close(setting->trail, &why));
    setting->trail = fixture_open(setting->folder, "main", TRAIL_WRITE);
}

/* A disk_name_visitor: removes what is derived from a segment's columns. */
static tally_status
unlink_derived(void *context, const char *name, struct tally_error *error)
{
    struct disk *disk = context;
    char path[256];
    if (strstr(name, ".public") != NULL || strstr(name, ".private") != NULL)
        return TALLY_OK;
    (void)snprintf(path, sizeof path, "trails/main/segments/%s", name);
    return disk_unlink(disk, path, error);
}

static void
delete_indexes(struct setting *setting)
{
    MUST(trail_close(setting->trail, &why));
    MUST(disk_list(setting->disk, "trails/main/segments", unlink_derived, setting->disk, &why));
    setting->trail = fixture_open(setting->folder, "main", TRAIL_WRITE);
}

static void
erase_some(struct setting *setting)
{
    uint64_t indexes[40];
    uint64_t step = trail_size(setting->trail) / 50;
    for (size_t i = 0; i < 40; i++)
        indexes[i] = 1 + (i + 1) * step;
    MUST(trail_erase(setting->trail, indexes, 40, "asked for", &why));
}

/*
 * Asking.
 */

struct asking {
    const struct twin *twin;
    struct filter *filter;
    struct snapshot *snapshot;
    struct scan *scan;
    uint64_t *expected; /* indexes, newest first */
    size_t count;
};

__attribute__((format(printf, 2, 3), noreturn)) static void
disagree(const struct asking *asking, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fixture_fail("%s\n  filter: %s\n  SQL: %s", text, (const char *)asking->twin->filter.data,
                 (const char *)asking->twin->sql.data);
}

static void
compare_hits(const struct asking *asking, const struct scan_hit *hits, size_t count)
{
    for (size_t i = 0; i < count && i < asking->count; i++)
        if (hits[i].index != asking->expected[i])
            disagree(asking, "at %zu: entry %" PRIu64 ", SQLite has %" PRIu64, i, hits[i].index,
                     asking->expected[i]);
}

/* The whole list, its first page, and the count. */
static void
compare_lists(const struct asking *asking)
{
    static struct scan_hit hits[SCAN_LIST_MAX];
    const struct scan_place start = SCAN_START;
    struct scan_list list;
    uint64_t counted;
    MUST(scan_list(asking->scan, ORDER_TIME_DOWN, &start, hits, SCAN_LIST_MAX, &list, &why));
    compare_hits(asking, hits, list.count);
    if (list.count != asking->count)
        disagree(asking, "%zu entries, SQLite has %zu", list.count, asking->count);

    MUST(scan_list(asking->scan, ORDER_TIME_DOWN, &start, hits, PAGE, &list, &why));
    compare_hits(asking, hits, list.count);
    if (list.count != (asking->count < PAGE ? asking->count : PAGE) ||
        list.more != (asking->count > PAGE))
        disagree(asking, "a first page of %zu of %zu", list.count, asking->count);

    MUST(scan_count(asking->scan, &counted, &why));
    if (counted != asking->count)
        disagree(asking, "a count of %" PRIu64 ", SQLite has %zu", counted, asking->count);
}

static void
compare_naive(const struct asking *asking)
{
    size_t count = 0;
    for (uint64_t i = 0; i < snapshot_size(asking->snapshot); i++) {
        struct run_entry entry;
        MUST(snapshot_entry(asking->snapshot, i, RUN_VALUES, &entry, &why));
        count += filter_match(asking->filter, i, entry.values, &scratch);
    }
    if (count != asking->count)
        disagree(asking, "%zu by reading each, SQLite has %zu", count, asking->count);
}

static void
ask(struct setting *setting, struct oracle *oracle, uint64_t *expected, unsigned number)
{
    struct twin twin;
    twin_make(&setting->random, &twin);
    struct asking asking = { .twin = &twin, .expected = expected };
    const struct filter_options options = { 0 };
    asking.count = oracle_ask(oracle, (const char *)twin.sql.data, expected,
                              (size_t)trail_size(setting->trail));
    if (filter_parse(bytes_text((const char *)twin.filter.data), &options, &asking.filter, &why) !=
        TALLY_OK)
        disagree(&asking, "refused: %s", why.text);
    MUST(snapshot_open(setting->trail, &asking.snapshot, &why));
    struct scan_source source = scan_snapshot(asking.snapshot);
    MUST(scan_create(asking.filter, &source, &asking.scan, &why));
    compare_lists(&asking);
    if (number % 16 == 0)
        compare_naive(&asking);
    scan_destroy(asking.scan);
    snapshot_close(asking.snapshot);
    filter_destroy(asking.filter);
    twin_finish(&twin);
}

static void
ask_many(struct setting *setting, const char *shape, const char *state)
{
    unsigned count = (unsigned)fixture_setting("TALLY_ORACLE_QUESTIONS", 100);
    uint64_t *expected = calloc((size_t)trail_size(setting->trail), sizeof *expected);
    struct oracle *oracle = oracle_create(setting->trail);
    print_message("# %s, %s\n", shape, state);
    for (unsigned i = 0; i < count; i++)
        ask(setting, oracle, expected, i);
    oracle_destroy(oracle);
    free(expected);
}

static void
planner_and_sqlite_agree(void **test_state)
{
    (void)test_state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const char *name = shapes[i].name;
        struct setting setting;
        set_up(&setting, &shapes[i]);
        ask_many(&setting, name, "as recorded");
        reopen(&setting);
        ask_many(&setting, name, "opened again");
        erase_some(&setting);
        ask_many(&setting, name, "some entries erased");
        delete_indexes(&setting);
        ask_many(&setting, name, "every index deleted");
        MUST(trail_rebuild(setting.trail, &why));
        ask_many(&setting, name, "indexes rebuilt");
        tear_down(&setting);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planner_and_sqlite_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
