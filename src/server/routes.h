/*
 * routes.h - every URL that this server answers, who may ask, and what it takes.
 *
 * The table is the one truth: the listener serves by it, access is checked by it, /openapi.json is
 * written from it, and a test walks every route with every role.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "request.h"

/* Who may ask; a set of bits, one a role (1 << enum role), or: */
#define WHO_ANYONE   0x80u /* without a key */
#define WHO_LOOPBACK 0x40u /* from this machine without a key, too */
#define WHO_PUBLIC   0x20u /* without a key, too, if the setting trails.public names the trail */
#define WHO_ADMIN    (1u << ROLE_ADMIN)
#define WHO_READS    (1u << ROLE_ADMIN | 1u << ROLE_AUDITOR)
#define WHO_WRITES   (1u << ROLE_ADMIN | 1u << ROLE_WRITER)
#define WHO_ALL_KEYS (1u << ROLE_ADMIN | 1u << ROLE_AUDITOR | 1u << ROLE_WRITER)

enum where_run {
    RUN_HERE,
    RUN_WORKER,
};

enum parameter_type {
    PARAMETER_TEXT,
    PARAMETER_COUNT, /* low to high */
    PARAMETER_FLAG,  /* true or false */
    PARAMETER_WORD,  /* one of `words` */
    PARAMETER_TIME,  /* as in filters */
};

struct parameter {
    const char *name;
    enum parameter_type type;
    uint64_t low, high;
    const char *const *words; /* ends with NULL */
    const char *standard;     /* what holds where it is not given; NULL: nothing */
    const char *text;         /* one line for people */
};

struct route {
    enum method method;
    const char *pattern; /* '*' stands for one segment */
    unsigned who;
    enum where_run where;
    void (*run)(struct request *request);
    const char *name;                   /* OpenAPI's operationId */
    const char *summary;                /* one line for people */
    const struct parameter *parameters; /* ends with a row without name; NULL: none */
    bool filter; /* takes q and every field as a parameter, too (filter_parameter_known) */
    bool body;   /* takes a body of events or of JSON */
};

/* Whether a parameter takes a value, as far as its row says; if not, *wanted_out says what it takes
 * ("a number from 1 to 1000"). */
#define PARAMETER_WANTED_SIZE 128
bool parameter_takes(const struct parameter *parameter, struct bytes value,
                     char wanted_out[PARAMETER_WANTED_SIZE]);

extern const struct route routes[];
extern const size_t route_count;

/* The route of a request. TALLY_OK; TALLY_ABSENT: no such path; TALLY_DISAGREES: the path is known,
 * but not with this method: `allowed_out` is the value of the header Allow. */
#define ROUTES_ALLOWED_SIZE 64
TALLY_MUST_CHECK tally_status route_find(enum method method, const struct target *target,
                                         const struct route **route_out,
                                         char allowed_out[ROUTES_ALLOWED_SIZE]);

/* The resources, one file each: resource_NAME.c. */
void events_record(struct request *request);
void events_list(struct request *request);
void event_show(struct request *request);
void event_prove(struct request *request);
void event_around(struct request *request);
void stats_show(struct request *request);
void export_send(struct request *request);
void tail_follow(struct request *request);
void verify_run(struct request *request);
void trails_list(struct request *request);
void trails_create(struct request *request);
void trail_show(struct request *request);
void checkpoint_show(struct request *request);
void keys_list(struct request *request);
void keys_create(struct request *request);
void key_rotate(struct request *request);
void key_revoke(struct request *request);
void logs_list(struct request *request);
void audit_logs_list(struct request *request);
void audit_logs_of_user(struct request *request);
void live_show(struct request *request);
void ready_show(struct request *request);
void metrics_show(struct request *request);
void doctor_show(struct request *request);
void root_show(struct request *request);
void openapi_show(struct request *request);
void docs_show(struct request *request);

#endif
