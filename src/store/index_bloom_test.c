/*
 * index_bloom_test.c - a page that has a token is never ruled out, and most that have not are.
 */
#include "disk_sim.h"
#include "index_bloom.h"
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

#define FIRST     5u
#define INDEX_OF1 "t/segments/0000000000000005.index.00000001"

static struct tally_error error;

static void
assert_ok(tally_status status)
{
    if (status != TALLY_OK)
        fail_msg("status %d: %s", (int)status, status < 0 ? error.text : "an answer");
}

static struct segment_info
seal(struct disk *disk, const struct sample *sample)
{
    struct segment_info info;
    struct head *head = sample_head(sample);
    assert_ok(segment_write_head(SAMPLE_PLACE(disk), head, &info, &error));
    head_release(head);
    return info;
}

/* Opens a reader of a sealed sample. */
static struct run_reader *
open_reader(struct disk *disk, const struct segment_info *info, struct segment **segment)
{
    struct run_reader *reader;
    assert_ok(segment_open(SAMPLE_PLACE(disk), info, segment, &error));
    const struct run run = segment_run(*segment);
    assert_ok(run_reader_create(&run, &reader, &error));
    return reader;
}

static uint64_t
pages_with_some(struct run_reader *reader, const struct token_sought *tokens, size_t count)
{
    struct places places;
    assert_ok(run_find_tokens(reader, tokens, count, &places, &error));
    return places_pages(&places);
}

static uint64_t
pages_with(struct run_reader *reader, enum field_id field, uint64_t token)
{
    const struct token_sought sought = { field, token };
    return pages_with_some(reader, &sought, 1);
}

static uint64_t
pages_with_value(struct run_reader *reader, enum field_id field, struct bytes value)
{
    return pages_with(reader, field, token_of_value(field, value));
}

/* Whether every value of the sample may be where it is. */
static void
check_none_is_missed(struct run_reader *reader, const struct sample *sample)
{
    for (uint32_t row = 0; row < sample->count; row += 7) {
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            struct bytes value = sample->entries[row].values[field];
            if (value.data == NULL || fields[field].type == TYPE_OBJECT)
                continue;
            uint64_t pages = pages_with_value(reader, field, value);
            assert_true(pages >> row / PAGE_ROWS & 1);
            if (!token_covers_field(field))
                assert_true(pages + 1 == UINT64_C(1) << run_page_count(run_of(reader)));
        }
    }
}

static void
pages_with_a_token_are_never_ruled_out(void **state)
{
    (void)state;
    static const struct {
        enum sample_style style;
        uint32_t count;
    } samples[] = { { SAMPLE_PLAIN, 1 }, { SAMPLE_PLAIN, 12500 }, { SAMPLE_WILD, 9000 } };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct sample *sample = sample_create(i, samples[i].style, FIRST, samples[i].count);
        struct disk *disk = sample_disk();
        struct segment_info info = seal(disk, sample);
        struct segment *segment;
        struct run_reader *reader = open_reader(disk, &info, &segment);
        check_none_is_missed(reader, sample);
        run_reader_destroy(reader);
        segment_release(segment);
        disk_close_folder(disk);
        sample_destroy(sample);
    }
}

