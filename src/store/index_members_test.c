/*
 * index_members_test.c - a block that has a member is never ruled out, and most that have not are.
 */
#include "disk_sim.h"
#include "index_members.h"
#include "run_column.h"
#include "segment_fixture.h"
#include "segment_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define FIRST    5u
#define INDEX_OF "t/segments/0000000000000005.index.0000000"

static struct tally_error error;

static void
assert_ok(tally_status status)
{
    if (status != TALLY_OK)
        fail_msg("status %d: %s", (int)status, status < 0 ? error.text : "an answer");
}

/* The member that only the row has; and one that every hundredth has. */
static struct bytes
own_value(uint32_t row, char text[16])
{
    return bytes_of(text, (size_t)snprintf(text, 16, "own-%u", row));
}

static const struct bytes common = BYTES("common");

/* Every third row has details, every fifth changes, with those. */
static void
put_objects(struct sample *sample, struct buffer *texts)
{
    buffer_reserve(texts, (size_t)sample->count * 64);
    for (uint32_t row = 0; row < sample->count; row++) {
        struct bytes *values = sample->entries[row].values;
        size_t start = texts->size;
        char own[16];
        values[FIELD_DETAILS] = values[FIELD_CHANGES] = bytes_of(NULL, 0);
        if (row % 3 != 0 && row % 5 != 0)
            continue;
        own_value(row, own);
        buffer_format(texts, "{\"a\":[\"%s\"],\"b\":\"%s\"}", own,
                      row % 100 == 0 ? (const char *)common.data : "none");
        assert_false(buffer_failed(texts));
        values[row % 3 == 0 ? FIELD_DETAILS : FIELD_CHANGES] =
            bytes_of(texts->data + start, texts->size - start);
    }
}

struct sealed {
    struct sample *sample;
    struct buffer texts;
    struct disk *disk;
    struct segment_info info;
    struct segment *segment;
    struct run_reader *reader;
};

static void
open_sealed(struct sealed *sealed)
{
    assert_ok(segment_open(SAMPLE_PLACE(sealed->disk), &sealed->info, &sealed->segment, &error));
    const struct run run = {
        .first = FIRST,
        .count = sealed->info.count,
        .segment = sealed->segment,
    };
    assert_ok(run_reader_create(&run, &sealed->reader, &error));
}

static void
close_sealed(struct sealed *sealed)
{
    run_reader_destroy(sealed->reader);
    segment_release(sealed->segment);
}

static struct sealed
seal(uint32_t count)
{
    struct sealed sealed = { .sample = sample_create(count, SAMPLE_PLAIN, FIRST, count),
                             .disk = sample_disk() };
    put_objects(sealed.sample, &sealed.texts);
    struct head *head = sample_head(sealed.sample);
    assert_ok(segment_write_head(SAMPLE_PLACE(sealed.disk), head, &sealed.info, &error));
    head_release(head);
    open_sealed(&sealed);
    return sealed;
}

static void
finish(struct sealed *sealed)
{
    close_sealed(sealed);
    disk_close_folder(sealed->disk);
    sample_destroy(sealed->sample);
    buffer_free(&sealed->texts);
}

static struct places
find(struct run_reader *reader, enum field_id field, struct bytes value)
{
    const struct token_sought sought = { field, token_of_member(field, value) };
    struct places places;
    assert_ok(run_find_tokens(reader, &sought, 1, &places, &error));
    return places;
}

static bool
has_row(const struct places *places, uint32_t row)
{
    return (places->blocks[row / PAGE_ROWS] >> row % PAGE_ROWS / BLOCK_ROWS & 1) != 0;
}

static unsigned
blocks_of(const struct places *places)
{
    unsigned count = 0;
    for (unsigned page = 0; page < PLACES_PAGES; page++)
        count += (unsigned)__builtin_popcount(places->blocks[page]);
    return count;
}

static enum field_id
field_of(uint32_t row)
{
    return row % 3 == 0 ? FIELD_DETAILS : FIELD_CHANGES;
}

static void
blocks_with_a_member_are_never_ruled_out(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 300, 4096, 9000, 17 * 4096 + 1 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct sealed sealed = seal(counts[i]);
        size_t found = 0, asked = 0;
        for (uint32_t row = 0; row < counts[i]; row += 3) {
            char text[16];
            struct places places = find(sealed.reader, field_of(row), own_value(row, text));
            assert_true(has_row(&places, row));
            found += blocks_of(&places);
            asked++;
        }
        assert_true(found < asked * 8);
        struct places places = find(sealed.reader, FIELD_DETAILS, common);
        for (uint32_t row = 0; row < counts[i]; row += 300)
            assert_true(has_row(&places, row));
        finish(&sealed);
    }
}

