#include "target.h"

#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t memory[TARGET_SIZE_MAX + 1];

/* Writes a target as "[segment][segment] name=value name=value". */
static const char *
print(const struct target *target, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < target->segment_count; i++)
        buffer_format(out, "[%.*s]", BYTES_ARG(target->segments[i]));
    for (size_t i = 0; i < target->parameter_count; i++)
        buffer_format(out, " %.*s=%.*s", BYTES_ARG(target->parameters[i].name),
                      BYTES_ARG(target->parameters[i].value));
    buffer_byte(out, 0);
    return (const char *)out->data;
}

static void
cuts_and_decodes(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        const char *target;
        const char *why;
    } rows[] = {
        { "/", "", "the root has no segment" },
        { "/api/events", "[api][events]", "segments" },
        { "/api/", "[api][]", "a trailing / is a segment more" },
        { "//api", "[][api]", "nothing between two is one, too" },
        { "/%61pi", "[api]", "encoded letters are letters" },
        { "/a%2Fb", "[a/b]", "an encoded / does not cut" },
        { "/a%3Fb", "[a?b]", "nor does an encoded ? end the path" },
        { "/%252e%252e", "[%2e%2e]", "decoded once" },
        { "/a+b", "[a+b]", "+ is a blank in queries only" },
        { "/...", "[...]", "three dots are a name" },
        { "/.a", "[.a]", "a dot before a name" },
        { "/a?", "[a]", "an empty query is no parameter" },
        { "/?a=b", " a=b", "a parameter" },
        { "/?a=b&c=d", " a=b c=d", "two" },
        { "/?a=b&a=c", " a=b a=c", "one name twice is for the caller" },
        { "/?a", " a=", "no = : an empty value" },
        { "/?a=", " a=", "an empty value" },
        { "/?=a", " =a", "an empty name is one that nobody knows" },
        { "/?a&&b&", " a= b=", "nothing between two & is none" },
        { "/?a=b=c", " a=b=c", "the first = cuts" },
        { "/?a=b?c", " a=b?c", "the first ? cuts" },
        { "/?a=b/../c", " a=b/../c", "dots in a query are text" },
        { "/?a%3Db=c%26d", " a=b=c&d", "encoded separators do not cut" },
        { "/?a=b+c%20d%2Be", " a=b c d+e", "+ is a blank, %2B is +" },
        { "/?a+b=c", " a b=c", "in names, too" },
        { "/?q=-status:success,x%22y%22", " q=-status:success,x\"y\"", "a filter" },
        { "/?q=status_code:>=400", " q=status_code:>=400", "what people type" },
        { "/%C3%A4?b=%c3%b6", "[\xc3\xa4] b=\xc3\xb6", "UTF-8, digits in either case" },
        { "/\xc3\xa4?b=\xc3\xb6", "[\xc3\xa4] b=\xc3\xb6", "UTF-8 as it is" },
        { "/\xc3%A4", "[\xc3\xa4]", "half and half" },
        { "/?a=b%0Ac", " a=b\nc", "a text of lines" },
        { "/?q=a%09b%0d%0ac", " q=a\tb\r\nc", "blanks of a filter, as a form sends them" },
        { "/a;b=c", "[a;b=c]", "path parameters are part of a name" },
    };
    struct buffer out = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct target target;
        struct tally_error error;
        if (target_parse(bytes_text(rows[i].raw), memory, &target, &error) != TALLY_OK)
            fail_msg("%s: %s", rows[i].why, error.text);
        if (strcmp(print(&target, &out), rows[i].target) != 0)
            fail_msg("%s: %s", rows[i].why, (const char *)out.data);
    }
    buffer_free(&out);
}

static void
refuses(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        const char *says;
        const char *why;
    } rows[] = {
        { "", "begin with /", "nothing" },
        { "*", "begin with /", "the asterisk form" },
        { "http://a/", "begin with /", "the absolute form" },
        { "a/b", "begin with /", "a relative path" },
        { "?a=b", "begin with /", "a query alone" },
        { "/.", "\"..\"", "a dot" },
        { "/..", "\"..\"", "two" },
        { "/a/../b", "\"..\"", "in the middle" },
        { "/a/%2e%2E/b", "\"..\"", "encoded" },
        { "/a/.%2e", "\"..\"", "half encoded" },
        { "/./a", "\"..\"", "at the start" },
        { "/%", "hexadecimal", "no digits" },
        { "/%4", "hexadecimal", "one digit" },
        { "/%4/1", "hexadecimal", "the next segment's bytes do not count" },
        { "/?a=%4&1", "hexadecimal", "nor the next parameter's" },
        { "/?a%=4", "hexadecimal", "nor the value's" },
        { "/%g0", "hexadecimal", "no digit" },
        { "/%+1", "hexadecimal", "strtol would take a sign" },
        { "/%0x", "hexadecimal", "and a prefix" },
        { "/%%41", "hexadecimal", "decoded twice it would be one" },
        { "/?a=%u0041", "hexadecimal", "a form of old" },
        { "/%00", "control", "the end of a text in C" },
        { "/?a=%00", "control", "there, too" },
        { "/%7F", "control", "DEL" },
        { "/%C2%80", "control", "C1" },
        { "/?a=%c2%9f", "control", "C1's last" },
        { "/?%09=a", "control", "a tab in a name" },
        { "/?%0a=a", "control", "a line end in a name" },
        { "/%0a", "control", "in a path" },
        { "/?a=%0b", "control", "a vertical tab in a value" },
        { "/?a=b\nc", "not encoded", "a line end as it is" },
        { "/a b", "not encoded", "a blank" },
        { "/a\tb", "not encoded", "a tab" },
        { "/a\x7f", "not encoded", "DEL" },
        { "/a\r", "not encoded", "a line end" },
        { "/a#b", "fragment", "a fragment" },
        { "/?a=b#c", "fragment", "behind a query" },
        { "/%80", "UTF-8", "a byte that begins nothing" },
        { "/\xff", "UTF-8", "as it is" },
        { "/%c0%ae", "UTF-8", "a dot, overlong" },
        { "/?a=%ed%a0%80", "UTF-8", "a surrogate" },
        { "/%c3/%a4", "UTF-8", "a character over two segments" },
        { "/?a=%c3&b=%a4", "UTF-8", "over two parameters" },
        { "/?%c3=%a4", "UTF-8", "over a name and its value" },
        { "/1/2/3/4/5/6/7/8/9", "8 segments", "too many" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct target target = { .segment_count = 99 };
        struct tally_error error;
        if (target_parse(bytes_text(rows[i].raw), memory, &target, &error) != TALLY_INVALID)
            fail_msg("accepted: %s", rows[i].why);
        if (strstr(error.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].why, error.text);
        assert_int_equal(target.segment_count, 99);
    }
}

