/*
 * GET /api/events/{index}/around - what came before an entry and what followed, in its request, its
 * session or by its user.
 *
 * All of one snapshot: the entry is found first, and tells by its time where to look from and by
 * its values what for. Lists go on from a place in either direction, so the entry itself is in
 * neither.
 */
#include "around.h"
#include "clock.h"
#include "entries.h"
#include "fault.h"
#include "reading.h"
#include "routes.h"
#include "server.h"

#include <stdlib.h>

struct around {
    struct selection self; /* the entry alone */
    struct scan_hit hit;
    struct filter *filter; /* what shares something with it; NULL: nothing can */
    struct scan *scan;
    struct scan_hit hits[EXCERPT_LIMIT_MAX];
    size_t count;
    struct request *request;
};

/* Finds the entry. TALLY_ABSENT. */
static tally_status
find_self(struct trail *trail, uint64_t index, struct around *around, struct tally_error *error)
{
    struct buffer text = { 0 };
    buffer_text(&text, "index:");
    buffer_decimal(&text, index);
    const struct selection_request request = {
        .text = buffer_view(&text),
        .size = SELECTION_ALL,
        .control = CONTROL_INCLUDED,
    };
    tally_status status = selection_open(trail, &request, &around->self, error);
    buffer_free(&text);
    if (status != TALLY_OK)
        return status;
    struct scan_list list;
    const struct scan_place start = SCAN_START;
    status = scan_list(around->self.scan, ORDER_INDEX, &start, &around->hit, 1, &list, error);
    return status == TALLY_OK && list.count == 0 ? TALLY_ABSENT : status;
}

/* Makes the scan for what shares something with it, if it has something to share. */
static tally_status
open_scan(struct around *around, struct tally_error *error)
{
    struct run_entry entry;
    struct snapshot *snapshot = around->self.snapshot;
    tally_status status = snapshot_entry(snapshot, around->hit.index, RUN_VALUES, &entry, error);
    if (status != TALLY_OK)
        return status;
    struct buffer text = { 0 };
    around_filter(entry.values, &text);
    const struct filter_options options = { .now = clock_now() };
    if (buffer_failed(&text))
        status = memory_fault(error);
    else if (text.size > 0)
        status = filter_parse(buffer_view(&text), &options, &around->filter, error);
    buffer_free(&text);
    if (status != TALLY_OK || around->filter == NULL)
        return status;
    struct scan_source source = scan_snapshot(snapshot);
    status = scan_create(around->filter, &source, &around->scan, error);
    if (status == TALLY_OK)
        scan_watch(around->scan, reading_check, around->request);
    return status;
}

/* Appends what comes next from the entry in one direction. */
static tally_status
look(struct around *around, enum scan_order order, size_t limit, struct tally_error *error)
{
    if (limit == 0 || around->scan == NULL)
        return TALLY_OK;
    const struct scan_place place = { .begun = true, .last = around->hit };
    struct scan_list list;
    tally_status status =
        scan_list(around->scan, order, &place, around->hits + around->count, limit, &list, error);
    if (status == TALLY_OK)
        around->count += list.count;
    return status;
}

static void
reverse(struct scan_hit *hits, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct scan_hit hit = hits[i];
        hits[i] = hits[count - 1 - i];
        hits[count - 1 - i] = hit;
    }
}

static tally_status
find_around(struct trail *trail, uint64_t index, size_t limit, struct around *around,
            struct tally_error *error)
{
    struct around_share share = around_share(limit);
    tally_status status = find_self(trail, index, around, error);
    if (status == TALLY_OK)
        status = open_scan(around, error);
    if (status == TALLY_OK)
        status = look(around, ORDER_TIME_DOWN, share.before, error);
    if (status != TALLY_OK)
        return status;
    reverse(around->hits, around->count);
    around->hits[around->count++] = around->hit;
    return look(around, ORDER_TIME, share.after, error);
}

/* TALLY_FULL where it would be more than an answer holds: there is no next page to go on with. */
static tally_status
write_rows(struct around *around, struct entries *entries, struct stream *stream,
           struct tally_error *error)
{
    for (size_t i = 0; i < around->count; i++) {
        struct run_entry entry;
        tally_status status =
            snapshot_entry(around->self.snapshot, around->hits[i].index, RUN_VALUES, &entry, error);
        if (status == TALLY_OK)
            status = entries_row(entries, &entry, error);
        if (status != TALLY_OK)
            return status;
        if (stream_written(stream) > ENTRIES_ANSWER_SIZE_MAX && around->count > 1)
            return TALLY_FULL;
    }
    return entries_end(entries, bytes_text("\"next\":null"), error);
}

static tally_status
write_around(struct around *around, struct buffer *body, struct tally_error *error)
{
    const struct listing_style style = { 0 };
    struct stream stream = stream_into(body);
    struct entries *entries;
    tally_status status = entries_create(LISTING_JSON, &style, &stream, &entries, error);
    if (status != TALLY_OK)
        return status;
    status = write_rows(around, entries, &stream, error);
    entries_destroy(entries);
    stream_finish(&stream);
    return status;
}

static void
answer_around(struct request *request, struct trail *trail, uint64_t index, size_t limit,
              struct around *around)
{
    struct buffer body = { 0 };
    struct tally_error error = { 0 };
    tally_status status = find_around(trail, index, limit, around, &error);
    if (status == TALLY_OK)
        status = write_around(around, &body, &error);
    if (status == TALLY_ABSENT)
        answer_problem(request, 404, "there is no entry %llu", (unsigned long long)index);
    else if (status == TALLY_FULL)
        answer_problem(request, 400, "these entries are more than %u bytes: ask with a lower limit",
                       ENTRIES_ANSWER_SIZE_MAX);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    else if (reading_record_index(request, index))
        answer_json(request, 200, &body);
    buffer_free(&body);
}

void
event_around(struct request *request)
{
    uint64_t index, limit;
    struct trail *trail = request_trail(request);
    if (trail == NULL || !reading_index(request, &index) ||
        !request_count(request, "limit", EXCERPT_LIMIT_STANDARD, 1, EXCERPT_LIMIT_MAX, &limit))
        return;
    struct around *around = calloc(1, sizeof *around);
    if (around == NULL) {
        answer_problem(request, 503, "the server is short of memory; try again");
        return;
    }
    around->request = request;
    answer_around(request, trail, index, (size_t)limit, around);
    scan_destroy(around->scan);
    filter_destroy(around->filter);
    selection_close(&around->self);
    free(around);
}
