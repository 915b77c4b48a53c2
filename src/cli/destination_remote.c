/*
 * Events into a trail of a server, as NDJSON, a batch a request.
 *
 * Events without an id get one here, before anything is sent: so a request may be sent again when
 * nobody knows what became of it, and what was stored the first time is found and not stored twice.
 * An event may stand on several lines where it was read; here it has one, because a line end within
 * JSON is only a blank.
 */
#include "destination.h"

#include "base64.h"
#include "clock.h"
#include "event.h"
#include "fault.h"
#include "remote.h"
#include "reply.h"
#include "uuid.h"

#include <stdlib.h>

/* Bytes of events in one request, unless one is larger. */
#define BODY_SIZE_MAX ((size_t)4 * 1024 * 1024)

struct destination_remote {
    struct destination destination;
    struct remote *remote;
    struct buffer target;
    struct event_reader *reader;
    struct buffer body;
    uint32_t count; /* of events in it */
    struct refusal refusal;
};

/* ---- gathering ---- */

static void
put_flat(struct bytes text, struct buffer *out)
{
    uint8_t *room = buffer_reserve(out, text.size);
    if (room == NULL)
        return;
    for (size_t i = 0; i < text.size; i++)
        room[i] = text.data[i] == '\n' || text.data[i] == '\r' ? ' ' : text.data[i];
    out->size += text.size;
}

/* Appends the event on the tape as a line, with an id where it has none. */
static void
put_event(const struct json_tape *tape, struct buffer *out)
{
    struct bytes text = json_token(tape, 0);
    size_t brace = tape->nodes[0].start;
    uint32_t id = json_member(tape, 0, bytes_text("id"));
    if (id != 0 && tape->nodes[id].kind != JSON_KIND_NULL) {
        put_flat(text, out);
        buffer_byte(out, '\n');
        return;
    }
    uint8_t uuid[16];
    char fresh[UUID_TEXT_SIZE];
    uuid_v7(clock_now(), uuid);
    uuid_format(uuid, fresh);
    if (id == 0) {
        bool empty = tape->nodes[0].next == 1;
        buffer_format(out, "{\"id\":\"%.*s\"%s", UUID_TEXT_SIZE, fresh, empty ? "" : ",");
        put_flat(bytes_of(text.data + 1, text.size - 1), out);
    } else {
        size_t before = tape->nodes[id].start - brace;
        size_t behind = before + tape->nodes[id].size;
        put_flat(bytes_of(text.data, before), out);
        buffer_format(out, "\"%.*s\"", UUID_TEXT_SIZE, fresh);
        put_flat(bytes_of(text.data + behind, text.size - behind), out);
    }
    buffer_byte(out, '\n');
}

static tally_status
add(struct destination *destination, struct bytes text, struct tally_error *error)
{
    struct destination_remote *self = (struct destination_remote *)destination;
    if (self->count > 0 && self->body.size + text.size > BODY_SIZE_MAX)
        return fault(error, TALLY_FULL, "the batch is full at %zu bytes: append it first",
                     self->body.size);
    struct event event;
    tally_status status = event_read(self->reader, text, clock_now(), &event, error);
    if (status != TALLY_OK)
        return status;
    put_event(event_reader_tape(self->reader), &self->body);
    if (buffer_failed(&self->body))
        return memory_fault(error);
    self->count++;
    return TALLY_OK;
}

static void
clear(struct destination *destination)
{
    struct destination_remote *self = (struct destination_remote *)destination;
    event_reader_reset(self->reader);
    buffer_clear(&self->body);
    self->count = 0;
}

/* ---- sending ---- */

static bool
read_receipt(struct reply *reply, uint32_t node, struct receipt *receipt)
{
    struct bytes leaf = reply_text(reply, node, "leaf");
    receipt->repeated = reply_is_true(reply, node, "repeated");
    return reply_number(reply, node, "index", &receipt->index) && leaf.data != NULL &&
           hex_decode(leaf, receipt->leaf.bytes, TALLY_HASH_SIZE);
}

