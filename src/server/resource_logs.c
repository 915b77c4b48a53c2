/*
 * GET /api/logs, /audit-logs, /audit-logs/user/{user_id} - lists under the names, and in the
 * shapes, that earlier systems answered.
 */
#include "audit_rows.h"
#include "gather.h"
#include "reading.h"
#include "routes.h"
#include "server.h"

#include <stdio.h>

#define ROWS_STANDARD      100
#define ROWS_OF_USER       100
#define DAYS_STANDARD      30
#define DAYS_MAX           90
#define RELATIVE_TIME_SIZE 16

/* ---- /api/logs ---- */

/* Where a numbered page begins. False after answering 400. */
static bool
read_page(struct request *request, struct excerpt_request *excerpt_request, uint64_t *page_out)
{
    uint64_t limit, page;
    if (!request_count(request, "limit", EXCERPT_LIMIT_STANDARD, 1, EXCERPT_LIMIT_MAX, &limit) ||
        !request_count(request, "page", 0, 1, LOGS_DEPTH_MAX, &page))
        return false;
    excerpt_request->limit = (size_t)limit;
    excerpt_request->cursor = request_parameter(request, "cursor");
    *page_out = page;
    if (page == 0)
        return true;
    if (excerpt_request->cursor.data != NULL) {
        answer_problem(request, 400, "page and cursor say the same: give one of them");
        return false;
    }
    if (page * limit > LOGS_DEPTH_MAX) {
        answer_problem(request, 400,
                       "numbered pages go %u entries deep: go on with `next` of the page before "
                       "as cursor",
                       LOGS_DEPTH_MAX);
        return false;
    }
    excerpt_request->skip = (size_t)((page - 1) * limit);
    return true;
}

static void
answer_page(struct request *request, const struct reading_filter *filter, uint64_t page,
            struct excerpt *excerpt)
{
    if (!reading_record_filter(request, filter))
        return;
    struct buffer members = { 0 };
    if (page > 0) {
        buffer_text(&members, ",\"page\":");
        buffer_decimal(&members, page);
    }
    reading_answer(request, excerpt, buffer_view(&members));
    buffer_free(&members);
}

void
logs_list(struct request *request)
{
    struct trail *trail = request_trail(request);
    if (trail == NULL)
        return;
    struct reading_filter filter;
    reading_filter(request, &filter);
    struct excerpt_request excerpt_request = reading_request(request, &filter);
    uint64_t page;
    struct excerpt excerpt;
    if (!read_page(request, &excerpt_request, &page) ||
        !reading_open(request, trail, &excerpt_request, &excerpt))
        return;
    answer_page(request, &filter, page, &excerpt);
    excerpt_close(&excerpt);
}

/* ---- /audit-logs ---- */

static tally_status
write_row(void *context, size_t i, const struct run_entry *entry, struct tally_error *error)
{
    struct buffer *body = context;
    (void)error;
    buffer_text(body, i == 0 ? "\n" : ",\n");
    audit_row_write(entry->values, body);
    return TALLY_OK;
}

/* Appends the rows of an excerpt as an array. */
static tally_status
write_rows(const struct excerpt *excerpt, struct buffer *body, struct tally_error *error)
{
    buffer_byte(body, '[');
    tally_status status = gather_entries(excerpt->selection.snapshot, excerpt->hits, excerpt->count,
                                         excerpt->request->threads, write_row, body, error);
    if (status == TALLY_OK)
        buffer_text(body, "\n]");
    return status;
}

/* Answers with the newest rows that match, between two texts. */
static void
answer_rows(struct request *request, struct trail *trail, const struct reading_filter *filter,
            size_t limit, const char *before, const char *behind)
{
    struct excerpt_request excerpt_request = reading_request(request, filter);
    excerpt_request.limit = limit;
    struct excerpt excerpt;
    if (!reading_open(request, trail, &excerpt_request, &excerpt))
        return;
    struct buffer body = { 0 };
    struct tally_error error = { 0 };
    buffer_text(&body, before);
    tally_status status = write_rows(&excerpt, &body, &error);
    buffer_text(&body, behind);
    excerpt_close(&excerpt);
    if (status != TALLY_OK)
        answer_fault(request, &error);
    else if (reading_record_filter(request, filter))
        answer_json(request, 200, &body);
    buffer_free(&body);
}

void
audit_logs_list(struct request *request)
{
    uint64_t limit;
    struct trail *trail = request_trail(request);
    if (trail == NULL ||
        !request_count(request, "limit", ROWS_STANDARD, 1, EXCERPT_LIMIT_MAX, &limit))
        return;
    struct reading_filter filter;
    reading_filter(request, &filter);
    answer_rows(request, trail, &filter, (size_t)limit, "", "\n");
}

void
audit_logs_of_user(struct request *request)
{
    uint64_t days;
    struct trail *trail = request_trail(request);
    if (trail == NULL || !request_count(request, "days", DAYS_STANDARD, 1, DAYS_MAX, &days))
        return;
    char from[RELATIVE_TIME_SIZE];
    (void)snprintf(from, sizeof from, "-%llud", (unsigned long long)days);
    const struct reading_filter filter = {
        .count = 2,
        .parameters = {
            { bytes_text("user_id"), request_segment(request, 0) },
            { bytes_text("start_date"), bytes_text(from) },
        },
    };
    answer_rows(request, trail, &filter, ROWS_OF_USER, "{\"logs\":", "}\n");
}
