/*
 * segment_test.c - what goes into a segment comes out, and what is erased is gone.
 *
 * The oracle is the list of entries that a head was filled from: every reader of the head, of the
 * segment and of the segment after an erasure must give exactly those values and those bytes.
 */
#include "arena.h"
#include "base64.h"
#include "disk_sim.h"
#include "run_column.h"
#include "segment_fixture.h"
#include "segment_read.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static struct tally_error error;

static void
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

static void
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
    assert_memory_equal(entry.salt, expected->salt, 16);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        if (field != FIELD_PRIVATE)
            assert_bytes(entry.values[field], expected->values[field],
                         (const char *)fields[field].name.data, index);
    if (want == RUN_VALUES) {
        assert_int_equal(entry.public_part.size + entry.private_part.size, 0);
        return;
    }
    struct tally_hash leaf;
    tally_hash_leaf(expected->public_part.data, expected->public_part.size, &leaf);
    assert_true(tally_hash_equal(&entry.leaf, &leaf));
    assert_memory_equal(entry.commitment, expected->commitment, 32);
    assert_bytes(entry.public_part, expected->public_part, "public part", index);
    assert_int_equal(entry.private_part.size, expected->private_part.size);
    if (!expected->erased)
        assert_bytes(entry.private_part, expected->private_part, "private part", index);
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
        const struct run *run = run_of(reader);
        bool older = run->segment != NULL && run->count < segment_get_info(run->segment)->count;
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
        assert_true(range_min == minimum && range_max == maximum);
        all_min = minimum < all_min ? minimum : all_min;
        all_max = maximum > all_max ? maximum : all_max;
    }
    const struct run *run = run_of(reader);
    assert_true(run->segment == NULL || segment_get_info(run->segment)->count != run->count ||
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

/* Everything that a reader can be asked for, in several orders. */
static void
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

static struct run
segment_run(struct segment *segment)
{
    const struct segment_info *info = segment_get_info(segment);
    return (struct run){
        .first = info->first,
        .count = info->count,
        .time_min = info->time_min,
        .time_max = info->time_max,
        .segment = segment,
    };
}

static void
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

    assert_ok(segment_open(disk, "t", sample_tag, info, &segment, &error));
    assert_ok(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error));
    assert_false(index_only);
    struct run run = segment_run(segment);
    check_run(&run, sample);
    segment_release(segment);
}

static struct segment_info
seal(struct disk *disk, const struct sample *sample)
{
    struct segment_info info;
    struct head *head = sample_head(sample);
    assert_ok(segment_write(disk, "t", sample_tag, head, &info, &error));
    head_release(head);
    assert_int_equal(info.first, sample->first);
    assert_int_equal(info.count, sample->count);
    assert_int_equal(info.generation, 1);
    return info;
}

/* Sizes around every boundary: of blocks, of pages, of buckets. */
static const struct {
    enum sample_style style;
    uint32_t count;
} shapes[] = {
    { SAMPLE_PLAIN, 1 },    { SAMPLE_SPARSE, 1 },    { SAMPLE_WILD, 1 },    { SAMPLE_WILD, 2 },
    { SAMPLE_WILD, 33 },    { SAMPLE_WILD, 255 },    { SAMPLE_PLAIN, 256 }, { SAMPLE_WILD, 257 },
    { SAMPLE_WILD, 4095 },  { SAMPLE_PLAIN, 4096 },  { SAMPLE_WILD, 4097 }, { SAMPLE_SPARSE, 5000 },
    { SAMPLE_WILD, 20000 }, { SAMPLE_PLAIN, 40000 }, { SAMPLE_HUGE, 600 },
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static void
head_gives_what_it_got(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES; i++) {
        struct sample *sample = sample_create(i, shapes[i].style, i * 1000003, shapes[i].count);
        struct head *head = sample_head(sample);
        struct run run = { .first = sample->first, .count = sample->count, .head = head };
        check_run(&run, sample);
        head_release(head);
        sample_destroy(sample);
    }
}

static void
segment_gives_what_it_got(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES; i++) {
        struct sample *sample = sample_create(i, shapes[i].style, i * 1000003, shapes[i].count);
        struct disk *disk = sample_disk();
        struct segment_info info = seal(disk, sample);
        check_segment(disk, &info, sample);
        disk_close_folder(disk);
        sample_destroy(sample);
    }
}

