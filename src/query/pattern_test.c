#include "pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A star stands for any text: the definition, word for word. */
static bool
match_by_definition(const char *glob, const char *text)
{
    if (*glob == '*')
        return match_by_definition(glob + 1, text) ||
               (*text != '\0' && match_by_definition(glob, text + 1));
    if (*glob != *text)
        return false;
    return *glob == '\0' || match_by_definition(glob + 1, text + 1);
}

/* The pattern of a glob; parts point into it. */
static struct pattern
pattern_of(const char *glob, struct bytes parts[8])
{
    struct bytes text = bytes_text(glob);
    struct pattern pattern = { .parts = parts };
    pattern.open_start = text.size > 0 && glob[0] == '*';
    pattern.open_end = text.size > 0 && glob[text.size - 1] == '*';
    for (size_t at = 0, end; at <= text.size; at = end + 1) {
        for (end = at; end < text.size && glob[end] != '*'; end++) {
        }
        if (end > at || text.size == 0)
            parts[pattern.count++] = bytes_of(glob + at, end - at);
    }
    return pattern;
}

/* The n-th text over a few letters: 0 is "", then all of length 1, and so on. */
static void
nth_text(unsigned n, const char *letters, unsigned base, char text[8])
{
    size_t size = 0;
    for (; n > 0; n = (n - 1) / base)
        text[size++] = letters[(n - 1) % base];
    text[size] = '\0';
}

static void
all_small_patterns_agree_with_the_definition(void **state)
{
    (void)state;
    for (unsigned g = 0; g < 1093; g++) { /* up to 6 of 3 characters */
        char glob[8];
        struct bytes parts[8];
        nth_text(g, "ab*", 3, glob);
        struct pattern pattern = pattern_of(glob, parts);
        for (unsigned t = 0; t < 127; t++) { /* up to 6 of 2 */
            char text[8];
            nth_text(t, "ab", 2, text);
            bool wanted = match_by_definition(glob, text);
            pattern.fold = false;
            if (pattern_match(&pattern, bytes_text(text)) != wanted)
                fail_msg("%s against %s", glob, text);
            pattern.fold = true;
            for (char *c = text; *c != '\0'; c++)
                *c = *c == 'a' ? 'A' : 'b';
            if (pattern_match(&pattern, bytes_text(text)) != wanted)
                fail_msg("%s against %s, folded", glob, text);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_small_patterns_agree_with_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
