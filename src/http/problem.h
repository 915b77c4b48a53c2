/*
 * problem.h - what went wrong, for a program and for a person: RFC 9457 problem details.
 *
 * The type is always about:blank, so the title is the status's own phrase (RFC 9110, section 15);
 * `detail` says what happened and what to do. Members of our own: request_id, errors, and for a
 * missing key or role, role and command. Pure.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "buffer.h"

#define PROBLEM_NO_POSITION UINT64_MAX

/* One place that is refused. Members that are not known are left out. */
struct problem_error {
    uint64_t position;   /* of the event in the request, 0-based; or PROBLEM_NO_POSITION */
    uint64_t line;       /* 1-based; or 0 */
    uint32_t column;     /* 1-based, in bytes; or 0 */
    const char *pointer; /* RFC 6901; NULL or "" */
    const char *detail;
};

struct problem {
    unsigned status;
    const char *detail;
    const char *request_id; /* NULL: none */
    const struct problem_error *errors;
    size_t error_count;
    const char *role;    /* the least that would do; NULL: none */
    const char *command; /* that makes such a key; NULL: none */
};

/* Appends the JSON object. */
void problem_write(const struct problem *problem, struct buffer *out);

/* Appends the array of errors alone. */
void problem_write_errors(const struct problem_error *errors, size_t count, struct buffer *out);

#endif
