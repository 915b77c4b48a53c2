/*
 * gather.h - the entries of a list, whole and in the list's order.
 *
 * An entry is put together from some twenty columns, and those of a list of something rare lie in as
 * many segments as there are of them. So several threads read entries ahead, and the caller's own is
 * shown them one by one. Memory is bounded: some entries are held at a time, of a few MiB together but
 * for the last ones.
 */
#ifndef GATHER_H
#define GATHER_H

#include "scan.h"
#include "snapshot.h"

/* Shown the i-th hit's entry, which has values only (RUN_VALUES) and is lent until it returns. Anything
 * but TALLY_OK ends the gathering and is its status. */
typedef tally_status gather_visitor(void *context, size_t i, const struct run_entry *entry,
                                    struct tally_error *error);

/* Hits of the snapshot, in any order, are visited in this one, by the calling thread. `threads` may
 * read, the caller's among them; 0 is one. A fault of an entry comes when those before it have been
 * visited. */
TALLY_MUST_CHECK tally_status gather_entries(struct snapshot *snapshot, const struct scan_hit *hits,
                                             size_t count, unsigned threads,
                                             gather_visitor *visitor, void *context,
                                             struct tally_error *error);

#endif
