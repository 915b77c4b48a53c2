/*
 * counts_fuzz.c - any bytes as the counts of a segment.
 *
 * What can be opened is walked to the end. Items that make sense add up to their periods' totals.
 */
#include "counts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
walk_column(const struct counts *counts, enum field_id field, const uint32_t *totals)
{
    struct counts_place place;
    struct counts_walk walk;
    struct counts_item item;
    bool whole;
    uint64_t total = 0;
    if (!counts_find(counts, fields[field].name, &place))
        return;
    /* Those that stand apart are here, too: whatever is behind the first part, it is such bytes. */
    struct bytes items = place.way == COUNTS_APART ? counts->items : place.items;
    counts_walk_begin(&walk, &place, items, counts, totals);
    while (counts_walk_next(&walk, &item, &whole)) {
        require(item.period < counts->period_count && item.code <= place.value_count);
        total += item.count;
    }
    require(!whole || total == counts->total);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counts counts;
    int32_t hours[COUNTS_HOURS_MAX];
    uint32_t totals[COUNTS_HOURS_MAX];
    if (!counts_open(bytes_of(data, size), &counts))
        return 0;
    counts_read_periods(&counts, hours, totals);
    for (uint32_t i = 1; counts.timed && i < counts.period_count; i++)
        require(hours[i - 1] < hours[i]);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        walk_column(&counts, (enum field_id)field, totals);
    return 0;
}
