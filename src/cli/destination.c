#include "destination.h"

#include "fault.h"
#include "where.h"

#include <stdio.h>

int
destination_open(const struct invocation *invocation, enum destination_filling filling,
                 struct destination **destination_out)
{
    return where_is_url(invocation->operands[0])
               ? destination_open_remote(invocation, filling, destination_out)
               : destination_open_trail(invocation, filling, destination_out);
}

int
destination_close(struct destination *destination, int outcome)
{
    return destination->kind->close(destination, outcome);
}

tally_status
destination_add(struct destination *destination, struct bytes event, struct tally_error *error)
{
    return destination->kind->add(destination, event, error);
}

void
destination_clear(struct destination *destination)
{
    destination->kind->clear(destination);
}

tally_status
destination_append(struct destination *destination, struct receipt *receipts, uint32_t *refused_out,
                   struct tally_error *error)
{
    return destination->kind->append(destination, receipts, refused_out, error);
}

void
destination_refuse(struct destination *destination, const struct tally_error *error)
{
    destination->kind->refuse(destination, error);
}

tally_status
destination_conflict(uint64_t index, struct tally_error *error)
{
    if (index == UINT64_MAX)
        (void)fault(error, TALLY_CONFLICT,
                    "another event of the same input has this id and other content");
    else
        (void)fault(error, TALLY_CONFLICT,
                    "entry %llu has this id and other content; an event that is another one needs "
                    "another id, or none",
                    (unsigned long long)index);
    (void)snprintf(error->pointer, sizeof error->pointer, "/id");
    return TALLY_CONFLICT;
}
