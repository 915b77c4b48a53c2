/*
 * clock.h - what time it is, and instants in RFC 3339.
 *
 * An instant is a count of nanoseconds since 1970-01-01T00:00:00Z, in an int64: years 1678 to 2261.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "bytes.h"

#define CLOCK_SECOND INT64_C(1000000000)
#define CLOCK_DAY    (INT64_C(86400) * CLOCK_SECOND)

/* The longest canonical text: 19 characters, a point, fraction digits, Z. */
#define INSTANT_FRACTION_MAX 32
#define INSTANT_TEXT_MAX     (19 + 1 + INSTANT_FRACTION_MAX + 1)

/* Wall clock in nanoseconds since 1970. */
int64_t clock_now(void);

/* A clock that only goes forward, in nanoseconds, for durations. */
int64_t clock_monotonic(void);

/* A wall-clock instant as text. `text` has INSTANT_TEXT_MAX bytes of room at least; returns the
 * length, no NUL. `digits` 0 to 9 says how many fraction digits are written; the others are cut. */
size_t instant_format(int64_t instant, unsigned digits, char *text);

/* The same for many that are near each other: what is common to those of a minute is found once.
 * `near` is zeroed before the first. */
struct instant_near {
    bool known;
    int64_t minute; /* counted from 1970 */
    char text[16];  /* "2026-01-31T23:59" */
};
size_t instant_format_near(struct instant_near *near, int64_t instant, unsigned digits, char *text);

struct instant {
    int64_t ns;
    uint8_t digits;              /* fraction digits sent, 0 to INSTANT_FRACTION_MAX */
    uint8_t size;                /* of text */
    char text[INSTANT_TEXT_MAX]; /* canonical: UTC, T and Z, with the fraction digits sent */
};

/* Reads RFC 3339 section 5.6 date-time. Also accepted: a blank for the T, t and z in lower case, a
 * missing offset (UTC). Refused: dates that do not exist, years outside 1678 to 2261 (also after
 * the offset is taken off), more than INSTANT_FRACTION_MAX fraction digits. A leap second (:60) is
 * accepted at 23:59:60 UTC only; its instant is that of the next second's start. Digits past the
 * ninth are kept in the text and cut from ns. False where refused; then *reason_out is a static
 * phrase
 * ("the day does not exist"). */
bool instant_parse(struct bytes text, struct instant *out, const char **reason_out);

/* Whether instant_format() of *ns_out and *digits_out gives this very text, and what they are. Any
 * other text, a leap second among them, is left to instant_parse(). */
bool instant_read(struct bytes text, int64_t *ns_out, uint8_t *digits_out);

#endif
