#include "fold.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
letters_are_folded(void **state)
{
    (void)state;
    static const struct {
        const char *text, *folded, *why;
    } rows[] = {
        { "Hello WORLD @[`{ 09", "hello world @[`{ 09", "ASCII, and the signs around its letters" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "longer than one step" },
        { "ÀÉÖ×ÞßÿŸ", "àéö×þßÿÿ", "Latin-1; the multiplication sign is no letter" },
        { "ĀāŁłŃńŊŋŽž", "āāłłńńŋŋžž", "Latin Extended-A, pairs beginning even and odd" },
        { "İıĸŉ", "İıĸŉ", "no pair of one length" },
        { "ẞ\u212a\u212b\u2126ȺȾ", "ẞ\u212a\u212b\u2126ȺȾ", "lower case has another length" },
        { "ƠƯẠẾỸ ȘȚ Əə", "ơưạếỹ șț əə", "Vietnamese, Romanian, Azerbaijani" },
        { "ǄǅǇǈ", "ǆǆǉǉ", "title case is lower case, too" },
        { "ΑΣΩΪΆΌΎΏ σς", "ασωϊάόύώ σσ", "Greek; a final sigma is a sigma" },
        { "ἈᾼῺ ϐϑµ", "ἀᾳὼ βθμ", "Greek with breathings; symbols are their letters" },
        { "ЀЁЏАЯ ҐӘҚҢ", "ѐёџая ґәқң", "Cyrillic" },
        { "ԱՖ Ⴀ Ა", "աֆ ⴀ ა", "Armenian, Georgian" },
        { "ꭰᏸ", "ᎠᏰ", "Cherokee folds to capitals" },
        { "ＡＺ Ⅻ Ⓐ", "ａｚ ⅻ ⓐ", "fullwidth, Roman numerals, circles" },
        { "\u1c89\ua7cc\ua7ce\ua7d2\ua7d4\ua7da", "\u1c8a\ua7cd\ua7cf\ua7d3\ua7d5\ua7db",
          "Unicode 16 and 17" },
        { "\U00010d50\U00010d65 \U00016ea0\U00016eb8", "\U00010d70\U00010d85 \U00016ebb\U00016ed3",
          "Unicode 16 and 17: Garay, Beria Erfe" },
        { "𐐀 𐒰 𞤀", "𐐨 𐓘 𞤢", "four bytes" },
        { "漢字 😀 ﷺ", "漢字 😀 ﷺ", "what has no case stays" },
        { "", "", "nothing" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes text = bytes_text(rows[i].text);
        uint8_t out[256];
        fold_text(text, out);
        if (!bytes_is(bytes_of(out, text.size), rows[i].folded))
            fail_msg("%s: %s", rows[i].why, rows[i].text);
        assert_true(fold_equal(text, bytes_text(rows[i].folded)));
    }
}

static void
broken_text_stays(void **state)
{
    (void)state;
    const uint8_t broken[] = { 0xc3, 'A', 0xff, 0xc3 };
    const uint8_t wanted[] = { 0xc3, 'a', 0xff, 0xc3 };
    uint8_t out[4];
    fold_text(bytes_of(broken, 4), out);
    assert_memory_equal(out, wanted, 4);
}

/* The lower case of every character by Python, one line each: hexadecimal digits, the character and
 * what it folds to. Where a full folding is more than one character, lower() has the simple one. */
static const char oracle[] =
    "python3 -c \"import unicodedata as u\n"
    "print(u.unidata_version.split('.')[0])\n"
    "for c in map(chr, range(0x110000)):\n"
    " if u.category(c) not in ('Cn', 'Cs'):\n"
    "  f = c.casefold() if len(c.casefold()) == 1 else c.lower()\n"
    "  print('%x %x' % (ord(c), ord(f) if len(f) == 1 else ord(c)))\" 2> /dev/null";

/* What a character is folded to. */
static uint32_t
fold_one(uint32_t point)
{
    uint8_t text[4], out[4];
    size_t size = utf8_encode(point, text);
    fold_text(bytes_of(text, size), out);
    assert_int_equal(utf8_decode(bytes_of(out, size), &point), size);
    return point;
}

static size_t
size_of(uint32_t point)
{
    uint8_t text[4];
    return utf8_encode(point, text);
}

static void
letters_are_folded_as_elsewhere(void **state)
{
    (void)state;
    unsigned version = 0, point, folded, count = 0;
    FILE *pipe = popen(oracle, "r");
    assert_non_null(pipe);
    if (fscanf(pipe, "%u", &version) != 1 || version > FOLD_UNICODE) {
        print_message("# skipped: no python3 with Unicode %d or older\n", FOLD_UNICODE);
        (void)pclose(pipe);
        return;
    }
    while (fscanf(pipe, "%x %x", &point, &folded) == 2) {
        uint32_t wanted = size_of(folded) == size_of(point) ? folded : point;
        if (point == 0xfb05) /* since Unicode 15.1 */
            wanted = 0xfb06;
        if (fold_one(point) != wanted)
            fail_msg("U+%04X is folded to U+%04X", point, (unsigned)fold_one(point));
        count++;
    }
    assert_int_equal(pclose(pipe), 0);
    assert_true(count > 100000);
}

static void
folding_twice_is_folding_once(void **state)
{
    (void)state;
    unsigned folded = 0;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        uint32_t once = fold_one(point);
        folded += once != point;
        assert_int_equal(fold_one(once), once);
    }
    assert_int_equal(folded, 26 + 1448);
}

