/*
 * served.h - a data folder with an admin key, and a server on it: what a test of the server begins
 * with.
 *
 * What cannot happen ends the test with a line on standard error.
 */
#ifndef SERVED_H
#define SERVED_H

#include "child.h"
#include "http.h"

struct served {
    char *folder;
    char key[128]; /* an admin's */
    struct child *child;
    uint16_t port;
};

/* Makes the folder and serves it with these settings ("NAME=value", ending with NULL; or NULL). */
void served_begin(struct served *served, const char *const *settings);

/* Ends the server as an operator would and removes the folder. The server must end well. */
void served_end(struct served *served);

/* Only one of both. */
void served_start(struct served *served, const char *const *settings);
void served_stop(struct served *served);

/* How many entries the trail `main` has. */
uint64_t served_size(struct served *served);

/* Asks on a connection of its own: the status, 0 where there is no answer. The body is appended to
 * `out`, which may be NULL. */
unsigned served_ask(struct served *served, const struct http_request *request, struct buffer *out);

/* The number behind `name ` in /metrics, or -1. */
double served_metric(struct served *served, const char *name);

/* Waits until that number is this. */
void served_await(struct served *served, const char *name, double value);

/* Resident memory of the server in bytes. */
size_t served_memory(const struct served *served);

#endif
