/*
 * thread_test.c - many threads at one trail, and at many: invariants 1 and 4 whatever meets whatever.
 *
 * Writers append while the background threads sign and seal small heads and others take snapshots,
 * sign, seal and erase. Every receipt must hold, a batch's new entries must be contiguous and in the
 * thread's order, a writer must read its own entries, an id must have one entry whoever sends it. To
 * be run under the thread sanitizer.
 */
#include "fixture.h"

#include "trail_core.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define HEAD_MAX  150u
#define BATCH_MAX 20u
#define WRITERS   6u
#define BATCHES   40u
#define SHARE     (BATCHES * BATCH_MAX) /* numbers of one writer */

struct hall {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    atomic_bool closing;
    atomic_uint_fast64_t acknowledged; /* entries 0 to this are there */
    struct receipt receipts[WRITERS * SHARE];
    bool recorded[WRITERS * SHARE];
    bool erased[WRITERS * SHARE * 2]; /* by index; each by one thread */
};

struct part {
    struct hall *hall;
    unsigned number;
    pthread_t thread;
};

static struct hall *
hall_open(void)
{
    struct hall *hall = calloc(1, sizeof *hall);
    hall->disk = fixture_disk();
    struct folder_options options = {
        .head_entries_max = HEAD_MAX,
        .checkpoint_interval = 2000000,
        .disk = hall->disk,
        .command = "thread test",
    };
    MUST(folder_open("simulated", &options, &hall->folder, &why));
    hall->trail = fixture_create(hall->folder, "main", FIXTURE_ORIGIN);
    return hall;
}

static void
hall_close(struct hall *hall, uint64_t entries, uint64_t erased)
{
    MUST(trail_close(hall->trail, &why));
    fixture_intact(hall->folder, "main", entries, erased);
    folder_close(hall->folder);
    disk_close_folder(hall->disk);
    free(hall);
}

static void
start(struct hall *hall, struct part *parts, size_t count, void *(*play)(void *))
{
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct part){ .hall = hall, .number = (unsigned)i };
        if (pthread_create(&parts[i].thread, NULL, play, &parts[i]) != 0)
            fixture_fail("no thread");
    }
}

static void
join(struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(parts[i].thread, NULL);
}

static void
check_own(struct hall *hall, uint64_t number, const struct receipt *receipt)
{
    struct snapshot *snapshot;
    struct run_entry entry;
    struct tally_hash leaf;
    char id[32];
    MUST(snapshot_open(hall->trail, &snapshot, &why));
    MUST(snapshot_entry(snapshot, receipt->index, RUN_PARTS, &entry, &why));
    tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
    (void)snprintf(id, sizeof id, "event-%" PRIu64, number);
    if (!tally_hash_equal(&leaf, &receipt->leaf) || !bytes_is(entry.values[FIELD_ID], id))
        fixture_fail("entry %" PRIu64 " is not what the receipt says", receipt->index);
    snapshot_close(snapshot);
}

static void
check_batch(const struct receipt *receipts, uint32_t count, const struct append_result *result,
            uint64_t after)
{
    if (result->count != count || result->first < after || result->size < result->first + count)
        fixture_fail("the batch of %" PRIu32 " went to %" PRIu64 ", %" PRIu32 " of them", count,
                     result->first, result->count);
    for (uint32_t i = 0; i < count; i++)
        if (receipts[i].index != result->first + i || receipts[i].repeated)
            fixture_fail("a batch is not contiguous");
}

static void *
write_batches(void *context)
{
    struct part *part = context;
    struct hall *hall = part->hall;
    uint64_t random = part->number, next = part->number * SHARE, after = 0;
    for (unsigned i = 0; i < BATCHES; i++) {
        uint32_t count = 1 + (uint32_t)(fixture_random(&random) % BATCH_MAX);
        struct batch *batch = fixture_batch(hall->trail, next, count);
        struct receipt *receipts = &hall->receipts[next];
        struct append_result result;
        tally_status status;
        do
            status = trail_append(hall->trail, batch, i % 2 == 0 ? APPEND_WAIT : APPEND_REFUSE,
                                  receipts, &result, &why);
        while (status == TALLY_BUSY);
        MUST(status);
        check_batch(receipts, count, &result, after);
        after = result.first + count;
        for (uint32_t k = 0; k < count; k++)
            hall->recorded[next + k] = true;
        check_own(hall, next + count - 1, &receipts[count - 1]);
        uint64_t known = atomic_load(&hall->acknowledged);
        while (known < after - 1 &&
               !atomic_compare_exchange_weak(&hall->acknowledged, &known, after - 1))
            ;
        next += count;
        batch_destroy(batch);
    }
    return NULL;
}

