/*
 * scale_test.c - invariant 6: memory is bounded by configuration, whatever the trails' size and
 * number, and opening reads the manifest and the journal's end, not the trail.
 *
 * A trail is recorded on a real disk and opened by a fresh process, which reports its peak resident
 * memory and what its disk has read: at most 64 MiB and 16 MiB, and nearly the same for half the
 * trail as for all of it. TALLY_SCALE_ENTRIES (600,000) says how many entries; `make soak` makes 10
 * million. Then many trails of one folder: they keep the heads' budget, and one that only begins does
 * not pay for another that is large and idle.
 */
#include "fixture.h"

#include "clock.h"
#include "manifest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define MEBIBYTE    (UINT64_C(1) << 20)
#define BATCH       1000u
#define TRAILS      1000u
#define SMALL_LIMIT 2000000u /* below, heads are small too, so that there are some segments */

/* Present in programs built with a sanitizer, whose memory is not ours. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

/* A number of /proc/self/status, in bytes. */
static uint64_t
own_memory(const char *name)
{
    char line[256];
    unsigned long long kibibytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kibibytes = strtoull(line + strlen(name) + 1, NULL, 10);
    (void)fclose(status);
    return kibibytes * 1024;
}

/* What the fresh process reports. */
struct opening {
    uint64_t size, read, resident; /* when open */
    uint64_t known_resident;       /* after a repeat of an id was found */
    double seconds;
};

/* The fresh process. */
static int
open_and_report(const char *path, enum trail_mode mode)
{
    struct folder_options options = { .manual = true, .command = "scale test" };
    struct folder *folder;
    int64_t begin = clock_monotonic();
    MUST(folder_open(path, &options, &folder, &why));
    struct trail *trail = fixture_open(folder, "main", mode);
    double seconds = (double)(clock_monotonic() - begin) / 1e9;
    uint64_t read = atomic_load(&folder_disk(folder)->counters.read_bytes);
    uint64_t resident = own_memory("VmHWM"), size = trail_size(trail);
    if (mode == TRAIL_WRITE) {
        uint64_t number = size < MEBIBYTE ? size / 2 : size - MEBIBYTE / 2; /* within the window */
        struct batch *batch = fixture_batch(trail, number, 1);
        struct receipt receipt;
        struct append_result result;
        tally_status status = trail_append(trail, batch, APPEND_WAIT, &receipt, &result, &why);
        if (status != TALLY_REPEATED || receipt.index != number + 1)
            fixture_fail("a known id was not recognised");
        batch_destroy(batch);
    }
    (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %f\n", size, read, resident,
                 own_memory("VmHWM"), seconds);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    return 0;
}

