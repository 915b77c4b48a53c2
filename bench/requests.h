/*
 * requests.h - HTTP requests, head and all, made in memory before anything is measured.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "buffer.h"

#include <stdio.h>

/* Where and as whom. */
struct endpoint {
    const char *host; /* "127.0.0.1:7878" */
    const char *key;
    const char *path; /* what events are sent to: "/api/events" */
    bool gzip;        /* what is sent is compressed */
};

struct request {
    size_t offset;
    size_t size;
    uint32_t events; /* in its body; 0: it only reads */
};

struct requests {
    struct buffer text;
    struct request *list;
    size_t count;
    size_t capacity;
};

/* From lines of `file`, each an event: requests of `batch` events, as NDJSON, the last with what is
 * left; with a batch of 1 as application/json. */
void requests_record(struct requests *requests, const struct endpoint *endpoint, uint32_t batch,
                     FILE *file);

/* From lines of `file`, each a target ("/api/events?user=u1"). */
void requests_get(struct requests *requests, const struct endpoint *endpoint, FILE *file);

/* One more. */
void requests_add_get(struct requests *requests, const struct endpoint *endpoint,
                      const char *target);

void requests_free(struct requests *requests);

static inline struct bytes
requests_text(const struct requests *requests, size_t i)
{
    const struct request *request = &requests->list[i];
    return bytes_of(requests->text.data + request->offset, request->size);
}

#endif
