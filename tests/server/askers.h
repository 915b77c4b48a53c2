/*
 * askers.h - a server with a key of every kind, and whoever may ask it something.
 *
 * For a group of tests that is run with askers_set_up() and askers_tear_down(). The folder has the
 * trails main, with one entry, other, and open, whose checkpoints are public. What cannot happen fails
 * the test (cmocka).
 */
#ifndef ASKERS_H
#define ASKERS_H

#include "role.h"
#include "routes.h"
#include "stage.h"

extern struct stage stage;
int askers_set_up(void **state);
int askers_tear_down(void **state);

/* Who asks. Keys for "other" may not use the trail main, which all questions are about. */
enum asker {
    NO_KEY,
    WRONG_KEY,
    NO_KEY_AT_ALL, /* something that is not even shaped like one */
    EXPIRED_KEY,
    REVOKED_KEY,
    ADMIN,
    AUDITOR,
    WRITER,
    AUDITOR_OF_OTHER,
    WRITER_OF_OTHER,
    ASKERS,
};

struct asker_kind {
    const char *name; /* as a sentence has it */
    enum role role;
    bool other;
    char *key; /* NULL: none */
};
extern struct asker_kind askers[ASKERS];

/* An event that anybody with the right to record may record. */
#define EVENT "{\"action\":\"test.run\",\"user_id\":\"u1\"}"

const char *method_name(enum method method);

/* The path of a pattern: an entry's or a key's number, or the trail main. `out` is empty. */
void fill_pattern(const char *pattern, char *out, size_t size);

/* What every answer has, whatever it is; `what` was asked. */
void check_headers(const struct http_answer *answer, const char *what);

/* Asks, and expects an answer of this status. */
void expect_status(const struct http_request *request, unsigned status);

#endif
