/*
 * erased.c - erasures on record: written as control entries, and found again.
 *
 * The record is an entry like any other, so it is in the tree, and durable, before a byte is
 * erased.
 */
#include "erased.h"

#include "ascii.h"
#include "buffer.h"
#include "fault.h"
#include "json.h"
#include "json_text.h"
#include "snapshot.h"
#include "trail_core.h"

#include <inttypes.h>

/* Spans that one control entry names, so that it fits a public part. */
#define ENTRY_SPANS_MAX 1000u

/* Reads the number at the start of `token`, which is all digits. */
static bool
read_index(struct bytes token, uint64_t *index_out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < token.size; i++) {
        if (!ascii_is_digit(token.data[i]) || value > UINT64_MAX / 16)
            return false;
        value = value * 10 + (uint64_t)(token.data[i] - '0');
    }
    *index_out = value;
    return token.size > 0;
}

tally_status
erased_read(struct bytes control, struct spans *spans, struct tally_error *error)
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
        tally_status status = spans_add(spans, first, last, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

/* One control entry. */
static tally_status
record(struct trail *trail, const struct span *spans, size_t count, const char *reason,
       struct tally_error *error)
{
    struct buffer control = { 0 };
    buffer_text(&control, "{\"entries\":[");
    for (size_t i = 0; i < count; i++)
        buffer_format(&control, "%s[%" PRIu64 ",%" PRIu64 "]", i == 0 ? "" : ",", spans[i].first,
                      spans[i].last);
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

tally_status
erased_record(struct trail *trail, const struct spans *spans, const char *reason,
              struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < spans->count && status == TALLY_OK; i += ENTRY_SPANS_MAX) {
        size_t left = spans->count - i;
        status = record(trail, spans->items + i, left < ENTRY_SPANS_MAX ? left : ENTRY_SPANS_MAX,
                        reason, error);
    }
    return status;
}

static tally_status
collect_from_page(const struct run *run, struct run_reader *reader, uint32_t page, uint64_t from,
                  struct spans *spans, struct tally_error *error)
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
            status = erased_read(value, spans, error);
    }
    return status;
}

static tally_status
collect_from_run(const struct run *run, uint64_t from, struct spans *spans,
                 struct tally_error *error)
{
    struct run_reader *reader;
    tally_status status = run_reader_create(run, &reader, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t page = 0; page < run_page_count(run) && status == TALLY_OK; page++)
        if (run->first + ((uint64_t)page + 1) * PAGE_ROWS > from)
            status = collect_from_page(run, reader, page, from, spans, error);
    run_reader_destroy(reader);
    return status;
}

tally_status
erased_collect(struct trail *trail, uint64_t from, struct spans *spans, struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < snapshot_run_count(snapshot) && status == TALLY_OK; i++) {
        const struct run *run = snapshot_run(snapshot, i);
        if (run->first + run->count <= from)
            continue;
        if (run->segment != NULL && segment_get_info(run->segment)->control_count == 0)
            continue;
        status = collect_from_run(run, from, spans, error);
    }
    snapshot_close(snapshot);
    return status;
}
