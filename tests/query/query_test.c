/*
 * query_test.c - queries over a trail: they find what one finds who reads every entry, and pages
 * joined give every entry once, whatever is appended, sealed and erased between them.
 */
#include "clock.h"
#include "cursor.h"
#include "fixture.h"
#include "match.h"
#include "stats.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define EVENT_SIZE 1024

static struct match_scratch scratch;

static uint64_t
below(uint64_t *state, uint64_t limit)
{
    return fixture_random(state) % limit;
}

/* An event with some members missing; its time is now, late, equal to others, or of the future. */
static struct bytes
random_event(uint64_t *state, char text[EVENT_SIZE])
{
    static const char *const actions[] = { "user.login", "user.logout", "report.create" };
    static const char *const users[] = { "u1", "u2", "a*b", "Zoë" };
    static const char *const times[] = { "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.25Z",
                                         "2025-12-31T23:59:59Z", "2200-01-01T00:00:00Z" };
    int size =
        snprintf(text, EVENT_SIZE,
                 "{\"action\":\"%s\",\"details\":{\"n\":%u,\"tags\":"
                 "[\"t%u\"]}",
                 actions[below(state, 3)], (unsigned)below(state, 5), (unsigned)below(state, 3));
    if (below(state, 2) == 0)
        size += snprintf(text + size, EVENT_SIZE - (size_t)size, ",\"user_id\":\"%s\"",
                         users[below(state, 4)]);
    if (below(state, 2) == 0)
        size += snprintf(text + size, EVENT_SIZE - (size_t)size, ",\"status_code\":%u",
                         200 + 100 * (unsigned)below(state, 4));
    if (below(state, 2) == 0)
        size += snprintf(text + size, EVENT_SIZE - (size_t)size, ",\"timestamp\":\"%s\"",
                         times[below(state, 4)]);
    if (below(state, 3) == 0)
        size += snprintf(text + size, EVENT_SIZE - (size_t)size, ",\"message\":\"Refused %u\"",
                         (unsigned)below(state, 9));
    size += snprintf(text + size, EVENT_SIZE - (size_t)size, "}");
    return bytes_of(text, (size_t)size);
}

static void
record(struct trail *trail, uint64_t *state, uint32_t count)
{
    struct batch *batch;
    struct append_result result;
    struct receipt *receipts = calloc(count, sizeof *receipts);
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    for (uint32_t i = 0; i < count; i++) {
        char text[EVENT_SIZE];
        MUST(batch_add(batch, random_event(state, text), &why));
    }
    MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
    batch_destroy(batch);
    free(receipts);
}

/* Sealed entries, then some in the head. */
static struct trail *
record_trail(struct folder *folder, uint64_t *state)
{
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (unsigned i = 0; i < 4; i++) {
        record(trail, state, 350);
        MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    record(trail, state, 120);
    return trail;
}

/*
 * The oracle: every entry read, asked and sorted.
 */

static enum scan_order sorting;

static int
compare_hits(const void *a, const void *b)
{
    const struct scan_hit *x = a, *y = b;
    int time = (x->time > y->time) - (x->time < y->time);
    int index = (x->index > y->index) - (x->index < y->index);
    if (sorting == ORDER_INDEX || sorting == ORDER_INDEX_DOWN)
        time = 0;
    int order = time != 0 ? time : index;
    return sorting == ORDER_TIME_DOWN || sorting == ORDER_INDEX_DOWN ? -order : order;
}

static int64_t
instant_of(struct bytes text)
{
    struct instant instant;
    const char *reason;
    assert_true(instant_parse(text, &instant, &reason));
    return instant.ns;
}

static size_t
naive_list(struct snapshot *snapshot, const struct filter *filter, enum scan_order order,
           struct scan_hit *hits)
{
    size_t count = 0;
    for (uint64_t i = 0; i < snapshot_size(snapshot); i++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, i, RUN_VALUES, &entry, &why));
        if (!filter_match(filter, i, entry.values, &scratch))
            continue;
        int64_t time = entry_time(instant_of(entry.values[FIELD_TIMESTAMP]),
                                  instant_of(entry.values[FIELD_RECEIVED]));
        hits[count++] = (struct scan_hit){ time, i };
    }
    sorting = order;
    qsort(hits, count, sizeof *hits, compare_hits);
    return count;
}

