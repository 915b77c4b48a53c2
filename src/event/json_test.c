#include "json.h"
#include "json_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define NODES 4096

static struct json_tape tape;

static int
create(void **state)
{
    (void)state;
    return json_tape_init(&tape, NODES, NULL) != TALLY_OK;
}

static int
destroy(void **state)
{
    (void)state;
    json_tape_finish(&tape);
    return 0;
}

/* Scans a copy of exactly the text's size, so that a sanitizer sees any byte read beyond it. */
static tally_status
scan(struct bytes text, struct tally_error *error)
{
    uint8_t *copy = malloc(text.size + (text.size == 0));
    assert_non_null(copy);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    tally_status status = json_scan(&tape, bytes_of(copy, text.size), error);
    free(copy);
    return status;
}

static void
what_is_refused_and_where(void **state)
{
    static const struct {
        const char *text;
        uint64_t line;
        uint32_t column;
        const char *pointer;
        const char *reason;
    } rows[] = {
        { "", 1, 1, "", "no JSON value" },
        { " \n ", 2, 2, "", "no JSON value" },
        { "{} x", 1, 4, "", "follows the end" },
        { "{\"a\":1,}", 1, 8, "", "name in quotes" },
        { "{\"a\" 1}", 1, 6, "/a", "colon" },
        { "{\"a\":}", 1, 6, "/a", "value is missing" },
        { "{\"a\":1 \"b\":2}", 1, 8, "", "comma or a closing }" },
        { "{\"a\":[1,\n2,\n  tru]}", 3, 3, "/a/2", "no such word" },
        { "[1 2]", 1, 4, "/1", "comma or a closing ]" },
        { "[1,]", 1, 4, "/1", "value is missing" },
        { "[1", 1, 3, "/1", "comma or a closing ]" },
        { "[1,", 1, 4, "/1", "ends too early" },
        { "[01]", 1, 2, "/0", "does not begin with 0" },
        { "-", 1, 2, "", "number is not complete" },
        { "1.", 1, 3, "", "number is not complete" },
        { "1e+", 1, 4, "", "number is not complete" },
        { "\"ab", 1, 4, "", "does not end" },
        { "\"a\nb\"", 1, 3, "", "control character" },
        { "{\"x\":\"\\q\"}", 1, 7, "/x", "escape does not exist" },
        { "{\"x\":\"\\u12g4\"}", 1, 7, "/x", "four hexadecimal digits" },
        { "{\"x\":\"a\\ud800\"}", 1, 8, "/x", "surrogate stands alone" },
        { "{\"x\":\"\\udc00\\ud800\"}", 1, 7, "/x", "surrogate stands alone" },
        { "{\"x\":\"\\ud800\\u0041\"}", 1, 7, "/x", "surrogate stands alone" },
        { "{\"x\":\"\xff\"}", 1, 7, "/x", "not valid UTF-8" },
        { "{\"x\":\"\xed\xa0\x80\"}", 1, 7, "/x", "not valid UTF-8" },
        { "{\"x\":\"\xc0\x80\"}", 1, 7, "/x", "not valid UTF-8" },
        { "{\"x\":1,\n\"y\":2,\"x\":3}", 2, 7, "/x", "occurs twice" },
        { "{\"x\":1,\"\\u0078\":3}", 1, 8, "/x", "occurs twice" },
        { "[{},{\"o\":{\"a/b\":{},\"a/b\":0}}]", 1, 20, "/1/o/a~1b", "occurs twice" },
        { "{\"~\\u0000\":[0,{\"\":x}]}", 1, 19, "/~0\\u0000/1/", "value is missing" },
        { "\xef\xbb\xbf{}", 1, 1, "", "byte order mark" },
        { "'a'", 1, 1, "", "value is missing" },
        { "nul", 1, 1, "", "no such word" },
        { "[1\f]", 1, 3, "/1", "comma or a closing ]" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tally_error error = { 0 };
        if (scan(bytes_text(rows[i].text), &error) != TALLY_INVALID)
            fail_msg("accepted: %s", rows[i].text);
        if (error.line != rows[i].line || error.column != rows[i].column ||
            strcmp(error.pointer, rows[i].pointer) != 0 ||
            strstr(error.text, rows[i].reason) == NULL)
            fail_msg("%s\n%llu:%u %s: %s", rows[i].text, (unsigned long long)error.line,
                     error.column, error.pointer, error.text);
        assert_int_equal(scan(bytes_text(rows[i].text), NULL), TALLY_INVALID);
    }
}

/* Jansson as the oracle: the same texts accepted. It refuses numbers beyond a double, we do not. */
static bool
jansson_accepts(struct bytes text)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.size,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    bool accepts = json != NULL || json_error_code(&error) == json_error_numeric_overflow;
    json_decref(json);
    return accepts;
}

