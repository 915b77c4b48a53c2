#include "forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tally_proxies *
trusting(const char *text)
{
    char copy[256];
    const char *networks[16];
    size_t count = 0;
    struct tally_proxies *proxies;
    struct tally_error error;
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        networks[count++] = word;
    if (tally_proxies_create(networks, count, &proxies, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return proxies;
}

struct row {
    const char *why;
    const char *trusted;
    const char *peer;
    const char *forwarded;
    const char *x_forwarded_for;
    const char *address; /* NULL: there is none */
};

static void
check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        char address[TALLY_ADDRESS_MAX] = "untouched";
        struct tally_proxies *proxies = trusting(row->trusted);
        tally_status status =
            tally_client_address(proxies, row->peer, row->forwarded, row->x_forwarded_for, address);
        assert_int_equal(status, row->address == NULL ? TALLY_ABSENT : TALLY_OK);
        if (strcmp(address, row->address == NULL ? "untouched" : row->address) != 0)
            fail_msg("%s: %s", row->why, address);
        tally_proxies_destroy(proxies);
    }
}

static void
peers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "nobody is trusted", "", "9.9.9.9:80", "for=1.1.1.1", "1.1.1.1", "9.9.9.9" },
        { "another network is trusted", "10.0.0.0/8", "9.9.9.9", "for=1.1.1.1", "1.1.1.1",
          "9.9.9.9" },
        { "no header", "9.9.9.9", "9.9.9.9", NULL, NULL, "9.9.9.9" },
        { "empty headers", "9.9.9.9", "9.9.9.9", "", " , ,", "9.9.9.9" },
        { "a mapped address is its IPv4 address", "", "[::ffff:10.1.2.3]:80", NULL, NULL,
          "10.1.2.3" },
        { "a zone stays", "", "[fe80::1%eth0.1]:80", NULL, NULL, "fe80::1%eth0.1" },
        { "a zone does not matter for trust", "private", "fe80::1%eth0", NULL, "1.1.1.1",
          "1.1.1.1" },
        { "canonical", "", "2001:DB8:0:0::1", NULL, NULL, "2001:db8::1" },
        { "a unix socket", "unix", NULL, NULL, "1.1.1.1", "1.1.1.1" },
        { "as servers write it", "unix", "@", NULL, "1.1.1.1", "1.1.1.1" },
        { "as servers write it", "unix", "", NULL, "1.1.1.1", "1.1.1.1" },
        { "as servers write it", "unix", "unix:/run/x", NULL, "1.1.1.1", "1.1.1.1" },
        { "a unix socket that is not trusted", "loopback private", NULL, "for=1.1.1.1", "1.1.1.1",
          NULL },
        { "a unix socket and no header", "unix", NULL, NULL, NULL, NULL },
        { "no address", "unix 0.0.0.0/0", "localhost", NULL, "1.1.1.1", NULL },
        { "nowhere", "0.0.0.0/0", "0.0.0.0", NULL, "1.1.1.1", NULL },
        { "nowhere", "::/0", "[::]:80", NULL, "1.1.1.1", NULL },
        { "a zone of an IPv4 address", "", "1.1.1.1%eth0", NULL, NULL, NULL },
        { "loopback", "loopback", "127.8.8.8", NULL, "1.1.1.1", "1.1.1.1" },
        { "loopback is not private", "private", "::1", NULL, "1.1.1.1", "::1" },
        { "private", "private", "172.31.255.255", NULL, "1.1.1.1", "1.1.1.1" },
        { "not private", "private", "172.32.0.0", NULL, "1.1.1.1", "172.32.0.0" },
        { "unique local", "private", "fd00::1", NULL, "1.1.1.1", "1.1.1.1" },
    };
    check(rows, sizeof rows / sizeof *rows);
}

