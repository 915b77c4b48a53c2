/* hostile_framing_test.c - where a request ends: lengths, codings and chunks that are not right. */
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define POST0 "POST /api/events HTTP/1.0\r\n$K"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_served),
        cmocka_unit_test(lengths),
        cmocka_unit_test(codings),
        cmocka_unit_test(chunks),
    };
    return cmocka_run_group_tests(tests, hostile_begin, hostile_end);
}
