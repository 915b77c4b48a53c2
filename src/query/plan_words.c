/*
 * plan_words.c - texts looked for by a run's words, before any column is read.
 *
 * Free text, and patterns of a field or a member, are cut into words once (words.h); a run is asked
 * once where they may be, column by column: in which pages and, of rare words in free text, in which of
 * their blocks, so that no others are decoded. What has no words to ask for - digits alone, a
 * term that other than texts match, a field that entries may have under details - is not asked.
 *
 * The words fold case; a pattern that is compared by case is folded for them, which only finds more.
 */
#include "fault.h"
#include "fold.h"
#include "plan_parts.h"
#include "words.h"

#include <stdlib.h>

struct plan_words {
    bool asked; /* of the run */
    uint32_t count;
    struct word_question *questions; /* by value */
    uint8_t *folded;                 /* the parts of all patterns */
    struct bytes *parts;
    struct places places[FIELD_COUNT]; /* that may have a match */
};

void
plan_words_destroy(struct plan_words *words)
{
    if (words == NULL)
        return;
    free(words->questions);
    free(words->folded);
    free(words->parts);
    free(words);
}

/* Whether a term is of texts alone, in columns that have words. Equality with what is repeated has
 * better means. */
static bool
term_of_texts(const struct filter_term *term)
{
    if (term->target == TARGET_INDEX || term->since > 1 ||
        (term->target != TARGET_TEXT && (fields_searched() & FIELD_BIT(term->field)) == 0))
        return false;
    bool exact = true;
    for (uint32_t i = 0; i < term->value_count; i++) {
        if (term->values[i].kind != VALUE_TEXT)
            return false;
        exact &= pattern_exact(&term->values[i].pattern);
    }
    return !exact || term->target != TARGET_FIELD || fields[term->field].column == COLUMN_HINT_TEXT;
}

/* Folds every part of every value, and makes the questions of them. False where one asks nothing. */
static bool
questions_make(const struct filter_term *term, struct plan_words *words)
{
    struct bytes *part = words->parts;
    uint8_t *at = words->folded;
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct pattern *pattern = &term->values[i].pattern;
        struct word_pattern folded = { part, pattern->count, pattern->open_start,
                                       pattern->open_end };
        for (uint32_t j = 0; j < pattern->count; j++) {
            struct bytes text = pattern->parts[j];
            fold_text(text, at);
            *part++ = bytes_of(at, text.size);
            at += text.size;
        }
        word_question_init(&words->questions[i], &folded);
        if (words->questions[i].count == 0)
            return false;
    }
    return true;
}

tally_status
plan_words_create(const struct filter_term *term, struct plan_words **words_out,
                  struct tally_error *error)
{
    size_t parts = 0, size = 0;
    *words_out = NULL;
    if (!term_of_texts(term))
        return TALLY_OK;
    for (uint32_t i = 0; i < term->value_count; i++) {
        parts += term->values[i].pattern.count;
        for (uint32_t j = 0; j < term->values[i].pattern.count; j++)
            size += term->values[i].pattern.parts[j].size;
    }

    struct plan_words *words = calloc(1, sizeof *words);
    if (words == NULL)
        return memory_fault(error);
    words->count = term->value_count;
    words->questions = calloc(words->count, sizeof *words->questions);
    words->folded = malloc(size + 1);
    words->parts = calloc(parts + 1, sizeof *words->parts);
    bool made = words->questions != NULL && words->folded != NULL && words->parts != NULL;
    if (made && questions_make(term, words)) {
        *words_out = words;
        return TALLY_OK;
    }
    plan_words_destroy(words);
    return made ? TALLY_OK : memory_fault(error);
}

void
plan_words_turn(struct plan_words *words)
{
    if (words != NULL)
        words->asked = false;
}

static tally_status
ask_run(const struct plan *plan, const struct plan_node *node, struct tally_error *error)
{
    struct plan_words *words = node->words;
    uint64_t wanted = 0;
    for (uint32_t i = 0; i < node->column_count; i++)
        wanted |= FIELD_BIT(node->columns[i].field);
    memset(words->places, 0, sizeof words->places);
    for (uint32_t i = 0; i < words->count; i++) {
        struct places places[FIELD_COUNT];
        tally_status status =
            run_find_words(plan->reader, wanted, &words->questions[i], places, error);
        if (status != TALLY_OK)
            return status;
        for (uint64_t rest = wanted; rest != 0; rest &= rest - 1) {
            unsigned field = (unsigned)__builtin_ctzll(rest);
            places_add(&words->places[field], &places[field]);
        }
    }
    words->asked = true;
    return TALLY_OK;
}

tally_status
plan_words_pages(const struct plan *plan, const struct plan_node *node, uint64_t *pages_out,
                 struct tally_error *error)
{
    struct plan_words *words = node->words;
    uint64_t pages = 0;
    if (!words->asked) {
        tally_status status = ask_run(plan, node, error);
        if (status != TALLY_OK)
            return status;
    }
    for (uint32_t i = 0; i < node->column_count; i++)
        pages |= places_pages(&words->places[node->columns[i].field]);
    *pages_out = pages;
    return TALLY_OK;
}

tally_status
plan_words_possible(const struct plan *plan, const struct plan_node *node, enum field_id field,
                    uint32_t page, bool *possible_out, struct tally_error *error)
{
    struct plan_words *words = node->words;
    if (words != NULL && !words->asked) {
        tally_status status = ask_run(plan, node, error);
        if (status != TALLY_OK)
            return status;
    }
    *possible_out = words == NULL || page >= PLACES_PAGES || words->places[field].blocks[page] != 0;
    return TALLY_OK;
}

unsigned
plan_words_blocks(const struct plan_node *node, enum field_id field, uint32_t page)
{
    const struct plan_words *words = node->words;
    return words == NULL || page >= PLACES_PAGES ? UINT16_MAX : words->places[field].blocks[page];
}