static void
x_forwarded_for(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "the last one is the proxy's word", "10.0.0.1", "10.0.0.1", NULL, "6.6.6.6, 1.1.1.1",
          "1.1.1.1" },
        { "through trusted ones", "10.0.0.0/8", "10.0.0.1", NULL, "6.6.6.6, 1.1.1.1 ,10.2.0.0",
          "1.1.1.1" },
        { "all are trusted", "10.0.0.0/8", "10.0.0.1", NULL, "10.3.0.0,10.2.0.0", "10.3.0.0" },
        { "empty elements are none", "10.0.0.0/8", "10.0.0.1", NULL, ",1.1.1.1,, ,10.2.0.0,,",
          "1.1.1.1" },
        { "ports and brackets", "10.0.0.0/8", "10.0.0.1", NULL,
          "[2001:db8::1]:443,10.2.0.0:80,[10.3.0.0]", "2001:db8::1" },
        { "unknown", "10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.1,unknown,10.2.0.0", "10.2.0.0" },
        { "unknown at once", "10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.1,unknown", "10.0.0.1" },
        { "quotes are no part of it", "10.0.0.0/8", "10.0.0.1", NULL, "\"1.1.1.1\"", "10.0.0.1" },
        { "NAT64 as given", "10.0.0.0/8", "10.0.0.1", NULL, "64:ff9b::188.0.2.128",
          "64:ff9b::bc00:280" },
        { "more digits than a number has", "10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.0001",
          "10.0.0.1" },
        { "a line of its own", "10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.1\n", "10.0.0.1" },
    };
    check(rows, sizeof rows / sizeof *rows);
}

static void
forwarded(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "plain", "10.0.0.0/8", "10.0.0.1", "for=6.6.6.6, for=1.1.1.1", NULL, "1.1.1.1" },
        { "through trusted ones", "10.0.0.0/8", "10.0.0.1",
          "for=6.6.6.6,FOR=\"1.1.1.1:80\";proto=https, proto=http;For=10.2.0.0", NULL, "1.1.1.1" },
        { "IPv6 as the RFC writes it", "10.0.0.0/8", "10.0.0.1",
          "for=\"[2001:db8::1]:4711\";by=203.0.113.43", NULL, "2001:db8::1" },
        { "without quotes", "10.0.0.0/8", "10.0.0.1", "by=2::2;for=[2001:db8::1]:80", NULL,
          "2001:db8::1" },
        { "an obfuscated port", "10.0.0.0/8", "10.0.0.1", "for=\"1.1.1.1:_x-1.y\"", NULL,
          "1.1.1.1" },
        { "an escaped character", "10.0.0.0/8", "10.0.0.1", "for=\"1.1.\\1.1\"", NULL, "1.1.1.1" },
        { "commas and semicolons in quotes", "10.0.0.0/8", "10.0.0.1",
          "for=1.1.1.1;host=\"a, for=6.6.6.6;b\"", NULL, "1.1.1.1" },
        { "quotes in quotes", "10.0.0.0/8", "10.0.0.1",
          "for=1.1.1.1;host=\"\\\", for=6.6.6.6;x=\\\"\\\\\"", NULL, "1.1.1.1" },
        { "obfuscated", "10.0.0.0/8", "10.0.0.1", "for=1.1.1.1, for=_hidden, for=10.2.0.0", NULL,
          "10.2.0.0" },
        { "unknown", "10.0.0.0/8", "10.0.0.1", "for=unknown", NULL, "10.0.0.1" },
        { "no for", "10.0.0.0/8", "10.0.0.1", "for=1.1.1.1, proto=https", NULL, "10.0.0.1" },
        { "pairs may be empty (section 4)", "10.0.0.0/8", "10.0.0.1",
          ";proto=https; ;;for=1.1.1.1;;", NULL, "1.1.1.1" },
        { "all of them", "10.0.0.0/8", "10.0.0.1", "for=1.1.1.1, ;;", NULL, "10.0.0.1" },
        { "two of them around an empty pair", "10.0.0.0/8", "10.0.0.1", "for=6.6.6.6;;for=1.1.1.1",
          NULL, "10.0.0.1" },
        { "two of them", "10.0.0.0/8", "10.0.0.1", "for=6.6.6.6;for=1.1.1.1", NULL, "10.0.0.1" },
        { "a name that only begins so", "10.0.0.0/8", "10.0.0.1", "form=1.1.1.1", NULL,
          "10.0.0.1" },
        { "the client's stray quote does not swallow the proxy's word", "10.0.0.0/8", "10.0.0.1",
          "for=6.6.6.6;x=\", for=1.1.1.1", NULL, "1.1.1.1" },
        { "nor where that has quotes too", "10.0.0.0/8", "10.0.0.1",
          "for=6.6.6.6;x=\", for=\"[2001:db8::1]\"", NULL, "2001:db8::1" },
        { "nor with a backslash", "10.0.0.0/8", "10.0.0.1", "for=\"6.6.6.6\\, for=\"1.1.1.1\"",
          NULL, "1.1.1.1" },
        { "a quote that does not end", "10.0.0.0/8", "10.0.0.1", "for=\"1.1.1.1", NULL,
          "10.0.0.1" },
        { "something behind a quote", "10.0.0.0/8", "10.0.0.1", "for=\"1.1.1.1\"x", NULL,
          "10.0.0.1" },
        { "a quote in the middle", "10.0.0.0/8", "10.0.0.1", "for=1.1\".1.1\"", NULL, "10.0.0.1" },
        { "an address alone", "10.0.0.0/8", "10.0.0.1", "1.1.1.1", NULL, "10.0.0.1" },
    };
    check(rows, sizeof rows / sizeof *rows);
}

