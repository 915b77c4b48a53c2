/*
 * swap_test.c - invariants 2, 3 and 4: no file of a trail is exchanged, cut, doubled or lost
 * unseen.
 *
 * Each file of a small trail is emptied, removed, cut at many lengths, lengthened, replaced by that
 * of another trail of the same shape, and by every other file of its own; every two are swapped.
 * Verification must say so and name one of the files; opening must refuse the trail or give only
 * what was recorded. What can be rebuilt is rebuilt.
 */
#include "specimen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEGMENT_SIZE 24u
#define CUTS         40u

static struct specimen *specimen, *stranger;

/* After a change to a copy: found, named, and opened safely. */
static void
check_damage(struct disk *disk, const char *what, const char *name, const char *other)
{
    struct verify_report report;
    struct folder *folder = fixture_folder(disk, 1000);
    if (fixture_verify(folder, "main", &report) != VERDICT_TAMPERED &&
        report.verdict != VERDICT_INDEX_WRONG)
        fail_msg("%s %s, %s: verdict %d: %s", name, what, other, (int)report.verdict, report.text);
    if (!specimen_named(&report, name) && !(other[0] != '\0' && specimen_named(&report, other)))
        fail_msg("%s %s, %s: named is \"%s\": %s", name, what, other, report.file, report.text);
    if (report.verdict == VERDICT_INDEX_WRONG) {
        const char *cure = strstr(report.text, "--rebuild");
        if (cure == NULL || strstr(cure + 1, "--rebuild") != NULL ||
            strstr(report.text, "no entry is affected") == NULL)
            fail_msg("%s %s: the cure is not named once: %s", name, what, report.text);
        struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
        MUST(trail_rebuild(trail, &why));
        MUST(trail_close(trail, &why));
        fixture_intact(folder, "main", specimen->size, specimen->erased);
    }
    folder_close(folder);
    specimen_open_damaged(specimen, disk);
}

static bool
same_bytes(struct disk *a, const char *a_name, struct disk *b, const char *b_name)
{
    size_t a_size, b_size;
    uint8_t *a_data = specimen_read(a, a_name, &a_size),
            *b_data = specimen_read(b, b_name, &b_size);
    bool same = a_size == b_size && memcmp(a_data, b_data, a_size) == 0;
    free(a_data);
    free(b_data);
    return same;
}

static void
removed_or_emptied(void **state)
{
    (void)state;
    for (size_t i = 0; i < specimen->file_count; i++) {
        const char *name = specimen->files[i].name;
        struct disk *disk = disk_sim_copy(specimen->disk);
        MUST(disk_unlink(disk, name, &why));
        check_damage(disk, "removed", name, "");
        disk = disk_sim_copy(specimen->disk);
        specimen_write(disk, name, "", 0);
        check_damage(disk, "emptied", name, "");
    }
}

static void
cut_or_lengthened(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (size_t i = 0; i < specimen->file_count; i++) {
        const char *name = specimen->files[i].name;
        size_t size;
        uint8_t *data = specimen_read(specimen->disk, name, &size);
        for (unsigned k = 0; k < CUTS; k++) {
            size_t length = k < 8 ? size - 1 - k : fixture_random(&random) % size;
            struct disk *disk = disk_sim_copy(specimen->disk);
            specimen_write(disk, name, data, length);
            check_damage(disk, "cut", name, "");
        }
        data[size] = '\n';
        struct disk *disk = disk_sim_copy(specimen->disk);
        specimen_write(disk, name, data, size + 1);
        check_damage(disk, "lengthened", name, "");
        free(data);
    }
}

static void
replaced_by_a_strangers(void **state)
{
    (void)state;
    for (size_t i = 0; i < specimen->file_count; i++) {
        const char *name = specimen->files[i].name;
        assert_string_equal(name, stranger->files[i].name);
        size_t size;
        uint8_t *data = specimen_read(stranger->disk, name, &size);
        struct disk *disk = disk_sim_copy(specimen->disk);
        specimen_write(disk, name, data, size);
        free(data);
        /* A strange manifest makes its own files look strange. */
        bool manifest = specimen->files[i].kind == SPECIMEN_MANIFEST;
        check_damage(disk, "of another trail", name, manifest ? "trails/main/checkpoint" : "");
    }
}

static void
doubled(void **state)
{
    (void)state;
    for (size_t i = 0; i < specimen->file_count; i++)
        for (size_t k = 0; k < specimen->file_count; k++) {
            const char *name = specimen->files[i].name, *other = specimen->files[k].name;
            if (i == k || same_bytes(specimen->disk, name, specimen->disk, other))
                continue;
            size_t size;
            uint8_t *data = specimen_read(specimen->disk, other, &size);
            struct disk *disk = disk_sim_copy(specimen->disk);
            specimen_write(disk, name, data, size);
            free(data);
            check_damage(disk, "replaced by", name, other);
        }
}

static void
swapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < specimen->file_count; i++)
        for (size_t k = 0; k < i; k++) {
            const char *name = specimen->files[i].name, *other = specimen->files[k].name;
            if (same_bytes(specimen->disk, name, specimen->disk, other))
                continue;
            size_t a_size, b_size;
            uint8_t *a = specimen_read(specimen->disk, name, &a_size);
            uint8_t *b = specimen_read(specimen->disk, other, &b_size);
            struct disk *disk = disk_sim_copy(specimen->disk);
            specimen_write(disk, name, b, b_size);
            specimen_write(disk, other, a, a_size);
            free(a);
            free(b);
            check_damage(disk, "swapped with", name, other);
        }
}

/* All that can be rebuilt is lost at once; numbered invariant 5. */
static void
everything_derived_is_rebuilt(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    for (size_t i = 0; i < specimen->file_count; i++)
        if (specimen->files[i].kind == SPECIMEN_INDEX ||
            specimen->files[i].kind == SPECIMEN_GROUP || specimen->files[i].kind == SPECIMEN_TREE)
            MUST(disk_unlink(disk, specimen->files[i].name, &why));
    struct folder *folder = fixture_folder(disk, 1000);
    struct verify_report report;
    assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_INDEX_WRONG);
    assert_int_equal(report.entries, specimen->size);
    assert_non_null(strstr(report.text, "rebuild"));
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    MUST(trail_rebuild(trail, &why));
    fixture_record(trail, 90000, 50, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", specimen->size + 50, specimen->erased);
    folder_close(folder);
    /* The same bytes as before: an index is a function of its entries. (Groups have new names, and
     * verification compares them.) */
    for (size_t i = 0; i < specimen->file_count; i++)
        if (specimen->files[i].kind == SPECIMEN_INDEX || specimen->files[i].kind == SPECIMEN_TREE)
            assert_true(
                same_bytes(disk, specimen->files[i].name, specimen->disk, specimen->files[i].name));
    disk_close_folder(disk);
}

static int
begin(void **state)
{
    (void)state;
    specimen = specimen_create(FIXTURE_ORIGIN, SEGMENT_SIZE);
    stranger = specimen_create("example.org/stranger", SEGMENT_SIZE);
    assert_int_equal(specimen->file_count, stranger->file_count);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    specimen_destroy(specimen);
    specimen_destroy(stranger);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed_or_emptied),
        cmocka_unit_test(cut_or_lengthened),
        cmocka_unit_test(replaced_by_a_strangers),
        cmocka_unit_test(doubled),
        cmocka_unit_test(swapped),
        cmocka_unit_test(everything_derived_is_rebuilt),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
