#include "segment_oracle.h"

#include "run_column.h"
#include "segment_read.h"

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

static void
assert_bytes(struct bytes actual, struct bytes expected, const char *what, uint64_t index)
{
    if ((actual.data == NULL) != (expected.data == NULL) || !bytes_equal(actual, expected))
        fail_msg("entry %llu, %s: \"%.*s\" instead of \"%.*s\"", (unsigned long long)index, what,
                 actual.size > 60 ? 60 : (int)actual.size, (const char *)actual.data,
                 expected.size > 60 ? 60 : (int)expected.size, (const char *)expected.data);
}

void
check_entry(struct run_reader *reader, const struct sample *sample, uint32_t row,
            enum run_want want)
{
    const struct sample_entry *expected = &sample->entries[row];
    struct run_entry entry;
    uint64_t index = sample->first + row;

    assert_ok(run_entry(reader, row, want, &entry, &error));
    assert_int_equal(entry.index, index);
    assert_int_equal(entry.erased, expected->erased);
    assert_int_equal(entry.control, expected->values[FIELD_CONTROL].data != NULL);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        if (field != FIELD_PRIVATE)
            assert_bytes(entry.values[field], expected->values[field],
                         (const char *)fields[field].name.data, index);
    if (want == RUN_VALUES) {
        assert_int_equal(entry.public_part.size + entry.private_part.size, 0);
        return;
    }
    assert_memory_equal(entry.salt, expected->salt, 16);
    struct tally_hash leaf;
    tally_hash_leaf(expected->public_part.data, expected->public_part.size, &leaf);
    assert_true(tally_hash_equal(&entry.leaf, &leaf));
    assert_memory_equal(entry.commitment, expected->commitment, 32);
    assert_bytes(entry.public_part, expected->public_part, "public part", index);
    assert_int_equal(entry.private_part.size, expected->private_part.size);
    if (!expected->erased)
        assert_bytes(entry.private_part, expected->private_part, "private part", index);
}

/* Whether it is a run of a size that the trail had within a segment. */
static bool
is_older(const struct run *run)
{
    return run->segment != NULL && run->count < segment_get_info(run->segment)->count;
}

/* Each value of a column, as scans read it. */
static void
check_column(struct run_reader *reader, const struct sample *sample, enum field_id field)
{
    for (uint32_t number = 0; number < run_page_count(run_of(reader)); number++) {
        struct page page;
        struct dictionary dictionary;
        struct page_summary summary;
        assert_ok(run_page_summary(reader, field, number, &summary, &error));
        assert_ok(run_page(reader, field, number, &page, &error));
        assert_ok(run_dictionary(reader, field, &dictionary, &error));
        bool older = is_older(run_of(reader));
        assert_true(!summary.known || summary.kind == page.kind ||
                    (older && page.kind == PAGE_ABSENT));
        for (uint32_t row = 0; row < page.rows; row++) {
            char text[PAGE_TEXT_MAX];
            uint32_t at = number * PAGE_ROWS + row;
            struct bytes value = page_value(&page, &dictionary, fields[field].column, row, text);
            if (field != FIELD_PRIVATE)
                assert_bytes(value, sample->entries[at].values[field], "page", sample->first + at);
            if (summary.known && page.kind == PAGE_CODES) {
                assert_in_range(page.codes[row], summary.minimum, summary.maximum);
                assert_true(!summary.constant || page.codes[row] == summary.minimum);
            }
        }
    }
}

static void
check_times(struct run_reader *reader, const struct sample *sample)
{
    int64_t all_min = INT64_MAX;
    int64_t all_max = INT64_MIN;
    bool older = is_older(run_of(reader));
    for (uint32_t number = 0; number < run_page_count(run_of(reader)); number++) {
        const int64_t *times;
        uint32_t rows;
        int64_t range_min, range_max, minimum = INT64_MAX, maximum = INT64_MIN;
        assert_ok(run_time_range(reader, number, &range_min, &range_max, &error));
        assert_ok(run_times(reader, number, &times, &rows, &error));
        for (uint32_t row = 0; row < rows; row++) {
            int64_t time = sample->entries[number * PAGE_ROWS + row].time;
            assert_true(times[row] == time);
            minimum = time < minimum ? time : minimum;
            maximum = time > maximum ? time : maximum;
        }
        assert_true(range_min <= minimum && range_max >= maximum);
        assert_true(older || (range_min == minimum && range_max == maximum));
        all_min = minimum < all_min ? minimum : all_min;
        all_max = maximum > all_max ? maximum : all_max;
    }
    const struct run *run = run_of(reader);
    assert_true(run->segment == NULL || older ||
                (segment_get_info(run->segment)->time_min == all_min &&
                 segment_get_info(run->segment)->time_max == all_max));
}