/* All texts of up to `size` letters of an alphabet, between a prefix and a suffix. */
static void
compare_all(const char *prefix, const char *alphabet, unsigned size, const char *suffix)
{
    size_t letters = strlen(alphabet);
    uint64_t total = 1;
    for (unsigned n = 0; n <= size; n++, total *= letters) {
        for (uint64_t number = 0; number < total; number++) {
            char text[64];
            size_t at = strlen(prefix);
            memcpy(text, prefix, at);
            uint64_t rest = number;
            for (unsigned i = 0; i < n; i++, rest /= letters)
                text[at++] = alphabet[rest % letters];
            memcpy(text + at, suffix, strlen(suffix));
            at += strlen(suffix);
            struct bytes view = bytes_of(text, at);
            if ((json_scan(&tape, view, NULL) == TALLY_OK) != jansson_accepts(view))
                fail_msg("we and jansson differ on %.*s", BYTES_ARG(view));
        }
    }
}

static void
all_small_texts_agree_with_jansson(void **state)
{
    (void)state;
    compare_all("", "{}[]\":,1\\ ", 6, "");
    compare_all("", "-+.eE01 ", 6, "");
    compare_all("{\"", "ab\":,1}", 6, ":1}");
    compare_all("\"\\u", "dD8c0F\\u\"", 5, "\\udc00\"");
    compare_all("\"", "\x80\xbf\xc2\xe0\xa0\xed\x9f\xf0\x90\xf4\x8f", 4, "\"");
}

/* An object of `count` members; member `second` has the number of member `first`. */
static size_t
write_object(char *text, unsigned count, unsigned first, unsigned second, const char *begin)
{
    size_t at = 0;
    for (unsigned i = 0; i < count; i++) {
        text[at++] = i == 0 ? '{' : ',';
        unsigned name = i == second ? first : i;
        at += (size_t)sprintf(text + at, "\"%s%u\":{}", i == second ? begin : "n", name);
    }
    text[at++] = '}';
    return at;
}

static void
names_twice_are_found_wherever_they_are(void **state)
{
    static const char *const begins[] = { "n", "\\u006e" };
    char text[4096];
    (void)state;
    for (unsigned count = 2; count <= 70; count += count < 10 ? 1 : 7) {
        for (unsigned second = 1; second < count; second++) {
            for (unsigned first = 0; first < second; first++) {
                const char *begin = begins[(first + second) % 2];
                size_t size = write_object(text, count, first, second, begin);
                struct tally_error error;
                assert_int_equal(scan(bytes_of(text, size), &error), TALLY_INVALID);
                char pointer[16];
                (void)sprintf(pointer, "/n%u", first);
                assert_string_equal(error.pointer, pointer);
                size = write_object(text, count, first, second, "m");
                assert_int_equal(scan(bytes_of(text, size), NULL), TALLY_OK);
            }
        }
    }
}

static void
limits_hold(void **state)
{
    char text[3 * NODES];
    struct tally_error error;
    (void)state;

    for (size_t depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        for (size_t i = 0; i < depth; i++) {
            text[i] = '[';
            text[2 * depth - 1 - i] = ']';
        }
        tally_status status = scan(bytes_of(text, 2 * depth), &error);
        assert_int_equal(status, depth <= JSON_DEPTH_MAX ? TALLY_OK : TALLY_INVALID);
        if (status == TALLY_OK)
            assert_int_equal(tape.depth, depth);
    }
    assert_non_null(strstr(error.text, "inside each other"));

    /* An array of n numbers has n + 1 values. */
    for (size_t n = NODES - 2; n <= NODES; n++) {
        for (size_t i = 0; i < n; i++)
            memcpy(text + 2 * i, i == 0 ? "[0" : ",0", 2);
        text[2 * n] = ']';
        assert_int_equal(scan(bytes_of(text, 2 * n + 1), &error),
                         n < NODES ? TALLY_OK : TALLY_INVALID);
    }
    assert_non_null(strstr(error.text, "too many values"));
}

/* A pointer that does not fit ends in an ellipsis and stays a string. */
static void
long_pointers_are_cut(void **state)
{
    char text[1024];
    struct tally_error error;
    (void)state;
    for (size_t size = 200; size < 400; size++) {
        text[0] = '{';
        text[1] = '"';
        memset(text + 2, 'n', size);
        memcpy(text + 2 + size, "\":x", 3);
        assert_int_equal(scan(bytes_of(text, size + 5), &error), TALLY_INVALID);
        size_t length = strlen(error.pointer);
        bool cut = strcmp(error.pointer + length - 3, "\xe2\x80\xa6") == 0;
        assert_true(cut || length == size + 1);
        assert_in_range(length, 1, sizeof error.pointer - 1);
    }
}

