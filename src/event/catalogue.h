/*
 * catalogue.h - what is known of event types, to fill in what an event does not say.
 *
 * A given value is never overridden. The standard rows are built in; an application adds its own.
 * Immutable once created; any number of threads may use one.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include "bytes.h"
#include "tally/status.h"

#define CATALOGUE_ADDED_MAX 4096

/* Absent values have data NULL. */
struct catalogue_row {
    struct bytes event_type;
    struct bytes severity;
    struct bytes action;
    struct bytes crud;
    struct bytes status;
};

/* The standard rows, in the order of the documents. */
#define CATALOGUE_STANDARD 34
extern const struct catalogue_row catalogue_standard[CATALOGUE_STANDARD];

struct catalogue;

/* The standard rows followed by `count` added ones, which are copied. TALLY_INVALID where an added
 * row has no event_type, one that another row has, or a severity, crud or status outside its
 * enumeration (in the spelling of the field table). Caller owns. */
TALLY_MUST_CHECK tally_status catalogue_create(const struct catalogue_row *added, size_t count,
                                               struct catalogue **catalogue_out,
                                               struct tally_error *error);
void catalogue_destroy(struct catalogue *catalogue);

/* The catalogue that fills in nothing at all: for events that were on record before, filled in
 * then, and must come back as they were. Static. It has no rows. */
const struct catalogue *catalogue_none(void);

/* The row of a type, or NULL. */
const struct catalogue_row *catalogue_by_type(const struct catalogue *catalogue,
                                              struct bytes event_type);

/* The row that an action implies: the only one that has it, else the only one of those that has
 * this status; NULL where neither decides. `status` may be absent. */
const struct catalogue_row *catalogue_by_action(const struct catalogue *catalogue,
                                                struct bytes action, struct bytes status);

/* POST C; GET and HEAD R; PUT and PATCH U; DELETE D, in any case; else absent. Static. */
struct bytes catalogue_crud_of_method(struct bytes method);

/* The status that a status code (its token) gives: 500 and above error, 400 and above failure;
 * absent below, because a form that answers 200 may still have refused its user. Static. */
struct bytes catalogue_status_of_code(struct bytes status_code);

#endif
