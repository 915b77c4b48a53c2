/*
 * GET /api/events - the entries that match a filter, a page at a time.
 */
#include "reading.h"
#include "routes.h"
#include "server.h"

/* The parameters beside the filter. False after answering 400. */
static bool
read_request(struct request *request, struct excerpt_request *excerpt_request)
{
    struct tally_error error = { 0 };
    uint64_t limit;
    if (!request_count(request, "limit", EXCERPT_LIMIT_STANDARD, 1, EXCERPT_LIMIT_MAX, &limit) ||
        !reading_control(request, &excerpt_request->control))
        return false;
    struct bytes order = request_parameter(request, "order");
    if (order.data != NULL && scan_order_read(order, &excerpt_request->order, &error) != TALLY_OK) {
        answer_fault(request, &error);
        return false;
    }
    excerpt_request->limit = (size_t)limit;
    excerpt_request->cursor = request_parameter(request, "cursor");
    return true;
}

/* `total`, where it was asked for. */
static tally_status
put_total(const struct request *request, struct excerpt *excerpt, struct buffer *members,
          struct tally_error *error)
{
    if (request_parameter(request, "count").data == NULL)
        return TALLY_OK;
    return entries_answer_total(excerpt, members, error);
}

/* Answers from an excerpt, once it is on record. */
static void
answer(struct request *request, const struct reading_filter *filter, struct excerpt *excerpt)
{
    if (!reading_record_filter(request, filter))
        return;

    struct buffer members = { 0 };
    struct tally_error error = { 0 };
    if (put_total(request, excerpt, &members, &error) == TALLY_OK)
        reading_answer(request, excerpt, buffer_view(&members));
    else
        answer_fault(request, &error);
    buffer_free(&members);
}

void
events_list(struct request *request)
{
    struct trail *trail = request_trail(request);
    if (trail == NULL)
        return;
    struct reading_filter filter;
    reading_filter(request, &filter);
    struct excerpt_request excerpt_request = reading_request(request, &filter);
    if (!read_request(request, &excerpt_request))
        return;

    struct excerpt excerpt;
    if (!reading_open(request, trail, &excerpt_request, &excerpt))
        return;
    answer(request, &filter, &excerpt);
    excerpt_close(&excerpt);
}
