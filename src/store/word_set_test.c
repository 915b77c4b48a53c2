/* Lists of words against the definitions: what a word is, which pages have one, and what a pattern
 * finds. */
#include "fold.h"
#include "utf8.h"
#include "word_set.h"
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed = 7;

static uint32_t
below(uint32_t count)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 32) * count >> 32);
}

static struct word_set
new_set(void)
{
    struct word_set set;
    assert_int_equal(word_set_init(&set, NULL), TALLY_OK);
    return set;
}

static struct buffer
list_of(const struct word_set *set)
{
    struct buffer list = { 0 };
    assert_int_equal(word_set_list(set, &list, NULL), TALLY_OK);
    return list;
}

/* What a glob, stars and all, asks of a list. Its parts are folded, into `memory`. */
static struct places
ask_places(struct bytes list, const char *glob, uint8_t *memory)
{
    struct bytes parts[64], text = bytes_text(glob);
    struct word_pattern pattern = { .parts = parts };
    struct word_question question;
    pattern.open_start = text.size > 0 && glob[0] == '*';
    pattern.open_end = text.size > 0 && glob[text.size - 1] == '*';
    fold_text(text, memory);
    for (size_t at = 0, end; at <= text.size; at = end + 1) {
        for (end = at; end < text.size && glob[end] != '*'; end++) {
        }
        if (end > at || text.size == 0)
            parts[pattern.count++] = bytes_of(memory + at, end - at);
    }
    struct places places;
    word_question_init(&question, &pattern);
    words_find(list, &question, &places);
    return places;
}

/* The pages of it, all of whose blocks there are. */
static uint64_t
ask(struct bytes list, const char *glob, uint8_t *memory)
{
    struct places places = ask_places(list, glob, memory);
    for (unsigned page = 0; page < PLACES_PAGES; page++)
        assert_true(places.blocks[page] == 0 || places.blocks[page] == UINT16_MAX);
    return places_pages(&places);
}

/*
 * Examples.
 */

static void
a_list_is_what_the_document_says(void **state)
{
    (void)state;
    struct word_set set = new_set();
    word_set_text(&set, bytes_text("Payment timed out"), 1);
    word_set_text(&set, bytes_text("payment-9-OK"), UINT64_C(1) << 63);
    word_set_text(&set, bytes_text("payment"), UINT64_C(0xfff) << 8);
    word_set_text(&set, bytes_text("2f1c0c2e-6b1f-4a9a-9d57-0c53f4f0a9b1"), 4);
    for (unsigned i = 0; i < 6; i++) {
        word_set_turn(&set, 15 - i);
        word_set_text(&set, bytes_text(i < 5 ? "few many" : "many"), UINT64_C(1) << i / 4);
        word_set_text(&set, bytes_text(i == 0 ? "once once" : ""), 1);
    }
    struct buffer list = list_of(&set);
    const uint8_t wanted[] = "\x02"
                             "few\x5b\x00\x0c\x00\x0d\x00\x0e\x00\x0f\x01\x0b"
                             "many\x00\x01"
                             "ok\x3f"
                             "once\x5b\x00\x0f"
                             "out\x00"
                             "payment\x40\x01\x3c\x3f\x03\x00\x00\x00\x00\x00\x00\x08"
                             "timed";
    assert_int_equal(list.size, sizeof wanted);
    assert_memory_equal(list.data, wanted, sizeof wanted);
    buffer_free(&list);
    word_set_finish(&set);
}