static void
the_first_value_of_a_longer_text(void **state)
{
    static const struct {
        const char *text;
        tally_status status;
        size_t size;
    } rows[] = {
        { "{} {}", TALLY_OK, 2 },      { " \n1 2", TALLY_OK, 3 }, { "[1]]", TALLY_OK, 3 },
        { "  ", TALLY_ABSENT, 0 },     { "", TALLY_ABSENT, 0 },   { "}", TALLY_INVALID, 0 },
        { "\"a\"\"b\"", TALLY_OK, 3 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = 0;
        assert_int_equal(json_scan_first(&tape, bytes_text(rows[i].text), &size, NULL),
                         rows[i].status);
        assert_int_equal(size, rows[i].size);
    }
}

static void
members_are_found(void **state)
{
    static const char text[] = "{\"a\":{\"b\":[10,{\"c\":\"x\"}]},\"\\u0064\":\"\\u0065\",\"\":0}";
    static const struct {
        const char *path[4];
        const char *token;
    } rows[] = {
        { { "a", "b", "0" }, "10" }, { { "a", "b", "1", "c" }, "\"x\"" },
        { { "d" }, "\"\\u0065\"" },  { { "" }, "0" },
        { { "a", "b", "2" }, NULL }, { { "a", "b", "01" }, NULL },
        { { "a", "b", "-" }, NULL }, { { "a", "b", "0", "x" }, NULL },
        { { "b" }, NULL },           { { "a", "b", "99999999999" }, NULL },
    };
    (void)state;
    assert_int_equal(json_scan(&tape, bytes_text(text), NULL), TALLY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes names[4];
        size_t count = 0;
        for (; count < 4 && rows[i].path[count] != NULL; count++)
            names[count] = bytes_text(rows[i].path[count]);
        uint32_t node = json_find(&tape, 0, names, count);
        assert_int_equal(node != 0, rows[i].token != NULL);
        if (node != 0)
            assert_true(bytes_is(json_token(&tape, node), rows[i].token));
    }

    static const struct bytes d = BYTES("d");
    static const struct bytes e = BYTES("e");
    uint32_t node = json_member(&tape, 0, d);
    assert_true(json_string_is(&tape, node, e));
    assert_false(json_string_is(&tape, node, d));
    struct buffer value = { 0 };
    json_string_decode(&tape, node, &value);
    assert_true(bytes_equal(buffer_view(&value), e));
    buffer_free(&value);
}

/* Every byte at every place of texts of up to 40 bytes. */
static void
plain_runs_end_at_the_first_special_byte(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 40; size++) {
        for (size_t at = 0; at < size; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t text[40];
                memset(text, 'x', sizeof text);
                text[at] = (uint8_t)byte;
                bool special = byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
                const uint8_t *end = json_skip_plain(text, text + size);
                assert_int_equal(end - text, special ? at : size);
                assert_ptr_equal(json_skip_plain_words(text, text + size), end);
            }
        }
    }
}

/* The same for copying: whole where nothing needs an escape, and never a byte beyond. */
static void
only_plain_texts_are_copied_whole(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 40; size++) {
        for (size_t at = 0; at < (size == 0 ? 1 : size); at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t *text = malloc(size + 1); /* a byte before, so that a step beyond is seen */
                uint8_t copy[2][42];
                assert_non_null(text);
                memset(text, 'x', size + 1);
                if (size > 0)
                    text[1 + at] = (uint8_t)byte;
                bool escape = size > 0 && (byte < 0x20 || byte == '"' || byte == '\\');
                memset(copy, '.', sizeof copy);
                assert_int_equal(json_copy_whole(text + 1, size, copy[0] + 1), !escape);
                assert_int_equal(json_copy_whole_words(text + 1, size, copy[1] + 1), !escape);
                for (unsigned i = 0; i < 2; i++) {
                    assert_true(copy[i][0] == '.' && copy[i][size + 1] == '.');
                    if (!escape)
                        assert_memory_equal(copy[i] + 1, text + 1, size);
                }
                free(text);
            }
        }
    }
}

/* The worst a hostile text can do: half a million names with one long prefix. It has to end at
 * once. */
static void
many_names_are_not_quadratic(void **state)
{
    (void)state;
    const unsigned count = 200000;
    struct json_tape large;
    assert_int_equal(json_tape_init(&large, 2 * count + 1, NULL), TALLY_OK);
    char *text = malloc(32 * (size_t)count);
    assert_non_null(text);
    size_t at = 0;
    for (unsigned i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "%c\"nnnnnnnn%06u\":0", i == 0 ? '{' : ',',
                              i * 7919 % count);
    text[at++] = '}';
    assert_int_equal(json_scan(&large, bytes_of(text, at), NULL), TALLY_OK);
    free(text);
    json_tape_finish(&large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_and_where),
        cmocka_unit_test(all_small_texts_agree_with_jansson),
        cmocka_unit_test(names_twice_are_found_wherever_they_are),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(long_pointers_are_cut),
        cmocka_unit_test(the_first_value_of_a_longer_text),
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(plain_runs_end_at_the_first_special_byte),
        cmocka_unit_test(only_plain_texts_are_copied_whole),
        cmocka_unit_test(many_names_are_not_quadratic),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
