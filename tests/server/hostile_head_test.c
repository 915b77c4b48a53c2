/* hostile_head_test.c - first lines and fields that are not right, and more of anything than fits. */
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
request_lines(void **state)
{
    (void)state;
#define REST "$H$KContent-Length: 20\r\n\r\n$E"
    static const struct hostile rows[] = {
        { "LF for blanks", BYTES("POST\n/api/events\nHTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "a colon in the method", BYTES("PO:ST /api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "another method", BYTES("-POST /api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "another case", BYTES("post /api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "a method beyond ASCII", BYTES("POST\xc3\x9f /api/events HTTP/1.1\r\n" REST), REFUSED, 1,
          0 },
        { "NUL behind the method", BYTES("POST\0 /api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "NUL before the method", BYTES("\0POST /api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "NUL behind the target", BYTES("POST /api/events\0 HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "NUL and a query", BYTES("POST /api/events\0?a=b HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "two blanks", BYTES("POST  /api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "two blanks before the version", BYTES("POST /api/events  HTTP/1.1\r\n" REST), REFUSED, 1,
          0 },
        { "a blank behind the version", BYTES("POST /api/events HTTP/1.1 \r\n" REST), REFUSED, 1,
          0 },
        { "a tab for a blank", BYTES("POST\t/api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "another protocol", BYTES("POST /api/events FTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "no version", BYTES("POST /api/events\r\n" REST), REFUSED, 1, 0 },
        { "HTTP/0.99", BYTES("POST /api/events HTTP/0.99\r\n" REST), REFUSED, 1, 0 },
        { "HTTP/1.2", BYTES("POST /api/events HTTP/1.2\r\n" REST), REFUSED, 1, 0 },
        { "HTTP/2.0", BYTES("POST /api/events HTTP/2.0\r\n" REST), REFUSED, 1, 0 },
        { "HTTP/1.01", BYTES("POST /api/events HTTP/1.01\r\n" REST), REFUSED, 1, 0 },
        { "a relative target", BYTES("POST api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "a relative target, encoded", BYTES("POST %2fapi/events HTTP/1.1\r\n" REST), REFUSED, 1,
          0 },
        { "an asterisk", BYTES("POST * HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "an absolute target", BYTES("POST http://localhost/api/events HTTP/1.1\r\n" REST),
          REFUSED, 1, 0 },
        { "a strange absolute target", BYTES("POST s://]api/events HTTP/1.1\r\n" REST), REFUSED, 1,
          0 },
        { "an authority", BYTES("CONNECT localhost:80 HTTP/1.1\r\n$H$K\r\n"), REFUSED, 1, 0 },
        { "dots", BYTES("POST /x/../api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "encoded dots", BYTES("POST /x/%2e%2e/api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "two slashes", BYTES("POST //api/events HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "an encoded slash", BYTES("POST /api%2fevents HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "an encoded NUL", BYTES("POST /api/events%00 HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "a fragment", BYTES("POST /api/events#x HTTP/1.1\r\n" REST), REFUSED, 1, 0 },
        { "a method instead", BYTES("POST /api/events?_method=GET HTTP/1.1\r\n" REST), REFUSED, 1,
          0 },
        { "another server's line",
          BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" POST "Content-Length: 20\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "no end", BYTES("POST /api/events HTTP/1.0\r\n$KContent-Length: 20"), REFUSED, 1, 0 },
        { "HTTP/0.9", BYTES("GET /\r\n"), REFUSED, 1, 0 },
        { "the preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), REFUSED, 1, 0 },
        { "TLS", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x0a\x0d\x0a\x0d\x0a"), REFUSED,
          1, 0 },
        { "nothing", BYTES("\r\n\r\n\n\n"), REFUSED, 1, 0 },
    };
    CHECK_ROWS(rows);
}

static void
heads(void **state)
{
    (void)state;
#define LINE "POST /api/events HTTP/1.1\r\n"
#define SIZE "Content-Length: 20\r\n"
    static const struct hostile rows[] = {
        { "no Host", BYTES(LINE "$K" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "two of them", BYTES(LINE "$H$H$K" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "two keys", BYTES(POST "$K" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "a wrong key behind a good one", BYTES(POST "Authorization: Bearer x\r\n" SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "two types",
          BYTES(POST "Content-Type: application/json\r\n"
                     "Content-Type: application/x-ndjson\r\n" SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "two fields of codings",
          BYTES(POST "Content-Encoding: identity\r\n"
                     "Content-Encoding: gzip\r\n" SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "one that is none", BYTES(LINE "Host: a/b\r\n$K" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "somebody else's", BYTES(LINE "Host: example.com\r\n$K" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "nearly ours", BYTES(LINE "Host: localhost.example.com\r\n$K" SIZE "\r\n$E"), REFUSED, 1,
          0 },
        { "nearly an address", BYTES(LINE "Host: 0.0.0.0=5000\r\n$K" SIZE "\r\n$E"), REFUSED, 1,
          0 },
        { "DEL in a value", BYTES(POST "X-Value: plain\x7finjected\r\n" SIZE "\r\n$E"), REFUSED, 1,
          0 },
        { "a control character in a value", BYTES(POST "X: a\x01\r\n" SIZE "\r\n$E"), REFUSED, 1,
          0 },
        { "no colon", BYTES(POST "X\r\n" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "no name", BYTES(POST ": x\r\n" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "a line that begins with NUL", BYTES(POST SIZE "\0X: y\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a line that is NUL", BYTES(POST SIZE "\0\r\nX: y\r\n\r\n$E"), REFUSED, 1, 0 },
        { "NUL in a value", BYTES(POST SIZE "X: a\0b\r\n\r\n$E"), REFUSED, 1, 0 },
        { "NUL at a value's end", BYTES(POST SIZE "X: a\0\r\n\r\n$E"), REFUSED, 1, 0 },
        { "no key, and a body that is a request",
          BYTES(LINE "$HContent-Length: 200\r\n\r\n" POST SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "a wrong key, and a body that is a request",
          BYTES(LINE "$HAuthorization: Bearer tally_x\r\n" SIZE "\r\n" POST SIZE "\r\n$E"), REFUSED,
          1, 0 },
        { "no such path, and a body that is a request",
          BYTES("POST /nowhere HTTP/1.1\r\n$H$KContent-Length: 10\r\n\r\n" POST SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "a path without bodies, and a body that is a request",
          BYTES("GET /api/trails HTTP/1.1\r\n$H$KContent-Length: 10\r\n\r\n" POST SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "HEAD with a body",
          BYTES("HEAD /api/trails HTTP/1.1\r\n$H$K" SIZE "\r\n" POST SIZE "\r\n$E"), REFUSED, 1,
          0 },
        { "a refused body in chunks that is a request",
          BYTES("POST /nowhere HTTP/1.1\r\n$H$KTransfer-Encoding: chunked\r\n\r\n" POST SIZE
                "\r\n$E"),
          REFUSED, 1, 0 },
        { "Expect: 100-continue, refused", BYTES(LINE "$HExpect: 100-continue\r\n" SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "a Content-Type that is not taken",
          BYTES(POST "Content-Type: text/xml\r\n" SIZE "\r\n$E"), REFUSED, 1, 0 },
        { "a coding that is not taken", BYTES(POST "Content-Encoding: br\r\n" SIZE "\r\n$E"),
          REFUSED, 1, 0 },
        { "two codings", BYTES(POST "Content-Encoding: gzip, gzip\r\n" SIZE "\r\n$E"), REFUSED, 1,
          0 },
        { "no gzip", BYTES(POST "Content-Encoding: gzip\r\n" SIZE "\r\n$E"), DENIED, 1, 0 },
        { "no zstd", BYTES(POST "Content-Encoding: zstd\r\n" SIZE "\r\n$E"), DENIED, 1, 0 },
        { "a protocol to switch to",
          BYTES(POST "Connection: Upgrade\r\nUpgrade: h2c\r\n" SIZE "\r\n$E"), SERVED, 1, 1 },
    };
    CHECK_ROWS(rows);
}

/* `count` times a piece between two texts. */
static void
check_repeated(const struct hostile *row, const char *before, struct bytes piece, size_t count,
               const char *after)
{
    struct buffer text = { 0 };
    hostile_expand(bytes_text(before), &text);
    for (size_t i = 0; i < count; i++)
        buffer_bytes(&text, piece);
    hostile_expand(bytes_text(after), &text);
    assert_false(buffer_failed(&text));
    hostile_check(row, buffer_view(&text));
    buffer_free(&text);
}

static void
more_of_it_than_fits(void **state)
{
    (void)state;
#define TAIL "Content-Length: 20\r\n\r\n$E"
    static const struct {
        struct hostile row;
        const char *before;
        struct bytes piece;
        size_t count;
        const char *after;
    } rows[] = {
        { { "as many fields as may be", { 0 }, SERVED, 1, 1 }, POST, BYTES("X: y\r\n"), 97, TAIL },
        { { "one more", { 0 }, REFUSED, 1, 0 }, POST, BYTES("X: y\r\n"), 98, TAIL },
        { { "many more", { 0 }, REFUSED, 1, 0 }, POST, BYTES("X: y\r\n"), 20000, TAIL },
        { { "two lengths far behind", { 0 }, REFUSED, 1, 0 },
          POST "Content-Length: 2\r\n",
          BYTES("X: y\r\n"),
          200,
          TAIL },
        { { "a long value", { 0 }, SERVED, 1, 1 },
          POST "X: ",
          BYTES("yyyyyyyy"),
          1000,
          "\r\n" TAIL },
        { { "one too long", { 0 }, REFUSED, 1, 0 },
          POST "X: ",
          BYTES("yyyyyyyy"),
          8000,
          "\r\n" TAIL },
        { { "a long name", { 0 }, REFUSED, 1, 0 }, POST, BYTES("yyyyyyyy"), 8000, ": x\r\n" TAIL },
        { { "a value of blanks", { 0 }, FREE, 1, 1 },
          POST "X:",
          BYTES("        "),
          1000,
          "\r\n" TAIL },
        { { "folded lines", { 0 }, REFUSED, 1, 0 },
          POST "X: y",
          BYTES("\r\n z"),
          2000,
          "\r\n" TAIL },
        { { "a long target", { 0 }, REFUSED, 1, 0 },
          "POST /api/events?",
          BYTES("aaaaaaaa"),
          8000,
          " HTTP/1.1\r\n$H$K" TAIL },
        { { "a long path", { 0 }, REFUSED, 1, 0 },
          "POST /api/events",
          BYTES("/aaaaaaa"),
          1500,
          " HTTP/1.1\r\n$H$K" TAIL },
        { { "many parameters", { 0 }, REFUSED, 1, 0 },
          "POST /api/events?",
          BYTES("a&"),
          7000,
          " HTTP/1.1\r\n$H$K" TAIL },
        { { "many parameters with values", { 0 }, REFUSED, 1, 0 },
          "POST /api/events?",
          BYTES("a=b&"),
          3000,
          " HTTP/1.1\r\n$H$K" TAIL },
        { { "a long method", { 0 }, REFUSED, 1, 0 },
          "",
          BYTES("POST"),
          16000,
          " /api/events HTTP/1.1\r\n$H$K" TAIL },
        { { "a line without an end", { 0 }, REFUSED, 1, 0 }, "", BYTES("POST"), 100000, "" },
        { { "a long cookie", { 0 }, FREE, 1, 1 },
          POST "Cookie: ",
          BYTES("a=b;"),
          3000,
          "\r\n" TAIL },
        { { "a cookie of quotes", { 0 }, FREE, 1, 1 },
          POST "Cookie: ",
          BYTES("\"= ;,"),
          100,
          "\r\n" TAIL },
        { { "empty lines", { 0 }, FREE, 1, 1 }, "", BYTES("\r\n"), 100000, POST TAIL },
        { { "NUL", { 0 }, REFUSED, 1, 0 }, "", BYTES("\0\0\0\0\0\0\0\0"), 10000, "" },
        { { "a long extension of a chunk", { 0 }, FREE, 1, 1 },
          CHUNKED "14;",
          BYTES("a=b;"),
          20000,
          "\r\n$E\r\n0\r\n\r\n" },
        { { "many fields behind the last chunk", { 0 }, REFUSED, 1, 0 },
          CHUNKED "14\r\n$E\r\n0\r\n",
          BYTES("X: y\r\n"),
          20000,
          "\r\n" },
        { { "chunks of one byte", { 0 }, SERVED, 1, 1 },
          CHUNKED,
          BYTES("1\r\n \r\n"),
          100000,
          "14\r\n$E\r\n0\r\n\r\n" },
        { { "many requests at once, all of them served", { 0 }, SERVED, 500, 0 },
          "",
          BYTES("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"),
          500,
          "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_repeated(&rows[i].row, rows[i].before, rows[i].piece, rows[i].count, rows[i].after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines),
        cmocka_unit_test(heads),
        cmocka_unit_test(more_of_it_than_fits),
    };
    return cmocka_run_group_tests(tests, hostile_begin, hostile_end);
}
