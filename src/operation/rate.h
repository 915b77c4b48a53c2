/*
 * rate.h - how often somebody may do something: token buckets by a text (an address, a key).
 *
 * A fixed number of buckets; when they run out, the one not used for longest goes, so memory is
 * bounded whoever asks. IPv6 addresses count by their /64 (rate_address). Thread-safe.
 */
#ifndef RATE_H
#define RATE_H

#include "tally/status.h"

#include <stdbool.h>
#include <stdint.h>

#define RATE_WHO_SIZE 64

struct rate;

/* What is left, for the headers RateLimit-Policy and RateLimit. */
struct rate_state {
    uint64_t limit;     /* a window */
    uint64_t remaining; /* now */
    uint64_t reset_s;   /* until it is whole again */
    uint64_t retry_s;   /* until one more is allowed; 0: it is */
};

/* `limit` a `window` (nanoseconds, at least `limit`), all of it at once if need be; what was taken
 * comes back evenly. limit 0: no limit, everything is allowed and all of a state is 0. At most
 * `buckets` texts are known at once. */
TALLY_MUST_CHECK tally_status rate_create(uint64_t limit, int64_t window, uint32_t buckets,
                                          struct rate **rate_out, struct tally_error *error);
void rate_destroy(struct rate *rate); /* NULL is allowed */
/* What was taken stays taken, as far as the new limit has as much. */
void rate_configure(struct rate *rate, uint64_t limit, int64_t window);

/* Whether `who`, shorter than RATE_WHO_SIZE, may at monotonic time `now`; takes one then. */
bool rate_take(struct rate *rate, const char *who, int64_t now, struct rate_state *state_out);

/* The text an address counts by: IPv4 as it is (also from ::ffff:a.b.c.d), IPv6 its /64, anything
 * else itself, cut. */
void rate_address(const char *address, char who_out[RATE_WHO_SIZE]);

#endif
