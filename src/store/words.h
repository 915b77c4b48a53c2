/*
 * words.h - the words of a column's values, each with the pages that have it, or with blocks of
 * these: what finds a text without reading the column.
 *
 * A word is a longest run of letters of a value, folded (fold.h). Letters are those of ASCII and
 * every byte beyond it, but a character of a script that is written without blanks is a word by
 * itself (word_alone). All else stands between words.
 *
 * The law: a value that a pattern matches has, for each word of the pattern, a word that fits. So a
 * block that lacks one of them has no match, and need not be read. The reverse is not promised.
 *
 * Values that are ids as page.h writes them (id_read) are left out: their letters say nothing. The
 * pages that have such a value are kept instead, for questions that an id may answer.
 *
 * Pure: bytes in, places out.
 */
#ifndef WORDS_H
#define WORDS_H

#include "bytes.h"
#include "places.h"

/* A column with more words, or more bytes of them in its list, has no list. */
#define WORDS_COUNT_MAX 65536u
#define WORDS_SIZE_MAX  (1u << 20)

/* A set of pages in a list is listed up to this size, one of blocks up to the other. */
#define WORDS_LISTED_MAX 11u
#define WORDS_BLOCKS_MAX 5u

/* Words of a pattern that are asked for; of more, the longest. */
#define WORDS_ASKED_MAX 16u

/* One word asked for: letters, and whether they begin the word and end it. */
struct word_asked {
    struct bytes letters;
    bool begins;
    bool ends;
};

struct word_question {
    uint32_t count; /* 0: the pattern has no letters, and all may match */
    bool ids;       /* an id may match, too */
    struct word_asked words[WORDS_ASKED_MAX];
};

/* The texts between a pattern's stars, folded, and at which ends a star stands. The question points
 * into them. */
struct word_pattern {
    const struct bytes *parts;
    uint32_t count;
    bool open_start;
    bool open_end;
};
void word_question_init(struct word_question *question, const struct word_pattern *pattern);

/* Where a match may be, in the column whose list this is. Any bytes are a list; those of a damaged
 * one say something else. */
void words_find(struct bytes list, const struct word_question *question, struct places *places_out);

/*
 * Cutting.
 */

/* Whether a byte is of a word. */
static inline bool
word_letter(uint8_t byte)
{
    return byte >= 0x80 || (uint8_t)((byte | 0x20) - 'a') < 26;
}

/* The size of the character at `at` if it is a word by itself, else 0: U+3000 to U+9FFF and U+10000
 * and above, by the first byte. Of a broken one what is there of it. */
static inline size_t
word_alone(const uint8_t *at, const uint8_t *end)
{
    if (*at < 0xe3 || (*at > 0xe9 && *at < 0xf0) || *at > 0xf4)
        return 0;
    size_t most = *at < 0xf0 ? 3 : 4;
    size_t size = 1;
    while (size < most && at + size < end && (at[size] & 0xc0) == 0x80)
        size++;
    return size;
}

/* The end of the word that begins at `at`, a letter. */
static inline const uint8_t *
word_end(const uint8_t *at, const uint8_t *end)
{
    size_t alone = word_alone(at, end);
    if (alone > 0)
        return at + alone;
    while (at < end && word_letter(*at) && word_alone(at, end) == 0)
        at++;
    return at;
}

#endif
