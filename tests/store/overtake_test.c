/*
 * overtake_test.c - whatever a writer does between any two looks of a reader, the reader gets a whole
 * trail and no false alarm.
 *
 * A disk that stands before the simulated one lets a writer live on, at the n-th file that a reader
 * opens: it records, signs, seals, erases, rebuilds, closes and opens again. This is done for every n
 * of opening, of walking a snapshot, and of verifying; and again at every file from n on. Invariants 1
 * and 4, where beside_test.c leaves it to chance.
 */
#include "disk_sim.h"
#include "fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD_MAX 30u

struct writer {
    struct folder *folder;
    struct trail *trail;
    uint64_t number;
};

enum life {
    LIFE_SEAL,   /* records, signs, seals: journal files go */
    LIFE_ERASE,  /* and private files */
    LIFE_REOPEN, /* closes and opens */
    LIFE_UNSIGNED,
    LIVES,
};

static void
live_on(struct writer *writer, enum life life)
{
    fixture_record(writer->trail, writer->number, 20, NULL);
    writer->number += 20;
    if (life == LIFE_UNSIGNED)
        return;
    if (life == LIFE_ERASE) {
        uint64_t index = 1 + writer->number % 20;
        MUST(trail_erase(writer->trail, &index, 1, "asked for", &why));
    }
    MUST(trail_seal(writer->trail, SEAL_ALL, &why));
    fixture_record(writer->trail, writer->number, 5, NULL);
    writer->number += 5;
    MUST(trail_sign(writer->trail, &why));
    if (life == LIFE_REOPEN) {
        MUST(trail_close(writer->trail, &why));
        writer->trail = fixture_open(writer->folder, "main", TRAIL_WRITE);
    }
}

/* The disk that the reader is given. */
struct gate {
    struct disk disk;
    struct disk_operations operations;
    struct disk *behind;
    struct writer *writer;
    enum life life;
    uint64_t opened;      /* files, since it was armed */
    uint64_t first, last; /* the writer lives on before these */
};

static struct gate *
gate_of(struct disk *disk)
{
    return (struct gate *)disk;
}

static tally_status
gate_open(struct disk *disk, const char *name, enum disk_mode mode, struct disk_file **file_out,
          struct tally_error *error)
{
    struct gate *gate = gate_of(disk);
    uint64_t n = gate->opened++;
    if (n >= gate->first && n <= gate->last)
        live_on(gate->writer, gate->life);
    return gate->behind->operations->open(gate->behind, name, mode, file_out, error);
}

/* In place of gate_open(): the writer lives on before each look at the manifest. */
static tally_status
restless_open(struct disk *disk, const char *name, enum disk_mode mode, struct disk_file **file_out,
              struct tally_error *error)
{
    struct gate *gate = gate_of(disk);
    if (strcmp(name, "trails/main/manifest") == 0)
        live_on(gate->writer, gate->life);
    return gate->behind->operations->open(gate->behind, name, mode, file_out, error);
}

static tally_status
gate_make_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    return disk_make_folder(gate_of(disk)->behind, name, error);
}

static tally_status
gate_sync_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    return disk_sync_folder(gate_of(disk)->behind, name, error);
}

static tally_status
gate_rename(struct disk *disk, const char *from, const char *to, struct tally_error *error)
{
    return disk_rename(gate_of(disk)->behind, from, to, error);
}

static tally_status
gate_unlink(struct disk *disk, const char *name, struct tally_error *error)
{
    return disk_unlink(gate_of(disk)->behind, name, error);
}

static tally_status
gate_list(struct disk *disk, const char *folder, disk_name_visitor visitor, void *context,
          struct tally_error *error)
{
    return disk_list(gate_of(disk)->behind, folder, visitor, context, error);
}

static tally_status
gate_space(struct disk *disk, uint64_t *free_out, struct tally_error *error)
{
    return disk_space(gate_of(disk)->behind, free_out, error);
}

static void
gate_init(struct gate *gate, struct disk *behind, struct writer *writer)
{
    *gate = (struct gate){ .behind = behind, .writer = writer, .first = UINT64_MAX };
    gate->operations = (struct disk_operations){
        .open = gate_open,
        .make_folder = gate_make_folder,
        .sync_folder = gate_sync_folder,
        .rename = gate_rename,
        .unlink = gate_unlink,
        .list = gate_list,
        .space = gate_space,
    };
    gate->disk.operations = &gate->operations;
}

static void
arm(struct gate *gate, enum life life, uint64_t first, uint64_t last)
{
    gate->life = life;
    gate->opened = 0;
    gate->first = first;
    gate->last = last;
}

