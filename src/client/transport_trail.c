/*
 * Events into a trail of a data folder, which this process writes itself.
 *
 * A batch is made as a server makes one: what is refused is left out, with its reason, and so is
 * what turns out to have an id that is taken; the rest is appended. trail_append() stores all of a
 * batch or nothing, so after a conflict the batch is made again without it.
 */
#include "clock.h"
#include "embedded.h"
#include "fault.h"
#include "question.h"
#include "transport_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How often a batch is made again for ids that others took meanwhile. */
#define ROUNDS_MAX 8

struct embedding {
    struct transport transport;
    struct embedded *embedded;
    int64_t (*tick)(void *context);
    void *context;
    struct batch *batch;
    uint64_t opening; /* of the trail that the batch is for */
    struct receipt *receipts;
    uint32_t *places; /* where the batch's events stand in the call */
    bool *left_out;   /* by place in the call */
    size_t capacity;  /* of all three */
};

static struct embedding *
embedding_of(struct transport *transport)
{
    return (struct embedding *)transport;
}

static tally_status
make_room(struct embedding *self, size_t count, struct tally_error *error)
{
    if (count > self->capacity) {
        struct receipt *receipts = realloc(self->receipts, count * sizeof *receipts);
        if (receipts != NULL)
            self->receipts = receipts;
        uint32_t *places = realloc(self->places, count * sizeof *places);
        if (places != NULL)
            self->places = places;
        bool *left_out = realloc(self->left_out, count * sizeof *left_out);
        if (left_out != NULL)
            self->left_out = left_out;
        if (receipts == NULL || places == NULL || left_out == NULL)
            return memory_fault(error);
        self->capacity = count;
    }
    memset(self->left_out, 0, count * sizeof *self->left_out);
    return TALLY_OK;
}

static tally_status
make_batch(struct embedding *self, struct trail *trail, uint64_t opening, struct tally_error *error)
{
    if (self->batch != NULL && self->opening == opening) {
        batch_clear(self->batch);
        return TALLY_OK;
    }
    char writer[32];
    (void)snprintf(writer, sizeof writer, "local:%lu", (unsigned long)getuid());
    batch_destroy(self->batch);
    self->batch = NULL;
    self->opening = opening;
    return batch_create(trail, writer, NULL, &self->batch, error);
}

/* ---- one batch ---- */

static void
leave_out(struct embedding *self, size_t place, enum transport_result result,
          const struct tally_error *why, struct transport_answer *answer)
{
    char text[sizeof why->pointer + sizeof why->text + 2];
    (void)snprintf(text, sizeof text, "%s%s%s", why->pointer, why->pointer[0] == '\0' ? "" : ": ",
                   why->text);
    self->left_out[place] = true;
    transport_refuse(answer, place, result, bytes_text(text));
}

/* Adds events from `begin` on, as far as they fit; *end_out is behind the last one. */
static tally_status
fill(struct embedding *self, const struct bytes *events, size_t begin, size_t count,
     struct transport_answer *answer, size_t *end_out)
{
    size_t i;
    batch_clear(self->batch);
    for (i = begin; i < count; i++) {
        if (self->left_out[i])
            continue;
        struct tally_error error = { 0 };
        uint32_t held = batch_count(self->batch);
        tally_status status = batch_add_lent(self->batch, events[i], &error);
        if (status == TALLY_INVALID || (status == TALLY_FULL && held == 0)) {
            leave_out(self, i, TRANSPORT_INVALID, &error, answer);
            continue;
        }
        if (status == TALLY_FULL)
            break;
        if (status != TALLY_OK) {
            answer->error = error;
            return status;
        }
        self->places[held] = (uint32_t)i;
    }
    *end_out = i;
    return TALLY_OK;
}

static void
leave_conflicts_out(struct embedding *self, struct transport_answer *answer)
{
    for (uint32_t i = 0; i < batch_count(self->batch); i++) {
        const struct receipt *receipt = &self->receipts[i];
        if (!receipt->conflict)
            continue;
        struct tally_error why = { .pointer = "/id" };
        if (receipt->index == UINT64_MAX)
            (void)fault(&why, TALLY_CONFLICT,
                        "another event of this request has the same id and other content");
        else
            (void)fault(&why, TALLY_CONFLICT, "entry %llu has this id and other content",
                        (unsigned long long)receipt->index);
        leave_out(self, self->places[i], TRANSPORT_CONFLICT, &why, answer);
    }
}

static void
note_receipts(struct embedding *self, struct transport_answer *answer)
{
    for (uint32_t i = 0; i < batch_count(self->batch); i++) {
        const struct receipt *receipt = &self->receipts[i];
        uint32_t place = self->places[i];
        answer->results[place] = receipt->repeated ? TRANSPORT_REPEATED : TRANSPORT_NEW;
        if (answer->receipts == NULL)
            continue;
        struct tally_receipt *out = &answer->receipts[place];
        out->index = receipt->index;
        out->leaf = receipt->leaf;
        out->repeated = receipt->repeated;
    }
}

