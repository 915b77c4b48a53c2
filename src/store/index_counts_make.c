/*
 * index_counts_make.c - the section of counts (index_counts.c) out of a segment's entries.
 *
 * First each row's hour is found, then column by column a matrix of values by hours is filled. How
 * much room the section may take is bounded by the entries: a column is counted by the hour if
 * there is room for that, else as a whole, else not at all. Fields take their turn in the order of
 * the field table, so that the bytes follow from the entries alone.
 *
 * Counted are columns of codes. A head numbers values as they came and a segment in bytewise order:
 * each code is given its value's place.
 */
#include "index_counts.h"

#include "clock.h"
#include "crc32c.h"
#include "dictionary.h"
#include "fault.h"
#include "run_column.h"

#include <stdlib.h>

#define HOUR (3600 * CLOCK_SECOND)

/* Bytes for the columns of the first part, and for those that stand apart, of so many entries. */
#define ROOM_FIRST(entries) (4096u + (entries) / 8)
#define ROOM_APART(entries) (4096u + (entries) / 4)

/* Of rows that are not counted. */
#define NO_PERIOD UINT32_MAX

/*
 * Rows: which hour each is in.
 */

struct survey {
    uint32_t rows;
    int32_t *hours;      /* by row */
    uint32_t *period_of; /* by row: NO_PERIOD for control entries */
    struct counts_periods periods;
    int32_t met[COUNTS_HOURS_MAX];
    uint32_t totals[COUNTS_HOURS_MAX];
    int64_t stamps[PAGE_ROWS]; /* of the page in hand */
    uint32_t last; /* place of the hour that was looked up last, below the count if there is one */
};

static tally_status
survey_init(struct survey *survey, uint32_t rows, struct tally_error *error)
{
    *survey = (struct survey){ .rows = rows };
    survey->hours = calloc(rows, sizeof *survey->hours);
    survey->period_of = calloc(rows, sizeof *survey->period_of);
    survey->periods = (struct counts_periods){
        .timed = true, .timestamps = true, .hours = survey->met, .totals = survey->totals
    };
    return survey->hours == NULL || survey->period_of == NULL ? memory_fault(error) : TALLY_OK;
}

static void
survey_finish(struct survey *survey)
{
    free(survey->hours);
    free(survey->period_of);
}

/* Where an hour stands among those that were met, or where it belongs. */
static uint32_t
find_hour(struct survey *survey, int32_t hour)
{
    uint32_t low = 0, high = survey->periods.count;
    if (survey->last < high && survey->met[survey->last] == hour)
        return survey->last;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (survey->met[middle] < hour)
            low = middle + 1;
        else
            high = middle;
    }
    survey->last = low;
    return low;
}

/* Takes note of an hour. Where there are too many, nothing is counted by the hour. */
static void
meet_hour(struct survey *survey, int32_t hour)
{
    struct counts_periods *periods = &survey->periods;
    uint32_t place = find_hour(survey, hour);
    if (!periods->timed || (place < periods->count && survey->met[place] == hour))
        return;
    survey->last = 0;
    if (periods->count == COUNTS_HOURS_MAX) {
        periods->timed = false;
        return;
    }
    memmove(&survey->met[place + 1], &survey->met[place],
            (periods->count - place) * sizeof *survey->met);
    survey->met[place] = hour;
    periods->count++;
}

/* Marks the control entries of a page. */
static tally_status
mark_control(struct run_reader *reader, uint32_t page, uint32_t rows, uint32_t *period_of,
             struct tally_error *error)
{
    struct page_summary summary;
    tally_status status = run_page_summary(reader, FIELD_CONTROL, page, &summary, error);
    if (status != TALLY_OK || summary.kind == PAGE_ABSENT)
        return status;
    for (uint32_t i = 0; i < rows && status == TALLY_OK; i++) {
        struct bytes value;
        status = run_value(reader, FIELD_CONTROL, page * PAGE_ROWS + i, &value, error);
        if (status == TALLY_OK && value.data != NULL)
            period_of[i] = NO_PERIOD;
    }
    return status;
}

/* Whether the times are the timestamps, for all rows that count. */
static tally_status
compare_timestamps(struct run_reader *reader, uint32_t page, const int64_t *times, uint32_t rows,
                   struct survey *survey, struct tally_error *error)
{
    const uint32_t *period_of = &survey->period_of[page * PAGE_ROWS];
    int64_t *stamps = survey->stamps;
    tally_status status = run_field_times(reader, FIELD_TIMESTAMP, page, stamps, error);
    for (uint32_t i = 0; i < rows && status == TALLY_OK; i++)
        if (period_of[i] != NO_PERIOD && stamps[i] != times[i])
            survey->periods.timestamps = false;
    return status;
}

