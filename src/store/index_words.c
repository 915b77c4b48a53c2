/*
 * index_words.c - the words of a segment, as they are stored.
 *
 * A question reads all of the section at once, which is some kilobytes, and holds it against its
 * checksum. A segment of more than 64 pages has none.
 */
#include "index_words.h"

#include "fault.h"
#include "fold.h"
#include "run_column.h"

static const struct segment_place place = { .part = "words" };

tally_status
index_words_make(struct run_reader *reader, struct index_content *content,
                 struct tally_error *error)
{
    if (run_page_count(run_of(reader)) > WORD_PAGES_MAX)
        return TALLY_OK;
    buffer_byte(&content->parameters, FOLD_UNICODE);
    if (buffer_failed(&content->parameters))
        return memory_fault(error);
    return word_index_make(reader, &content->bytes, error);
}

/* Words that were folded in another way would hide what a question is folded to. */
bool
index_words_open(const struct index_section *section, struct index_words *out)
{
    if (section->parameters.size != 1 || section->parameters.data[0] != FOLD_UNICODE)
        return true;
    if (section->block.size > WORD_INDEX_SIZE_MAX)
        return false;
    *out = (struct index_words){ .there = true, .block = section->block };
    return true;
}

tally_status
index_words_read(const struct index_words *words, const struct segment_file *file,
                 struct segment_input *input, struct word_index *index_out,
                 struct tally_error *error)
{
    tally_status status = segment_file_read(file, &words->block, &place, input, error);
    if (status == TALLY_OK && !word_index_read(buffer_view(&input->bytes), index_out))
        status = segment_file_fault(file, &place, "make no sense", error);
    return status;
}