static void
words_are_found_as_patterns_say(void **state)
{
    (void)state;
    static const struct {
        const char *glob;
        uint64_t pages;
        const char *why;
    } rows[] = {
        { "*payment*", 3, "contained in a word" },
        { "*PAYMENT*", 3, "in any case" },
        { "*ay*", 3, "the middle of one" },
        { "*xy*", 0, "in none" },
        { "*ent fai*", 1, "the end of one, the beginning of another" },
        { "*ay fai*", 0, "no word ends so" },
        { "*repayment*", 2, "a longer word" },
        { "payment*", 1, "the value begins with it" },
        { "*payment", 3, "it ends with it: the word does" },
        { "pay", 0, "equality is a whole word" },
        { "*1payment*", 1, "behind a digit a word begins" },
        { "*pay*led*", 1, "each part for itself" },
        { "*banan*", 4, "a word that has the beginning twice" },
        { "*anas*", 4, "found at the second place only" },
        { "*anas 1*", 4, "at the end of it" },
        { "*17*", UINT64_MAX, "no letters" },
        { "*", UINT64_MAX, "nothing" },
        { "*dead*", 8, "an id may have it" },
        { "*dead end*", 0, "but no blank" },
        { "*ΣΊΣΥΦΟΣ*", 16, "Greek" },
        { "*字*", 32, "a character that is a word" },
        { "*漢字*", 32, "two of them" },
        { "*検字*", 0, "one is not there" },
        { "*caf\xc3\x89*", 64, "beyond ASCII" },
    };
    struct word_set set = new_set();
    word_set_text(&set, bytes_text("Payment failed 1"), 1);
    word_set_text(&set, bytes_text("repayment made"), 2);
    word_set_text(&set, bytes_text("bananas 12"), 4);
    word_set_text(&set, bytes_text("2f1c0c2e6b1f4a9a9d570c53f4f0a9b1"), 8);
    word_set_text(&set, bytes_text("Σίσυφος"), 16);
    word_set_text(&set, bytes_text("漢字"), 32);
    word_set_text(&set, bytes_text("Café"), 64);
    struct buffer list = list_of(&set);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t memory[64];
        if (ask(buffer_view(&list), rows[i].glob, memory) != rows[i].pages)
            fail_msg("%s: %s", rows[i].glob, rows[i].why);
    }
    buffer_free(&list);
    word_set_finish(&set);
}

static void
objects_have_the_words_of_their_values(void **state)
{
    (void)state;
    static const struct {
        const char *json, *glob;
        bool there;
    } rows[] = {
        { "{\"name\":\"value\"}", "*value*", true },
        { "{\"name\":\"value\"}", "*name*", false },
        { "{\"a\":{\"name\":[\"one\",\"two\"]}}", "*one*", true },
        { "{\"a\":{\"name\":[\"one\",\"two\"]}}", "*two*", true },
        { "{\"a\":\"\\u00c9t\\u00e9\"}", "*été*", true },
        { "{\"a\":\"one\\ntwo\"}", "*two*", true },
        { "{\"a\":\"one\\ntwo\"}", "*ntwo*", false },
        { "{\"a\":\"\\\"\",\"b\":\"c\"}", "*c*", true },
        { "{\"a\":\"\\\\\",\"bb\":\"c\"}", "*bb*", false },
        { "{\"a\":true,\"b\":null,\"c\":1e5}", "*true*", true },
        { "{\"a\":true,\"b\":null,\"c\":1E5}", "*1e5*", true },
        { "{\"a\":\"2f1c0c2e-6b1f-4a9a-9d57-0c53f4f0a9b1\"}", "*c0c*", true },
        { "{\"a\":\"2f1c0c2e-6b1f-4a9a-9d57-0c53f4f0a9b1\"}", "*c0c2e x*", false },
        { "{\"a\":\"broken", "*broken*", false },
        { "", "*a*", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct word_set set = new_set();
        uint8_t memory[64];
        word_set_object(&set, bytes_text(rows[i].json), 1);
        struct buffer list = list_of(&set);
        if (ask(buffer_view(&list), rows[i].glob, memory) != rows[i].there)
            fail_msg("%s in %s", rows[i].glob, rows[i].json);
        buffer_free(&list);
        word_set_finish(&set);
    }
}

/*
 * Laws.
 */

/* A list has exactly the words put in, whatever their size and place in the text. */
static void
words_of_every_size_are_told_apart(void **state)
{
    (void)state;
    char text[128];
    for (size_t size = 1; size <= 40; size++) {
        for (size_t before = 0; before < 10; before++) {
            struct word_set set = new_set();
            uint8_t folded[64];
            memset(text, ' ', sizeof text);
            for (size_t i = 0; i < size; i++)
                text[before + i] = (char)((i % 3 == 0 ? 'A' : 'a') + (int)(i % 26));
            for (size_t behind = 0; behind < 10; behind++)
                word_set_text(&set, bytes_of(text, before + size + behind), 1);
            word_set_text(&set, bytes_of(text, before + size - 1), 2); /* one letter less */
            fold_text(bytes_of(text + before, size), folded);
            struct buffer list = list_of(&set), wanted = { 0 };
            if (size > 1) {
                buffer_append(&wanted, folded, size - 1);
                buffer_byte(&wanted, 1);
            }
            buffer_append(&wanted, folded, size);
            buffer_byte(&wanted, 0);
            assert_true(bytes_equal(buffer_view(&list), buffer_view(&wanted)));
            buffer_free(&list);
            buffer_free(&wanted);
            word_set_finish(&set);
        }
    }
}

/* Values are cut before they are folded, patterns behind. */
static void
words_are_cut_the_same_in_any_case(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint8_t text[4], folded[4];
        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        size_t size = utf8_encode(point, text);
        fold_text(bytes_of(text, size), folded);
        if (word_letter(text[0]) != word_letter(folded[0]) ||
            word_alone(text, text + size) != word_alone(folded, folded + size))
            fail_msg("U+%04X", point);
    }
}