static int32_t
hour_of(int64_t time)
{
    return (int32_t)(time / HOUR - (time % HOUR < 0));
}

static tally_status
survey_page(struct run_reader *reader, uint32_t page, struct survey *survey,
            struct tally_error *error)
{
    const int64_t *times;
    uint32_t rows;
    uint32_t *period_of = &survey->period_of[page * PAGE_ROWS];
    int32_t *hours = &survey->hours[page * PAGE_ROWS];
    tally_status status = run_times(reader, page, &times, &rows, error);
    if (status == TALLY_OK)
        status = mark_control(reader, page, rows, period_of, error);
    if (status == TALLY_OK)
        status = compare_timestamps(reader, page, times, rows, survey, error);
    for (uint32_t i = 0; i < rows && status == TALLY_OK; i++) {
        hours[i] = hour_of(times[i]);
        if (period_of[i] != NO_PERIOD)
            meet_hour(survey, hours[i]);
    }
    return status;
}

static tally_status
survey_rows(struct run_reader *reader, struct survey *survey, struct tally_error *error)
{
    uint32_t pages = run_page_count(run_of(reader));
    for (uint32_t page = 0; page < pages; page++) {
        tally_status status = survey_page(reader, page, survey, error);
        if (status != TALLY_OK)
            return status;
    }
    if (!survey->periods.timed)
        survey->periods.count = 0;
    for (uint32_t row = 0; row < survey->rows; row++) {
        if (survey->period_of[row] == NO_PERIOD)
            continue;
        uint32_t period = survey->periods.timed ? find_hour(survey, survey->hours[row]) : 0;
        survey->period_of[row] = period;
        if (period == survey->periods.count)
            survey->periods.count = period + 1; /* the one of no time */
        survey->totals[period]++;
    }
    return TALLY_OK;
}

/*
 * Columns.
 */

/* Whether all that a column has is codes, and of how many values. */
static tally_status
column_coded(struct run_reader *reader, enum field_id field, uint32_t *value_count_out,
             struct tally_error *error)
{
    struct dictionary dictionary;
    bool codes = false;
    *value_count_out = 0;
    for (uint32_t page = 0; page < run_page_count(run_of(reader)); page++) {
        struct page_summary summary;
        tally_status status = run_page_summary(reader, field, page, &summary, error);
        if (status != TALLY_OK)
            return status;
        if (summary.kind != PAGE_CODES && summary.kind != PAGE_ABSENT)
            return TALLY_OK;
        codes |= summary.kind == PAGE_CODES;
    }
    if (!codes)
        return TALLY_OK;
    tally_status status = run_dictionary(reader, field, &dictionary, error);
    if (status == TALLY_OK && dictionary.count <= COUNTS_VALUES_MAX)
        *value_count_out = dictionary.count;
    return status;
}

/* The counts of a column, by the hour or of all periods as one. */
struct matrix {
    bool hourly;
    uint32_t period_count; /* rows */
    uint32_t value_count;
    size_t width; /* a row: value_count + 1 */
    uint32_t *counts;
};

static tally_status
matrix_init(struct matrix *matrix, const struct counts_periods *periods, uint32_t value_count,
            struct tally_error *error)
{
    bool hourly = periods->timed && value_count <= COUNTS_HOURLY_VALUES_MAX;
    *matrix = (struct matrix){
        .hourly = hourly,
        .period_count = hourly || periods->count == 0 ? periods->count : 1,
        .value_count = value_count,
        .width = (size_t)value_count + 1,
    };
    matrix->counts = calloc((matrix->period_count + 1) * matrix->width, sizeof *matrix->counts);
    return matrix->counts == NULL ? memory_fault(error) : TALLY_OK;
}

static tally_status
matrix_fill(struct matrix *matrix, struct run_reader *reader, enum field_id field,
            const struct survey *survey, const uint32_t *places, struct tally_error *error)
{
    for (uint32_t number = 0; number < run_page_count(run_of(reader)); number++) {
        const uint32_t *period_of = &survey->period_of[number * PAGE_ROWS];
        struct page page;
        tally_status status = run_page(reader, field, number, &page, error);
        if (status != TALLY_OK)
            return status;
        for (uint32_t i = 0; i < page.rows; i++) {
            uint32_t code = page.kind == PAGE_CODES ? page.codes[i] : 0;
            size_t row = matrix->hourly ? period_of[i] : 0;
            if (period_of[i] != NO_PERIOD)
                matrix->counts[row * matrix->width + places[code]]++;
        }
    }
    return TALLY_OK;
}

