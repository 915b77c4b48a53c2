/*
 * charter.h - what is fixed for good when a trail is made: its origin and its private fields.
 *
 * Checks what people ask for before anything is made (trail_create()).
 */
#ifndef CHARTER_H
#define CHARTER_H

#include "field.h"
#include "trail.h"

/* The standard charter, for charter_move() to change. */
#define CHARTER_STANDARD ((struct trail_config){ .fields_private = FIELDS_PRIVATE_DEFAULT })

/* Has the field of this name go to `half`. TALLY_INVALID where there is none, or it stays where it
 * is in every trail. */
TALLY_MUST_CHECK tally_status charter_move(struct trail_config *config, struct bytes name,
                                           enum field_half half, struct tally_error *error);

/* TALLY_INVALID where the origin is no name for a key, or no field is private. */
TALLY_MUST_CHECK tally_status charter_check(const struct trail_config *config,
                                            struct tally_error *error);

#endif
