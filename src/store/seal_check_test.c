/*
 * seal_check_test.c - a segment that holds what was committed passes; one that does not is found
 * out, whatever it is that differs.
 *
 * What is committed is a sample: its head, its leaves. What is sealed is another one, that differs
 * from it in one value or in nothing.
 */
#include "seal_check.h"

#include "disk_sim.h"
#include "segment_fixture.h"
#include "segment_read.h"
#include "tree_many.h"
#include "value_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static struct tally_error error;

/* A committed sample, and the segment beside it. */
struct bench {
    struct disk *disk;
    struct head *head;
    struct tally_tree before, after;
    struct tally_tree middle; /* with half of the sample's entries */
    struct hashes *hashes;
    struct segment *segment;
};

static void
assert_ok(tally_status status)
{
    if (status != TALLY_OK)
        fail_msg("status %d: %s", (int)status, status < 0 ? error.text : "an answer");
}

static void
grow(struct bench *bench, struct bytes public_part)
{
    struct tally_hash leaf, node;
    tally_hash_leaf(public_part.data, public_part.size, &leaf);
    if (tree_append_many(&bench->after, &leaf, 1, &node) &&
        bench->after.size > bench->before.size / HASHES_SPAN * HASHES_SPAN)
        assert_ok(hashes_append(bench->hashes, &node, &error));
}

static void
bench_begin(struct bench *bench, const struct sample *committed, const struct sample *sealed)
{
    *bench = (struct bench){ .disk = sample_disk() };
    struct segment_info info;
    struct head *head = sample_head(sealed);
    assert_ok(segment_write_head(SAMPLE_PLACE(bench->disk), head, &info, &error));
    head_release(head);
    assert_ok(segment_open(SAMPLE_PLACE(bench->disk), &info, &bench->segment, &error));

    bench->head = sample_head(committed);
    for (uint64_t i = 0; i < committed->first; i++) {
        struct tally_hash node, leaf = { { 0 } };
        (void)tree_append_many(&bench->after, &leaf, 1, &node);
    }
    bench->before = bench->after;
    assert_ok(hashes_create(SAMPLE_PLACE(bench->disk), NULL, 0, committed->first, &bench->hashes,
                            &error));
    for (uint32_t row = 0; row < committed->count; row++) {
        if (row == committed->count / 2)
            bench->middle = bench->after;
        grow(bench, committed->entries[row].public_part);
    }
}

static void
bench_end(struct bench *bench)
{
    segment_release(bench->segment);
    hashes_destroy(bench->hashes);
    head_release(bench->head);
    disk_close_folder(bench->disk);
}

static tally_status
check(const struct bench *bench, const struct tally_tree *replayed)
{
    const struct run run = segment_run(bench->segment);
    const struct seal_claim claim = {
        .head = bench->head,
        .before = &bench->before,
        .after = &bench->after,
        .replayed = replayed,
        .hashes = bench->hashes,
    };
    struct run_reader *reader, *second;
    assert_ok(run_reader_create(&run, &reader, &error));
    assert_ok(run_reader_create(&run, &second, &error));
    tally_status alone = seal_check(&claim, reader, NULL, NULL);
    tally_status status = seal_check(&claim, reader, second, &error);
    assert_int_equal(alone, status);
    run_reader_destroy(second);
    run_reader_destroy(reader);
    return status;
}

static void
what_was_committed_passes(void **state)
{
    static const struct {
        enum sample_style style;
        uint64_t first;
        uint32_t count;
    } shapes[] = {
        { SAMPLE_PLAIN, 0, 1 },      { SAMPLE_SPARSE, 7, 1 },     { SAMPLE_WILD, 300, 257 },
        { SAMPLE_WILD, 256, 4096 },  { SAMPLE_PLAIN, 300, 4097 }, { SAMPLE_WILD, 1, 9000 },
        { SAMPLE_PLAIN, 511, 9000 }, { SAMPLE_HUGE, 0, 600 },     { SAMPLE_SPARSE, 3, 8000 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct sample *sample = sample_create(i, shapes[i].style, shapes[i].first, shapes[i].count);
        struct bench bench;
        bench_begin(&bench, sample, sample);
        assert_ok(check(&bench, &bench.before));
        assert_ok(check(&bench, &bench.middle));
        assert_ok(check(&bench, &bench.after));
        struct tally_tree beyond = bench.after;
        beyond.size++; /* another head's entry, and its tree, which is not to be looked at */
        assert_ok(check(&bench, &beyond));
        bench_end(&bench);
        sample_destroy(sample);
    }
}

static void
assert_found(const struct bench *bench, const struct tally_tree *replayed, struct bytes what)
{
    assert_int_equal(check(bench, replayed), TALLY_DAMAGED);
    if (what.size > sizeof error.text || memcmp(error.text, what.data, what.size) != 0 ||
        strstr(error.text, " as sealed is not the one that was committed") == NULL)
        fail_msg("%.*s differs, and what is said is: %s", BYTES_ARG(what), error.text);
}

/* The first row from `row` on that has a value of a field, or the count. */
static uint32_t
row_with(const struct sample *sample, unsigned field, uint32_t row)
{
    while (row < sample->count && sample->entries[row].values[field].data == NULL)
        row++;
    return row;
}

/* Which values a field may be given in place of the one it has, by what kind of column it is. */
static struct bytes
other_value(enum field_id field)
{
    if (fields[field].column == COLUMN_HINT_TIME)
        return bytes_text("2025-06-15T15:06:40.123457Z");
    if (fields[field].column == COLUMN_HINT_NUMBER)
        return bytes_text("201");
    if (fields[field].type == TYPE_OBJECT)
        return bytes_text("{\"other\":1}");
    return bytes_text("another");
}

/* One value changed, one missing, one too many: each is found in each field, and named. */
static void
another_value_is_found(void **state)
{
    (void)state;
    struct sample *committed = sample_create(4, SAMPLE_WILD, 256, 600);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        uint32_t row = row_with(committed, field, 300);
        if (field == FIELD_PRIVATE || row == committed->count)
            continue;
        for (unsigned missing = 0; missing < 2; missing++) {
            struct sample *sealed = sample_create(4, SAMPLE_WILD, 256, 600);
            struct bench bench;
            sealed->entries[row].values[field] =
                missing ? bytes_of(NULL, 0) : other_value((enum field_id)field);
            bench_begin(&bench, committed, sealed);
            assert_found(&bench, &bench.before, fields[field].name);
            bench_end(&bench);
            bench_begin(&bench, sealed, committed);
            assert_found(&bench, &bench.before, fields[field].name);
            bench_end(&bench);
            sample_destroy(sealed);
        }
    }
    sample_destroy(committed);
}

