/*
 * run_time.c - the times that a run's entries are ordered by.
 *
 * An entry's is the earlier of its timestamp and of when it was received. Pages of times have both
 * as keys; a column of times that is stored in another way, because most of them are unusual, is
 * read value by value.
 *
 * Who wants the times of a few rows has no more than these looked at, of a segment than their blocks
 * decoded; and where a page's summaries say that one of the two is never the later one, the other
 * column is not read.
 */
#include "clock.h"
#include "fault.h"
#include "run_reader.h"

#include <assert.h>
#include <stdlib.h>

/* The time of a row of a page of numbers, or of one without values: INT64_MAX where it has none. */
static int64_t
page_time(const struct page *page, uint32_t row)
{
    bool present = page->kind == PAGE_NUMBERS && page->forms[row] != NUMBER_ABSENT;
    return present ? page->keys[row] : INT64_MAX;
}

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
        for (uint32_t row = 0; row < view.rows; row++) {
            int64_t time = page_time(&view, row);
            times[row] = time < times[row] ? time : times[row];
        }
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

static tally_status
times_memory(struct run_reader *reader, struct tally_error *error)
{
    if (reader->times == NULL)
        reader->times = malloc(PAGE_ROWS * sizeof *reader->times);
    return reader->times == NULL ? memory_fault(error) : TALLY_OK;
}

tally_status
run_times(struct run_reader *reader, uint32_t page, const int64_t **times_out, uint32_t *rows_out,
          struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    uint32_t rows = run_page_rows(reader, page);
    tally_status status = times_memory(reader, error);
    if (status != TALLY_OK)
        return status;
    if (reader->times_page != page) {
        reader->times_page = NO_PAGE;
        for (uint32_t row = 0; row < rows; row++)
            reader->times[row] = INT64_MAX;
        status = times_lower(reader, FIELD_TIMESTAMP, page, reader->times, error);
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

/*
 * Of some rows.
 */

/* Whether every row of a page has a time in `field`'s column, and none a later one there than any has
 * in the other's. */
static tally_status
comes_first(struct run_reader *reader, enum field_id field, enum field_id other, uint32_t page,
            bool *first_out, struct tally_error *error)
{
    struct page_summary own, others;
    tally_status status = run_page_summary(reader, field, page, &own, error);
    if (status == TALLY_OK)
        status = run_page_summary(reader, other, page, &others, error);
    if (status != TALLY_OK)
        return status;
    *first_out = own.kind == PAGE_NUMBERS && own.bounded && own.complete &&
                 (others.kind == PAGE_ABSENT ||
                  (others.kind == PAGE_NUMBERS && others.bounded && own.maximum <= others.minimum));
    return TALLY_OK;
}

/* As times_lower(), for the wanted rows of a segment. TALLY_ABSENT where all are to be read. */
static tally_status
times_lower_of(struct run_reader *reader, enum field_id field, uint32_t page,
               const struct row_set *wanted, int64_t *times, struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    struct bytes encoded;
    struct tally_error inner;
    tally_status status = run_column_open(reader, field, error);
    if (status != TALLY_OK || column->state == COLUMN_MISSING)
        return status;
    if (column->stored->entry.codec != CODEC_NUMBERS)
        return TALLY_ABSENT;
    status = run_unit_bytes(reader, column, page, &encoded, error);
    if (status != TALLY_OK)
        return status;
    status = codec_lower_times(encoded, run_stored_rows(reader, page * PAGE_ROWS, PAGE_ROWS),
                               wanted, times, &inner);
    if (status < 0)
        return run_decode_fault(column->stored, page, status, &inner, error);
    return status;
}

/* The same for what either column says. */
static tally_status
segment_times_of(struct run_reader *reader, uint32_t page, const struct row_set *wanted,
                 struct tally_error *error)
{
    bool stamps = false, receipts = false;
    tally_status status =
        comes_first(reader, FIELD_TIMESTAMP, FIELD_RECEIVED, page, &stamps, error);
    if (status == TALLY_OK && !stamps)
        status = comes_first(reader, FIELD_RECEIVED, FIELD_TIMESTAMP, page, &receipts, error);
    for (uint32_t row = row_set_next(wanted, 0); row < PAGE_ROWS;
         row = row_set_next(wanted, row + 1))
        reader->times[row] = INT64_MAX;
    if (status == TALLY_OK && !receipts)
        status = times_lower_of(reader, FIELD_TIMESTAMP, page, wanted, reader->times, error);
    if (status == TALLY_OK && !stamps)
        status = times_lower_of(reader, FIELD_RECEIVED, page, wanted, reader->times, error);
    return status;
}

/* The same of a head, whose columns of times are pages of numbers. */
static tally_status
head_times_of(struct run_reader *reader, uint32_t page, const struct row_set *wanted,
              struct tally_error *error)
{
    struct page sent, received;
    tally_status status = run_page(reader, FIELD_TIMESTAMP, page, &sent, error);
    if (status == TALLY_OK)
        status = run_page(reader, FIELD_RECEIVED, page, &received, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t row = row_set_next(wanted, 0); row < PAGE_ROWS;
         row = row_set_next(wanted, row + 1)) {
        int64_t time = page_time(&sent, row), other = page_time(&received, row);
        reader->times[row] = time < other ? time : other;
    }
    return TALLY_OK;
}

tally_status
run_times_of(struct run_reader *reader, uint32_t page, const struct row_set *wanted,
             const int64_t **times_out, struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    uint32_t rows;
    if (reader->times_page == page)
        return run_times(reader, page, times_out, &rows, error);
    tally_status status = times_memory(reader, error);
    if (status != TALLY_OK)
        return status;
    reader->times_page = NO_PAGE;
    status = reader->run.head != NULL ? head_times_of(reader, page, wanted, error)
                                      : segment_times_of(reader, page, wanted, error);
    if (status == TALLY_ABSENT)
        return run_times(reader, page, times_out, &rows, error);
    if (status == TALLY_OK)
        *times_out = reader->times;
    return status;
}

/*
 * Ranges.
 */

tally_status
run_time_range(struct run_reader *reader, uint32_t page, int64_t *minimum_out, int64_t *maximum_out,
               struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    const struct run *run = &reader->run;
    if (run->head != NULL) {
        head_page_time_range(run->head, page, minimum_out, maximum_out);
        return TALLY_OK;
    }
    const struct time_range *ranges;
    tally_status status = segment_time_ranges(run->segment, &reader->input, &ranges, error);
    if (status != TALLY_OK)
        return status;
    *minimum_out = ranges[page].minimum;
    *maximum_out = ranges[page].maximum;
    return TALLY_OK;
}