static const char *const pieces[] = { "a",  "B",  "ab", "ba", "aa",  "É", "é", "Σ",  "ς",
                                      "漢", "字", "-",  " ",  "1",   "ſ", "İ", "_x", "😀",
                                      "xy", "Ж",  "Ế",  "ế",  "Ა", "ა", "𐐀", "𐐨" };

/* A text of up to `most` pieces, with stars if `stars`. */
static size_t
random_text(char *out, uint32_t most, bool stars)
{
    size_t size = 0;
    for (uint32_t count = below(most + 1); count > 0; count--) {
        const char *piece =
            stars && below(4) == 0 ? "*" : pieces[below(sizeof pieces / sizeof *pieces)];
        size += (size_t)sprintf(out + size, "%s", piece);
    }
    out[size] = '\0';
    return size;
}

/* A star stands for any text: the definition, word for word. */
static bool
match_by_definition(const uint8_t *glob, const uint8_t *text)
{
    if (*glob == '*')
        return match_by_definition(glob + 1, text) ||
               (*text != '\0' && match_by_definition(glob, text + 1));
    if (*glob != *text)
        return false;
    return *glob == '\0' || match_by_definition(glob + 1, text + 1);
}

/* Whatever value a pattern matches, its page is among those found. And most of the time there are
 * fewer pages than all: an answer of all pages would hold the law, too. */
static void
what_matches_is_found(void **state)
{
    (void)state;
    unsigned found_pages = 0, matches = 0;
    for (unsigned round = 0; round < 400; round++) {
        struct word_set set = new_set();
        char texts[64][256];
        for (unsigned page = 0; page < 64; page++) {
            struct bytes text = bytes_of(texts[page], random_text(texts[page], 8, false));
            word_set_text(&set, text, UINT64_C(1) << page);
        }
        struct buffer list = list_of(&set);
        for (unsigned asked = 0; asked < 50; asked++) {
            char glob[256];
            uint8_t folded_glob[256] = { 0 }, memory[256];
            size_t size = random_text(glob, 5, true);
            fold_text(bytes_of(glob, size), folded_glob);
            uint64_t pages = ask(buffer_view(&list), glob, memory);
            found_pages += (unsigned)__builtin_popcountll(pages);
            for (unsigned page = 0; page < 64; page++) {
                uint8_t folded[256] = { 0 };
                fold_text(bytes_text(texts[page]), folded);
                bool match = match_by_definition(folded_glob, folded);
                matches += match;
                if (match && (pages >> page & 1) == 0)
                    fail_msg("'%s' in '%s'", glob, texts[page]);
            }
        }
        buffer_free(&list);
        word_set_finish(&set);
    }
    assert_true(matches > 10000);
    assert_true(found_pages < 400 * 50 * 64 / 2);
}

/* The same of blocks; and what asks for words finds fewer blocks than their pages have. */
static void
what_matches_is_found_in_its_block(void **state)
{
    (void)state;
    enum {
        VALUES = 16
    };
    unsigned found_blocks = 0, found_pages = 0, matches = 0;
    for (unsigned round = 0; round < 400; round++) {
        struct word_set set = new_set();
        static char texts[VALUES][256];
        struct {
            unsigned page, block;
        } places[VALUES];
        for (unsigned i = 0; i < VALUES; i++) {
            struct bytes text = bytes_of(texts[i], random_text(texts[i], 8, false));
            places[i].page = below(1 + round % PLACES_PAGES);
            places[i].block = below(PLACES_BLOCKS);
            word_set_turn(&set, places[i].block);
            word_set_text(&set, text, UINT64_C(1) << places[i].page);
        }
        struct buffer list = list_of(&set);
        for (unsigned asked = 0; asked < 50; asked++) {
            char glob[256];
            uint8_t folded_glob[256] = { 0 }, memory[256];
            size_t size = random_text(glob, 5, true);
            fold_text(bytes_of(glob, size), folded_glob);
            struct places found = ask_places(buffer_view(&list), glob, memory);
            uint64_t pages = places_pages(&found);
            for (unsigned page = 0; page < PLACES_PAGES && pages != UINT64_MAX; page++) {
                found_blocks += (unsigned)__builtin_popcount(found.blocks[page]);
                found_pages += found.blocks[page] != 0;
            }
            for (unsigned i = 0; i < VALUES; i++) {
                uint8_t folded[256] = { 0 };
                fold_text(bytes_text(texts[i]), folded);
                bool match = match_by_definition(folded_glob, folded);
                matches += match;
                if (match && (found.blocks[places[i].page] >> places[i].block & 1) == 0)
                    fail_msg("'%s' in '%s'", glob, texts[i]);
            }
        }
        buffer_free(&list);
        word_set_finish(&set);
    }
    assert_true(matches > 5000);
    assert_true(found_blocks < found_pages * PLACES_BLOCKS / 2);
}

