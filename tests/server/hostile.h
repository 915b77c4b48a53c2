/*
 * hostile.h - what tests of hostile requests stand on: a running server, and rows of requests that are
 * not as they should be, sent raw.
 *
 * After each of them the trail may have grown by no more than the row allows, and a good request on
 * another connection must be served. Most rows are a POST of one valid event with a good key and one
 * defect: a server that overlooks the defect stores it.
 *
 * In a row's text `$H` stands for a good Host, `$K` for the key, `$E` for an event of 20 bytes and
 * `$C` for the event in a chunk with the last chunk and its line.
 *
 * What is not as the row says fails the test (cmocka).
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "must.h"
#include "served.h"

#define POST    "POST /api/events HTTP/1.1\r\n$H$K"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

enum hostile_outcome {
    REFUSED, /* 400 or above and a close; or a close alone. Nothing is stored */
    DENIED,  /* 400 or above; the connection may go on. Nothing is stored */
    SERVED,  /* as many answers and entries as the row says */
    FREE,    /* at most as many */
};

struct hostile {
    const char *why;
    struct bytes text;
    enum hostile_outcome outcome;
    unsigned answers;
    unsigned stored;
};

/* A group's server, which waits for the rest of a request longer than any test for a close; for
 * cmocka_run_group_tests(). */
extern struct served hostile_served;
int hostile_begin(void **state);
int hostile_end(void **state);

/* Appends the text with what its signs stand for. */
void hostile_expand(struct bytes text, struct buffer *out);

/* Sends these bytes in place of the row's text and holds what comes of it against the row. */
void hostile_check(const struct hostile *row, struct bytes bytes);

/* The same with the texts of the rows. */
void hostile_check_rows(const struct hostile *rows, size_t count);
#define CHECK_ROWS(rows) hostile_check_rows((rows), sizeof(rows) / sizeof(rows)[0])

/* The server still answers others. */
void hostile_check_served(const char *why);

#endif
