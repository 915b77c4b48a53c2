/*
 * hostile_test.c - requests that are not as they should be, sent raw to a running server.
 *
 * After each of them the trail may have grown by no more than the row allows, and a good request on
 * another connection must be served. Most rows are a POST of one valid event with a good key and one
 * defect: a server that overlooks the defect stores it.
 *
 * In a row's text `$H` stands for a good Host, `$K` for the key, `$E` for an event of 20 bytes and
 * `$C` for the event in a chunk with the last chunk and its line.
 */
#include "served.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define EVENT       "{\"action\":\"hostile\"}"
#define EVENT_CHUNK "14\r\n" EVENT "\r\n0\r\n\r\n"

/* A connection on which nothing more comes for this long is closed from this side. */
#define SILENCE_MS 300
#define CLOSE_MS   5000

enum outcome {
    REFUSED, /* 400 or above and a close; or a close alone. Nothing is stored */
    DENIED,  /* 400 or above; the connection may go on. Nothing is stored */
    SERVED,  /* as many answers and entries as the row says */
    FREE,    /* at most as many */
};

struct hostile {
    const char *why;
    struct bytes text;
    enum outcome outcome;
    unsigned answers;
    unsigned stored;
};

#define POST      "POST /api/events HTTP/1.1\r\n$H$K"
#define LINE_SIZE sizeof "POST /api/events HTTP/1.1\r\n"
#define POST0     "POST /api/events HTTP/1.0\r\n$K"

static struct served served;

static int
begin(void **state)
{
    (void)state;
    served_begin(&served, NULL);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    served_end(&served);
    return 0;
}

/* ---- one of them ---- */

static void
expand(struct bytes text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t what = i + 1 < text.size ? text.data[i + 1] : 0;
        if (text.data[i] != '$' || what == 0 || strchr("HKEC", what) == NULL) {
            buffer_byte(out, text.data[i]);
            continue;
        }
        i++;
        if (what == 'H')
            buffer_text(out, "Host: localhost\r\n");
        else if (what == 'K')
            buffer_format(out, "Authorization: Bearer %s\r\n", served.key);
        else
            buffer_text(out, what == 'E' ? EVENT : EVENT_CHUNK);
    }
}

struct seen {
    unsigned answers;
    unsigned first, last; /* status */
    bool closed;
};

/* What comes back. Behind an answer that closes nothing is an answer any more. */
static struct seen
exchange(struct bytes bytes)
{
    struct seen seen = { 0 };
    struct http *http = http_connect(served.port);
    (void)http_send(http, bytes);
    bool head = bytes.size > 5 && memcmp(bytes.data, "HEAD ", 5) == 0;
    bool ended = false;
    for (;;) {
        struct http_answer answer;
        enum http_result result = http_read(http, head ? HTTP_NO_BODY : HTTP_BODY,
                                            ended ? CLOSE_MS : SILENCE_MS, &answer);
        if (result == HTTP_TIMEOUT && !ended) {
            http_end_sending(http);
            ended = true;
            continue;
        }
        if (result != HTTP_OK) {
            seen.closed = result == HTTP_CLOSED || result == HTTP_CUT;
            break;
        }
        if (answer.status < 200)
            continue;
        seen.last = answer.status;
        if (seen.answers++ == 0)
            seen.first = answer.status;
        if (answer.closing) {
            seen.closed = true;
            break;
        }
    }
    http_close(http);
    return seen;
}

static void
check_served(const char *why)
{
    struct http_request request = { .target = "/api/trails", .key = served.key };
    if (served_ask(&served, &request, NULL) != 200)
        fail_msg("%s: the server does not answer any more", why);
}