/* By the strict reader of UTF-8, character by character. */
static void
fold_by_characters(const uint8_t *text, size_t size, uint8_t *out)
{
    for (size_t i = 0; i < size;) {
        uint32_t point;
        size_t one = utf8_decode(bytes_of(text + i, size - i), &point);
        if (one == 0)
            out[i] = text[i];
        else
            (void)utf8_encode(fold_one(point), out + i);
        i += one == 0 ? 1 : one;
    }
}

/* Every text of two bytes, and those of four that begin as a character beyond ASCII may
 * and go on with bytes near the borders of what is UTF-8. */
static void
only_characters_are_folded(void **state)
{
    (void)state;
    static const uint8_t rest[] = { 'A',  0x7f, 0x80, 0x82, 0x83, 0x8f, 0x90,
                                    0x96, 0x9e, 0xa0, 0xbf, 0xc3, 0xd0, 0xe1 };
    enum {
        REST = sizeof rest
    };
    for (unsigned i = 0; i < 0x10000; i++) {
        uint8_t text[2] = { (uint8_t)(i >> 8), (uint8_t)i }, out[2], wanted[2];
        fold_text(bytes_of(text, 2), out);
        fold_by_characters(text, 2, wanted);
        assert_memory_equal(out, wanted, 2);
    }
    for (unsigned i = 0; i < 64 * REST * REST * REST; i++) {
        uint8_t text[4] = { (uint8_t)(0xc0 + i % 64), rest[i / 64 % REST],
                            rest[i / 64 / REST % REST], rest[i / 64 / REST / REST] };
        uint8_t out[4], wanted[4];
        fold_text(bytes_of(text, 4), out);
        fold_by_characters(text, 4, wanted);
        assert_memory_equal(out, wanted, 4);
    }
}

/* Every needle of up to 3 letters in every text of up to 8, against every place in turn. */
static void
short_texts_agree_with_the_definition(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 15; n++) {
        for (unsigned t = 0; t < 511; t++) {
            char needle[8], text[16];
            size_t needle_size = 0, size = 0, wanted = SIZE_MAX;
            for (unsigned rest = n; rest > 0; rest = (rest - 1) / 2)
                needle[needle_size++] = (rest - 1) % 2 == 0 ? 'a' : 'b';
            for (unsigned rest = t; rest > 0; rest = (rest - 1) / 2)
                text[size++] = (rest - 1) % 2 == 0 ? 'A' : 'b';
            for (size_t at = 0; at + needle_size <= size && wanted == SIZE_MAX; at++) {
                uint8_t folded[16];
                fold_text(bytes_of(text, size), folded);
                if (memcmp(folded + at, needle, needle_size) == 0)
                    wanted = at;
            }
            assert_int_equal(fold_find(bytes_of(text, size), bytes_of(needle, needle_size)),
                             needle_size == 0 ? 0 : wanted);
        }
    }
}