static void
other_fields_have_other_members(void **state)
{
    (void)state;
    struct sealed sealed = seal(9000);
    size_t found = 0;
    for (uint32_t row = 0; row < 3000; row += 3) {
        char text[16];
        struct places places = find(sealed.reader, FIELD_CONTROL, own_value(row, text));
        found += blocks_of(&places);
    }
    assert_true(found < 1000 * 8);
    finish(&sealed);
}

/* Of a head, without the file, and with every block damaged: any block may have anything. */
static void
what_cannot_be_asked_rules_nothing_out(void **state)
{
    (void)state;
    struct sealed sealed = seal(5000);
    struct head *head = sample_head(sealed.sample);
    const struct run in_memory = { .first = FIRST, .count = 5000, .head = head };
    struct run_reader *reader;
    assert_ok(run_reader_create(&in_memory, &reader, &error));
    struct places places = find(reader, FIELD_DETAILS, common);
    assert_int_equal(blocks_of(&places), PLACES_PAGES * PLACES_BLOCKS);
    run_reader_destroy(reader);
    head_release(head);
    close_sealed(&sealed);

    struct segment_index index;
    struct segment_input input = { 0 };
    assert_ok(segment_index_open(SAMPLE_PLACE(sealed.disk), &sealed.info, &input, &index, &error));
    uint64_t from = index.members.buckets.offset, end = index.file.directory_offset;
    segment_index_close(&index);
    buffer_free(&input.bytes);
    for (unsigned round = 0; round < 2; round++) {
        if (round == 0)
            for (uint64_t at = from; at < end; at += 4)
                disk_sim_poke(sealed.disk, INDEX_OF "1", at, "\x55", 1);
        else
            assert_ok(disk_unlink(sealed.disk, INDEX_OF "1", &error));
        open_sealed(&sealed);
        places = find(sealed.reader, FIELD_DETAILS, common);
        assert_int_equal(blocks_of(&places), PLACES_PAGES * PLACES_BLOCKS);
        if (round == 0)
            close_sealed(&sealed);
    }
    finish(&sealed);
}

/* What an erasure took is asked of the new file in vain; the rest is there. */
static void
erased_members_leave_nothing(void **state)
{
    (void)state;
    struct sealed sealed = seal(6000);
    struct segment_info erased;
    uint32_t rows[500];
    unsigned found = 0;
    for (uint32_t i = 0; i < 500; i++)
        rows[i] = i * 12;
    close_sealed(&sealed);
    assert_ok(segment_erase(SAMPLE_PLACE(sealed.disk), &sealed.info, rows, 500, &erased, &error));
    sealed.info = erased;
    open_sealed(&sealed);
    for (uint32_t row = 0; row < 6000; row += 6) {
        char text[16];
        struct places places = find(sealed.reader, FIELD_DETAILS, own_value(row, text));
        if (row % 12 == 0)
            found += has_row(&places, row);
        else
            assert_true(has_row(&places, row));
    }
    assert_true(found < 100);
    finish(&sealed);
}

/* What the directory says of the section, in every way that it may be wrong. */
static void
parameters_must_fit(void **state)
{
    (void)state;
    static const char good[] = "\2\7\3\2\7details\4what";
    struct index_section section = {
        .kind = SECTION_MEMBERS,
        .parameters = { (const uint8_t *)good, sizeof good - 1 },
        .block = { 64, 64, 0 },
    };
    struct index_members members;
    assert_true(index_members_open(&section, 5000, &members));
    assert_true(members.covered == FIELD_BIT(FIELD_DETAILS));
    assert_false(index_members_open(&section, 4096, &members));
    assert_false(index_members_open(&section, 8193, &members));
    for (size_t size = 0; size < sizeof good - 1; size++) {
        section.parameters.size = size;
        assert_false(index_members_open(&section, 5000, &members));
    }
    static const char *const bad[] = {
        "\1\7\3\1\7details",     "\2\2\3\1\7details", "\2\x17\3\1\7details",
        "\2\x16\x11\1\7details", "\2\7\4\1\7details", "\2\7\3\2\7details",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        section.parameters = bytes_text(bad[i]);
        assert_false(index_members_open(&section, 5000, &members));
    }
    section.parameters = bytes_of(good, sizeof good - 1);
    section.block.size = 63;
    assert_false(index_members_open(&section, 5000, &members));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_with_a_member_are_never_ruled_out),
        cmocka_unit_test(other_fields_have_other_members),
        cmocka_unit_test(what_cannot_be_asked_rules_nothing_out),
        cmocka_unit_test(erased_members_leave_nothing),
        cmocka_unit_test(parameters_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
