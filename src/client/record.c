/*
 * Events of the usual kinds. Each call lays what the program says over what the kind implies, and
 * leaves the rest (action, severity, …) to the trail's catalogue, which knows the types.
 */
#include "tally/record.h"

#include "client_parts.h"
#include "difference.h"
#include "fault.h"
#include "json.h"
#include "members.h"

/* `more` that is no event of this version is refused by recording it. */
static tally_status
record(struct tally_client *client, struct tally_event *event, const struct tally_event *more,
       struct tally_error *error)
{
    if (more != NULL && members_check(more, NULL) != TALLY_OK)
        return tally_client_record(client, more, TALLY_MODE_DEFAULT, NULL, error);
    if (more != NULL)
        members_overlay(event, more);
    return tally_client_record(client, event, TALLY_MODE_DEFAULT, NULL, error);
}

tally_status
tally_record_action(struct tally_client *client, const char *action, const char *user_id,
                    const struct tally_event *more, struct tally_error *error)
{
    struct tally_event event = { .size = sizeof event, .action = action, .user_id = user_id };
    return record(client, &event, more, error);
}

tally_status
tally_record_authentication(struct tally_client *client, const char *event_type,
                            const char *user_id, bool succeeded, const struct tally_event *more,
                            struct tally_error *error)
{
    if (event_type == NULL)
        event_type = succeeded ? "login_success" : "login_failure";
    struct tally_event event = {
        .size = sizeof event,
        .event_type = event_type,
        .user_id = user_id,
        .status = succeeded ? "success" : "failure",
    };
    return record(client, &event, more, error);
}

/* The type of an access; NULL where `crud` is none of the four, which recording then refuses. */
static const char *
access_type(const char *crud)
{
    static const char *const types[] = { "data_create", "data_read", "data_update", "data_delete" };
    int letter = crud == NULL ? -1 : field_enum_find(FIELD_CRUD, bytes_text(crud));
    return letter < 0 ? NULL : types[letter];
}

tally_status
tally_record_data_access(struct tally_client *client, const char *crud, const char *resource_type,
                         const char *resource_id, const struct tally_event *more,
                         struct tally_error *error)
{
    struct tally_event event = {
        .size = sizeof event,
        .event_type = access_type(crud),
        .crud = crud,
        .resource_type = resource_type,
        .resource_id = resource_id,
    };
    return record(client, &event, more, error);
}

tally_status
tally_record_report(struct tally_client *client, const char *event_type, const char *report_id,
                    const char *user_id, const struct tally_event *more, struct tally_error *error)
{
    struct tally_event event = {
        .size = sizeof event,
        .event_type = event_type,
        .user_id = user_id,
        .resource_type = "report",
        .resource_id = report_id,
    };
    return record(client, &event, more, error);
}

tally_status
tally_record_security(struct tally_client *client, const char *event_type, const char *severity,
                      const char *message, const struct tally_event *more,
                      struct tally_error *error)
{
    struct tally_event event = {
        .size = sizeof event,
        .event_type = event_type,
        .severity = severity,
        .message = message,
    };
    return record(client, &event, more, error);
}

static struct bytes
state_of(const char *json)
{
    return json == NULL ? (struct bytes){ NULL, 0 } : bytes_text(json);
}

/* With a NUL. */
static tally_status
write_changes(const char *before, const char *after, struct buffer *changes,
              struct tally_error *error)
{
    if (before == NULL && after == NULL)
        return fault(error, TALLY_INVALID, "a change is from a state or to one, or both");
    tally_status status = difference_write(state_of(before), state_of(after), changes, error);
    if (status != TALLY_OK)
        return status;
    buffer_byte(changes, '\0');
    return buffer_failed(changes) ? memory_fault(error) : TALLY_OK;
}

tally_status
tally_record_change(struct tally_client *client, const char *resource_type, const char *resource_id,
                    const char *before, const char *after, const struct tally_event *more,
                    struct tally_error *error)
{
    struct buffer changes = { 0 };
    tally_status status = write_changes(before, after, &changes, error);
    if (status == TALLY_OK) {
        const char *crud = before == NULL ? "C" : after == NULL ? "D" : "U";
        struct tally_event event = {
            .size = sizeof event,
            .event_type = access_type(crud),
            .crud = crud,
            .resource_type = resource_type,
            .resource_id = resource_id,
            .changes = (const char *)changes.data,
        };
        status = record(client, &event, more, error);
    } else {
        status = client_count_undrafted(client, 1, status);
    }
    buffer_free(&changes);
    return status;
}

tally_status
tally_record_database_timing(struct tally_client *client, const char *collection,
                             const char *operation, double duration_ms,
                             const struct tally_event *more, struct tally_error *error)
{
    struct buffer details = { 0 };
    if (operation != NULL) {
        buffer_text(&details, "{\"operation\":");
        json_write_string(bytes_text(operation), &details);
        buffer_append(&details, "}", sizeof "}");
    }
    tally_status status;
    if (buffer_failed(&details)) {
        status = client_count_undrafted(client, 1, memory_fault(error));
    } else {
        struct tally_event event = {
            .size = sizeof event,
            .event_type = "database_timing",
            .resource_type = "collection",
            .resource_id = collection,
            .response_time_ms = &duration_ms,
            .details = (const char *)details.data,
        };
        status = record(client, &event, more, error);
    }
    buffer_free(&details);
    return status;
}
