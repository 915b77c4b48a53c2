#include "credential.h"

#include "find_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mask *mask;

static int
set_up(void **state)
{
    (void)state;
    return mask_create(NULL, NULL, &mask, NULL);
}

static int
tear_down(void **state)
{
    (void)state;
    mask_destroy(mask);
    return 0;
}

static bool
find_credential(struct bytes text, size_t at, size_t *start_out, size_t *end_out)
{
    return credential_find(mask, text, at, start_out, end_out);
}

#define CHECK(rows) find_check(find_credential, rows, sizeof(rows) / sizeof *(rows))

static void
queries_and_settings(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "a query", "/reset?a=1&token=abc&b=2", "/reset?a=1&token=#&b=2" },
        { "in another case", "?accessToken=x.y-z_0%20", "?accessToken=#" },
        { "first of all", "password=x", "password=#" },
        { "two", "?pin=1&cvv=2", "?pin=#&cvv=#" },
        { "within brackets", "user[password]=x&tokens[]=y", "user[password]=#&tokens[]=#" },
        { "within encoded brackets", "user%5Bpassword%5D=x&a=1", "user%5Bpassword%5D=#&a=1" },
        { "a number in brackets", "token[0]=x&a[pin][12][]=y", "token[0]=#&a[pin][12][]=#" },
        { "in encoded brackets", "token%5B0%5D=x&a%5bpin%5d%5b1%5d=y",
          "token%5B0%5D=#&a%5bpin%5d%5b1%5d=#" },
        { "an escape before it", "a%5Bpin%5D=x&next=%3Fotp=y&%5Bspin%5D=1",
          "a%5Bpin%5D=#&next=%3Fotp=#&%5Bspin%5D=1" },
        { "no escape", "5%card_number=x&50%pin=y", "5%card_number=#&50%pin=#" },
        { "another name's", "[0]=x&spin[0]=x&12=y&1[=z", "[0]=x&spin[0]=x&12=y&1[=z" },
        { "a number behind the name", "password2=x", "password2=#" },
        { "settings", "host=h password=x dbname=d", "host=h password=# dbname=d" },
        { "a connection string", "Server=s;Pwd=x;Port=1", "Server=s;Pwd=#;Port=1" },
        { "with blanks", "api_key = x\nb = 2", "api_key = #\nb = 2" },
        { "in quotes", "connect(password='a b', port=1)", "connect(password='#', port=1)" },
        { "in backticks", "`password`: `a b`, token=`x`", "`password`: `#`, token=`#`" },
        { "SQL's quotes", "SET password = 'it''s' WHERE 1", "SET password = '#' WHERE 1" },
        { "bytes of Python", "secret=b'a b', n=1", "secret=b'#', n=1" },
        { "an arrow", "\"token\"=>\"x\"", "\"token\"=>\"#\"" },
        { "a comparison", "token == abc", "token == #" },
        { "a scheme", "token=Bearer abc def", "token=# def" },
        { "that does not end", "password='abc", "password='#" },
        { "nothing behind it", "?token=&a=1", "?token=&a=1" },
        { "nor there", "token= user=bob", "token= user=bob" },
        { "the end", "token=", "token=" },
        { "an empty string", "token='' a", "token='' a" },
        { "null", "{'token': None, \"pin\": null}", "{'token': None, \"pin\": null}" },
        { "another name", "?token_type=x&spin=1&author=b", "?token_type=x&spin=1&author=b" },
        { "no name", "=x :y = z", "=x :y = z" },
        { "how many", "tokens=512 tokens=abc", "tokens=512 tokens=#" },
    };
    CHECK(rows);
}

static void
within_json(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "a string", "{\"password\":\"a b\",\"n\":1}", "{\"password\":\"#\",\"n\":1}" },
        { "with a quote", "{\"password\":\"a\\\"b\",\"n\":1}", "{\"password\":\"#\",\"n\":1}" },
        { "with a backslash last", "{\"password\":\"a\\\\\",\"n\":1}",
          "{\"password\":\"#\",\"n\":1}" },
        { "a number", "{\"pin\": 1234, \"n\":1}", "{\"pin\": #, \"n\":1}" },
        { "an object", "{\"credentials\":{\"a\":{}},\"n\":1}", "{\"credentials\":#,\"n\":1}" },
        { "an array", "{'cookies': ['a', 'b'], 'n':1}", "{'cookies': #, 'n':1}" },
        { "lines", "{\n \"token\":\n \"x\"\n}", "{\n \"token\":\n \"#\"\n}" },
        { "within a string", "\"{\\\"pin\\\":\\\"a b\\\",\\\"n\\\":1}\"",
          "\"{\\\"pin\\\":\\\"#\\\",\\\"n\\\":1}\"" },
        { "with a quote within a string", "\\\"pin\\\":\\\"a\\\\\\\"b\\\", c",
          "\\\"pin\\\":\\\"#\\\", c" },
        { "cut off", "{\"password\":\"abc…", "{\"password\":\"#" },
        { "cut off in brackets", "{\"tokens\":[1,2", "{\"tokens\":#" },
    };
    CHECK(rows);
}

