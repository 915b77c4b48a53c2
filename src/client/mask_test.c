#include "mask.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tally/client.h"

static struct mask *
make(const char *const *names, const char *const *patterns)
{
    struct mask *mask;
    struct tally_error error;
    if (mask_create(names, patterns, &mask, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return mask;
}

static bool
is_secret(const struct mask *mask, const char *name)
{
    return mask_name_kind(mask, bytes_text(name)) == MASK_NAME_SECRET;
}

static void
names_of_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool secret;
    } rows[] = {
        { "password", true },
        { "Password", true },
        { "PASSWORD", true },
        { "pass_word", true },
        { "p-a-s-s-w-o-r-d", true },
        { "db_password", true },
        { "dbPassword", true },
        { "password_", true },
        { "_password", true },
        { "x-api-key", true },
        { "APIKEY", true },
        { "apiKey", true },
        { "accessToken", true },
        { "card-number", true },
        { "CVV", true },
        { "user_pin", true },
        { "userPin", true },
        { "pin2.pin", true },
        { "spin", false },
        { "SPIN", false },
        { "dbpassword", true },
        { "Set-Cookie", true },
        { "\xc3\xa9token", true },
        { "password_changed_at", false },
        { "Card Number", true },
        { "password1", true },
        { "new_password_2", true },
        { "user[password]", true },
        { "password[]", true },
        { "users[0][apiKey]", true },
        { "password[1]", true },
        { "user[pin]", true },
        { "user[spin]", false },
        { "password[changed]", false },
        { "[]", false },
        { "password_hash", true },
        { "passwordConfirmation", true },
        { "aws_secret_access_key", true },
        { "secretKey", true },
        { "accessKeyId", false },
        { "token_type", false },
        { "tokenizer", false },
        { "address1", false },
        { "access", false },
        { "s", false },
        { "1", false },
        { "ssword", false },
        { "keyapi", false },
        { "", false },
        { "_", false },
        { "n", false },
        { "user_id", false },
        { "tok\xc3\xa9n", false },
        { "passwor", false },
        { "amount", false },
    };
    struct mask *mask = make(NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (is_secret(mask, rows[i].name) != rows[i].secret)
            fail_msg("%s", rows[i].name);
    }
    mask_destroy(mask);
}

/* Their numbers are not secret. */
static void
names_of_several(void **state)
{
    (void)state;
    static const char *const several[] = {
        "tokens",  "passwords", "user_credentials", "COOKIES",
        "apiKeys", "pins",      "tokens_2",         "tokens[0]"
    };
    struct mask *mask = make(NULL, NULL);
    for (size_t i = 0; i < sizeof several / sizeof *several; i++)
        assert_int_equal(mask_name_kind(mask, bytes_text(several[i])), MASK_NAME_SECRETS);
    assert_int_equal(mask_name_kind(mask, bytes_text("spins")), MASK_NAME_PLAIN);
    assert_int_equal(mask_name_kind(mask, bytes_text("max_tokenss")), MASK_NAME_PLAIN);
    mask_destroy(mask);
}

/* Each of the names that the header lists. */
static void
standard_names(void **state)
{
    (void)state;
    struct mask *mask = make(NULL, NULL);
    char names[] = TALLY_MASK_NAMES;
    unsigned count = 0;
    for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " "), count++)
        assert_true(is_secret(mask, name));
    assert_int_equal(count, 25);
    mask_destroy(mask);
}