/* Makes all periods one. */
static void
matrix_join(struct matrix *matrix)
{
    for (uint32_t period = 1; period < matrix->period_count; period++)
        for (size_t code = 0; code < matrix->width; code++)
            matrix->counts[code] += matrix->counts[period * matrix->width + code];
    matrix->period_count = matrix->period_count > 0;
    matrix->hourly = false;
}

/*
 * The section.
 */

struct making {
    struct survey survey;
    struct counts_column columns[FIELD_COUNT];
    size_t column_count;
    size_t first_room, all_room; /* bytes that are left */
};

static bool
take_room(size_t *room, size_t size)
{
    if (size > *room)
        return false;
    *room -= size;
    return true;
}

/* Takes a column in one way, if there is room for it. */
static bool
keep_column(struct making *making, enum field_id field, const struct matrix *matrix,
            enum counts_way way)
{
    struct counts_column column = { field, matrix->value_count, way, { 0 } };
    size_t head = fields[field].name.size + 16;
    counts_put_items(matrix->counts, matrix->period_count, matrix->value_count, &column.items);
    bool apart = way == COUNTS_APART;
    if (!take_room(&making->first_room, head + (apart ? 0 : column.items.size)) ||
        !take_room(&making->all_room, apart ? column.items.size : 0)) {
        buffer_free(&column.items);
        return false;
    }
    making->columns[making->column_count++] = column;
    return true;
}

static tally_status
make_column(struct run_reader *reader, enum field_id field, struct making *making,
            struct tally_error *error)
{
    uint32_t value_count;
    struct dictionary dictionary;
    struct dictionary_order order = { 0 };
    struct matrix matrix = { 0 };
    tally_status status = column_coded(reader, field, &value_count, error);
    if (status != TALLY_OK || value_count == 0)
        return status;
    status = matrix_init(&matrix, &making->survey.periods, value_count, error);
    if (status == TALLY_OK)
        status = run_dictionary(reader, field, &dictionary, error);
    if (status == TALLY_OK)
        status = dictionary_sort(&dictionary, NULL, &order, error);
    if (status == TALLY_OK)
        status = matrix_fill(&matrix, reader, field, &making->survey, order.remap, error);
    if (status == TALLY_OK &&
        !(matrix.hourly && keep_column(making, field, &matrix, COUNTS_HOURLY))) {
        bool few = value_count <= COUNTS_HOURLY_VALUES_MAX;
        matrix_join(&matrix);
        (void)keep_column(making, field, &matrix, few ? COUNTS_WHOLE : COUNTS_APART);
    }
    free(matrix.counts);
    dictionary_order_free(&order);
    return status;
}

static tally_status
make_section(struct making *making, struct index_content *content, struct tally_error *error)
{
    counts_put(&making->survey.periods, making->columns, making->column_count, &content->bytes);
    uint32_t size = (uint32_t)content->bytes.size;
    for (size_t i = 0; i < making->column_count; i++)
        if (making->columns[i].way == COUNTS_APART)
            buffer_bytes(&content->bytes, buffer_view(&making->columns[i].items));
    if (buffer_failed(&content->bytes))
        return memory_fault(error);
    buffer_u32(&content->parameters, size);
    buffer_u32(&content->parameters, crc32c(0, content->bytes.data, size));
    for (size_t i = 0; i < making->column_count; i++)
        if (buffer_failed(&making->columns[i].items))
            return memory_fault(error);
    return buffer_failed(&content->parameters) ? memory_fault(error) : TALLY_OK;
}

tally_status
index_counts_make(struct run_reader *reader, struct index_content *content,
                  struct tally_error *error)
{
    uint32_t rows = run_of(reader)->count;
    struct making *making = calloc(1, sizeof *making);
    if (making == NULL)
        return memory_fault(error);
    making->first_room = ROOM_FIRST(rows);
    making->all_room = ROOM_APART(rows);
    tally_status status = survey_init(&making->survey, rows, error);
    if (status == TALLY_OK)
        status = survey_rows(reader, &making->survey, error);
    for (enum field_id field = 0; field < FIELD_COUNT && status == TALLY_OK; field++)
        if (field != FIELD_CONTROL && field != FIELD_PRIVATE)
            status = make_column(reader, field, making, error);
    if (status == TALLY_OK)
        status = make_section(making, content, error);
    for (size_t i = 0; i < making->column_count; i++)
        buffer_free(&making->columns[i].items);
    survey_finish(&making->survey);
    free(making);
    return status;
}
