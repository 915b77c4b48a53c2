/*
 * http.c - see http.h.
 *
 * What arrives is gathered in `in`; an answer's head and body are copied out of it, so that an
 * answer that follows at once does not disturb the one given out.
 */
#include "http.h"

#include "must.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536

struct http {
    int fd;
    struct buffer in;
    size_t at; /* of `in`, the first byte not used yet */
    struct buffer head;
    struct buffer body;
    int64_t deadline;
    const char *why;
};

/* ---- the connection ---- */

struct http *
http_attach(int fd)
{
    struct http *http = calloc(1, sizeof *http);
    must(http != NULL, "calloc");
    must(buffer_reserve(&http->in, READ_SIZE) != NULL, "realloc");
    http->fd = fd;
    http->why = "";
    return http;
}

struct http *
http_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0, "socket");
    must(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    /* Pieces must go out as they are sent. */
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) == 0, "TCP_NODELAY");
    return http_attach(fd);
}

void
http_close(struct http *http)
{
    if (http == NULL)
        return;
    (void)close(http->fd);
    buffer_free(&http->in);
    buffer_free(&http->head);
    buffer_free(&http->body);
    free(http);
}

/* Waits for `events`; false where the deadline passes before. */
static bool
wait_for(struct http *http, short events)
{
    for (;;) {
        int64_t left = http->deadline - now_ms();
        struct pollfd poll_ = { .fd = http->fd, .events = events };
        int ready = poll(&poll_, 1, left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX);
        if (ready > 0)
            return true;
        must(ready == 0 || errno == EINTR, "poll");
        if (ready == 0 && left <= 0)
            return false;
    }
}

bool
http_send(struct http *http, struct bytes bytes)
{
    http->deadline = now_ms() + PATIENCE_MS;
    while (bytes.size > 0) {
        if (!wait_for(http, POLLOUT))
            return false;
        ssize_t sent = send(http->fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent < 0)
            return false;
        bytes = bytes_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return true;
}

bool
http_send_slowly(struct http *http, struct bytes bytes, size_t piece, int pause_ms)
{
    struct timespec pause = { pause_ms / 1000, pause_ms % 1000 * 1000000L };
    while (bytes.size > 0) {
        size_t size = bytes.size < piece ? bytes.size : piece;
        if (!http_send(http, bytes_of(bytes.data, size)))
            return false;
        bytes = bytes_of(bytes.data + size, bytes.size - size);
        if (bytes.size > 0)
            (void)nanosleep(&pause, NULL);
    }
    return true;
}

void
http_end_sending(struct http *http)
{
    (void)shutdown(http->fd, SHUT_WR);
}

/* Reads more. HTTP_CLOSED at the end, which a reset is, too. */
static enum http_result
receive(struct http *http)
{
    for (;;) {
        if (!wait_for(http, POLLIN))
            return HTTP_TIMEOUT;
        uint8_t *to = buffer_reserve(&http->in, READ_SIZE);
        must(to != NULL, "realloc");
        ssize_t got = recv(http->fd, to, READ_SIZE, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0)
            return HTTP_CLOSED;
        http->in.size += (size_t)got;
        return HTTP_OK;
    }
}

static struct bytes
rest(const struct http *http)
{
    return bytes_of(http->in.data + http->at, http->in.size - http->at);
}

bool
http_is_closed(struct http *http, int timeout_ms)
{
    http->deadline = now_ms() + timeout_ms;
    return http->in.size == http->at && receive(http) == HTTP_CLOSED;
}

bool
http_is_silent(struct http *http, int timeout_ms)
{
    http->deadline = now_ms() + timeout_ms;
    return http->in.size == http->at && !wait_for(http, POLLIN);
}

/* ---- reading an answer ---- */

static enum http_result
wrong(struct http *http, const char *why)
{
    http->why = why;
    return HTTP_WRONG;
}

/* Takes a line that ends in CRLF and holds no other CR or LF from the front of `text`. */
static bool
take_line(struct bytes *text, struct bytes *line_out)
{
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->data, '\n', text->size);
    if (end == NULL || end == text->data || end[-1] != '\r')
        return false;
    struct bytes line = bytes_of(text->data, (size_t)(end - text->data) - 1);
    if (line.size > 0 && memchr(line.data, '\r', line.size) != NULL)
        return false;
    *text = bytes_of(end + 1, text->size - line.size - 2);
    *line_out = line;
    return true;
}

static bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1 200 OK" (RFC 9112, section 4). */
static bool
read_status(struct bytes line, struct http_answer *answer)
{
    if (line.size < 13 || memcmp(line.data, "HTTP/1.1 ", 9) != 0 || line.data[12] != ' ')
        return false;
    const uint8_t *digits = line.data + 9;
    if (!is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2]))
        return false;
    answer->status =
        (unsigned)(digits[0] - '0') * 100 + (unsigned)(digits[1] - '0') * 10 + digits[2] - '0';
    answer->reason = bytes_of(line.data + 13, line.size - 13);
    return answer->status >= 100 && answer->status < 600;
}

static bool
is_token(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte <= ' ' || byte >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", byte) != NULL)
            return false;
    }
    return text.size > 0;
}

static bool
is_value(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < ' ' && text.data[i] != '\t') || text.data[i] == 0x7f)
            return false;
    return true;
}

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* "Name: value" (RFC 9112, section 5). A folded line has no name, and is refused so. */
static bool
read_header(struct bytes line, struct http_header *header)
{
    const uint8_t *colon = line.size == 0 ? NULL : memchr(line.data, ':', line.size);
    if (colon == NULL)
        return false;
    struct bytes name = bytes_of(line.data, (size_t)(colon - line.data));
    struct bytes value = bytes_of(colon + 1, line.size - name.size - 1);
    while (value.size > 0 && is_blank(value.data[0]))
        value = bytes_of(value.data + 1, value.size - 1);
    while (value.size > 0 && is_blank(value.data[value.size - 1]))
        value.size--;
    *header = (struct http_header){ name, value };
    return is_token(name) && is_value(value);
}

static bool
is_word(struct bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

static unsigned
count_header(const struct http_answer *answer, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < answer->header_count; i++)
        count += is_word(answer->headers[i].name, name);
    return count;
}

struct bytes
http_header(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (is_word(answer->headers[i].name, name))
            return answer->headers[i].value;
    return (struct bytes){ 0 };
}

static enum http_result
parse_head(struct http *http, struct http_answer *answer)
{
    struct bytes text = buffer_view(&http->head);
    struct bytes line;
    if (!take_line(&text, &line) || !read_status(line, answer))
        return wrong(http, "the status line");
    for (;;) {
        if (!take_line(&text, &line))
            return wrong(http, "a header line does not end in CRLF");
        if (line.size == 0)
            break;
        if (answer->header_count == HTTP_HEADERS_MAX)
            return wrong(http, "too many header fields");
        if (!read_header(line, &answer->headers[answer->header_count++]))
            return wrong(http, "a header field");
    }
    if (count_header(answer, "Content-Length") + count_header(answer, "Transfer-Encoding") > 1)
        return wrong(http, "more than one framing");
    return HTTP_OK;
}

/* How an answer that breaks off ends: the connection's end is a cut within it. */
static enum http_result
broken_off(enum http_result result)
{
    return result == HTTP_CLOSED ? HTTP_CUT : result;
}

static enum http_result
read_head(struct http *http)
{
    for (;;) {
        struct bytes text = rest(http);
        const uint8_t *end = text.size == 0 ? NULL : memmem(text.data, text.size, "\r\n\r\n", 4);
        if (end != NULL) {
            size_t size = (size_t)(end - text.data) + 4;
            buffer_append(&http->head, text.data, size);
            http->at += size;
            return HTTP_OK;
        }
        if (text.size > HTTP_HEAD_MAX)
            return wrong(http, "the head has no end");
        enum http_result result = receive(http);
        if (result != HTTP_OK)
            return text.size == 0 ? result : broken_off(result);
    }
}

/* Moves `size` bytes from what arrives to the body. */
static enum http_result
read_bytes(struct http *http, uint64_t size)
{
    if (size > HTTP_BODY_MAX - http->body.size)
        return wrong(http, "the body is too large");
    while (rest(http).size < size) {
        enum http_result result = receive(http);
        if (result != HTTP_OK)
            return broken_off(result);
    }
    buffer_append(&http->body, rest(http).data, (size_t)size);
    http->at += (size_t)size;
    return HTTP_OK;
}

/* Digits of `base` and nothing else. */
static bool
read_number(struct bytes text, int base, uint64_t *number_out)
{
    char copy[17] = "";
    if (text.size == 0 || text.size > 16)
        return false;
    memcpy(copy, text.data, text.size);
    if (strspn(copy, base == 16 ? "0123456789abcdefABCDEF" : "0123456789") != text.size)
        return false;
    *number_out = strtoull(copy, NULL, base);
    return true;
}

