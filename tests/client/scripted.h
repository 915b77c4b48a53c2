/*
 * scripted.h - a server that answers what it is told, one request after the other, and notes what
 * came and when.
 *
 * A thread that listens on a free port of 127.0.0.1. A connection is closed after its answer. What
 * cannot happen ends the process with a line on standard error.
 */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include <stdint.h>

#define SCRIPTED_REQUESTS_MAX 64

struct scripted_request {
    char line[256];           /* "POST /… HTTP/1.1" */
    char body[256];           /* its beginning */
    unsigned events;          /* lines of its body */
    int64_t came_ms, left_ms; /* when it was whole, and just before its answer was sent */
};

struct scripted;

/* `answers` are whole ones, head and body, and end with NULL; the last is given again and again.
 * Lent until scripted_stop(). */
struct scripted *scripted_start(const char *const *answers);
void scripted_stop(struct scripted *scripted);

uint16_t scripted_port(const struct scripted *scripted);

/* How many requests came, SCRIPTED_REQUESTS_MAX at most, and one of them. */
unsigned scripted_count(struct scripted *scripted);
struct scripted_request scripted_request(struct scripted *scripted, unsigned i);
/* Waits a generous time until there are as many. */
void scripted_wait(struct scripted *scripted, unsigned count);

#endif
