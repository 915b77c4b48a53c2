/*
 * Masking.
 *
 * Names are asked for once a member, so nearly all of them must be let through at once: their last
 * three characters (case and separators put aside) select a bit of a table that says whether any
 * masked name ends so. Only then are names compared, from their ends. Where a name ends in digits or
 * in an s, it is asked for without these, too.
 *
 * Card numbers are card.h's matter, keys that are known by their form issued_key.h's, names in texts
 * credential.h's. Expressions are the C library's: each is asked for its next match in the text as it
 * was, and what two of them take together becomes one mask. glibc lets one thread
 * at a time execute an expression (its automaton grows as it is used), and a child after fork() would
 * find it locked for good; so each thread compiles its own.
 */
#include "mask.h"

#include "ascii.h"
#include "card.h"
#include "credential.h"
#include "fault.h"
#include "issued_key.h"

#include <locale.h>
#include <regex.h>
#include <stdlib.h>

#include "tally/client.h"

#define NAMES_MAX    1024
#define PATTERNS_MAX 32
/* A name shorter than this is a secret only as a word of its own: a pin is one, a spin is not. */
#define WORD_SIZE 5

struct mask {
    struct buffer text;  /* the names, folded, one after the other */
    struct bytes *names; /* into it */
    size_t name_count;
    /* By the low bits of characters: bit c of ends[a][b] says that a name ends with c, b, a. */
    uint32_t ends[32][32];
    regex_t patterns[PATTERNS_MAX];
    char *sources[PATTERNS_MAX]; /* of the patterns */
    size_t pattern_count;
    locale_t locale; /* that they are compiled in */
};

/* A character as names are compared: 0 is one that does not count, as the brackets that forms put
 * around parts of names: user[password], tokens[0]. */
static inline uint8_t
fold(uint8_t c)
{
    if (c == '_' || c == '-' || c == ' ' || c == '[' || c == ']')
        return 0;
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* The character before *at that counts, folded; 0 where there is none. */
static inline uint8_t
fold_back(struct bytes name, size_t *at)
{
    while (*at > 0) {
        uint8_t c = fold(name.data[--*at]);
        if (c != 0)
            return c;
    }
    return 0;
}

/* Whether a word of the name begins at `at`: user_pin, user.pin, userPin. */
static bool
begins_word(struct bytes name, size_t at)
{
    if (at == 0)
        return true;
    uint8_t before = name.data[at - 1];
    bool letter = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z');
    bool lower = before >= 'a' && before <= 'z';
    return !letter || (lower && name.data[at] >= 'A' && name.data[at] <= 'Z');
}

static bool
ends_with(struct bytes name, struct bytes masked)
{
    size_t at = name.size;
    for (size_t i = masked.size; i > 0; i--) {
        if (fold_back(name, &at) != masked.data[i - 1])
            return false;
    }
    return masked.size >= WORD_SIZE || begins_word(name, at);
}

static inline bool
may_end(const struct mask *mask, uint8_t before, uint8_t middle, uint8_t last)
{
    return (mask->ends[last & 31][middle & 31] >> (before & 31) & 1) != 0;
}

static bool
is_masked(const struct mask *mask, struct bytes name)
{
    size_t at = name.size;
    const uint8_t *end = name.data + at;
    /* The low five bits are the same in both cases; but separators do not count. */
    if (at >= 3 && fold(end[-1]) != 0 && fold(end[-2]) != 0 && fold(end[-3]) != 0 &&
        !may_end(mask, end[-3], end[-2], end[-1]))
        return false;
    uint8_t last = fold_back(name, &at);
    uint8_t middle = fold_back(name, &at);
    uint8_t before = fold_back(name, &at);
    if (!may_end(mask, before, middle, last))
        return false;
    for (size_t i = 0; i < mask->name_count; i++) {
        if (ends_with(name, mask->names[i]))
            return true;
    }
    return false;
}

static bool
is_digit_or_separator(uint8_t c)
{
    return fold(c) == 0 || ascii_is_digit(c);
}

enum mask_name
mask_name_kind(const struct mask *mask, struct bytes name)
{
    if (is_masked(mask, name))
        return MASK_NAME_SECRET;
    struct bytes stem = name;
    while (stem.size > 0 && is_digit_or_separator(stem.data[stem.size - 1]))
        stem.size--;
    if (stem.size < name.size && is_masked(mask, stem))
        return MASK_NAME_SECRET;
    if (stem.size == 0 || (stem.data[stem.size - 1] | 0x20) != 's')
        return MASK_NAME_PLAIN;
    stem.size--;
    return is_masked(mask, stem) ? MASK_NAME_SECRETS : MASK_NAME_PLAIN;
}

/* Of a name shorter than three characters all that could stand before it. */
static void
add_end(struct mask *mask, const uint8_t *end, size_t size)
{
    uint32_t *ends = mask->ends[end[-1] & 31];
    if (size > 2)
        ends[end[-2] & 31] |= UINT32_C(1) << (end[-3] & 31);
    else if (size == 2)
        ends[end[-2] & 31] = UINT32_MAX;
    else
        memset(ends, 0xff, sizeof mask->ends[0]);
}

static tally_status
add_name(struct mask *mask, struct bytes name, struct tally_error *error)
{
    size_t start = mask->text.size;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = fold(name.data[i]);
        if (c != 0)
            buffer_byte(&mask->text, c);
    }
    struct bytes folded = bytes_of(NULL, mask->text.size - start);
    if (buffer_failed(&mask->text))
        return memory_fault(error);
    if (folded.size == 0)
        return fault(error, TALLY_INVALID, "mask_names: '%.*s' is no name", BYTES_ARG(name));
    if (mask->name_count == NAMES_MAX)
        return fault(error, TALLY_INVALID, "mask_names: there are more than %d", NAMES_MAX);

    add_end(mask, mask->text.data + mask->text.size, folded.size);
    mask->names[mask->name_count++] = folded;
    return TALLY_OK;
}

