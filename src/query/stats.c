/*
 * Counting what matches.
 *
 * By a field: a table of the values met, each with its count. In a column of codes a value is
 * looked up once a run: after that its code leads to its place in the table. Values are copied,
 * because a run's dictionary goes with its reader.
 *
 * Over time: a page whose times all lie in one bucket is added to it whole; only where a border
 * goes through a page its times are read.
 */
#include "stats.h"

#include "arena.h"
#include "fault.h"
#include "lookup.h"
#include "random.h"

#include <assert.h>
#include <stdlib.h>

#define NO_RUN SIZE_MAX

struct table {
    uint64_t seed;
    uint32_t count;
    uint32_t capacity;
    struct stats_value *values; /* in the order they were met */
    uint32_t *slots;            /* place in values + 1, 0 where free; a power of two, half used */
    uint32_t slot_count;
    size_t bytes;
    struct arena arena;
};

static void
table_destroy(struct table *table)
{
    if (table == NULL)
        return;
    free(table->values);
    free(table->slots);
    arena_finish(&table->arena);
    free(table);
}

/* The slot of a value: where it is, or the free one where it belongs. */
static uint32_t *
find_slot(const struct table *table, struct bytes value)
{
    uint32_t mask = table->slot_count - 1;
    uint32_t at = lookup_hash(table->seed, value) & mask;
    while (table->slots[at] != 0 && !bytes_equal(table->values[table->slots[at] - 1].value, value))
        at = (at + 1) & mask;
    return &table->slots[at];
}

static tally_status
table_grow(struct table *table, struct tally_error *error)
{
    uint32_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
    struct stats_value *values = realloc(table->values, capacity * sizeof *values);
    if (values == NULL)
        return memory_fault(error);
    table->values = values;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL)
        return memory_fault(error);
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * 2;
    table->capacity = capacity;
    for (uint32_t i = 0; i < table->count; i++)
        *find_slot(table, values[i].value) = i + 1;
    return TALLY_OK;
}

/* The place of a value, a new one with count 0 if it was not met before. */
static tally_status
table_find(struct table *table, struct bytes value, uint32_t *place_out, struct tally_error *error)
{
    if (table->count == table->capacity) {
        tally_status status = table_grow(table, error);
        if (status != TALLY_OK)
            return status;
    }
    uint32_t *slot = find_slot(table, value);
    if (*slot == 0) {
        if (table->count == STATS_VALUES_MAX || table->bytes + value.size > STATS_BYTES_MAX)
            return fault(error, TALLY_INVALID,
                         "there are more than %u different values, or more than %u MiB of them; "
                         "narrow the filter or count by another field",
                         STATS_VALUES_MAX, STATS_BYTES_MAX >> 20);
        struct bytes copy = arena_copy(&table->arena, value);
        if (copy.data == NULL)
            return memory_fault(error);
        table->bytes += value.size;
        table->values[table->count++] = (struct stats_value){ copy, 0 };
        *slot = table->count;
    }
    *place_out = *slot - 1;
    return TALLY_OK;
}

/*
 * By a field.
 */

struct counting {
    enum field_id field;
    struct table *table;
    uint64_t total;
    uint64_t absent;
    size_t run;       /* that `places` is of */
    uint32_t *places; /* by code: place in the table + 1, 0 where not looked up yet */
    uint32_t place_count;
};

/* Forgets the codes of the run before. */
static tally_status
turn_codes(struct counting *counting, size_t run, uint32_t code_count, struct tally_error *error)
{
    if (counting->run == run)
        return TALLY_OK;
    if (counting->place_count < code_count + 1) {
        uint32_t *places = realloc(counting->places, (code_count + 1) * sizeof *places);
        if (places == NULL)
            return memory_fault(error);
        counting->places = places;
        counting->place_count = code_count + 1;
    }
    memset(counting->places, 0, counting->place_count * sizeof *counting->places);
    counting->run = run;
    return TALLY_OK;
}

static tally_status
count_codes(struct counting *counting, const struct scan_page *matches, const struct page *page,
            struct tally_error *error)
{
    struct dictionary dictionary;
    tally_status status = run_dictionary(matches->reader, counting->field, &dictionary, error);
    if (status == TALLY_OK)
        status = turn_codes(counting, matches->run, dictionary.count, error);
    for (uint32_t i = 0; i < matches->count && status == TALLY_OK; i++) {
        uint32_t code = page->codes[matches->rows[i]];
        if (code == 0) {
            counting->absent++;
            continue;
        }
        uint32_t place = counting->places[code] - 1;
        if (counting->places[code] == 0) {
            status =
                table_find(counting->table, dictionary_value(&dictionary, code), &place, error);
            if (status != TALLY_OK)
                break;
            counting->places[code] = place + 1;
        }
        counting->table->values[place].count++;
    }
    return status;
}

static tally_status
count_values(struct counting *counting, const struct scan_page *matches, struct tally_error *error)
{
    for (uint32_t i = 0; i < matches->count; i++) {
        struct bytes value;
        uint32_t place;
        uint32_t row = matches->page * PAGE_ROWS + matches->rows[i];
        tally_status status = run_value(matches->reader, counting->field, row, &value, error);
        if (status == TALLY_OK && value.data == NULL) {
            counting->absent++;
            continue;
        }
        if (status == TALLY_OK)
            status = table_find(counting->table, value, &place, error);
        if (status != TALLY_OK)
            return status;
        counting->table->values[place].count++;
    }
    return TALLY_OK;
}

