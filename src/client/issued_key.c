/*
 * Finding keys by their form.
 *
 * Every such key begins with a run of at least RUN_MIN letters, digits, _ and -, and most texts have no
 * such run, or few: looking at every RUN_MIN-th byte misses none. Of a run the beginning is compared
 * with those of keys, if its first character is one of theirs.
 *
 * Words begin like keys, too (`npm_config_…`), so that what follows has to have a digit.
 */
#include "issued_key.h"

#include "ascii.h"
#include "field.h"

#define RUN_MIN 10 /* `-----BEGIN` */
#define KEY_MIN 20 /* an id of AWS */

/* `Bearer` stands before many a word; before a shorter one it is a sentence. */
#define BEARER_MIN 16
/* How far before a run its word may begin. */
#define WORD_LOOK 32

#define JWT_PART_MIN 8

struct form {
    struct bytes begin;
    size_t min; /* bytes that follow */
};

static const struct form forms[] = {
    { BYTES("AKIA"), 16 },     { BYTES("ASIA"), 16 },     { BYTES("AIza"), 35 },
    { BYTES("ghp_"), 36 },     { BYTES("gho_"), 36 },     { BYTES("ghu_"), 36 },
    { BYTES("ghs_"), 36 },     { BYTES("ghr_"), 36 },     { BYTES("github_pat_"), 22 },
    { BYTES("glpat-"), 20 },   { BYTES("npm_"), 36 },     { BYTES("pypi-"), 60 },
    { BYTES("rk_live_"), 16 }, { BYTES("rk_test_"), 16 }, { BYTES("sk_live_"), 16 },
    { BYTES("sk_test_"), 16 }, { BYTES("sk-ant-"), 20 },  { BYTES("sk-proj-"), 20 },
    { BYTES("tally_"), 43 },   { BYTES("whsec_"), 24 },   { BYTES("xapp-"), 16 },
    { BYTES("xoxa-"), 16 },    { BYTES("xoxb-"), 16 },    { BYTES("xoxe-"), 16 },
    { BYTES("xoxp-"), 16 },    { BYTES("xoxr-"), 16 },    { BYTES("xoxs-"), 16 },
};

#define BIT(c) (UINT64_C(1) << ((c)&63))
#define FORM_LETTERS                                                                         \
    (BIT('A') | BIT('g') | BIT('n') | BIT('p') | BIT('r') | BIT('s') | BIT('t') | BIT('w') | \
     BIT('x'))

struct run {
    size_t start, end;
};

static inline bool
is_of_run(uint8_t c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '-';
}

/* RFC 6750, section 2.1. */
static bool
is_of_token(uint8_t c)
{
    return is_of_run(c) || (c != '\0' && strchr(".~+/=", c) != NULL);
}

static size_t
skip_run(struct bytes text, size_t at)
{
    while (at < text.size && is_of_run(text.data[at]))
        at++;
    return at;
}

/* The first run of RUN_MIN bytes or more from `at` on, where one begins or which is behind one. */
static bool
next_run(struct bytes text, size_t at, struct run *run_out)
{
    while (text.size - at >= RUN_MIN) {
        size_t start = at + RUN_MIN;
        while (start > at && is_of_run(text.data[start - 1]))
            start--;
        if (start == at + RUN_MIN) {
            at = start;
            continue;
        }
        size_t end = skip_run(text, at + RUN_MIN);
        if (end - start >= RUN_MIN) {
            *run_out = (struct run){ start, end };
            return true;
        }
        at = end;
    }
    return false;
}

static bool
has_digit(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (ascii_is_digit(text.data[i]))
            return true;
    return false;
}

static bool
begins_with(struct bytes text, size_t at, struct bytes begin)
{
    return text.size - at >= begin.size && memcmp(text.data + at, begin.data, begin.size) == 0;
}

/* ---- forms ---- */