/* A snapshot of an older size sees a segment's first entries and nothing of the others. */
static void
older_sizes_see_less(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 255, 256, 257, 4096, 4097, 5000, 8999 };
    struct sample *sample = sample_create(12, SAMPLE_WILD, 0, 9000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    struct run_reader *reader;
    uint32_t row;

    assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct sample shorter = *sample;
        struct run run = segment_run(segment);
        shorter.count = counts[i];
        run.count = counts[i];
        check_run(&run, &shorter);
        assert_ok(run_reader_create(&run, &reader, &error));
        struct bytes later = sample->entries[8999].values[FIELD_ID];
        assert_int_equal(run_find_id(reader, later, &row, &error), TALLY_ABSENT);
        run_reader_destroy(reader);
    }
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

static void
opening_reads_nothing(void **state)
{
    (void)state;
    struct sample *sample = sample_create(1, SAMPLE_PLAIN, 0, 300);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    struct run_reader *reader;
    uint64_t calls = disk_sim_calls(disk);

    assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
    assert_int_equal(disk_sim_calls(disk), calls);

    /* And a reader that is gone holds no file: only then can the disk be closed. */
    struct run run = segment_run(segment);
    assert_ok(run_reader_create(&run, &reader, &error));
    check_entry(reader, sample, 7, RUN_PARTS);
    run_reader_destroy(reader);
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* A column that no entry has is in no file. */
static void
absent_columns_are_left_out(void **state)
{
    (void)state;
    struct sample *sample = sample_create(3, SAMPLE_SPARSE, 0, 20);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    struct segment_column_size sizes[COLUMN_COUNT];
    size_t count;
    uint64_t bytes = 0;

    assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
    assert_ok(segment_column_sizes(segment, sizes, COLUMN_COUNT, &count, &error));
    assert_in_range(count, 7,
                    8); /* action, id, received, timestamp, v, writer, salt; maybe control */
    for (size_t i = 0; i < count; i++) {
        assert_non_null(sizes[i].codec);
        bytes += sizes[i].bytes;
    }
    assert_true(bytes < info.public_size + info.private_size);
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

static void
probe_never_misses(void **state)
{
    (void)state;
    struct sample *sample = sample_create(5, SAMPLE_WILD, 9, 9000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    uint64_t *hashes = calloc(sample->count * 2, sizeof *hashes);
    bool *hits = calloc(sample->count * 2, sizeof *hits);
    uint64_t random = 1;

    for (uint32_t i = 0; i < sample->count; i++) {
        hashes[i] = segment_id_hash(sample->entries[i].values[FIELD_ID]);
        hashes[sample->count + i] = sample_random(&random);
    }
    /* With the index file, without it, and with a byte of it wrong. */
    for (unsigned round = 0; round < 3; round++) {
        struct segment *segment;
        uint32_t false_hits = 0;
        memset(hits, 0, sample->count * 2 * sizeof *hits);
        if (round == 1)
            disk_sim_poke(disk, "t/segments/0000000000000009.index.00000001", 200, "\xff\x01\xff",
                          3);
        if (round == 2)
            assert_ok(disk_unlink(disk, "t/segments/0000000000000009.index.00000001", &error));
        assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
        assert_ok(segment_probe_ids(segment, hashes, sample->count * 2, hits, &error));
        for (uint32_t i = 0; i < sample->count; i++) {
            assert_true(hits[i]);
            false_hits += hits[sample->count + i];
        }
        assert_true(false_hits < sample->count / 200);
        segment_release(segment);
    }
    free(hashes);
    free(hits);
    disk_close_folder(disk);
    sample_destroy(sample);
}

static void
lost_index_is_found_and_rebuilt(void **state)
{
    (void)state;
    struct sample *sample = sample_create(8, SAMPLE_WILD, 0, 700);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment_info rebuilt;
    struct segment *segment;
    bool index_only;

    /* First a bucket is damaged, then the whole file is gone. */
    for (unsigned round = 0; round < 2; round++) {
        if (round == 0)
            disk_sim_poke(disk, "t/segments/0000000000000000.index.00000001", 70, "damaged", 7);
        else
            assert_ok(disk_unlink(disk, "t/segments/0000000000000000.index.00000001", &error));
        assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
        assert_int_equal(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error),
                         TALLY_DAMAGED);
        assert_true(index_only);
        assert_non_null(strstr(error.text, "t/segments/0000000000000000.index.00000001: "));
        assert_non_null(strstr(error.text, "tally doctor --rebuild"));
        struct run run = segment_run(segment);
        check_run(&run, sample); /* ids are found all the same */
        segment_release(segment);
    }

    assert_ok(segment_rebuild_index(disk, "t", sample_tag, &info, &rebuilt, &error));
    assert_memory_equal(&rebuilt, &info, sizeof info);
    check_segment(disk, &rebuilt, sample);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* Rows to erase: some at random, and for `kind` 1 all, 2 the last one only. */
static size_t
rows_to_erase(uint32_t count, unsigned kind, uint64_t seed, uint32_t *rows)
{
    size_t found = 0;
    for (uint32_t row = 0; row < count; row++)
        if (kind == 1 || (kind == 2 && row == count - 1) ||
            (kind == 0 && sample_random(&seed) % 10 == 0))
            rows[found++] = row;
    return found;
}

static void
erasure_takes_those_and_no_others(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES; i++) {
        struct sample *sample = sample_create(i, shapes[i].style, 77, shapes[i].count);
        struct disk *disk = sample_disk();
        struct segment_info info = seal(disk, sample);
        struct segment_info erased;
        uint32_t *rows = calloc(sample->count, sizeof *rows);

        size_t count = rows_to_erase(sample->count, i % 3, i, rows);
        assert_ok(segment_erase(disk, "t", sample_tag, &info, rows, count, &erased, &error));
        assert_int_equal(erased.generation, 2);
        check_segment(disk, &info, sample); /* the old generation is as it was */
        assert_ok(segment_unlink_generation(disk, "t", 77, 1, &error));
        sample_erase(sample, rows, count);
        check_segment(disk, &erased, sample);

        /* Once more, some of them for the second time. */
        count = rows_to_erase(sample->count, 0, i + 100, rows);
        assert_ok(segment_erase(disk, "t", sample_tag, &erased, rows, count, &info, &error));
        assert_ok(segment_unlink_generation(disk, "t", 77, 2, &error));
        sample_erase(sample, rows, count);
        check_segment(disk, &info, sample);
        free(rows);
        disk_close_folder(disk);
        sample_destroy(sample);
    }
}

/* A value that only erased entries have is in no file, squeezed or not: the dictionary of codes,
 * the primer and the blocks are made of what is left. To see it, what is left is nothing else. */
static void
erased_bytes_are_gone(void **state)
{
    (void)state;
    struct sample *sample = sample_create(2, SAMPLE_PLAIN, 0, 3000);
    static const char secret[] = "Zebedee Q. Wolfeschlegelstein";
    uint32_t rows[1500];
    size_t count = 0;

    for (uint32_t row = 0; row < sample->count; row += 2) {
        struct sample_entry *entry = &sample->entries[row];
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            if ((sample->fields_private & FIELD_BIT(field)) != 0)
                entry->values[field] = bytes_of(secret, sizeof secret - 1);
        rows[count++] = row;
    }
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment_info erased;
    assert_true(disk_sim_contains(disk, secret, sizeof secret - 1)); /* else this shows nothing */
    assert_true(disk_sim_contains(disk, sample->entries[0].salt, 16));

    assert_ok(segment_erase(disk, "t", sample_tag, &info, rows, count, &erased, &error));
    assert_ok(segment_unlink_generation(disk, "t", 0, 1, &error));
    assert_false(disk_sim_contains(disk, "Zebedee", 7));
    assert_false(disk_sim_contains(disk, "schlegel", 8));
    for (size_t i = 0; i < count; i++)
        assert_false(disk_sim_contains(disk, sample->entries[rows[i]].salt, 16));
    assert_true(disk_sim_contains(disk, sample->entries[1].salt, 16));

    /* The same file comes of a head that never had the values. */
    struct segment_info never;
    struct disk *other = sample_disk();
    for (size_t i = 0; i < count; i++)
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            if ((sample->fields_private & FIELD_BIT(field)) != 0)
                sample->entries[rows[i]].values[field] = (struct bytes){ NULL, 0 };
    never = seal(other, sample);
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        struct segment *a, *b;
        struct segment_column *x, *y;
        struct segment_input input = { 0 };
        assert_ok(segment_open(disk, "t", sample_tag, &erased, &a, &error));
        assert_ok(segment_open(other, "t", sample_tag, &never, &b, &error));
        segment_use(a);
        segment_use(b);
        if (column != COLUMN_SALT &&
            segment_find_column(a, column, &input, &x, &error) == TALLY_OK) {
            assert_ok(segment_find_column(b, column, &input, &y, &error));
            assert_int_equal(x->entry.dictionary_table.crc, y->entry.dictionary_table.crc);
            assert_int_equal(x->entry.primer.crc, y->entry.primer.crc);
            assert_int_equal(x->entry.table.crc, y->entry.table.crc);
        }
        segment_unuse(a);
        segment_unuse(b);
        buffer_free(&input.bytes);
        segment_release(a);
        segment_release(b);
    }
    disk_close_folder(other);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* A crash between seal and manifest leaves files of the same names. */
static void
remnants_are_replaced(void **state)
{
    (void)state;
    struct sample *sample = sample_create(4, SAMPLE_PLAIN, 0, 100);
    struct sample *other = sample_create(5, SAMPLE_WILD, 0, 50);
    struct disk *disk = sample_disk();
    seal(disk, other);
    struct segment_info info = seal(disk, sample);
    check_segment(disk, &info, sample);
    disk_close_folder(disk);
    sample_destroy(other);
    sample_destroy(sample);
}

static tally_status
count_name(void *context, const char *name, struct tally_error *unused)
{
    (void)name;
    (void)unused;
    ++*(unsigned *)context;
    return TALLY_OK;
}

static unsigned
files_left(struct disk *disk)
{
    unsigned count = 0;
    assert_ok(disk_list(disk, "t/segments", count_name, &count, &error));
    return count;
}

/* Every call of the disk fails in turn: a fault, nothing that looks like a segment, and then it
 * goes. */
static void
failing_disks_leave_nothing(void **state)
{
    (void)state;
    struct sample *sample = sample_create(6, SAMPLE_PLAIN, 0, 300);
    struct disk *disk = sample_disk();
    struct head *head = sample_head(sample);
    struct segment_info info;

    uint64_t calls = disk_sim_calls(disk);
    assert_ok(segment_write(disk, "t", sample_tag, head, &info, &error));
    calls = disk_sim_calls(disk) - calls;
    assert_true(calls > 10);
    for (uint64_t n = 0; n < calls; n++) {
        for (int way = 0; way < SIM_FAULTS; way++) {
            struct segment_info untouched = { .first = 12345 };
            disk_sim_fail(disk, n, (enum sim_fault)way);
            tally_status status = segment_write(disk, "t", sample_tag, head, &untouched, &error);
            disk_sim_heal(disk);
            /* A removal that found nothing has done its work before the fault. */
            if (status == TALLY_OK && way == SIM_FAULT_LATE)
                continue;
            if (status >= 0)
                fail_msg("call %u, way %d: %d", (unsigned)n, way, (int)status);
            assert_int_equal(untouched.first, 12345);
            assert_true(way == SIM_FAULT_DEAD || files_left(disk) == 0);
        }
    }
    assert_ok(segment_write(disk, "t", sample_tag, head, &info, &error));
    check_segment(disk, &info, sample);
    head_release(head);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* Reading with every call failing in turn never gives a wrong entry. */
static void
failing_reads_are_faults(void **state)
{
    (void)state;
    struct sample *sample = sample_create(6, SAMPLE_PLAIN, 0, 300);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    bool index_only;

    assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
    uint64_t calls = disk_sim_calls(disk);
    assert_ok(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error));
    calls = disk_sim_calls(disk) - calls;
    for (uint64_t n = 0; n < calls; n++) {
        disk_sim_fail(disk, n, SIM_FAULT_IO);
        tally_status status = segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error);
        disk_sim_heal(disk);
        assert_int_equal(status, TALLY_IO);
    }
    assert_ok(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error));
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* The example of docs/format.md, and its public file. Short values are not compressed, so these
 * bytes do not depend on a library. */
static const char private_file[] =
    "54414c4c5953454701000200010000006120747261696c2773207461672e2e2e0300000000000000"
    "0100000000000000000000000000000000000000e71794fa08000668656c6c6f080000009dec6978"
    "00000275310005000000a6c3e42a000275310100000000050000009919637d010100000000000000"
    "01000000000000000103000102030405060708090a0b0c0d0e0f12000000ef39d8bd000000000300"
    "0000076d657373616765050502000000004000000000000000000000000000000000000000000000"
    "0000000000080000000000000008000000a5d216db07757365725f69640101020100000050000000"
    "00000000050000000d000000d6cf23110000000000000000050000000000000019000000e7cbe05c"
    "0473616c740403020000000080000000000000000000000000000000000000000000000000000000"
    "120000000000000008000000f4028ffc9a00000000000000b6000000e959c7a7fd09a9a474656e64";
static const char index_file[] =
    "54414c4c5953454701000300010000006120747261696c2773207461672e2e2e0300000000000000"
    "0100000000000000000000000000000000000000aee1681bc4a40003000000dd883a780040000200"
    "00000000000400000000000000020000100280002000000001000000000800200100800000000000"
    "00000001204000000040002000000000000000525251760506616374696f6e010b00000002696401"
    "01000000076d657373616765010800000007757365725f6964010200000006777269746572010600"
    "00006c6f67696e0075736572000068656c6c6f5b000075006c6f63616c000301b8ab3b0104066163"
    "74696f6e01000307757365725f696401000301760100030677726974657201000301010101010101"
    "0101010101040000000100000040000000000000000b0000003b39e5060200d9004b000000000000"
    "0044000000c74b674801060000010000001506616374696f6e076368616e67657307636f6e74726f"
    "6c0e636f7272656c6174696f6e5f69640764657461696c7308656e64706f696e740a6576656e745f"
    "747970650867726f75705f69640a69705f61646472657373066d6574686f640c6f6e5f626568616c"
    "665f6f660a726571756573745f69640b7265736f757263655f69640d7265736f757263655f747970"
    "6507736572766963650a73657373696f6e5f69640874726163655f69640a757365725f6167656e74"
    "0a757365725f656d61696c07757365725f696406777269746572030000008f000000000000005700"
    "000096bdb89104000800e600000000000000370000004d615bad370000004d615bad1d0100000000"
    "00003501000030799e6f3747bbfd74656e64";
static const char public_file[] =
    "54414c4c5953454701000100000000006120747261696c2773207461672e2e2e0300000000000000"
    "0100000000000000000000000000000000000000c96654c100000a757365722e6c6f67696e000d00"
    "00007d375fd9000a757365722e6c6f67696e0100000000050000009919637d010100000000000000"
    "010000000000000001010190b2a47c3e7d118e1f0123456789ab12000000262dd929010600034032"
    "d8049b3706000000000f000000f3ca35be06004a84ec8a354918004a84ec8a35491801030006faf6"
    "7573970100000000000f000000fc202c49068032d0bf8a3549188032d0bf8a354918000001310004"
    "00000002194d990001310100000000050000009919637d0101000000000000000100000000000000"
    "00000a6c6f63616c3a31303030000d0000001bbbbba0000a6c6f63616c3a31303030010000000005"
    "0000009919637d0101000000000000000100000000000000010000008032d0bf8a3549188032d0bf"
    "8a3549180600000006616374696f6e0101010100000040000000000000000d000000150000001114"
    "10060000000000000000050000000000000019000000e7cbe05c0269640403010000000080000000"
    "0000000000000000000000000000000000000000000000001200000000000000080000009d776486"
    "087265636569766564020201000000009a0000000000000000000000000000000000000000000000"
    "000000000f000000000000001900000053f14ea20974696d657374616d7002020100000000c20000"
    "000000000000000000000000000000000000000000000000000f0000000000000019000000cab40e"
    "e4017601010101000000ea00000000000000040000000c000000a9cece8900000000000000000500"
    "00000000000019000000e7cbe05c067772697465720101010100000018010000000000000d000000"
    "15000000874bfd330000000000000000050000000000000019000000e7cbe05c5801000000000000"
    "70010000e1471ed4bc90748674656e64";

static void
assert_file(struct disk *disk, const char *name, const char *hex)
{
    uint8_t expected[1024];
    uint8_t actual[1024];
    size_t size = strlen(hex) / 2;
    assert_true(size <= sizeof expected && hex_decode(bytes_text(hex), expected, size));
    assert_int_equal(disk_sim_size(disk, name), size);
    disk_sim_peek(disk, name, 0, actual, size);
    assert_memory_equal(actual, expected, size);
}

static void
bytes_are_those_of_the_document(void **state)
{
    (void)state;
    static const uint8_t salt[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const struct bytes values[FIELD_COUNT] = {
        [FIELD_ACTION] = BYTES("user.login"),
        [FIELD_ID] = BYTES("0190b2a4-7c3e-7d11-8e1f-0123456789ab"),
        [FIELD_MESSAGE] = BYTES("hello"),
        [FIELD_RECEIVED] = BYTES("2025-06-15T12:00:01.000000Z"),
        [FIELD_TIMESTAMP] = BYTES("2025-06-15T12:00:00.250Z"),
        [FIELD_USER_ID] = BYTES("u1"),
        [FIELD_V] = BYTES("1"),
        [FIELD_WRITER] = BYTES("local:1000"),
    };
    struct head_entry entry = { .values = values, .salt = salt };
    struct disk *disk = sample_disk();
    struct segment_info info;
    struct head *head;

    assert_ok(head_create(3, FIELDS_PRIVATE_DEFAULT, &head, &error));
    assert_ok(head_append(head, &entry, 1, &error));
    head_publish(head);
    assert_ok(segment_write(disk, "t", sample_tag, head, &info, &error));
    assert_file(disk, "t/segments/0000000000000003.public", public_file);
    assert_file(disk, "t/segments/0000000000000003.private.00000001", private_file);
    assert_file(disk, "t/segments/0000000000000003.index.00000001", index_file);
    head_release(head);
    disk_close_folder(disk);
}

/* What a thread of several does with a segment that all share, and how often it was wrong. */
struct shared_use {
    struct segment *segment;
    const struct sample *sample;
    uint64_t seed;
    unsigned wrong;
};

static void
use_once(struct shared_use *use)
{
    struct run run = segment_run(use->segment);
    struct run_reader *reader;
    if (run_reader_create(&run, &reader, NULL) != TALLY_OK) {
        use->wrong++;
        return;
    }
    for (unsigned i = 0; i < 20; i++) {
        uint32_t row = (uint32_t)(sample_random(&use->seed) % use->sample->count);
        const struct sample_entry *expected = &use->sample->entries[row];
        struct run_entry entry;
        uint32_t found;
        uint64_t hash = segment_id_hash(expected->values[FIELD_ID]);
        bool hit = false;
        bool right = run_entry(reader, row, RUN_PARTS, &entry, NULL) == TALLY_OK &&
                     bytes_equal(entry.public_part, expected->public_part) &&
                     bytes_equal(entry.private_part, expected->private_part) &&
                     run_find_id(reader, expected->values[FIELD_ID], &found, NULL) == TALLY_OK &&
                     found == row &&
                     segment_probe_ids(use->segment, &hash, 1, &hit, NULL) == TALLY_OK && hit;
        use->wrong += !right;
    }
    run_reader_destroy(reader);
}

static void *
use_often(void *context)
{
    for (unsigned i = 0; i < 10; i++)
        use_once(context);
    return NULL;
}

/* Files and columns are opened by whoever comes first and closed by whoever goes last. */
static void
threads_share_a_segment(void **state)
{
    (void)state;
    struct sample *sample = sample_create(11, SAMPLE_PLAIN, 0, 6000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct shared_use uses[4];
    pthread_t threads[4];
    struct segment *segment;

    assert_ok(segment_open(disk, "t", sample_tag, &info, &segment, &error));
    for (unsigned i = 0; i < 4; i++) {
        uses[i] = (struct shared_use){ .segment = segment, .sample = sample, .seed = i };
        assert_int_equal(pthread_create(&threads[i], NULL, use_often, &uses[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(uses[i].wrong, 0);
    }
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_gives_what_it_got),
        cmocka_unit_test(segment_gives_what_it_got),
        cmocka_unit_test(older_sizes_see_less),
        cmocka_unit_test(opening_reads_nothing),
        cmocka_unit_test(absent_columns_are_left_out),
        cmocka_unit_test(probe_never_misses),
        cmocka_unit_test(lost_index_is_found_and_rebuilt),
        cmocka_unit_test(erasure_takes_those_and_no_others),
        cmocka_unit_test(erased_bytes_are_gone),
        cmocka_unit_test(remnants_are_replaced),
        cmocka_unit_test(failing_disks_leave_nothing),
        cmocka_unit_test(failing_reads_are_faults),
        cmocka_unit_test(bytes_are_those_of_the_document),
        cmocka_unit_test(threads_share_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