/* Snapshots only grow, hold together, and agree with their checkpoint. */
static void *
read_on(void *context)
{
    struct hall *hall = ((struct part *)context)->hall;
    uint64_t random = 99, size = 0;
    while (!atomic_load(&hall->closing)) {
        struct snapshot *snapshot;
        struct bytes note;
        uint64_t known = atomic_load(&hall->acknowledged);
        MUST(snapshot_open(hall->trail, &snapshot, &why));
        if (snapshot_size(snapshot) < size || snapshot_size(snapshot) <= known)
            fixture_fail("a snapshot of %" PRIu64 " after %" PRIu64, snapshot_size(snapshot), size);
        size = snapshot_size(snapshot);
        for (unsigned i = 0; i < 20; i++) {
            struct run_entry entry;
            MUST(snapshot_entry(snapshot, fixture_random(&random) % size, RUN_PARTS, &entry, &why));
        }
        const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
        struct tally_tree tree;
        struct tally_hash root;
        MUST(tally_tree_read(checkpoint->size, snapshot_hash, snapshot, &tree, &why));
        tally_tree_root(&tree, &root);
        if (!tally_hash_equal(&root, &checkpoint->root))
            fixture_fail("the root at size %" PRIu64 " is another", checkpoint->size);
        snapshot_close(snapshot);
    }
    return NULL;
}

/* Signs, seals and erases in turn. */
static void *
disturb(void *context)
{
    struct hall *hall = ((struct part *)context)->hall;
    uint64_t random = 7;
    while (!atomic_load(&hall->closing)) {
        MUST(trail_sign(hall->trail, &why));
        if (fixture_random(&random) % 4 == 0)
            MUST(trail_seal(hall->trail, SEAL_ALL, &why));
        uint64_t index = fixture_random(&random) % (atomic_load(&hall->acknowledged) + 1);
        tally_status status = trail_erase(hall->trail, &index, 1, "asked for", &why);
        if (status != TALLY_INVALID) { /* a control entry */
            MUST(status);
            hall->erased[index] = true;
        }
    }
    return NULL;
}