static void
names_of_the_users(void **state)
{
    (void)state;
    static const char *const names[] = { "Tax_Number", "q", "\xc3\xb6l", NULL };
    static const char *const none[] = { NULL };
    struct mask *mask = make(names, NULL);
    assert_true(is_secret(mask, "taxNumber"));
    assert_true(is_secret(mask, "q"));
    assert_true(is_secret(mask, "x_q-"));
    assert_false(is_secret(mask, "xq-"));
    assert_true(is_secret(mask, "\xc3\xb6l"));
    assert_false(is_secret(mask, "\xc3\xa4l"));
    assert_false(is_secret(mask, "password"));
    mask_destroy(mask);

    mask = make(none, NULL);
    assert_false(is_secret(mask, "password"));
    mask_destroy(mask);
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name ends where its digits begin. */
static size_t
without_digits(const char *text, size_t size)
{
    while (size > 0 && strchr("0123456789_-]", text[size - 1]) != NULL)
        size--;
    return size;
}

/* Against the definition: without separators and case, from every place; short ones from where a word
 * begins. */
static bool
secret_by_definition(struct bytes name, const char *wanted)
{
    const char *text = (const char *)name.data;
    for (size_t begin = 0; begin < name.size; begin++) {
        char folded[2][16] = { { 0 } };
        struct bytes both[2] = { bytes_of(name.data + begin, name.size - begin),
                                 bytes_text(wanted) };
        for (int side = 0; side < 2; side++) {
            size_t size = 0;
            for (size_t i = 0; i < both[side].size; i++) {
                char c = (char)both[side].data[i];
                if (c != '_' && c != '-' && c != ']')
                    folded[side][size++] = c == 'A' ? 'a' : c;
            }
        }
        bool word = begin == 0 || !is_letter(text[begin - 1]) ||
                    (text[begin - 1] >= 'a' && text[begin] == 'A');
        bool whole = text[begin] != '_' && text[begin] != '-' && text[begin] != ']';
        if (whole && (word || strlen(folded[1]) >= 5) && strcmp(folded[0], folded[1]) == 0)
            return true;
    }
    return false;
}

static void
all_small_names(void **state)
{
    (void)state;
    static const char letters[] = "aAb_-]1";
    static const char *const names[] = { "ab", "b-1", "aaa1", "11", "a1bb-a", NULL };
    struct mask *mask = make(names, NULL);
    for (unsigned size = 0; size <= 6; size++) {
        unsigned count = 1;
        for (unsigned i = 0; i < size; i++)
            count *= sizeof letters - 1;
        for (unsigned n = 0; n < count; n++) {
            uint8_t name[6];
            for (unsigned i = 0, rest = n; i < size; i++, rest /= sizeof letters - 1)
                name[i] = (uint8_t)letters[rest % (sizeof letters - 1)];
            struct bytes bytes = bytes_of(name, size);
            struct bytes stem = bytes_of(name, without_digits((const char *)name, size));
            bool secret = false;
            for (const char *const *wanted = names; *wanted != NULL; wanted++)
                secret = secret || secret_by_definition(bytes, *wanted) ||
                         secret_by_definition(stem, *wanted);
            assert_int_equal(mask_name_kind(mask, bytes), secret);
        }
    }
    mask_destroy(mask);
}

static void
check_text(const struct mask *mask, enum mask_text_kind kind, const char *text, const char *wanted,
           unsigned places)
{
    struct buffer out = { 0 };
    buffer_text(&out, "<");
    unsigned found = mask_text(mask, bytes_text(text), kind, &out);
    assert_int_equal(found, places);
    if (found == 0)
        buffer_text(&out, text);
    struct bytes masked = bytes_of(out.data + 1, out.size - 1);
    if (!bytes_is(masked, wanted))
        fail_msg("%s gives %.*s", text, BYTES_ARG(masked));
    buffer_free(&out);
}

static void
texts_without_expressions(void **state)
{
    (void)state;
    struct mask *mask = make(NULL, NULL);
    check_text(mask, MASK_FREE_TEXT, "", "", 0);
    check_text(mask, MASK_FREE_TEXT, "a password=x 4111111111111111 pin=\"1\"",
               "a password=[masked] [masked] pin=\"[masked]\"", 3);
    check_text(mask, MASK_FREE_TEXT, "pin=4111111111111111", "pin=[masked]", 1);
    check_text(mask, MASK_IDENTIFIER, "password=x", "password=x", 0);
    check_text(mask, MASK_FREE_TEXT, "4111111111111111", "[masked]", 1);
    check_text(mask, MASK_FREE_TEXT, "a 4111111111111111 b 5500-0055-5555-5559.",
               "a [masked] b [masked].", 2);
    check_text(mask, MASK_IDENTIFIER, "4111111111111111", "4111111111111111", 0);
    assert_false(mask_has_patterns(mask));
    mask_destroy(mask);
}

static void
expressions(void **state)
{
    (void)state;
    static const char *const patterns[] = { "sk_[a-z0-9]+", "^begin", "x*", "o.e", "end$", NULL };
    struct mask *mask = make(NULL, patterns);
    assert_true(mask_has_patterns(mask));
    check_text(mask, MASK_IDENTIFIER, "key sk_live1, sk_2", "key [masked], [masked]", 2);
    check_text(mask, MASK_IDENTIFIER, "begin begin", "[masked] begin", 1);
    check_text(mask, MASK_IDENTIFIER, "end end", "end [masked]", 1);
    check_text(mask, MASK_IDENTIFIER, "axxxb", "a[masked]b", 1);
    check_text(mask, MASK_IDENTIFIER, "nothing", "nothing", 0);
    check_text(mask, MASK_FREE_TEXT, "4111111111111111 sk_1", "[masked] [masked]", 2);
    mask_destroy(mask);
}

/* What overlaps is one place: no part of either is left. */
static void
overlapping(void **state)
{
    (void)state;
    static const char *const patterns[] = { "abc", "cde", "ef+", "no 4111", "1 and", NULL };
    struct mask *mask = make(NULL, patterns);
    check_text(mask, MASK_IDENTIFIER, "-abcdefff-", "-[masked]-", 1);
    check_text(mask, MASK_IDENTIFIER, "abcabc", "[masked][masked]", 2);
    check_text(mask, MASK_FREE_TEXT, "no 4111111111111111 and", "[masked]", 1);
    mask_destroy(mask);

    /* One that was looked at already overlaps what a later one added. */
    static const char *const backwards[] = { "ef+", "abc", "cde", NULL };
    mask = make(NULL, backwards);
    check_text(mask, MASK_IDENTIFIER, "-abcdefff-", "-[masked]-", 1);
    mask_destroy(mask);
}

/* An expression that takes bytes of a character takes all of it. */
static void
whole_characters(void **state)
{
    (void)state;
    static const char *const any[] = { "a.", NULL };
    struct mask *mask = make(NULL, any);
    check_text(mask, MASK_IDENTIFIER, "xa\xc3\xa9y", "x[masked]y", 1);
    check_text(mask, MASK_IDENTIFIER, "xa\xf0\x9f\x98\x80", "x[masked]", 1);
    mask_destroy(mask);
}

static struct mask *
clone_of(struct mask *mask)
{
    struct mask *clone;
    assert_int_equal(mask_clone(mask, &clone, NULL), TALLY_OK);
    mask_destroy(mask);
    return clone;
}

/* A clone is the same, and needs neither the mask nor the locale that it was made in. */
static void
clones(void **state)
{
    (void)state;
    static const char *const names[] = { "iban", "pin", NULL };
    static const char *const patterns[] = { "sk_[a-z0-9]+", "^a.b$", NULL };
    assert_non_null(setlocale(LC_CTYPE, "C"));
    struct mask *mask = clone_of(clone_of(make(names, patterns)));
    bool there = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
    mask = clone_of(mask);
    assert_true(mask_has_patterns(mask));
    assert_true(is_secret(mask, "user_iban"));
    assert_false(is_secret(mask, "spin"));
    assert_false(is_secret(mask, "password"));
    check_text(mask, MASK_FREE_TEXT, "4111111111111111 sk_1", "[masked] [masked]", 2);
    check_text(mask, MASK_IDENTIFIER, "axb", "[masked]", 1);
    check_text(mask, MASK_IDENTIFIER,
               "a\xc3\xa9"
               "b",
               "a\xc3\xa9"
               "b",
               0);
    mask_destroy(mask);
    if (!there)
        print_message("# there is no locale C.UTF-8\n");
    (void)setlocale(LC_CTYPE, "C");

    mask = clone_of(make(NULL, NULL));
    assert_false(mask_has_patterns(mask));
    assert_true(is_secret(mask, "password"));
    mask_destroy(mask);
}

static void
refused(void **state)
{
    (void)state;
    static const char *const open[] = { "fine", "(", NULL };
    static const char *const blank[] = { "a", "_-", NULL };
    const char *many[40] = { 0 };
    struct mask *mask;
    struct tally_error error;
    assert_int_equal(mask_create(NULL, open, &mask, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "'('"));
    assert_int_equal(mask_create(blank, NULL, &mask, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "'_-'"));
    for (unsigned i = 0; i < 39; i++)
        many[i] = "a";
    assert_int_equal(mask_create(NULL, many, &mask, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "more than 32"));
    mask_destroy(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_secrets), cmocka_unit_test(names_of_several),
        cmocka_unit_test(standard_names),   cmocka_unit_test(names_of_the_users),
        cmocka_unit_test(all_small_names),  cmocka_unit_test(texts_without_expressions),
        cmocka_unit_test(expressions),      cmocka_unit_test(overlapping),
        cmocka_unit_test(whole_characters), cmocka_unit_test(clones),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
