/*
 * served.h - a data folder with keys, and the program that serves it.
 *
 * What cannot happen fails the test (cmocka).
 */
#ifndef SERVED_H
#define SERVED_H

#include "child.h"
#include "http.h"

struct served {
    char *scratch; /* removed at the end */
    char *data;    /* the folder that is served */
    char *admin;   /* its first key */
    struct child *child;
};

/* Makes the folder. */
void served_make(struct served *served);
/* Ends the server, if it runs, and removes everything. */
void served_remove(struct served *served);

/* `settings`: as child.h has them. */
void served_start(struct served *served, const char *const *settings);
/* As child_stop(). */
int served_stop(struct served *served, int signal);

/* `tally key DATA …`, with these words, ending with NULL: a new key's text, which the caller frees;
 * NULL for a verb that makes none. */
char *served_key(const struct served *served, const char *const *words);

/* Runs the program, which must end with 0. */
void served_run(const char *const *words);

/* One question on a connection of its own; the answer is lent until exchange_end(). */
struct exchange {
    struct http *http;
    struct http_answer answer;
};
void exchange_begin(const struct served *served, const struct http_request *request,
                    struct exchange *exchange_out);
void exchange_end(struct exchange *exchange);

#endif
