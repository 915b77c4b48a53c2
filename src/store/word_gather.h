/*
 * word_gather.h - the words of all columns of a run, while its pages are gone through.
 *
 * Pages come in any order, each at most once. A value that is kept as a code is cut once, when the
 * column's list is made: until then only the pages are noted that have the code.
 */
#ifndef WORD_GATHER_H
#define WORD_GATHER_H

#include "page.h"
#include "word_set.h"

/* A set of pages has a bit for each. */
#define WORD_PAGES_MAX 64u

/* Which block of its page the words of a row's value are put into (word_set_turn). */
unsigned word_gather_block(enum field_id field, uint32_t row);

/* Zeroed is empty. */
struct word_gather {
    struct word_gather_column {
        struct word_set set;  /* without slots until something is added */
        uint64_t *code_pages; /* by code; NULL until there are some */
        uint32_t code_count;
    } columns[FIELD_COUNT];
};
void word_gather_finish(struct word_gather *gather);

/* A column's set, to add words to. */
TALLY_MUST_CHECK tally_status word_gather_set(struct word_gather *gather, enum field_id field,
                                              struct word_set **set_out, struct tally_error *error);

/* The sets of pages that have each of `count` codes, to add pages to. */
TALLY_MUST_CHECK tally_status word_gather_codes(struct word_gather *gather, enum field_id field,
                                                uint32_t count, uint64_t **pages_out,
                                                struct tally_error *error);

/* Adds a page that is not one of codes. */
TALLY_MUST_CHECK tally_status word_gather_page(struct word_gather *gather, enum field_id field,
                                               const struct page *page, uint64_t pages,
                                               struct tally_error *error);

/* Appends a column's list, of whose codes the dictionary is. TALLY_ABSENT, with nothing appended,
 * where it would be too long (words.h). */
TALLY_MUST_CHECK tally_status word_gather_list(struct word_gather *gather, enum field_id field,
                                               const struct dictionary *dictionary,
                                               struct buffer *out, struct tally_error *error);

#endif