/* Around the border of two chunks. */
static void
needles_are_found_at_every_place(void **state)
{
    (void)state;
    static const char *const needles[] = { "a", "ab", "é", "нет", "ếệ", "𐐨", "xyzzy", "" };
    const size_t size = 40000; /* more than two chunks */
    uint8_t *text = malloc(size);
    assert_non_null(text);
    for (size_t n = 0; n < sizeof needles / sizeof *needles; n++) {
        struct bytes needle = bytes_text(needles[n]);
        for (size_t at = 16 * 1024 - 12; at < 16 * 1024 + 12; at++) {
            memset(text, '.', size);
            memcpy(text + at, needle.data, needle.size);
            if (needle.size > 0 && text[at] == 'a')
                text[at] = 'A';
            assert_int_equal(fold_find(bytes_of(text, size), needle), needle.size == 0 ? 0 : at);
            assert_int_equal(fold_find(bytes_of(text, at), needle),
                             needle.size == 0 ? 0 : SIZE_MAX);
        }
    }
    free(text);
}

static uint64_t seed = 1;

static uint32_t
below(uint32_t count)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 32) * count >> 32);
}

/* Of a few letters, so that needles often nearly stand somewhere. */
static size_t
random_text(char *out, uint32_t most)
{
    static const char *const pieces[] = { "a", "A", "b",  "-", "é", "É", "σ",
                                          "ς", "Ж", "漢", "ế", "Ế", "𐐀", "𐐨" };
    size_t size = 0;
    for (uint32_t count = below(most + 1); count > 0; count--)
        size += (size_t)sprintf(out + size, "%s", pieces[below(14)]);
    return size;
}

static void
random_texts_agree_with_the_definition(void **state)
{
    (void)state;
    unsigned found = 0;
    for (unsigned round = 0; round < 200000; round++) {
        char text[256], needle[32];
        uint8_t folded[256], folded_needle[32];
        size_t size = random_text(text, 60), needle_size = random_text(needle, 4);
        size_t wanted = SIZE_MAX;
        fold_text(bytes_of(text, size), folded);
        fold_text(bytes_of(needle, needle_size), folded_needle);
        for (size_t at = 0; at + needle_size <= size && wanted == SIZE_MAX; at++) {
            if (memcmp(folded + at, folded_needle, needle_size) == 0)
                wanted = at;
        }
        found += wanted != SIZE_MAX;
        assert_int_equal(fold_find(bytes_of(text, size), bytes_of(folded_needle, needle_size)),
                         wanted);
    }
    assert_true(found > 50000 && found < 150000);
}

/* A needle that nearly stands everywhere is found at the end, and where it is not, nothing is. */
static void
nearly_everywhere_is_not_there(void **state)
{
    (void)state;
    enum {
        SIZE = 200000,
        HALF = 4000
    };
    uint8_t *text = malloc(SIZE), needle[2 * HALF + 1];
    assert_non_null(text);
    memset(text, 'A', SIZE);
    memset(needle, 'a', sizeof needle);
    needle[HALF] = 'b';
    struct bytes sought = bytes_of(needle, sizeof needle);
    assert_int_equal(fold_find(bytes_of(text, SIZE), sought), SIZE_MAX);
    text[SIZE - HALF - 1] = 'B';
    assert_int_equal(fold_find(bytes_of(text, SIZE), sought), SIZE - sizeof needle);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_folded),
        cmocka_unit_test(broken_text_stays),
        cmocka_unit_test(letters_are_folded_as_elsewhere),
        cmocka_unit_test(folding_twice_is_folding_once),
        cmocka_unit_test(only_characters_are_folded),
        cmocka_unit_test(short_texts_agree_with_the_definition),
        cmocka_unit_test(needles_are_found_at_every_place),
        cmocka_unit_test(random_texts_agree_with_the_definition),
        cmocka_unit_test(nearly_everywhere_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
