/*
 * find_fixture.h - texts, and what is found in them: shared by the tests of what finds secrets.
 */
#ifndef FIND_FIXTURE_H
#define FIND_FIXTURE_H

#include "bytes.h"

#define FIND_TEXT_MAX 1024

/* The next of what is looked for, from `at` on. */
typedef bool find_function(struct bytes text, size_t at, size_t *start_out, size_t *end_out);

struct find_row {
    const char *why, *text;
    const char *wanted; /* the text with # in place of each that is found */
};

/* Puts # in the place of what is found. */
void find_replace(find_function *find, const char *text, char out[FIND_TEXT_MAX]);
/* Fails the test where a row is not as it is wanted. */
void find_check(find_function *find, const struct find_row *rows, size_t count);

#endif
