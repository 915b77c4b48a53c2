/*
 * index_counts.c - how often each value of a segment occurs, by the hour (counts.h).
 *
 *     parameters  4 size of the first part   4 its CRC-32C
 *     bytes       the first part, then the items of the columns that stand apart, in their order
 *
 * The first part is small, so that a question about one column of few values reads it and nothing
 * else. What is counted how, index_counts_make.c decides.
 */
#include "index_counts.h"

#include "fault.h"

#include <stdlib.h>

#define PARAMETERS_SIZE 8u

bool
index_counts_open(const struct index_section *section, struct index_counts *out)
{
    if (section->parameters.size != PARAMETERS_SIZE)
        return false;
    uint32_t size = get_u32(section->parameters.data);
    if (size > section->block.size)
        return false;
    *out = (struct index_counts){
        .there = true,
        .part = { section->block.offset, size, get_u32(section->parameters.data + 4) },
        .end = section->block.offset + section->block.size,
    };
    return true;
}

void
counts_room_finish(struct counts_room *room)
{
    free(room->items);
    room->items = NULL;
    room->capacity = 0;
}

static const struct segment_place place_of_counts = { .part = "counts" };

static tally_status
damaged(const struct segment_file *file, struct tally_error *error)
{
    return segment_file_fault(file, &place_of_counts, "make no sense", error);
}

/* Reads and opens the first part, which is lent by `input`. */
static tally_status
read_part(const struct index_counts *section, const struct segment_file *file,
          struct segment_input *input, struct counts_room *room, struct counts *counts_out,
          struct counts_periods *periods_out, struct tally_error *error)
{
    tally_status status = segment_file_read(file, &section->part, &place_of_counts, input, error);
    if (status != TALLY_OK)
        return status;
    if (!counts_open(buffer_view(&input->bytes), counts_out))
        return damaged(file, error);
    counts_read_periods(counts_out, room->hours, room->totals);
    *periods_out = (struct counts_periods){
        .timed = counts_out->timed,
        .timestamps = counts_out->timestamps,
        .count = counts_out->period_count,
        .hours = room->hours,
        .totals = room->totals,
    };
    return TALLY_OK;
}

tally_status
index_counts_periods(const struct index_counts *section, const struct segment_file *file,
                     struct segment_input *input, struct counts_room *room,
                     struct counts_periods *periods_out, struct tally_error *error)
{
    struct counts counts;
    return read_part(section, file, input, room, &counts, periods_out, error);
}

tally_status
counts_room_reserve(struct counts_room *room, size_t item_count, struct tally_error *error)
{
    if (room->capacity >= item_count)
        return TALLY_OK;
    struct counts_item *items = realloc(room->items, item_count * sizeof *items);
    if (items == NULL)
        return memory_fault(error);
    room->items = items;
    room->capacity = item_count;
    return TALLY_OK;
}

/* Reads the items of a column that stands apart, in place of the first part. */
static tally_status
read_apart(const struct index_counts *section, const struct segment_file *file,
           struct counts_place *place, struct segment_input *input, struct tally_error *error)
{
    struct segment_block block = {
        .offset = section->part.offset + section->part.size + place->offset,
        .size = place->size,
        .crc = place->crc,
    };
    if (block.offset > section->end || place->size > section->end - block.offset)
        return damaged(file, error);
    tally_status status = segment_file_read(file, &block, &place_of_counts, input, error);
    if (status == TALLY_OK)
        place->items = buffer_view(&input->bytes);
    return status;
}

tally_status
index_counts_find(const struct index_counts *section, const struct segment_file *file,
                  enum field_id field, struct segment_input *input, struct counts_room *room,
                  struct counts_found *found_out, struct tally_error *error)
{
    struct counts counts;
    struct counts_place place;
    struct counts_found found = { 0 };
    tally_status status = read_part(section, file, input, room, &counts, &found.periods, error);
    if (status != TALLY_OK)
        return status;
    if (!counts_find(&counts, fields[field].name, &place))
        return TALLY_ABSENT;
    if (place.way == COUNTS_APART)
        status = read_apart(section, file, &place, input, error);
    if (status == TALLY_OK)
        status = counts_room_reserve(room, place.items.size / 2 + 1, error); /* two bytes each */
    if (status != TALLY_OK)
        return status;

    struct counts_walk walk;
    bool whole;
    counts_walk_begin(&walk, &place, place.items, &counts, room->totals);
    while (counts_walk_next(&walk, &room->items[found.item_count], &whole))
        found.item_count++;
    if (!whole)
        return damaged(file, error);
    found.way = place.way;
    found.value_count = place.value_count;
    *found_out = found;
    return TALLY_OK;
}
