/*
 * codec_fixture.h - pages of awkward values, for the tests of the codecs.
 *
 * A test takes memory for a page (calloc(1, sizeof(struct made_page))), puts values into it
 * (fill_awkward(), fill_text(), or its own), lets lay_out() make a page of some kind of them as a head
 * does, and holds a codec against its law with codec_law.h. A page of codes is made by
 * lay_out_codes() instead.
 *
 * All tests of a program share one workspace and one decoder: it is run with codec_set_up() and
 * codec_tear_down().
 */
#ifndef CODEC_FIXTURE_H
#define CODEC_FIXTURE_H

#include "codec_parts.h"

/* For cmocka_run_group_tests(). */
int codec_set_up(void **state);
int codec_tear_down(void **state);

extern struct codec_workspace *workspace;
extern struct page_decoder *decoder;

/* The next number at random, the same in each run; and one below `limit`, which is not 0. */
uint64_t draw(void);
uint32_t draw_below(uint32_t limit);

/* A page with all memory it may need, whatever its kind. `chunk` is what its dictionary, if it has one,
 * points to. */
struct made_page {
    struct page page;
    struct dictionary dictionary;
    const struct bytes *chunk;
    enum field_column hint;
    uint32_t codes[PAGE_ROWS];
    int64_t keys[PAGE_ROWS];
    uint8_t ids[PAGE_ROWS][16];
    uint8_t forms[PAGE_ROWS];
    struct bytes values[PAGE_ROWS];
    struct page_exception exceptions[PAGE_ROWS];
    char texts[PAGE_ROWS][PAGE_TEXT_MAX];
};

/* Awkward values for `rows` rows: empty, absent, NUL, all forms of numbers, times and ids, near misses,
 * random bytes. */
void fill_awkward(struct made_page *made, uint32_t rows);

/* Text like a column's: sentences of many kinds, so that a block alone has few of a kind. It is laid
 * out, too. */
void fill_text(struct made_page *made, uint32_t rows);

/* Lays out values[] as a page of a kind, the way a head does. */
void lay_out(struct made_page *made, enum page_kind kind, enum field_column hint, uint32_t rows);

/* Lays out a page of codes: the first `pool` of values[] become a dictionary, and the rows draw from it
 * or are absent. */
void lay_out_codes(struct made_page *made, uint32_t pool, uint32_t rows);

/* Bytes in memory of exactly their size, so that a sanitizer sees a step too far. To be freed. */
struct bytes exact_copy(struct bytes bytes);

#endif
