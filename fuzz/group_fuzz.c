/*
 * group_fuzz.c - anything as a group's file, whatever the manifest says of it. Asking it, going
 * through it, merging it with itself and replacing a column end, with an answer or with a fault that
 * says so.
 *
 * The first byte is the count of segments, the rest the file. Checksums are all 0, in the writer and
 * in the reader, as someone who writes files on purpose would have them right.
 */
#include "buffer.h"
#include "crc32c.h"
#include "disk_sim.h"
#include "group_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the base layer's. */
uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
    (void)crc;
    (void)data;
    (void)size;
    return 0;
}

static const uint8_t tag[16] = "a trail's tag...";

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static void
expect_known(tally_status status)
{
    expect(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_DAMAGED ||
           status == TALLY_UNSUPPORTED);
}

static void
probe(struct disk *disk, const struct group_info *info)
{
    struct group *group;
    struct run_meter meter = { 0 };
    uint64_t random = 1;
    expect(group_create(&(struct trail_place){ disk, "t", tag }, info, &group, NULL) == TALLY_OK);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t segments;
        random = random * UINT64_C(6364136223846793005) + 1;
        const struct token_sought token = { FIELD_ID, random };
        expect(group_probe(group, &token, 1, &meter, &segments, NULL) == TALLY_OK);
        expect(info->segments == 64 || segments >> info->segments == 0);
    }
    group_release(group);
}

static void
rewrite(struct disk *disk, const struct group_info *info)
{
    const struct trail_place place = { disk, "t", tag };
    const struct group_info twice[2] = { *info, *info };
    struct group_info made;
    struct bloom filters[GROUP_COLUMNS_MAX] = { 0 };
    if (info->segments <= GROUP_COLUMNS_MAX / 2)
        expect_known(group_merge(&place, twice, 2, info->generation + 1, &made, NULL));
    expect(bloom_init(&filters[0], 1, 2, NULL) == TALLY_OK);
    expect_known(group_replace(&place, info, filters, info->generation + 2, &made, NULL));
    struct group_scan scan;
    tally_status status = group_scan_open(&scan, &place, info, NULL);
    expect_known(status);
    if (status == TALLY_OK) {
        expect_known(group_scan_check(&scan, NULL));
        expect_known(group_scan_compare(&scan, 0, &filters[0], NULL));
        group_scan_close(&scan);
    }
    bloom_free(&filters[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct disk *disk = disk_sim_create();
    const struct group_info info = {
        .first = 7, .generation = 1, .segments = 1 + data[0] % GROUP_COLUMNS_MAX, .size = size - 1
    };
    char name[GROUP_NAME_MAX];
    group_name("t", &info, name);
    expect(disk_make_folder(disk, "t", NULL) == TALLY_OK);
    expect(disk_make_folder(disk, "t/segments", NULL) == TALLY_OK);
    expect(disk_replace_file(disk, "t/segments", name, bytes_of(data + 1, size - 1), NULL) ==
           TALLY_OK);
    probe(disk, &info);
    rewrite(disk, &info);
    disk_close_folder(disk);
    return 0;
}
