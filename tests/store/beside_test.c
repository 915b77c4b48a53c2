/*
 * beside_test.c - another process reads, verifies and exports while one writes.
 *
 * The writer records, signs, seals and erases in a process of its own. Readers open the trail again
 * and again, walk every entry, and hold what they saw against the checkpoint they were given: they
 * see all that it covers and nothing that it does not, so nothing that a crash could take back
 * (invariants 1 and 4). Sizes never go back, what one reader saw the next one sees too, and
 * verification never finds a fault.
 *
 * TALLY_BESIDE_SECONDS (8) says for how long; on a slow machine, until enough of it has happened.
 */
#include "fixture.h"

#include "clock.h"

#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD_MAX    300u
#define BATCH_MAX   30u
#define ENTRIES_MAX 60000u

static void
erase_some(struct trail *trail, uint64_t *random)
{
    uint64_t index = 1 + fixture_random(random) % (trail_size(trail) - 1);
    struct snapshot *snapshot;
    struct run_entry entry;
    MUST(snapshot_open(trail, &snapshot, &why));
    MUST(snapshot_entry(snapshot, index, RUN_VALUES, &entry, &why));
    bool control = entry.control;
    snapshot_close(snapshot);
    if (!control)
        MUST(trail_erase(trail, &index, 1, "asked for", &why));
}

/* Writes until a byte comes down the pipe, or it is closed. */
_Noreturn static void
write_on(const char *path, int pipe)
{
    struct folder_options options = { .head_entries_max = HEAD_MAX,
                                      .checkpoint_interval = 20000000,
                                      .command = "beside test" };
    struct folder *folder;
    MUST(folder_open(path, &options, &folder, &why));
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    uint64_t random = 5, number = 0;
    for (;;) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(pipe, &set);
        struct timeval wait = { .tv_usec = number < ENTRIES_MAX ? 0 : 10000 };
        if (select(pipe + 1, &set, NULL, NULL, &wait) != 0)
            break;
        if (number >= ENTRIES_MAX)
            continue;
        uint32_t count = 1 + (uint32_t)(fixture_random(&random) % BATCH_MAX);
        fixture_record(trail, number, count, NULL);
        number += count;
        if (fixture_random(&random) % 40 == 0)
            erase_some(trail, &random);
        if (fixture_random(&random) % 100 == 0) {
            MUST(trail_close(trail, &why));
            trail = fixture_open(folder, "main", TRAIL_WRITE);
        }
    }
    MUST(trail_close(trail, &why));
    folder_close(folder);
    _exit(0);
}

/* What was seen by now. */
struct sight {
    struct tally_hash *leaves;
    uint64_t size;
    struct tally_checkpoint checkpoint;
    uint64_t opened, verified, erased;
};

/* Nothing is tested before there was something to see, and that is waited for, but not for ever. */
#define PATIENCE (240 * CLOCK_SECOND)

static bool
saw_enough(const struct sight *sight)
{
    return sight->opened > 5 && sight->size > 500 && sight->erased > 0;
}

/* Walks everything a reader is given. */
static void
look(struct folder *folder, struct sight *sight)
{
    struct trail *trail = fixture_open(folder, "main", TRAIL_READ);
    struct snapshot *snapshot;
    struct bytes note;
    struct tally_tree tree;
    tally_tree_init(&tree);
    MUST(snapshot_open(trail, &snapshot, &why));
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    assert_non_null(checkpoint);
    struct tally_checkpoint opened;
    MUST(tally_checkpoint_open((const char *)note.data, note.size, trail_vkey(trail), NULL, &opened,
                               &why));
    /* All that the checkpoint covers, and not one more: the rest could still be lost. */
    assert_int_equal(snapshot_size(snapshot), checkpoint->size);
    if (checkpoint->size < sight->size)
        fail_msg("%" PRIu64 " entries after %" PRIu64, checkpoint->size, sight->size);
    sight->erased = 0;
    for (uint64_t i = 0; i < checkpoint->size; i++) {
        struct run_entry entry;
        struct tally_hash leaf;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        tally_tree_append(&tree, &leaf);
        if (i < sight->size && !tally_hash_equal(&leaf, &sight->leaves[i]))
            fail_msg("entry %" PRIu64 " has another leaf than before", i);
        sight->leaves[i] = leaf;
        sight->erased += entry.erased;
    }
    struct tally_hash root;
    tally_tree_root(&tree, &root);
    assert_true(tally_hash_equal(&root, &checkpoint->root));
    sight->size = checkpoint->size;
    sight->checkpoint = *checkpoint;
    sight->opened++;
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
}

