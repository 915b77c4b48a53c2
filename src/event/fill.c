/*
 * Filling in.
 *
 * The order matters in one place. An action such as user.login implies its type only together with
 * a status, and that status must be one that is known: sent, or given by the status code. A status
 * that is merely assumed (success, in the end) implies nothing, or every login of unknown outcome
 * would turn into a success.
 */
#include "fill.h"

static void
set(struct event *event, enum field_id field, struct bytes value)
{
    if (event->values[field].data != NULL || value.data == NULL)
        return;
    event->values[field] = value;
    event->present |= FIELD_BIT(field);
}

static const struct catalogue_row *
row_of(const struct catalogue *catalogue, const struct event *event, struct bytes code_status)
{
    const struct bytes *values = event->values;
    if (values[FIELD_EVENT_TYPE].data != NULL)
        return catalogue_by_type(catalogue, values[FIELD_EVENT_TYPE]);
    if (values[FIELD_ACTION].data == NULL)
        return NULL;
    struct bytes status = values[FIELD_STATUS];
    return catalogue_by_action(catalogue, values[FIELD_ACTION],
                               status.data != NULL ? status : code_status);
}

void
event_fill(const struct catalogue *catalogue, struct event *event)
{
    static const struct bytes success = BYTES("success");
    struct bytes code_status = { 0 };
    if (event->values[FIELD_STATUS_CODE].data != NULL)
        code_status = catalogue_status_of_code(event->values[FIELD_STATUS_CODE]);

    const struct catalogue_row *row = row_of(catalogue, event, code_status);
    if (row != NULL) {
        set(event, FIELD_EVENT_TYPE, row->event_type);
        set(event, FIELD_SEVERITY, row->severity);
        set(event, FIELD_ACTION, row->action);
        set(event, FIELD_CRUD, row->crud);
        set(event, FIELD_STATUS, row->status);
    }
    if (event->values[FIELD_METHOD].data != NULL)
        set(event, FIELD_CRUD, catalogue_crud_of_method(event->values[FIELD_METHOD]));
    set(event, FIELD_STATUS, code_status);
    set(event, FIELD_STATUS, success);
}
