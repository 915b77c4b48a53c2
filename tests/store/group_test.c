/*
 * group_test.c - groups never hide an entry, and are what the manifest says they are.
 *
 * A trail of many small segments, so that groups of one become groups of 8 and of 64. For every
 * entry's tokens the runs that may have them must hold the entry's; groups are removed, damaged and
 * made anew on the way.
 */
#include "fixture.h"
#include "group_change.h"
#include "manifest.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEGMENT  6u
#define SEGMENTS 83u /* 64 + 2 * 8 + 3 */
#define PATH     "trails/main"

static struct disk *
make_trail(unsigned segments)
{
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (unsigned i = 0; i < segments; i++) {
        fixture_record(trail, i * SEGMENT, SEGMENT, NULL);
        MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    fixture_record(trail, 900000, 3, NULL); /* in the head */
    MUST(trail_close(trail, &why));
    folder_close(folder);
    return disk;
}

static struct manifest
read_manifest(struct disk *disk)
{
    struct manifest manifest;
    MUST(manifest_read(disk, PATH, &manifest, &why));
    return manifest;
}

static bool
may(const uint64_t *bits, size_t run)
{
    return (bits[run / 64] >> run % 64 & 1) != 0;
}

/* What one entry has: its id, its session, and a number within its details. */
static void
tokens_of(const struct run_entry *entry, struct token_sought tokens[3], size_t *count_out)
{
    tokens[0] =
        (struct token_sought){ FIELD_ID, token_of_value(FIELD_ID, entry->values[FIELD_ID]) };
    *count_out = 1;
    if (entry->erased || entry->control)
        return;
    char number[24];
    const char *n = strstr((const char *)entry->values[FIELD_DETAILS].data, "\"n\":");
    (void)snprintf(number, sizeof number, "%llu", strtoull(n + 4, NULL, 10));
    tokens[1] =
        (struct token_sought){ FIELD_SESSION_ID,
                               token_of_value(FIELD_SESSION_ID, entry->values[FIELD_SESSION_ID]) };
    tokens[2] =
        (struct token_sought){ FIELD_DETAILS, token_of_member(FIELD_DETAILS, bytes_text(number)) };
    *count_out = 3;
}

/* Asks for everything that each entry has; how many other segments may have it is added up. */
static uint64_t
check_all(struct trail *trail, uint64_t *asked_out)
{
    struct snapshot *snapshot;
    uint64_t wrong = 0, asked = 0;
    MUST(snapshot_open(trail, &snapshot, &why));
    size_t runs = snapshot_run_count(snapshot);
    for (size_t run = 0; run < runs; run++) {
        const struct run *at = snapshot_run(snapshot, run);
        for (uint64_t index = at->first; index < at->first + at->count; index++) {
            struct run_entry entry;
            struct token_sought tokens[3];
            size_t count;
            MUST(snapshot_entry(snapshot, index, RUN_VALUES, &entry, &why));
            tokens_of(&entry, tokens, &count);
            for (size_t i = 0; i < count; i++) {
                uint64_t bits[4];
                MUST(snapshot_runs_with(snapshot, &tokens[i], 1, bits, &why));
                if (!may(bits, run))
                    fail_msg("entry %llu, token %zu: its run is ruled out",
                             (unsigned long long)index, i);
                for (size_t other = 0; other < runs; other++)
                    wrong += other != run && snapshot_run(snapshot, other)->head == NULL &&
                             may(bits, other);
                asked += runs - 2;
            }
        }
    }
    snapshot_close(snapshot);
    *asked_out = asked;
    return wrong;
}

/* Eight of a size are one of the next. */
static void
check_shape(struct disk *disk, size_t segments)
{
    struct manifest manifest = read_manifest(disk);
    size_t counts[GROUP_COLUMNS_MAX + 1] = { 0 }, covered = 0;
    for (size_t i = 0; i < manifest.group_count; i++) {
        counts[manifest.groups[i].segments]++;
        covered += manifest.groups[i].segments;
    }
    assert_int_equal(manifest.count, segments);
    assert_int_equal(covered, segments);
    assert_int_equal(counts[64], segments / 64);
    assert_int_equal(counts[8], segments / 8 % 8);
    assert_int_equal(counts[1], segments % 8);
    manifest_free(&manifest);
}

static tally_status
count_group(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    *(size_t *)context += strstr(name, ".group.") != NULL;
    return TALLY_OK;
}

/* There are the files that the manifest names, and no others. */
static void
check_files(struct disk *disk)
{
    struct manifest manifest = read_manifest(disk);
    size_t count = 0;
    MUST(disk_list(disk, PATH "/segments", count_group, &count, &why));
    assert_int_equal(count, manifest.group_count);
    for (size_t i = 0; i < manifest.group_count; i++) {
        char name[GROUP_NAME_MAX];
        struct disk_file *file;
        group_name(PATH, &manifest.groups[i], name);
        MUST(disk_open(disk, name, DISK_READ, &file, &why));
        disk_close(file);
    }
    manifest_free(&manifest);
}

static void
no_entry_is_ruled_out(void **state)
{
    (void)state;
    struct disk *disk = make_trail(SEGMENTS);
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_READ);
    uint64_t asked, wrong = check_all(trail, &asked);
    /* One in 33 where filters are fullest. */
    assert_true(wrong * 20 < asked);
    MUST(trail_close(trail, &why));
    check_shape(disk, SEGMENTS);
    check_files(disk);
    fixture_intact(folder, "main", SEGMENTS * SEGMENT + 4, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

static void
the_newest_of_an_id_is_found(void **state)
{
    (void)state;
    struct disk *disk = make_trail(20);
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_READ);
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    for (uint64_t i = 0; i < 20 * SEGMENT; i++) {
        char id[32];
        uint64_t index;
        (void)snprintf(id, sizeof id, "event-%llu", (unsigned long long)i);
        MUST(snapshot_find_id(snapshot, bytes_text(id), &index, &why));
        assert_int_equal(index, i + 1);
    }
    uint64_t index;
    assert_int_equal(snapshot_find_id(snapshot, bytes_text("event-x"), &index, &why), TALLY_ABSENT);
    assert_true(snapshot_meter(snapshot).reads > 0);
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

static void
flip(struct disk *disk, const char *name, uint64_t offset)
{
    uint8_t byte;
    disk_sim_peek(disk, name, offset, &byte, 1);
    byte ^= 8;
    disk_sim_poke(disk, name, offset, &byte, 1);
}

/* Every group in turn is removed or has a bit flipped in its middle: nothing is ruled out that is
 * there, verification says so, and rebuilding mends it. */
static void
without_a_group_nothing_is_missed(void **state)
{
    (void)state;
    struct disk *whole = make_trail(18);
    struct manifest manifest = read_manifest(whole);
    for (size_t i = 0; i < 2 * manifest.group_count; i++) {
        struct disk *disk = disk_sim_copy(whole);
        char name[GROUP_NAME_MAX];
        group_name(PATH, &manifest.groups[i / 2], name);
        if (i % 2 == 0)
            MUST(disk_unlink(disk, name, &why));
        else
            flip(disk, name, disk_sim_size(disk, name) / 2);
        struct folder *folder = fixture_folder(disk, 1000);
        struct trail *trail = fixture_open(folder, "main", TRAIL_READ);
        uint64_t asked;
        assert_true(check_all(trail, &asked) > 0);
        MUST(trail_close(trail, &why));
        struct verify_report report;
        assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_INDEX_WRONG);
        assert_non_null(strstr(report.file, ".group."));
        trail = fixture_open(folder, "main", TRAIL_WRITE);
        MUST(trail_rebuild(trail, &why));
        MUST(trail_close(trail, &why));
        fixture_intact(folder, "main", 18 * SEGMENT + 4, 0);
        check_shape(disk, 18);
        check_files(disk);
        folder_close(folder);
        disk_close_folder(disk);
    }
    manifest_free(&manifest);
    disk_close_folder(whole);
}

/* A group that cannot be used is no reason not to seal, nor not to erase. */
static void
a_damaged_group_stops_nothing(void **state)
{
    (void)state;
    struct disk *disk = make_trail(7);
    struct manifest manifest = read_manifest(disk);
    char name[GROUP_NAME_MAX];
    group_name(PATH, &manifest.groups[2], name);
    manifest_free(&manifest);
    flip(disk, name, disk_sim_size(disk, name) - 9);
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    fixture_record(trail, 800000, SEGMENT, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    uint64_t erased[] = { 2 * SEGMENT + 3 };
    MUST(trail_erase(trail, erased, 1, "asked for", &why));
    uint64_t asked;
    (void)check_all(trail, &asked);
    MUST(trail_close(trail, &why));
    check_files(disk);
    fixture_intact(folder, "main", 8 * SEGMENT + 5, 1);
    folder_close(folder);
    disk_close_folder(disk);
}

/* After an erasure the group has no more of the segment than the entries that are left, and the file
 * before is gone. */
static void
an_erasure_leaves_no_tokens(void **state)
{
    (void)state;
    struct disk *disk = make_trail(10);
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    uint64_t erased[] = { 5, 6, 50, 57 };
    struct token_sought tokens[4];
    for (size_t i = 0; i < 4; i++) {
        uint8_t secret[16];
        char text[FIXTURE_SECRET_TEXT];
        fixture_secret(erased[i] - 1, secret, text);
        tokens[i] = (struct token_sought){
            FIELD_SESSION_ID, token_of_value(FIELD_SESSION_ID, bytes_of(text, sizeof text - 1))
        };
    }
    MUST(trail_erase(trail, erased, 4, "asked for", &why));
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    size_t left = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t bits[4];
        MUST(snapshot_runs_with(snapshot, &tokens[i], 1, bits, &why));
        for (size_t run = 0; run < 10; run++)
            left += may(bits, run);
    }
    assert_true(left <= 2); /* by chance */
    snapshot_close(snapshot);
    uint64_t asked;
    (void)check_all(trail, &asked);
    MUST(trail_close(trail, &why));
    check_files(disk);
    fixture_intact(folder, "main", 10 * SEGMENT + 5, 4);
    folder_close(folder);
    disk_close_folder(disk);
}

/* What a crash leaves is removed by the next who opens for writing. */
static void
remnants_are_removed(void **state)
{
    (void)state;
    struct disk *disk = make_trail(3);
    MUST(disk_replace_file(disk, PATH "/segments", PATH "/segments/0000000000000000.group.00000077",
                           bytes_text("what was before an erasure"), &why));
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    check_files(disk);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_entry_is_ruled_out),
        cmocka_unit_test(the_newest_of_an_id_is_found),
        cmocka_unit_test(without_a_group_nothing_is_missed),
        cmocka_unit_test(a_damaged_group_stops_nothing),
        cmocka_unit_test(an_erasure_leaves_no_tokens),
        cmocka_unit_test(remnants_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
