#include "card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What is found in a text, in brackets. */
static void
mark(const char *text, char *out)
{
    struct bytes bytes = bytes_text(text);
    size_t at = 0, start, end;
    while (card_find(bytes, at, &start, &end)) {
        assert_true(at <= start && start < end && end <= bytes.size);
        out += sprintf(out, "%.*s[%.*s]", (int)(start - at), text + at, (int)(end - start),
                       text + start);
        at = end;
    }
    (void)strcpy(out, text + at);
}

static void
what_is_a_card_number(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *text;
        const char *marked;
    } rows[] = {
        { "alone", "4111111111111111", "[4111111111111111]" },
        { "in a sentence", "paid with 4111111111111111.", "paid with [4111111111111111]." },
        { "groups of four", "card 4111 1111 1111 1111 ok", "card [4111 1111 1111 1111] ok" },
        { "with dashes", "5500-0055-5555-5559", "[5500-0055-5555-5559]" },
        { "with points", "4111.1111.1111.1111.", "[4111.1111.1111.1111]." },
        { "with a point too many", "4111.1111.1111.1111.0", "4111.1111.1111.1111.0" },
        { "15 digits, 4-6-5", "3782 822463 10005", "[3782 822463 10005]" },
        { "14 digits, 4-6-4", "3056-930902-5904", "[3056-930902-5904]" },
        { "13 digits", "4222222222222", "[4222222222222]" },
        { "19 digits", "6304000000000000000", "[6304000000000000000]" },
        { "19 digits in groups", "6304 0000 0000 0000 000", "[6304 0000 0000 0000 000]" },
        { "what follows a blank is not part of it", "4111 1111 1111 1111 12/27",
          "[4111 1111 1111 1111] 12/27" },
        { "nor what comes before one", "no. 12 4111 1111 1111 1111",
          "no. 12 [4111 1111 1111 1111]" },
        { "two", "4111111111111111,5500005555555559", "[4111111111111111],[5500005555555559]" },
        { "in a pair", "pan=4111111111111111&x=1", "pan=[4111111111111111]&x=1" },
        { "behind a word and a dash", "card-4111111111111111", "card-[4111111111111111]" },
        { "beside letters beyond ASCII", "№4111111111111111»", "№[4111111111111111]»" },
        { "a wrong last digit", "4111111111111112", "4111111111111112" },
        { "12 digits", "411111111117", "411111111117" },
        { "20 digits", "41111111111111111115", "41111111111111111115" },
        { "other groups", "41 1111 1111 1111 11", "41 1111 1111 1111 11" },
        { "mixed separators", "4111 1111-1111 1111", "4111 1111-1111 1111" },
        { "two blanks", "4111  1111  1111  1111", "4111  1111  1111  1111" },
        { "behind a letter", "x4111111111111111", "x4111111111111111" },
        { "before a letter", "4111111111111111x", "4111111111111111x" },
        { "in an identifier", "id_4111111111111111", "id_4111111111111111" },
        { "hexadecimal", "4111111111111111ab", "4111111111111111ab" },
        { "a fraction", "0.4111111111111111", "0.4111111111111111" },
        { "an amount", "4111111111111111.00", "4111111111111111.00" },
        { "longer with dashes", "4111-1111-1111-1111-1111-11", "4111-1111-1111-1111-1111-11" },
        { "a UUID", "00000000-4111-4111-8111-411111111111",
          "00000000-4111-4111-8111-411111111111" },
        { "a telephone number", "+4915155501111007", "+4915155501111007" },
        { "milliseconds since 1970", "1795232270003", "1795232270003" },
        { "zeros", "0000000000000000", "0000000000000000" },
        { "nothing", "", "" },
        { "no digits", "the quick brown fox jumps over it", "the quick brown fox jumps over it" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char marked[256];
        mark(rows[i].text, marked);
        if (strcmp(marked, rows[i].marked) != 0)
            fail_msg("%s: %s", rows[i].why, marked);
    }
}

/* Luhn's definition, digit by digit from the left, for numbers of any length. */
static bool
adds_up(const char *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(digits[i] - '0');
        if ((count - i) % 2 == 0)
            digit *= 2;
        sum += digit / 10 + digit % 10;
    }
    return sum % 10 == 0;
}

/* Every length, at every place of a text, with every last digit: found exactly where it adds up. */
static void
lengths_and_places(void **state)
{
    (void)state;
    static const char digits[] = "4539578763621486279315";
    for (int size = 1; size <= 22; size++) {
        for (int before = 0; before < 40; before++) {
            for (char last = '0'; last <= '9'; last++) {
                char number[32], text[128];
                (void)snprintf(number, sizeof number, "%.*s%c", size - 1, digits, last);
                (void)snprintf(text, sizeof text, "%*s%s%*s", before, "", number, before % 7, "");
                size_t start, end;
                bool wanted = size >= 13 && size <= 19 && adds_up(number, (size_t)size);
                bool found = card_find(bytes_text(text), 0, &start, &end);
                assert_int_equal(found, wanted);
                assert_int_equal(card_is(bytes_text(number)), wanted);
                if (found)
                    assert_true(start == (size_t)before && end == (size_t)(before + size));
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_card_number),
        cmocka_unit_test(lengths_and_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