/* Every receipt, and what was erased; returns how many entries are erased. */
static uint64_t
check_receipts(struct hall *hall)
{
    struct snapshot *snapshot;
    uint64_t erased = 0;
    MUST(snapshot_open(hall->trail, &snapshot, &why));
    for (uint64_t i = 0; i < WRITERS * SHARE; i++) {
        struct run_entry entry;
        struct tally_hash leaf;
        if (!hall->recorded[i])
            continue;
        const struct receipt *receipt = &hall->receipts[i];
        MUST(snapshot_entry(snapshot, receipt->index, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        assert_true(tally_hash_equal(&leaf, &receipt->leaf));
        assert_int_equal(entry.erased, hall->erased[receipt->index]);
        erased += entry.erased;
    }
    snapshot_close(snapshot);
    return erased;
}

static void
everything_at_once(void **state)
{
    (void)state;
    struct hall *hall = hall_open();
    struct part writers[WRITERS], readers[2], disturber;
    start(hall, readers, 2, read_on);
    start(hall, &disturber, 1, disturb);
    start(hall, writers, WRITERS, write_batches);
    join(writers, WRITERS);
    atomic_store(&hall->closing, true);
    join(&disturber, 1);
    join(readers, 2);
    uint64_t size = trail_size(hall->trail), erased = check_receipts(hall);
    print_message("# %" PRIu64 " entries, %" PRIu64 " erased\n", size, erased);
    hall_close(hall, size, erased);
}

/* Lets the threads' batches come together in one group: nobody has the order until all wait. */
static void
start_together(struct hall *hall, struct part *parts, void *(*play)(void *))
{
    order_take(hall->trail);
    start(hall, parts, WRITERS, play);
    struct timespec pause = { .tv_nsec = 50000000 };
    (void)nanosleep(&pause, NULL);
    order_release(hall->trail);
}

/* Everyone sends the same events: whoever comes first, there is one entry of each. */
static void *
write_the_same(void *context)
{
    struct part *part = context;
    struct hall *hall = part->hall;
    struct receipt *receipts = &hall->receipts[part->number * SHARE];
    for (unsigned i = 0; i < 300; i += 10) {
        struct append_result result;
        struct batch *batch = fixture_batch(hall->trail, i, 10);
        tally_status status =
            trail_append(hall->trail, batch, APPEND_WAIT, receipts + i, &result, &why);
        if (status != TALLY_REPEATED)
            MUST(status);
        batch_destroy(batch);
    }
    return NULL;
}

static void
repeats_of_each_other(void **state)
{
    (void)state;
    struct hall *hall = hall_open();
    struct part writers[WRITERS];
    start_together(hall, writers, write_the_same);
    join(writers, WRITERS);
    assert_int_equal(trail_size(hall->trail), 301);
    for (unsigned i = 0; i < 300; i++) {
        unsigned fresh = 0;
        for (unsigned w = 0; w < WRITERS; w++) {
            const struct receipt *receipt = &hall->receipts[w * SHARE + i];
            fresh += !receipt->repeated;
            assert_int_equal(receipt->index, hall->receipts[i].index);
            assert_true(tally_hash_equal(&receipt->leaf, &hall->receipts[i].leaf));
        }
        assert_int_equal(fresh, 1);
    }
    hall_close(hall, 301, 0);
}

/* Everyone means something else by the same id: one wins, the others are told where it is. */
static void *
write_against(void *context)
{
    struct part *part = context;
    struct hall *hall = part->hall;
    struct batch *batch;
    MUST(batch_create(hall->trail, "test", NULL, &batch, &why));
    for (unsigned i = 0; i < 300; i++) {
        char text[128];
        struct receipt *receipt = &hall->receipts[part->number * SHARE + i];
        struct append_result result;
        int size = snprintf(text, sizeof text, "{\"id\":\"same-%u\",\"action\":\"by.%u\"}", i,
                            part->number);
        batch_clear(batch);
        MUST(batch_add(batch, bytes_of(text, (size_t)size), &why));
        tally_status status = trail_append(hall->trail, batch, APPEND_WAIT, receipt, &result, &why);
        hall->recorded[part->number * SHARE + i] = status == TALLY_OK;
        if (status == TALLY_CONFLICT)
            receipt->index = result.conflict;
        else
            MUST(status);
    }
    batch_destroy(batch);
    return NULL;
}

static void
conflicts_with_each_other(void **state)
{
    (void)state;
    struct hall *hall = hall_open();
    struct part writers[WRITERS];
    start_together(hall, writers, write_against);
    join(writers, WRITERS);
    assert_int_equal(trail_size(hall->trail), 301);
    for (unsigned i = 0; i < 300; i++) {
        unsigned winners = 0;
        for (unsigned w = 0; w < WRITERS; w++) {
            winners += hall->recorded[w * SHARE + i];
            assert_int_equal(hall->receipts[w * SHARE + i].index, hall->receipts[i].index);
        }
        assert_int_equal(winners, 1);
    }
    hall_close(hall, 301, 0);
}

/* Two mean different things by one id, in one group whose record cannot be written: neither may be
 * told of a conflict with an entry that is not there. */
static void *
write_in_vain(void *context)
{
    struct part *part = context;
    struct batch *batch;
    struct receipt receipt;
    struct append_result result;
    char text[64];
    int size = snprintf(text, sizeof text, "{\"id\":\"same\",\"action\":\"by.%u\"}", part->number);
    MUST(batch_create(part->hall->trail, "test", NULL, &batch, &why));
    MUST(batch_add(batch, bytes_of(text, (size_t)size), &why));
    tally_status status =
        trail_append(part->hall->trail, batch, APPEND_WAIT, &receipt, &result, &why);
    if (status != TALLY_IO && status != TALLY_POISONED)
        fixture_fail("status %d: %s", (int)status, why.text);
    batch_destroy(batch);
    return NULL;
}

static void
conflicts_with_what_is_not_there(void **state)
{
    (void)state;
    struct hall *hall = hall_open();
    struct part writers[WRITERS];
    disk_sim_fail(hall->disk, 0, SIM_FAULT_DEAD);
    start_together(hall, writers, write_in_vain);
    join(writers, WRITERS);
    disk_sim_heal(hall->disk);
    assert_int_equal(trail_close(hall->trail, &why), TALLY_POISONED);
    hall->trail = fixture_open(hall->folder, "main", TRAIL_WRITE);
    hall_close(hall, trail_size(hall->trail), 0);
}

/* Erasures that overtake each other: when the call returns, the entry's bytes are gone. */
static void *
erase_own(void *context)
{
    struct part *part = context;
    struct hall *hall = part->hall;
    for (unsigned i = 0; i < 12; i++) {
        uint64_t index = 1 + part->number + i * WRITERS;
        struct snapshot *snapshot;
        struct run_entry entry;
        MUST(trail_erase(hall->trail, &index, 1, "asked for", &why));
        MUST(snapshot_open(hall->trail, &snapshot, &why));
        MUST(snapshot_entry(snapshot, index, RUN_PARTS, &entry, &why));
        if (!entry.erased)
            fixture_fail("entry %" PRIu64 " was not erased", index);
        snapshot_close(snapshot);
    }
    return NULL;
}

static void
erasures_beside_each_other(void **state)
{
    (void)state;
    struct hall *hall = hall_open();
    struct part erasers[WRITERS], writer;
    for (unsigned i = 0; i < 12 * WRITERS; i += 12)
        fixture_record(hall->trail, 100000 + i, 12, NULL);
    start(hall, &writer, 1, write_batches);
    start(hall, erasers, WRITERS, erase_own);
    join(erasers, WRITERS);
    join(&writer, 1);
    hall_close(hall, trail_size(hall->trail), 12 * WRITERS);
}

/* Trails of one folder come and go while others are at work. */
static void *
live_in_own_trail(void *context)
{
    struct part *part = context;
    struct hall *hall = part->hall;
    char name[16];
    (void)snprintf(name, sizeof name, "tenant-%u", part->number);
    struct trail *trail = fixture_create(hall->folder, name, NULL);
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned k = 0; k < 5; k++)
            fixture_record(trail, i * 250 + k * 50, 50, NULL);
        MUST(trail_close(trail, &why));
        trail = fixture_open(hall->folder, name, TRAIL_WRITE);
        if (trail_size(trail) != 1 + (i + 1) * 250)
            fixture_fail("%s has %" PRIu64 " entries", name, trail_size(trail));
    }
    MUST(trail_close(trail, &why));
    fixture_intact(hall->folder, name, 2501, 0);
    return NULL;
}

