/*
 * token_object.c - objects, walked once from the first byte to the last.
 *
 * This is most of what tokens cost, so common members go a short way that gives what
 * token_of_member() gives: strings without escapes are taken eight bytes at a time, and whether
 * there is a blank in one is found out while its end is looked for; numbers without exponent, of up
 * to 16 digits, are hashed as they are read. All else takes the long way, through token_of_member()
 * itself. Words are cut from the same strings, while their ends are known.
 */
#include "token_object.h"

#include "ascii.h"
#include "decimal.h"
#include "id_index.h"
#include "json_text.h"
#include "token.h"
#include "token_hash.h"
#include "words.h"

/* A string of TOKEN_MEMBER_SIZE_MAX bytes with every byte escaped. */
#define ESCAPED_SIZE_MAX (6 * TOKEN_MEMBER_SIZE_MAX)

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS   EVERY(0x80)
#define DIGITS_MAX  16u

void
token_object_init(struct token_object *object, enum field_id field)
{
    object->field = field;
    object->plain = token_key(field, TOKEN_PLAIN);
    object->number = token_key(field, TOKEN_NUMBER);
    for (int exponent = TOKEN_ENDS_LEAST; exponent <= TOKEN_ENDS_MOST; exponent++) {
        object->ends[0][exponent - TOKEN_ENDS_LEAST] = token_number_ends(false, exponent);
        object->ends[1][exponent - TOKEN_ENDS_LEAST] = token_number_ends(true, exponent);
    }
}

/* One object on its way. */
struct walk {
    const struct token_object *object;
    struct bytes json;
    struct token_gather *gather;
    const struct word_target *words; /* or NULL */
};

/* Eight bytes of a text from `at` on, zeros behind its end. */
static inline uint64_t
eight(struct bytes text, const uint8_t *at)
{
    const uint8_t *end = text.data + text.size;
    size_t left = (size_t)(end - at);
    if (left >= 8)
        return get_u64(at);
    if (left > 0 && text.size >= 8)
        return get_u64(end - 8) >> 8 * (8 - left);
    return get_some(end, left);
}

/* The first `count` of eight bytes, 0 to 8. */
static inline uint64_t
first_bytes(uint64_t bytes, size_t count)
{
    return count >= 8 ? bytes : bytes & ((UINT64_C(1) << 8 * count) - 1);
}

/*
 * Numbers.
 */

/* Up to DIGITS_MAX digits, packed, from the first that is not 0. */
struct digits {
    uint64_t low, high;
    unsigned count;
    unsigned size; /* without zeros at the end */
};

static inline void
digits_put(struct digits *digits, uint8_t c)
{
    if (digits->count < 8)
        digits->low |= (uint64_t)c << 8 * digits->count;
    else
        digits->high |= (uint64_t)c << 8 * (digits->count - 8);
    digits->count++;
    if (c != '0')
        digits->size = digits->count;
}

static inline uint64_t
digits_hash(const struct digits *digits)
{
    uint64_t hash = id_hash_begin(digits->size);
    if (digits->size > 0)
        hash = id_hash_add(hash, first_bytes(digits->low, digits->size));
    if (digits->size > 8)
        hash = id_hash_add(hash, first_bytes(digits->high, digits->size - 8));
    return id_hash_end(hash);
}

/* The number at `at`, as far as digits and a point go: its end, or NULL where it is none, or takes
 * the long way. */
static inline const uint8_t *
number_take(const struct token_object *object, const uint8_t *at, const uint8_t *end,
            uint64_t *token_out)
{
    struct digits digits = { 0 };
    bool negative = *at == '-';
    const uint8_t *start = at + negative, *point = NULL;
    int exponent = 0; /* digits before the point up, zeros behind it down */
    for (at = start; at < end; at++) {
        if (*at == '.' && point == NULL) {
            point = at;
            continue;
        }
        if ((uint8_t)(*at - '0') > 9)
            break;
        if (digits.count == 0 && *at == '0') {
            exponent -= point != NULL;
            continue;
        }
        if (digits.count == DIGITS_MAX)
            return NULL;
        digits_put(&digits, *at);
        exponent += point == NULL;
    }
    ptrdiff_t whole = (point != NULL ? point : at) - start;
    if (whole == 0 || (*start == '0' && whole > 1) || at - 1 == point)
        return NULL;
    if (digits.count == 0)
        exponent = 0, negative = false; /* zero */
    if (exponent < TOKEN_ENDS_LEAST)
        return NULL;
    *token_out = token_finish(
        object->number,
        token_number(digits_hash(&digits), object->ends[negative][exponent - TOKEN_ENDS_LEAST]));
    return at;
}

static inline bool
begins_number(uint8_t c)
{
    return c == '-' || (uint8_t)(c - '0') <= 9;
}

/* Whether a number or word goes on with `c`. */
static inline bool
goes_on(uint8_t c)
{
    return begins_number(c) || ascii_is_letter(c) || c == '.' || c == '+';
}

/* The letters of a literal, or of a number's exponent. */
static void
add_letters(const struct walk *walk, struct bytes word)
{
    const uint8_t *at = word.data, *end = word.data + word.size;
    while (at < end && !word_letter(*at))
        at++;
    const uint8_t *from = at;
    while (at < end && word_letter(*at))
        at++;
    if (at > from)
        word_set_within(walk->words->set, bytes_of(from, (size_t)(at - from)), end,
                        walk->words->pages);
}

