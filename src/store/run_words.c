/*
 * run_words.c - where in a run which words are.
 *
 * A segment's words are read when they are first asked for and kept as long as the reader is: a
 * filter may have more than one text to look for.
 */
#include "run_reader.h"

tally_status
run_find_words(struct run_reader *reader, uint64_t wanted, const struct word_question *question,
               struct places places_out[FIELD_COUNT], struct tally_error *error)
{
    struct run_words *words = &reader->words;
    if (words->state == RUN_WORDS_NEW) {
        tally_status status = TALLY_ABSENT;
        if (reader->run.segment != NULL)
            status = segment_find_words(reader->run.segment, &words->input, &words->index, error);
        if (status != TALLY_OK && status != TALLY_ABSENT)
            return status;
        words->state = status == TALLY_OK ? RUN_WORDS_THERE : RUN_WORDS_MISSING;
    }
    for (; wanted != 0; wanted &= wanted - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(wanted);
        if (words->state == RUN_WORDS_THERE)
            word_index_find(&words->index, field, question, &places_out[field]);
        else
            places_fill(&places_out[field]);
    }
    return TALLY_OK;
}
