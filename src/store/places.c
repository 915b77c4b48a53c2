/*
 * places.c - sets of blocks, page by page.
 */
#include "places.h"

#include <string.h>

uint64_t
places_pages(const struct places *places)
{
    uint64_t pages = 0;
    for (unsigned page = 0; page < PLACES_PAGES; page++)
        pages |= (uint64_t)(places->blocks[page] != 0) << page;
    return pages;
}

void
places_fill(struct places *places)
{
    memset(places, 0xff, sizeof *places);
}

void
places_add_pages(struct places *places, uint64_t pages)
{
    for (; pages != 0; pages &= pages - 1)
        places->blocks[__builtin_ctzll(pages)] = UINT16_MAX;
}

void
places_add(struct places *places, const struct places *more)
{
    for (unsigned page = 0; page < PLACES_PAGES; page++)
        places->blocks[page] |= more->blocks[page];
}

void
places_keep(struct places *places, const struct places *only)
{
    for (unsigned page = 0; page < PLACES_PAGES; page++)
        places->blocks[page] &= only->blocks[page];
}
