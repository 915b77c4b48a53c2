/*
 * event.h - an event as a C program writes it down.
 *
 *     tally_client_record(client, TALLY_EVENT(.action = "user.login", .user_id = "u42"), ...);
 *
 * Every member is optional but one of `action` and `event_type`. A text is UTF-8 with a final NUL,
 * lent for the call; NULL is absent, "" is an empty text. Names, limits and what is filled in for
 * what is missing (id, timestamp, and what the catalogue knows) are those of docs/api.md, "Fields
 * of an event".
 *
 * `size` tells the library which members the program was compiled with, so that later versions can
 * add some: TALLY_EVENT and TALLY_EVENT_INIT set it. In C++, where TALLY_EVENT is not to be had:
 *
 *     struct tally_event event = TALLY_EVENT_INIT;
 *     event.action = "user.login";
 */
#ifndef TALLY_EVENT_H
#define TALLY_EVENT_H

#include <stddef.h>

struct tally_event {
    size_t size;

    /* What. */
    const char *event_type; /* snake_case: "login_success" */
    const char *action;     /* dotted: "user.login" */
    const char *crud;       /* C, R, U or D */
    const char *severity;   /* low, medium, high, critical */
    const char *resource_type;
    const char *resource_id;
    const char *endpoint;
    const char *method;

    /* Who. */
    const char *user_id;
    const char *user_email;
    const char *group_id;
    const char *actor_type; /* user, service, system */
    const char *on_behalf_of;
    const char *session_id;
    const char *ip_address;
    const char *user_agent;

    /* With what result. */
    const char *status;             /* success, failure, error */
    int status_code;                /* 100 to 999; 0: none */
    const double *response_time_ms; /* finite, 0 or more, kept to the ns; NULL: none */
    const char *error_message;

    /* In which context. */
    const char *id;        /* 1 to 64 of [A-Za-z0-9._:-]; a UUIDv7 is made if NULL */
    const char *timestamp; /* RFC 3339; now if NULL */
    const char *request_id;
    const char *correlation_id;
    const char *trace_id;
    const char *service;

    /* Content. */
    const char *message;
    const char *details; /* the JSON text of an object */
    const char *changes; /* …, {"field": {"before": …, "after": …}} */
};

/* clang-format off */
#ifdef __cplusplus
static inline tally_event
tally_event_init()
{
    tally_event event = tally_event();
    event.size = sizeof event;
    return event;
}
#define TALLY_EVENT_INIT tally_event_init()
#else
#define TALLY_EVENT_INIT { .size = sizeof(struct tally_event) }
#define TALLY_EVENT(...) \
    (&(const struct tally_event){ .size = sizeof(struct tally_event), __VA_ARGS__ })
#endif
/* clang-format on */

#endif
