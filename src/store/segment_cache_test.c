#include "segment_cache.h"

#include "disk_sim.h"
#include "run.h"
#include "segment_fixture.h"
#include "segment_read.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEGMENTS 4u /* read through the public and the private file: two each */
#define ENTRIES  500u

static struct tally_error error;

static void
assert_ok(tally_status status)
{
    if (status != TALLY_OK)
        fail_msg("%s: %s", tally_status_text(status), error.text);
}

/* A few segments on a disk, in one cache. */
struct shelf {
    struct disk *disk;
    struct segment_cache cache;
    struct sample *samples[SEGMENTS];
    struct segment_info infos[SEGMENTS];
    struct segment *segments[SEGMENTS];
};

static struct segment *
open_joined(struct shelf *shelf, unsigned i)
{
    struct segment *segment;
    if (segment_open(SAMPLE_PLACE(shelf->disk), &shelf->infos[i], &segment, NULL) != TALLY_OK)
        return NULL;
    segment_cache_join(&shelf->cache, segment);
    return segment;
}

static void
shelf_open(struct shelf *shelf, size_t memory_max, unsigned files_max)
{
    shelf->disk = sample_disk();
    segment_cache_init(&shelf->cache, memory_max, files_max);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        shelf->samples[i] = sample_create(i, SAMPLE_PLAIN, i * ENTRIES, ENTRIES);
        struct head *head = sample_head(shelf->samples[i]);
        assert_ok(segment_write_head(SAMPLE_PLACE(shelf->disk), head, &shelf->infos[i], &error));
        head_release(head);
        shelf->segments[i] = open_joined(shelf, i);
        assert_non_null(shelf->segments[i]);
    }
}

static void
shelf_close(struct shelf *shelf)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        segment_release(shelf->segments[i]);
        sample_destroy(shelf->samples[i]);
    }
    assert_int_equal(shelf->cache.weight.memory, 0);
    segment_cache_finish(&shelf->cache);
    disk_close_folder(shelf->disk); /* it asserts that no file is open */
}

/* Reads an entry. Not cmocka's asserts: they are not for other threads. */
static bool
read_one(struct shelf *shelf, struct segment *segment, unsigned i, uint32_t row)
{
    const struct sample_entry *expected = &shelf->samples[i]->entries[row];
    struct run run = { .first = i * ENTRIES, .count = ENTRIES, .segment = segment };
    struct run_reader *reader;
    struct run_entry entry;
    if (run_reader_create(&run, &reader, NULL) != TALLY_OK)
        return false;
    bool right = run_entry(reader, row, RUN_PARTS, &entry, NULL) == TALLY_OK &&
                 bytes_equal(entry.public_part, expected->public_part) &&
                 bytes_equal(entry.private_part, expected->private_part);
    run_reader_destroy(reader);
    return right;
}

static void
use(struct shelf *shelf, unsigned i)
{
    assert_true(read_one(shelf, shelf->segments[i], i, 17));
}

static void
expect_open(const struct shelf *shelf, const char *pattern)
{
    unsigned open = 0;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        assert_int_equal(segment_weigh(shelf->segments[i]).files > 0, pattern[i] == 'o');
        open += segment_weigh(shelf->segments[i]).files > 0;
    }
    assert_int_equal(shelf->cache.count, open);
}

static void
kept_as_they_are(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, SIZE_MAX, 100);
    uint64_t before = shelf.disk->counters.reads;
    use(&shelf, 0);
    uint64_t cold = shelf.disk->counters.reads - before;
    before = shelf.disk->counters.reads;
    use(&shelf, 0);
    uint64_t warm = shelf.disk->counters.reads - before;
    expect_open(&shelf, "o---");
    /* Pages and blocks are read again; directories, tables and dictionaries are not. */
    assert_true(warm > 0 && warm < cold / 2);
    shelf_close(&shelf);
}

/* A reader that ended leaves its memory to the next one, of any segment, and nothing of what it
 * read. */