/* The events of a call. */
struct sending {
    const struct bytes *events;
    size_t count;
    bool again;
};

static tally_status
check_wait(void *context, struct tally_error *error)
{
    struct embedding *self = context;
    if (self->tick == NULL || self->tick(self->context) != 0)
        return TALLY_OK;
    return fault(error, TALLY_BUSY, "nobody waits any more");
}

/* As many events from `begin` on as a batch takes. */
static tally_status
append_some(struct embedding *self, struct trail *trail, const struct sending *sending,
            size_t begin, struct transport_answer *answer, size_t *end_out)
{
    for (unsigned round = 0;; round++) {
        struct append_result result;
        tally_status status = fill(self, sending->events, begin, sending->count, answer, end_out);
        if (status != TALLY_OK || batch_count(self->batch) == 0)
            return status;
        if (sending->again)
            status = trail_look_back(trail, self->batch, check_wait, self, &answer->error);
        if (status == TALLY_OK)
            status = trail_append(trail, self->batch, APPEND_WAIT, self->receipts, &result,
                                  &answer->error);
        if (status == TALLY_OK || status == TALLY_REPEATED) {
            note_receipts(self, answer);
            return TALLY_OK;
        }
        if (status != TALLY_CONFLICT)
            return status;
        if (round == ROUNDS_MAX)
            return fault(&answer->error, TALLY_BUSY, "ids are taken by others all the time");
        leave_conflicts_out(self, answer);
    }
}

/* ---- the transport ---- */

static enum transport_outcome
outcome_of(tally_status status, struct transport_answer *answer)
{
    switch (status) {
    case TALLY_OK:
        return TRANSPORT_STORED;
    case TALLY_FULL:
    case TALLY_BUSY:
    case TALLY_NO_MEMORY:
        return TRANSPORT_LATER;
    case TALLY_POISONED:
    case TALLY_IO:
        return TRANSPORT_UNKNOWN;
    default:
        answer->denied = true;
        return TRANSPORT_LATER;
    }
}

static enum transport_outcome
trail_send(struct transport *transport, const struct bytes *events, size_t count, bool again,
           int64_t until, struct transport_answer *answer)
{
    struct embedding *self = embedding_of(transport);
    const struct sending sending = { events, count, again };
    const struct embedded_wait wait = {
        .until = until,
        .tick = self->tick,
        .context = self->context,
    };
    struct trail *trail;
    uint64_t opening;
    tally_status status = make_room(self, count, &answer->error);
    if (status == TALLY_OK)
        status = embedded_enter(self->embedded, &wait, &trail, &opening, &answer->error);
    if (status != TALLY_OK)
        return outcome_of(status, answer);

    status = make_batch(self, trail, opening, &answer->error);
    size_t done = 0;
    while (status == TALLY_OK && done < count)
        status = append_some(self, trail, &sending, done, answer, &done);
    enum transport_outcome outcome = outcome_of(status, answer);
    embedded_leave(self->embedded,
                   outcome == TRANSPORT_UNKNOWN ? EMBEDDED_DOUBTFUL : EMBEDDED_GOOD);
    /* Some of them may be stored by a batch before. */
    return outcome == TRANSPORT_LATER && done > 0 ? TRANSPORT_UNKNOWN : outcome;
}

static void
trail_wake(struct transport *transport)
{
    (void)transport; /* an append is not waited for long, and the lock is looked at all the time */
}

static void
trail_rest(struct transport *transport)
{
    embedded_rest(embedding_of(transport)->embedded);
}

static void
trail_abandon_(struct transport *transport)
{
    (void)transport; /* embedded_fork_child() */
}

static void
trail_destroy(struct transport *transport)
{
    struct embedding *self = embedding_of(transport);
    batch_destroy(self->batch);
    embedded_put(self->embedded);
    free(self->receipts);
    free(self->places);
    free(self->left_out);
    free(self);
}

static tally_status
trail_get(struct transport *transport, const char *target, int64_t until, struct buffer *answer_out,
          struct tally_error *error)
{
    struct embedding *self = embedding_of(transport);
    struct embedded_reading reading;
    tally_status status = embedded_read(self->embedded, &reading, error);
    if (status != TALLY_OK)
        return status;
    status = question_answer(reading.trail, target, until, answer_out, error);
    embedded_read_end(self->embedded, &reading);
    return status;
}

static const struct transport_kind trail_kind = {
    .destroy = trail_destroy,
    .abandon = trail_abandon_,
    .send = trail_send,
    .wake = trail_wake,
    .get = trail_get,
    .rest = trail_rest,
};

tally_status
transport_trail_create(const struct transport_options *options, struct transport **transport_out,
                       struct tally_error *error)
{
    struct embedding *self = calloc(1, sizeof *self);
    if (self == NULL)
        return memory_fault(error);
    tally_status status = embedded_get(options->where, options->trail, &self->embedded, error);
    if (status != TALLY_OK) {
        free(self);
        return status;
    }
    self->transport.kind = &trail_kind;
    self->tick = options->tick;
    self->context = options->context;
    *transport_out = &self->transport;
    return TALLY_OK;
}