static void
keeps_to_its_limits(void **state)
{
    (void)state;
    struct target target;
    assert_int_equal(target_parse(bytes_text("/1/2/3/4/5/6/7/8"), memory, &target, NULL), TALLY_OK);
    assert_int_equal(target.segment_count, TARGET_SEGMENTS_MAX);

    struct buffer raw = { 0 };
    buffer_text(&raw, "/?");
    for (unsigned i = 0; i < TARGET_PARAMETERS_MAX; i++)
        buffer_text(&raw, "&a=1");
    assert_int_equal(target_parse(buffer_view(&raw), memory, &target, NULL), TALLY_OK);
    assert_int_equal(target.parameter_count, TARGET_PARAMETERS_MAX);
    buffer_text(&raw, "&a");
    assert_int_equal(target_parse(buffer_view(&raw), memory, &target, NULL), TALLY_INVALID);

    buffer_clear(&raw);
    buffer_byte(&raw, '/');
    while (raw.size < TARGET_SIZE_MAX)
        buffer_byte(&raw, 'a');
    assert_int_equal(target_parse(buffer_view(&raw), memory, &target, NULL), TALLY_OK);
    buffer_byte(&raw, 'a');
    assert_int_equal(target_parse(buffer_view(&raw), memory, &target, NULL), TALLY_INVALID);
    buffer_free(&raw);
}

/* Encodes a text: the bytes that a seed picks, and all that mean something. */
static void
encode(const char *text, unsigned seed, struct buffer *out)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');
        if (plain && (seed >> i % 8 & 1) == 0)
            buffer_byte(out, (uint8_t)text[i]);
        else
            buffer_format(out, seed % 2 == 0 ? "%%%02x" : "%%%02X", (uint8_t)text[i]);
    }
}

/* parse(encode(x)) = x, whatever is encoded and whatever it holds. */
static void
what_is_encoded_comes_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    "a",   "a/b", "?", "a=b&c",
        "%",   "%41", "+ +", "#", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xa9",
        "...",
    };
    enum {
        COUNT = sizeof texts / sizeof texts[0]
    };
    struct buffer raw = { 0 };
    for (unsigned seed = 0; seed < 256; seed++) {
        for (unsigned i = 0; i < COUNT * COUNT; i++) {
            const char *one = texts[i % COUNT], *two = texts[i / COUNT];
            buffer_clear(&raw);
            buffer_byte(&raw, '/');
            encode(one, seed, &raw);
            buffer_byte(&raw, '/');
            encode(two, seed, &raw);
            buffer_byte(&raw, '?');
            encode(two, seed, &raw);
            buffer_byte(&raw, '=');
            encode(one, seed, &raw);
            struct target target;
            assert_int_equal(target_parse(buffer_view(&raw), memory, &target, NULL), TALLY_OK);
            assert_int_equal(target.segment_count, 2);
            assert_true(bytes_is(target.segments[0], one));
            assert_true(bytes_is(target.segments[1], two));
            assert_int_equal(target.parameter_count, 1);
            assert_true(bytes_is(target.parameters[0].name, two));
            assert_true(bytes_is(target.parameters[0].value, one));
        }
    }
    buffer_free(&raw);
}

/* As much memory as the target takes is enough: a sanitizer or the mark behind it would tell. */
static void
the_memory_is_enough(void **state)
{
    (void)state;
    static const char raw[] = "/aaa/b%20b/cc?d=e&f=%41%42&g";
    uint8_t *small = malloc(sizeof raw);
    small[sizeof raw - 1] = 0xee;
    struct target target;
    assert_int_equal(target_parse(bytes_text(raw), small, &target, NULL), TALLY_OK);
    assert_int_equal(small[sizeof raw - 1], 0xee);
    free(small);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_and_decodes),     cmocka_unit_test(refuses),
        cmocka_unit_test(keeps_to_its_limits),  cmocka_unit_test(what_is_encoded_comes_back),
        cmocka_unit_test(the_memory_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
