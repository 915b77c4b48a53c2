/*
 * Buckets are kept in an array by their intervals' numbers, which grows on either side as entries
 * come, so that the range of times need not be known before. A page whose times all lie in one
 * bucket is added to it whole; only where a border goes through a page the times of its matches are
 * read. Where intervals are whole hours, a run whose counts tell is not looked at.
 *
 * The limits are checked before the array grows, so memory is bounded. Where there are too many
 * buckets, the range of times is looked up only to say which interval would do.
 */
#include "timeline.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

struct counting {
    const struct interval *interval;
    const struct stats *by;          /* NULL: not by values */
    struct breakdown_reader *reader; /* where by values */
    size_t part_count;
    int64_t low, high; /* the first and last interval that an entry is in; low > high: none yet */
    int64_t base;      /* the interval of cells[0], which may be an earlier one */
    size_t capacity;   /* of intervals */
    uint64_t *cells;   /* part_count an interval */
    bool too_many;     /* why counting has ended: there are more buckets than may be */
};

static bool
counting_empty(const struct counting *counting)
{
    return counting->low > counting->high;
}

/*
 * The array.
 */

static tally_status
check_limits(struct counting *counting, uint64_t span, struct tally_error *error)
{
    if (span > TIMELINE_BUCKETS_MAX) {
        counting->too_many = true;
        return fault(error, TALLY_INVALID, "more than %u intervals", TIMELINE_BUCKETS_MAX);
    }
    if (span * counting->part_count > TIMELINE_PARTS_MAX)
        return fault(error, TALLY_INVALID,
                     "%zu values over %llu intervals or more make too many counts, more than %u: "
                     "name fewer values (top), or take a longer interval",
                     counting->by->values.count, (unsigned long long)span, TIMELINE_PARTS_MAX);
    return TALLY_OK;
}

/* Makes room for the intervals from `low` to `high`, `span` of them, and for as many more on the
 * side where it grew. */
static tally_status
grow(struct counting *counting, int64_t low, uint64_t span, struct tally_error *error)
{
    size_t width = counting->part_count;
    size_t capacity = (size_t)span * 2;
    uint64_t *cells = calloc(capacity * width, sizeof *cells);
    if (cells == NULL)
        return memory_fault(error);
    bool earlier = !counting_empty(counting) && low < counting->low;
    int64_t base = earlier ? low - (int64_t)span : low;
    if (!counting_empty(counting)) {
        size_t from = (size_t)(counting->low - counting->base);
        size_t to = (size_t)(counting->low - base);
        size_t count = (size_t)(counting->high - counting->low) + 1;
        memcpy(&cells[to * width], &counting->cells[from * width], count * width * sizeof *cells);
    }
    free(counting->cells);
    counting->cells = cells;
    counting->capacity = capacity;
    counting->base = base;
    return TALLY_OK;
}

/* The parts of an interval, lent until the next call. */
static tally_status
find_interval(struct counting *counting, int64_t number, uint64_t **parts_out,
              struct tally_error *error)
{
    if (number < counting->low || number > counting->high) {
        bool empty = counting_empty(counting);
        int64_t low = empty || number < counting->low ? number : counting->low;
        int64_t high = empty || number > counting->high ? number : counting->high;
        uint64_t span = (uint64_t)(high - low) + 1;
        tally_status status = check_limits(counting, span, error);
        if (status == TALLY_OK &&
            (low < counting->base || high >= counting->base + (int64_t)counting->capacity))
            status = grow(counting, low, span, error);
        if (status != TALLY_OK)
            return status;
        counting->low = low;
        counting->high = high;
    }
    *parts_out = &counting->cells[(size_t)(number - counting->base) * counting->part_count];
    return TALLY_OK;
}

/*
 * Pages.
 */

/* The part that each row is counted in. */
static tally_status
find_parts(struct counting *counting, const struct scan_page *matches, uint32_t *parts,
           struct tally_error *error)
{
    tally_status status = breakdown_groups_of(counting->reader, matches, parts, error);
    uint32_t rest = (uint32_t)counting->by->values.count;
    for (uint32_t i = 0; i < matches->count && status == TALLY_OK; i++) {
        if (parts[i] == GROUP_ABSENT)
            parts[i] = rest + 1;
        else
            parts[i] = parts[i] == GROUP_UNKNOWN ? rest : counting->by->ranks[parts[i]];
    }
    return status;
}

