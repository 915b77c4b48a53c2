/*
 * tally tail, of a server. Without --follow it is a page of the list by index, turned round. With it, the
 * server's stream of events, each read and printed like an entry of a folder.
 *
 * Where the connection breaks, or the server ends the stream, it is asked again for what comes
 * behind the last entry that was seen, until it refuses.
 */
#include "tail_remote.h"

#include "entries.h"
#include "entries_read.h"
#include "filtering.h"
#include "lines.h"
#include "out.h"
#include "sse.h"

#include <stdio.h>
#include <time.h>

#define PAUSE_SECONDS 1

struct receiver {
    struct out *out;
    struct entries *entries;
    struct reply reply;
    char name[16]; /* of the event whose data comes next; "": an entry */
    bool placed;   /* `after` is known */
    bool any;      /* there was an entry */
    bool followed; /* something came over this connection */
    uint64_t after;
};

static tally_status
print_entry(struct receiver *receiver, struct bytes data, struct tally_error *error)
{
    struct run_entry entry;
    tally_status status = reply_read(&receiver->reply, data, error);
    if (status == TALLY_OK)
        status = entries_read(&receiver->reply.tape, 0, &receiver->reply.texts, &entry, error);
    if (status == TALLY_INVALID)
        return reply_fault(error, "a stream of entries");
    return status == TALLY_OK ? entries_row(receiver->entries, &entry, error) : status;
}

/* Why the stream ends. */
static tally_status
say_end(struct receiver *receiver, struct bytes data, struct tally_error *error)
{
    tally_status status = reply_read(&receiver->reply, data, error);
    if (status != TALLY_OK)
        return status;
    struct bytes detail = reply_text(&receiver->reply, 0, "detail");
    if (detail.data != NULL)
        say("%.*s", BYTES_ARG(detail));
    return TALLY_OK;
}

static bool
read_index(struct bytes text, uint64_t *index_out)
{
    uint64_t index = 0;
    if (text.size == 0 || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        index = index * 10 + (uint64_t)(text.data[i] - '0');
    }
    *index_out = index;
    return true;
}

/* struct lines' text. TALLY_ABSENT where nobody reads on. */
static tally_status
receive(void *context, struct bytes line, struct tally_error *error)
{
    struct receiver *receiver = context;
    struct bytes value;
    receiver->followed = true;
    if (out_closed(receiver->out))
        return TALLY_ABSENT;
    switch (sse_read_line(line, &value)) {
    case SSE_ID:
        if (!read_index(value, &receiver->after))
            return reply_fault(error, "a stream of entries");
        receiver->placed = true;
        return TALLY_OK;
    case SSE_EVENT:
        (void)snprintf(receiver->name, sizeof receiver->name, "%.*s", BYTES_ARG(value));
        return TALLY_OK;
    case SSE_DATA:
        return receiver->name[0] == '\0' ? print_entry(receiver, value, error)
                                         : say_end(receiver, value, error);
    case SSE_END:
        receiver->name[0] = '\0';
        return TALLY_OK;
    case SSE_OTHER:
        break;
    }
    return TALLY_OK;
}

/* A struct remote_request's take: what came together is printed together. */
static tally_status
take(void *context, struct bytes bytes, struct tally_error *error)
{
    struct lines *lines = context;
    struct receiver *receiver = lines->context;
    tally_status status = lines_take(lines, bytes, error);
    return status == TALLY_OK ? entries_flush(receiver->entries, error) : status;
}

static void
put_target(const struct invocation *invocation, struct bytes text, size_t lines,
           const struct remote *remote, const struct receiver *receiver, struct buffer *target)
{
    char number[24];
    unsigned long long first = receiver->placed ? receiver->after : lines;
    (void)snprintf(number, sizeof number, "%llu", first);
    buffer_text(target, "/api/tail");
    remote_parameter(target, "trail", bytes_text(remote_trail(remote)));
    remote_parameter(target, receiver->placed ? "after" : "last", bytes_text(number));
    filtering_parameters(text, filtering_control(invocation), target);
}

/* Asks once, and prints until the stream ends. */
static tally_status
listen_once(const struct invocation *invocation, struct bytes text, size_t count,
            struct remote *remote, struct receiver *receiver, struct refusal *refusal)
{
    struct buffer target = { 0 };
    struct lines lines = { .text = receive, .context = receiver };
    put_target(invocation, text, count, remote, receiver, &target);
    struct remote_request request = {
        .target = buffer_view(&target),
        .again = REMOTE_IF_BUSY,
        .take = take,
        .context = &lines,
    };
    receiver->followed = false;
    receiver->name[0] = '\0';
    tally_status status = remote_ask(remote, &request, NULL, refusal);
    lines_finish(&lines);
    buffer_free(&target);
    return status;
}

