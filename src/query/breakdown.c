/*
 * Each field's values become places (dimension.h), the places of one row become a group, and groups
 * are counted in an array. With one field a group is a place; with two it is the number of a pair.
 *
 * Invariant: the counts of all groups and `absent` add up to `total`.
 */
#include "breakdown.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

struct breakdown_reader {
    struct breakdown *breakdown;
    enum dimension_mode mode;
    struct dimension *dimensions[BREAKDOWN_FIELDS_MAX];
};

struct breakdown {
    size_t field_count;
    enum field_id by[BREAKDOWN_FIELDS_MAX];
    struct value_table tables[BREAKDOWN_FIELDS_MAX];
    struct pair_table pairs; /* where by two */
    struct breakdown_reader *reader;
    uint64_t total;
    uint64_t absent;
    uint64_t *counts; /* by group */
    uint32_t count_capacity;
};

static tally_status
reader_create(struct breakdown *breakdown, enum dimension_mode mode,
              struct breakdown_reader **reader_out, struct tally_error *error)
{
    struct breakdown_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return memory_fault(error);
    reader->breakdown = breakdown;
    reader->mode = mode;
    for (size_t i = 0; i < breakdown->field_count; i++) {
        tally_status status = dimension_create(breakdown->by[i], mode, &breakdown->tables[i],
                                               &reader->dimensions[i], error);
        if (status != TALLY_OK) {
            breakdown_reader_destroy(reader);
            return status;
        }
    }
    *reader_out = reader;
    return TALLY_OK;
}

tally_status
breakdown_reader_create(struct breakdown *breakdown, struct breakdown_reader **reader_out,
                        struct tally_error *error)
{
    return reader_create(breakdown, DIMENSION_KNOWS, reader_out, error);
}

void
breakdown_reader_destroy(struct breakdown_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < BREAKDOWN_FIELDS_MAX; i++)
        dimension_destroy(reader->dimensions[i]);
    free(reader);
}

tally_status
breakdown_create(const enum field_id *by, size_t field_count, struct breakdown **breakdown_out,
                 struct tally_error *error)
{
    assert(field_count >= 1 && field_count <= BREAKDOWN_FIELDS_MAX);

    struct breakdown *breakdown = calloc(1, sizeof *breakdown);
    if (breakdown == NULL)
        return memory_fault(error);
    breakdown->field_count = field_count;
    for (size_t i = 0; i < field_count; i++)
        breakdown->by[i] = by[i];
    tally_status status = reader_create(breakdown, DIMENSION_LEARNS, &breakdown->reader, error);
    if (status != TALLY_OK) {
        breakdown_destroy(breakdown);
        return status;
    }
    *breakdown_out = breakdown;
    return TALLY_OK;
}

void
breakdown_destroy(struct breakdown *breakdown)
{
    if (breakdown == NULL)
        return;
    breakdown_reader_destroy(breakdown->reader);
    for (size_t i = 0; i < BREAKDOWN_FIELDS_MAX; i++)
        value_table_finish(&breakdown->tables[i]);
    pair_table_finish(&breakdown->pairs);
    free(breakdown->counts);
    free(breakdown);
}

/*
 * Rows.
 */

/* Replaces the places of the first field by groups. */
static tally_status
join_places(struct breakdown_reader *reader, const uint32_t *second, uint32_t count,
            uint32_t *groups, struct tally_error *error)
{
    struct pair_table *pairs = &reader->breakdown->pairs;
    tally_status status = TALLY_OK;
    for (uint32_t i = 0; i < count && status == TALLY_OK; i++) {
        struct place_pair pair = { groups[i], second[i] };
        if (pair.first == PLACE_ABSENT && pair.second == PLACE_ABSENT) {
            groups[i] = GROUP_ABSENT;
        } else if (reader->mode == DIMENSION_LEARNS) {
            status = pair_table_add(pairs, pair, &groups[i], error);
        } else {
            uint32_t number = pair_table_find(pairs, pair);
            groups[i] = number == NO_PAIR ? GROUP_UNKNOWN : number;
        }
    }
    return status;
}

tally_status
breakdown_groups_of(struct breakdown_reader *reader, const struct scan_page *matches,
                    uint32_t *groups, struct tally_error *error)
{
    static_assert(GROUP_ABSENT == PLACE_ABSENT && GROUP_UNKNOWN == PLACE_UNKNOWN,
                  "a place is a group where there is one field");
    uint32_t second[PAGE_ROWS];
    tally_status status = dimension_places(reader->dimensions[0], matches, groups, error);
    if (status != TALLY_OK || reader->breakdown->field_count == 1)
        return status;
    status = dimension_places(reader->dimensions[1], matches, second, error);
    if (status != TALLY_OK)
        return status;
    return join_places(reader, second, matches->count, groups, error);
}

tally_status
breakdown_group_of_code(struct breakdown_reader *reader, const struct scan_counts *counts,
                        uint32_t code, uint32_t *group_out, struct tally_error *error)
{
    assert(reader->breakdown->field_count == 1);
    return dimension_place_of_code(reader->dimensions[0], counts->run, counts->reader, code,
                                   group_out, error);
}

/*
 * Counts.
 */

