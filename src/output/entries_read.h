/*
 * entries_read.h - an entry out of the JSON object that entries.h writes: the inverse of a row.
 *
 * For programs that get entries from a server and print them by the same writers as those of a
 * folder. Values come out as a run gives them: texts decoded, numbers with their token, objects in
 * canonical form, so that writing them again gives the same bytes in every format.
 */
#ifndef ENTRIES_READ_H
#define ENTRIES_READ_H

#include "arena.h"
#include "json.h"
#include "run.h"

/* Reads the object at `node` of a scanned tape. Filled are the index, the values, `control` and
 * `erased`. Members that no field has a name for are left out: a newer server may send them. Views
 * are lent from the tape's text and from `texts`. TALLY_INVALID, with a place, where it is no such
 * object or a value is not of its field's type. */
TALLY_MUST_CHECK tally_status entries_read(struct json_tape *tape, uint32_t node,
                                           struct arena *texts, struct run_entry *entry_out,
                                           struct tally_error *error);

#endif
