#include "explaining.h"

#include "explanation.h"
#include "fault.h"
#include "filtering.h"
#include "remote.h"

#include <stdlib.h>

bool
explaining(const struct invocation *invocation)
{
    return option_given(invocation, "explain");
}

void
explaining_parameter(const struct invocation *invocation, struct buffer *target)
{
    if (explaining(invocation))
        remote_parameter(target, "explain", bytes_text("true"));
}

/* ---- from a server ---- */

/* Numbers by their names; what a newer server counts beside them is passed over. */
static bool
read_numbers(const struct reply *reply, uint32_t node, const char *const *names, size_t count,
             uint64_t *numbers)
{
    if (node == 0 || reply->tape.nodes[node].kind != JSON_KIND_OBJECT)
        return false;
    for (size_t i = 0; i < count; i++)
        (void)reply_number(reply, node, names[i], &numbers[i]);
    return true;
}

static bool
read_terms(struct reply *reply, uint32_t array, struct account *account)
{
    if (array == 0)
        return false;
    const struct json_node *nodes = reply->tape.nodes;
    account->terms = calloc(PLAN_TERMS_MAX, sizeof *account->terms);
    if (account->terms == NULL)
        return false;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        struct bytes text = reply_text(reply, i, "term");
        if (text.data == NULL || account->term_count == PLAN_TERMS_MAX)
            return false;
        struct account_term *term = &account->terms[account->term_count++];
        buffer_bytes(&term->text, text);
        if (!read_numbers(reply, reply_member(reply, i, "pages"), plan_access_names, ACCESS_COUNT,
                          term->pages))
            return false;
    }
    return true;
}

static bool
read_account(struct reply *reply, uint32_t node, struct account *account)
{
    struct scan_account *scan = &account->scan;
    struct bytes filter = reply_text(reply, node, "filter");
    if (filter.data == NULL)
        return false;
    buffer_bytes(&account->filter, filter);
    return read_numbers(reply, reply_member(reply, node, "runs"), scan_fate_names, FATE_COUNT,
                        scan->runs) &&
           read_numbers(reply, reply_member(reply, node, "pages"), scan_fate_names, FATE_COUNT,
                        scan->pages) &&
           read_terms(reply, reply_array(reply, node, "terms"), account) &&
           reply_number(reply, node, "matches", &scan->matches) &&
           reply_number(reply, node, "reads", &account->reads) &&
           reply_number(reply, node, "bytes", &account->bytes);
}

tally_status
explaining_read(struct reply *reply, struct account *account_out, struct tally_error *error)
{
    struct account account = { 0 };
    uint32_t node = reply_member(reply, 0, "explain");
    bool object = node != 0 && reply->tape.nodes[node].kind == JSON_KIND_OBJECT;
    if (!object || !read_account(reply, node, &account)) {
        account_finish(&account);
        return reply_fault(error, "an explanation");
    }
    *account_out = account;
    return TALLY_OK;
}

/* ---- printed ---- */

int
explaining_print(const struct invocation *invocation, const struct account *account,
                 struct out *out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, &format, &style);
    if (outcome != DONE)
        return outcome;
    if (format == LISTING_JSON) {
        explanation_json(account, &out->stream.buffer);
        buffer_byte(&out->stream.buffer, '\n');
        return DONE;
    }
    filtering_hint(invocation, format);
    struct tally_error error = { 0 };
    tally_status status = explanation_rows(account, format, &style, &out->stream, &error);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

int
explaining_selection(const struct invocation *invocation, const struct selection *selection,
                     struct out *out)
{
    struct account account;
    struct tally_error error = { 0 };
    if (account_make(selection, &account, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    int outcome = explaining_print(invocation, &account, out);
    account_finish(&account);
    return outcome;
}
