/*
 * codec_law.h - the laws of the codecs: decode(encode(page)) has the same value in every row, and what
 * can be asked of encoded bytes without decoding them is what the decoded page says.
 *
 * Each function fails the test where its law is broken. Those that encode return the encoded size.
 */
#ifndef CODEC_LAW_H
#define CODEC_LAW_H

#include "codec_fixture.h"

/* The law for a page, through any codec but CODEC_TEXT. With it all that holds of encoded pages of codes
 * (codes_in(), codes_gather16()) and of numbers, and what the page's summary says. */
size_t check_page(const struct made_page *made, enum codec codec);

/* The law for blocks of text, alone and as a page, with or without a primer. */
size_t check_blocks(const struct made_page *made, const struct primer *encode,
                    const struct primer *decode);

/* Each id of a block of ids by itself is what it is in the decoded block. */
void check_lone_ids(struct bytes encoded, const struct page *block);

/* The law for blocks of ids: each alone, and all of them as a page. */
void check_id_blocks(const struct made_page *made);

/* A row of a block of text by its strip is what it is in the block, which has `values`. */
void check_strips(struct bytes encoded, uint32_t rows, const struct primer *decode,
                  const struct bytes *values);

/*
 * Of check_page(), what holds of numbers only (codec_law_numbers.c). `page` is the decoded page, and
 * `encoded` its bytes.
 */

/* What is found in a page that is searched, as it lies or decoded, is what its rows' forms and keys
 * say. */
void check_searches(enum field_column hint, const struct page *page, struct bytes encoded);

/* Blocks that are read alone have what the page has; where one has exceptions, it says so. */
void check_number_blocks(const struct made_page *made, const struct page *page,
                         struct bytes encoded);

/* Times of some rows are those that the page has; where one is an exception, it says so. */
void check_lowered(const struct page *page, struct bytes encoded);

/* What a page of numbers says of itself, at length: bounds in the most fraction digits of any row, in
 * numbers that are long enough. */
void check_number_summary(const struct made_page *made, const struct page *page,
                          const struct page_summary *summary);

static inline bool
same_value(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && bytes_equal(a, b);
}

#endif