/* A time that nobody could have recorded is no time. */
static tally_status
number_of(const struct counting *counting, int64_t time, int64_t *number_out,
          struct tally_error *error)
{
    if (time < MOMENT_MIN || time > MOMENT_MAX)
        return fault(error, TALLY_DAMAGED, "an entry has a time that is none");
    *number_out = interval_number(counting->interval, time);
    return TALLY_OK;
}

/* Where all rows are in one interval. `parts` is NULL where not by values. */
static tally_status
add_whole(struct counting *counting, const struct scan_page *matches, int64_t number,
          const uint32_t *parts, struct tally_error *error)
{
    uint64_t *cells;
    tally_status status = find_interval(counting, number, &cells, error);
    if (status != TALLY_OK)
        return status;
    if (parts == NULL)
        cells[0] += matches->count;
    for (uint32_t i = 0; parts != NULL && i < matches->count; i++)
        cells[parts[i]]++;
    return TALLY_OK;
}

static tally_status
add_rows(struct counting *counting, const struct scan_page *matches, const uint32_t *parts,
         struct tally_error *error)
{
    const int64_t *times;
    const uint16_t *rows = scan_page_rows(matches);
    int64_t begin = 1, end = 0; /* of the interval that the row before was in */
    uint64_t *cells = NULL;
    tally_status status =
        run_times_of(matches->reader, matches->page, matches->found, &times, error);
    for (uint32_t i = 0; i < matches->count && status == TALLY_OK; i++) {
        int64_t time = times[rows[i]];
        if (time < begin || time > end) {
            int64_t number = 0;
            status = number_of(counting, time, &number, error);
            if (status == TALLY_OK)
                status = find_interval(counting, number, &cells, error);
            if (status != TALLY_OK)
                break;
            begin = interval_begin(counting->interval, number);
            end = begin + (counting->interval->ns - 1);
        }
        cells[parts == NULL ? 0 : parts[i]]++;
    }
    return status;
}

static tally_status
count_page(void *context, const struct scan_page *matches, struct tally_error *error)
{
    struct counting *counting = context;
    int64_t minimum, maximum, first = 0, last = 0;
    uint32_t part_of[PAGE_ROWS];
    uint32_t *parts = counting->by == NULL ? NULL : part_of;
    tally_status status = run_time_range(matches->reader, matches->page, &minimum, &maximum, error);
    if (status == TALLY_OK)
        status = number_of(counting, minimum, &first, error);
    if (status == TALLY_OK)
        status = number_of(counting, maximum, &last, error);
    if (status == TALLY_OK && parts != NULL)
        status = find_parts(counting, matches, parts, error);
    if (status != TALLY_OK)
        return status;
    if (first == last)
        return add_whole(counting, matches, first, parts, error);
    return add_rows(counting, matches, parts, error);
}

/*
 * Runs whose counts tell.
 */

static tally_status
part_of_code(struct counting *counting, const struct scan_counts *counts, uint32_t code,
             size_t *part_out, struct tally_error *error)
{
    uint32_t group = GROUP_ABSENT;
    size_t rest = counting->by->values.count;
    tally_status status = breakdown_group_of_code(counting->reader, counts, code, &group, error);
    if (status != TALLY_OK)
        return status;
    if (group == GROUP_ABSENT)
        *part_out = rest + 1;
    else
        *part_out = group == GROUP_UNKNOWN ? rest : counting->by->ranks[group];
    return TALLY_OK;
}

static tally_status
add_items(struct counting *counting, const struct scan_counts *counts,
          const struct run_counts *found, struct tally_error *error)
{
    for (size_t i = 0; i < found->item_count; i++) {
        const struct counts_item *item = &found->items[i];
        int64_t number = 0;
        size_t part = 0;
        uint64_t *cells = NULL;
        tally_status status =
            number_of(counting, found->periods.hours[item->period] * COUNTS_HOUR, &number, error);
        if (status == TALLY_OK && counting->by != NULL)
            status = part_of_code(counting, counts, item->code, &part, error);
        if (status == TALLY_OK)
            status = find_interval(counting, number, &cells, error);
        if (status != TALLY_OK)
            return status;
        cells[part] += item->count;
    }
    return TALLY_OK;
}

static tally_status
count_run(void *context, const struct scan_counts *counts, struct tally_error *error)
{
    struct counting *counting = context;
    struct run_counts found;
    enum field_id field = FIELD_COUNT;
    if (counting->interval->ns % COUNTS_HOUR != 0)
        return TALLY_ABSENT;
    if (counting->by != NULL && breakdown_fields(counting->by->by) > 1)
        return TALLY_ABSENT;
    if (counting->by != NULL)
        field = breakdown_field(counting->by->by, 0);
    tally_status status = scan_counts_read(counts, field, COUNTS_BY_HOUR, &found, error);
    return status == TALLY_OK ? add_items(counting, counts, &found, error) : status;
}