static struct filter *
parse(const char *text, int64_t now)
{
    const struct filter_options options = { .now = now };
    struct filter *filter;
    MUST(filter_parse(bytes_text(text), &options, &filter, &why));
    return filter;
}

/*
 * Pages.
 */

static const uint8_t key[CURSOR_KEY_SIZE] = "the key of a test";

/* One page as a server gives it: from a cursor's text, or the first. False after the last. */
static bool
next_page(struct trail *trail, const char *text, enum scan_order order, char *cursor_text,
          struct scan_hit *hits, size_t capacity, size_t *count_out)
{
    struct cursor_binding binding = { .trail = bytes_text(trail_origin(trail)),
                                      .filter = bytes_text(text),
                                      .role = bytes_text("auditor"),
                                      .order = order };
    struct cursor cursor = { .size = trail_size(trail), .now = clock_now() };
    if (cursor_text[0] != '\0')
        MUST(cursor_read(key, &binding, bytes_of(cursor_text, CURSOR_TEXT_SIZE), &cursor, &why));

    struct snapshot *snapshot;
    struct scan *scan;
    struct scan_list list;
    struct filter *filter = parse(text, cursor.now);
    MUST(snapshot_open_at(trail, cursor.size, &snapshot, &why));
    struct scan_source source = scan_snapshot(snapshot);
    MUST(scan_create(filter, &source, &scan, &why));
    MUST(scan_list(scan, order, &cursor.place, hits, capacity, &list, &why));
    *count_out = list.count;
    if (list.more) {
        cursor.place = list.next;
        MUST(cursor_write(key, &binding, &cursor, cursor_text, &why));
    }
    scan_destroy(scan);
    snapshot_close(snapshot);
    filter_destroy(filter);
    return list.more;
}

static const char *const filters[] = {
    "",
    "user_id:u1",
    "-user_id:*",
    "action:user.* status_code:>=400",
    "details.n:2 OR details.tags:t1",
    "timestamp:..2026-01-01",
    "timestamp:>2100-01-01 -user_id:Zoë",
    "timestamp:>=-1h",
    "refused",
    "user_id:\"a*b\" (status_code:200,500 OR message:*7)",
    "control:*",
    "index:300..400",
    "action:nothing",
};

static void
queries_find_what_reading_finds(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = record_trail(folder, &seed);
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    struct scan_hit *wanted = calloc(snapshot_size(snapshot), sizeof *wanted);
    assert_true(wanted != NULL && snapshot_run_count(snapshot) > 4);

    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
        struct filter *filter = parse(filters[f], clock_now());
        struct scan_source source = scan_snapshot(snapshot);
        struct scan *scan;
        MUST(scan_create(filter, &source, &scan, &why));
        for (enum scan_order order = ORDER_TIME_DOWN; order <= ORDER_INDEX_DOWN; order++) {
            size_t count = naive_list(snapshot, filter, order, wanted), at = 0;
            struct scan_place place = SCAN_START;
            struct scan_list list = { .more = true };
            while (list.more) {
                struct scan_hit hits[97];
                MUST(scan_list(scan, order, &place, hits, 97, &list, &why));
                assert_true(at + list.count <= count);
                assert_memory_equal(hits, wanted + at, list.count * sizeof *hits);
                at += list.count;
                place = list.next;
            }
            assert_int_equal(at, count);
        }
        scan_destroy(scan);
        filter_destroy(filter);
    }
    free(wanted);
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

/* What goes on while someone turns pages. */
static void
disturb(struct trail *trail, uint64_t *state, unsigned step)
{
    record(trail, state, 1 + (uint32_t)below(state, 40));
    if (step % 3 == 0)
        MUST(trail_seal(trail, SEAL_ALL, &why));
}

