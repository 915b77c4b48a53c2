/*
 * figures_parts.h - what the object and the rows of a summary share. For figures*.c only.
 */
#ifndef FIGURES_PARTS_H
#define FIGURES_PARTS_H

#include "figures.h"

/* When a bucket begins, spelled out in `text`. */
struct bytes figures_start(const struct summary *summary, size_t bucket,
                           char text[INSTANT_TEXT_MAX]);

/* What a bucket's parts are of: first the values, then the rest, then those without any. */
const uint64_t *figures_parts(const struct summary *summary, size_t bucket);

#endif
