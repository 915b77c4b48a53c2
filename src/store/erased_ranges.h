/*
 * erased_ranges.h - which entries are erased, as control entries put it on record.
 *
 *     the member `control` of such an entry:
 *     {"entries":[[first,last],…],"reason":"…","type":"erased"}
 */
#ifndef ERASED_RANGES_H
#define ERASED_RANGES_H

#include "tally/status.h"

#include <stddef.h>
#include <stdint.h>

struct trail;

/* Both ends included. */
struct erased_range {
    uint64_t first, last;
};

/* Zeroed is empty. */
struct erased_ranges {
    struct erased_range *items;
    size_t count;
    size_t capacity;
};

void erased_ranges_free(struct erased_ranges *ranges);

/* Adds one entry; consecutive ones make one range. */
TALLY_MUST_CHECK tally_status erased_ranges_add(struct erased_ranges *ranges, uint64_t index,
                                                struct tally_error *error);

/* Puts all of them on record, in as many control entries as it takes. */
TALLY_MUST_CHECK tally_status erased_ranges_record(const struct erased_ranges *ranges,
                                                   struct trail *trail, const char *reason,
                                                   struct tally_error *error);

/* Adds those on record in a trail from entry `from` on. Under the right to seal. */
TALLY_MUST_CHECK tally_status erased_ranges_collect(struct trail *trail, uint64_t from,
                                                    struct erased_ranges *ranges,
                                                    struct tally_error *error);

#endif
