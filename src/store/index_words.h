/*
 * index_words.h - the section of an index file that says which words stand in which pages.
 *
 * Its bytes are a word index (word_index.h). Its parameters are a byte: the version of Unicode by
 * which the words are folded (fold.h).
 */
#ifndef INDEX_WORDS_H
#define INDEX_WORDS_H

#include "index_section.h"
#include "word_index.h"

index_section_make index_words_make;

/* What the directory says of it. */
struct index_words {
    bool there;
    struct segment_block block;
};

/* Words that another version folded are left unasked, as if there were none: what is looked for is
 * found in the columns, and verification says how to get an index. */
bool index_words_open(const struct index_section *section, struct index_words *out);

/* Reads all of it into `input`, where the word index then lies. */
TALLY_MUST_CHECK tally_status index_words_read(const struct index_words *words,
                                               const struct segment_file *file,
                                               struct segment_input *input,
                                               struct word_index *index_out,
                                               struct tally_error *error);

#endif
