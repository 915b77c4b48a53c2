/*
 * segment_fuzz.c - a segment whose files have anything written over them.
 *
 * The input is a list of changes, four bytes each: file, offset, new byte. They are made to the
 * files of a small good segment. Whatever they are, everything that reads the segment ends, with an
 * entry or with a fault that says so.
 *
 * Checksums would turn every change away at the door, and someone who changes files on purpose
 * computes them anew: here they are all 0, in the writer and in the reader.
 */
#include "crc32c.h"
#include "disk_sim.h"
#include "segment_fixture.h"
#include "token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS 300

/* In place of the base layer's. */
uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
    (void)crc;
    (void)data;
    (void)size;
    return 0;
}

static const char *const names[3] = {
    "t/segments/0000000000000007.public",
    "t/segments/0000000000000007.private.00000001",
    "t/segments/0000000000000007.index.00000001",
};

static struct sample *sample;
static struct disk *good;
static struct segment_info info;

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

/* The answers and faults that bytes of a file may lead to. */
static void
expect_known(tally_status status)
{
    expect(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_DAMAGED ||
           status == TALLY_UNSUPPORTED);
}

static void
make_segment(void)
{
    sample = sample_create(1, SAMPLE_WILD, 7, ROWS);
    good = sample_disk();
    struct head *head = sample_head(sample);
    expect(segment_write_head(SAMPLE_PLACE(good), head, &info, NULL) == TALLY_OK);
    head_release(head);
}

static void
read_everything(struct segment *segment)
{
    struct run run = segment_run(segment);
    struct run_reader *reader;
    tally_status status = run_reader_create(&run, &reader, NULL);
    expect_known(status);
    if (status != TALLY_OK)
        return;

    for (uint32_t row = 0; row < info.count; row += 13) {
        struct run_entry entry;
        uint32_t found;
        expect_known(run_entry(reader, row, RUN_PARTS, &entry, NULL));
        expect_known(run_find_id(reader, sample->entries[row].values[FIELD_ID], &found, NULL));
    }
    struct places places;
    const struct token_sought tokens[] = { { FIELD_USER_ID, UINT64_C(0x123456789abcdef0) },
                                           { FIELD_DETAILS, UINT64_C(0x123456789abcdef0) } };
    expect_known(run_find_tokens(reader, tokens, 2, &places, NULL));
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        struct page page;
        struct page_summary summary;
        expect_known(run_page(reader, (enum field_id)field, 0, &page, NULL));
        expect_known(run_page_summary(reader, (enum field_id)field, 0, &summary, NULL));
    }
    const int64_t *times;
    uint32_t rows;
    const struct row_set some = { { 1 } };
    expect_known(run_times_of(reader, 0, &some, &times, NULL));
    expect_known(run_times(reader, 0, &times, &rows, NULL));
    run_reader_destroy(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (good == NULL)
        make_segment();
    struct disk *disk = disk_sim_copy(good);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        const char *name = names[(data[i] & 3) % 3];
        uint64_t file_size = disk_sim_size(disk, name);
        uint64_t offset = get_u16(data + i + 1) % file_size;
        if ((data[i] & 4) != 0)
            offset = file_size - 1 - offset;
        disk_sim_poke(disk, name, offset, data + i + 3, 1);
    }

    struct segment *segment;
    uint64_t hash = 12345;
    bool hit, index_only;
    expect(segment_open(SAMPLE_PLACE(disk), &info, &segment, NULL) == TALLY_OK);
    read_everything(segment);
    expect_known(segment_probe_ids(segment, &hash, 1, &hit, NULL));
    expect_known(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, NULL));

    struct segment_info erased;
    const uint32_t rows[] = { 0, 255, 299 };
    expect_known(segment_erase(SAMPLE_PLACE(disk), &info, rows, 3, &erased, NULL));
    segment_release(segment);
    disk_close_folder(disk);
    return 0;
}
