#include "backoff.h"

/* From here on doubling would go beyond the longest wait. */
#define DOUBLINGS_MAX 9

uint32_t
backoff_next(struct backoff *backoff, uint32_t asked_ms, uint32_t random)
{
    uint32_t doublings = backoff->failures < DOUBLINGS_MAX ? backoff->failures : DOUBLINGS_MAX;
    if (backoff->failures < UINT32_MAX)
        backoff->failures++;
    uint32_t whole = (uint32_t)BACKOFF_FIRST_MS << doublings;
    if (whole > BACKOFF_LAST_MS)
        whole = BACKOFF_LAST_MS;
    uint32_t half = whole / 2;
    uint32_t jittered = half + random % (whole - half + 1);
    if (asked_ms == 0)
        return jittered;
    uint32_t asked = asked_ms > UINT32_MAX - half ? UINT32_MAX - half : asked_ms;
    uint32_t later = asked + (jittered - half);
    return later > jittered ? later : jittered;
}
