/*
 * excerpt.c - one page of a list: found, passed over, and where the next one begins.
 *
 * The first page fixes what all of a list are of: the trail's size, and the time that `now` is.
 * Both travel in the cursor. It is bound to the filter as it was sent, not as it was understood, so
 * that nobody has to tell whether two spellings are the same.
 */
#include "excerpt.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

/* The filter as the client sent it, for cursors to be bound to: the text, and for each parameter
 * its name and value, each behind a NUL, which none of them holds. Without parameters it is the
 * text alone. */
static void
put_filter(const struct excerpt_request *request, struct buffer *out)
{
    buffer_bytes(out, request->text);
    for (size_t i = 0; i < request->parameter_count; i++) {
        buffer_byte(out, 0);
        buffer_bytes(out, request->parameters[i].name);
        buffer_byte(out, 0);
        buffer_bytes(out, request->parameters[i].value);
    }
}

static struct cursor_binding
binding_of(struct trail *trail, const struct excerpt_request *request, const struct buffer *filter)
{
    return (struct cursor_binding){
        .trail = bytes_text(trail_origin(trail)),
        .filter = buffer_view(filter),
        .role = request->role,
        .control = request->control,
        .order = request->order,
    };
}

tally_status
excerpt_start(struct trail *trail, const struct excerpt_request *request, struct cursor *start_out,
              struct tally_error *error)
{
    if (request->cursor.data == NULL) {
        *start_out = (struct cursor){ .size = SELECTION_ALL, .now = request->now };
        return TALLY_OK;
    }
    struct buffer filter = { 0 };
    put_filter(request, &filter);
    struct cursor_binding binding = binding_of(trail, request, &filter);
    tally_status status = buffer_failed(&filter) ? memory_fault(error)
                                                 : cursor_read(request->key, &binding,
                                                               request->cursor, start_out, error);
    buffer_free(&filter);
    return status;
}

/* Finds the hits, and takes off those that are passed over. */
static tally_status
find(struct excerpt *excerpt, struct tally_error *error)
{
    const struct excerpt_request *request = excerpt->request;
    size_t capacity = request->skip + request->limit;
    excerpt->found = calloc(capacity, sizeof *excerpt->found);
    if (excerpt->found == NULL)
        return memory_fault(error);

    struct scan_list list;
    tally_status status = scan_list(excerpt->selection.scan, request->order, &excerpt->start.place,
                                    excerpt->found, capacity, &list, error);
    if (status != TALLY_OK)
        return status;
    size_t skipped = list.count < request->skip ? list.count : request->skip;
    excerpt->hits = excerpt->found + skipped;
    excerpt->count = list.count - skipped;
    excerpt->more = list.more;
    excerpt->next = list.next;
    return TALLY_OK;
}

tally_status
excerpt_open(struct trail *trail, const struct excerpt_request *request, const struct cursor *start,
             struct excerpt *excerpt_out, struct tally_error *error)
{
    assert(request->limit > 0 && request->skip + request->limit <= SCAN_LIST_MAX);

    struct excerpt excerpt = { .request = request, .trail = trail, .start = *start };
    const struct selection_request selection_request = {
        .text = request->text,
        .parameters = request->parameters,
        .parameter_count = request->parameter_count,
        .now = start->now,
        .size = start->size,
        .control = request->control,
        .check = request->check,
        .check_context = request->check_context,
        .threads = request->threads,
    };
    tally_status status = selection_open(trail, &selection_request, &excerpt.selection, error);
    if (status == TALLY_ABSENT)
        return fault(error, TALLY_ABSENT,
                     "the cursor is of a trail that was larger; begin anew without it");
    if (status == TALLY_OK)
        status = find(&excerpt, error);
    if (status != TALLY_OK) {
        excerpt_close(&excerpt);
        return status;
    }
    *excerpt_out = excerpt;
    return TALLY_OK;
}

void
excerpt_close(struct excerpt *excerpt)
{
    selection_close(&excerpt->selection);
    free(excerpt->found);
    *excerpt = (struct excerpt){ 0 };
}

void
excerpt_cut(struct excerpt *excerpt, size_t count)
{
    assert(count > 0 && count <= excerpt->count);

    if (count == excerpt->count)
        return;
    excerpt->count = count;
    excerpt->more = true;
    excerpt->next = (struct scan_place){ .begun = true, .last = excerpt->hits[count - 1] };
}

tally_status
excerpt_next(const struct excerpt *excerpt, char text[CURSOR_TEXT_SIZE], struct tally_error *error)
{
    if (!excerpt->more)
        return TALLY_ABSENT;
    struct buffer filter = { 0 };
    put_filter(excerpt->request, &filter);
    struct cursor_binding binding = binding_of(excerpt->trail, excerpt->request, &filter);
    const struct cursor next = {
        .size = snapshot_size(excerpt->selection.snapshot),
        .now = excerpt->start.now,
        .place = excerpt->next,
    };
    tally_status status = buffer_failed(&filter)
                              ? memory_fault(error)
                              : cursor_write(excerpt->request->key, &binding, &next, text, error);
    buffer_free(&filter);
    return status;
}

tally_status
excerpt_put_next(const struct excerpt *excerpt, struct buffer *members, struct tally_error *error)
{
    char text[CURSOR_TEXT_SIZE];
    tally_status status = excerpt_next(excerpt, text, error);
    if (status == TALLY_OK)
        buffer_format(members, "\"next\":\"%.*s\"", CURSOR_TEXT_SIZE, text);
    else if (status == TALLY_ABSENT)
        buffer_text(members, "\"next\":null");
    else
        return status;
    return TALLY_OK;
}
