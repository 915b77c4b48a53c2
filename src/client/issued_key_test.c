#include "issued_key.h"

#include "find_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Made of parts: nobody's, and no scanner of sources takes them for somebody's. */
#define D8  "a1B2c3D4"
#define D16 D8 D8
#define D24 D16 D8
#define D36 D16 D16 "e5F6"
#define D43 D16 D16 D8 "e5F"
#define GITHUB \
    "gh"       \
    "p_" D36
#define SLACK \
    "xo"      \
    "xb-1234567890-" D16
#define AWS \
    "AK"    \
    "IA7Q2W4E6R8T0Y2U4I"
#define JWT_HEAD \
    "ey"         \
    "JhbGciOiJub25lIn0"
#define JWT JWT_HEAD ".eyJzdWIiOiJ1NDIifQ." D43
#define PEM(name)                            \
    "-----BEGIN " name "-----\nMIIEvQIBADAN" \
    "\n-----END " name "-----"

#define CHECK(rows) find_check(issued_key_find, rows, sizeof(rows) / sizeof *(rows))

static void
keys(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "alone", GITHUB, "#" },
        { "in a sentence", "pushed with " GITHUB ".", "pushed with #." },
        { "in quotes", "{\"a\":\"" GITHUB "\"}", "{\"a\":\"#\"}" },
        { "in a path", "/hook/" SLACK "/in", "/hook/#/in" },
        { "two", SLACK "," GITHUB, "#,#" },
        { "GitHub's other form",
          "github_"
          "pat_" D24 "_" D24,
          "#" },
        { "GitLab",
          "glp"
          "at-" D24,
          "#" },
        { "Slack",
          "token xo"
          "xp-1-2-3-" D16,
          "token #" },
        { "Stripe",
          "sk_"
          "live_" D24,
          "#" },
        { "Google",
          "AI"
          "za" D24 D8 "abc",
          "#" },
        { "npm",
          "//registry/:_x "
          "np"
          "m_" D36,
          "//registry/:_x #" },
        { "Anthropic",
          "sk-"
          "ant-api03-" D24,
          "#" },
        { "OpenAI",
          "sk-"
          "proj-" D24,
          "#" },
        { "Tallystick",
          "key tal"
          "ly_" D43 "!",
          "key #!" },
        { "AWS", "by " AWS " from", "by # from" },
        { "AWS: the text is who did it", AWS, AWS },
        { "AWS: too long", AWS "Z x", AWS "Z x" },
        { "AWS: small letters",
          "AK"
          "IA7q2w4e6r8t0y2u4i x",
          "AK"
          "IA7q2w4e6r8t0y2u4i x" },
    };
    CHECK(rows);
}

static void
tokens(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "a JWT", JWT, "#" },
        { "in a query", "/cb?a=" JWT "&b=1", "/cb?a=#&b=1" },
        { "at a sentence's end", "got " JWT ", sorry", "got #, sorry" },
        { "without a signature", JWT_HEAD ".eyJzdWIiOiJ1NDIifQ.", "#" },
        { "encrypted: five parts", JWT_HEAD ".." D8 "." D8 "." D8, JWT_HEAD ".." D8 "." D8 "." D8 },
        { "encrypted, with a key", JWT_HEAD "." D16 "." D8 "." D8 "." D8, "#" },
        { "one part is JSON in base64", JWT_HEAD, JWT_HEAD },
        { "a file", JWT_HEAD ".json", JWT_HEAD ".json" },
        { "Bearer", "sent Bearer " D24 "/+=.", "sent Bearer #" },
        { "in small letters", "bearer ya29." D24, "bearer #" },
        { "a sentence", "the bearer authentication-of-clients",
          "the bearer authentication-of-clients" },
        { "a short one", "Bearer a1b2c3d4e5", "Bearer a1b2c3d4e5" },
        { "another word", "forbearer " D24, "forbearer #" },
    };
    CHECK(rows);
}

static void
private_keys(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "PKCS #8", "a\n" PEM("PRIVATE KEY") "\nb", "a\n#\nb" },
        { "OpenSSH", PEM("OPENSSH PRIVATE KEY"), "#" },
        { "PGP", PEM("PGP PRIVATE KEY BLOCK"), "#" },
        { "lines as JSON has them",
          "-----BEGIN RSA PRIVATE KEY-----\\nMII\\n-----END RSA PRIVATE KEY-----\\n", "#\\n" },
        { "cut", "-----BEGIN EC PRIVATE KEY-----\nMHcC", "#" },
        { "a certificate", PEM("CERTIFICATE"), PEM("CERTIFICATE") },
        { "a public key", PEM("PUBLIC KEY"), PEM("PUBLIC KEY") },
    };
    CHECK(rows);
}

static void
what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "short",
        "0190b5f0-7c5c-7e3a-9d2f-8d1c4b7a6e55",
        "ghp_tooshort1",
        "npm_config_registry_and_another_long_name_x",
        "tally_trail_entries_and_some_more_words_here_xyz",
        "xoxb-without-any-digit",
        "sk_live_a_sentence_in_snake_case",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "arn:aws:iam::123456789012:role/AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
        "https://example.org/a/very-long-path-of-an-article-2024/index.html?page=12#top",
        "-----BEGIN",
        "----------------------------------------",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t start, end;
        if (issued_key_find(bytes_text(texts[i]), 0, &start, &end))
            fail_msg("%s", texts[i]);
    }
}

/* Wherever it stands, and however long what stands beside it is. */
static void
at_every_place(void **state)
{
    (void)state;
    static const char *const found[] = { GITHUB, SLACK, JWT, PEM("PRIVATE KEY") };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        for (unsigned before = 0; before < 64; before++) {
            char text[FIND_TEXT_MAX], *at = text;
            for (unsigned j = 0; j < before; j++)
                *at++ = j % 7 == 6 || j + 1 == before ? ' ' : 'b';
            (void)sprintf(at, "%s and more", found[i]);
            char *alone = strdup(text); /* with nothing behind it */
            assert_non_null(alone);
            size_t start, end;
            assert_true(issued_key_find(bytes_of(alone, strlen(text)), 0, &start, &end));
            assert_int_equal(start, before);
            assert_int_equal(end, before + strlen(found[i]));
            free(alone);
        }
    }
}

/* A search ends, goes forward and stays within the text. */
static void
random_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = { "eyJ",
                                          ".",
                                          D16,
                                          "gh"
                                          "p_",
                                          D36,
                                          " ",
                                          "Bearer ",
                                          "-----BEGIN ",
                                          "PRIVATE KEY-----",
                                          "-----END ",
                                          "-----",
                                          "AK"
                                          "IA",
                                          "\n",
                                          "=" };
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        char text[FIND_TEXT_MAX] = "", out[FIND_TEXT_MAX];
        for (unsigned i = (unsigned)rand_r(&seed) % 16; i > 0; i--)
            (void)strcat(text, pieces[(unsigned)rand_r(&seed) % (sizeof pieces / sizeof *pieces)]);
        find_replace(issued_key_find, text, out);
        char *alone = strdup(text);
        assert_non_null(alone);
        size_t start, end;
        if (issued_key_find(bytes_of(alone, strlen(text)), 0, &start, &end))
            assert_true(start < end && end <= strlen(text));
        free(alone);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),           cmocka_unit_test(tokens),
        cmocka_unit_test(private_keys),   cmocka_unit_test(what_is_none),
        cmocka_unit_test(at_every_place), cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