/* What a reader sees: all that its checkpoint covers, nothing else, with the signed root. */
static void
look(struct folder *folder, uint64_t at_least)
{
    struct trail *trail = fixture_open(folder, "main", TRAIL_READ);
    struct snapshot *snapshot;
    struct bytes note;
    struct tally_tree tree;
    tally_tree_init(&tree);
    MUST(snapshot_open(trail, &snapshot, &why));
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    assert_int_equal(snapshot_size(snapshot), checkpoint->size);
    assert_true(checkpoint->size >= at_least);
    for (uint64_t i = 0; i < checkpoint->size; i++) {
        struct run_entry entry;
        struct tally_hash leaf;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        tally_tree_append(&tree, &leaf);
    }
    struct tally_hash root;
    tally_tree_root(&tree, &root);
    assert_true(tally_hash_equal(&root, &checkpoint->root));
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
}

static void
verify(struct folder *folder, uint64_t at_least)
{
    struct verify_report report;
    /* Once: a second look would see what the writer did during the first. */
    const struct verify_options options = { 0 };
    MUST(verify_trail(folder, "main", &options, &report, &why));
    if (report.verdict != VERDICT_INTACT)
        fail_msg("verdict %d: %s", (int)report.verdict, report.text);
    assert_true(report.entries >= at_least);
}

/* Does `act` with the writer living on before the n-th file it opens, and before all from there. */
static void
overtake(void (*act)(struct folder *, uint64_t), enum life life)
{
    uint64_t opened = 1;
    for (uint64_t n = 0; n < opened; n++)
        for (unsigned all = 0; all < 2; all++) {
            struct disk *disk = fixture_disk();
            struct writer writer = { .folder = fixture_folder(disk, HEAD_MAX) };
            writer.trail = fixture_create(writer.folder, "main", FIXTURE_ORIGIN);
            for (unsigned i = 0; i < 2; i++)
                live_on(&writer, LIFE_SEAL);
            MUST(trail_sign(writer.trail, &why));
            uint64_t size = trail_size(writer.trail);
            struct gate gate;
            gate_init(&gate, disk, &writer);
            struct folder *folder = fixture_folder(&gate.disk, HEAD_MAX);
            /* A writer that never rests is given up on at last: five times is rest enough. */
            arm(&gate, life, n, all == 0 ? n : n + 5);
            act(folder, size);
            opened = all == 0 && gate.opened > opened ? gate.opened : opened;
            arm(&gate, life, UINT64_MAX, 0);
            folder_close(folder);
            MUST(trail_close(writer.trail, &why));
            size = writer.number + 1;
            verify(writer.folder, size);
            folder_close(writer.folder);
            disk_close_folder(disk);
        }
    print_message("# %" PRIu64 " places\n", opened);
    assert_true(opened > 5);
}

static void
reading(void **state)
{
    (void)state;
    for (int life = 0; life < LIVES; life++)
        overtake(look, (enum life)life);
}

static void
verifying(void **state)
{
    (void)state;
    for (int life = 0; life < LIVES; life++)
        overtake(verify, (enum life)life);
}

/* Where every look finds damage, and each time it may be because the trail has changed meanwhile, it is
 * not intact for that. */
static void
never_at_rest(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct writer writer = { .folder = fixture_folder(disk, HEAD_MAX) };
    writer.trail = fixture_create(writer.folder, "main", FIXTURE_ORIGIN);
    live_on(&writer, LIFE_SEAL);
    static const char file[] = "trails/main/segments/0000000000000000.public";
    uint8_t byte;
    uint64_t middle = disk_sim_size(disk, file) / 2;
    disk_sim_peek(disk, file, middle, &byte, 1);
    byte ^= 1;
    disk_sim_poke(disk, file, middle, &byte, 1);

    struct gate gate;
    gate_init(&gate, disk, &writer);
    gate.operations.open = restless_open;
    struct folder *folder = fixture_folder(&gate.disk, HEAD_MAX);
    const struct verify_options options = { 0 };
    struct verify_report report;
    MUST(verify_trail(folder, "main", &options, &report, &why));
    assert_int_equal(report.verdict, VERDICT_UNCHECKABLE);
    assert_non_null(strstr(report.text, "changed under each"));
    MUST(verify_trail(writer.folder, "main", &options, &report, &why)); /* at rest */
    assert_int_equal(report.verdict, VERDICT_TAMPERED);
    folder_close(folder);
    MUST(trail_close(writer.trail, &why));
    folder_close(writer.folder);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(verifying),
        cmocka_unit_test(never_at_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
