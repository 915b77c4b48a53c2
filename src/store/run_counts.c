/*
 * run_counts.c - how often each value of a run occurs, through the index of its segment.
 *
 * A column that no row has a value of is not among the counts: its pages say so, and then every
 * entry counts as absent.
 */
#include "fault.h"
#include "run_reader.h"

#include <stdlib.h>

/* Whether no row has a value of the field. */
static tally_status
field_absent(struct run_reader *reader, enum field_id field, bool *absent_out,
             struct tally_error *error)
{
    for (uint32_t page = 0; page < run_page_count(&reader->run); page++) {
        struct page_summary summary;
        tally_status status = run_page_summary(reader, field, page, &summary, error);
        if (status != TALLY_OK)
            return status;
        if (summary.kind != PAGE_ABSENT) {
            *absent_out = false;
            return TALLY_OK;
        }
    }
    *absent_out = true;
    return TALLY_OK;
}

/* Every entry of each period as absent, by the hour where hours are known. */
static tally_status
count_absent(struct run_reader *reader, struct counts_found *found, struct tally_error *error)
{
    struct counts_room *room = reader->counts;
    tally_status status =
        segment_find_periods(reader->run.segment, &reader->bucket, room, &found->periods, error);
    if (status != TALLY_OK)
        return status;
    status = counts_room_reserve(room, found->periods.count, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t i = 0; i < found->periods.count; i++)
        room->items[i] = (struct counts_item){ i, 0, room->totals[i] };
    found->way = found->periods.timed ? COUNTS_HOURLY : COUNTS_WHOLE;
    found->value_count = 0;
    found->item_count = found->periods.count;
    return TALLY_OK;
}

static tally_status
count_field(struct run_reader *reader, enum field_id field, struct counts_found *found,
            struct tally_error *error)
{
    bool absent;
    tally_status status = segment_find_counts(reader->run.segment, field, &reader->bucket,
                                              reader->counts, found, error);
    if (status != TALLY_ABSENT)
        return status;
    status = field_absent(reader, field, &absent, error);
    if (status != TALLY_OK)
        return status;
    return absent ? count_absent(reader, found, error) : TALLY_ABSENT;
}

tally_status
run_counts(struct run_reader *reader, enum field_id field, struct run_counts *counts_out,
           struct tally_error *error)
{
    const struct run *run = &reader->run;
    struct counts_found found;
    /* A snapshot of an older size has only some of the segment's entries. */
    if (run->segment == NULL || run->count != run->segment->info.count || field == FIELD_CONTROL ||
        field == FIELD_PRIVATE)
        return TALLY_ABSENT;
    if (reader->counts == NULL)
        reader->counts = calloc(1, sizeof *reader->counts);
    if (reader->counts == NULL)
        return memory_fault(error);
    tally_status status = field == FIELD_COUNT ? count_absent(reader, &found, error)
                                               : count_field(reader, field, &found, error);
    if (status != TALLY_OK)
        return status;
    *counts_out = (struct run_counts){
        .periods = found.periods,
        .way = found.way,
        .value_count = found.value_count,
        .item_count = found.item_count,
        .items = reader->counts->items,
    };
    return TALLY_OK;
}