static tally_status
add_standard_names(struct mask *mask, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (const char *at = TALLY_MASK_NAMES; *at != '\0' && status == TALLY_OK;) {
        size_t size = strcspn(at, " ");
        status = add_name(mask, bytes_of(at, size), error);
        at += size + (at[size] == ' ');
    }
    return status;
}

/* Once the text does not move any more. */
static void
place_names(struct mask *mask)
{
    const uint8_t *at = mask->text.data;
    for (size_t i = 0; i < mask->name_count; i++) {
        mask->names[i].data = at;
        at += mask->names[i].size;
    }
}

static tally_status
add_names(struct mask *mask, const char *const *names, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (names == NULL)
        status = add_standard_names(mask, error);
    for (size_t i = 0; names != NULL && names[i] != NULL && status == TALLY_OK; i++)
        status = add_name(mask, bytes_text(names[i]), error);
    if (status == TALLY_OK)
        place_names(mask);
    return status;
}

static int
compile(const struct mask *mask, const char *pattern, regex_t *regex)
{
    locale_t before = uselocale(mask->locale);
    int result = regcomp(regex, pattern, REG_EXTENDED);
    (void)uselocale(before);
    return result;
}

static tally_status
add_pattern(struct mask *mask, const char *pattern, struct tally_error *error)
{
    if (mask->pattern_count == PATTERNS_MAX)
        return fault(error, TALLY_INVALID, "mask_patterns: there are more than %d", PATTERNS_MAX);
    regex_t *regex = &mask->patterns[mask->pattern_count];
    char *source = strdup(pattern);
    if (source == NULL)
        return memory_fault(error);
    int result = compile(mask, pattern, regex);
    if (result != 0) {
        char reason[128];
        (void)regerror(result, regex, reason, sizeof reason);
        free(source);
        return fault(error, result == REG_ESPACE ? TALLY_NO_MEMORY : TALLY_INVALID,
                     "mask_patterns: '%s': %s", pattern, reason);
    }
    mask->sources[mask->pattern_count++] = source;
    return TALLY_OK;
}

