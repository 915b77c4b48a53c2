/*
 * stage.h - a data folder with keys, and the program that serves it.
 *
 * What cannot happen fails the test (cmocka).
 */
#ifndef STAGE_H
#define STAGE_H

#include "child.h"
#include "http.h"

struct stage {
    char *scratch; /* removed at the end */
    char *data;    /* the folder that is served */
    char *admin;   /* its first key */
    struct child *child;
};

/* Makes the folder. */
void stage_make(struct stage *stage);
/* Ends the server, if it runs, and removes everything. */
void stage_remove(struct stage *stage);

/* `settings`: as child.h has them. */
void stage_start(struct stage *stage, const char *const *settings);
/* As child_stop(). */
int stage_stop(struct stage *stage, int signal);

/* `tally key DATA …`, with these words, ending with NULL: a new key's text, which the caller frees;
 * NULL for a verb that makes none. */
char *stage_key(const struct stage *stage, const char *const *words);

/* Runs the program, which must end with 0. */
void stage_run(const char *const *words);

/* One question on a connection of its own; the answer is lent until talk_end(). */
struct talk {
    struct http *http;
    struct http_answer answer;
};
void talk_begin(const struct stage *stage, const struct http_request *request,
                struct talk *exchange_out);
void talk_end(struct talk *exchange);

#endif
