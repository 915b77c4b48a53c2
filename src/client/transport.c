/*
 * Which kind of transport a destination needs.
 */
#include "transport_parts.h"

#include "embedded.h"
#include "fault.h"
#include "folder.h"
#include "wire.h"

tally_status
transport_create(const struct transport_options *options, struct transport **transport_out,
                 struct tally_error *error)
{
    if (options->where == NULL || options->where[0] == '\0')
        return fault(error, TALLY_INVALID,
                     "no destination: give a server's URL or a data folder, or set TALLY_URL");
    if (!trail_name_valid(options->trail))
        return fault(error, TALLY_INVALID,
                     "\"%s\" is no trail's name: 1 to %d of a-z, 0-9 and -, the first no -",
                     options->trail, TRAIL_NAME_MAX);
    if (wire_is_server(options->where))
        return transport_http_create(options, transport_out, error);
    return transport_trail_create(options, transport_out, error);
}

void
transport_destroy(struct transport *transport)
{
    if (transport != NULL)
        transport->kind->destroy(transport);
}

void
transport_abandon(struct transport *transport)
{
    if (transport != NULL)
        transport->kind->abandon(transport);
}

enum transport_outcome
transport_send(struct transport *transport, const struct bytes *events, size_t count, bool again,
               int64_t until, struct transport_answer *answer)
{
    buffer_clear(&answer->reasons);
    answer->wait_ms = 0;
    answer->busy = answer->denied = false;
    answer->error = (struct tally_error){ 0 };
    return transport->kind->send(transport, events, count, again, until, answer);
}

void
transport_wake(struct transport *transport)
{
    transport->kind->wake(transport);
}

tally_status
transport_get(struct transport *transport, const char *target, int64_t until,
              struct buffer *answer_out, struct tally_error *error)
{
    return transport->kind->get(transport, target, until, answer_out, error);
}

void
transport_rest(struct transport *transport)
{
    transport->kind->rest(transport);
}

void
transport_fork_prepare(void)
{
    embedded_fork_prepare();
    transport_http_fork_prepare();
}

void
transport_fork_parent(void)
{
    transport_http_fork_parent();
    embedded_fork_parent();
}

void
transport_fork_child(void)
{
    transport_http_fork_child();
    embedded_fork_child();
}

void
transport_refuse(struct transport_answer *answer, size_t position, enum transport_result result,
                 struct bytes reason)
{
    answer->results[position] = result;
    answer->reason_at[position] = answer->reasons.size;
    buffer_bytes(&answer->reasons, reason);
    buffer_byte(&answer->reasons, '\0');
}

const char *
transport_reason(const struct transport_answer *answer, size_t event)
{
    if (buffer_failed(&answer->reasons) || answer->reason_at[event] >= answer->reasons.size)
        return "refused";
    return (const char *)answer->reasons.data + answer->reason_at[event];
}
