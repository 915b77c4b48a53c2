/*
 * spans.h - ranges of entries in the order they were added.
 *
 * Neighbours become one range, so that a long stretch takes no more room than one entry. A zeroed
 * struct is empty. One thread at a time.
 */
#ifndef SPANS_H
#define SPANS_H

#include "tally/status.h"

#include <stddef.h>
#include <stdint.h>

struct span {
    uint64_t first, last;
};

struct spans {
    struct span *items;
    size_t count;
    size_t capacity;
};

TALLY_MUST_CHECK tally_status spans_add(struct spans *spans, uint64_t first, uint64_t last,
                                        struct tally_error *error);
/* Adds all of another list. */
TALLY_MUST_CHECK tally_status spans_join(struct spans *spans, const struct spans *more,
                                         struct tally_error *error);
/* How many entries below `end` they hold. */
uint64_t spans_below(const struct spans *spans, uint64_t end);
/* By their first entries. */
void spans_sort(struct spans *spans);
void spans_finish(struct spans *spans);

#endif
