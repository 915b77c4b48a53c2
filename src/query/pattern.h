/*
 * pattern.h - text compared with wildcards: `*` stands for any bytes, also none.
 *
 * A pattern is the texts between its stars. It is open at an end where a star stands there:
 *
 *     login      { "login" }             closed at both ends: equality
 *     user.*     { "user." }             open at the end: a prefix
 *     *curl*     { "curl" }              open at both ends: contained
 *     a*b        { "a", "b" }
 *     *          { }                     open at both ends: any text
 *
 * Free text is a pattern open at both ends with `fold` set; its parts are folded (fold.h).
 */
#ifndef PATTERN_H
#define PATTERN_H

#include "bytes.h"

struct pattern {
    const struct bytes *parts; /* none empty, but that of the pattern that is the empty text */
    uint32_t count;
    bool open_start;
    bool open_end;
    bool fold; /* compare without regard to case */
};

/* Equality with one text. */
static inline bool
pattern_exact(const struct pattern *pattern)
{
    return pattern->count == 1 && !pattern->open_start && !pattern->open_end;
}

bool pattern_match(const struct pattern *pattern, struct bytes text);

#endif