/* Without names and patterns. */
static tally_status
make(locale_t locale, struct mask **mask_out, struct tally_error *error)
{
    struct mask *mask = calloc(1, sizeof *mask);
    if (mask == NULL)
        return memory_fault(error);
    mask->names = calloc(NAMES_MAX, sizeof *mask->names);
    mask->locale = duplocale(locale);
    if (mask->names == NULL || mask->locale == (locale_t)0) {
        mask_destroy(mask);
        return memory_fault(error);
    }
    *mask_out = mask;
    return TALLY_OK;
}

tally_status
mask_create(const char *const *names, const char *const *patterns, struct mask **mask_out,
            struct tally_error *error)
{
    struct mask *mask;
    tally_status status = make(uselocale((locale_t)0), &mask, error);
    if (status != TALLY_OK)
        return status;
    status = add_names(mask, names, error);
    for (size_t i = 0; patterns != NULL && patterns[i] != NULL && status == TALLY_OK; i++)
        status = add_pattern(mask, patterns[i], error);
    if (status != TALLY_OK) {
        mask_destroy(mask);
        return status;
    }
    *mask_out = mask;
    return TALLY_OK;
}

tally_status
mask_clone(const struct mask *mask, struct mask **clone_out, struct tally_error *error)
{
    struct mask *clone;
    tally_status status = make(mask->locale, &clone, error);
    if (status != TALLY_OK)
        return status;
    memcpy(clone->ends, mask->ends, sizeof clone->ends);
    memcpy(clone->names, mask->names, mask->name_count * sizeof *clone->names);
    clone->name_count = mask->name_count;
    buffer_bytes(&clone->text, buffer_view(&mask->text));
    if (buffer_failed(&clone->text))
        status = memory_fault(error);
    else
        place_names(clone);
    for (size_t i = 0; i < mask->pattern_count && status == TALLY_OK; i++)
        status = add_pattern(clone, mask->sources[i], error);
    if (status != TALLY_OK) {
        mask_destroy(clone);
        return status;
    }
    *clone_out = clone;
    return TALLY_OK;
}

void
mask_destroy(struct mask *mask)
{
    if (mask == NULL)
        return;
    for (size_t i = 0; i < mask->pattern_count; i++) {
        regfree(&mask->patterns[i]);
        free(mask->sources[i]);
    }
    if (mask->locale != (locale_t)0)
        freelocale(mask->locale);
    free(mask->names);
    buffer_free(&mask->text);
    free(mask);
}

bool
mask_has_patterns(const struct mask *mask)
{
    return mask->pattern_count > 0;
}

/* A part of a text; `start` is SIZE_MAX where there is none. */
struct span {
    size_t start;
    size_t end;
};

static const struct span no_span = { SIZE_MAX, SIZE_MAX };

/* Whether a byte goes on with the character before it. */
static bool
continues(struct bytes text, size_t at)
{
    return at > 0 && at < text.size && (text.data[at] & 0xc0) == 0x80;
}

/* The next match that is not empty, in whole characters: the program's locale may be one where
 * expressions match bytes. Where memory is short, everything is taken: better that than a secret
 * on record. */
static struct span
find_pattern(const regex_t *regex, struct bytes text, size_t from)
{
    struct span found = { from, from };
    while (found.start < text.size && found.start == found.end) {
        regmatch_t match = { .rm_so = (regoff_t)found.end, .rm_eo = (regoff_t)text.size };
        int result = regexec(regex, (const char *)text.data, 1, &match, REG_STARTEND);
        if (result == REG_NOMATCH)
            return no_span;
        if (result != 0)
            return (struct span){ from, text.size };
        found = (struct span){ (size_t)match.rm_so, (size_t)match.rm_eo };
        if (found.start == found.end)
            found.start = ++found.end;
    }
    if (found.start >= text.size)
        return no_span;
    while (found.start > from && continues(text, found.start))
        found.start--;
    while (continues(text, found.end))
        found.end++;
    return found;
}

