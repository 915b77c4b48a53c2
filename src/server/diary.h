/*
 * diary.h - what the server itself does and lets others do, on record in the trail `tally`.
 *
 * Its entries are events like others (docs/operations.md lists them), written under `writer`
 * "tally". Two ways:
 *
 *     diary_write   waits until the entry is durable. For what must not happen unrecorded: reading,
 *                   exporting, changing keys. If it gives a fault, the caller refuses with 503.
 *     diary_note    is queued and written in the background, in order: refused keys, conflicts. At
 *                   most DIARY_QUEUE_MAX wait; what finds the queue full is counted and the count is
 *                   an entry of its own (`action` "audit.gap") when there is room again.
 *
 * Thread-safe.
 */
#ifndef DIARY_H
#define DIARY_H

#include "access.h"
#include "roster.h"

#define DIARY_TRAIL     "tally"
#define DIARY_QUEUE_MAX 4096

struct diary;

/* An event to write; absent members have data NULL. */
struct diary_event {
    const char *event_type;            /* of the catalogue, or NULL */
    const char *action;                /* NULL: the event type's */
    const char *status;                /* NULL: the event type's */
    const struct principal *principal; /* who: user_id is its name, session_id its key; NULL: the
                                          server itself (actor_type system); of ROLE_NONE: a
                                          stranger */
    const char *address;               /* ip_address */
    const char *request_id;
    const char *resource_type; /* "trail", "key", "server" */
    const char *resource_id;
    struct bytes details; /* a JSON object's text */
    struct bytes changes; /* another */
    struct bytes message;
};

/* Takes the trail DIARY_TRAIL from the roster, and makes it in `folder` where there is none. */
TALLY_MUST_CHECK tally_status diary_open(struct folder *folder, struct roster *roster,
                                         struct diary **diary_out, struct tally_error *error);
void diary_close(struct diary *diary); /* writes what is queued */

TALLY_MUST_CHECK tally_status diary_write(struct diary *diary, const struct diary_event *event,
                                          struct tally_error *error);
void diary_note(struct diary *diary, const struct diary_event *event);

/* A read, by `principal`, of `trail` with `filter`: written before the first page is sent, then not
 * again for ten minutes. As diary_write. */
TALLY_MUST_CHECK tally_status diary_read(struct diary *diary, const struct diary_event *event,
                                         const char *trail, struct bytes filter,
                                         struct tally_error *error);

/* How many events diary_note() had to drop since the start. */
uint64_t diary_dropped(struct diary *diary);

#endif
