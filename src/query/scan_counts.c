/*
 * A run's counts are of one field at a time. So they tell what matches if the filter asks of the
 * field that is counted by, or of none; and if every hour with entries lies within the times that are
 * asked for or outside. The order times that hours are of are timestamps unless a clock was ahead,
 * which counts say of a run.
 *
 * Invariant: what is told is what visiting all pages would have found.
 */
#include "scan_counts.h"

/* Which codes of the filter's field match. */
struct truths {
    uint8_t matches[COUNTS_HOURLY_VALUES_MAX + 1];
};

static tally_status
learn_values(const struct scan_counts *counts, uint32_t value_count, struct truths *truths,
             struct tally_error *error)
{
    struct dictionary dictionary = { 0 };
    tally_status status = value_count == 0 ? TALLY_OK
                                           : run_dictionary(counts->reader, counts->filter->field,
                                                            &dictionary, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t code = 0; code <= value_count; code++) {
        struct bytes value = { NULL, 0 };
        if (code > 0)
            value = dictionary_value(&dictionary, code);
        truths->matches[code] = count_filter_value(counts->filter, value, counts->scratch);
    }
    return TALLY_OK;
}

/* Whether counts are of the column as the run has it. */
static tally_status
check_values(const struct scan_counts *counts, enum field_id field, uint32_t value_count,
             struct tally_error *error)
{
    uint32_t count = 0;
    if (value_count == 0)
        return TALLY_OK;
    tally_status status = run_value_count(counts->reader, field, &count, error);
    if (status != TALLY_OK)
        return status;
    return count == value_count ? TALLY_OK : TALLY_ABSENT;
}

/* Whether the filter's times decide of each period, and how. */
static bool
learn_periods(const struct count_filter *filter, const struct counts_periods *periods,
              bool matches[COUNTS_HOURS_MAX])
{
    for (uint32_t i = 0; i < periods->count; i++) {
        matches[i] = true;
        if (filter->time_count == 0)
            continue;
        int64_t first = periods->hours[i] * COUNTS_HOUR;
        enum count_filter_answer answer =
            count_filter_times(filter, first, first + (COUNTS_HOUR - 1));
        if (answer == COUNT_SOME)
            return false;
        matches[i] = answer == COUNT_ALL;
    }
    return true;
}

/* Leaves those items that match. */
static tally_status
keep_matches(const struct scan_counts *counts, struct run_counts *found, struct tally_error *error)
{
    bool by_value = counts->filter->field != FIELD_COUNT;
    bool periods[COUNTS_HOURS_MAX];
    struct truths truths;
    if (!learn_periods(counts->filter, &found->periods, periods))
        return TALLY_ABSENT;
    if (by_value) {
        tally_status status = learn_values(counts, found->value_count, &truths, error);
        if (status != TALLY_OK)
            return status;
    }
    size_t kept = 0;
    for (size_t i = 0; i < found->item_count; i++) {
        const struct counts_item *item = &found->items[i];
        if (periods[item->period] && (!by_value || truths.matches[item->code] != 0))
            found->items[kept++] = *item;
    }
    found->item_count = kept;
    return TALLY_OK;
}

tally_status
scan_counts_read(const struct scan_counts *counts, enum field_id field,
                 enum scan_counts_detail detail, struct run_counts *counts_out,
                 struct tally_error *error)
{
    const struct count_filter *filter = counts->filter;
    struct run_counts found;
    bool hourly = detail == COUNTS_BY_HOUR || filter->time_count > 0;
    if (field == FIELD_COUNT)
        field = filter->field;
    if (filter->field != FIELD_COUNT && filter->field != field)
        return TALLY_ABSENT;
    tally_status status = run_counts(counts->reader, field, &found, error);
    if (status != TALLY_OK)
        return status;
    if ((hourly && found.way != COUNTS_HOURLY) ||
        (filter->time_count > 0 && !found.periods.timestamps) ||
        (filter->field != FIELD_COUNT && found.way == COUNTS_APART))
        return TALLY_ABSENT;
    status = check_values(counts, field, found.value_count, error);
    if (status == TALLY_OK)
        status = keep_matches(counts, &found, error);
    if (status != TALLY_OK)
        return status;
    *counts_out = found;
    return TALLY_OK;
}
