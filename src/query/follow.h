/*
 * follow.h - the entries that match, one after another by index, as a trail grows.
 *
 *     struct follow follow = { .filter = filter, .next = index };
 *     for (;;) {
 *         status = follow_read(&follow, trail, visit, context, error);
 *         … wait for more …
 *     }
 *
 * What `tally tail` prints and the server streams. Nothing is held between two reads, so whoever
 * follows may take its time: what it missed is in the trail. One thread at a time.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "scan.h"

struct trail;

struct follow {
    const struct filter *filter; /* lent */
    uint64_t next;               /* index of the first entry not looked at yet */
    scan_check *check;           /* as scan_watch() has it; NULL: none */
    void *check_context;
};

/* Takes an entry (RUN_VALUES), lent until it returns. Anything but TALLY_OK ends the reading. */
typedef tally_status (*follow_visitor)(void *context, const struct run_entry *entry,
                                       struct tally_error *error);

/* Calls `visit` with each entry that matches from follow->next on, as the trail is now, and moves
 * `next` behind what was looked at; where `visit` ended it, to the entry that it did not take. */
TALLY_MUST_CHECK tally_status follow_read(struct follow *follow, struct trail *trail,
                                          follow_visitor visit, void *context,
                                          struct tally_error *error);

/* Moves `next` so that at most `count` (0 to SCAN_LIST_MAX) entries that match lie between it and
 * the trail's end: where to begin with the newest ones. */
TALLY_MUST_CHECK tally_status follow_from_last(struct follow *follow, struct trail *trail,
                                               size_t count, struct tally_error *error);

#endif