static void
pages_join_while_entries_arrive(void **state)
{
    (void)state;
    uint64_t seed = 4;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = record_trail(folder, &seed);

    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
        for (enum scan_order order = ORDER_TIME_DOWN; order <= ORDER_INDEX_DOWN; order++) {
            struct snapshot *snapshot;
            MUST(snapshot_open(trail, &snapshot, &why));
            struct filter *filter = parse(filters[f], clock_now());
            struct scan_hit *wanted = calloc(snapshot_size(snapshot), sizeof *wanted);
            assert_non_null(wanted);
            size_t count = naive_list(snapshot, filter, order, wanted), at = 0, got;
            struct scan_hit hits[250];
            char cursor[CURSOR_TEXT_SIZE] = "";
            bool more = true;
            for (unsigned step = 0; more; step++) {
                more = next_page(trail, filters[f], order, cursor, hits, 250, &got);
                if (at + got > count || memcmp(hits, wanted + at, got * sizeof *hits) != 0)
                    fail_msg("%s in order %d: page %u", filters[f], (int)order, step);
                at += got;
                disturb(trail, &seed, step);
            }
            assert_int_equal(at, count);
            free(wanted);
            filter_destroy(filter);
            snapshot_close(snapshot);
        }
    }
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

static uint64_t
count_of(struct trail *trail, const char *text)
{
    struct snapshot *snapshot;
    struct scan *scan;
    uint64_t count;
    struct filter *filter = parse(text, clock_now());
    MUST(snapshot_open(trail, &snapshot, &why));
    struct scan_source source = scan_snapshot(snapshot);
    MUST(scan_create(filter, &source, &scan, &why));
    MUST(scan_count(scan, &count, &why));
    scan_destroy(scan);
    snapshot_close(snapshot);
    filter_destroy(filter);
    return count;
}

