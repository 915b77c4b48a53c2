/*
 * places.h - where in a run something may be: of each of its first 64 pages the blocks of 256 rows,
 * a bit each.
 *
 * What indexes of words and members answer with. Pure.
 */
#ifndef PLACES_H
#define PLACES_H

#include <stdint.h>

/* Pages of a segment, and blocks of a page (page.h). */
#define PLACES_PAGES  64u
#define PLACES_BLOCKS 16u

struct places {
    uint16_t blocks[PLACES_PAGES];
};

/* The pages that have such a block: bit p for page p. */
uint64_t places_pages(const struct places *places);
void places_fill(struct places *places);                      /* every block of every page */
void places_add_pages(struct places *places, uint64_t pages); /* every block of some pages */
void places_add(struct places *places, const struct places *more);
void places_keep(struct places *places, const struct places *only); /* what is in both */

#endif