/* The order of values, and how often one comes, change nothing. */
static void
lists_depend_on_what_is_where_alone(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    struct word_set first = new_set(), second = new_set();
    static char texts[COUNT][256];
    for (unsigned i = 0; i < COUNT; i++)
        random_text(texts[i], 12, false);
    for (unsigned i = 0; i < COUNT; i++) {
        word_set_turn(&first, i % 7 == 0 ? WORD_ANYWHERE : i % PLACES_BLOCKS);
        word_set_text(&first, bytes_text(texts[i]), UINT64_C(1) << i % 64);
    }
    for (unsigned i = COUNT; i-- > 0;) {
        word_set_turn(&second, i % 7 == 0 ? WORD_ANYWHERE : i % PLACES_BLOCKS);
        word_set_text(&second, bytes_text(texts[i]), UINT64_C(1) << i % 64);
        word_set_text(&second, bytes_text(texts[i]), UINT64_C(1) << i % 64);
    }
    struct buffer a = list_of(&first), b = list_of(&second);
    assert_true(bytes_equal(buffer_view(&a), buffer_view(&b)));
    assert_true(first.count > 1000); /* the table has grown */
    buffer_free(&a);
    buffer_free(&b);
    word_set_finish(&first);
    word_set_finish(&second);
}

/*
 * Limits.
 */

/* The n-th word of five letters, or of forty. */
static size_t
nth_word(uint32_t n, unsigned size, char *out)
{
    for (unsigned i = 0; i < size; i++, n /= 26)
        out[i] = (char)('a' + n % 26);
    out[size] = '\0';
    return size;
}

static void
too_many_words_have_no_list(void **state)
{
    (void)state;
    static const struct {
        unsigned size;
        uint32_t most;
    } rows[] = { { 5, WORDS_COUNT_MAX }, { 64, WORDS_SIZE_MAX / 64 } };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct word_set set = new_set();
        struct buffer list = { 0 };
        char word[80];
        uint8_t memory[80];
        for (uint32_t i = 0; i < rows[row].most; i++)
            word_set_text(&set, bytes_of(word, nth_word(i, rows[row].size, word)),
                          UINT64_C(1) << i % 64);
        assert_int_equal(word_set_list(&set, &list, NULL), TALLY_OK);
        for (uint32_t i = 0; i < rows[row].most; i += 997) {
            nth_word(i, rows[row].size, word);
            assert_true(ask(buffer_view(&list), word, memory) == UINT64_C(1) << i % 64);
        }
        buffer_clear(&list);
        word_set_text(&set, bytes_text("zzzzzz"), 1);
        assert_int_equal(word_set_list(&set, &list, NULL), TALLY_ABSENT);
        assert_int_equal(list.size, 0);
        buffer_free(&list);
        word_set_finish(&set);
    }
}

/* Of a pattern with many words, enough are asked to find what one would. */
static void
of_many_words_the_longest_are_asked(void **state)
{
    (void)state;
    struct word_set set = new_set();
    word_set_text(&set, bytes_text("a b c d e f g h i j k l m n o p q r s t"), 3);
    word_set_text(&set, bytes_text("needle"), 2);
    struct buffer list = list_of(&set);
    uint8_t memory[128];
    const char *glob = "*a b c d e f g h i j k l m n o p q r needle s t*";
    assert_int_equal(ask(buffer_view(&list), glob, memory), 2);
    buffer_free(&list);
    word_set_finish(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_what_the_document_says),
        cmocka_unit_test(words_are_found_as_patterns_say),
        cmocka_unit_test(objects_have_the_words_of_their_values),
        cmocka_unit_test(words_of_every_size_are_told_apart),
        cmocka_unit_test(words_are_cut_the_same_in_any_case),
        cmocka_unit_test(what_matches_is_found),
        cmocka_unit_test(what_matches_is_found_in_its_block),
        cmocka_unit_test(lists_depend_on_what_is_where_alone),
        cmocka_unit_test(too_many_words_have_no_list),
        cmocka_unit_test(of_many_words_the_longest_are_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
