/*
 * From rows to places.
 *
 *     PAGE_CODES     a place by code, kept for the run: a value is looked up when its code is first
 *                    met, and its code leads to it from then on
 *     PAGE_NUMBERS   numbers that were met lately, by key and digits: a number that repeats is
 *                    neither spelled out nor looked up again
 *     otherwise      value by value
 *
 * Only what matches is looked up, so a table holds no value that is not counted.
 */
#include "dimension.h"

#include "fault.h"

#include <stdlib.h>

#define NO_RUN SIZE_MAX

/* A code, or a recent number, that nobody looked up yet. */
#define PLACE_NEW (NO_VALUE - 2)

#define RECENT_BITS  14
#define RECENT_COUNT (1u << RECENT_BITS)

struct recent {
    int64_t key;
    uint32_t place;
    uint8_t form;
};

struct dimension {
    enum field_id field;
    enum dimension_mode mode;
    struct value_table *table;
    size_t run;       /* that `places` is of */
    uint32_t *places; /* by code */
    uint32_t place_capacity;
    struct recent *recent; /* by hash; NULL until a page of numbers comes */
};

tally_status
dimension_create(enum field_id field, enum dimension_mode mode, struct value_table *table,
                 struct dimension **dimension_out, struct tally_error *error)
{
    struct dimension *dimension = calloc(1, sizeof *dimension);
    if (dimension == NULL)
        return memory_fault(error);
    dimension->field = field;
    dimension->mode = mode;
    dimension->table = table;
    dimension->run = NO_RUN;
    *dimension_out = dimension;
    return TALLY_OK;
}

void
dimension_destroy(struct dimension *dimension)
{
    if (dimension == NULL)
        return;
    free(dimension->places);
    free(dimension->recent);
    free(dimension);
}

static tally_status
place_of(struct dimension *dimension, struct bytes value, uint32_t *place_out,
         struct tally_error *error)
{
    if (value.data == NULL) {
        *place_out = PLACE_ABSENT;
        return TALLY_OK;
    }
    if (dimension->mode == DIMENSION_LEARNS)
        return value_table_add(dimension->table, value, place_out, error);
    uint32_t number = value_table_find(dimension->table, value);
    *place_out = number == NO_VALUE ? PLACE_UNKNOWN : number;
    return TALLY_OK;
}

/*
 * Codes.
 */

/* Forgets the codes of the run before. */
static tally_status
turn_codes(struct dimension *dimension, size_t run, uint32_t code_count, struct tally_error *error)
{
    if (dimension->run == run)
        return TALLY_OK;
    if (dimension->place_capacity < code_count + 1) {
        uint32_t *places = realloc(dimension->places, (code_count + 1) * sizeof *places);
        if (places == NULL)
            return memory_fault(error);
        dimension->places = places;
        dimension->place_capacity = code_count + 1;
    }
    for (uint32_t code = 1; code <= code_count; code++)
        dimension->places[code] = PLACE_NEW;
    dimension->places[0] = PLACE_ABSENT;
    dimension->run = run;
    return TALLY_OK;
}

static tally_status
places_of_codes(struct dimension *dimension, const struct scan_page *matches,
                const struct page *page, uint32_t *places, struct tally_error *error)
{
    struct dictionary dictionary;
    tally_status status = run_dictionary(matches->reader, dimension->field, &dictionary, error);
    if (status == TALLY_OK)
        status = turn_codes(dimension, matches->run, dictionary.count, error);
    const uint16_t *rows = scan_page_rows(matches);
    for (uint32_t i = 0; i < matches->count && status == TALLY_OK; i++) {
        uint32_t code = page->codes[rows[i]];
        if (dimension->places[code] == PLACE_NEW)
            status = place_of(dimension, dictionary_value(&dictionary, code),
                              &dimension->places[code], error);
        places[i] = dimension->places[code];
    }
    return status;
}

tally_status
dimension_place_of_code(struct dimension *dimension, size_t run, struct run_reader *reader,
                        uint32_t code, uint32_t *place_out, struct tally_error *error)
{
    struct dictionary dictionary;
    if (code == 0) {
        *place_out = PLACE_ABSENT;
        return TALLY_OK;
    }
    tally_status status = run_dictionary(reader, dimension->field, &dictionary, error);
    if (status == TALLY_OK)
        status = turn_codes(dimension, run, dictionary.count, error);
    if (status == TALLY_OK && dimension->places[code] == PLACE_NEW)
        status = place_of(dimension, dictionary_value(&dictionary, code), &dimension->places[code],
                          error);
    if (status == TALLY_OK)
        *place_out = dimension->places[code];
    return status;
}

