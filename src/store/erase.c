/*
 * erase.c - forgetting private parts, so that no byte of them is left and every proof still holds.
 *
 *     1. a control entry `erased` names the entries and goes the way of every entry: from here on
 *        the erasure is on record and will be finished, whatever happens
 *     2. everything is sealed, so that no record of the journal has to be kept
 *     3. each segment concerned gets a new generation of its private file, and the group that has
 *        its tokens a new file, in which it has those that are left
 *     4. the manifest names the new generations and says through which entry erasures are carried
 *        out
 *     5. the old generations and groups are unlinked, and the journal's idle files are overwritten with zeros
 *
 * A crash after 1 and before 4 is found by the next opening: there is an `erased` entry at or above
 * the manifest's erased_through, and the steps are gone through again. A crash between 4 and 5
 * leaves old files that nothing names: the next opening for writing removes them.
 *
 * The entry, in its member `control`: {"entries":[[first,last],…],"reason":"…","type":"erased"}.
 */
#include "buffer.h"
#include "fault.h"
#include "generation.h"
#include "json.h"
#include "json_text.h"
#include "segment_file.h"
#include "snapshot.h"
#include "trail_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* Ranges one control entry names, so that it fits a public part. */
#define RANGES_MAX 1000u
#define REASON_MAX 1000u

struct range {
    uint64_t first, last;
};

struct ranges {
    struct range *items;
    size_t count;
    size_t capacity;
};

static tally_status
add_range(struct ranges *ranges, uint64_t first, uint64_t last, struct tally_error *error)
{
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity == 0 ? 16 : ranges->capacity * 2;
        struct range *items = realloc(ranges->items, capacity * sizeof *items);
        if (items == NULL)
            return memory_fault(error);
        ranges->items = items;
        ranges->capacity = capacity;
    }
    ranges->items[ranges->count++] = (struct range){ first, last };
    return TALLY_OK;
}

/* Reads the number at the start of `token`, which is all digits. */
static bool
read_index(struct bytes token, uint64_t *index_out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] < '0' || token.data[i] > '9' || value > UINT64_MAX / 16)
            return false;
        value = value * 10 + (uint64_t)(token.data[i] - '0');
    }
    *index_out = value;
    return token.size > 0;
}

