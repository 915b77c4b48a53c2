/*
 * run_column.h - what the store itself reads of a run beyond run.h: salts, and all ids.
 */
#ifndef RUN_COLUMN_H
#define RUN_COLUMN_H

#include "member_list.h"
#include "run.h"
#include "segment_directory.h"
#include "word_gather.h"

/* As run_page() and run_dictionary(), for a field or COLUMN_SALT. */
TALLY_MUST_CHECK tally_status run_column_page(struct run_reader *reader, unsigned column,
                                              uint32_t page, struct page *page_out,
                                              struct tally_error *error);
/* The part of a column around a row that is read for it, and the row's place there: of ids, of which
 * single blocks are stored, a block. Lent as a page is. */
TALLY_MUST_CHECK tally_status run_column_row(struct run_reader *reader, unsigned column,
                                             uint32_t row, struct page *page_out, uint32_t *at_out,
                                             struct tally_error *error);
TALLY_MUST_CHECK tally_status run_column_dictionary(struct run_reader *reader, unsigned column,
                                                    struct dictionary *dictionary_out,
                                                    struct tally_error *error);

/* The hash of every row's id, of a page or of all; the caller has room for as many. */
TALLY_MUST_CHECK tally_status run_page_id_hashes(struct run_reader *reader, uint32_t page,
                                                 uint64_t *hashes, struct tally_error *error);
TALLY_MUST_CHECK tally_status run_id_hashes(struct run_reader *reader, uint64_t *hashes,
                                            struct tally_error *error);

/* All tokens of a run (token.h), each page's once but for those of members, which are by block, and
 * those of ids, by row; and, where the run has at most WORD_PAGES_MAX pages, its words. */
struct run_tokens {
    uint64_t *tokens;
    size_t count;
    size_t capacity;
    size_t *ends; /* of each page in tokens */
    struct member_list members;
    uint64_t *ids; /* the token of every row's id, which is its hash */
    struct word_gather words;
};
/* Lent until the reader goes: they are found once. */
TALLY_MUST_CHECK tally_status run_tokens(struct run_reader *reader, struct run_tokens **tokens_out,
                                         struct tally_error *error);

/* Finds those of one page, for who goes through all rows anyway and is done with those of the page:
 * its columns are decoded then. Pages ascend from 0; with one that does not, and with one that cannot
 * be read, nothing happens: run_tokens() finds what is left, and says what is wrong. */
void run_tokens_along(struct run_reader *reader, uint32_t page);

/* How many rows of a page are control entries, and how many are erased. TALLY_DAMAGED where a row has
 * neither a salt nor a commitment. */
TALLY_MUST_CHECK tally_status run_page_kinds(struct run_reader *reader, uint32_t number,
                                             uint32_t *controls_out, uint32_t *erased_out,
                                             struct tally_error *error);

/* What run_times() takes from one of the two fields: each row's time, INT64_MAX where it has none; the
 * caller has room for the page's rows. */
TALLY_MUST_CHECK tally_status run_field_times(struct run_reader *reader, enum field_id field,
                                              uint32_t page, int64_t *times,
                                              struct tally_error *error);

const struct run *run_of(const struct run_reader *reader);

/* The fields of the private half: of those that have a value at least. */
TALLY_MUST_CHECK tally_status run_fields_private(struct run_reader *reader, uint64_t *fields_out,
                                                 struct tally_error *error);

#endif