static tally_status
count_page(void *context, const struct scan_page *matches, struct tally_error *error)
{
    struct counting *counting = context;
    struct page_summary summary;
    struct page page;
    counting->total += matches->count;
    tally_status status =
        run_page_summary(matches->reader, counting->field, matches->page, &summary, error);
    if (status != TALLY_OK)
        return status;
    if (summary.kind == PAGE_ABSENT) {
        counting->absent += matches->count;
        return TALLY_OK;
    }
    if (summary.kind != PAGE_CODES)
        return count_values(counting, matches, error);
    status = run_page(matches->reader, counting->field, matches->page, &page, error);
    if (status != TALLY_OK)
        return status;
    return count_codes(counting, matches, &page, error);
}

static int
compare_values(const void *a, const void *b)
{
    const struct stats_value *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return bytes_compare(x->value, y->value);
}

static void
rank(const struct counting *counting, size_t top, struct stats_values *values_out)
{
    struct table *table = counting->table;
    if (table->count > 0)
        qsort(table->values, table->count, sizeof *table->values, compare_values);
    struct stats_values values = {
        .total = counting->total,
        .absent = counting->absent,
        .distinct = table->count,
        .rest = counting->total - counting->absent,
        .count = top < table->count ? top : table->count,
        .values = table->values,
        .memory = table,
    };
    for (size_t i = 0; i < values.count; i++)
        values.rest -= values.values[i].count;
    *values_out = values;
}

tally_status
stats_by_field(struct scan *scan, enum field_id field, size_t top, struct stats_values *values_out,
               struct tally_error *error)
{
    assert(field < FIELD_COUNT && top > 0);
    if (fields[field].type == TYPE_OBJECT || field == FIELD_PRIVATE)
        return fault(error, TALLY_INVALID,
                     "%.*s is not a field to count by; choose one that has a "
                     "single value",
                     BYTES_ARG(fields[field].name));

    struct counting counting = { .field = field, .run = NO_RUN };
    counting.table = calloc(1, sizeof *counting.table);
    if (counting.table == NULL)
        return memory_fault(error);
    random_bytes(&counting.table->seed, sizeof counting.table->seed);
    tally_status status = scan_pages(scan, count_page, &counting, error);
    free(counting.places);
    if (status != TALLY_OK) {
        table_destroy(counting.table);
        return status;
    }
    rank(&counting, top, values_out);
    return TALLY_OK;
}

void
stats_values_finish(struct stats_values *values)
{
    table_destroy(values->memory);
    *values = (struct stats_values){ 0 };
}

/*
 * Over time.
 */

struct buckets {
    const struct stats_histogram *histogram;
    uint64_t *counts;
    uint64_t before;
    uint64_t after;
};

/* Where entries of a time are counted. */
static uint64_t *
bucket_of(struct buckets *buckets, int64_t time)
{
    const struct stats_histogram *histogram = buckets->histogram;
    if (time < histogram->start)
        return &buckets->before;
    uint64_t distance = (uint64_t)time - (uint64_t)histogram->start;
    uint64_t number = distance / (uint64_t)histogram->interval;
    return number < histogram->count ? &buckets->counts[number] : &buckets->after;
}

static tally_status
count_times(void *context, const struct scan_page *matches, struct tally_error *error)
{
    struct buckets *buckets = context;
    int64_t minimum, maximum;
    const int64_t *times;
    uint32_t rows;
    tally_status status = run_time_range(matches->reader, matches->page, &minimum, &maximum, error);
    if (status != TALLY_OK)
        return status;
    uint64_t *bucket = bucket_of(buckets, minimum);
    if (bucket == bucket_of(buckets, maximum)) {
        *bucket += matches->count;
        return TALLY_OK;
    }
    status = run_times(matches->reader, matches->page, &times, &rows, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t i = 0; i < matches->count; i++)
        ++*bucket_of(buckets, times[matches->rows[i]]);
    return TALLY_OK;
}

tally_status
stats_over_time(struct scan *scan, const struct stats_histogram *histogram, uint64_t *buckets,
                uint64_t *before_out, uint64_t *after_out, struct tally_error *error)
{
    assert(histogram->interval > 0 && histogram->count > 0 &&
           histogram->count <= STATS_BUCKETS_MAX);
    struct buckets counting = { .histogram = histogram };
    counting.counts = calloc(histogram->count, sizeof *counting.counts);
    if (counting.counts == NULL)
        return memory_fault(error);
    tally_status status = scan_pages(scan, count_times, &counting, error);
    if (status == TALLY_OK) {
        memcpy(buckets, counting.counts, histogram->count * sizeof *buckets);
        *before_out = counting.before;
        *after_out = counting.after;
    }
    free(counting.counts);
    return status;
}

tally_status
stats_time_range(struct scan *scan, int64_t *minimum_out, int64_t *maximum_out,
                 struct tally_error *error)
{
    const struct scan_place start = SCAN_START;
    struct scan_hit first, last;
    struct scan_list list;
    tally_status status = scan_list(scan, ORDER_TIME, &start, &first, 1, &list, error);
    if (status != TALLY_OK)
        return status;
    if (list.count == 0)
        return TALLY_ABSENT;
    status = scan_list(scan, ORDER_TIME_DOWN, &start, &last, 1, &list, error);
    if (status != TALLY_OK)
        return status;
    *minimum_out = first.time;
    *maximum_out = last.time;
    return TALLY_OK;
}