/* A receipt for each event, in their order. */
static tally_status
read_receipts(const struct destination_remote *self, struct bytes answer, struct receipt *receipts,
              struct tally_error *error)
{
    struct reply reply = { 0 };
    tally_status status = reply_read(&reply, answer, error);
    uint32_t count = 0;
    if (status == TALLY_OK) {
        uint32_t array = reply_array(&reply, 0, "receipts");
        uint32_t end = array == 0 ? 0 : reply.tape.nodes[array].next;
        bool good = true;
        for (uint32_t i = array + 1; i < end && good; i = reply.tape.nodes[i].next)
            good = count < self->count && read_receipt(&reply, i, &receipts[count++]);
        if (!good || count != self->count)
            status = reply_fault(error, "a receipt for each event");
    }
    reply_finish(&reply);
    return status;
}

/* What the server says of one event, in the words used for a folder. */
static tally_status
refuse_event(const struct refusal *refusal, uint32_t *refused_out, struct tally_error *error)
{
    *error = refusal->error;
    *refused_out =
        refusal->position < DESTINATION_UNKNOWN ? (uint32_t)refusal->position : DESTINATION_UNKNOWN;
    if (refusal->error.status == TALLY_CONFLICT && refusal->index != REFUSAL_UNKNOWN)
        return destination_conflict(refusal->index, error);
    return refusal->error.status;
}

static tally_status
append(struct destination *destination, struct receipt *receipts, uint32_t *refused_out,
       struct tally_error *error)
{
    struct destination_remote *self = (struct destination_remote *)destination;
    struct remote_request request = {
        .method = REMOTE_POST,
        .target = buffer_view(&self->target),
        .body_type = "application/x-ndjson",
        .body = buffer_view(&self->body),
        .again = REMOTE_ALWAYS,
    };
    struct buffer answer = { 0 };
    tally_status status = remote_ask(self->remote, &request, &answer, &self->refusal);
    if (status == TALLY_OK) {
        status = read_receipts(self, buffer_view(&answer), receipts, error);
        if (status != TALLY_OK)
            refusal_of_error(error, &self->refusal);
    } else if (status == TALLY_CONFLICT || status == TALLY_INVALID) {
        status = refuse_event(&self->refusal, refused_out, error);
    } else {
        *error = self->refusal.error;
    }
    buffer_free(&answer);
    return status;
}

static void
refuse(struct destination *destination, const struct tally_error *error)
{
    const struct destination_remote *self = (struct destination_remote *)destination;
    (void)remote_fail(self->remote, &self->refusal);
    /* 429 says that nothing was stored; 503 and no answer leave it open. */
    bool open =
        error->status == TALLY_IO || (error->status == TALLY_BUSY && self->refusal.code != 429);
    if (open && !self->refusal.unsent)
        say("the last batch may be stored or not: send it again once the cause is gone; "
            "events with ids are not stored twice");
}

/* ---- opening and closing ---- */

static int
close_(struct destination *destination, int outcome)
{
    struct destination_remote *self = (struct destination_remote *)destination;
    event_reader_destroy(self->reader);
    buffer_free(&self->body);
    buffer_free(&self->target);
    remote_close(self->remote);
    free(self);
    return outcome;
}

static const struct destination_kind kind = { add, clear, append, refuse, close_ };

int
destination_open_remote(const struct invocation *invocation, enum destination_filling filling,
                        struct destination **destination_out)
{
    struct destination_remote *self = calloc(1, sizeof *self);
    if (self == NULL)
        return fail(UNABLE, "out of memory");
    self->destination.kind = &kind;
    int outcome = remote_open(invocation, &self->remote);
    if (outcome != DONE)
        return destination_close(&self->destination, outcome);

    buffer_text(&self->target, "/api/events");
    remote_parameter(&self->target, "trail", bytes_text(remote_trail(self->remote)));
    remote_parameter(&self->target, "receipts", bytes_text("full"));
    if (filling == DESTINATION_COPIES)
        remote_parameter(&self->target, "copies", bytes_text("true"));
    if (option_given(invocation, "again"))
        remote_parameter(&self->target, "again", bytes_text("true"));
    struct tally_error error = { 0 };
    /* Only to see that they are events: the server fills in. */
    tally_status status = event_reader_create(catalogue_none(), &self->reader, &error);
    if (status == TALLY_OK && buffer_failed(&self->target))
        status = memory_fault(&error);
    if (status != TALLY_OK)
        return destination_close(&self->destination, fail_with(&error, NULL));
    *destination_out = &self->destination;
    return DONE;
}