static void
verify(struct folder *folder, struct sight *sight)
{
    struct verify_report report;
    struct verify_options options = { .seen = &sight->checkpoint };
    MUST(verify_trail(folder, "main", &options, &report, &why));
    if (report.verdict != VERDICT_INTACT)
        fail_msg("verdict %d (file \"%s\"): %s", (int)report.verdict, report.file, report.text);
    assert_true(report.checkpoint.size >= sight->size);
    assert_true(report.entries >= report.checkpoint.size);
    sight->verified++;
}

static void
read_beside_a_writer(void **state)
{
    (void)state;
    char *path = fixture_path();
    struct folder_options options = { .manual = true, .command = "reader" };
    struct folder *folder;
    MUST(folder_open(path, &options, &folder, &why));
    MUST(trail_close(fixture_create(folder, "main", FIXTURE_ORIGIN), &why));

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[1]);
        write_on(path, ends[0]);
    }
    (void)close(ends[0]);
    struct sight sight = { .leaves = malloc((ENTRIES_MAX + 10000) * sizeof *sight.leaves) };
    int64_t end =
        clock_monotonic() + (int64_t)fixture_setting("TALLY_BESIDE_SECONDS", 8) * 1000000000;
    int64_t now = clock_monotonic();
    for (; now < end || (now < end + PATIENCE && !saw_enough(&sight)); now = clock_monotonic()) {
        look(folder, &sight);
        verify(folder, &sight);
    }
    (void)close(ends[1]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    look(folder, &sight);
    verify(folder, &sight);
    print_message("# opened %" PRIu64 " times, verified %" PRIu64 " times, %" PRIu64
                  " entries, %" PRIu64 " erased\n",
                  sight.opened, sight.verified, sight.size, sight.erased);
    assert_true(saw_enough(&sight));
    free(sight.leaves);
    folder_close(folder);
    fixture_remove(path);
}

/* A reader that opened once goes on reading the same while the writer seals and erases behind
 * it. */
static void
one_long_look(void **state)
{
    (void)state;
    char *path = fixture_path();
    struct folder_options options = { .manual = true, .head_entries_max = HEAD_MAX };
    struct folder *folder, *other;
    MUST(folder_open(path, &options, &folder, &why));
    MUST(folder_open(path, &options, &other, &why));
    struct trail *writer = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (unsigned i = 0; i < 5; i++)
        fixture_record(writer, i * HEAD_MAX, HEAD_MAX, NULL);
    MUST(trail_sign(writer, &why));
    struct trail *reader = fixture_open(other, "main", TRAIL_READ);
    struct snapshot *snapshot;
    MUST(snapshot_open(reader, &snapshot, &why));
    uint64_t size = snapshot_size(snapshot);
    assert_int_equal(size, 5 * HEAD_MAX + 1);
    static struct tally_hash leaves[5 * HEAD_MAX + 1];
    for (unsigned round = 0; round < 4; round++) {
        for (uint64_t i = 0; i < size; i++) {
            struct run_entry entry;
            struct tally_hash leaf;
            MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
            tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
            assert_true(round == 0 || tally_hash_equal(&leaf, &leaves[i]));
            leaves[i] = leaf;
        }
        MUST(trail_seal(writer, SEAL_ALL, &why));
        MUST(trail_erase(writer, (uint64_t[]){ 10 + round, 400 + round, 1000 + round }, 3,
                         "asked for", &why));
        fixture_record(writer, 100000 + round * HEAD_MAX, HEAD_MAX, NULL);
    }
    snapshot_close(snapshot);
    MUST(trail_close(reader, &why));
    MUST(trail_close(writer, &why));
    fixture_intact(folder, "main", size + 4 + 4 * HEAD_MAX, 12);
    folder_close(other);
    folder_close(folder);
    fixture_remove(path);
}

