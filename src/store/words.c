/*
 * words.c - a column's list of words, and asking it.
 *
 * The list is one text, made so that a word, or a piece of one, is found by looking for its bytes:
 *
 *     list     entries, words ascending bytewise; the first may have no word: the ids' pages
 *     entry    letters, then a set, of bytes that are no letters
 *     set      1 to 11 pages    each as a byte 0x00 to 0x3f, ascending
 *              more             0x40, then 11 bytes of 6 bits each, the lowest pages first
 *              1 to 5 blocks    0x5b, then each as two bytes, its page and its place there, ascending
 *
 * A list of some thousand words is some ten thousand bytes, which are gone through faster than a
 * tree would be read; what a substring costs is what a word costs.
 *
 * A pattern's part is cut as values are. Of its words, those with something else on both sides must
 * be there whole. The first one may be the end of a longer word, and the last one the beginning of
 * one, where the part's end is not the value's; a part that is one run of letters may be the middle
 * of one.
 */
#include "words.h"

#define SET_WHOLE      0x40u
#define SET_WHOLE_SIZE 11u
#define SET_BLOCKS     0x5bu
#define ALL_BLOCKS     0xffffu
#define SHORT_SIZE     128u

/*
 * Questions.
 */

/* Keeps a word; of too many, the longest, which fewest pages have. */
static void
question_add(struct word_question *question, const struct word_asked *asked)
{
    if (question->count < WORDS_ASKED_MAX) {
        question->words[question->count++] = *asked;
        return;
    }
    uint32_t shortest = 0;
    for (uint32_t i = 1; i < question->count; i++) {
        if (question->words[i].letters.size < question->words[shortest].letters.size)
            shortest = i;
    }
    if (question->words[shortest].letters.size < asked->letters.size)
        question->words[shortest] = *asked;
}

/* The words of one part; `begins` and `ends` where its ends are the value's. */
static void
part_cut(struct word_question *question, struct bytes part, bool begins, bool ends)
{
    const uint8_t *end = part.data + part.size;
    for (const uint8_t *at = part.data; at < end;) {
        if (!word_letter(*at)) {
            at++;
            continue;
        }
        const uint8_t *behind = word_end(at, end);
        bool alone = word_alone(at, end) > 0;
        struct word_asked asked = {
            .letters = bytes_of(at, (size_t)(behind - at)),
            .begins = alone || begins || at > part.data,
            .ends = alone || ends || behind < end,
        };
        question_add(question, &asked);
        at = behind;
    }
}

/* Whether a part has no character that the spelling of an id has not. */
static bool
within_id(struct bytes part)
{
    for (size_t i = 0; i < part.size; i++) {
        uint8_t c = part.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != '-')
            return false;
    }
    return true;
}

void
word_question_init(struct word_question *question, const struct word_pattern *pattern)
{
    *question = (struct word_question){ .ids = true };
    for (uint32_t i = 0; i < pattern->count; i++) {
        bool first = i == 0, last = i == pattern->count - 1;
        question->ids &= within_id(pattern->parts[i]);
        part_cut(question, pattern->parts[i], first && !pattern->open_start,
                 last && !pattern->open_end);
    }
}

/*
 * Lists.
 */

/* Adds the set at `at`, up to the next word. */
static void
set_read(const uint8_t *at, const uint8_t *end, struct places *places)
{
    if (at < end && *at == SET_WHOLE) {
        at++;
        for (unsigned i = 0; i < SET_WHOLE_SIZE && at < end; i++, at++) {
            for (unsigned bits = *at & 0x3f; bits != 0; bits &= bits - 1)
                places->blocks[(6 * i + (unsigned)__builtin_ctz(bits)) % PLACES_PAGES] = ALL_BLOCKS;
        }
        return;
    }
    if (at < end && *at == SET_BLOCKS) {
        for (at++; end - at >= 2 && at[0] < PLACES_PAGES && at[1] < PLACES_BLOCKS; at += 2)
            places->blocks[at[0]] |= (uint16_t)(1u << at[1]);
        return;
    }
    for (; at < end && *at < SET_WHOLE; at++)
        places->blocks[*at] = ALL_BLOCKS;
}

/* memmem prepares a table for each call, which is most of its cost on a short list. */
static const uint8_t *
find(const uint8_t *at, const uint8_t *end, struct bytes letters)
{
    size_t size = (size_t)(end - at);
    if (size < letters.size)
        return NULL;
    if (size > SHORT_SIZE)
        return memmem(at, size, letters.data, letters.size);
    const uint8_t *last = end - letters.size;
    while (at <= last) {
        at = memchr(at, letters.data[0], (size_t)(last - at) + 1);
        if (at == NULL || memcmp(at, letters.data, letters.size) == 0)
            return at;
        at++;
    }
    return NULL;
}

/* Adds the places of all words that the letters fit. */
static void
asked_find(struct bytes list, const struct word_asked *asked, struct places *places)
{
    const uint8_t *end = list.data + list.size;
    const uint8_t *at = list.data;
    while ((at = find(at, end, asked->letters)) != NULL) {
        const uint8_t *behind = at + asked->letters.size;
        if ((asked->begins && at > list.data && word_letter(at[-1])) ||
            (asked->ends && behind < end && word_letter(*behind))) {
            at++; /* the word may have them once more */
            continue;
        }
        while (behind < end && word_letter(*behind))
            behind++;
        set_read(behind, end, places);
        at = behind;
    }
}

void
words_find(struct bytes list, const struct word_question *question, struct places *places_out)
{
    if (list.size == 0 && question->count > 0) {
        *places_out = (struct places){ 0 };
        return;
    }
    places_fill(places_out);
    if (list.size == 0)
        return;
    for (uint32_t i = 0; i < question->count; i++) {
        struct places found = { 0 };
        asked_find(list, &question->words[i], &found);
        places_keep(places_out, &found);
    }
    if (question->ids)
        set_read(list.data, list.data + list.size, places_out);
}
