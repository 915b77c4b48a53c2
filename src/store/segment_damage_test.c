/*
 * segment_damage_test.c - whatever happens to a segment's files is found, and the file is named.
 */
#include "crc32c.h"
#include "segment_file.h"
#include "segment_harm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void
every_flipped_byte_is_found(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    bool index_only;

    assert_ok(check(disk, &info, &index_only));
    for (unsigned file = 0; file < 3; file++) {
        uint64_t size = disk_sim_size(disk, names[file]);
        for (uint64_t offset = 0; offset < size; offset++) {
            char what[64];
            uint8_t byte, flipped;
            disk_sim_peek(disk, names[file], offset, &byte, 1);
            flipped = byte ^ (uint8_t)(1u << offset % 8);
            disk_sim_poke(disk, names[file], offset, &flipped, 1);
            snprintf(what, sizeof what, "byte %u", (unsigned)offset);
            assert_found(disk, &info, file, TALLY_DAMAGED, what);
            disk_sim_poke(disk, names[file], offset, &byte, 1);
        }
    }
    assert_ok(check(disk, &info, &index_only));
    disk_close_folder(disk);
}

/* A flipped byte of a page names the column and the entries. */
static void
damage_says_where(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    uint8_t byte;

    /* The first column of the public file is `action`: a dictionary, then its pages. */
    disk_sim_peek(disk, names[0], SEGMENT_HEADER_SIZE, &byte, 1);
    byte ^= 1;
    disk_sim_poke(disk, names[0], SEGMENT_HEADER_SIZE, &byte, 1);
    assert_found(disk, &info, 0, TALLY_DAMAGED, "dictionary");
    assert_string_equal(error.text,
                        "t/segments/0000000000000005.public: column action, dictionary: "
                        "checksum mismatch");
    byte ^= 1;
    disk_sim_poke(disk, names[0], SEGMENT_HEADER_SIZE, &byte, 1);

    /* Further on there is its only page. */
    for (uint64_t offset = SEGMENT_HEADER_SIZE + 1;; offset++) {
        disk_sim_peek(disk, names[0], offset, &byte, 1);
        byte ^= 1;
        disk_sim_poke(disk, names[0], offset, &byte, 1);
        assert_found(disk, &info, 0, TALLY_DAMAGED, "page");
        if (strstr(error.text, "dictionary") == NULL)
            break;
        byte ^= 1;
        disk_sim_poke(disk, names[0], offset, &byte, 1);
    }
    assert_string_equal(error.text, "t/segments/0000000000000005.public: column action, entries 5 "
                                    "to 44: checksum mismatch");
    disk_close_folder(disk);
}

static void
other_sizes_are_found(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);

    for (unsigned file = 0; file < 3; file++) {
        struct bytes content = file_read(disk, names[file]);
        const size_t sizes[] = { 0, 1, 63, 64, 87, 88, content.size / 2, content.size - 1 };
        for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            file_replace(disk, names[file], bytes_of(content.data, sizes[i]));
            assert_found(disk, &info, file, TALLY_DAMAGED, "cut");
        }
        uint8_t *longer = calloc(content.size + 1, 1);
        memcpy(longer, content.data, content.size);
        file_replace(disk, names[file], bytes_of(longer, content.size + 1));
        assert_found(disk, &info, file, TALLY_DAMAGED, "one byte more");
        assert_ok(disk_unlink(disk, names[file], &error));
        assert_found(disk, &info, file, TALLY_DAMAGED, "missing");
        struct disk_file *created;
        assert_ok(disk_open(disk, names[file], DISK_CREATE, &created, &error));
        disk_close(created);
        file_replace(disk, names[file], content);
        free(longer);
        free((void *)(uintptr_t)content.data);
    }
    bool index_only;
    assert_ok(check(disk, &info, &index_only));
    disk_close_folder(disk);
}

/* Good files, each of something else. The manifest's sizes are made to fit, so that more than the
 * size is looked at. */