static struct opening
open_elsewhere(const char *path, enum trail_mode mode)
{
    char program[4096], command[9000];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    assert_true(size > 0);
    program[size] = '\0';
    (void)snprintf(command, sizeof command, "'%s' %s '%s'", program,
                   mode == TRAIL_WRITE ? "write" : "read", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    struct opening opening;
    int found = fscanf(pipe, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %lf", &opening.size,
                       &opening.read, &opening.resident, &opening.known_resident, &opening.seconds);
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(found, 5);
    print_message("# %s: %" PRIu64 " entries: %.1f MiB read, %.1f MiB resident (%.1f with ids), "
                  "%.3f s\n",
                  mode == TRAIL_WRITE ? "written" : "read", opening.size,
                  (double)opening.read / (double)MEBIBYTE,
                  (double)opening.resident / (double)MEBIBYTE,
                  (double)opening.known_resident / (double)MEBIBYTE, opening.seconds);
    return opening;
}

/* Records events until the trail has `size` of them, and closes it. */
static void
record_until(const char *path, uint64_t size)
{
    struct folder_options options = { .command = "scale test" };
    if (size < SMALL_LIMIT)
        options.head_entries_max = 50000;
    struct folder *folder;
    MUST(folder_open(path, &options, &folder, &why));
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    struct batch *batch;
    struct receipt receipts[BATCH];
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    while (trail_size(trail) < size) {
        uint64_t first = trail_size(trail) - 1;
        batch_clear(batch);
        for (uint32_t i = 0; i < BATCH; i++) {
            char text[FIXTURE_EVENT_SIZE];
            MUST(batch_add(batch, fixture_event(first + i, text), &why));
        }
        struct append_result result;
        MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
    }
    batch_destroy(batch);
    MUST(trail_close(trail, &why));
    folder_close(folder);
}

static void
opening_is_small(void **state)
{
    (void)state;
    uint64_t entries = fixture_setting("TALLY_SCALE_ENTRIES", 600000);
    char *path = fixture_path();
    struct folder *folder;
    MUST(folder_open(path, &(struct folder_options){ .manual = true }, &folder, &why));
    MUST(trail_close(fixture_create(folder, "main", FIXTURE_ORIGIN), &why));
    folder_close(folder);

    static const enum trail_mode modes[] = { TRAIL_READ, TRAIL_WRITE };
    struct opening half[2], whole[2];
    record_until(path, entries / 2);
    for (unsigned i = 0; i < 2; i++)
        half[i] = open_elsewhere(path, modes[i]);
    record_until(path, entries);
    for (unsigned i = 0; i < 2; i++) {
        whole[i] = open_elsewhere(path, modes[i]);
        assert_true(whole[i].size >= entries);
        assert_true(whole[i].read <= 16 * MEBIBYTE);
        assert_true(whole[i].resident <= 64 * MEBIBYTE);
        /* Both ends of the journal may hold up to 8 MiB; the rest is 100 bytes a segment. */
        assert_true(whole[i].read < half[i].read + 9 * MEBIBYTE);
    }
    /* The ids of the newest four million entries: about 4 bytes each. */
    assert_true(whole[1].known_resident <= 96 * MEBIBYTE);
    fixture_remove(path);
}

struct tenants {
    struct disk *disk;
    struct folder *folder;
    struct trail *trails[TRAILS];
};

static void
tenants_open(struct tenants *tenants, size_t count, size_t budget, bool manual)
{
    *tenants = (struct tenants){ .disk = fixture_disk() };
    struct folder_options options = {
        .heads_memory_max = budget,
        .manual = manual,
        .disk = tenants->disk,
        .command = "scale test",
    };
    MUST(folder_open("simulated", &options, &tenants->folder, &why));
    for (size_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "tenant-%zu", i);
        tenants->trails[i] = fixture_create(tenants->folder, name, NULL);
    }
}

/* Closes all, opens them again, and checks that each has its entries. */
static void
tenants_close(struct tenants *tenants, size_t count, uint64_t entries, uint64_t first_entries)
{
    for (size_t i = 0; i < count; i++)
        MUST(trail_close(tenants->trails[i], &why));
    assert_int_equal(folder_heads_memory(tenants->folder), 0);
    for (size_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "tenant-%zu", i);
        struct trail *trail = fixture_open(tenants->folder, name, TRAIL_READ);
        assert_int_equal(trail_size(trail), i == 0 ? first_entries : entries);
        MUST(trail_close(trail, &why));
        fixture_intact(tenants->folder, name, i == 0 ? first_entries : entries, 0);
    }
    assert_int_equal(folder_heads_memory(tenants->folder), 0);
    folder_close(tenants->folder);
    disk_close_folder(tenants->disk);
}

/* With the budgets as they are by default. The simulated disk holds the files in memory too, so what
 * counts is the growth from there. */
static void
a_thousand_trails(void **state)
{
    (void)state;
    static struct tenants tenants;
    tenants_open(&tenants, TRAILS, 0, false);
    uint64_t before = own_memory("VmRSS");
    for (unsigned round = 0; round < 5; round++)
        for (size_t i = 0; i < TRAILS; i++)
            fixture_record(tenants.trails[i], round * 12, 12, NULL);
    uint64_t heads = folder_heads_memory(tenants.folder), grown = own_memory("VmRSS") - before;
    print_message("# %u trails: heads %.1f MiB, resident %.1f MiB more than before\n", TRAILS,
                  (double)heads / (double)MEBIBYTE, (double)grown / (double)MEBIBYTE);
    assert_true(heads <= 256 * MEBIBYTE);
    assert_true(grown <= heads + 64 * MEBIBYTE);
    tenants_close(&tenants, TRAILS, 61, 61);
}

