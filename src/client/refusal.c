#include "refusal.h"

#include "fault.h"
#include "reply.h"

#include <stdio.h>

static tally_status
status_of(unsigned code)
{
    switch (code) {
    case 400:
    case 413:
    case 414:
    case 415:
    case 422:
        return TALLY_INVALID;
    case 409:
        return TALLY_CONFLICT;
    case 404:
        return TALLY_ABSENT;
    case 401:
    case 403:
        return TALLY_DENIED;
    case 429:
    case 503:
        return TALLY_BUSY;
    case 507:
        return TALLY_FULL;
    default:
        return TALLY_IO;
    }
}

static bool
is_problem(struct bytes type)
{
    static const struct bytes wanted = BYTES("application/problem+json");
    return type.size >= wanted.size && memcmp(type.data, wanted.data, wanted.size) == 0;
}

static void
stranger(unsigned code, struct tally_error *error)
{
    (void)fault(error, TALLY_IO,
                "the answer is %u without a problem document: is this a Tallystick server?", code);
}

/* The first of what was wrong stands for all: the command ends there. */
static void
read_place(struct reply *reply, struct refusal *refusal, struct bytes *detail)
{
    uint32_t errors = reply_array(reply, 0, "errors");
    if (errors == 0 || reply->tape.nodes[errors].next == errors + 1)
        return;
    uint32_t first = errors + 1;
    uint64_t column = 0;
    (void)reply_number(reply, first, "line", &refusal->error.line);
    (void)reply_number(reply, first, "position", &refusal->position);
    (void)reply_number(reply, first, "index", &refusal->index);
    if (reply_number(reply, first, "column", &column) && column <= UINT32_MAX)
        refusal->error.column = (uint32_t)column;
    struct bytes pointer = reply_text(reply, first, "pointer");
    if (pointer.data != NULL && pointer.size < sizeof refusal->error.pointer)
        memcpy(refusal->error.pointer, pointer.data, pointer.size);
    struct bytes own = reply_text(reply, first, "detail");
    if (own.data != NULL)
        *detail = own;
}

static void
read_document(struct reply *reply, unsigned code, struct refusal *refusal)
{
    struct bytes detail = reply_text(reply, 0, "detail");
    if (detail.data == NULL)
        detail = reply_text(reply, 0, "title");
    read_place(reply, refusal, &detail);
    struct bytes role = reply_text(reply, 0, "role");
    struct bytes command = reply_text(reply, 0, "command");

    refusal->error.status = status_of(code);
    char *text = refusal->error.text;
    size_t capacity = sizeof refusal->error.text;
    int size = detail.size == 0 ? snprintf(text, capacity, "refused with status %u", code)
                                : snprintf(text, capacity, "%.*s", BYTES_ARG(detail));
    if (role.data == NULL || command.data == NULL || (size_t)size >= capacity)
        return;
    (void)snprintf(text + size, capacity - (size_t)size,
                   "; the role %.*s would do: on the server's machine, `%.*s` makes such a key",
                   BYTES_ARG(role), BYTES_ARG(command));
}

tally_status
refusal_read(unsigned code, struct bytes type, struct bytes body, struct refusal *refusal_out)
{
    struct refusal refusal = {
        .code = code,
        .position = REFUSAL_UNKNOWN,
        .index = REFUSAL_UNKNOWN,
    };
    struct reply reply = { 0 };
    tally_status status = TALLY_IO;
    if (is_problem(type))
        status = reply_read(&reply, body, NULL);
    if (status == TALLY_OK && reply.tape.nodes[0].kind == JSON_KIND_OBJECT)
        read_document(&reply, code, &refusal);
    else
        stranger(code, &refusal.error);
    reply_finish(&reply);
    if (status == TALLY_NO_MEMORY)
        return status;
    *refusal_out = refusal;
    return TALLY_OK;
}

void
refusal_of_error(const struct tally_error *error, struct refusal *refusal_out)
{
    *refusal_out = (struct refusal){
        .error = *error,
        .position = REFUSAL_UNKNOWN,
        .index = REFUSAL_UNKNOWN,
    };
}
