/*
 * word_set.h - the words of one column while they are collected.
 *
 * Values come in any order, each with the pages that have it or, where its block is told, with
 * that; the list that comes out depends only on which words are where. A word that was met without
 * a block, or in more than WORDS_BLOCKS_MAX of them, is listed with its pages. words.h says what a
 * word is, and how the list is asked.
 */
#ifndef WORD_SET_H
#define WORD_SET_H

#include "buffer.h"
#include "tally/status.h"

#include <limits.h>

struct word_slot;

struct word_set {
    struct word_slot *slots;
    unsigned bits; /* 1 << bits of them */
    uint32_t count;
    size_t size;          /* bytes of all words */
    uint64_t ids;         /* pages with values that were left out */
    unsigned block;       /* that values stand in, or WORD_ANYWHERE */
    struct buffer longer; /* words that a slot has no room for */
    struct buffer text;   /* one value, decoded or folded */
    bool failed;          /* memory was short */
};

TALLY_MUST_CHECK tally_status word_set_init(struct word_set *set, struct tally_error *error);
void word_set_finish(struct word_set *set);

/* The values that come now, each of one page, stand in this block of it (0 to PLACES_BLOCKS - 1);
 * or WORD_ANYWHERE, as it is at first. */
#define WORD_ANYWHERE UINT_MAX
void word_set_turn(struct word_set *set, unsigned block);

/* Adds the words of a text, or those of the strings, numbers and literals within an object, not of
 * its members' names; or notes that an id was left out. */
void word_set_text(struct word_set *set, struct bytes text, uint64_t pages);
void word_set_object(struct word_set *set, struct bytes json, uint64_t pages);
void word_set_id(struct word_set *set, uint64_t pages);

/* The same for who walks through an object himself: a string's text as it stands between its
 * quotes, without and with escapes, or the letters of a literal or exponent. What is behind the
 * text up to `limit` may be looked at, and begins with no letter. */
void word_set_within(struct word_set *set, struct bytes text, const uint8_t *limit, uint64_t pages);
void word_set_escaped(struct word_set *set, struct bytes inside, uint64_t pages);

/* Appends the list. TALLY_ABSENT, with nothing appended, where it would be too long (words.h). */
TALLY_MUST_CHECK tally_status word_set_list(const struct word_set *set, struct buffer *out,
                                            struct tally_error *error);

#endif
