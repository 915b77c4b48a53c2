#include "counts.h"

#include "crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t
draw(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

#define PERIODS_MAX 40u
#define VALUES_MAX  256u

/* A matrix of counts, how its column is written, and what all columns of it must add up to. */
struct table {
    uint32_t period_count;
    int32_t hours[PERIODS_MAX];
    uint32_t totals[PERIODS_MAX];
    uint32_t value_count[3];
    uint32_t matrix[3][PERIODS_MAX * (VALUES_MAX + 1)];
};

static const enum field_id names[3] = { FIELD_ACTION, FIELD_STATUS, FIELD_USER_ID };
static const enum counts_way ways[3] = { COUNTS_HOURLY, COUNTS_WHOLE, COUNTS_APART };

/* Each period's total is dealt out to codes of each column; a column that is a whole has one row.
 */
static void
fill(struct table *table, uint64_t seed)
{
    *table = (struct table){ .period_count = (uint32_t)draw(&seed, PERIODS_MAX + 1) };
    int32_t hour = (int32_t)draw(&seed, 3000000) - 2500000;
    for (uint32_t i = 0; i < table->period_count; i++) {
        hour += 1 + (int32_t)draw(&seed, draw(&seed, 3) == 0 ? 1000 : 2);
        table->hours[i] = hour;
        table->totals[i] = 1 + (uint32_t)draw(&seed, draw(&seed, 3) == 0 ? 100000 : 20);
    }
    for (unsigned c = 0; c < 3; c++) {
        table->value_count[c] = (uint32_t)draw(&seed, VALUES_MAX + 1);
        for (uint32_t i = 0; i < table->period_count; i++) {
            uint32_t row = ways[c] == COUNTS_HOURLY ? i : 0;
            for (uint32_t left = table->totals[i]; left > 0;) {
                uint32_t part = 1 + (uint32_t)draw(&seed, left);
                uint32_t code = (uint32_t)draw(&seed, table->value_count[c] + 1);
                table->matrix[c][row * (table->value_count[c] + 1) + code] += part;
                left -= part;
            }
        }
    }
}

/* The first part, and the items of the column that stands apart. */
static void
write_table(const struct table *table, struct buffer *part, struct buffer *apart)
{
    const struct counts_periods periods = {
        .timed = true,
        .timestamps = table->period_count % 2 == 0,
        .count = table->period_count,
        .hours = table->hours,
        .totals = table->totals,
    };
    struct counts_column columns[3] = { 0 };
    for (unsigned c = 0; c < 3; c++) {
        uint32_t rows = ways[c] == COUNTS_HOURLY ? table->period_count : table->period_count > 0;
        columns[c].field = names[c];
        columns[c].value_count = table->value_count[c];
        columns[c].way = ways[c];
        counts_put_items(table->matrix[c], rows, table->value_count[c], &columns[c].items);
    }
    counts_put(&periods, columns, 3, part);
    buffer_bytes(apart, buffer_view(&columns[2].items));
    for (unsigned c = 0; c < 3; c++)
        buffer_free(&columns[c].items);
}

/* Every item takes itself away from the matrix: nothing may be left. */
static void
take_away(struct table *table, unsigned c, const struct counts *counts, struct bytes items)
{
    struct counts_place place;
    struct counts_walk walk;
    struct counts_item item;
    bool whole;
    assert_true(counts_find(counts, fields[names[c]].name, &place));
    assert_int_equal(place.way, ways[c]);
    assert_int_equal(place.value_count, table->value_count[c]);
    if (ways[c] == COUNTS_APART) {
        assert_int_equal(place.offset, 0);
        assert_int_equal(place.size, items.size);
        assert_int_equal(place.crc, crc32c(0, items.data, items.size));
        place.items = items;
    }
    counts_walk_begin(&walk, &place, place.items, counts, table->totals);
    while (counts_walk_next(&walk, &item, &whole)) {
        uint32_t *cell = &table->matrix[c][item.period * (place.value_count + 1) + item.code];
        assert_int_equal(*cell, item.count);
        *cell = 0;
    }
    assert_true(whole);
    for (size_t i = 0; i < PERIODS_MAX * (VALUES_MAX + 1); i++)
        assert_int_equal(table->matrix[c][i], 0);
}

static void
what_is_written_is_read(void **state)
{
    (void)state;
    struct table *table = malloc(sizeof *table);
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct buffer part = { 0 }, apart = { 0 };
        struct counts counts;
        int32_t hours[PERIODS_MAX];
        uint32_t totals[PERIODS_MAX];
        struct counts_place place;
        fill(table, seed);
        write_table(table, &part, &apart);
        assert_true(counts_open(buffer_view(&part), &counts));
        assert_true(counts.timed);
        assert_int_equal(counts.timestamps, table->period_count % 2 == 0);
        assert_int_equal(counts.period_count, table->period_count);
        counts_read_periods(&counts, hours, totals);
        assert_memory_equal(hours, table->hours, table->period_count * sizeof *hours);
        assert_memory_equal(totals, table->totals, table->period_count * sizeof *totals);
        assert_false(counts_find(&counts, fields[FIELD_CRUD].name, &place));
        for (unsigned c = 0; c < 3; c++)
            take_away(table, c, &counts, buffer_view(&apart));
        buffer_free(&part);
        buffer_free(&apart);
    }
    free(table);
}