static void
trails_come_and_go(void **state)
{
    (void)state;
    struct hall *hall = hall_open();
    struct part parts[WRITERS];
    start(hall, parts, WRITERS, live_in_own_trail);
    join(parts, WRITERS);
    hall_close(hall, 1, 0);
}

static uint64_t
signed_size(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    uint64_t size = trail->note.checkpoint.size;
    (void)pthread_mutex_unlock(&trail->mutex);
    return size;
}

/* A trail that is written to without a pause is signed twice an interval and not whenever it could
 * be; and once more when it ends. On a real disk, where signing takes as long as appending. */
static void
signed_now_and_then(void **state)
{
    (void)state;
    const int64_t interval = CLOCK_SECOND / 25;
    struct folder_options options = { .checkpoint_interval = interval };
    struct folder *folder;
    char *path = fixture_path();
    MUST(folder_open(path, &options, &folder, &why));
    const struct disk_counters *counters = &folder_disk(folder)->counters;
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    int64_t began = clock_monotonic();
    uint64_t syncs = counters->syncs;
    uint64_t appended = 0;
    struct receipt receipt;
    while (clock_monotonic() - began < CLOCK_SECOND / 3)
        fixture_record(trail, appended++, 1, &receipt);
    /* One sync an append, two a checkpoint; a few more where journal files change. The time is read
     * later than the syncs, so that none is counted that had no time. */
    uint64_t others = counters->syncs - syncs - appended;
    uint64_t rounds = (uint64_t)((clock_monotonic() - began) / (interval / 2)) + 2;
    if (others > 2 * rounds + 40)
        fixture_fail("%" PRIu64 " syncs for checkpoints of %" PRIu64 " rounds", others, rounds);
    int64_t ended = clock_monotonic();
    const struct timespec pause = { .tv_nsec = 1000000 };
    while (signed_size(trail) < appended + 1) {
        if (clock_monotonic() - ended > 60 * CLOCK_SECOND)
            fixture_fail("the last entry is not signed");
        (void)nanosleep(&pause, NULL);
    }
    MUST(trail_close(trail, &why));
    folder_close(folder);
    fixture_remove(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_once),
        cmocka_unit_test(repeats_of_each_other),
        cmocka_unit_test(conflicts_with_each_other),
        cmocka_unit_test(conflicts_with_what_is_not_there),
        cmocka_unit_test(erasures_beside_each_other),
        cmocka_unit_test(trails_come_and_go),
        cmocka_unit_test(signed_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
