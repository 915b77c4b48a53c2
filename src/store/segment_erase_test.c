/* segment_erase_test.c - what is erased is gone, and nothing else is. */
#include "arena.h"
#include "disk_sim.h"
#include "segment_oracle.h"
#include "segment_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

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
        assert_ok(segment_erase(SAMPLE_PLACE(disk), &info, rows, count, &erased, &error));
        assert_int_equal(erased.generation, 2);
        check_segment(disk, &info, sample); /* the old generation is as it was */
        assert_ok(segment_unlink_generation(SAMPLE_PLACE(disk), 77, 1, &error));
        sample_erase(sample, rows, count);
        check_segment(disk, &erased, sample);

        /* Once more, some of them for the second time. */
        count = rows_to_erase(sample->count, 0, i + 100, rows);
        assert_ok(segment_erase(SAMPLE_PLACE(disk), &erased, rows, count, &info, &error));
        assert_ok(segment_unlink_generation(SAMPLE_PLACE(disk), 77, 2, &error));
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

    assert_ok(segment_erase(SAMPLE_PLACE(disk), &info, rows, count, &erased, &error));
    assert_ok(segment_unlink_generation(SAMPLE_PLACE(disk), 0, 1, &error));
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
        assert_ok(segment_open(SAMPLE_PLACE(disk), &erased, &a, &error));
        assert_ok(segment_open(SAMPLE_PLACE(other), &never, &b, &error));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erasure_takes_those_and_no_others),
        cmocka_unit_test(erased_bytes_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
