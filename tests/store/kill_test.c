/*
 * kill_test.c - invariants 1 and 3 with real processes: one that records is killed, again and
 * again.
 *
 * A child opens the trail, records batches, signs, seals and now and then erases, and writes every
 * receipt down a pipe once it has it. The parent kills it at a random moment with SIGKILL, takes
 * what the pipe holds, and opens the trail: every acknowledged entry must be there with its leaf,
 * what the child acknowledged as erased must be gone, and verification must find the trail intact.
 * Then the next child goes on with the same trail.
 *
 * TALLY_KILL_SECONDS (15) says for how long, TALLY_KILL_SEED where to begin; `make soak` runs it
 * for minutes. On a slow machine it goes on until something was replayed.
 */
#include "fixture.h"

#include "clock.h"

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BATCH_MAX 40u
#define HEAD_MAX  500u

/* So many lives and something replayed, or it was no test. Lives get longer while no child gets so far
 * as to record, and whoever gets nowhere at last is given up. */
#define LIVES_MIN 6u
#define LIVES_MAX 150u

/* A new trail is begun beyond: each is checked whole after every life. */
#define ENTRIES_MAX 8000u

/* What the child says, whole or not at all: smaller than PIPE_BUF. */
struct word {
    uint64_t index;
    uint64_t number; /* of the event; UINT64_MAX: the entry `index` was erased */
    struct tally_hash leaf;
};

/* Everything ever acknowledged, by index. */
struct ledger {
    struct tally_hash *leaves;
    bool *known, *erased;
    uint64_t capacity;
    uint64_t next_number; /* events below were acknowledged */
    unsigned in_vain;     /* lives since one acknowledged something */
};

static void
say(int pipe, const struct word *words, size_t count)
{
    const uint8_t *bytes = (const uint8_t *)words;
    size_t left = count * sizeof *words;
    while (left > 0) {
        ssize_t written =
            write(pipe, bytes, left < 480 ? left : 480 / sizeof *words * sizeof *words);
        if (written <= 0)
            _exit(1);
        bytes += written;
        left -= (size_t)written;
    }
}

static void
erase_some(struct trail *trail, int pipe, uint64_t *random)
{
    uint64_t indexes[3], first = 1 + fixture_random(random) % (trail_size(trail) - 4);
    size_t count = 0;
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    for (uint64_t i = first; i < first + 3; i++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, i, RUN_VALUES, &entry, &why));
        if (!entry.control)
            indexes[count++] = i;
    }
    snapshot_close(snapshot);
    MUST(trail_erase(trail, indexes, count, "asked for", &why));
    for (size_t i = 0; i < count; i++)
        say(pipe, &(struct word){ .index = indexes[i], .number = UINT64_MAX }, 1);
}

/* Records until it is killed. */
_Noreturn static void
child(const char *path, uint64_t number, uint64_t random, int pipe)
{
    struct folder_options options = { .head_entries_max = HEAD_MAX,
                                      .checkpoint_interval = 10000000,
                                      .command = "kill test" };
    struct folder *folder;
    MUST(folder_open(path, &options, &folder, &why));
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    for (;;) {
        uint32_t count = 1 + (uint32_t)(fixture_random(&random) % BATCH_MAX);
        struct receipt receipts[BATCH_MAX];
        struct append_result result;
        struct batch *batch = fixture_batch(trail, number, count);
        /* What an earlier child recorded without living to say so is repeated. */
        tally_status status = trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why);
        if (status != TALLY_OK && status != TALLY_REPEATED)
            fixture_fail("append: %s", why.text);
        batch_destroy(batch);
        struct word words[BATCH_MAX];
        for (uint32_t i = 0; i < count; i++)
            words[i] = (struct word){ receipts[i].index, number + i, receipts[i].leaf };
        say(pipe, words, count);
        number += count;
        if (fixture_random(&random) % 100 == 0)
            erase_some(trail, pipe, &random);
        if (fixture_random(&random) % 60 == 0) {
            MUST(trail_close(trail, &why));
            trail = fixture_open(folder, "main", TRAIL_WRITE);
        }
    }
}

static void
take_word(struct ledger *ledger, const struct word *word)
{
    if (word->index >= ledger->capacity) {
        uint64_t capacity = (word->index + 1) * 2;
        ledger->leaves = realloc(ledger->leaves, capacity * sizeof *ledger->leaves);
        ledger->known = realloc(ledger->known, capacity);
        ledger->erased = realloc(ledger->erased, capacity);
        memset(ledger->known + ledger->capacity, 0, capacity - ledger->capacity);
        memset(ledger->erased + ledger->capacity, 0, capacity - ledger->capacity);
        ledger->capacity = capacity;
    }
    if (word->number == UINT64_MAX) {
        ledger->erased[word->index] = true;
        return;
    }
    /* A repeat must be of the same entry. */
    if (ledger->known[word->index] && !tally_hash_equal(&ledger->leaves[word->index], &word->leaf))
        fixture_fail("entry %" PRIu64 " was acknowledged with two leaves", word->index);
    ledger->in_vain = 0;
    ledger->known[word->index] = true;
    ledger->leaves[word->index] = word->leaf;
    if (word->number >= ledger->next_number)
        ledger->next_number = word->number + 1;
}

