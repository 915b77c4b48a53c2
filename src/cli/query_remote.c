/*
 * tally query, of a server: one page of its list, printed as one of a folder.
 */
#include "query_remote.h"

#include "entries.h"
#include "entries_read.h"
#include "explaining.h"
#include "filtering.h"
#include "out.h"
#include "remote.h"
#include "reply.h"

#include <stdio.h>

static void
put_target(const struct invocation *invocation, const struct excerpt_request *request,
           const struct remote *remote, struct buffer *target)
{
    char limit[24];
    (void)snprintf(limit, sizeof limit, "%zu", request->limit);
    buffer_text(target, "/api/events");
    remote_parameter(target, "trail", bytes_text(remote_trail(remote)));
    remote_parameter(target, "limit", bytes_text(limit));
    filtering_parameters(request->text, request->control, target);
    const char *order = option_value(invocation, "order");
    if (order != NULL)
        remote_parameter(target, "order", bytes_text(order));
    if (request->cursor.data != NULL)
        remote_parameter(target, "cursor", request->cursor);
    explaining_parameter(invocation, target);
}

/* The rows of a page, and what its document has behind them. */
static tally_status
write_page(struct reply *reply, struct entries *entries, struct buffer *members,
           struct tally_error *error)
{
    uint32_t data = reply_array(reply, 0, "data");
    if (data == 0)
        return reply_fault(error, "a page of entries");
    const struct json_node *nodes = reply->tape.nodes;
    for (uint32_t i = data + 1; i < nodes[data].next; i = nodes[i].next) {
        struct run_entry entry;
        tally_status status = entries_read(&reply->tape, i, &reply->texts, &entry, error);
        if (status == TALLY_INVALID)
            return reply_fault(error, "a page of entries");
        if (status == TALLY_OK)
            status = entries_row(entries, &entry, error);
        if (status != TALLY_OK)
            return status;
    }
    struct bytes next = reply_text(reply, 0, "next");
    buffer_text(members, "\"next\":");
    if (next.data == NULL)
        buffer_text(members, "null");
    else
        json_write_string(next, members);
    return entries_end(entries, buffer_view(members), error);
}

static bool
is_empty(const struct reply *reply)
{
    uint32_t data = reply_array(reply, 0, "data");
    return reply->tape.nodes[data].next == data + 1;
}

static int
print_page(const struct invocation *invocation, const struct remote *remote, struct bytes page,
           enum listing_format format, const struct listing_style *style, struct out *out)
{
    struct reply reply = { 0 };
    struct entries *entries = NULL;
    struct buffer members = { 0 };
    struct tally_error error = { 0 };
    tally_status status = reply_read(&reply, page, &error);
    if (status == TALLY_OK)
        status = entries_create(format, style, &out->stream, &entries, &error);
    if (status == TALLY_OK)
        status = write_page(&reply, entries, &members, &error);
    if (status == TALLY_OK)
        status = stream_flush(&out->stream, &error);

    int outcome = DONE;
    if (status != TALLY_OK)
        outcome = (fail_with(&error, remote_where(remote)), UNABLE);
    struct bytes next = { NULL, 0 };
    if (status == TALLY_OK)
        next = reply_text(&reply, 0, "next");
    if (next.data != NULL && format != LISTING_JSON && !out_closed(out))
        say("there is more: add --cursor %.*s", BYTES_ARG(next));
    if (status == TALLY_OK && is_empty(&reply))
        filtering_nothing(invocation, format);
    buffer_free(&members);
    entries_destroy(entries);
    reply_finish(&reply);
    return outcome;
}

static int
print_explanation(const struct invocation *invocation, const struct remote *remote,
                  struct bytes page, struct out *out)
{
    struct reply reply = { 0 };
    struct account account = { 0 };
    struct tally_error error = { 0 };
    tally_status status = reply_read(&reply, page, &error);
    if (status == TALLY_OK)
        status = explaining_read(&reply, &account, &error);
    int outcome = status == TALLY_OK ? explaining_print(invocation, &account, out)
                                     : (fail_with(&error, remote_where(remote)), UNABLE);
    account_finish(&account);
    reply_finish(&reply);
    return outcome;
}

static int
ask_server(const struct invocation *invocation, const struct excerpt_request *request,
           struct remote *remote, struct out *out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, &format, &style);
    if (outcome != DONE)
        return outcome;

    struct buffer target = { 0 };
    struct buffer page = { 0 };
    struct refusal refusal;
    put_target(invocation, request, remote, &target);
    if (remote_get(remote, &target, &page, &refusal) == TALLY_OK)
        outcome = explaining(invocation)
                      ? print_explanation(invocation, remote, buffer_view(&page), out)
                      : print_page(invocation, remote, buffer_view(&page), format, &style, out);
    else
        outcome = filtering_refused(remote, request->text, &refusal);
    buffer_free(&target);
    buffer_free(&page);
    return outcome;
}

int
query_remote(const struct invocation *invocation, const struct excerpt_request *request)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    struct out out;
    out_open(&out);
    outcome = out_finish(&out, ask_server(invocation, request, remote, &out));
    remote_close(remote);
    return outcome;
}
