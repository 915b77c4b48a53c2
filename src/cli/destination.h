/*
 * destination.h - where recorded events go: a trail of a data folder, or one of a server.
 *
 * Events are gathered and then appended together, all or nothing. Either kind refuses what is no
 * event when it is added, before anything leaves; a server may refuse more of them later, because
 * it alone knows the trail.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include "command.h"
#include "trail.h"

enum destination_filling {
    DESTINATION_FILLS,  /* what the catalogue knows is filled in */
    DESTINATION_COPIES, /* events were entries before and are taken as they are */
};

struct destination;

/* What the first operand and --trail name; with --again every id is looked for in the whole trail.
 * DONE, or the exit status after saying why. */
int destination_open(const struct invocation *invocation, enum destination_filling filling,
                     struct destination **destination_out);

/* Returns `outcome`, or UNABLE where closing met a fault. */
int destination_close(struct destination *destination, int outcome);

/* As batch_add(): TALLY_INVALID with a place; TALLY_FULL: append first. */
TALLY_MUST_CHECK tally_status destination_add(struct destination *destination, struct bytes event,
                                              struct tally_error *error);
void destination_clear(struct destination *destination);

/* Appends what was added since the last clearing; receipts as trail_append() gives them. *refused_out
 * is the position of the event that the answer is about, or DESTINATION_UNKNOWN:
 *
 *     TALLY_CONFLICT   its id stands for other content; nothing was stored
 *     TALLY_INVALID    it is refused; nothing was stored
 *
 * On any other fault destination_refuse() says what it means. */
#define DESTINATION_UNKNOWN UINT32_MAX
TALLY_MUST_CHECK tally_status destination_append(struct destination *destination,
                                                 struct receipt *receipts, uint32_t *refused_out,
                                                 struct tally_error *error);

/* Says what the fault that the last append met means, and what to do. */
void destination_refuse(struct destination *destination, const struct tally_error *error);

/* What a destination is made of. */
struct destination_kind {
    tally_status (*add)(struct destination *destination, struct bytes event,
                        struct tally_error *error);
    void (*clear)(struct destination *destination);
    tally_status (*append)(struct destination *destination, struct receipt *receipts,
                           uint32_t *refused_out, struct tally_error *error);
    void (*refuse)(struct destination *destination, const struct tally_error *error);
    int (*close)(struct destination *destination, int outcome);
};
struct destination {
    const struct destination_kind *kind;
};

int destination_open_trail(const struct invocation *invocation, enum destination_filling filling,
                           struct destination **destination_out);
int destination_open_remote(const struct invocation *invocation, enum destination_filling filling,
                            struct destination **destination_out);

/* Fills an error for an id that entry `index` has with other content; UINT64_MAX: another event of
 * the same input. TALLY_CONFLICT. */
tally_status destination_conflict(uint64_t index, struct tally_error *error);

#endif
