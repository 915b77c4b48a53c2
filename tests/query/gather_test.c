/*
 * gather_test.c - entries gathered by several threads are those that are read one by one, in the
 * order asked for, whoever fails or stops meanwhile.
 */
#include "disk_sim.h"
#include "fixture.h"
#include "gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEGMENTS   30u
#define SEGMENT    20u
#define TEXT_LARGE (100u << 10)
#define HITS_MAX   (SEGMENTS * SEGMENT + 100u)
#define ORDERS     3u

/* A trail of many small segments and a head. The entries of four segments are so large that a few dozen
 * of them are more than is read ahead at once. */
static struct trail *
record_trail(struct folder *folder)
{
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    char *text = malloc(TEXT_LARGE + 1024);
    assert_non_null(text);
    for (unsigned i = 0; i <= SEGMENTS; i++) {
        struct batch *batch;
        struct append_result result;
        struct receipt receipts[SEGMENT];
        MUST(batch_create(trail, "test", NULL, &batch, &why));
        for (unsigned k = 0; k < SEGMENT; k++) {
            unsigned n = i * SEGMENT + k;
            int width = i >= 10 && i < 14 ? (int)TEXT_LARGE : 3;
            int size = sprintf(text,
                               "{\"action\":\"a%u\",\"user_id\":\"u%u\","
                               "\"details\":{\"text\":\"%0*u\",\"empty\":\"\"}}",
                               n % 3, n, width, n);
            MUST(batch_add(batch, bytes_of(text, (size_t)size), &why));
        }
        MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
        batch_destroy(batch);
        if (i < SEGMENTS)
            MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    free(text);
    return trail;
}

/* Hits in one of several orders: ascending, descending, here and there with repetitions. */
static size_t
some_hits(unsigned order, uint64_t size, struct scan_hit hits[HITS_MAX])
{
    uint64_t state = order;
    size_t count = size < HITS_MAX ? (size_t)size : HITS_MAX;
    for (size_t i = 0; i < count; i++) {
        uint64_t index = order == 0 ? i : order == 1 ? size - 1 - i : fixture_random(&state) % size;
        hits[i] = (struct scan_hit){ .index = index };
    }
    return count;
}

/*
 * Visitors.
 */

struct visit {
    struct snapshot *other; /* for reading the same one by one */
    const struct scan_hit *hits;
    size_t next;
    size_t stop; /* is not visited */
};

static tally_status
visit(void *context, size_t i, const struct run_entry *entry, struct tally_error *error)
{
    struct visit *visit = context;
    struct run_entry expected;
    assert_int_equal(i, visit->next);
    assert_int_equal(entry->index, visit->hits[i].index);
    if (i == visit->stop)
        return TALLY_BUSY;
    visit->next++;
    if (visit->other == NULL)
        return TALLY_OK;
    MUST(snapshot_entry(visit->other, entry->index, RUN_VALUES, &expected, error));
    assert_true(entry->control == expected.control && entry->erased == expected.erased);
    assert_memory_equal(entry->salt, expected.salt, sizeof entry->salt);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        assert_true((entry->values[field].data == NULL) == (expected.values[field].data == NULL));
        assert_true(bytes_equal(entry->values[field], expected.values[field]));
    }
    return TALLY_OK;
}

/*
 * Tests.
 */

struct setting {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
};

static int
set_up(void **state)
{
    static struct setting setting;
    setting.disk = fixture_disk();
    setting.folder = fixture_folder(setting.disk, 1000);
    setting.trail = record_trail(setting.folder);
    *state = &setting;
    return 0;
}

static int
tear_down(void **state)
{
    struct setting *setting = *state;
    MUST(trail_close(setting->trail, &why));
    folder_close(setting->folder);
    disk_close_folder(setting->disk);
    return 0;
}

static void
entries_are_those_read_one_by_one(void **state)
{
    struct setting *setting = *state;
    static const unsigned threads[] = { 0, 2, 5 };
    static struct scan_hit hits[HITS_MAX];
    for (unsigned turn = 0; turn < ORDERS * sizeof threads / sizeof *threads; turn++) {
        struct snapshot *snapshot, *other;
        MUST(snapshot_open(setting->trail, &snapshot, &why));
        MUST(snapshot_open(setting->trail, &other, &why));
        size_t count = some_hits(turn % ORDERS, snapshot_size(snapshot), hits);
        struct visit all = { .other = other, .hits = hits, .stop = SIZE_MAX };
        MUST(gather_entries(snapshot, hits, count, threads[turn / ORDERS], visit, &all, &why));
        assert_int_equal(all.next, count);
        assert_true(snapshot_meter(snapshot).reads > 0);
        snapshot_close(snapshot);
        snapshot_close(other);
    }
}

static void
who_visits_may_end_it(void **state)
{
    struct setting *setting = *state;
    static struct scan_hit hits[HITS_MAX];
    struct snapshot *snapshot;
    MUST(snapshot_open(setting->trail, &snapshot, &why));
    size_t count = some_hits(1, snapshot_size(snapshot), hits);
    static const size_t stops[] = { 0, 1, 63, 64, 65, 200 };
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct visit some = { .hits = hits, .stop = stops[i] };
        assert_int_equal(gather_entries(snapshot, hits, count, 3, visit, &some, &why), TALLY_BUSY);
        assert_int_equal(some.next, stops[i]);
    }
    struct visit none = { .hits = hits, .stop = SIZE_MAX };
    MUST(gather_entries(snapshot, hits, 0, 3, visit, &none, &why));
    assert_int_equal(none.next, 0);
    snapshot_close(snapshot);
}

/*
 * A call of the disk fails, whichever it is: what was visited before is whole and in order. A fault that
 * passes may be got over, for what was read behind a gap is read again; a disk that is gone may not.
 */
static void
a_fault_comes_behind_what_could_be_read(void **state)
{
    struct setting *setting = *state;
    static const enum sim_fault kinds[] = { SIM_FAULT_IO, SIM_FAULT_DEAD };
    static struct scan_hit hits[HITS_MAX];
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        unsigned faults = 0;
        bool reached = true;
        for (uint64_t n = 0; reached; n += 1 + n / 3) {
            struct snapshot *snapshot;
            MUST(snapshot_open(setting->trail, &snapshot, &why));
            size_t count = some_hits(0, snapshot_size(snapshot), hits);
            struct visit some = { .hits = hits, .stop = SIZE_MAX };
            disk_sim_fail(setting->disk, n, kinds[kind]);
            struct tally_error error = { 0 };
            tally_status status = gather_entries(snapshot, hits, count, 3, visit, &some, &error);
            reached = disk_sim_failed(setting->disk);
            disk_sim_heal(setting->disk);
            if (status == TALLY_OK)
                assert_true(some.next == count && !(reached && kinds[kind] == SIM_FAULT_DEAD));
            else
                assert_true(status == TALLY_IO && reached && error.text[0] != '\0');
            faults += status == TALLY_IO;
            snapshot_close(snapshot);
        }
        assert_true(faults > 5 || kinds[kind] == SIM_FAULT_IO);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_those_read_one_by_one),
        cmocka_unit_test(who_visits_may_end_it),
        cmocka_unit_test(a_fault_comes_behind_what_could_be_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
