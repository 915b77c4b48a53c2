/* hash_lanes_plain.c - for processors other than x86-64: there are no lanes. */
#include "hash_lanes.h"

#include <stdlib.h>

bool
hash_lanes_usable(void)
{
    return false;
}

bool
hash_wide_usable(void)
{
    return false;
}

void
hash_sixteen_lanes(struct hash_wide *wide)
{
    (void)wide;
    abort();
}

void
hash_one_lane(struct hash_lane *lane, size_t count)
{
    (void)lane, (void)count;
    abort();
}

void
hash_two_lanes(struct hash_lane *a, struct hash_lane *b, size_t count)
{
    (void)a, (void)b, (void)count;
    abort();
}