/* Lets everyone read the folder and nobody write it. */
static int
make_readable(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)walk;
    return chmod(path, kind == FTW_D || kind == FTW_DP ? 0555 : 0444);
}

/* Dies as a process does that is killed: nothing is signed or closed. */
static void
record_and_die(const char *path)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct folder_options options = { .manual = true };
        struct folder *folder;
        MUST(folder_open(path, &options, &folder, &why));
        struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
        fixture_record(trail, 0, 50, NULL);
        MUST(trail_sign(trail, &why));
        fixture_record(trail, 50, 30, NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* A folder that may not be written, with entries that no checkpoint covers: they are read, and
 * counted. */
static void
without_permission_to_write(void **state)
{
    (void)state;
    char *path = fixture_path();
    record_and_die(path);
    assert_int_equal(nftw(path, make_readable, 16, FTW_DEPTH | FTW_PHYS), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* Root may write anything: become somebody else. */
        if (geteuid() == 0 && setuid(65534) != 0)
            fixture_fail("cannot become another user");
        struct folder *folder;
        struct trail *trail;
        struct trail_recovery recovery;
        MUST(folder_open(path, NULL, &folder, &why));
        if (trail_open(folder, "main", TRAIL_WRITE, &trail, NULL, &why) != TALLY_DENIED)
            fixture_fail("opened for writing without permission");
        MUST(trail_open(folder, "main", TRAIL_READ, &trail, &recovery, &why));
        if (trail_size(trail) != 81 || recovery.unsigned_ != 30)
            fixture_fail("%" PRIu64 " entries, %" PRIu64 " unsigned", trail_size(trail),
                         recovery.unsigned_);
        struct snapshot *snapshot;
        struct bytes note;
        MUST(snapshot_open(trail, &snapshot, &why));
        if (snapshot_checkpoint(snapshot, &note)->size != 51)
            fixture_fail("another checkpoint than the last one");
        snapshot_close(snapshot);
        MUST(trail_close(trail, &why));
        struct verify_report report;
        if (fixture_verify(folder, "main", &report) != VERDICT_INTACT || report.unsigned_ != 30)
            fixture_fail("verdict %d, %" PRIu64 " unsigned", (int)report.verdict, report.unsigned_);
        folder_close(folder);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fixture_remove(path);
}

/* Without its key a trail can be read, also what was not signed. */
static void
without_the_key(void **state)
{
    (void)state;
    char *path = fixture_path();
    record_and_die(path);
    struct folder *folder;
    struct trail *trail;
    MUST(folder_open(path, NULL, &folder, &why));
    MUST(disk_unlink(folder_disk(folder), "keys/main", &why));
    assert_int_equal(trail_open(folder, "main", TRAIL_WRITE, &trail, NULL, &why), TALLY_DENIED);
    assert_non_null(strstr(why.text, "keys/main"));
    struct trail_recovery recovery;
    MUST(trail_open(folder, "main", TRAIL_READ, &trail, &recovery, &why));
    assert_int_equal(trail_size(trail), 81);
    assert_int_equal(recovery.unsigned_, 30);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    fixture_remove(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_beside_a_writer),
        cmocka_unit_test(one_long_look),
        cmocka_unit_test(without_permission_to_write),
        cmocka_unit_test(without_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