/* Of some rows alone, in no order of pages and before all are asked for. */
static void
check_times_of_some(struct run_reader *reader, const struct sample *sample, uint64_t *state)
{
    uint32_t pages = run_page_count(run_of(reader));
    for (unsigned round = 0; round < 3 * pages; round++) {
        uint32_t number = (uint32_t)(sample_random(state) % pages);
        uint32_t left = sample->count - number * PAGE_ROWS;
        uint32_t rows = left < PAGE_ROWS ? left : PAGE_ROWS;
        struct row_set wanted = { 0 };
        const int64_t *times;
        for (uint64_t i = sample_random(state) % 20; i > 0; i--)
            row_set_add(&wanted, (uint32_t)(sample_random(state) % rows));
        assert_ok(run_times_of(reader, number, &wanted, &times, &error));
        for (uint32_t row = row_set_next(&wanted, 0); row < rows;
             row = row_set_next(&wanted, row + 1))
            assert_true(times[row] == sample->entries[number * PAGE_ROWS + row].time);
    }
}

/* The newest row with this id, by looking at all. */
static uint32_t
row_of_id(const struct sample *sample, struct bytes id)
{
    for (uint32_t row = sample->count; row-- > 0;)
        if (bytes_equal(sample->entries[row].values[FIELD_ID], id))
            return row;
    return UINT32_MAX;
}

static void
check_ids(struct run_reader *reader, const struct sample *sample)
{
    uint32_t step = sample->count / 300 + 1;
    uint32_t row = 0;
    for (uint32_t i = 0; i < sample->count; i += step) {
        struct bytes id = sample->entries[i].values[FIELD_ID];
        assert_ok(run_find_id(reader, id, &row, &error));
        assert_int_equal(row, row_of_id(sample, id));
    }
    assert_int_equal(run_find_id(reader, bytes_text("not there"), &row, &error), TALLY_ABSENT);
    assert_int_equal(run_find_id(reader, bytes_of("", 0), &row, &error), TALLY_ABSENT);
}

void
check_run(const struct run *run, const struct sample *sample)
{
    struct run_reader *reader;
    uint64_t state = sample->count;

    assert_int_equal(run->count, sample->count);
    assert_ok(run_reader_create(run, &reader, &error));
    for (uint32_t row = 0; row < sample->count; row++)
        check_entry(reader, sample, row, RUN_PARTS);
    for (uint32_t row = 0; row < sample->count; row++)
        check_entry(reader, sample, row, RUN_STREAM);
    for (unsigned i = 0; i < 300; i++) {
        static const enum run_want wants[] = { RUN_PARTS, RUN_VALUES, RUN_STREAM };
        uint32_t row = (uint32_t)(sample_random(&state) % sample->count);
        check_entry(reader, sample, row, wants[i % 3]);
        if (i % 20 == 0)
            check_column(reader, sample, (enum field_id)(sample_random(&state) % FIELD_COUNT));
    }
    run_reader_destroy(reader);

    assert_ok(run_reader_create(run, &reader, &error));
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        check_column(reader, sample, (enum field_id)field);
    check_times_of_some(reader, sample, &state);
    check_times(reader, sample);
    check_ids(reader, sample);
    check_entry(reader, sample, sample->count - 1, RUN_PARTS);
    run_reader_destroy(reader);
}

void
check_segment(struct disk *disk, const struct segment_info *info, const struct sample *sample)
{
    struct segment *segment;
    bool index_only = true;
    uint32_t control_count = 0;
    uint32_t erased_count = 0;

    for (uint32_t row = 0; row < sample->count; row++) {
        control_count += sample->entries[row].values[FIELD_CONTROL].data != NULL;
        erased_count += sample->entries[row].erased;
    }
    assert_int_equal(info->control_count, control_count);
    assert_int_equal(info->erased_count, erased_count);

    assert_ok(segment_open(SAMPLE_PLACE(disk), info, &segment, &error));
    assert_ok(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error));
    assert_false(index_only);
    struct run run = segment_run(segment);
    check_run(&run, sample);
    segment_release(segment);
}

struct segment_info
seal(struct disk *disk, const struct sample *sample)
{
    struct segment_info info;
    struct head *head = sample_head(sample);
    assert_ok(segment_write_head(SAMPLE_PLACE(disk), head, &info, &error));
    head_release(head);
    assert_int_equal(info.first, sample->first);
    assert_int_equal(info.count, sample->count);
    assert_int_equal(info.generation, 1);
    return info;
}

const struct shape shapes[SHAPES] = {
    { SAMPLE_PLAIN, 1 },    { SAMPLE_SPARSE, 1 },    { SAMPLE_WILD, 1 },    { SAMPLE_WILD, 2 },
    { SAMPLE_WILD, 33 },    { SAMPLE_WILD, 255 },    { SAMPLE_PLAIN, 256 }, { SAMPLE_WILD, 257 },
    { SAMPLE_WILD, 4095 },  { SAMPLE_PLAIN, 4096 },  { SAMPLE_WILD, 4097 }, { SAMPLE_SPARSE, 5000 },
    { SAMPLE_WILD, 20000 }, { SAMPLE_PLAIN, 40000 }, { SAMPLE_HUGE, 600 },
};
