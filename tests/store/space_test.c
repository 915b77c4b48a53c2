/*
 * space_test.c - no space, and a disk in doubt.
 *
 * Invariant 1 where the disk does not play along: without space nothing is acknowledged that is not
 * there, and the trail goes on by itself when space returns; after a failed sync it refuses, says
 * why, still answers reads, and is well when it is opened again.
 */
#include "fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD_MAX 60u
#define COUNT    20u

struct life {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    struct tally_hash leaves[4000]; /* acknowledged */
    uint64_t size;
    uint64_t number; /* of the next event */
};

static void
begin(struct life *life)
{
    *life = (struct life){ .disk = fixture_disk() };
    life->folder = fixture_folder(life->disk, HEAD_MAX);
    life->trail = fixture_create(life->folder, "main", FIXTURE_ORIGIN);
    struct snapshot *snapshot;
    struct run_entry entry;
    MUST(snapshot_open(life->trail, &snapshot, &why));
    MUST(snapshot_entry(snapshot, 0, RUN_PARTS, &entry, &why));
    tally_hash_leaf(entry.public_part.data, entry.public_part.size, &life->leaves[0]);
    snapshot_close(snapshot);
    life->size = 1;
}

static tally_status
record(struct life *life)
{
    struct batch *batch = fixture_batch(life->trail, life->number, COUNT);
    struct receipt receipts[COUNT];
    struct append_result result;
    tally_status status = trail_append(life->trail, batch, APPEND_WAIT, receipts, &result, &why);
    batch_destroy(batch);
    if (status == TALLY_OK || status == TALLY_REPEATED) {
        life->number += COUNT;
        for (unsigned i = 0; i < COUNT; i++) {
            assert_true(receipts[i].index <= life->size);
            if (receipts[i].index == life->size)
                life->leaves[life->size++] = receipts[i].leaf;
        }
    }
    return status;
}

/* Everything that was acknowledged, no more and no less. */
static void
check_all(struct life *life)
{
    struct snapshot *snapshot;
    MUST(snapshot_open(life->trail, &snapshot, &why));
    assert_int_equal(snapshot_size(snapshot), life->size);
    for (uint64_t i = 0; i < life->size; i++) {
        struct run_entry entry;
        struct tally_hash leaf;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        assert_true(tally_hash_equal(&leaf, &life->leaves[i]));
    }
    snapshot_close(snapshot);
}

static void
end(struct life *life)
{
    check_all(life);
    MUST(trail_close(life->trail, &why));
    fixture_intact(life->folder, "main", life->size, 0);
    folder_close(life->folder);
    disk_close_folder(life->disk);
}

static void
full_and_on(void **state)
{
    (void)state;
    static struct life life;
    begin(&life);
    for (unsigned round = 0; round < 3; round++) {
        disk_sim_set_space(life.disk, 0);
        tally_status status = TALLY_OK;
        for (unsigned i = 0; i < 60 && status == TALLY_OK; i++)
            status = record(&life);
        assert_int_equal(status, TALLY_FULL);
        assert_null(trail_poisoned(life.trail));
        check_all(&life);
        assert_int_equal(record(&life), TALLY_FULL); /* and again */
        disk_sim_set_space(life.disk, UINT64_MAX);
        MUST(record(&life));
        MUST(trail_sign(life.trail, &why));
    }
    end(&life);
}

/* Whatever the room, in every step of what a trail does: answers TALLY_FULL, is not poisoned, and
 * goes on. */
static void
every_amount_of_space(void **state)
{
    (void)state;
    static struct life life;
    unsigned met = 0;
    for (uint64_t room = 0; room < 400000; room += room < 3000 ? 100 : 2500) {
        begin(&life);
        disk_sim_set_space(life.disk, room);
        for (unsigned i = 0; i < 12; i++) {
            tally_status status = record(&life);
            if (status == TALLY_OK && i % 3 == 2)
                status = trail_sign(life.trail, &why);
            if (status == TALLY_OK && i % 4 == 3)
                status = trail_seal(life.trail, SEAL_ALL, &why);
            if (status == TALLY_OK)
                continue;
            if (status != TALLY_FULL || trail_poisoned(life.trail) != NULL)
                fail_msg("room %" PRIu64 ", step %u: %s", room, i, why.text);
            met++;
            disk_sim_set_space(life.disk, UINT64_MAX);
            MUST(record(&life));
            disk_sim_set_space(life.disk, room / 2);
        }
        disk_sim_set_space(life.disk, UINT64_MAX);
        end(&life);
    }
    assert_true(met > 20);
}

/* Making a trail where there is no room leaves nothing in the way of making it later. */
static void
created_when_there_is_room(void **state)
{
    (void)state;
    unsigned met = 0;
    for (uint64_t room = 0; room < 80000; room += room < 5000 ? 50 : 1000) {
        struct disk *disk = fixture_disk();
        struct folder *folder = fixture_folder(disk, HEAD_MAX);
        struct trail_config config = { .origin = FIXTURE_ORIGIN };
        struct tally_vkey vkey;
        disk_sim_set_space(disk, room);
        tally_status status = trail_create(folder, "main", &config, &vkey, &why);
        if (status != TALLY_OK) {
            met++;
            if (status != TALLY_FULL)
                fail_msg("room %" PRIu64 ": %s", room, why.text);
            disk_sim_set_space(disk, UINT64_MAX);
            MUST(trail_create(folder, "main", &config, &vkey, &why));
        }
        disk_sim_set_space(disk, UINT64_MAX);
        fixture_intact(folder, "main", 1, 0);
        folder_close(folder);
        disk_close_folder(disk);
    }
    assert_true(met > 50);
}

static void
poisoned_by_a_failed_sync(void **state)
{
    (void)state;
    static struct life life;
    begin(&life);
    for (unsigned round = 0; round < 5; round++) {
        MUST(record(&life));
        MUST(record(&life));
        /* An append writes, then syncs. */
        disk_sim_fail(life.disk, 1, SIM_FAULT_IO);
        assert_int_equal(record(&life), TALLY_IO);
        assert_true(disk_sim_failed(life.disk));
        disk_sim_heal(life.disk);

        assert_non_null(trail_poisoned(life.trail));
        assert_non_null(strstr(trail_poisoned(life.trail), "journal"));
        assert_int_equal(record(&life), TALLY_POISONED);
        assert_non_null(strstr(why.text, "journal"));
        assert_int_equal(trail_seal(life.trail, SEAL_ALL, &why), TALLY_POISONED);
        check_all(&life); /* reads go on, and show what was acknowledged */
        struct snapshot *snapshot;
        struct bytes note;
        MUST(snapshot_open(life.trail, &snapshot, &why));
        assert_true(snapshot_checkpoint(snapshot, &note)->size <= life.size);
        snapshot_close(snapshot);

        assert_int_equal(trail_close(life.trail, &why), TALLY_POISONED);
        life.trail = fixture_open(life.folder, "main", TRAIL_WRITE);
        assert_null(trail_poisoned(life.trail));
        /* The batch in doubt is there or not; sending it again is safe. */
        uint64_t there = trail_size(life.trail);
        assert_true(there == life.size || there == life.size + COUNT);
        tally_status status = record(&life);
        assert_int_equal(status, there == life.size - COUNT ? TALLY_OK : TALLY_REPEATED);
    }
    end(&life);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_and_on),
        cmocka_unit_test(every_amount_of_space),
        cmocka_unit_test(created_when_there_is_room),
        cmocka_unit_test(poisoned_by_a_failed_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