static void
check(const struct hostile *row, struct bytes bytes)
{
    uint64_t before = served_size(&served);
    struct seen seen = exchange(bytes);
    check_served(row->why);
    uint64_t stored = served_size(&served) - before;

    if (stored > row->stored)
        fail_msg("%s: %llu entries were stored", row->why, (unsigned long long)stored);
    if (seen.answers > row->answers)
        fail_msg("%s: %u answers", row->why, seen.answers);
    if (row->outcome == SERVED && (seen.answers != row->answers || stored != row->stored))
        fail_msg("%s: %u answers, the last %u, and %llu entries", row->why, seen.answers, seen.last,
                 (unsigned long long)stored);
    if (row->outcome != SERVED && row->outcome != FREE && seen.answers > 0 && seen.first < 400)
        fail_msg("%s: answered with %u", row->why, seen.first);
    if (row->outcome == REFUSED && !seen.closed)
        fail_msg("%s: the connection goes on after %u", row->why, seen.first);
}

static void
check_rows(const struct hostile *rows, size_t count)
{
    struct buffer text = { 0 };
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&text);
        expand(rows[i].text, &text);
        assert_false(buffer_failed(&text));
        check(&rows[i], buffer_view(&text));
    }
    buffer_free(&text);
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof(rows)[0])

/* ---- the tables ---- */