/* Values that stand in one page only, and values that stand nowhere. */
static void
other_pages_are_mostly_ruled_out(void **state)
{
    (void)state;
    struct sample *sample = sample_create(4, SAMPLE_PLAIN, FIRST, 6 * PAGE_ROWS);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    struct run_reader *reader = open_reader(disk, &info, &segment);
    unsigned wrong = 0, wrong_ids = 0, asked = 0;
    for (uint32_t row = 0; row < sample->count; row += 11) {
        struct bytes value = sample->entries[row].values[FIELD_REQUEST_ID];
        if (value.data == NULL)
            continue;
        uint64_t pages = pages_with_value(reader, FIELD_REQUEST_ID, value);
        wrong += (unsigned)__builtin_popcountll(pages) - 1;
        value = sample->entries[row].values[FIELD_ID];
        wrong_ids += (unsigned)__builtin_popcountll(pages_with_value(reader, FIELD_ID, value)) - 1;
        wrong += (unsigned)__builtin_popcountll(pages_with_value(reader, FIELD_TRACE_ID, value));
        asked += 11;
    }
    assert_true(wrong_ids < 10);
    assert_true(asked > 10000 && wrong > 0 && wrong < asked / 20);

    /* Of several tokens each counts, and one that is not covered cannot tell. */
    const struct token_sought both[] = {
        { FIELD_REQUEST_ID,
          token_of_value(FIELD_REQUEST_ID, sample->entries[1].values[FIELD_REQUEST_ID]) },
        { FIELD_SESSION_ID,
          token_of_value(FIELD_SESSION_ID,
                         sample->entries[5 * PAGE_ROWS].values[FIELD_SESSION_ID]) },
        { FIELD_MESSAGE, 1 },
    };
    uint64_t pages = pages_with_some(reader, both, 2);
    assert_true((pages & 33) == 33 && pages != 63);
    assert_int_equal(pages_with_some(reader, both, 3), 63);
    assert_int_equal(pages_with_some(reader, both, 0), 0);
    run_reader_destroy(reader);
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* Of a head, without the file, and with every block damaged: any page may have anything. */
static void
what_cannot_be_asked_rules_nothing_out(void **state)
{
    (void)state;
    struct sample *sample = sample_create(5, SAMPLE_PLAIN, FIRST, 5000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    struct segment_index index;
    struct segment_input input = { 0 };
    struct head *head = sample_head(sample);
    const struct run in_memory = { .first = FIRST, .count = 5000, .head = head };
    struct run_reader *reader;
    assert_ok(run_reader_create(&in_memory, &reader, &error));
    assert_true(pages_with(reader, FIELD_USER_ID, 1) == UINT64_MAX);
    run_reader_destroy(reader);
    head_release(head);

    assert_ok(segment_index_open(SAMPLE_PLACE(disk), &info, &input, &index, &error));
    uint64_t from = index.bloom.offset, end = index.file.directory_offset;
    segment_index_close(&index);
    buffer_free(&input.bytes);
    for (unsigned round = 0; round < 2; round++) {
        if (round == 0)
            for (uint64_t at = from; at < end; at += 64)
                disk_sim_poke(disk, INDEX_OF1, at, "\x55", 1);
        else
            assert_ok(disk_unlink(disk, INDEX_OF1, &error));
        reader = open_reader(disk, &info, &segment);
        assert_true(pages_with(reader, FIELD_USER_ID, 1) == UINT64_MAX);
        run_reader_destroy(reader);
        segment_release(segment);
    }
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* What an erasure took is asked of the new file in vain; the rest is there. */
static void
erased_values_leave_no_token(void **state)
{
    (void)state;
    struct sample *sample = sample_create(6, SAMPLE_PLAIN, FIRST, 6000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample), erased;
    struct segment *segment;
    uint32_t rows[1000];
    unsigned found = 0, asked = 0;
    for (uint32_t i = 0; i < 1000; i++)
        rows[i] = i * 6;
    assert_ok(segment_erase(SAMPLE_PLACE(disk), &info, rows, 1000, &erased, &error));
    assert_ok(segment_unlink_generation(SAMPLE_PLACE(disk), FIRST, 1, &error));
    assert_int_equal(disk_unlink(disk, INDEX_OF1, &error), TALLY_ABSENT);

    struct run_reader *reader = open_reader(disk, &erased, &segment);
    for (uint32_t i = 0; i < 1000; i++) {
        struct bytes value = sample->entries[rows[i]].values[FIELD_SESSION_ID];
        if (value.data == NULL)
            continue;
        found += pages_with_value(reader, FIELD_SESSION_ID, value) != 0;
        asked++;
    }
    assert_true(asked > 500 && found < asked / 10);
    sample_erase(sample, rows, 1000);
    check_none_is_missed(reader, sample);
    run_reader_destroy(reader);
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* What the directory says of the section, in every way that it may be wrong. */
static void
parameters_must_fit(void **state)
{
    (void)state;
    static const char good[] = "\x02\x06\0\0\3\0\0\0\2\6action\4what";
    struct index_section section = {
        .kind = SECTION_BLOOM,
        .parameters = { (const uint8_t *)good, sizeof good - 1 },
        .block = { 64, 3 * 132, 0 },
    };
    struct index_bloom bloom;
    assert_true(index_bloom_open(&section, 5000, &bloom));
    assert_true(bloom.covered == FIELD_BIT(FIELD_ACTION));
    assert_false(index_bloom_open(&section, 4096, &bloom));
    assert_false(index_bloom_open(&section, 8193, &bloom));
    for (size_t size = 0; size < sizeof good - 1; size++) {
        section.parameters.size = size;
        assert_false(index_bloom_open(&section, 5000, &bloom));
    }
    for (size_t i = 0; i < 9; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[i] = (char)(bad[i] ^ 0x40);
        section.parameters = bytes_of(bad, sizeof good - 1);
        assert_false(index_bloom_open(&section, 5000, &bloom));
    }
    section.parameters = bytes_of(good, sizeof good - 1);
    section.block.size++;
    assert_false(index_bloom_open(&section, 5000, &bloom));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_with_a_token_are_never_ruled_out),
        cmocka_unit_test(other_pages_are_mostly_ruled_out),
        cmocka_unit_test(what_cannot_be_asked_rules_nothing_out),
        cmocka_unit_test(erased_values_leave_no_token),
        cmocka_unit_test(parameters_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
