/*
 * http.h - a raw HTTP/1.1 client for tests: sends the bytes it is given as they are, right or wrong,
 * and takes only answers that are right.
 *
 *     struct http *http = http_connect(port);
 *     http_send(http, bytes_text("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"));
 *     struct http_answer answer;
 *     assert_int_equal(http_read(http, HTTP_BODY, 5000, &answer), HTTP_OK);
 *     http_close(http);
 *
 * One thread a connection. What cannot happen (no socket, no memory) ends the process with a line
 * on standard error; what a server may do is a result. All times are in milliseconds.
 */
#ifndef HTTP_H
#define HTTP_H

#include "buffer.h"

#define HTTP_HEADERS_MAX 64
#define HTTP_HEAD_MAX    65536
#define HTTP_BODY_MAX    (1u << 30)

struct http;

enum http_result {
    HTTP_OK,
    HTTP_CLOSED,  /* the server closed (or reset) the connection before an answer's first byte */
    HTTP_TIMEOUT, /* the answer was not all there in time; the connection is of no use then */
    HTTP_CUT,     /* the server closed within an answer */
    HTTP_WRONG,   /* no answer by RFC 9112, read strictly: http_why() */
};

struct http_header {
    struct bytes name;
    struct bytes value; /* without the blanks around it */
};

/* Lent until the next http_read() or http_close(). */
struct http_answer {
    unsigned status; /* 100 to 599; what is below 200 is an answer of its own here */
    struct bytes reason;
    size_t header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
    struct bytes body; /* chunks are joined */
    bool chunked;
    bool closing; /* says Connection: close, or ends with the connection */
};

/* To 127.0.0.1. Never NULL: if nobody listens there the process ends. */
struct http *http_connect(uint16_t port);
/* The same over a socket that is connected; takes it over. */
struct http *http_attach(int fd);
void http_close(struct http *http); /* NULL is allowed */

/* False where the server has closed already, or does not take it all in a minute. */
bool http_send(struct http *http, struct bytes bytes);
/* `piece` bytes at a time, with a pause before each but the first. */
bool http_send_slowly(struct http *http, struct bytes bytes, size_t piece, int pause_ms);
/* Nothing more will be sent; the answer may still be read. */
void http_end_sending(struct http *http);

/* Whether the answer has a body: those to HEAD have none, whatever their header says. */
enum http_expect {
    HTTP_BODY,
    HTTP_NO_BODY,
};

enum http_result http_read(struct http *http, enum http_expect expect, int timeout_ms,
                           struct http_answer *answer_out);
/* What was wrong with the last answer, or "". Lent. */
const char *http_why(const struct http *http);

/* Whether the server closes within this time and sends nothing before it. */
bool http_is_closed(struct http *http, int timeout_ms);

/* Whether nothing comes within this time, neither a byte nor the end. */
bool http_is_silent(struct http *http, int timeout_ms);

/* The value of a header field by its name in any case; data NULL where there is none. */
struct bytes http_header(const struct http_answer *answer, const char *name);

/* A request as it should be. Members may be NULL. */
struct http_request {
    const char *method; /* NULL: GET */
    const char *target;
    const char *key;     /* for Authorization: Bearer */
    const char *headers; /* more lines, each with its "\r\n" */
    struct bytes body;   /* data not NULL: sent, with its Content-Length */
};

/* Sends it and reads the answer, passing over those below 200. */
enum http_result http_ask(struct http *http, const struct http_request *request, int timeout_ms,
                          struct http_answer *answer_out);

#endif
