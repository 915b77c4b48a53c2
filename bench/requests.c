#include "requests.h"

#include "quit.h"

#include <stdlib.h>

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

/* One POST around what `body` holds, which is empty then. */
static void
add_post(struct requests *requests, const struct endpoint *endpoint, const char *type,
         struct buffer *body, uint32_t events)
{
    size_t offset = requests->text.size;
    buffer_format(&requests->text,
                  "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                  endpoint->path, endpoint->host, endpoint->key, type, body->size);
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