static void
what_is_right_is_served(void **state)
{
    (void)state;
    static const struct hostile rows[] = {
        { "a length", BYTES(POST "Content-Length: 20\r\n\r\n$E"), SERVED, 1, 1 },
        { "chunks", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n$C"), SERVED, 1, 1 },
        { "an extension of a chunk, which is passed over",
          BYTES(POST "Transfer-Encoding: chunked\r\n\r\n14;a=b\r\n$E\r\n0;c\r\n\r\n"), SERVED, 1,
          1 },
        { "zeros before a chunk's size",
          BYTES(POST "Transfer-Encoding: chunked\r\n\r\n00014\r\n$E\r\n000\r\n\r\n"), SERVED, 1,
          1 },
        { "lines that end in LF", BYTES("POST /api/events HTTP/1.1\n$H$KContent-Length: 20\n\n$E"),
          SERVED, 1, 1 },
        { "an empty line before it", BYTES("\r\n" POST "Content-Length: 20\r\n\r\n$E"), SERVED, 1,
          1 },
        { "two requests at once",
          BYTES(POST "Content-Length: 20\r\n\r\n$E" POST "Content-Length: 20\r\n\r\n$E"), SERVED, 2,
          2 },
        { "chunks, then a length",
          BYTES(POST "Transfer-Encoding: chunked\r\n\r\n$C" POST "Content-Length: 20\r\n\r\n$E"),
          SERVED, 2, 2 },
        { "HTTP/1.0", BYTES(POST0 "Content-Length: 20\r\n\r\n$E"), SERVED, 1, 1 },
        { "HTTP/1.0 that keeps the connection",
          BYTES(POST0 "Connection: keep-alive\r\nContent-Length: 20\r\n\r\n$E" POST0
                      "Content-Length: 20\r\n\r\n$E"),
          SERVED, 2, 2 },
        { "HTTP/1.0 that does not: the second is none",
          BYTES(POST0 "Content-Length: 20\r\n\r\n$E" POST0 "Content-Length: 20\r\n\r\n$E"), SERVED,
          1, 1 },
        { "the end of the connection is asked for: the second is none",
          BYTES(POST "Connection: close\r\nContent-Length: 20\r\n\r\n$E" POST
                     "Content-Length: 20\r\n\r\n$E"),
          SERVED, 1, 1 },
        { "Expect: 100-continue",
          BYTES(POST "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n$E"), SERVED, 1, 1 },
        { "HEAD", BYTES("HEAD /api/trails HTTP/1.1\r\n$H$K\r\n"), SERVED, 1, 0 },
        { "a body of no size where none is taken",
          BYTES("GET /api/trails HTTP/1.1\r\n$H$KContent-Length: 0\r\n\r\n"), SERVED, 1, 0 },
    };
    CHECK_ROWS(rows);
}

static void
lengths(void **state)
{
    (void)state;
    static const struct hostile rows[] = {
        { "two", BYTES(POST "Content-Length: 20\r\nContent-Length: 19\r\n\r\n$E"), REFUSED, 1, 0 },
        { "two, the other way", BYTES(POST "Content-Length: 19\r\nContent-Length: 20\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "the same twice", BYTES(POST "Content-Length: 20\r\nContent-Length: 20\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "a list", BYTES(POST "Content-Length: 20, 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a sign", BYTES(POST "Content-Length: +20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "less than nothing", BYTES(POST "Content-Length: -1\r\n\r\n$E"), REFUSED, 1, 0 },
        { "hexadecimal", BYTES(POST "Content-Length: 0x14\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a stroke", BYTES(POST "Content-Length: 2_0\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a blank within", BYTES(POST "Content-Length: 0 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "something behind", BYTES(POST "Content-Length: 20 1\r\n\r\n$E"), REFUSED, 1, 0 },
        { "nothing", BYTES(POST "Content-Length:\r\n\r\n$E"), REFUSED, 1, 0 },
        { "2^64 and 20", BYTES(POST "Content-Length: 18446744073709551636\r\n\r\n$E"), REFUSED, 1,
          0 },
        { "2^64", BYTES(POST "Content-Length: 18446744073709551616\r\n\r\n$E"), REFUSED, 1, 0 },
        { "2^64 - 1, which stands for chunks inside",
          BYTES(POST "Content-Length: 18446744073709551615\r\n\r\n$E"), REFUSED, 1, 0 },
        { "2^63", BYTES(POST "Content-Length: 9223372036854775808\r\n\r\n$E"), REFUSED, 1, 0 },
        { "2^32 and 20", BYTES(POST "Content-Length: 4294967316\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a name with a blank", BYTES(POST "Content-Length : 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a name with a tab", BYTES(POST "Content-Length\t: 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a name beyond ASCII",
          BYTES(POST "Content-Length\xc3\x9f: 3\r\nContent-Length: 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "NUL in a value",
          BYTES(POST "Content-Length: 20\0"
                     "1\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "NUL in a name", BYTES(POST "Conten\0t-Length: 20\r\nContent-Length: 20\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "CR within a value", BYTES(POST "X: a\rContent-Length: 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "none, and a body: the body is no request", BYTES(POST "\r\n$E"), REFUSED, 2, 0 },
        { "more than comes, and the end", BYTES(POST "Content-Length: 21\r\n\r\n$E"), REFUSED, 1,
          0 },
        { "less than comes: the rest is no request", BYTES(POST "Content-Length: 2\r\n\r\n{}$E"),
          DENIED, 2, 0 },
    };
    CHECK_ROWS(rows);
}

static void
codings(void **state)
{
    (void)state;
    static const struct hostile rows[] = {
        { "a length, too", BYTES(POST "Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n$C"),
          REFUSED, 1, 0 },
        { "a length behind it",
          BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 20\r\n\r\n$C"), REFUSED, 1, 0 },
        { "a tab before it, and a length",
          BYTES(POST "Content-Length: 20\r\nTransfer-Encoding: \tchunked\r\n\r\n$C"), REFUSED, 1,
          0 },
        { "a list", BYTES(POST "Transfer-Encoding: identity, chunked, identity, chunked\r\n\r\n$C"),
          REFUSED, 1, 0 },
        { "four",
          BYTES(POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"
                     "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n$C"),
          REFUSED, 1, 0 },
        { "twice chunked",
          BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n$C"), REFUSED,
          1, 0 },
        { "gzip, chunked", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n$C"), REFUSED, 1,
          0 },
        { "identity", BYTES(POST "Transfer-Encoding: identity\r\n\r\n$E"), REFUSED, 1, 0 },
        { "identity and a length",
          BYTES(POST "Transfer-Encoding: identity\r\nContent-Length: 20\r\n\r\n$E"), REFUSED, 1,
          0 },
        { "a blank behind it, and another request in it",
          BYTES(POST "Transfer-Encoding: chunked \r\n\r\n$C" POST "Content-Length: 20\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "a vertical tab before it",
          BYTES(POST "Transfer-Encoding: \x0b"
                     "chunked\r\n\r\n$C"),
          REFUSED, 1, 0 },
        { "HTTP/1.0", BYTES(POST0 "Transfer-Encoding: chunked\r\n\r\n$C"), REFUSED, 1, 0 },
        { "a name with a line below is another name: chunks are taken",
          BYTES(POST "Transfer_Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n$C"), SERVED, 1,
          1 },
        { "a folded line", BYTES(POST "Transfer-Encoding:\r\n chunked\r\n\r\n$C"), REFUSED, 1, 0 },
        { "a folded line that completes the name",
          BYTES(POST "Transfer-: chunked\r\n Encoding\r\n\r\n$C"), REFUSED, 1, 0 },
        { "a folded line that makes a length", BYTES(POST "Content-: 20\r\n Length\r\n\r\n$E"),
          REFUSED, 1, 0 },
        { "a folded line elsewhere",
          BYTES(POST "Long: one\r\n two\r\nContent-Length: 20\r\n\r\n$E"), REFUSED, 1, 0 },
        { "a folded first line",
          BYTES("POST /api/events HTTP/1.1\r\n Long: one\r\n$H$KContent-Length: 20\r\n\r\n$E"),
          REFUSED, 1, 0 },
    };
    CHECK_ROWS(rows);
}

#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static void
chunks(void **state)
{
    (void)state;
    static const struct hostile rows[] = {
        { "a size of 2^64 and 20", BYTES(CHUNKED "10000000000000014\r\n$E\r\n0\r\n\r\n"), REFUSED,
          1, 0 },
        { "a size of 2^64 - 1", BYTES(CHUNKED "ffffffffffffffff\r\n$E\r\n0\r\n\r\n"), REFUSED, 1,
          0 },
        { "a size of a hundred digits",
          BYTES(CHUNKED
                "00000000000000000000000000000000000000000000000000000000000000000000000000000"
                "00000000000000000000001f\r\n$E\r\n0\r\n\r\n"),
          REFUSED, 1, 0 },
        { "a blank before a size", BYTES(CHUNKED " 14\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "a blank behind a size", BYTES(CHUNKED "14 \r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "a blank before the last size", BYTES(CHUNKED "14\r\n$E\r\n 0\r\n\r\n"), REFUSED, 1, 0 },
        { "a sign", BYTES(CHUNKED "+14\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "less than nothing", BYTES(CHUNKED "-14\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "0x", BYTES(CHUNKED "0x14\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "no size but an extension", BYTES(CHUNKED " ;foo=bar\r\n$E\r\n0\r\n\r\n"), REFUSED, 1,
          0 },
        { "nothing but an extension", BYTES(CHUNKED ";foo=bar\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "LF, and an extension on the next line", BYTES(CHUNKED "14\n;\r\n$E\r\n0\r\n\r\n"),
          REFUSED, 1, 0 },
        { "CR behind the size, no LF", BYTES(CHUNKED "14\r$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "more than its size", BYTES(CHUNKED "13\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "less than its size", BYTES(CHUNKED "16\r\n$E\r\n0\r\n\r\n"), REFUSED, 1, 0 },
        { "no line behind it",
          BYTES(CHUNKED "14\r\n$E"
                        "0\r\n\r\n"),
          REFUSED, 1, 0 },
        { "no last chunk", BYTES(CHUNKED "14\r\n$E\r\n"), REFUSED, 1, 0 },
        { "no line behind the last chunk", BYTES(CHUNKED "14\r\n$E\r\n0\r\n"), REFUSED, 1, 0 },
        { "a field behind the last chunk", BYTES(CHUNKED "14\r\n$E\r\n0\r\nX: y\r\n\r\n"), REFUSED,
          1, 0 },
        { "a length behind the last chunk",
          BYTES(CHUNKED "14\r\n$E\r\n0\r\nContent-Length: 99\r\n\r\n"), REFUSED, 1, 0 },
        { "a folded line behind the last chunk",
          BYTES(CHUNKED "14\r\n$E\r\n0\r\nX: y\r\n z\r\n\r\n"), REFUSED, 1, 0 },
        { "no field behind the last chunk", BYTES(CHUNKED "14\r\n$E\r\n0\r\nX\r\n\r\n"), REFUSED, 1,
          0 },
        { "NUL behind the last chunk, a request in the line",
          BYTES(CHUNKED "14\r\n$E\r\n0\r\n\0GET / HTTP/1.1\r\n\r\n"), FREE, 1, 1 },
        { "only the last chunk", BYTES(CHUNKED "0\r\n\r\n"), DENIED, 1, 0 },
        { "an event in two chunks, the second of which is cut off",
          BYTES(CHUNKED "2\r\n{\"\r\n12\r\naction"), REFUSED, 1, 0 },
    };
    CHECK_ROWS(rows);
}

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

/* ---- sizes ---- */

/* `count` times a piece between two texts. */
static void
check_repeated(const struct hostile *row, const char *before, struct bytes piece, size_t count,
               const char *after)
{
    struct buffer text = { 0 };
    expand(bytes_text(before), &text);
    for (size_t i = 0; i < count; i++)
        buffer_bytes(&text, piece);
    expand(bytes_text(after), &text);
    assert_false(buffer_failed(&text));
    check(row, buffer_view(&text));
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

/* ---- requests of another project's tests ---- */

/* Undoes what stands for bytes in those files; line ends in them mean nothing. */
static void
read_escapes(struct bytes text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n')
            continue;
        if (text.data[i] != '\\' || i + 1 == text.size) {
            buffer_byte(out, text.data[i]);
            continue;
        }
        char code[3] = "";
        switch (text.data[++i]) {
        case 'r':
            buffer_byte(out, '\r');
            break;
        case 'n':
            buffer_byte(out, '\n');
            break;
        case 't':
            buffer_byte(out, '\t');
            break;
        case '0':
            buffer_byte(out, 0);
            break;
        case 'x':
            assert_true(i + 2 < text.size);
            memcpy(code, text.data + i + 1, 2);
            buffer_byte(out, (uint8_t)strtoul(code, NULL, 16));
            i += 2;
            break;
        default:
            buffer_byte(out, '\\');
            buffer_byte(out, text.data[i]);
        }
    }
}

static void
read_file(const char *folder, const char *name, struct buffer *out)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    struct buffer text = { 0 };
    for (size_t got = 1; got > 0;) {
        got = fread(buffer_reserve(&text, 65536), 1, 65536, file);
        text.size += got;
    }
    (void)fclose(file);
    read_escapes(buffer_view(&text), out);
    buffer_free(&text);
}

/* Requests of one of the two folders; how many there were. */
static unsigned
check_folder(const char *folder, enum outcome outcome, unsigned answers)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size < 5 || strcmp(entry->d_name + size - 5, ".http") != 0)
            continue;
        struct buffer text = { 0 };
        read_file(folder, entry->d_name, &text);
        struct hostile row = { .why = entry->d_name, .outcome = outcome, .answers = answers };
        check(&row, buffer_view(&text));
        buffer_free(&text);
        count++;
    }
    (void)closedir(entries);
    return count;
}

static void
requests_of_another_project(void **state)
{
    (void)state;
    const char *shared = getenv("TALLY_SHARED");
    char invalid[4096], valid[4096];
    (void)snprintf(invalid, sizeof invalid, "%s/data/http/gunicorn-requests/invalid",
                   shared == NULL ? "../shared" : shared);
    (void)snprintf(valid, sizeof valid, "%s/data/http/gunicorn-requests/valid",
                   shared == NULL ? "../shared" : shared);
    DIR *there = opendir(invalid);
    if (there == NULL) {
        print_message("# no %s, set TALLY_SHARED: skipped\n", invalid);
        return;
    }
    (void)closedir(there);
    assert_in_range(check_folder(invalid, DENIED, 1), 30, 1000);
    assert_in_range(check_folder(valid, FREE, 2), 20, 1000);
}

/* ---- slow and half-closed ---- */

static void
in_pieces(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    expand(bytes_text(POST "Content-Length: 20\r\n\r\n$E"), &text);
    expand(bytes_text(CHUNKED "$C"), &text);
    uint64_t before = served_size(&served);
    struct http *http = http_connect(served.port);
    assert_true(http_send_slowly(http, buffer_view(&text), 1, 1));
    for (unsigned i = 0; i < 2; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(http, HTTP_BODY, 5000, &answer), HTTP_OK);
        assert_int_equal(answer.status, 201);
    }
    http_close(http);
    assert_int_equal(served_size(&served) - before, 2);
    buffer_free(&text);
}

/* Cut at every byte, once by closing the half that sends, once wholly: only a whole request may be
 * stored, and a server that nothing more will reach does not wait for it. */
static void
cut_at_every_byte(void **state)
{
    (void)state;
    static const char *const requests[] = { POST "Content-Length: 20\r\n\r\n$E", CHUNKED "$C" };
    for (size_t i = 0; i < 2; i++) {
        struct buffer text = { 0 };
        struct http *half[1024];
        expand(bytes_text(requests[i]), &text);
        assert_in_range(text.size, 100, sizeof half / sizeof half[0]);
        uint64_t before = served_size(&served);
        for (size_t cut = LINE_SIZE; cut < text.size; cut++) {
            half[cut] = http_connect(served.port);
            assert_true(http_send(half[cut], bytes_of(text.data, cut)));
            http_end_sending(half[cut]);
            struct http *whole = http_connect(served.port);
            assert_true(http_send(whole, bytes_of(text.data, cut)));
            http_close(whole);
        }
        for (size_t cut = LINE_SIZE; cut < text.size; cut++) {
            struct http_answer answer;
            enum http_result result = http_read(half[cut], HTTP_BODY, CLOSE_MS, &answer);
            if (result != HTTP_CLOSED && (result != HTTP_OK || answer.status < 400))
                fail_msg("cut behind %zu bytes: %d", cut, (int)result);
            http_close(half[cut]);
        }
        assert_int_equal(served_size(&served), before);
        buffer_free(&text);
    }
    check_served("cut at every byte");
}

/* A whole request on a half-closed connection is a request. */
static void
half_closed_behind_a_request(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    expand(bytes_text(POST "Content-Length: 20\r\n\r\n$E"), &text);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t before = served_size(&served);
        struct http *http = http_connect(served.port);
        struct http_answer answer;
        assert_true(http_send(http, buffer_view(&text)));
        http_end_sending(http);
        enum http_result result = http_read(http, HTTP_BODY, 5000, &answer);
        assert_true(result == HTTP_OK || result == HTTP_CLOSED);
        assert_in_range(served_size(&served) - before, result == HTTP_OK ? 1 : 0, 1);
        http_close(http);
    }
    buffer_free(&text);
}

/* Gone while the commit is under way: what was begun is stored or not, and nothing is left over. */
static void
gone_before_the_answer(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    expand(bytes_text(POST "Content-Length: 20\r\n\r\n$E"), &text);
    uint64_t before = served_size(&served);
    for (unsigned i = 0; i < 200; i++) {
        struct http *http = http_connect(served.port);
        assert_true(http_send(http, buffer_view(&text)));
        http_close(http);
    }
    check_served("gone before the answer");
    assert_in_range(served_size(&served) - before, 0, 200);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_served),
        cmocka_unit_test(lengths),
        cmocka_unit_test(codings),
        cmocka_unit_test(chunks),
        cmocka_unit_test(request_lines),
        cmocka_unit_test(heads),
        cmocka_unit_test(more_of_it_than_fits),
        cmocka_unit_test(requests_of_another_project),
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(half_closed_behind_a_request),
        cmocka_unit_test(gone_before_the_answer),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
