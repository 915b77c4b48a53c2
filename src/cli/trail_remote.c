/*
 * tally trail, of a server.
 */
#include "charter_options.h"
#include "json.h"
#include "remote.h"
#include "reply.h"
#include "trail_command.h"

#include <string.h>

/* Gets `target` and reads it. DONE, or the exit status after saying why. */
static int
get(struct remote *remote, const struct buffer *target, struct buffer *text, struct reply *reply)
{
    struct refusal refusal;
    tally_status status = remote_get(remote, target, text, &refusal);
    if (status == TALLY_OK)
        status = reply_read(reply, buffer_view(text), &refusal.error);
    return status == TALLY_OK ? DONE : remote_fail(remote, &refusal);
}

/* An answer that is JSON, but not what was asked for. */
static int
refuse_answer(const struct remote *remote, const char *wanted)
{
    struct tally_error error = { 0 };
    (void)reply_fault(&error, wanted);
    (void)fail_with(&error, remote_where(remote));
    return UNABLE;
}

/* ---- list ---- */

static tally_status
write_rows(struct reply *reply, uint32_t data, struct listing *listing, struct tally_error *error)
{
    static const struct listing_column size = { .name = "size", .kind = CELL_NUMBER };
    const struct json_node *nodes = reply->tape.nodes;
    tally_status status = TALLY_OK;
    for (uint32_t i = data + 1; i < nodes[data].next && status == TALLY_OK; i = nodes[i].next) {
        struct bytes cells[TRAIL_LIST_COUNT] = { { NULL, 0 } };
        cells[TRAIL_LIST_NAME] = reply_text(reply, i, "name");
        cells[TRAIL_LIST_ORIGIN] = reply_text(reply, i, "origin");
        uint32_t checkpoint = reply_member(reply, i, "checkpoint");
        if (checkpoint != 0)
            reply_cells(reply, checkpoint, &size, 1, &cells[TRAIL_LIST_SIZE]);
        status = listing_row(listing, cells, error);
    }
    return status == TALLY_OK ? listing_end(listing, (struct bytes){ NULL, 0 }, error) : status;
}

static int
write_list(const struct invocation *invocation, const struct remote *remote, struct reply *reply,
           struct out *out)
{
    uint32_t data = reply_array(reply, 0, "data");
    if (data == 0)
        return refuse_answer(remote, "a list of trails");
    struct listing *listing;
    int outcome = out_listing(invocation, out, trail_list_columns, TRAIL_LIST_COUNT, &listing);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    tally_status status = write_rows(reply, data, listing, &error);
    listing_destroy(listing);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

static int
list(const struct invocation *invocation, struct remote *remote, struct out *out)
{
    struct buffer target = { 0 };
    struct buffer text = { 0 };
    struct reply reply = { 0 };
    buffer_text(&target, "/api/trails");
    int outcome = get(remote, &target, &text, &reply);
    if (outcome == DONE)
        outcome = write_list(invocation, remote, &reply, out);
    reply_finish(&reply);
    buffer_free(&text);
    buffer_free(&target);
    return outcome;
}

/* ---- info ---- */

static int
describe(const struct invocation *invocation, struct remote *remote, struct out *out)
{
    struct buffer target = { 0 };
    struct buffer text = { 0 };
    struct reply reply = { 0 };
    buffer_text(&target, "/api/trails");
    remote_segment(&target, remote_trail(remote));
    int outcome = get(remote, &target, &text, &reply);
    if (outcome == DONE) {
        struct bytes cells[TRAIL_INFO_COUNT];
        reply_cells(&reply, 0, trail_info_columns, TRAIL_INFO_COUNT, cells);
        outcome = cells[0].data == NULL ? refuse_answer(remote, "a trail's description")
                                        : trail_print_info(invocation, cells, out);
    }
    reply_finish(&reply);
    buffer_free(&text);
    buffer_free(&target);
    return outcome;
}

/* ---- create ---- */

/* Appends the fields that an option names as an array; charter_read() has looked at them. */
static void
put_fields(const struct invocation *invocation, const char *option, struct buffer *body)
{
    buffer_format(body, ",\"%s\":[", option);
    size_t at = 0;
    bool first = true;
    for (const char *name; (name = option_next(invocation, option, &at)) != NULL; first = false) {
        buffer_text(body, first ? "" : ",");
        json_write_string(bytes_text(name), body);
    }
    buffer_byte(body, ']');
}

/* The key is read before it is shown: what is none is no key, and might act on a terminal. */
static int
print_vkey(const struct remote *remote, struct bytes answer, struct out *out)
{
    struct reply reply = { 0 };
    struct tally_error error = { 0 };
    struct tally_vkey vkey;
    struct bytes text = { NULL, 0 };
    if (reply_read(&reply, answer, &error) == TALLY_OK)
        text = reply_text(&reply, 0, "vkey");
    int outcome = DONE;
    if (text.data == NULL ||
        tally_vkey_parse((const char *)text.data, text.size, &vkey, NULL) != TALLY_OK)
        outcome = refuse_answer(remote, "a new trail");
    else
        buffer_format(&out->stream.buffer, "vkey: %.*s\n", BYTES_ARG(text));
    reply_finish(&reply);
    return outcome;
}

static int
create(const struct invocation *invocation, struct remote *remote, struct out *out)
{
    const char *name = invocation->operands[2];
    const char *origin = option_value(invocation, "origin");
    struct buffer body = { 0 };
    buffer_text(&body, "{\"name\":");
    json_write_string(bytes_text(name), &body);
    if (origin != NULL) {
        buffer_text(&body, ",\"origin\":");
        json_write_string(bytes_text(origin), &body);
    }
    put_fields(invocation, "public", &body);
    put_fields(invocation, "private", &body);
    buffer_byte(&body, '}');
    if (buffer_failed(&body)) {
        buffer_free(&body);
        return fail(UNABLE, "out of memory");
    }

    struct remote_request request = {
        .method = REMOTE_POST,
        .target = bytes_text("/api/trails"),
        .body_type = "application/json",
        .body = buffer_view(&body),
    };
    struct buffer answer = { 0 };
    struct refusal refusal;
    tally_status status = remote_ask(remote, &request, &answer, &refusal);
    int outcome;
    if (status == TALLY_OK)
        outcome = print_vkey(remote, buffer_view(&answer), out);
    else if (status == TALLY_CONFLICT)
        outcome = fail(UNABLE, "%s", refusal.error.text);
    else
        outcome = remote_fail(remote, &refusal);
    buffer_free(&answer);
    buffer_free(&body);
    return outcome;
}

/* ---- the command ---- */

int
trail_remote(const struct invocation *invocation)
{
    static const struct {
        const char *verb;
        int (*act)(const struct invocation *, struct remote *, struct out *);
    } verbs[] = { { "list", list }, { "create", create }, { "info", describe } };
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(invocation->operands[1], verbs[i].verb) != 0)
            continue;
        struct remote *remote;
        int outcome = remote_open(invocation, &remote);
        if (outcome != DONE)
            return outcome;
        struct out out;
        out_open(&out);
        outcome = out_finish(&out, verbs[i].act(invocation, remote, &out));
        remote_close(remote);
        return outcome;
    }
    return fail(MISUSED, "%s: `tally trail %s` needs the data folder itself, not a URL",
                invocation->operands[0], invocation->operands[1]);
}