/* Waits for a line and takes it. */
static enum http_result
read_line(struct http *http, struct bytes *line_out)
{
    for (;;) {
        struct bytes text = rest(http);
        if (text.size > 0 && memchr(text.data, '\n', text.size) != NULL) {
            struct bytes behind = text;
            if (!take_line(&behind, line_out))
                return wrong(http, "a line of a chunk does not end in CRLF");
            http->at += text.size - behind.size;
            return HTTP_OK;
        }
        if (text.size > HTTP_HEAD_MAX)
            return wrong(http, "a line of a chunk has no end");
        enum http_result result = receive(http);
        if (result != HTTP_OK)
            return broken_off(result);
    }
}

/* Without extensions and trailers: our server has none (RFC 9112, section 7.1). */
static enum http_result
read_chunks(struct http *http)
{
    for (;;) {
        struct bytes line;
        uint64_t size;
        enum http_result result = read_line(http, &line);
        if (result != HTTP_OK)
            return result;
        if (!read_number(line, 16, &size))
            return wrong(http, "the size of a chunk");
        result = read_bytes(http, size);
        if (result == HTTP_OK)
            result = read_line(http, &line);
        if (result != HTTP_OK)
            return result;
        if (line.size != 0)
            return wrong(http, "something behind a chunk");
        if (size == 0)
            return HTTP_OK;
    }
}

static enum http_result
read_to_end(struct http *http)
{
    enum http_result result;
    do {
        buffer_bytes(&http->body, rest(http));
        http->at = http->in.size;
        result = receive(http);
    } while (result == HTTP_OK);
    return result == HTTP_CLOSED ? HTTP_OK : result;
}

/* RFC 9112, section 6.3. */
static enum http_result
read_body(struct http *http, enum http_expect expect, struct http_answer *answer)
{
    struct bytes length = http_header(answer, "Content-Length");
    struct bytes coding = http_header(answer, "Transfer-Encoding");
    uint64_t size = 0;
    if (length.data != NULL && !read_number(length, 10, &size))
        return wrong(http, "the Content-Length");
    if (coding.data != NULL && !is_word(coding, "chunked"))
        return wrong(http, "the Transfer-Encoding");
    if (answer->status < 200 || answer->status == 204) {
        if (length.data != NULL || coding.data != NULL)
            return wrong(http, "a framing where no body may be");
        return HTTP_OK;
    }
    if (expect == HTTP_NO_BODY || answer->status == 304)
        return HTTP_OK;
    answer->chunked = coding.data != NULL;
    if (answer->chunked)
        return read_chunks(http);
    if (length.data != NULL)
        return read_bytes(http, size);
    answer->closing = true;
    return read_to_end(http);
}

enum http_result
http_read(struct http *http, enum http_expect expect, int timeout_ms,
          struct http_answer *answer_out)
{
    struct http_answer answer = { 0 };
    http->deadline = now_ms() + timeout_ms;
    http->why = "";
    buffer_clear(&http->head);
    buffer_clear(&http->body);

    enum http_result result = read_head(http);
    if (result == HTTP_OK)
        result = parse_head(http, &answer);
    if (result == HTTP_OK)
        result = read_body(http, expect, &answer);
    if (result != HTTP_OK)
        return result;
    must(!buffer_failed(&http->head) && !buffer_failed(&http->body), "realloc");
    if (is_word(http_header(&answer, "Connection"), "close"))
        answer.closing = true;
    answer.body = buffer_view(&http->body);
    *answer_out = answer;
    return HTTP_OK;
}

const char *
http_why(const struct http *http)
{
    return http->why;
}

/* ---- requests as they should be ---- */

static void
write_request(const struct http_request *request, struct buffer *out)
{
    buffer_format(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n",
                  request->method == NULL ? "GET" : request->method, request->target);
    if (request->key != NULL)
        buffer_format(out, "Authorization: Bearer %s\r\n", request->key);
    if (request->headers != NULL)
        buffer_text(out, request->headers);
    if (request->body.data != NULL)
        buffer_format(out, "Content-Length: %zu\r\n", request->body.size);
    buffer_text(out, "\r\n");
    buffer_bytes(out, request->body);
    must(!buffer_failed(out), "realloc");
}

enum http_result
http_ask(struct http *http, const struct http_request *request, int timeout_ms,
         struct http_answer *answer_out)
{
    struct buffer text = { 0 };
    write_request(request, &text);
    /* A server may answer and close before it has taken all: its answer counts. */
    (void)http_send(http, buffer_view(&text));
    buffer_free(&text);

    bool head = request->method != NULL && strcmp(request->method, "HEAD") == 0;
    struct http_answer answer;
    enum http_result result;
    do
        result = http_read(http, head ? HTTP_NO_BODY : HTTP_BODY, timeout_ms, &answer);
    while (result == HTTP_OK && answer.status < 200);
    if (result == HTTP_OK)
        *answer_out = answer;
    return result;
}
