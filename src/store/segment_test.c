/* segment_test.c - what goes into a segment comes out. */
#include "arena.h"
#include "disk_sim.h"
#include "run_column.h"
#include "segment_oracle.h"
#include "segment_read.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

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

    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
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

    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
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

    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
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
        assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
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
        assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
        assert_int_equal(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error),
                         TALLY_DAMAGED);
        assert_true(index_only);
        assert_non_null(strstr(error.text, "t/segments/0000000000000000.index.00000001: "));
        assert_non_null(strstr(error.text, "tally doctor --rebuild"));
        struct run run = segment_run(segment);
        check_run(&run, sample); /* ids are found all the same */
        segment_release(segment);
    }

    assert_ok(segment_rebuild_index(SAMPLE_PLACE(disk), &info, &rebuilt, &error));
    assert_memory_equal(&rebuilt, &info, sizeof info);
    check_segment(disk, &rebuilt, sample);
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

    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
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

    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
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

/* What one reader looked up the next one need not: no byte is read for it, and it is as true. */
static void
what_was_looked_up_is_known(void **state)
{
    (void)state;
    struct sample *sample = sample_create(13, SAMPLE_WILD, 0, 9000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    unsigned kept = 0;
    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
    segment_use(segment);
    struct run run = segment_run(segment);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        for (uint32_t row = 0; row < 9000 && field != FIELD_PRIVATE; row += 1277) {
            const struct bytes value = sample->entries[row].values[field];
            const struct bytes wanted[] = { value, BYTES("looked for in vain") };
            struct run_reader *reader;
            for (unsigned i = 0; i < 2 && value.size > 0; i++) {
                uint32_t code, again;
                struct bytes back;
                assert_ok(run_reader_create(&run, &reader, &error));
                assert_ok(run_code(reader, (enum field_id)field, wanted[i], &code, &error));
                run_reader_destroy(reader);
                assert_ok(run_reader_create(&run, &reader, &error));
                uint64_t reads = run_meter(reader)->reads;
                assert_ok(run_code(reader, (enum field_id)field, wanted[i], &again, &error));
                kept += code > 0 && run_meter(reader)->reads == reads;
                assert_int_equal(again, code);
                assert_ok(run_value(reader, (enum field_id)field, row, &back, &error));
                assert_true(bytes_equal(back, value));
                run_reader_destroy(reader);
            }
        }
    }
    assert_true(kept > 0);
    segment_unuse(segment);
    segment_release(segment);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* A row that was found by its value is read without its page; others have their own values. */
static void
where_it_was_found_is_known(void **state)
{
    (void)state;
    struct sample *sample = sample_create(13, SAMPLE_WILD, 0, 9000);
    struct disk *disk = sample_disk();
    struct segment_info info = seal(disk, sample);
    struct segment *segment;
    unsigned unread = 0;
    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
    segment_use(segment);
    struct run run = segment_run(segment);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        for (uint32_t row = 7; row < 9000 && field != FIELD_PRIVATE; row += 1277) {
            const struct bytes value = sample->entries[row].values[field];
            struct row_set among = { 0 }, found = { 0 };
            struct run_reader *reader;
            uint32_t code;
            if (value.size == 0)
                continue;
            assert_ok(run_reader_create(&run, &reader, &error));
            assert_ok(run_code(reader, (enum field_id)field, value, &code, &error));
            row_set_add(&among, row % PAGE_ROWS);
            if (code > 0)
                assert_ok(run_codes_in(reader, (enum field_id)field, row / PAGE_ROWS,
                                       &(struct code_range){ code, code }, &among, &found, &error));
            assert_int_equal(row_set_count(&found), code > 0);
            run_reader_destroy(reader);

            assert_ok(run_reader_create(&run, &reader, &error));
            for (uint32_t next = row; next < row + 3; next++) {
                struct bytes back;
                uint64_t reads = run_meter(reader)->reads;
                assert_ok(run_value(reader, (enum field_id)field, next, &back, &error));
                assert_true(bytes_equal(back, sample->entries[next].values[field]));
                unread += code > 0 && next == row && run_meter(reader)->reads == reads;
            }
            run_reader_destroy(reader);
        }
    }
    assert_true(unread > 0);
    segment_unuse(segment);
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
        cmocka_unit_test(failing_reads_are_faults),
        cmocka_unit_test(threads_share_a_segment),
        cmocka_unit_test(what_was_looked_up_is_known),
        cmocka_unit_test(where_it_was_found_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