static size_t
segment_count(struct disk *disk, size_t tenant)
{
    char path[32];
    struct manifest manifest;
    (void)snprintf(path, sizeof path, "trails/tenant-%zu", tenant);
    MUST(manifest_read(disk, path, &manifest, &why));
    size_t count = manifest.count;
    manifest_free(&manifest);
    return count;
}

#define BUDGET        (12 * MEBIBYTE)
#define BUDGET_TRAILS 60u
#define BUDGET_ROUNDS 40u
#define BUDGET_BIG    25000u

/* While the sealer is at it there may be more for a moment: as much again, and heads grow by steps
 * of up to half a MiB, here all of them in the same round. */
#define MOMENTARY (2 * BUDGET + BUDGET_TRAILS * MEBIBYTE / 2)

/* One trail has a large head and is idle while the others begin. Returns how many segments the
 * others' entries went to, and the most that all heads took. */
static size_t
live_beside_a_large_one(struct tenants *tenants, size_t *most_out)
{
    size_t most = 0, segments = 0;
    for (unsigned i = 0; i < BUDGET_BIG; i += BATCH)
        fixture_record(tenants->trails[0], i, BATCH, NULL);
    for (unsigned round = 0; round < BUDGET_ROUNDS; round++)
        for (size_t i = 1; i < BUDGET_TRAILS; i++) {
            fixture_record(tenants->trails[i], round * 10, 10, NULL);
            size_t memory = folder_heads_memory(tenants->folder);
            most = memory > most ? memory : most;
        }
    for (size_t i = 1; i < BUDGET_TRAILS; i++)
        segments += segment_count(tenants->disk, i);
    print_message("# at most %.1f MiB of heads; %zu segments of the %u small trails\n",
                  (double)most / (double)MEBIBYTE, segments, BUDGET_TRAILS - 1);
    *most_out = most;
    return segments;
}

/* The sealer takes the large one. */
static void
a_shared_budget(void **state)
{
    (void)state;
    static struct tenants tenants;
    tenants_open(&tenants, BUDGET_TRAILS, BUDGET, false);
    size_t most;
    assert_true(live_beside_a_large_one(&tenants, &most) <= 4 * BUDGET_TRAILS);
    assert_true(most <= MOMENTARY);
    int64_t end = clock_monotonic() + 120 * CLOCK_SECOND;
    while (folder_heads_memory(tenants.folder) > BUDGET && clock_monotonic() < end)
        (void)usleep(10000);
    assert_true(folder_heads_memory(tenants.folder) <= BUDGET);
    assert_true(segment_count(tenants.disk, 0) >= 1);
    tenants_close(&tenants, BUDGET_TRAILS, 1 + BUDGET_ROUNDS * 10, 1 + BUDGET_BIG);
}

/* Where nobody seals the large one, the others still may have their share, and are not sealed a few
 * entries at a time. */
static void
a_share_of_the_budget(void **state)
{
    (void)state;
    static struct tenants tenants;
    tenants_open(&tenants, BUDGET_TRAILS, BUDGET / 2, true);
    size_t most;
    assert_true(live_beside_a_large_one(&tenants, &most) <= 10 * BUDGET_TRAILS);
    assert_true(most <= MOMENTARY);
    tenants_close(&tenants, BUDGET_TRAILS, 1 + BUDGET_ROUNDS * 10, 1 + BUDGET_BIG);
}

int
main(int argc, char **argv)
{
    if (argc == 3)
        return open_and_report(argv[2], strcmp(argv[1], "write") == 0 ? TRAIL_WRITE : TRAIL_READ);
    if (__asan_init != NULL || __tsan_init != NULL) {
        (void)printf("1..0 # SKIP memory is measured without sanitizers\n");
        return 0;
    }
    /* Each open trail holds two files. */
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_is_small),
        cmocka_unit_test(a_thousand_trails),
        cmocka_unit_test(a_shared_budget),
        cmocka_unit_test(a_share_of_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