tally_status
erased_ranges(struct bytes control, erased_range_visitor visitor, void *context,
              struct tally_error *error)
{
    struct bytes type, entries, pair, name;
    struct bytes type_name = BYTES("type"), entries_name = BYTES("entries");
    if (!json_path_find(control, &type_name, 1, &type) || !bytes_is(type, "\"erased\"") ||
        !json_path_find(control, &entries_name, 1, &entries))
        return TALLY_OK;
    for (size_t at = 0; json_text_next(entries, &at, &name, &pair);) {
        struct bytes first_token, last_token;
        uint64_t first, last;
        size_t inner = 0;
        if (!json_text_next(pair, &inner, &name, &first_token) ||
            !json_text_next(pair, &inner, &name, &last_token) || !read_index(first_token, &first) ||
            !read_index(last_token, &last) || last < first)
            return fault(error, TALLY_DAMAGED, "an `erased` control entry names no entries: %.*s",
                         BYTES_ARG(pair));
        tally_status status = visitor(context, first, last, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

/* Step 1 for some of the ranges. */
static tally_status
record_erasure(struct trail *trail, const struct range *ranges, size_t count, const char *reason,
               struct tally_error *error)
{
    struct buffer control = { 0 };
    buffer_text(&control, "{\"entries\":[");
    for (size_t i = 0; i < count; i++)
        buffer_format(&control, "%s[%" PRIu64 ",%" PRIu64 "]", i == 0 ? "" : ",", ranges[i].first,
                      ranges[i].last);
    buffer_text(&control, "],\"reason\":");
    json_write_string(bytes_text(reason), &control);
    buffer_text(&control, ",\"type\":\"erased\"}");

    struct batch *batch = NULL;
    tally_status status = buffer_failed(&control) ? memory_fault(error) : TALLY_OK;
    if (status == TALLY_OK)
        status = batch_create(trail, "tally", NULL, &batch, error);
    if (status == TALLY_OK)
        status = batch_add_control(batch, buffer_view(&control), error);
    struct receipt receipt;
    struct append_result result;
    if (status == TALLY_OK)
        status = trail_append(trail, batch, APPEND_WAIT, &receipt, &result, error);
    batch_destroy(batch);
    buffer_free(&control);
    return status;
}

/* What the control entries of a run, from index `from` on, say is erased. */
static tally_status
collect_range(void *context, uint64_t first, uint64_t last, struct tally_error *error)
{
    return add_range(context, first, last, error);
}

static tally_status
collect_from_page(const struct run *run, struct run_reader *reader, uint32_t page, uint64_t from,
                  struct ranges *ranges, struct tally_error *error)
{
    struct page_summary summary;
    tally_status status = run_page_summary(reader, FIELD_CONTROL, page, &summary, error);
    if (status != TALLY_OK || (summary.known && summary.kind == PAGE_ABSENT))
        return status;
    struct page control;
    status = run_page(reader, FIELD_CONTROL, page, &control, error);
    if (status != TALLY_OK)
        return status;
    struct dictionary dictionary = { 0 };
    if (control.kind == PAGE_CODES)
        status = run_dictionary(reader, FIELD_CONTROL, &dictionary, error);
    for (uint32_t i = 0; i < control.rows && status == TALLY_OK; i++) {
        char text[PAGE_TEXT_MAX];
        if (run->first + (uint64_t)page * PAGE_ROWS + i < from)
            continue;
        struct bytes value =
            page_value(&control, &dictionary, fields[FIELD_CONTROL].column, i, text);
        if (value.data != NULL)
            status = erased_ranges(value, collect_range, ranges, error);
    }
    return status;
}

static tally_status
collect_from_run(const struct run *run, uint64_t from, struct ranges *ranges,
                 struct tally_error *error)
{
    struct run_reader *reader;
    tally_status status = run_reader_create(run, &reader, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t page = 0; page < run_page_count(run) && status == TALLY_OK; page++)
        if (run->first + ((uint64_t)page + 1) * PAGE_ROWS > from)
            status = collect_from_page(run, reader, page, from, ranges, error);
    run_reader_destroy(reader);
    return status;
}

/* All erasures on record that are not carried out. Nothing is sealed meanwhile. */
static tally_status
collect(struct trail *trail, struct ranges *ranges, struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    uint64_t from = trail->manifest.erased_through;
    for (size_t i = 0; i < snapshot_run_count(snapshot) && status == TALLY_OK; i++) {
        const struct run *run = snapshot_run(snapshot, i);
        if (run->first + run->count <= from)
            continue;
        if (run->segment != NULL && segment_get_info(run->segment)->control_count == 0)
            continue;
        status = collect_from_run(run, from, ranges, error);
    }
    snapshot_close(snapshot);
    return status;
}

/* The rows of a segment that the ranges name and that are not erased yet, ascending. */
static tally_status
rows_to_erase(struct segment *segment, const struct ranges *ranges, uint32_t **rows_out,
              size_t *count_out, struct tally_error *error)
{
    const struct segment_info *info = segment_get_info(segment);
    uint8_t *named = calloc(info->count, 1);
    uint32_t *rows = malloc(info->count * sizeof *rows);
    struct run run = segment_run(segment);
    struct run_reader *reader = NULL;
    tally_status status = named == NULL || rows == NULL ? memory_fault(error)
                                                        : run_reader_create(&run, &reader, error);
    for (size_t i = 0; i < ranges->count && status == TALLY_OK; i++) {
        uint64_t first = ranges->items[i].first, last = ranges->items[i].last;
        if (last < info->first || first >= info->first + info->count)
            continue;
        first = first < info->first ? 0 : first - info->first;
        last = last >= info->first + info->count ? info->count - 1 : last - info->first;
        memset(named + first, 1, last - first + 1);
    }
    size_t count = 0;
    for (uint32_t row = 0; row < info->count && status == TALLY_OK; row++) {
        struct run_entry entry;
        if (!named[row])
            continue;
        status = run_entry(reader, row, RUN_VALUES, &entry, error);
        if (status == TALLY_OK && !entry.erased && !entry.control)
            rows[count++] = row;
    }
    run_reader_destroy(reader);
    free(named);
    if (status != TALLY_OK) {
        free(rows);
        return status;
    }
    *rows_out = rows;
    *count_out = count;
    return TALLY_OK;
}

/* Step 3: the next generation of each segment that has such rows. */
static tally_status
rewrite_segments(const struct trail *trail, const struct ranges *ranges, struct generation *next,
                 struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < trail->manifest.count && status == TALLY_OK; i++) {
        struct segment_info erased;
        uint32_t *rows;
        size_t count;
        status = rows_to_erase(trail->segments[i], ranges, &rows, &count, error);
        if (status != TALLY_OK)
            return status;
        if (count > 0)
            status = segment_erase(&trail->place, &trail->manifest.segments[i], rows, count,
                                   &erased, error);
        free(rows);
        if (count > 0 && status == TALLY_OK)
            status = generation_put(trail, next, i, &erased, error);
    }
    return status;
}

/* What is left of the tokens of a group's segments that were rewritten; the group begins with the
 * segment `first`. */
static tally_status
make_filters(const struct trail *trail, const struct generation *next, size_t first, unsigned count,
             struct bloom *filters, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (unsigned i = 0; i < count && status == TALLY_OK; i++) {
        if (!generation_differs(trail, next, first + i))
            continue;
        struct run run = segment_run(next->segments[first + i]);
        struct run_reader *reader;
        status = run_reader_create(&run, &reader, error);
        if (status != TALLY_OK)
            return status;
        status = group_filter_make(reader, &filters[i], error);
        run_reader_destroy(reader);
    }
    return status;
}

/* Step 3 for one group, which begins with the segment `first`. */
static tally_status
rewrite_group(const struct trail *trail, struct generation *next, size_t group, size_t first,
              struct tally_error *error)
{
    struct group_change *change = &next->change;
    struct bloom filters[GROUP_COLUMNS_MAX] = { 0 };
    tally_status status =
        make_filters(trail, next, first, change->items[group].segments, filters, error);
    if (status == TALLY_OK)
        status = group_change_replace(change, group, filters, error);
    for (unsigned k = 0; k < GROUP_COLUMNS_MAX; k++)
        bloom_free(&filters[k]);
    return status;
}

/* Step 3 for the groups. */
static tally_status
rewrite_groups(const struct trail *trail, struct generation *next, struct tally_error *error)
{
    const struct manifest *manifest = &trail->manifest;
    tally_status status = TALLY_OK;
    /* From the last on, since one that cannot be used leaves the list. */
    size_t at = manifest->count;
    for (size_t i = manifest->group_count; i-- > 0 && status == TALLY_OK;) {
        const struct group_info *info = &manifest->groups[i];
        while (at > 0 && manifest->segments[at - 1].first >= info->first)
            at--;
        bool rewritten = false;
        for (unsigned k = 0; k < info->segments; k++)
            rewritten |= generation_differs(trail, next, at + k);
        if (rewritten)
            status = rewrite_group(trail, next, i, at, error);
    }
    return status;
}

/* Step 5: `old` is what the trail had. Under the order. */
static tally_status
unlink_old(struct trail *trail, struct generation *old, struct tally_error *error)
{
    tally_status status = group_change_finish(&old->change, error);
    if (status == TALLY_OK && trail->manifest.group_count > 0)
        status = segment_file_sync_folder(trail->place.disk, trail->path, error);
    for (size_t i = 0; i < old->manifest.count && status == TALLY_OK; i++)
        if (generation_differs(trail, old, i))
            status = segment_unlink_generation(trail->place.disk, trail->path,
                                               old->manifest.segments[i].first,
                                               old->manifest.segments[i].generation, error);
    if (status == TALLY_OK)
        status =
            journal_trim(trail->journal, trail->manifest.journal.file, JOURNAL_WIPE_SPARES, error);
    return status;
}

/* Steps 4 and 5. */
static tally_status
switch_generations(struct trail *trail, struct generation *next, struct tally_error *error)
{
    next->manifest.erased_through = next->manifest.sealed;
    tally_status status = generation_write(trail, next, error);
    if (status != TALLY_OK)
        return status;
    order_take(trail);
    (void)pthread_mutex_lock(&trail->mutex);
    generation_swap(trail, next);
    (void)pthread_mutex_unlock(&trail->mutex);
    status = unlink_old(trail, next, error);
    order_release(trail);
    return status;
}

/* Steps 3 to 5, everything being sealed. Under the right to seal. */
static tally_status
carry_out(struct trail *trail, const struct ranges *ranges, struct tally_error *error)
{
    struct generation next = { 0 };
    tally_status status = generation_begin(trail, 0, GROUPS_KEEP, &next, error);
    if (status == TALLY_OK)
        status = rewrite_segments(trail, ranges, &next, error);
    if (status == TALLY_OK)
        status = rewrite_groups(trail, &next, error);
    if (status == TALLY_OK)
        status = switch_generations(trail, &next, error);
    generation_free(&next);
    return status;
}

/* Steps 2 to 5 for whatever is on record and not carried out. */
static tally_status
finish_erasures(struct trail *trail, uint64_t *finished_out, struct tally_error *error)
{
    struct ranges ranges = { 0 };
    sealing_take(trail);
    tally_status status = collect(trail, &ranges, error);
    if (status == TALLY_OK && ranges.count > 0) {
        status = seal_frozen(trail, error);
        if (status == TALLY_OK && head_count(trail->head) > 0) {
            order_take(trail);
            status = trail_freeze(trail, error);
            order_release(trail);
        }
        if (status == TALLY_OK)
            status = seal_frozen(trail, error);
        /* Others may have put erasures on record until the head was frozen: carrying out says that
         * everything sealed is done, so they belong to it. */
        ranges.count = 0;
        if (status == TALLY_OK)
            status = collect(trail, &ranges, error);
        if (status == TALLY_OK)
            status = carry_out(trail, &ranges, error);
    }
    sealing_release(trail);
    *finished_out = ranges.count;
    free(ranges.items);
    return status;
}

tally_status
erase_pending(struct trail *trail, uint64_t *finished_out, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < trail->manifest.count && status == TALLY_OK; i++) {
        const struct segment_info *info = &trail->manifest.segments[i];
        if (info->generation > 1)
            status = segment_unlink_generation(trail->place.disk, trail->path, info->first,
                                               info->generation - 1, error);
    }
    if (status == TALLY_OK)
        status = finish_erasures(trail, finished_out, error);
    return status;
}

/* The indexes as ranges; each must be an entry that an application recorded. */
static tally_status
check_indexes(struct trail *trail, const uint64_t *indexes, size_t count, struct ranges *ranges,
              struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        struct run_entry entry;
        status = snapshot_entry(snapshot, indexes[i], RUN_VALUES, &entry, error);
        if (status == TALLY_ABSENT)
            status = fault(error, TALLY_ABSENT, "there is no entry %" PRIu64 " in trail %s",
                           indexes[i], trail->name);
        else if (status == TALLY_OK && entry.control)
            status =
                fault(error, TALLY_INVALID,
                      "entry %" PRIu64 " is a control entry: it has nothing private", indexes[i]);
        if (status != TALLY_OK)
            break;
        struct range *last = ranges->count == 0 ? NULL : &ranges->items[ranges->count - 1];
        if (last != NULL && indexes[i] == last->last + 1)
            last->last++;
        else
            status = add_range(ranges, indexes[i], indexes[i], error);
    }
    snapshot_close(snapshot);
    return status;
}

tally_status
trail_erase(struct trail *trail, const uint64_t *indexes, size_t count, const char *reason,
            struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    if (strlen(reason) > REASON_MAX)
        return fault(error, TALLY_INVALID, "the reason is longer than %u bytes", REASON_MAX);
    struct ranges ranges = { 0 };
    tally_status status = check_indexes(trail, indexes, count, &ranges, error);
    for (size_t i = 0; i < ranges.count && status == TALLY_OK; i += RANGES_MAX) {
        size_t some = ranges.count - i < RANGES_MAX ? ranges.count - i : RANGES_MAX;
        status = record_erasure(trail, ranges.items + i, some, reason, error);
    }
    free(ranges.items);
    uint64_t finished;
    if (status == TALLY_OK)
        status = finish_erasures(trail, &finished, error);
    return status;
}