/*
 * Numbers.
 */

static struct recent *
recent_of(const struct dimension *dimension, int64_t key, uint8_t form)
{
    uint64_t hash = ((uint64_t)key * 32 + form) * UINT64_C(0x9e3779b97f4a7c15);
    return &dimension->recent[hash >> (64 - RECENT_BITS)];
}

static tally_status
make_recent(struct dimension *dimension, struct tally_error *error)
{
    if (dimension->recent != NULL)
        return TALLY_OK;
    dimension->recent = calloc(RECENT_COUNT, sizeof *dimension->recent);
    if (dimension->recent == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < RECENT_COUNT; i++)
        dimension->recent[i].place = PLACE_NEW;
    return TALLY_OK;
}

static tally_status
place_of_number(struct dimension *dimension, const struct page *page, uint32_t row,
                uint32_t *place_out, struct tally_error *error)
{
    char text[PAGE_TEXT_MAX];
    uint8_t form = page->forms[row];
    enum field_column column = fields[dimension->field].column;
    if (form == NUMBER_EXCEPTION)
        return place_of(dimension, page_value(page, NULL, column, row, text), place_out, error);
    if (form == NUMBER_ABSENT) {
        *place_out = PLACE_ABSENT;
        return TALLY_OK;
    }
    struct recent *recent = recent_of(dimension, page->keys[row], form);
    if (recent->place == PLACE_NEW || recent->key != page->keys[row] || recent->form != form) {
        uint32_t place;
        tally_status status =
            place_of(dimension, page_value(page, NULL, column, row, text), &place, error);
        if (status != TALLY_OK)
            return status;
        *recent = (struct recent){ page->keys[row], place, form };
    }
    *place_out = recent->place;
    return TALLY_OK;
}

static tally_status
places_of_numbers(struct dimension *dimension, const struct scan_page *matches,
                  const struct page *page, uint32_t *places, struct tally_error *error)
{
    tally_status status = make_recent(dimension, error);
    const uint16_t *rows = scan_page_rows(matches);
    for (uint32_t i = 0; i < matches->count && status == TALLY_OK; i++)
        status = place_of_number(dimension, page, rows[i], &places[i], error);
    return status;
}

/*
 * Pages.
 */

/* Row by row, whatever the column: of texts only the blocks that have such rows are decoded. */
static tally_status
places_of_values(struct dimension *dimension, const struct scan_page *matches, uint32_t *places,
                 struct tally_error *error)
{
    tally_status status = TALLY_OK;
    const uint16_t *rows = scan_page_rows(matches);
    for (uint32_t i = 0; i < matches->count && status == TALLY_OK; i++) {
        struct bytes value;
        uint32_t row = matches->page * PAGE_ROWS + rows[i];
        status = run_value(matches->reader, dimension->field, row, &value, error);
        if (status == TALLY_OK)
            status = place_of(dimension, value, &places[i], error);
    }
    return status;
}

tally_status
dimension_places(struct dimension *dimension, const struct scan_page *matches, uint32_t *places,
                 struct tally_error *error)
{
    struct page_summary summary;
    struct page page;
    enum field_id field = dimension->field;
    tally_status status = run_page_summary(matches->reader, field, matches->page, &summary, error);
    if (status != TALLY_OK)
        return status;
    if (summary.kind == PAGE_ABSENT) {
        for (uint32_t i = 0; i < matches->count; i++)
            places[i] = PLACE_ABSENT;
        return TALLY_OK;
    }
    if (summary.kind != PAGE_CODES && summary.kind != PAGE_NUMBERS)
        return places_of_values(dimension, matches, places, error);
    status = run_page(matches->reader, field, matches->page, &page, error);
    if (status != TALLY_OK)
        return status;
    if (summary.kind == PAGE_CODES)
        return places_of_codes(dimension, matches, &page, places, error);
    return places_of_numbers(dimension, matches, &page, places, error);
}
