/*
 * uses.h - from where one key was used, and when; and what of it the ring does not know yet.
 *
 * Stands in memory between a request, which must not wait for a disk, and the ring. The newest
 * KEYRING_ADDRESSES_MAX addresses are kept. Belongs to one thread at a time.
 */
#ifndef USES_H
#define USES_H

#include "keyring.h"

struct uses;

/* Of the key `id`, with the addresses that the ring remembers. Caller owns. */
TALLY_MUST_CHECK tally_status uses_read(struct keyring *keyring, int64_t id, struct uses **uses_out,
                                        struct tally_error *error);
void uses_free(struct uses *uses); /* NULL is allowed */

/* Notes a use at `now` (wall clock). True where the address was never used before. What is longer
 * than KEYRING_ADDRESS_MAX is cut. */
bool uses_add(struct uses *uses, const char *address, int64_t now);

/* What the ring does not know, at most KEYRING_ADDRESSES_MAX into `pending`; how many. */
size_t uses_collect(const struct uses *uses, struct keyring_use *pending);

/* The ring knows now of what was collected. */
void uses_settle(struct uses *uses, const struct keyring_use *settled, size_t count);

#endif
