/*
 * run_entry.c - entries put together from columns.
 *
 * An entry is one value of each column; its parts are made from them (run_parts.c). Whether it is the
 * one that was signed, only its leaf can tell.
 */
#include "base64.h"
#include "fault.h"
#include "run_reader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* Erased rows have no salt: those alone are looked at one by one. */
static tally_status
count_erased(struct run_reader *reader, uint32_t number, uint32_t *erased_out,
             struct tally_error *error)
{
    struct page page;
    uint32_t erased = 0;
    tally_status status = run_column_page(reader, COLUMN_SALT, number, &page, error);
    for (uint32_t row = 0; status == TALLY_OK && row < page.rows; row++) {
        struct run_parts parts;
        if (page.kind == PAGE_IDS && page.forms[row] == ID_RAW)
            continue;
        status = run_salt(reader, number * PAGE_ROWS + row, &parts, error);
        erased += status == TALLY_OK && parts.erased;
    }
    if (status == TALLY_OK)
        *erased_out = erased;
    return status;
}

tally_status
run_page_kinds(struct run_reader *reader, uint32_t number, uint32_t *controls_out,
               uint32_t *erased_out, struct tally_error *error)
{
    struct page page;
    uint32_t controls = 0, erased;
    tally_status status = count_erased(reader, number, &erased, error);
    if (status == TALLY_OK)
        status = run_page(reader, FIELD_CONTROL, number, &page, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t row = 0; page.kind != PAGE_ABSENT && row < page.rows; row++) {
        struct bytes value;
        status = run_value(reader, FIELD_CONTROL, number * PAGE_ROWS + row, &value, error);
        if (status != TALLY_OK)
            return status;
        controls += value.data != NULL;
    }
    *controls_out = controls;
    *erased_out = erased;
    return TALLY_OK;
}

/* Makes the values of the group of rows that `row` is in known. A column at a time: the dictionary's
 * entries of many rows, each a cache miss, are then fetched together. */
static tally_status
group_read(struct run_reader *reader, uint32_t row, struct tally_error *error)
{
    uint32_t group = row / GROUP_ROWS;
    uint32_t first = group * GROUP_ROWS;
    uint32_t left = reader->run.count - first;
    uint32_t count = left < GROUP_ROWS ? left : GROUP_ROWS;
    tally_status status = TALLY_OK;

    if (reader->group_values == NULL)
        reader->group_values = calloc(1, sizeof *reader->group_values);
    struct run_group *values = reader->group_values;
    if (values == NULL)
        return memory_fault(error);
    memset(values->present, 0, sizeof values->present);
    for (unsigned field = 0; field < FIELD_COUNT && status == TALLY_OK; field++) {
        struct bytes column[GROUP_ROWS];
        if (field == FIELD_PRIVATE)
            continue;
        status = run_values(reader, (enum field_id)field, first, count, column,
                            values->texts[field], error);
        for (uint32_t i = 0; status == TALLY_OK && i < count; i++) {
            values->rows[i][field] = column[i];
            values->present[i] |= (uint64_t)(column[i].data != NULL) << field;
        }
    }
    /* Only now: a column that turned to this page forgot the group. */
    reader->group = status == TALLY_OK ? group : NO_GROUP;
    return status;
}

/* Makes the values of one row known, of each column no more than that takes. */
static tally_status
row_read(struct run_reader *reader, uint32_t row, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (reader->run.segment != NULL)
        segment_prefetch_row(reader->run.segment, row);
    for (unsigned field = 0; field < FIELD_COUNT && status == TALLY_OK; field++)
        if (field != FIELD_PRIVATE)
            status = run_value(reader, (enum field_id)field, row, &reader->values[field], error);
    reader->group = NO_GROUP;
    return status;
}

/* A row that follows the one before is followed by others, it is assumed, and read with them. */
static tally_status
values_read(struct run_reader *reader, uint32_t row, enum run_want want, struct tally_error *error)
{
    bool in_order = want == RUN_STREAM || row == reader->next_row;
    reader->next_row = row + 1;
    if (reader->group == row / GROUP_ROWS)
        return TALLY_OK;
    return in_order ? group_read(reader, row, error) : row_read(reader, row, error);
}

/* Makes the parts of a row known, and of the rest of its group where `want` is RUN_STREAM. */
static tally_status
parts_read(struct run_reader *reader, uint32_t row, enum run_want want, struct tally_error *error)
{
    if (row - reader->parts_first < reader->parts_count)
        return TALLY_OK;
    uint32_t in_group = GROUP_ROWS - 1 - row % GROUP_ROWS;
    uint32_t in_run = reader->run.count - 1 - row;
    uint32_t ahead = in_group < in_run ? in_group : in_run;
    return run_parts_make(reader, row, want == RUN_STREAM ? ahead : 0, error);
}

