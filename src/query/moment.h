/*
 * moment.h - times as filters name them.
 *
 *     2026-01-31T23:59:59Z   RFC 3339 as clock.h reads it: an instant
 *     2026-01-31             a whole day, UTC
 *     today, yesterday       the same
 *     now, now-1h, -7d       instants, counted from now; units s, m (minutes), h, d (24 hours), w
 *     now+1h, +1h
 */
#ifndef MOMENT_H
#define MOMENT_H

#include "clock.h"

/* The first and the last instant a time in a filter can name. */
#define MOMENT_MIN INT64_C(-9214560000000000000) /* 1678-01-01T00:00:00Z */
#define MOMENT_MAX INT64_C(9214646399999999999)  /* 2261-12-31T23:59:59.999999999Z */

struct moment {
    int64_t first, last; /* nanoseconds since 1970, both included; equal for an instant */
    bool relative;       /* it was counted from now, or is today or yesterday */
};

/* False where refused; then *reason_out is a static phrase ("the day does not exist"). */
bool moment_read(struct bytes text, int64_t now, struct moment *out, const char **reason_out);

/* When a text on record says that something is: RFC 3339, or a date, which begins. Years that no
 * instant has are before MOMENT_MIN or after MOMENT_MAX: many say 9999 for never. False where it
 * says nothing of time. */
bool moment_of_text(struct bytes text, int64_t *instant_out);

/* Nanoseconds of a unit's letter (s, m, h, d, w), 0 where it is none. */
int64_t moment_unit(uint8_t letter);

/* Appends nothing but what moment_read reads back: an instant in RFC 3339 with as many digits as it
 * needs. `text` has INSTANT_TEXT_MAX bytes of room; returns the length, no NUL. */
size_t moment_format(int64_t instant, char *text);

#endif