static void
readers_leave_their_room(void **state)
{
    (void)state;
    struct shelf shelf;
    struct run_reader *first = NULL;
    shelf_open(&shelf, SIZE_MAX, 100);
    for (unsigned round = 0; round < 3 * SEGMENTS; round++) {
        unsigned i = round % SEGMENTS;
        struct run run = { .first = i * ENTRIES, .count = ENTRIES, .segment = shelf.segments[i] };
        struct run_reader *reader;
        assert_ok(run_reader_create(&run, &reader, &error));
        first = first == NULL ? reader : first;
        assert_ptr_equal(reader, first);
        for (uint32_t row = 3; row < ENTRIES; row += ENTRIES / 3 + round) {
            const struct sample_entry *expected = &shelf.samples[i]->entries[row];
            struct run_entry entry;
            enum run_want want = round / SEGMENTS == 1 ? RUN_PARTS : RUN_VALUES;
            assert_ok(run_entry(reader, row, want, &entry, &error));
            for (unsigned field = 0; field < FIELD_COUNT; field++)
                if (field != FIELD_PRIVATE)
                    assert_true(bytes_equal(entry.values[field], expected->values[field]));
        }
        assert_int_equal(shelf.cache.reader_count, 0);
        run_reader_destroy(reader);
        assert_int_equal(shelf.cache.reader_count, 1);
    }
    shelf_close(&shelf);
}

/* No more readers are kept than there is room for, and each time others are given out. */
static void
no_reader_twice(void **state)
{
    (void)state;
    struct shelf shelf;
    struct run_reader *readers[CACHE_READERS + 2];
    shelf_open(&shelf, SIZE_MAX, 100);
    struct run run = { .count = ENTRIES, .segment = shelf.segments[0] };
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < CACHE_READERS + 2; i++) {
            assert_ok(run_reader_create(&run, &readers[i], &error));
            for (unsigned j = 0; j < i; j++)
                assert_ptr_not_equal(readers[i], readers[j]);
        }
        for (unsigned i = 0; i < CACHE_READERS + 2; i++)
            run_reader_destroy(readers[i]);
        assert_int_equal(shelf.cache.reader_count, CACHE_READERS);
    }
    shelf_close(&shelf);
}

/* What readers count is what the disk did, whoever of them opened what. */
static void
readers_count_their_reads(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, SIZE_MAX, 100);
    for (unsigned round = 0; round < 3; round++) {
        struct run run = { .count = ENTRIES, .segment = shelf.segments[0] };
        struct run_reader *reader;
        struct run_entry entry;
        uint32_t row;
        uint64_t reads = shelf.disk->counters.reads;
        uint64_t bytes = shelf.disk->counters.read_bytes;
        assert_ok(run_reader_create(&run, &reader, &error));
        assert_int_equal(run_meter(reader)->reads, 0);
        assert_ok(run_entry(reader, 100 * round, RUN_PARTS, &entry, &error));
        assert_ok(run_find_id(reader, shelf.samples[0]->entries[7].values[FIELD_ID], &row, &error));
        assert_true(run_meter(reader)->reads > 0);
        assert_int_equal(run_meter(reader)->reads, shelf.disk->counters.reads - reads);
        assert_int_equal(run_meter(reader)->bytes, shelf.disk->counters.read_bytes - bytes);
        run_reader_destroy(reader);
    }
    shelf_close(&shelf);
}

static void
the_coldest_goes_first(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, SIZE_MAX, 4);
    use(&shelf, 0);
    use(&shelf, 1);
    expect_open(&shelf, "oo--");
    use(&shelf, 2);
    expect_open(&shelf, "-oo-");
    use(&shelf, 1);
    use(&shelf, 3);
    expect_open(&shelf, "-o-o");
    shelf_close(&shelf);
}

static void
memory_has_a_limit(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, SIZE_MAX, 100);
    use(&shelf, 0);
    size_t one = shelf.cache.weight.memory;
    assert_true(one > sizeof(struct segment));
    for (unsigned i = 1; i < SEGMENTS; i++)
        use(&shelf, i);
    expect_open(&shelf, "oooo");
    assert_true(shelf.cache.weight.memory > 3 * one);
    shelf.cache.memory_max = one * 5 / 2;
    use(&shelf, 3);
    expect_open(&shelf, "--oo");
    shelf.cache.memory_max = 0;
    use(&shelf, 3);
    expect_open(&shelf, "----");
    shelf_close(&shelf);
}

