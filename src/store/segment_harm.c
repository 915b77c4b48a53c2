#include "segment_harm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

struct tally_error error;

void
assert_ok(tally_status status)
{
    if (status != TALLY_OK)
        fail_msg("status %d: %s", (int)status, status < 0 ? error.text : "an answer");
}

const char *const names[3] = {
    "t/segments/0000000000000005.public",
    "t/segments/0000000000000005.private.00000001",
    "t/segments/0000000000000005.index.00000001",
};

struct disk *
make_segment(uint64_t seed, const uint8_t tag[16], uint64_t first, struct segment_info *info)
{
    struct sample *sample = sample_create(seed, SAMPLE_PLAIN, first, 40);
    struct disk *disk = sample_disk();
    struct head *head = sample_head(sample);
    assert_ok(segment_write_head(&(struct trail_place){ disk, "t", tag }, head, info, &error));
    head_release(head);
    sample_destroy(sample);
    return disk;
}

tally_status
check(struct disk *disk, const struct segment_info *info, bool *index_only)
{
    struct segment *segment;
    memset(&error, 0, sizeof error);
    assert_ok(segment_open(SAMPLE_PLACE(disk), info, &segment, &error));
    tally_status status = segment_check(segment, SEGMENT_CHECK_ALL, index_only, &error);
    segment_release(segment);
    return status;
}

void
assert_found(struct disk *disk, const struct segment_info *info, unsigned file, tally_status status,
             const char *what)
{
    bool index_only;
    tally_status found = check(disk, info, &index_only);
    if (found != status || strncmp(error.text, names[file], strlen(names[file])) != 0)
        fail_msg("%s, %s: %d: %s", names[file], what, (int)found, error.text);
    assert_int_equal(index_only, file == 2);
}

struct bytes
file_read(struct disk *disk, const char *name)
{
    size_t size = (size_t)disk_sim_size(disk, name);
    uint8_t *data = malloc(size + 1);
    disk_sim_peek(disk, name, 0, data, size);
    return bytes_of(data, size);
}

void
file_replace(struct disk *disk, const char *name, struct bytes content)
{
    struct disk_file *file;
    assert_ok(disk_unlink(disk, name, &error));
    assert_ok(disk_open(disk, name, DISK_CREATE, &file, &error));
    assert_ok(disk_write(file, 0, content.data, content.size, &error));
    disk_close(file);
}
