#include "framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Cuts "Name: value\n…" at the colons and line ends, and nothing else. */
static size_t
read_headers(const char *text, struct header *headers)
{
    size_t count = 0;
    while (*text != '\0') {
        const char *colon = strchr(text, ':');
        const char *end = strchr(colon, '\n');
        headers[count].name = bytes_of(text, (size_t)(colon - text));
        size_t blanks = strspn(colon + 1, " \t"); /* libmicrohttpd skips them */
        headers[count].value = bytes_of(colon + 1 + blanks, (size_t)(end - colon - 1) - blanks);
        count++;
        text = end + 1;
    }
    return count;
}

static tally_status
check(const char *method, const char *target, const char *version, const char *headers_text,
      struct framing_body *body, struct tally_error *error)
{
    struct header headers[FRAMING_HEADERS_MAX + 1];
    struct framing framing = {
        .method = bytes_text(method),
        .target = bytes_text(target),
        .version = bytes_text(version),
        .header_count = read_headers(headers_text, headers),
        .headers = headers,
    };
    return framing_check(&framing, body, error);
}

static void
takes_what_means_one_thing(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *why;
        struct framing_body body;
    } rows[] = {
        { "Host: a\n", "no body", { false, false, 0 } },
        { "Host: a\nContent-Length: 5\n", "a length", { false, true, 5 } },
        { "Host: a\nContent-Length:5\n", "no blank before a value", { false, true, 5 } },
        { "Host: a\nContent-Length:\t 5 \t\n",
          "blanks are not part of a value",
          { false, true, 5 } },
        { "Host: a\nCONTENT-length: 5\n", "names in any case", { false, true, 5 } },
        { "Host: a\nContent-Length: 0\n", "an empty body", { false, true, 0 } },
        { "Host: a\nContent-Length: 007\n", "digits are digits", { false, true, 7 } },
        { "Host: a\nContent-Length: 18446744073709551615\n",
          "the largest",
          { false, true, UINT64_MAX } },
        { "Host: a\nTransfer-Encoding: chunked\n", "chunks", { true, false, 0 } },
        { "Host: a\ntransfer-encoding:CHUNKED\n",
          "codings in any case (RFC 9112, section 7)",
          { true, false, 0 } },
        { "Host: a\nX: \n", "an empty value", { false, false, 0 } },
        { "Host: a\nX: a\tb\n", "a tab in a value", { false, false, 0 } },
        { "Host: a\nX: \x80\xff\n",
          "bytes beyond ASCII (RFC 9110, obs-text)",
          { false, false, 0 } },
        { "Host: a\nX: a\nX: b\n", "others may be there twice", { false, false, 0 } },
        { "Host: a\n!#$%&'*+-.^_`|~09azAZ: a\n", "all that a token may have", { false, false, 0 } },
        { "Host: a\nContent-Lengt: 1\nContent-Length: 2\n", "nearly the name", { false, true, 2 } },
        { "Host:\n", "a host that is not known (RFC 9110, section 7.2)", { false, false, 0 } },
        { "Host: [::1]:7878\n", "an address and a port", { false, false, 0 } },
        { "Host: xn--a.example:80\n", "a name and a port", { false, false, 0 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct framing_body body;
        struct tally_error error;
        if (check("POST", "/a", "HTTP/1.1", rows[i].headers, &body, &error) != TALLY_OK)
            fail_msg("%s: %s", rows[i].why, error.text);
        if (body.chunked != rows[i].body.chunked || body.sized != rows[i].body.sized ||
            body.size != rows[i].body.size)
            fail_msg("%s: another framing", rows[i].why);
    }
}

static void
refuses_what_may_mean_two_things(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *says;
        const char *why;
    } rows[] = {
        { "Host: a\nContent-Length: 5\nContent-Length: 6\n", "more than once",
          "the first or the last" },
        { "Host: a\nContent-Length: 5\nContent-Length: 5\n", "more than once",
          "the same one twice" },
        { "Host: a\nContent-Length: 5\ncontent-length: 6\n", "more than once", "in another case" },
        { "Host: a\nContent-Length: 5, 5\n", "one number", "a list" },
        { "Host: a\nContent-Length: 5,\n", "one number", "a list with nothing behind it" },
        { "Host: a\nContent-Length: +5\n", "one number", "strtol would take a sign" },
        { "Host: a\nContent-Length: -1\n", "one number", "strtoul would, too" },
        { "Host: a\nContent-Length: 0x5\n", "one number", "another base" },
        { "Host: a\nContent-Length: 5 5\n", "one number", "a blank inside" },
        { "Host: a\nContent-Length: 5.0\n", "one number", "a fraction" },
        { "Host: a\nContent-Length: 1e1\n", "one number", "an exponent" },
        { "Host: a\nContent-Length: \n", "one number", "nothing" },
        { "Host: a\nContent-Length: 18446744073709551616\n", "one number", "0 after wrapping" },
        { "Host: a\nContent-Length: 18446744073709551620\n", "one number", "4 after wrapping" },
        { "Host: a\nContent-Length: 184467440737095516150\n", "one number", "wraps by the factor" },
        { "Host: a\nContent-Length: \xb2\n", "one number", "a digit in another alphabet" },
        { "Host: a\nContent-Length: 5\nTransfer-Encoding: chunked\n", "both", "either may win" },
        { "Host: a\nTransfer-Encoding: chunked\nContent-Length: 5\n", "both",
          "in this order, too" },
        { "Host: a\nTransfer-Encoding: identity\nContent-Length: 5\n", "both",
          "some take identity for none" },
        { "Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n", "more than once",
          "chunks in chunks" },
        { "Host: a\nTransfer-Encoding: chunked, chunked\n", "other than", "the same as a list" },
        { "Host: a\nTransfer-Encoding: gzip, chunked\n", "other than", "we do not undo gzip here" },
        { "Host: a\nTransfer-Encoding: chunked, identity\n", "other than",
          "chunked is not the last" },
        { "Host: a\nTransfer-Encoding: identity\n", "other than", "a coding of old" },
        { "Host: a\nTransfer-Encoding: xchunked\n", "other than", "a search would find chunked" },
        { "Host: a\nTransfer-Encoding: chunked;a=b\n", "other than", "a parameter" },
        { "Host: a\nTransfer-Encoding: \"chunked\"\n", "other than", "quoted" },
        { "Host: a\nTransfer-Encoding:chunked \n", "other than", "libmicrohttpd does not trim" },
        { "Host: a\nTransfer-Encoding: \n", "other than", "nothing" },
        { "Host: a\nTransfer-Encoding: \x0b"
          "chunked\n",
          "control", "a vertical tab that some trim" },
        { "Host: a\nTransfer-Encoding : chunked\n", "token", "a blank before the colon" },
        { "Host: a\nContent-Length\t: 5\n", "token", "a tab before the colon" },
        { "Host: a\n Content-Length: 5\n", "token", "a folded line, taken for a field" },
        { "Host: a\n: 5\n", "token", "no name" },
        { "Host: a\nX\x7f: 5\n", "token", "DEL in a name" },
        { "Host: a\nX\xc3\xa4: 5\n", "token", "a name beyond ASCII" },
        { "Host: a\nX(y): 5\n", "token", "a separator in a name" },
        { "Host: a\nX: a\rContent-Length: 5\n", "control", "a line end that some accept" },
        { "Host: a\nX: \x01\n", "control", "a control character" },
        { "Host: a\nX: \x7f\n", "control", "DEL" },
        { "Host: a\nHost: b\n", "more than once", "whose it is" },
        { "Host: a\nHost: a\n", "more than once", "the same one twice" },
        { "", "missing", "RFC 9112, section 3.2" },
        { "Host: a, b\n", "not a host", "a list of hosts" },
        { "Host: a b\n", "not a host", "two" },
        { "Host: a,b\n", "not a host", "two without a blank" },
        { "Host: b@a\n", "not a host", "a user beside it" },
        { "Host: a/b\n", "not a host", "a path behind it" },
        { "Host: a?b\n", "not a host", "a query behind it" },
        { "Host: a#b\n", "not a host", "a fragment behind it" },
        { "Host: \xc3\xa4\n", "not a host", "beyond ASCII" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct framing_body body = { .size = 99 };
        struct tally_error error;
        if (check("POST", "/a", "HTTP/1.1", rows[i].headers, &body, &error) != TALLY_INVALID)
            fail_msg("accepted: %s", rows[i].why);
        if (strstr(error.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].why, error.text);
        assert_int_equal(body.size, 99);
    }
}

static void
request_lines(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *version;
        tally_status status;
        const char *why;
    } rows[] = {
        { "GET", "/", "HTTP/1.1", TALLY_OK, "the usual" },
        { "GET", "/", "HTTP/1.0", TALLY_OK, "the one before" },
        { "M-SEARCH", "/", "HTTP/1.1", TALLY_OK, "any token is a method" },
        { "", "/", "HTTP/1.1", TALLY_INVALID, "no method" },
        { "GE T", "/", "HTTP/1.1", TALLY_INVALID, "a blank in the method" },
        { "GET\x01", "/", "HTTP/1.1", TALLY_INVALID, "a control character in the method" },
        { "G@T", "/", "HTTP/1.1", TALLY_INVALID, "a separator in the method" },
        { "OPTIONS", "*", "HTTP/1.1", TALLY_INVALID, "the asterisk form" },
        { "GET", "http://a/", "HTTP/1.1", TALLY_INVALID, "the absolute form" },
        { "CONNECT", "a:80", "HTTP/1.1", TALLY_INVALID, "the authority form" },
        { "GET", "", "HTTP/1.1", TALLY_INVALID, "no target" },
        { "GET", "/", "HTTP/2.0", TALLY_INVALID, "a version not spoken" },
        { "GET", "/", "HTTP/1.2", TALLY_INVALID, "one that does not exist" },
        { "GET", "/", "HTTP/0.9", TALLY_INVALID, "one that has no header" },
        { "GET", "/", "http/1.1", TALLY_INVALID, "the version's name has one case" },
        { "GET", "/", "HTTP/1.10", TALLY_INVALID, "two digits" },
        { "GET", "/", "HTTP/1.1 ", TALLY_INVALID, "a blank behind it" },
        { "GET", "/", "", TALLY_INVALID, "none" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct framing_body body;
        struct tally_error error;
        if (check(rows[i].method, rows[i].target, rows[i].version, "Host: a\n", &body, &error) !=
            rows[i].status)
            fail_msg("%s", rows[i].why);
    }
}

static void
the_old_version_has_no_codings_and_needs_no_host(void **state)
{
    (void)state;
    struct framing_body body;
    struct tally_error error;
    assert_int_equal(check("GET", "/", "HTTP/1.0", "", &body, &error), TALLY_OK);
    assert_int_equal(check("GET", "/", "HTTP/1.0", "Content-Length: 1\n", &body, &error), TALLY_OK);
    assert_int_equal(check("GET", "/", "HTTP/1.0", "Transfer-Encoding: chunked\n", &body, &error),
                     TALLY_INVALID);
    assert_non_null(strstr(error.text, "HTTP/1.0"));
    assert_int_equal(check("GET", "/", "HTTP/1.0", "Host: a\nHost: b\n", &body, &error),
                     TALLY_INVALID);
}

static void
fields_have_a_limit(void **state)
{
    (void)state;
    struct header headers[FRAMING_HEADERS_MAX + 1];
    for (size_t i = 0; i <= FRAMING_HEADERS_MAX; i++)
        headers[i] = (struct header){ bytes_text("X"), bytes_text("a") };
    headers[0].name = bytes_text("Host");
    struct framing framing = {
        .method = bytes_text("GET"),
        .target = bytes_text("/"),
        .version = bytes_text("HTTP/1.1"),
        .header_count = FRAMING_HEADERS_MAX,
        .headers = headers,
    };
    struct framing_body body;
    assert_int_equal(framing_check(&framing, &body, NULL), TALLY_OK);
    framing.header_count++;
    assert_int_equal(framing_check(&framing, &body, NULL), TALLY_INVALID);
}

/* A head as libmicrohttpd leaves it: separators are NUL now, and its parts end at the first one. */
static tally_status
check_in_place(const char *text, size_t size, const char *const parts[], size_t count)
{
    struct bytes found[8];
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        at = memmem(at, size - (size_t)(at - text), parts[i], strlen(parts[i]));
        assert_non_null(at);
        found[i] = bytes_of(at, strlen(parts[i]));
        at += strlen(parts[i]);
    }
    struct header headers[] = { { found[3], found[4] }, { found[5], found[6] } };
    struct framing framing = {
        .method = found[0],
        .target = found[1],
        .version = found[2],
        .header_count = (count - 3) / 2,
        .headers = headers,
        .target_place = found[1].data,
        .end = (const uint8_t *)text + size,
    };
    struct framing_body body;
    return framing_check(&framing, &body, NULL);
}

