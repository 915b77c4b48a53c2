#include "requests.h"

#include "quit.h"

#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW_BITS (15 + 16) /* zlib's largest window, and its flag for gzip's frame */

static void
add(struct requests *requests, size_t offset, uint32_t events)
{
    if (buffer_failed(&requests->text))
        quit("out of memory");
    if (requests->count == requests->capacity) {
        requests->capacity = requests->capacity == 0 ? 1024 : requests->capacity * 2;
        requests->list = realloc(requests->list, requests->capacity * sizeof *requests->list);
        if (requests->list == NULL)
            quit("out of memory");
    }
    requests->list[requests->count++] =
        (struct request){ offset, requests->text.size - offset, events };
}

/* Puts the body's gzip form in its place. */
static void
compress_body(struct buffer *body)
{
    z_stream stream = { 0 };
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        quit("out of memory");
    struct buffer coded = { 0 };
    size_t room = deflateBound(&stream, body->size);
    stream.next_in = body->data;
    stream.avail_in = (uInt)body->size;
    stream.next_out = buffer_reserve(&coded, room);
    stream.avail_out = (uInt)room;
    if (stream.next_out == NULL || deflate(&stream, Z_FINISH) != Z_STREAM_END)
        quit("cannot compress a body of %zu bytes", body->size);
    coded.size = room - stream.avail_out;
    (void)deflateEnd(&stream);
    buffer_free(body);
    *body = coded;
}

/* One POST around what `body` holds, which is empty then. */
static void
add_post(struct requests *requests, const struct endpoint *endpoint, const char *type,
         struct buffer *body, uint32_t events)
{
    if (endpoint->gzip)
        compress_body(body);
    size_t offset = requests->text.size;
    buffer_format(&requests->text,
                  "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: %s\r\n%sContent-Length: %zu\r\n\r\n",
                  endpoint->path, endpoint->host, endpoint->key, type,
                  endpoint->gzip ? "Content-Encoding: gzip\r\n" : "", body->size);
    buffer_bytes(&requests->text, buffer_view(body));
    if (buffer_failed(body))
        quit("out of memory");
    buffer_clear(body);
    add(requests, offset, events);
}

void
requests_record(struct requests *requests, const struct endpoint *endpoint, uint32_t batch,
                FILE *file)
{
    const char *type = batch == 1 ? "application/json" : "application/x-ndjson";
    struct buffer body = { 0 };
    uint32_t events = 0;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, file)) > 0) {
        buffer_append(&body, line, (size_t)size);
        if (++events == batch) {
            add_post(requests, endpoint, type, &body, events);
            events = 0;
        }
    }
    if (events > 0)
        add_post(requests, endpoint, type, &body, events);
    free(line);
    buffer_free(&body);
}

void
requests_add_get(struct requests *requests, const struct endpoint *endpoint, const char *target)
{
    size_t offset = requests->text.size;
    buffer_format(&requests->text,
                  "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", target,
                  endpoint->host, endpoint->key);
    add(requests, offset, 0);
}

void
requests_get(struct requests *requests, const struct endpoint *endpoint, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, file)) > 0) {
        if (line[size - 1] == '\n')
            line[size - 1] = '\0';
        requests_add_get(requests, endpoint, line);
    }
    free(line);
}

void
requests_free(struct requests *requests)
{
    buffer_free(&requests->text);
    free(requests->list);
    *requests = (struct requests){ 0 };
}