/*
 * The whole.
 */

static tally_status
refuse_interval(struct scan *scan, const struct interval *interval, struct tally_error *error)
{
    int64_t first, last;
    tally_status status = stats_time_range(scan, &first, &last, error);
    if (status != TALLY_OK)
        return status == TALLY_ABSENT ? TALLY_INVALID : status;
    struct interval wider = interval_widen(interval, first, last, TIMELINE_BUCKETS_MAX);
    uint64_t span = interval_span(interval, first, last);
    return fault(error, TALLY_INVALID,
                 "%u%c makes %llu intervals, more than %u: %u%c is the shortest that will do",
                 interval->count, interval->unit, (unsigned long long)span, TIMELINE_BUCKETS_MAX,
                 wider.count, wider.unit);
}

/* Gives the cells from the first bucket to the last, without the free ones around them. */
static void
conclude(struct counting *counting, struct timeline *timeline_out)
{
    struct timeline timeline = { .part_count = counting->part_count };
    if (!counting_empty(counting)) {
        size_t width = counting->part_count;
        size_t first = (size_t)(counting->low - counting->base);
        timeline.start = interval_begin(counting->interval, counting->low);
        timeline.bucket_count = (size_t)(counting->high - counting->low) + 1;
        memmove(counting->cells, &counting->cells[first * width],
                timeline.bucket_count * width * sizeof *counting->cells);
        timeline.parts = counting->cells;
        counting->cells = NULL;
    }
    *timeline_out = timeline;
}

static tally_status
counting_init(struct counting *counting, const struct interval *interval, const struct stats *by,
              struct tally_error *error)
{
    *counting = (struct counting){
        .interval = interval,
        .by = by,
        .part_count = by == NULL ? 1 : by->values.count + 2,
        .low = 1,
    };
    return by == NULL ? TALLY_OK : breakdown_reader_create(by->by, &counting->reader, error);
}

/* Adds what another thread has counted. */
static tally_status
counting_merge(struct counting *counting, const struct counting *other, struct tally_error *error)
{
    for (int64_t number = other->low; number <= other->high; number++) {
        const uint64_t *theirs = &other->cells[(size_t)(number - other->base) * other->part_count];
        uint64_t *ours = NULL;
        tally_status status = find_interval(counting, number, &ours, error);
        if (status != TALLY_OK)
            return status;
        for (size_t i = 0; i < counting->part_count; i++)
            ours[i] += theirs[i];
    }
    return TALLY_OK;
}

/* Counts all matches by as many threads as the scan may have; all of it is in the first counting at
 * the end. */
static tally_status
count_all(struct scan *scan, const struct interval *interval, const struct stats *by,
          struct counting *countings, struct tally_error *error)
{
    const struct scan_visits visits = { .page = count_page, .run = count_run };
    void *contexts[SCAN_THREADS_MAX];
    unsigned threads = scan_threads(scan);
    tally_status status = TALLY_OK;
    for (unsigned i = 0; i < threads && status == TALLY_OK; i++) {
        status = counting_init(&countings[i], interval, by, error);
        contexts[i] = &countings[i];
    }
    if (status == TALLY_OK)
        status = scan_visit(scan, threads, &visits, contexts, error);
    for (unsigned i = 1; i < threads && status == TALLY_OK; i++)
        status = counting_merge(&countings[0], &countings[i], error);
    return status;
}

tally_status
timeline_make(struct scan *scan, const struct interval *interval, const struct stats *by,
              struct timeline *timeline_out, struct tally_error *error)
{
    struct counting countings[SCAN_THREADS_MAX] = { 0 };
    bool too_many = false;
    tally_status status = count_all(scan, interval, by, countings, error);
    for (unsigned i = 0; i < SCAN_THREADS_MAX; i++)
        too_many |= countings[i].too_many;
    if (status == TALLY_OK)
        conclude(&countings[0], timeline_out);
    else if (too_many)
        status = refuse_interval(scan, interval, error);
    for (unsigned i = 0; i < SCAN_THREADS_MAX; i++) {
        breakdown_reader_destroy(countings[i].reader);
        free(countings[i].cells);
    }
    return status;
}

uint64_t
timeline_bucket(const struct timeline *timeline, size_t bucket)
{
    assert(bucket < timeline->bucket_count);

    uint64_t count = 0;
    for (size_t i = 0; i < timeline->part_count; i++)
        count += timeline->parts[bucket * timeline->part_count + i];
    return count;
}