static void
nothing_hides_between_the_parts(void **state)
{
    (void)state;
    static const char *const parts[] = { "GET", "/a", "HTTP/1.1", "Host", "a", "X", "b" };
    static const struct {
        struct bytes text;
        tally_status status;
        const char *why;
    } rows[] = {
        { BYTES("GET\0/a\0HTTP/1.1\0\0Host\0 a\0\0X\0\t b\0\0\0\0"), TALLY_OK, "CRLF" },
        { BYTES("GET\0/a\0HTTP/1.1\0Host\0 a\0X\0b\0\0"), TALLY_OK, "bare LF" },
        { BYTES("GET\0/a\0HTTP/1.1\0\0Host\0 a\0X\0b\0\0\0"), TALLY_OK, "some of each" },
        { BYTES("GET\0\0/a\0HTTP/1.1\0\0Host\0 a\0\0X\0b\0\0\0\0"), TALLY_INVALID,
          "NUL behind the method, or two blanks" },
        { BYTES("GET\0/a\0b\0HTTP/1.1\0\0Host\0 a\0\0X\0b\0\0\0\0"), TALLY_INVALID,
          "NUL in the target" },
        { BYTES("GET\0/a\0HTTP/1.1\0\0Host\0 a\0b\0\0X\0b\0\0\0\0"), TALLY_INVALID,
          "NUL in a value" },
        { BYTES("GET\0/a\0HTTP/1.1\0\0Host\0 a\0\0\0X\0b\0\0\0\0"), TALLY_INVALID,
          "NUL behind a value" },
        { BYTES("GET\0/a\0HTTP/1.1\0\0Host\0 a\0\0X\0b\0c\0\0\0\0"), TALLY_INVALID,
          "NUL in the last value" },
        { BYTES("GET\0/a\0HTTP/1.1\0\0Host\0 a\0\0X\0b\0\0\0Y: c\0\0"), TALLY_INVALID,
          "a line that begins with NUL, taken for the head's end" },
        { BYTES("GET\0/a\0HTTP/1.1\0\0Y\0 c\0\0Host\0 a\0\0X\0b\0\0\0\0"), TALLY_INVALID,
          "a field that was not given out" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = (const char *)rows[i].text.data;
        if (check_in_place(text, rows[i].text.size, parts, 7) != rows[i].status)
            fail_msg("%s", rows[i].why);
    }
    static const char folded[] = "GET\0/a\0HTTP/1.1\0\0\0\0\0\0a\0\0b\0\0\0\0Hostb";
    struct header header = { bytes_of(folded + 31, 5), bytes_of(folded + 22, 1) };
    struct framing framing = {
        .method = bytes_of(folded, 3),
        .target = bytes_text("/a"),
        .version = bytes_of(folded + 7, 8),
        .header_count = 1,
        .headers = &header,
        .target_place = (const uint8_t *)folded + 4,
        .end = (const uint8_t *)folded + 30,
    };
    struct framing_body body;
    struct tally_error error;
    assert_int_equal(framing_check(&framing, &body, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "folded"));
}

static void
a_head_without_fields_in_place(void **state)
{
    (void)state;
    static const char *const parts[] = { "GET", "/a", "HTTP/1.0" };
    static const char good[] = "GET\0/a\0HTTP/1.0\0\0\0\0";
    static const char hiding[] = "GET\0/a\0HTTP/1.0\0\0\0X: y\0\0";
    assert_int_equal(check_in_place(good, sizeof good - 1, parts, 3), TALLY_OK);
    assert_int_equal(check_in_place(hiding, sizeof hiding - 1, parts, 3), TALLY_INVALID);
}

/* Every byte in a name, in a value and in a length: exactly those of the grammar are taken. */
static void
every_byte_in_every_place(void **state)
{
    (void)state;
    unsigned names = 0, values = 0, lengths = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t text[3] = { '1', (uint8_t)byte, '2' };
        struct header headers[2] = { { BYTES("Host"), BYTES("a") }, { BYTES("X"), BYTES("a") } };
        struct framing framing = {
            .method = bytes_text("GET"),
            .target = bytes_text("/"),
            .version = bytes_text("HTTP/1.1"),
            .header_count = 2,
            .headers = headers,
        };
        struct framing_body body;
        headers[1].name = bytes_of(text, 3);
        names += framing_check(&framing, &body, NULL) == TALLY_OK;
        headers[1].name = bytes_text("X");
        headers[1].value = bytes_of(text, 3);
        values += framing_check(&framing, &body, NULL) == TALLY_OK;
        headers[1].name = bytes_text("Content-Length");
        lengths += framing_check(&framing, &body, NULL) == TALLY_OK;
    }
    assert_int_equal(names, 10 + 26 + 26 + 15);
    assert_int_equal(values, 256 - 33 + 1); /* C0 and DEL, but for the tab */
    assert_int_equal(lengths, 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_means_one_thing),
        cmocka_unit_test(refuses_what_may_mean_two_things),
        cmocka_unit_test(request_lines),
        cmocka_unit_test(the_old_version_has_no_codings_and_needs_no_host),
        cmocka_unit_test(fields_have_a_limit),
        cmocka_unit_test(nothing_hides_between_the_parts),
        cmocka_unit_test(a_head_without_fields_in_place),
        cmocka_unit_test(every_byte_in_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
