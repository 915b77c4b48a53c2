/*
 * Finding card numbers.
 *
 * Most texts have none, and that is decided at a few bytes in each dozen: a card number has at least
 * 13 bytes, never two separators side by side, so of any two neighbours within it one is a
 * digit. Looking at every twelfth byte and the one behind it misses none.
 *
 * Where there are digits, groups of them are taken as far as one separator joins them; the longest
 * run of groups from the first on that is shaped like a card and adds up is it.
 */
#include "card.h"

#include "ascii.h"

#define DIGITS_MIN 13
#define DIGITS_MAX 19
#define GROUPS_MAX 5
#define STEP       (DIGITS_MIN - 1)

/* What may stand in an identifier beside digits. */
static inline bool
is_letter(uint8_t c)
{
    return ascii_is_letter(c) || c == '_';
}

/* The first digit from `at` on, or the text's size where no card number can begin any more. */
static size_t
skip_digitless(struct bytes text, size_t at)
{
    while (text.size - at >= DIGITS_MIN && !ascii_is_digit(text.data[at + STEP - 1]) &&
           !ascii_is_digit(text.data[at + STEP]))
        at += STEP;
    if (text.size - at < DIGITS_MIN)
        return text.size;
    while (!ascii_is_digit(text.data[at]))
        at++;
    return at;
}

static size_t
skip_digits(struct bytes text, size_t at)
{
    while (at < text.size && ascii_is_digit(text.data[at]))
        at++;
    return at;
}

/* Whether nothing before a group of digits says that they belong to something longer. */
static bool
begins_alone(struct bytes text, size_t at)
{
    if (at == 0)
        return true;
    uint8_t before = text.data[at - 1];
    if (before == '.' || before == '-')
        return at == 1 || !ascii_is_digit(text.data[at - 2]);
    return !is_letter(before) && before != '+';
}

static bool
ends_alone(struct bytes text, size_t at)
{
    if (at == text.size)
        return true;
    uint8_t after = text.data[at];
    uint8_t next = at + 1 < text.size ? text.data[at + 1] : 0;
    if (after == '.')
        return !ascii_is_digit(next);
    if (after == '-')
        return !ascii_is_digit(next) && !is_letter(next);
    return !is_letter(after);
}

struct groups {
    size_t count;
    size_t sizes[GROUPS_MAX];
    size_t ends[GROUPS_MAX];
};

/* The groups of digits from `at` on that the same separator stands between. */
static void
collect(struct bytes text, size_t at, struct groups *groups)
{
    uint8_t separator = 0;
    groups->count = 0;
    for (;;) {
        size_t end = skip_digits(text, at);
        groups->sizes[groups->count] = end - at;
        groups->ends[groups->count++] = end;
        if (groups->count == GROUPS_MAX || text.size - end < 2 ||
            !ascii_is_digit(text.data[end + 1]))
            return;
        uint8_t c = text.data[end];
        if ((c != ' ' && c != '-' && c != '.') || (separator != 0 && c != separator))
            return;
        separator = c;
        at = end + 1;
    }
}

/* Whether the first `count` groups are what is printed on cards. */
static bool
shaped(const struct groups *groups, size_t count)
{
    const size_t *sizes = groups->sizes;
    size_t last = sizes[count - 1];
    if (count == 1)
        return last >= DIGITS_MIN && last <= DIGITS_MAX;
    if (count == 3)
        return sizes[0] == 4 && sizes[1] == 6 && (last == 4 || last == 5);
    for (size_t i = 0; i + 1 < count; i++) {
        if (sizes[i] != 4)
            return false;
    }
    return (count == 4 && last <= 4) || (count == 5 && last <= 3);
}

/* Luhn's sum over the digits of text[at..end), from the right: every second one counts twice, less
 * 9 where that has two digits. */
static bool
adds_up(struct bytes text, size_t at, size_t end)
{
    static const uint8_t twice[10] = { 0, 2, 4, 6, 8, 1, 3, 5, 7, 9 };
    unsigned sum = 0;
    bool second = false;
    while (end > at) {
        uint8_t c = text.data[--end];
        if (!ascii_is_digit(c))
            continue;
        unsigned digit = (unsigned)(c - '0');
        sum += second ? twice[digit] : digit;
        second = !second;
    }
    return sum % 10 == 0;
}

/* The end of the card number that begins at a group's first digit; 0 where none does. */
static size_t
card_at(struct bytes text, size_t at)
{
    struct groups groups;
    if (text.data[at] < '2' || !begins_alone(text, at))
        return 0;
    collect(text, at, &groups);
    for (size_t count = groups.count; count > 0; count--) {
        size_t end = groups.ends[count - 1];
        if (shaped(&groups, count) && ends_alone(text, end) && adds_up(text, at, end))
            return end;
    }
    return 0;
}

bool
card_find(struct bytes text, size_t from, size_t *start_out, size_t *end_out)
{
    size_t at = skip_digitless(text, from);
    while (at < text.size) {
        size_t end = card_at(text, at);
        if (end != 0) {
            *start_out = at;
            *end_out = end;
            return true;
        }
        at = skip_digitless(text, skip_digits(text, at));
    }
    return false;
}

bool
card_is(struct bytes text)
{
    return text.size >= DIGITS_MIN && text.size <= DIGITS_MAX && text.data[0] >= '2' &&
           skip_digits(text, 0) == text.size && adds_up(text, 0, text.size);
}