static void
take_parts(struct run_reader *reader, uint32_t row, struct run_entry *entry)
{
    uint32_t at = row - reader->parts_first;
    const struct run_parts *parts = &reader->parts[at];
    memcpy(entry->salt, parts->salt, sizeof entry->salt);
    memcpy(entry->commitment, parts->commitment, sizeof entry->commitment);
    entry->erased = parts->erased;
    entry->leaf = reader->leaves[at];
    entry->public_part =
        bytes_of(reader->public_parts.data + parts->public_offset, parts->public_size);
    if (!parts->erased)
        entry->private_part =
            bytes_of(reader->private_parts.data + parts->private_offset, parts->private_size);
    base64_encode(parts->commitment, sizeof parts->commitment, reader->commitment);
    entry->values[FIELD_PRIVATE] = bytes_of(reader->commitment, sizeof reader->commitment);
}

/* Whether a row whose values are known has a private one, and so cannot have been erased. */
static tally_status
has_private_value(struct run_reader *reader, uint32_t row, bool *has_out, struct tally_error *error)
{
    if (!reader->private_known) {
        tally_status status = run_fields_private(reader, &reader->fields_private, error);
        if (status != TALLY_OK)
            return status;
        reader->private_known = true;
    }
    uint64_t left = reader->fields_private;
    const struct bytes *values = run_row(reader, row);
    while (left != 0 && values[__builtin_ctzll(left)].data == NULL)
        left &= left - 1;
    *has_out = left != 0;
    return TALLY_OK;
}

/* Makes the values and the salt of a row known. Of most rows the values alone say that it was not
 * erased: where no more is wanted, the salt is not read. */
static tally_status
row_open(struct run_reader *reader, uint32_t row, enum run_want want, struct run_parts *salt,
         struct tally_error *error)
{
    bool has_private = false;
    tally_status status = TALLY_OK;
    *salt = (struct run_parts){ 0 };
    if (want == RUN_VALUES) {
        status = values_read(reader, row, want, error);
        if (status == TALLY_OK)
            status = has_private_value(reader, row, &has_private, error);
    }
    if (status != TALLY_OK || has_private)
        return status;
    /* The salt first, because turning to its page forgets the group. */
    status = run_salt(reader, row, salt, error);
    return status == TALLY_OK ? values_read(reader, row, want, error) : status;
}

tally_status
run_entry(struct run_reader *reader, uint32_t row, enum run_want want, struct run_entry *entry_out,
          struct tally_error *error)
{
    assert(row < reader->run.count);
    struct run_entry entry = { .index = reader->run.first + row };
    struct run_parts salt;
    tally_status status = TALLY_OK;

    if (reader->run.segment != NULL)
        status = segment_whole(reader->run.segment, &reader->input, error);
    if (status == TALLY_OK)
        status = row_open(reader, row, want, &salt, error);
    if (status == TALLY_OK && want != RUN_VALUES)
        status = parts_read(reader, row, want, error);
    if (status != TALLY_OK)
        return status;

    memcpy(entry.values, run_row(reader, row), sizeof entry.values);
    entry.erased = salt.erased;
    if (want != RUN_VALUES)
        take_parts(reader, row, &entry);
    entry.control = entry.values[FIELD_CONTROL].data != NULL;
    *entry_out = entry;
    return TALLY_OK;
}

tally_status
run_leaves(struct run_reader *reader, uint32_t row, struct run_leaves *leaves_out,
           struct tally_error *error)
{
    assert(row < reader->run.count);
    struct run_parts salt;
    tally_status status = TALLY_OK;
    if (reader->run.segment != NULL)
        status = segment_whole(reader->run.segment, &reader->input, error);
    if (status == TALLY_OK)
        status = run_salt(reader, row, &salt, error);
    if (status == TALLY_OK && reader->group != row / GROUP_ROWS)
        status = group_read(reader, row, error);
    if (status == TALLY_OK)
        status = parts_read(reader, row, RUN_STREAM, error);
    if (status != TALLY_OK)
        return status;

    uint32_t at = row - reader->parts_first;
    uint32_t count = reader->parts_count - at;
    for (uint32_t i = 0; i < count; i++) {
        reader->erased[i] = reader->parts[at + i].erased;
        reader->controls[i] = run_row(reader, row + i)[FIELD_CONTROL];
    }
    *leaves_out = (struct run_leaves){
        .count = count,
        .leaves = reader->leaves + at,
        .erased = reader->erased,
        .controls = reader->controls,
    };
    return TALLY_OK;
}

tally_status
run_find_tokens(struct run_reader *reader, const struct token_sought *tokens, size_t count,
                struct places *places_out, struct tally_error *error)
{
    tally_status status = TALLY_ABSENT;
    if (reader->run.segment != NULL)
        status = segment_find_tokens(reader->run.segment, tokens, count, &reader->bucket,
                                     places_out, error);
    if (status != TALLY_ABSENT)
        return status;
    places_fill(places_out);
    return TALLY_OK;
}