/* A number, or one of the three words: its end, or NULL where it is neither. */
static const uint8_t *
add_word(const struct walk *walk, const uint8_t *at)
{
    const uint8_t *end = walk->json.data + walk->json.size;
    uint64_t token;
    if (begins_number(*at)) {
        const uint8_t *behind = number_take(walk->object, at, end, &token);
        if (behind != NULL && (behind == end || !goes_on(*behind))) {
            token_gather_add_often(walk->gather, token);
            return behind;
        }
    }
    struct bytes word = bytes_of(at, json_text_value(bytes_of(at, (size_t)(end - at))));
    struct decimal number;
    if (decimal_read(word, &number))
        token_gather_add_often(walk->gather, token_of_member(walk->object->field, word));
    if (walk->words != NULL)
        add_letters(walk, word);
    return word.size > 0 ? at + word.size : NULL;
}

/*
 * Strings.
 */

/* The high bit of the first byte that is `byte`; of those before it none. */
static inline uint64_t
first_of(uint64_t bytes, uint8_t byte)
{
    uint64_t zero = bytes ^ EVERY(byte);
    return (zero - EVERY(1)) & ~zero & HIGH_BITS;
}

/* The first quote or backslash from `at` on, NULL where there is none; and whether there is a blank
 * or control character before it. */
static inline const uint8_t *
string_end(struct bytes json, const uint8_t *at, bool *blank_out)
{
    const uint8_t *end = json.data + json.size;
    uint64_t blank = 0;
    for (; at < end; at += 8) {
        uint64_t bytes = eight(json, at);
        uint64_t ends = first_of(bytes, '"') | first_of(bytes, '\\');
        uint64_t blanks = (bytes - EVERY(' ' + 1)) & ~bytes & HIGH_BITS;
        if (ends == 0) {
            blank |= blanks;
            continue;
        }
        uint64_t first = ends & -ends;
        *blank_out = (blank | (blanks & (first - 1))) != 0;
        return at + (unsigned)__builtin_ctzll(first) / 8;
    }
    return NULL;
}

static uint64_t
text_token(const struct token_object *object, struct bytes json, struct bytes text)
{
    uint64_t hash = id_hash_begin(text.size);
    size_t at = 0;
    for (; at + 8 <= text.size; at += 8)
        hash = id_hash_add(hash, get_u64(text.data + at));
    if (at < text.size)
        hash = id_hash_add(hash, first_bytes(eight(json, text.data + at), text.size - at));
    return token_finish(object->plain, id_hash_end(hash));
}

/* The token of a string without escapes and blanks. */
static inline void
add_plain(const struct walk *walk, struct bytes text)
{
    const struct token_object *object = walk->object;
    const uint8_t *end = text.data + text.size;
    uint64_t token;
    if (text.size == 0 || text.size > TOKEN_MEMBER_SIZE_MAX)
        return;
    if (begins_number(text.data[0])) {
        if (number_take(object, text.data, end, &token) != end)
            token = token_of_member(object->field, text);
    } else if ((text.size == 4 || text.size == 5) && !token_covers_member(text)) {
        return; /* one of the three words */
    } else {
        token = text_token(object, walk->json, text);
    }
    token_gather_add_often(walk->gather, token);
}

/* Token and words of one with escapes. */
static void
add_escaped(const struct walk *walk, struct bytes inside)
{
    uint8_t decoded[ESCAPED_SIZE_MAX];
    if (walk->words != NULL)
        word_set_escaped(walk->words->set, inside, walk->words->pages);
    if (inside.size > sizeof decoded)
        return;
    size_t size = json_text_decode(inside, decoded);
    if (size != SIZE_MAX && token_covers_member(bytes_of(decoded, size)))
        token_gather_add_often(walk->gather,
                               token_of_member(walk->object->field, bytes_of(decoded, size)));
}

/* The string whose quote is at `at`: what is behind it, and behind the colon that follows a name;
 * NULL where it is none. */
static inline const uint8_t *
add_string(const struct walk *walk, const uint8_t *at)
{
    const uint8_t *end = walk->json.data + walk->json.size, *inside = at + 1;
    bool blank, escaped = false;
    const uint8_t *behind = string_end(walk->json, inside, &blank);
    if (behind == NULL)
        return NULL;
    if (*behind == '\\') {
        size_t size = json_text_string(bytes_of(at, (size_t)(end - at)), &escaped);
        if (size == 0)
            return NULL;
        behind = at + size - 1;
    }
    struct bytes text = bytes_of(inside, (size_t)(behind - inside));
    behind++;
    if (behind < end && *behind == ':')
        return behind + 1;
    if (escaped) {
        add_escaped(walk, text);
        return behind;
    }
    if (!blank)
        add_plain(walk, text);
    if (walk->words != NULL)
        word_set_within(walk->words->set, text, end, walk->words->pages);
    return behind;
}

static inline bool
is_mark(uint8_t c)
{
    return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']';
}

void
token_object_add(const struct token_object *object, struct bytes json, struct token_gather *gather,
                 const struct word_target *words)
{
    const struct walk walk = { object, json, gather, words };
    const uint8_t *end = json.data + json.size;
    for (const uint8_t *at = json.data; at != NULL && at < end;) {
        if (*at == '"')
            at = add_string(&walk, at);
        else if (is_mark(*at))
            at++;
        else
            at = add_word(&walk, at);
    }
}
