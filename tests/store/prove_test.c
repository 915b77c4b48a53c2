/*
 * prove_test.c - invariant 4: the root is a function of the public parts alone, and one size never
 * has two roots.
 *
 * Every entry of a trail is proved in every checkpoint that was ever visible, and every checkpoint
 * in every later one, from segments, heads and tree files alike. The roots are computed once more
 * from the leaves alone, by RFC 6962's definition.
 */
#include "fixture.h"

#include "tally/proof.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD_MAX    200u
#define ENTRIES_MAX 1500u
#define CHECKPOINTS 60u

struct life {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    struct tally_hash leaves[ENTRIES_MAX];
    uint64_t size;
    struct tally_checkpoint seen[CHECKPOINTS];
    size_t seen_count;
};

/* RFC 6962, section 2.1, word for word. */
static void
root_by_definition(const struct tally_hash *leaves, uint64_t size, struct tally_hash *out)
{
    if (size == 1) {
        *out = leaves[0];
        return;
    }
    uint64_t left = 1;
    while (left * 2 < size)
        left *= 2;
    struct tally_hash a, b;
    root_by_definition(leaves, left, &a);
    root_by_definition(leaves + left, size - left, &b);
    tally_hash_node(&a, &b, out);
}

static void
take_leaves(struct life *life)
{
    struct snapshot *snapshot;
    MUST(snapshot_open(life->trail, &snapshot, &why));
    for (; life->size < snapshot_size(snapshot); life->size++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, life->size, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &life->leaves[life->size]);
    }
    struct bytes note;
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    assert_non_null(checkpoint);
    assert_int_equal(checkpoint->size, snapshot_size(snapshot));
    life->seen[life->seen_count++] = *checkpoint;
    struct tally_checkpoint opened;
    MUST(tally_checkpoint_open((const char *)note.data, note.size, trail_vkey(life->trail),
                               FIXTURE_ORIGIN, &opened, &why));
    assert_int_equal(opened.size, checkpoint->size);
    snapshot_close(snapshot);
}

/* A life of 1,400 entries in batches of many sizes, with two erasures, sealed and reopened. */
static int
live(void **state)
{
    struct life *life = calloc(1, sizeof *life);
    uint64_t random = 4, number = 0;
    life->disk = fixture_disk();
    life->folder = fixture_folder(life->disk, HEAD_MAX);
    life->trail = fixture_create(life->folder, "main", FIXTURE_ORIGIN);
    for (unsigned i = 0; i < 50; i++) {
        uint32_t count = 1 + (uint32_t)(fixture_random(&random) % 55);
        fixture_record(life->trail, number, count, NULL);
        number += count;
        if (i % 20 == 19)
            MUST(trail_erase(life->trail, (uint64_t[]){ 5, number / 2 }, 2, "asked for", &why));
        if (i % 17 == 16) {
            MUST(trail_close(life->trail, &why));
            life->trail = fixture_open(life->folder, "main", TRAIL_WRITE);
        }
        MUST(trail_sign(life->trail, &why));
        take_leaves(life);
    }
    *state = life;
    return 0;
}

static int
die(void **state)
{
    struct life *life = *state;
    MUST(trail_close(life->trail, &why));
    folder_close(life->folder);
    disk_close_folder(life->disk);
    free(life);
    return 0;
}

static void
roots_are_of_leaves_alone(void **state)
{
    struct life *life = *state;
    assert_true(life->size > 1000 && life->size < ENTRIES_MAX);
    for (size_t i = 0; i < life->seen_count; i++) {
        struct tally_hash root;
        root_by_definition(life->leaves, life->seen[i].size, &root);
        assert_true(tally_hash_equal(&root, &life->seen[i].root));
    }
}

static void
check_inclusion(struct life *life, struct snapshot *snapshot, size_t seen)
{
    const struct tally_checkpoint *checkpoint = &life->seen[seen];
    for (uint64_t index = 0; index < checkpoint->size; index++) {
        struct tally_proof proof;
        MUST(tally_inclusion_prove(index, checkpoint->size, snapshot_hash, snapshot, &proof, &why));
        MUST(tally_inclusion_check(index, checkpoint->size, &life->leaves[index], &proof,
                                   &checkpoint->root));
    }
}

static void
every_entry_in_every_checkpoint(void **state)
{
    struct life *life = *state;
    struct snapshot *snapshot;
    MUST(snapshot_open(life->trail, &snapshot, &why));
    for (size_t i = 0; i < life->seen_count; i++)
        check_inclusion(life, snapshot, i);
    snapshot_close(snapshot);
    /* An older snapshot proves what it holds, and nothing beyond. */
    uint64_t size = life->seen[20].size;
    MUST(snapshot_open_at(life->trail, size, &snapshot, &why));
    check_inclusion(life, snapshot, 20);
    struct tally_hash hash;
    assert_int_equal(snapshot_hash(snapshot, 0, size, &hash, &why), TALLY_INVALID);
    snapshot_close(snapshot);
}

static void
every_checkpoint_in_every_later_one(void **state)
{
    struct life *life = *state;
    struct snapshot *snapshot;
    MUST(snapshot_open(life->trail, &snapshot, &why));
    for (size_t i = 0; i < life->seen_count; i++)
        for (size_t k = i; k < life->seen_count; k++) {
            const struct tally_checkpoint *old = &life->seen[i], *new = &life->seen[k];
            struct tally_proof proof;
            MUST(tally_consistency_prove(old->size, new->size, snapshot_hash, snapshot, &proof,
                                         &why));
            MUST(tally_consistency_check(old->size, &old->root, new->size, &new->root, &proof));
        }
    snapshot_close(snapshot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_of_leaves_alone),
        cmocka_unit_test(every_entry_in_every_checkpoint),
        cmocka_unit_test(every_checkpoint_in_every_later_one),
    };
    return cmocka_run_group_tests(tests, live, die);
}