/* Erased entries are found by what is public, not by what is gone. */
static void
erased_values_are_not_found(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    fixture_record(trail, 0, 300, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    fixture_record(trail, 300, 40, NULL);

    /* Events 5 and 320: entry 0 is the trail's own. */
    const uint64_t indexes[] = { 6, 321 };
    uint64_t users = count_of(trail, "user_id:user-5,user-14");
    uint64_t all = count_of(trail, ""), control = count_of(trail, "control:*");
    assert_int_equal(count_of(trail, "\"secret-5.\""), 1);
    assert_int_equal(count_of(trail, "\"secret-320.\""), 1);
    MUST(trail_erase(trail, indexes, 2, "asked to", &why));
    assert_int_equal(count_of(trail, "\"secret-5.\""), 0);
    assert_int_equal(count_of(trail, "\"secret-320.\""), 0);
    assert_int_equal(count_of(trail, "user_id:user-5,user-14"), users - 2);
    assert_int_equal(count_of(trail, "index:6,321 action:* -user_id:*"), 2);
    assert_int_equal(count_of(trail, ""), all);
    assert_int_equal(count_of(trail, "control:*"), control + 1);
    assert_int_equal(count_of(trail, "control.type:erased"), 1);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

/*
 * Many small segments, in groups of 64, of 8 and of one.
 */

#define SMALL_SEGMENTS 75u
#define SMALL_SEGMENT  8u
#define RARE_USERS     20u

/* Users who are seen a few times, here and there, and some of whose entries came late. */
static void
record_rare(struct trail *trail, uint64_t *state)
{
    struct batch *batch;
    struct append_result result;
    struct receipt receipts[SMALL_SEGMENT];
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    for (unsigned i = 0; i < SMALL_SEGMENT; i++) {
        char text[EVENT_SIZE];
        unsigned late = below(state, 4) == 0 ? 1 : 12;
        int size =
            snprintf(text, sizeof text,
                     "{\"action\":\"a%u\",\"user_id\":\"rare-%u\",\"details\":{\"n\":%u},"
                     "\"ip_address\":\"10.0.0.%u\",\"timestamp\":\"20%02u-01-%02uT00:00:00Z\"}",
                     (unsigned)below(state, 2), (unsigned)below(state, RARE_USERS),
                     (unsigned)below(state, 300), (unsigned)below(state, 99), 10 + late,
                     1 + (unsigned)below(state, 28));
        MUST(batch_add(batch, bytes_of(text, (size_t)size), &why));
    }
    MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
    batch_destroy(batch);
}

/* In every order, a few at a time, by one thread and by three, and counted by two. What runs were ruled
 * out is added. */
static void
check_rare(struct snapshot *snapshot, const char *text, uint64_t *ruled_out)
{
    struct filter *filter = parse(text, clock_now());
    struct scan_hit *wanted = calloc(snapshot_size(snapshot), sizeof *wanted);
    struct scan_source source = scan_snapshot(snapshot);
    struct scan *scan;
    assert_non_null(wanted);
    MUST(scan_create(filter, &source, &scan, &why));
    uint64_t counted;
    size_t count = 0;
    for (unsigned turn = 0; turn < 2 * ORDER_INDEX_DOWN; turn++) {
        enum scan_order order = (enum scan_order)(ORDER_TIME_DOWN + turn / 2);
        struct scan_place place = SCAN_START;
        struct scan_list list = { .more = true };
        size_t at = 0;
        scan_share(scan, turn % 2 == 0 ? 1 : 3);
        count = naive_list(snapshot, filter, order, wanted);
        while (list.more) {
            struct scan_hit hits[7];
            MUST(scan_list(scan, order, &place, hits, 7, &list, &why));
            if (at + list.count > count ||
                memcmp(hits, wanted + at, list.count * sizeof *hits) != 0)
                fail_msg("%s in order %d: behind hit %zu", text, (int)order, at);
            at += list.count;
            place = list.next;
        }
        assert_int_equal(at, count);
    }
    scan_share(scan, 2);
    MUST(scan_count(scan, &counted, &why));
    assert_int_equal(counted, count);
    *ruled_out += scan_account(scan)->runs[FATE_RULED_OUT];
    scan_destroy(scan);
    free(wanted);
    filter_destroy(filter);
}

static void
rare_values_are_found_among_many_segments(void **state)
{
    (void)state;
    static const char *const rare[] = {
        "user_id:rare-3",
        "user_id:rare-1,rare-2 action:a1",
        "user_id:rare-4 OR user_id:rare-5",
        "(user_id:rare-6 OR details.n:17) -action:a0",
        "details.n:5",
        "ip_address:10.0.0.7",
        "id:nothing",
    };
    static const char *const frequent[] = { "action:a1", "-user_id:rare-3", "user_id:*" };
    uint64_t seed = 6, ruled_out = 0, none = 0;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (unsigned i = 0; i < SMALL_SEGMENTS; i++) {
        record_rare(trail, &seed);
        MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    record_rare(trail, &seed);
    /* The trail as it is, and as it was in the middle of a group. */
    const uint64_t sizes[] = { trail_size(trail), 20 * SMALL_SEGMENT + 3 };
    for (size_t i = 0; i < 2; i++) {
        struct snapshot *snapshot;
        uint64_t before = atomic_load(&disk->counters.read_bytes);
        MUST(snapshot_open_at(trail, sizes[i], &snapshot, &why));
        for (size_t f = 0; f < sizeof rare / sizeof *rare; f++)
            check_rare(snapshot, rare[f], &ruled_out);
        /* What is said of the reads is what the disk was asked for. */
        assert_int_equal(snapshot_meter(snapshot).bytes,
                         atomic_load(&disk->counters.read_bytes) - before);
        for (size_t f = 0; f < sizeof frequent / sizeof *frequent; f++)
            check_rare(snapshot, frequent[f], &none);
        snapshot_close(snapshot);
    }
    assert_true(ruled_out > 0);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_find_what_reading_finds),
        cmocka_unit_test(pages_join_while_entries_arrive),
        cmocka_unit_test(erased_values_are_not_found),
        cmocka_unit_test(rare_values_are_found_among_many_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
