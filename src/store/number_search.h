/*
 * number_search.h - which rows of a page of numbers are within ranges.
 *
 * Numbers are compared as keys, for each count of fraction digits with bounds of its own (page.h);
 * so nothing is rounded. Values that have no key are for the caller to look at.
 */
#ifndef NUMBER_SEARCH_H
#define NUMBER_SEARCH_H

#include "codec.h"

/* The keys of a range, by the count of fraction digits, both ends included; none where low > high.
 * Of times all are alike. */
struct key_range {
    int64_t low[NUMBER_DIGITS_MAX + 1];
    int64_t high[NUMBER_DIGITS_MAX + 1];
};

struct number_search {
    const struct key_range *ranges; /* a row is to be in one of them */
    uint32_t range_count;
    const struct row_set *among; /* rows of the page */
    struct row_set *found;       /* to be added to; apart from `among` */
    struct row_set *exceptions;  /* gets those of `among` that are exceptions, times too */
};

/* In a page of PAGE_NUMBERS. */
void number_search_page(const struct number_search *search, const struct page *page);

/* In an encoded page of `rows` rows of CODEC_NUMBERS, of which nothing is decoded that can be told
 * without. Whatever the bytes, it ends; rows may have been added before damage is met. */
TALLY_MUST_CHECK tally_status number_search_encoded(const struct number_search *search,
                                                    struct bytes encoded, enum field_column hint,
                                                    uint32_t rows, struct tally_error *error);

#endif