/* The id of a key of AWS has just so many characters, none of them small. */
static bool
is_aws_id(struct bytes text, const struct run *run)
{
    if (run->end - run->start != 20 || text.size == 20)
        return false;
    for (size_t i = run->start; i < run->end; i++)
        if (!ascii_is_digit(text.data[i]) && (text.data[i] < 'A' || text.data[i] > 'Z'))
            return false;
    return true;
}

static bool
has_form(struct bytes text, const struct run *run)
{
    uint8_t first = text.data[run->start];
    if (first < 64 || (FORM_LETTERS & BIT(first)) == 0)
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct bytes begin = forms[i].begin;
        size_t rest = run->start + begin.size;
        if (run->end < rest + forms[i].min || !begins_with(text, run->start, begin) ||
            !has_digit(bytes_of(text.data + rest, run->end - rest)))
            continue;
        return first != 'A' || begin.data[1] == 'I' || is_aws_id(text, run);
    }
    return false;
}

/* RFC 7515, section 7.1: three parts, of which the last may be empty; RFC 7516: five. Where there is
 * none, 0. */
static size_t
jwt_end(struct bytes text, const struct run *run)
{
    static const struct bytes begin = BYTES("eyJ"); /* {" */
    size_t at = run->end;
    if (!begins_with(text, run->start, begin) || at == text.size || text.data[at] != '.')
        return 0;
    size_t second = skip_run(text, at + 1);
    if (second - at <= JWT_PART_MIN || second == text.size || text.data[second] != '.')
        return 0;
    for (at = second; at < text.size && text.data[at] == '.';)
        at = skip_run(text, at + 1);
    return at;
}

/* RFC 7468: to behind what ends it, or to the end of a text that was cut. */
static size_t
pem_end(struct bytes text, const struct run *run)
{
    static const struct bytes begin = BYTES("-----BEGIN "), name = BYTES("PRIVATE KEY"),
                              end = BYTES("-----END "), dashes = BYTES("-----");
    if (!begins_with(text, run->start, begin))
        return 0;
    const uint8_t *last = text.data + text.size, *at = text.data + run->end;
    size_t line = (size_t)(last - at) < 48 ? (size_t)(last - at) : 48;
    if (memmem(at, line, name.data, name.size) == NULL)
        return 0;
    at = memmem(at, (size_t)(last - at), end.data, end.size);
    if (at == NULL)
        return text.size;
    at += end.size;
    at = memmem(at, (size_t)(last - at), dashes.data, dashes.size);
    return at == NULL ? text.size : (size_t)(at - text.data) + dashes.size;
}

/* Of `Bearer x` the x that the run is in. */
static bool
find_bearer(struct bytes text, size_t from, const struct run *run, struct run *token_out)
{
    static const char scheme[] = "bearer ";
    const size_t size = sizeof scheme - 1;
    size_t start = run->start, end = run->end;
    size_t least = start - from > WORD_LOOK ? start - WORD_LOOK : from;
    while (start > least && is_of_token(text.data[start - 1]))
        start--;
    if (start < size || !field_same_letters(bytes_of(text.data + start - size, size), scheme))
        return false;
    while (end < text.size && is_of_token(text.data[end]))
        end++;
    *token_out = (struct run){ start, end };
    return end - start >= BEARER_MIN && has_digit(bytes_of(text.data + start, end - start));
}

static bool
read_run(struct bytes text, size_t from, const struct run *run, struct run *key_out)
{
    size_t end = has_form(text, run) ? run->end : jwt_end(text, run);
    if (end == 0)
        end = pem_end(text, run);
    if (end != 0) {
        *key_out = (struct run){ run->start, end };
        return true;
    }
    return find_bearer(text, from, run, key_out);
}

bool
issued_key_find(struct bytes text, size_t from, size_t *start_out, size_t *end_out)
{
    struct run run, key;
    if (text.size - from < KEY_MIN)
        return false;
    for (size_t at = from; next_run(text, at, &run); at = run.end) {
        if (!read_run(text, from, &run, &key))
            continue;
        *start_out = key.start;
        *end_out = key.end;
        return true;
    }
    return false;
}
