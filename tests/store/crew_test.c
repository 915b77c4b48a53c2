/*
 * crew_test.c - verification by several threads is verification by one.
 *
 * A trail with segments of odd sizes, on the simulated disk, is verified with different numbers of
 * threads: progress must be told at the same sizes, ending it anywhere must end it at the same
 * place, and the root must be wanted at any size, within a segment or not. What damage does is
 * compared wherever the other tests verify (fixture_verify()).
 */
#include "fixture.h"

#include "tally/tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BATCH     3001u
#define BATCHES   11u
#define SIZE      (1 + BATCH * BATCHES)
#define CALLS_MAX 8u

static const unsigned thread_counts[] = { 0, 2, 5, 100 };
#define THREAD_COUNTS (sizeof thread_counts / sizeof thread_counts[0])

static struct disk *disk;
static struct folder *folder;
static struct tally_hash leaves[SIZE];

static int
begin(void **state)
{
    (void)state;
    disk = fixture_disk();
    folder = fixture_folder(disk, 100000);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (uint32_t i = 0; i < BATCHES; i++) {
        fixture_record(trail, i * BATCH, BATCH, NULL);
        if (i % 3 != 1 && i + 1 < BATCHES)
            MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    MUST(trail_sign(trail, &why));
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    assert_int_equal(snapshot_size(snapshot), SIZE);
    for (uint64_t i = 0; i < SIZE; i++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        leaves[i] = entry.leaf;
    }
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    folder_close(folder);
    disk_close_folder(disk);
    return 0;
}

struct calls {
    unsigned limit; /* the call that ends it, from 1; 0: none */
    unsigned count;
    uint64_t done[CALLS_MAX];
    uint64_t total;
};

/* verify_options.progress */
static bool
note_call(void *context, uint64_t done, uint64_t total)
{
    struct calls *calls = context;
    assert_true(calls->count < CALLS_MAX);
    calls->done[calls->count++] = done;
    calls->total = total;
    return calls->count != calls->limit;
}

static void
verify(unsigned threads, unsigned limit, struct calls *calls, struct verify_report *report)
{
    struct verify_options options = {
        .threads = threads,
        .progress = note_call,
        .context = calls,
    };
    *calls = (struct calls){ .limit = limit };
    MUST(verify_trail(folder, "main", &options, report, &why));
}

static void
progress_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < THREAD_COUNTS; i++) {
        struct calls calls;
        struct verify_report report;
        verify(thread_counts[i], 0, &calls, &report);
        assert_int_equal(report.verdict, VERDICT_INTACT);
        assert_int_equal(report.entries, SIZE);
        assert_int_equal(calls.count, SIZE / 16384);
        for (unsigned k = 0; k < calls.count; k++)
            assert_int_equal(calls.done[k], (k + 1) * 16384);
        assert_int_equal(calls.total, SIZE);
    }
}

static void
ended_anywhere(void **state)
{
    (void)state;
    for (unsigned limit = 1; limit <= SIZE / 16384; limit++) {
        struct verify_report alone;
        struct calls calls;
        verify(0, limit, &calls, &alone);
        assert_int_equal(alone.verdict, VERDICT_UNCHECKABLE);
        assert_int_equal(alone.entries, limit * 16384);
        for (size_t i = 0; i < THREAD_COUNTS; i++) {
            struct verify_report together;
            verify(thread_counts[i], limit, &calls, &together);
            assert_int_equal(calls.count, limit);
            fixture_same_report(&alone, &together);
        }
    }
}

/* Sizes around the borders of segments and of groups of 256, and within them. */
static void
seen_at_any_size(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 1, 257, 1 + BATCH, 4096, 4097, 3 * BATCH, 20225, SIZE };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct tally_tree tree;
        struct tally_checkpoint seen = { .origin = FIXTURE_ORIGIN, .size = sizes[i] };
        struct verify_options options = { .seen = &seen };
        struct verify_report report;
        tally_tree_init(&tree);
        for (uint64_t k = 0; k < sizes[i]; k++)
            tally_tree_append(&tree, &leaves[k]);
        tally_tree_root(&tree, &seen.root);
        assert_int_equal(fixture_verify_with(folder, "main", &options, &report), VERDICT_INTACT);
        seen.root.bytes[31] ^= 1;
        assert_int_equal(fixture_verify_with(folder, "main", &options, &report), VERDICT_TAMPERED);
        assert_int_equal(report.entries, sizes[i]);
        assert_int_equal(report.bad_last, sizes[i] - 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_is_the_same),
        cmocka_unit_test(ended_anywhere),
        cmocka_unit_test(seen_at_any_size),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