/* False when the child is gone and everything is read. */
static bool
take_words(int pipe, struct ledger *ledger)
{
    struct word words[85];
    ssize_t size = read(pipe, words, sizeof words);
    assert_true(size >= 0 && (size_t)size % sizeof *words == 0);
    for (size_t i = 0; i < (size_t)size / sizeof *words; i++)
        take_word(ledger, &words[i]);
    return size > 0;
}

static void
make_trail(const char *path)
{
    struct folder_options options = { .manual = true };
    struct folder *folder;
    MUST(folder_open(path, &options, &folder, &why));
    MUST(trail_close(fixture_create(folder, "main", FIXTURE_ORIGIN), &why));
    folder_close(folder);
}

/* Lets a child record for a moment and kills it. */
static void
one_life(const char *path, struct ledger *ledger, uint64_t *random)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    uint64_t seed = fixture_random(random);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child(path, ledger->next_number, seed, ends[1]);
    }
    (void)close(ends[1]);

    /* Every other life is so short that it often ends while the trail is being opened. */
    int64_t life = (int64_t)(fixture_random(random) % (seed % 2 == 0 ? 250 : 15)) * 1000000;
    life *= 1 + ledger->in_vain / 2;
    ledger->in_vain++;
    int64_t end = clock_monotonic() + life;
    struct pollfd ready = { .fd = ends[0], .events = POLLIN };
    bool killed = false;
    do {
        /* The pipe is read all the while, so that the child never waits for it. */
        int64_t left = killed ? 1000000000 : end - clock_monotonic();
        struct timespec wait = { left < 0 ? 0 : left / 1000000000,
                                 left < 0 ? 0 : left % 1000000000 };
        (void)ppoll(&ready, 1, &wait, NULL);
        if (!killed && clock_monotonic() >= end) {
            killed = true;
            assert_int_equal(kill(pid, SIGKILL), 0);
        }
    } while ((ready.revents & (POLLIN | POLLHUP)) == 0 || take_words(ends[0], ledger));
    (void)close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the child ended by itself, status %d", status);
}

/* What the last child left, held against all that was ever acknowledged. */
static uint64_t
check_left(const char *path, const struct ledger *ledger, struct trail_recovery *recovery)
{
    struct folder_options options = { .head_entries_max = HEAD_MAX, .manual = true };
    struct folder *folder;
    struct trail *trail;
    MUST(folder_open(path, &options, &folder, &why));
    /* Before anything is recovered: a crash is no damage. */
    struct verify_report report;
    if (fixture_verify(folder, "main", &report) != VERDICT_INTACT)
        fail_msg("verdict %d: %s", (int)report.verdict, report.text);
    MUST(trail_open(folder, "main", TRAIL_WRITE, &trail, recovery, &why));
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    uint64_t size = snapshot_size(snapshot), erased = 0;
    for (uint64_t i = 0; i < ledger->capacity; i++) {
        if (!ledger->known[i])
            continue;
        struct run_entry entry;
        struct tally_hash leaf;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        if (!tally_hash_equal(&leaf, &ledger->leaves[i]))
            fail_msg("entry %" PRIu64 " has another leaf than was acknowledged", i);
        if (ledger->erased[i] && !entry.erased)
            fail_msg("entry %" PRIu64 " was erased and is back", i);
        erased += ledger->erased[i];
    }
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    if (fixture_verify(folder, "main", &report) != VERDICT_INTACT)
        fail_msg("verdict %d after recovery: %s", (int)report.verdict, report.text);
    assert_int_equal(report.entries, size);
    assert_int_equal(report.unsigned_, 0);
    assert_true(report.erased >= erased);
    folder_close(folder);
    return size;
}

static void
free_ledger(struct ledger *ledger)
{
    free(ledger->leaves);
    free(ledger->known);
    free(ledger->erased);
    *ledger = (struct ledger){ 0 };
}

static void
killed_again_and_again(void **state)
{
    (void)state;
    uint64_t random = fixture_setting("TALLY_KILL_SEED", 1);
    int64_t end =
        clock_monotonic() + (int64_t)fixture_setting("TALLY_KILL_SECONDS", 15) * 1000000000;
    struct ledger ledger = { 0 };
    uint64_t lives = 0, torn = 0, replayed = 0, finished = 0;
    char *path = NULL;
    while (clock_monotonic() < end || lives < LIVES_MIN || (replayed == 0 && lives < LIVES_MAX)) {
        if (path == NULL) {
            path = fixture_path();
            make_trail(path);
        }
        one_life(path, &ledger, &random);
        struct trail_recovery recovery;
        uint64_t size = check_left(path, &ledger, &recovery);
        lives++;
        torn += recovery.tail.torn;
        replayed += recovery.replayed;
        finished += recovery.erasures;
        if (size > ENTRIES_MAX) {
            fixture_remove(path);
            path = NULL;
            free_ledger(&ledger);
        }
    }
    if (path != NULL) {
        fixture_remove(path);
        free_ledger(&ledger);
    }
    print_message("# %" PRIu64 " lives, %" PRIu64 " replayed entries, %" PRIu64 " torn records, "
                  "%" PRIu64 " erasures finished later\n",
                  lives, replayed, torn, finished);
    assert_true(replayed > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(killed_again_and_again) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