/* Makes room for the counts of all groups there are. */
static tally_status
counts_reserve(struct breakdown *breakdown, struct tally_error *error)
{
    uint32_t groups = breakdown_groups(breakdown);
    if (groups <= breakdown->count_capacity)
        return TALLY_OK;
    uint32_t capacity = breakdown->count_capacity == 0 ? 256 : breakdown->count_capacity;
    while (capacity < groups)
        capacity *= 2;
    uint64_t *counts = realloc(breakdown->counts, capacity * sizeof *counts);
    if (counts == NULL)
        return memory_fault(error);
    for (uint32_t i = breakdown->count_capacity; i < capacity; i++)
        counts[i] = 0;
    breakdown->counts = counts;
    breakdown->count_capacity = capacity;
    return TALLY_OK;
}

tally_status
breakdown_add(struct breakdown *breakdown, const struct scan_page *matches,
              struct tally_error *error)
{
    uint32_t groups[PAGE_ROWS];
    tally_status status = breakdown_groups_of(breakdown->reader, matches, groups, error);
    if (status == TALLY_OK)
        status = counts_reserve(breakdown, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t i = 0; i < matches->count; i++) {
        if (groups[i] == GROUP_ABSENT)
            breakdown->absent++;
        else
            breakdown->counts[groups[i]]++;
    }
    breakdown->total += matches->count;
    return TALLY_OK;
}

tally_status
breakdown_add_counts(struct breakdown *breakdown, const struct scan_counts *counts,
                     struct tally_error *error)
{
    struct run_counts found;
    if (breakdown->field_count > 1)
        return TALLY_ABSENT;
    tally_status status = scan_counts_read(counts, breakdown->by[0], COUNTS_OF_ALL, &found, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < found.item_count; i++) {
        uint32_t group = GROUP_ABSENT;
        status =
            breakdown_group_of_code(breakdown->reader, counts, found.items[i].code, &group, error);
        if (status == TALLY_OK)
            status = counts_reserve(breakdown, error);
        if (status != TALLY_OK)
            return status;
        *(group == GROUP_ABSENT ? &breakdown->absent : &breakdown->counts[group]) +=
            found.items[i].count;
        breakdown->total += found.items[i].count;
    }
    return TALLY_OK;
}

/* The group of another breakdown's group: added, if it was not met. */
static tally_status
group_of(struct breakdown *breakdown, const struct breakdown *other, uint32_t group,
         uint32_t *group_out, struct tally_error *error)
{
    uint32_t places[BREAKDOWN_FIELDS_MAX];
    for (size_t i = 0; i < breakdown->field_count; i++) {
        struct bytes value = breakdown_value(other, group, i);
        places[i] = PLACE_ABSENT;
        if (value.data == NULL)
            continue;
        tally_status status = value_table_add(&breakdown->tables[i], value, &places[i], error);
        if (status != TALLY_OK)
            return status;
    }
    if (breakdown->field_count == 1) {
        *group_out = places[0];
        return TALLY_OK;
    }
    const struct place_pair pair = { places[0], places[1] };
    return pair_table_add(&breakdown->pairs, pair, group_out, error);
}

tally_status
breakdown_merge(struct breakdown *breakdown, const struct breakdown *other,
                struct tally_error *error)
{
    assert(breakdown->field_count == other->field_count);

    for (uint32_t theirs = 0; theirs < breakdown_groups(other); theirs++) {
        uint32_t ours;
        tally_status status = group_of(breakdown, other, theirs, &ours, error);
        if (status == TALLY_OK)
            status = counts_reserve(breakdown, error);
        if (status != TALLY_OK)
            return status;
        breakdown->counts[ours] += breakdown_count(other, theirs);
    }
    breakdown->absent += other->absent;
    breakdown->total += other->total;
    return TALLY_OK;
}

size_t
breakdown_fields(const struct breakdown *breakdown)
{
    return breakdown->field_count;
}

enum field_id
breakdown_field(const struct breakdown *breakdown, size_t i)
{
    assert(i < breakdown->field_count);
    return breakdown->by[i];
}

uint64_t
breakdown_total(const struct breakdown *breakdown)
{
    return breakdown->total;
}

uint64_t
breakdown_absent(const struct breakdown *breakdown)
{
    return breakdown->absent;
}

uint32_t
breakdown_groups(const struct breakdown *breakdown)
{
    return breakdown->field_count == 1 ? breakdown->tables[0].count : breakdown->pairs.count;
}

uint64_t
breakdown_count(const struct breakdown *breakdown, uint32_t group)
{
    assert(group < breakdown_groups(breakdown));
    return group < breakdown->count_capacity ? breakdown->counts[group] : 0;
}

struct bytes
breakdown_value(const struct breakdown *breakdown, uint32_t group, size_t i)
{
    assert(group < breakdown_groups(breakdown) && i < breakdown->field_count);

    uint32_t place = group;
    if (breakdown->field_count > 1) {
        struct place_pair pair = breakdown->pairs.pairs[group];
        place = i == 0 ? pair.first : pair.second;
    }
    return place == PLACE_ABSENT ? (struct bytes){ NULL, 0 } : breakdown->tables[i].values[place];
}