/* The one that the proxies do not write is what the client wants it to be. */
static void
both(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "they agree", "10.0.0.0/8", "10.0.0.1", "for=\"1.1.1.1:80\"", "6.6.6.6, 1.1.1.1",
          "1.1.1.1" },
        { "they differ", "10.0.0.0/8", "10.0.0.1", "for=6.6.6.6", "1.1.1.1", "10.0.0.1" },
        { "one is no address", "10.0.0.0/8", "10.0.0.1", "for=unknown", "1.1.1.1", "10.0.0.1" },
        { "they differ and the peer has no address", "unix", NULL, "for=6.6.6.6", "1.1.1.1", NULL },
        { "they agree and the peer has no address", "unix", NULL, "for=1.1.1.1", "1.1.1.1",
          "1.1.1.1" },
        { "one is empty", "unix", NULL, "for=1.1.1.1", " ,", "1.1.1.1" },
        { "the other is empty", "unix", NULL, "", "1.1.1.1", "1.1.1.1" },
    };
    check(rows, sizeof rows / sizeof *rows);
}

/* A list that goes on and on is not believed beyond so many. */
static void
long_lists(void **state)
{
    (void)state;
    char list[4096] = "1.1.1.1";
    for (unsigned i = 0; i < 100; i++)
        (void)snprintf(list + strlen(list), sizeof list - strlen(list), ",10.0.0.%u", 101 + i);
    const struct row rows[] = { { "a hundred proxies", "10.0.0.0/8", "10.0.0.1", NULL, list,
                                  "10.0.0.137" } };
    check(rows, 1);
}

static void
no_proxies(void **state)
{
    (void)state;
    char address[TALLY_ADDRESS_MAX];
    assert_int_equal(tally_client_address(NULL, "9.9.9.9", NULL, "1.1.1.1", address), TALLY_OK);
    assert_string_equal(address, "9.9.9.9");
    tally_proxies_destroy(NULL);
}

static void
refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "10.0.0.0/33",  "host",    "", "10.0.0",
                                         "fe80::1%eth0", "Private", "*" };
    static const char *many[1025];
    struct tally_proxies *proxies;
    struct tally_error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *networks[] = { "10.0.0.0/8", wrong[i] };
        assert_int_equal(tally_proxies_create(networks, 2, &proxies, &error), TALLY_INVALID);
        char quoted[64];
        (void)snprintf(quoted, sizeof quoted, "'%s'", wrong[i]);
        assert_non_null(strstr(error.text, quoted));
    }
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = "private";
    assert_int_equal(tally_proxies_create(many, 1025, &proxies, &error), TALLY_INVALID);
    assert_int_equal(tally_proxies_create(many, 1024, &proxies, &error), TALLY_OK);
    tally_proxies_destroy(proxies);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers),   cmocka_unit_test(x_forwarded_for), cmocka_unit_test(forwarded),
        cmocka_unit_test(both),    cmocka_unit_test(long_lists),      cmocka_unit_test(no_proxies),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