static void
other_files_are_found(void **state)
{
    (void)state;
    const uint8_t other_tag[16] = "another trail's.";
    struct segment_info info, other_trail, other_place, other_entries;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct disk *disks[3] = {
        make_segment(1, other_tag, 5, &other_trail),
        make_segment(1, sample_tag, 6, &other_place),
        make_segment(2, sample_tag, 5, &other_entries),
    };
    const struct segment_info *infos[3] = { &other_trail, &other_place, &other_entries };

    for (unsigned file = 0; file < 3; file++) {
        struct bytes content = file_read(disk, names[file]);
        for (unsigned i = 0; i < 3; i++) {
            char name[SEGMENT_NAME_MAX];
            struct segment_info mixed = info;
            snprintf(name, sizeof name, "%s", names[file]);
            if (i == 1)
                name[strlen("t/segments/000000000000000")] = '6';
            struct bytes other = file_read(disks[i], name);
            file_replace(disk, names[file], other);
            mixed.public_size = file == 0 ? infos[i]->public_size : info.public_size;
            mixed.private_size = file == 1 ? infos[i]->private_size : info.private_size;
            mixed.index_size = file == 2 ? infos[i]->index_size : info.index_size;
            assert_found(disk, &mixed, file, TALLY_DAMAGED, "of something else");
            const char *expected = i == 0   ? "another trail"
                                   : i == 1 ? "other entries"
                                            : "not the file that the manifest names";
            assert_non_null(strstr(error.text, expected));
            free((void *)(uintptr_t)other.data);
        }
        file_replace(disk, names[file], content);
        free((void *)(uintptr_t)content.data);
    }
    bool index_only;
    assert_ok(check(disk, &info, &index_only));
    for (unsigned i = 0; i < 3; i++)
        disk_close_folder(disks[i]);
    disk_close_folder(disk);
}

static void
swapped_halves_are_found(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct bytes public_file = file_read(disk, names[0]);
    struct bytes private_file = file_read(disk, names[1]);
    struct segment_info swapped = info;

    file_replace(disk, names[0], private_file);
    file_replace(disk, names[1], public_file);
    assert_found(disk, &info, 0, TALLY_DAMAGED, "swapped");
    swapped.public_size = info.private_size;
    swapped.private_size = info.public_size;
    swapped.public_crc = info.private_crc;
    swapped.private_crc = info.public_crc;
    assert_found(disk, &swapped, 0, TALLY_DAMAGED, "swapped with the manifest");
    free((void *)(uintptr_t)public_file.data);
    free((void *)(uintptr_t)private_file.data);
    disk_close_folder(disk);
}

/* A newer version is no damage: it is refused as what it is. */
static void
newer_versions_are_refused(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);

    for (unsigned file = 0; file < 3; file++) {
        uint8_t header[SEGMENT_HEADER_SIZE], newer[SEGMENT_HEADER_SIZE];
        disk_sim_peek(disk, names[file], 0, header, sizeof header);
        memcpy(newer, header, sizeof newer);
        put_u16(newer + 8, SEGMENT_FILE_VERSION + 1);
        put_u32(newer + 60, crc32c(0, newer, 60));
        disk_sim_poke(disk, names[file], 0, newer, sizeof newer);
        assert_found(disk, &info, file, TALLY_UNSUPPORTED, "newer");
        disk_sim_poke(disk, names[file], 0, header, sizeof header);
    }
    disk_close_folder(disk);
}

/* What the manifest says of the entries is held against them. */
static void
wrong_manifest_is_found(void **state)
{
    (void)state;
    struct segment_info info, wrong;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);

    wrong = info;
    wrong.time_min++;
    assert_found(disk, &wrong, 0, TALLY_DAMAGED, "time_min");
    wrong = info;
    wrong.time_max++;
    assert_found(disk, &wrong, 0, TALLY_DAMAGED, "time_max");
    wrong = info;
    wrong.control_count++;
    assert_found(disk, &wrong, 0, TALLY_DAMAGED, "control_count");
    wrong = info;
    wrong.erased_count++;
    assert_found(disk, &wrong, 1, TALLY_DAMAGED, "erased_count");
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_found), cmocka_unit_test(damage_says_where),
        cmocka_unit_test(other_sizes_are_found),       cmocka_unit_test(other_files_are_found),
        cmocka_unit_test(swapped_halves_are_found),    cmocka_unit_test(newer_versions_are_refused),
        cmocka_unit_test(wrong_manifest_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