/* Two values that changed places; a salt that is another's. The rows are none of those that are put
 * together, whose leaves would tell first. */
static void
another_place_is_found(void **state)
{
    (void)state;
    static const enum field_id some[] = { FIELD_ACTION, FIELD_REQUEST_ID, FIELD_DETAILS,
                                          FIELD_TIMESTAMP, FIELD_STATUS_CODE };
    struct sample *committed = sample_create(1, SAMPLE_PLAIN, 0, 5000);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct sample *sealed = sample_create(1, SAMPLE_PLAIN, 0, 5000);
        struct bench bench;
        uint32_t a = row_with(committed, some[i], 300), b = a;
        do
            b = row_with(committed, some[i], b + 1);
        while (bytes_equal(committed->entries[a].values[some[i]],
                           committed->entries[b].values[some[i]]));
        sealed->entries[a].values[some[i]] = committed->entries[b].values[some[i]];
        sealed->entries[b].values[some[i]] = committed->entries[a].values[some[i]];
        bench_begin(&bench, committed, sealed);
        assert_found(&bench, &bench.before, fields[some[i]].name);
        bench_end(&bench);
        sample_destroy(sealed);
    }
    struct sample *sealed = sample_create(1, SAMPLE_PLAIN, 0, 5000);
    struct bench bench;
    sealed->entries[4999].salt[15] ^= 1;
    bench_begin(&bench, committed, sealed);
    assert_found(&bench, &bench.before, bytes_text("salt"));
    bench_end(&bench);
    sample_destroy(sealed);
    sample_destroy(committed);
}

/* Values that are not what the leaf was hashed over: where all is put together, anywhere; else in
 * the entries that are tried. */
static void
another_leaf_is_found(void **state)
{
    (void)state;
    struct sample *sealed = sample_create(2, SAMPLE_PLAIN, 300, 9000);
    static const struct {
        uint32_t row;
        bool sampled;
    } rows[] = { { 0, false },   { 212, true },  { 467, true },
                 { 468, false }, { 4308, true }, { 8999, false } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample *committed = sample_create(2, SAMPLE_PLAIN, 300, 9000);
        struct bench bench;
        committed->entries[rows[i].row].public_part = bytes_text("{}");
        bench_begin(&bench, committed, sealed);
        assert_found(&bench, &bench.after, bytes_text("the tree"));
        if (rows[i].row < 4500)
            assert_found(&bench, &bench.middle, bytes_text("the tree"));
        if (rows[i].sampled)
            assert_found(&bench, &bench.before, bytes_text("the tree"));
        else
            assert_ok(check(&bench, &bench.before));
        bench_end(&bench);
        sample_destroy(committed);
    }
    sample_destroy(sealed);

    /* Of few entries all are put together. */
    sealed = sample_create(2, SAMPLE_PLAIN, 300, 100);
    struct sample *committed = sample_create(2, SAMPLE_PLAIN, 300, 100);
    struct bench bench;
    committed->entries[99].public_part = bytes_text("{}");
    bench_begin(&bench, committed, sealed);
    assert_found(&bench, &bench.before, bytes_text("the tree"));
    bench_end(&bench);
    sample_destroy(committed);
    sample_destroy(sealed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_passes),
        cmocka_unit_test(another_value_is_found),
        cmocka_unit_test(another_place_is_found),
        cmocka_unit_test(another_leaf_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
