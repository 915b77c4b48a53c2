/*
 * Events into a trail of a data folder, which this process opens for writing.
 */
#include "destination.h"

#include "batch.h"
#include "where.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct destination_trail {
    struct destination destination;
    struct where where;
    struct batch *batch;
    bool again;
};

static tally_status
add(struct destination *destination, struct bytes event, struct tally_error *error)
{
    return batch_add(((struct destination_trail *)destination)->batch, event, error);
}

static void
clear(struct destination *destination)
{
    batch_clear(((struct destination_trail *)destination)->batch);
}

static tally_status
append(struct destination *destination, struct receipt *receipts, uint32_t *refused_out,
       struct tally_error *error)
{
    struct destination_trail *self = (struct destination_trail *)destination;
    struct append_result result;
    tally_status status = TALLY_OK;
    if (self->again)
        status = trail_look_back(self->where.trail, self->batch, NULL, NULL, error);
    if (status == TALLY_OK)
        status =
            trail_append(self->where.trail, self->batch, APPEND_WAIT, receipts, &result, error);
    if (status != TALLY_CONFLICT)
        return status;
    *refused_out = result.position;
    return destination_conflict(result.conflict, error);
}

static void
refuse(struct destination *destination, const struct tally_error *error)
{
    const struct destination_trail *self = (struct destination_trail *)destination;
    (void)fail_with(error, self->where.name);
    if (error->status == TALLY_POISONED || error->status == TALLY_IO)
        say("the last batch may be stored or not: send it again once the cause is gone; "
            "events with ids are not stored twice");
    if (error->status == TALLY_FULL)
        say("free some space on the folder's file system and send the events again");
}

static int
close_(struct destination *destination, int outcome)
{
    struct destination_trail *self = (struct destination_trail *)destination;
    batch_destroy(self->batch);
    outcome = where_close(&self->where, outcome);
    free(self);
    return outcome;
}

static const struct destination_kind kind = { add, clear, append, refuse, close_ };

int
destination_open_trail(const struct invocation *invocation, enum destination_filling filling,
                       struct destination **destination_out)
{
    struct destination_trail *self = calloc(1, sizeof *self);
    if (self == NULL)
        return fail(UNABLE, "out of memory");
    int outcome = where_open_trail(invocation, TRAIL_WRITE, &self->where);
    if (outcome != DONE) {
        free(self);
        return outcome;
    }
    self->destination.kind = &kind;
    self->again = option_given(invocation, "again");

    char writer[32];
    (void)snprintf(writer, sizeof writer, "local:%lu", (unsigned long)getuid());
    struct tally_error error = { 0 };
    if (batch_create(self->where.trail, writer,
                     filling == DESTINATION_COPIES ? catalogue_none() : NULL, &self->batch,
                     &error) != TALLY_OK)
        return destination_close(&self->destination, fail_with(&error, NULL));
    *destination_out = &self->destination;
    return DONE;
}
