/*
 * record.h - events of the usual kinds, each by one call.
 *
 * Each records one event as tally_client_record() does, in the client's mode, with what the kind
 * implies; `more` (may be NULL) has further members, which win. What a call's own parameters say
 * may be NULL where it is not known.
 */
#ifndef TALLY_RECORD_H
#define TALLY_RECORD_H

#include "tally/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Records that someone did something: `action` as in "invoice.approve". */
tally_status tally_record_action(struct tally_client *client, const char *action,
                                 const char *user_id, const struct tally_event *more,
                                 struct tally_error *error);

/* Records that someone proved who they are, or failed to: `event_type` as in "login_failure",
 * "logout", "password_change". `succeeded` decides the status, and of NULL the type: login_success
 * or login_failure. */
tally_status tally_record_authentication(struct tally_client *client, const char *event_type,
                                         const char *user_id, bool succeeded,
                                         const struct tally_event *more, struct tally_error *error);

/* Records that data was created, read, updated or deleted: `crud` is C, R, U or D and gives the
 * event type data_create, data_read, data_update, data_delete. */
tally_status tally_record_data_access(struct tally_client *client, const char *crud,
                                      const char *resource_type, const char *resource_id,
                                      const struct tally_event *more, struct tally_error *error);

/* Records that a report was created, approved or rejected: `event_type` report_create, … */
tally_status tally_record_report(struct tally_client *client, const char *event_type,
                                 const char *report_id, const char *user_id,
                                 const struct tally_event *more, struct tally_error *error);

/* Records what a security engineer wants to know: `event_type` as in "security_violation". */
tally_status tally_record_security(struct tally_client *client, const char *event_type,
                                   const char *severity, const char *message,
                                   const struct tally_event *more, struct tally_error *error);

/* Records that a resource went from one state to another: `before` and `after` are the JSON texts
 * of objects; `changes` gets the members that differ, as for a scope. before NULL: created; after
 * NULL: deleted. */
tally_status tally_record_change(struct tally_client *client, const char *resource_type,
                                 const char *resource_id, const char *before, const char *after,
                                 const struct tally_event *more, struct tally_error *error);

/* Records how long a database operation took: event type database_timing; the collection or table
 * is the resource (resource_type collection), the operation stands in details.operation. */
tally_status tally_record_database_timing(struct tally_client *client, const char *collection,
                                          const char *operation, double duration_ms,
                                          const struct tally_event *more,
                                          struct tally_error *error);

#ifdef __cplusplus
}
#endif

#endif