static void
headers_and_sentences(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "a header", "Authorization: Bearer abc\r\nHost: h", "Authorization: #\r\nHost: h" },
        { "of the rest of the line", "x\nSet-Cookie: a=b; c=d\ny", "x\nSet-Cookie: #\ny" },
        { "of the string that it is in", "curl -H \"Authorization: Digest u='a', r='b'\" http://h",
          "curl -H \"Authorization: #\" http://h" },
        { "another header", "X-Api-Key: abc\nA: b", "X-Api-Key: #\nA: b" },
        { "a list of lines", "user: bob\npassword: x\n", "user: bob\npassword: #\n" },
        { "a sentence", "wrong password: hunter2 for bob", "wrong password: # for bob" },
        { "an ARN", "arn:aws:secretsmanager:eu:1:secret:db-a1",
          "arn:aws:secretsmanager:eu:1:secret:db-a1" },
        { "a scope", "Token::new", "Token::new" },
        { "no value", "no password: ", "no password: " },
        { "no sign", "the password is wrong", "the password is wrong" },
    };
    CHECK(rows);
}

static void
options_of_commands(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "a word", "docker login --username u --password p@ss registry",
          "docker login --username u --password # registry" },
        { "first of all", "--token x", "--token #" },
        { "in quotes", "deploy --api-key 'a b' --now", "deploy --api-key '#' --now" },
        { "several blanks", "x --db-password   y z", "x --db-password   # z" },
        { "a sign", "x --password=y --pin=1", "x --password=# --pin=#" },
        { "a command in quotes", "sh -c \"mysql --password x\" y",
          "sh -c \"mysql --password #\" y" },
        { "the next option", "x --password --host h", "x --password --host h" },
        { "nothing behind it", "x --password", "x --password" },
        { "nor there", "x --password ", "x --password " },
        { "a number of them", "x --tokens 512 --tokens abc", "x --tokens 512 --tokens #" },
        { "another name", "x --password-stdin y --spin 1", "x --password-stdin y --spin 1" },
        { "no option", "a--token x - -token y -- token z", "a--token x - -token y -- token z" },
        { "dashes", "------ --- --token x 2026-01-01", "------ --- --token # 2026-01-01" },
        { "astride", "1234567--token x", "1234567--token x" },
        { "astride of eight", "123456 --token x", "123456 --token #" },
    };
    CHECK(rows);
}

static void
urls(void **state)
{
    (void)state;
    static const struct find_row rows[] = {
        { "a password", "postgresql://u:p@h:5432/d", "postgresql://u:#@h:5432/d" },
        { "with signs", "to 'https://u:p:a@b@h' x", "to 'https://u:#@h' x" },
        { "no user", "redis://:p@h/0", "redis://:#@h/0" },
        { "and a query", "https://u:p@h/?token=x", "https://u:#@h/?token=#" },
        { "a user only", "ssh://git@h/r", "ssh://git@h/r" },
        { "a port", "https://h:80/a@b", "https://h:80/a@b" },
        { "an empty password", "https://u:@h", "https://u:@h" },
        { "an address", "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/" },
        { "cut off", "https:/", "https:/" },
    };
    CHECK(rows);
}

/* Whatever stands in it, a search ends, goes forward and stays within the text; what it finds is
 * found in the same way from any place that is not behind the name. */
static void
random_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = { "token", "pin",      "=",        ":",  "://", "@",
                                          "\"",    "'",        "\\",       " ",  "[",   "]",
                                          "{",     "}",        "%5D",      "\n", "a",   "1",
                                          "b'",    "Cookie: ", "\xc3\xa9", "&",  ">",   "tokens",
                                          "--",    "-" };
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        char text[FIND_TEXT_MAX] = "", out[FIND_TEXT_MAX];
        for (unsigned i = (unsigned)rand_r(&seed) % 16; i > 0; i--)
            (void)strcat(text, pieces[(unsigned)rand_r(&seed) % (sizeof pieces / sizeof *pieces)]);
        find_replace(find_credential, text, out);
        size_t start, end;
        char *alone = strdup(text); /* with nothing behind it */
        assert_non_null(alone);
        struct bytes bytes = bytes_of(alone, strlen(text));
        if (credential_find(mask, bytes, 0, &start, &end))
            assert_true(start < end && end <= bytes.size);
        free(alone);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_and_settings),
        cmocka_unit_test(within_json),
        cmocka_unit_test(headers_and_sentences),
        cmocka_unit_test(options_of_commands),
        cmocka_unit_test(urls),
        cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