static void
without_hours_there_is_one_period(void **state)
{
    (void)state;
    const uint32_t totals[] = { 7 }, matrix[] = { 2, 0, 5 };
    const struct counts_periods periods = { .count = 1, .totals = totals };
    struct counts_column column = { .field = FIELD_ACTION, .value_count = 2, .way = COUNTS_WHOLE };
    struct buffer part = { 0 };
    struct counts counts;
    struct counts_place place;
    struct counts_walk walk;
    struct counts_item item;
    bool whole;
    counts_put_items(matrix, 1, 2, &column.items);
    counts_put(&periods, &column, 1, &part);
    assert_true(counts_open(buffer_view(&part), &counts));
    assert_false(counts.timed);
    assert_true(counts_find(&counts, fields[FIELD_ACTION].name, &place));
    counts_walk_begin(&walk, &place, place.items, &counts, totals);
    assert_true(counts_walk_next(&walk, &item, &whole));
    assert_true(item.period == 0 && item.code == 0 && item.count == 2);
    assert_true(counts_walk_next(&walk, &item, &whole));
    assert_true(item.period == 0 && item.code == 2 && item.count == 5);
    assert_false(counts_walk_next(&walk, &item, &whole));
    assert_true(whole);

    /* By the hour, where no hour is known: refused. */
    buffer_free(&part);
    column.way = COUNTS_HOURLY;
    counts_put(&periods, &column, 1, &part);
    assert_false(counts_open(buffer_view(&part), &counts));
    buffer_free(&column.items);
    buffer_free(&part);
}

/* Cut anywhere, or with any byte changed: refused, or all of it can still be walked. */
static void
other_bytes_end_in_an_answer(void **state)
{
    (void)state;
    struct table *table = malloc(sizeof *table);
    struct buffer part = { 0 }, apart = { 0 };
    size_t refused = 0;
    uint64_t seed = 5;
    fill(table, 11);
    write_table(table, &part, &apart);
    for (size_t size = 0; size < part.size; size++) {
        struct counts counts;
        assert_false(counts_open(bytes_of(part.data, size), &counts));
    }
    for (size_t i = 0; i < part.size; i++) {
        struct counts counts;
        struct counts_place place;
        struct counts_walk walk;
        struct counts_item item;
        int32_t hours[COUNTS_HOURS_MAX];
        uint32_t totals[COUNTS_HOURS_MAX];
        bool whole = false;
        uint8_t kept = part.data[i];
        part.data[i] = (uint8_t)(kept + 1 + draw(&seed, 255));
        if (counts_open(buffer_view(&part), &counts)) {
            counts_read_periods(&counts, hours, totals);
            if (counts_find(&counts, fields[FIELD_ACTION].name, &place) &&
                place.way != COUNTS_APART) {
                counts_walk_begin(&walk, &place, place.items, &counts, totals);
                while (counts_walk_next(&walk, &item, &whole))
                    assert_true(item.code <= place.value_count &&
                                item.period < counts.period_count && item.count > 0);
            }
        }
        refused += !whole;
        part.data[i] = kept;
    }
    assert_true(refused > part.size / 2);
    buffer_free(&part);
    buffer_free(&apart);
    free(table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(without_hours_there_is_one_period),
        cmocka_unit_test(other_bytes_end_in_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