/* Loads the dictionaries of all columns whole. */
static void
use_dictionaries(struct shelf *shelf, unsigned i)
{
    struct run run = { .first = i * ENTRIES, .count = ENTRIES, .segment = shelf->segments[i] };
    struct run_reader *reader;
    struct dictionary dictionary;
    assert_ok(run_reader_create(&run, &reader, &error));
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        assert_ok(run_dictionary(reader, (enum field_id)field, &dictionary, &error));
    run_reader_destroy(reader);
}

/* When memory is short, dictionaries that were loaded whole go first, from the coldest on, and no
 * segment is closed for them. */
static void
dictionaries_go_first(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, SIZE_MAX, 100);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        use(&shelf, i);
        use_dictionaries(&shelf, i);
        assert_true(shelf.segments[i]->weight.dictionaries > 0);
    }
    shelf.cache.memory_max = shelf.cache.weight.memory - 1;
    use(&shelf, 3);
    expect_open(&shelf, "oooo");
    assert_int_equal(shelf.segments[0]->weight.dictionaries, 0);
    assert_true(shelf.segments[1]->weight.dictionaries > 0);

    shelf.cache.memory_max = shelf.cache.weight.memory - shelf.cache.weight.dictionaries;
    use(&shelf, 3);
    expect_open(&shelf, "oooo");
    assert_int_equal(shelf.cache.weight.dictionaries, 0);
    assert_true(shelf.cache.weight.memory <= shelf.cache.memory_max);
    struct segment_weight weight = segment_weigh(shelf.segments[1]);
    assert_int_equal(weight.memory, shelf.segments[1]->weight.memory);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        use_dictionaries(&shelf, i);
        use(&shelf, i);
    }
    shelf_close(&shelf);
}

/* A segment in use is not closed, whatever the limits; one that goes is closed at once. */
static void
use_and_release(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, SIZE_MAX, 2);
    const struct segment_half *half;
    struct segment_input input = { 0 };
    segment_use(shelf.segments[0]);
    assert_ok(segment_get_half(shelf.segments[0], HALF_PUBLIC, &input, &half, &error));
    use(&shelf, 1);
    use(&shelf, 2);
    assert_int_equal(segment_weigh(shelf.segments[0]).files, 1);
    assert_int_equal(segment_weigh(shelf.segments[1]).files, 0);
    assert_int_equal(segment_weigh(shelf.segments[2]).files, 2);
    buffer_free(&input.bytes);
    segment_unuse(shelf.segments[0]);
    expect_open(&shelf, "o---");
    segment_release(shelf.segments[0]);
    assert_int_equal(shelf.cache.count, 0);
    assert_int_equal(shelf.cache.weight.memory, 0);
    shelf.segments[0] = open_joined(&shelf, 0);
    shelf_close(&shelf);
}

struct visitor {
    struct shelf *shelf;
    uint64_t seed;
    unsigned wrong;
    pthread_t thread;
};

/* Reads the shared segments, and some of its own that come and go. */
static void *
visit(void *context)
{
    struct visitor *visitor = context;
    struct shelf *shelf = visitor->shelf;
    for (unsigned i = 0; i < 300; i++) {
        unsigned which = (unsigned)(sample_random(&visitor->seed) % SEGMENTS);
        uint32_t row = (uint32_t)(sample_random(&visitor->seed) % ENTRIES);
        struct segment *own = i % 3 == 0 ? open_joined(shelf, which) : NULL;
        struct segment *segment = own != NULL ? own : shelf->segments[which];
        visitor->wrong += !read_one(shelf, segment, which, row);
        segment_release(own);
    }
    return NULL;
}

static void
threads_come_and_go(void **state)
{
    (void)state;
    struct shelf shelf;
    struct visitor visitors[4];
    shelf_open(&shelf, SIZE_MAX, 4);
    for (unsigned i = 0; i < 4; i++) {
        visitors[i] = (struct visitor){ .shelf = &shelf, .seed = i };
        assert_int_equal(pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
        assert_int_equal(visitors[i].wrong, 0);
    }
    assert_true(shelf.cache.weight.files <= 4);
    shelf_close(&shelf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_as_they_are),       cmocka_unit_test(readers_count_their_reads),
        cmocka_unit_test(the_coldest_goes_first), cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(dictionaries_go_first),  cmocka_unit_test(use_and_release),
        cmocka_unit_test(threads_come_and_go),    cmocka_unit_test(readers_leave_their_room),
        cmocka_unit_test(no_reader_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
