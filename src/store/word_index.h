/*
 * word_index.h - the words of a whole run: a list (words.h) for each column that free text looks
 * into.
 *
 * It is made from a run's values alone, whether they stand in a head or in a segment. Reading it
 * trusts nothing.
 */
#ifndef WORD_INDEX_H
#define WORD_INDEX_H

#include "buffer.h"
#include "run.h"
#include "word_gather.h"
#include "words.h"

/* A word index is never longer. */
#define WORD_INDEX_SIZE_MAX (FIELD_COUNT * (2 * WORDS_SIZE_MAX))

/* Appends the word index of the run, which has at most WORD_PAGES_MAX pages. */
TALLY_MUST_CHECK tally_status word_index_make(struct run_reader *reader, struct buffer *out,
                                              struct tally_error *error);

/* One that is being read: views into its bytes. */
struct word_index {
    struct word_column {
        enum {
            WORDS_ABSENT, /* the column has no words */
            WORDS_LISTED,
            WORDS_UNLISTED, /* it has too many */
        } state;
        struct bytes list;
    } columns[FIELD_COUNT];
};

/* False where the bytes are no word index. */
bool word_index_read(struct bytes encoded, struct word_index *index_out);

/* Where a value of the field may be what the question asks for. */
void word_index_find(const struct word_index *index, enum field_id field,
                     const struct word_question *question, struct places *places_out);

#endif