/* Whether to ask again: the stream has ended well, or the connection broke after it stood. */
static bool
comes_back(const struct receiver *receiver, tally_status status, const struct refusal *refusal)
{
    if (status == TALLY_OK)
        return true;
    bool broke = status == TALLY_IO && refusal->code == 0;
    return broke && (receiver->followed || receiver->placed);
}

/* What broke is said once, and not with each attempt. */
static void
wait_to_come_back(const struct receiver *receiver, tally_status status)
{
    const struct timespec pause = { .tv_sec = PAUSE_SECONDS };
    if (status != TALLY_OK && receiver->followed)
        say("the connection broke: going on behind the last entry when the server is back");
    (void)nanosleep(&pause, NULL);
}

static int
listen_on(const struct invocation *invocation, size_t count, struct remote *remote,
          struct receiver *receiver)
{
    struct buffer text = { 0 };
    filtering_text(invocation, &text);
    int outcome = buffer_failed(&text) ? fail(UNABLE, "out of memory") : DONE;
    while (outcome == DONE) {
        struct refusal refusal = { 0 };
        tally_status status =
            listen_once(invocation, buffer_view(&text), count, remote, receiver, &refusal);
        if (out_closed(receiver->out))
            break;
        if (!comes_back(receiver, status, &refusal))
            outcome = filtering_refused(remote, buffer_view(&text), &refusal);
        else
            wait_to_come_back(receiver, status);
    }
    buffer_free(&text);
    return outcome;
}

/* ---- what is there ---- */

/* The rows of a page from the last to the first. */
static tally_status
print_turned(struct receiver *receiver, struct tally_error *error)
{
    struct reply *reply = &receiver->reply;
    const struct json_node *nodes = reply->tape.nodes;
    uint32_t places[EXCERPT_LIMIT_MAX];
    size_t count = 0;
    uint32_t data = reply_array(reply, 0, "data");
    if (data == 0)
        return reply_fault(error, "a page of entries");
    for (uint32_t i = data + 1; i < nodes[data].next && count < EXCERPT_LIMIT_MAX;
         i = nodes[i].next)
        places[count++] = i;
    receiver->any = count > 0;
    tally_status status = TALLY_OK;
    while (count-- > 0 && status == TALLY_OK) {
        struct run_entry entry;
        status = entries_read(&reply->tape, places[count], &reply->texts, &entry, error);
        if (status == TALLY_INVALID)
            return reply_fault(error, "a page of entries");
        if (status == TALLY_OK)
            status = entries_row(receiver->entries, &entry, error);
    }
    return status;
}

static int
print_last(const struct invocation *invocation, enum listing_format format, size_t count,
           struct remote *remote, struct receiver *receiver)
{
    struct buffer text = { 0 }, target = { 0 }, page = { 0 };
    struct refusal refusal = { 0 };
    char limit[24];
    (void)snprintf(limit, sizeof limit, "%zu", count);
    filtering_text(invocation, &text);
    buffer_text(&target, "/api/events");
    remote_parameter(&target, "trail", bytes_text(remote_trail(remote)));
    remote_parameter(&target, "order", bytes_text("-index"));
    remote_parameter(&target, "limit", bytes_text(limit));
    filtering_parameters(buffer_view(&text), filtering_control(invocation), &target);

    int outcome = DONE;
    struct tally_error error = { 0 };
    if (buffer_failed(&text)) {
        outcome = fail(UNABLE, "out of memory");
    } else if (remote_get(remote, &target, &page, &refusal) != TALLY_OK) {
        outcome = filtering_refused(remote, buffer_view(&text), &refusal);
    } else {
        tally_status status = reply_read(&receiver->reply, buffer_view(&page), &error);
        if (status == TALLY_OK)
            status = print_turned(receiver, &error);
        if (status == TALLY_OK)
            status = entries_end(receiver->entries, (struct bytes){ NULL, 0 }, &error);
        if (status != TALLY_OK)
            outcome = fail_with(&error, remote_where(remote));
        else if (!receiver->any)
            filtering_nothing(invocation, format);
    }
    buffer_free(&text);
    buffer_free(&target);
    buffer_free(&page);
    return outcome;
}

int
tail_remote(const struct invocation *invocation, enum listing_format format, size_t lines)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    struct out out;
    out_open(&out);
    struct receiver receiver = { .out = &out };
    struct listing_style style;
    struct tally_error error = { 0 };
    out_looks(&out, &style);
    if (entries_create(format, &style, &out.stream, &receiver.entries, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    else if (option_given(invocation, "follow"))
        outcome = listen_on(invocation, lines, remote, &receiver);
    else
        outcome = print_last(invocation, format, lines, remote, &receiver);
    entries_destroy(receiver.entries);
    reply_finish(&receiver.reply);
    outcome = out_finish(&out, outcome);
    remote_close(remote);
    return outcome;
}
