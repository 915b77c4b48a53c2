/*
 * value_hash.h - hashes of values, and the sum of a column.
 *
 * A head finds its values by these hashes, and adds them up as the values come; sealing adds up
 * what the segment's columns give back (seal_check.h). They are never stored: a seed of the head's
 * own is in all of them, so that nobody can aim at them who does not know it.
 */
#ifndef VALUE_HASH_H
#define VALUE_HASH_H

#include "page.h"

uint64_t value_hash(uint64_t seed, struct bytes value);
/* Of a value that a page keeps as a number, a time or 16 bytes: `form` is neither the absent one
 * nor an exception's. */
uint64_t value_hash_number(uint64_t seed, int64_t key, uint8_t form);
uint64_t value_hash_id(uint64_t seed, const uint8_t id[16], uint8_t form);

/* The hash of `value` (which is not absent) as a page of this kind keeps it. */
uint64_t value_hash_as(enum page_kind kind, enum field_column column, uint64_t seed,
                       struct bytes value);

/* What a value adds to the sum of its column, modulo 2^64. An absent one adds nothing. */
static inline uint64_t
value_sum(uint64_t hash, uint32_t row)
{
    return hash * (2 * (uint64_t)row + 1);
}

#endif
