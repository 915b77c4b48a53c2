/*
 * run_time.c - the times that a run's entries are ordered by.
 *
 * An entry's is the earlier of its timestamp and of when it was received. Pages of times have both
 * as keys; a column of times that is stored in another way, because most of them are unusual, is
 * read value by value.
 */
#include "clock.h"
#include "fault.h"
#include "run_reader.h"

#include <assert.h>
#include <stdlib.h>

/* Lowers each row's time to that of `field`'s column. A time that cannot be read, as in bytes that
 * nobody wrote, counts as later than all others. */
static tally_status
times_lower(struct run_reader *reader, enum field_id field, uint32_t page, int64_t *times,
            struct tally_error *error)
{
    struct page view;
    struct dictionary dictionary;
    tally_status status = run_page(reader, field, page, &view, error);
    if (status != TALLY_OK)
        return status;

    if (view.kind == PAGE_NUMBERS) {
        for (uint32_t row = 0; row < view.rows; row++)
            if (view.forms[row] != NUMBER_ABSENT && view.keys[row] < times[row])
                times[row] = view.keys[row];
        return TALLY_OK;
    }

    status = run_dictionary(reader, field, &dictionary, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t row = 0; row < view.rows; row++) {
        char text[PAGE_TEXT_MAX];
        const char *reason;
        struct instant instant;
        struct bytes value = page_value(&view, &dictionary, fields[field].column, row, text);
        if (value.data != NULL && instant_parse(value, &instant, &reason) &&
            instant.ns < times[row])
            times[row] = instant.ns;
    }
    return TALLY_OK;
}

tally_status
run_field_times(struct run_reader *reader, enum field_id field, uint32_t page, int64_t *times,
                struct tally_error *error)
{
    for (uint32_t row = 0; row < run_page_rows(reader, page); row++)
        times[row] = INT64_MAX;
    return times_lower(reader, field, page, times, error);
}

tally_status
run_times(struct run_reader *reader, uint32_t page, const int64_t **times_out, uint32_t *rows_out,
          struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    uint32_t rows = run_page_rows(reader, page);

    if (reader->times == NULL)
        reader->times = malloc(PAGE_ROWS * sizeof *reader->times);
    if (reader->times == NULL)
        return memory_fault(error);
    if (reader->times_page != page) {
        reader->times_page = NO_PAGE;
        for (uint32_t row = 0; row < rows; row++)
            reader->times[row] = INT64_MAX;
        tally_status status = times_lower(reader, FIELD_TIMESTAMP, page, reader->times, error);
        if (status != TALLY_OK)
            return status;
        status = times_lower(reader, FIELD_RECEIVED, page, reader->times, error);
        if (status != TALLY_OK)
            return status;
        reader->times_page = page;
    }
    *times_out = reader->times;
    *rows_out = rows;
    return TALLY_OK;
}

tally_status
run_time_range(struct run_reader *reader, uint32_t page, int64_t *minimum_out, int64_t *maximum_out,
               struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    const struct run *run = &reader->run;
    bool whole = (page + 1) * PAGE_ROWS <= run->count ||
                 (run->segment != NULL && run->count == run->segment->info.count);
    if (run->segment != NULL && whole) {
        const struct time_range *ranges;
        tally_status status = segment_time_ranges(run->segment, &reader->input, &ranges, error);
        if (status != TALLY_OK)
            return status;
        *minimum_out = ranges[page].minimum;
        *maximum_out = ranges[page].maximum;
        return TALLY_OK;
    }

    const int64_t *times;
    uint32_t rows;
    tally_status status = run_times(reader, page, &times, &rows, error);
    if (status != TALLY_OK)
        return status;
    int64_t minimum = times[0];
    int64_t maximum = times[0];
    for (uint32_t row = 1; row < rows; row++) {
        minimum = times[row] < minimum ? times[row] : minimum;
        maximum = times[row] > maximum ? times[row] : maximum;
    }
    *minimum_out = minimum;
    *maximum_out = maximum;
    return TALLY_OK;
}