/* What is looked for in a text: these, if it is free, and expressions. */
enum {
    CARD,
    ISSUED_KEY,
    CREDENTIAL,
    FIRST_PATTERN,
};

struct search {
    const struct mask *mask;
    struct bytes text;
    bool free;
    struct span spans[FIRST_PATTERN + PATTERNS_MAX]; /* the next of each */
};

static struct span
find_free(const struct search *search, size_t which, size_t from)
{
    struct span span;
    struct bytes text = search->text;
    bool found = which == CARD ? card_find(text, from, &span.start, &span.end)
                 : which == ISSUED_KEY
                     ? issued_key_find(text, from, &span.start, &span.end)
                     : credential_find(search->mask, text, from, &span.start, &span.end);
    return found ? span : no_span;
}

static void
find(struct search *search, size_t which, size_t from)
{
    struct span *span = &search->spans[which];
    if (which >= FIRST_PATTERN)
        *span = find_pattern(&search->mask->patterns[which - FIRST_PATTERN], search->text, from);
    else
        *span = search->free ? find_free(search, which, from) : no_span;
}

/* The first span of all; what overlaps it is joined to it, and those are looked for anew behind
 * it. */
static struct span
next_span(struct search *search)
{
    size_t count = FIRST_PATTERN + search->mask->pattern_count;
    struct span first = no_span;
    for (size_t i = 0; i < count; i++) {
        if (search->spans[i].start < first.start)
            first = search->spans[i];
    }
    for (size_t i = 0; i < count;) {
        if (search->spans[i].start < first.end) {
            if (search->spans[i].end > first.end)
                first.end = search->spans[i].end;
            find(search, i, first.end);
            i = 0;
        } else {
            i++;
        }
    }
    return first;
}

/* Replaces what is found, and says in how many places. */
static unsigned
replace(struct search *search, struct buffer *out)
{
    struct bytes text = search->text;
    unsigned places = 0;
    size_t at = 0;
    for (size_t i = 0; i < FIRST_PATTERN + search->mask->pattern_count; i++)
        find(search, i, 0);
    for (;;) {
        struct span span = next_span(search);
        if (span.start == SIZE_MAX)
            break;
        buffer_bytes(out, bytes_of(text.data + at, span.start - at));
        buffer_text(out, MASK_TEXT);
        at = span.end;
        places++;
    }
    if (places > 0)
        buffer_bytes(out, bytes_of(text.data + at, text.size - at));
    return places;
}

/* Of a free text, expressions aside. Most have none. */
static bool
has_secret(const struct mask *mask, struct bytes text)
{
    size_t start, end;
    return credential_find(mask, text, 0, &start, &end) || card_find(text, 0, &start, &end) ||
           issued_key_find(text, 0, &start, &end);
}

unsigned
mask_text(const struct mask *mask, struct bytes text, enum mask_text_kind kind, struct buffer *out)
{
    struct search search;
    search.mask = mask;
    search.text = text;
    search.free = kind == MASK_FREE_TEXT;
    if (mask->pattern_count == 0)
        return search.free && has_secret(mask, text) ? replace(&search, out) : 0;

    /* regexec() is told the size, but is promised a NUL all the same. */
    struct buffer copy = { 0 };
    buffer_bytes(&copy, text);
    buffer_byte(&copy, '\0');
    if (buffer_failed(&copy)) {
        buffer_text(out, MASK_TEXT);
        return 1;
    }
    search.text = bytes_of(copy.data, text.size);
    unsigned places = replace(&search, out);
    buffer_free(&copy);
    return places;
}
