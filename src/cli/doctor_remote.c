#include "doctor_remote.h"

#include "out.h"
#include "remote.h"
#include "reply.h"

/* The findings' rows; *notes_out and *risks_out count them. */
static tally_status
write_rows(struct reply *reply, struct listing *listing, uint64_t *notes, uint64_t *risks,
           struct tally_error *error)
{
    uint32_t data = reply_array(reply, 0, "data");
    if (data == 0)
        return reply_fault(error, "a list of findings");
    const struct json_node *nodes = reply->tape.nodes;
    for (uint32_t i = data + 1; i < nodes[data].next; i = nodes[i].next) {
        struct bytes cells[FINDING_COLUMNS];
        reply_cells(reply, i, finding_columns, FINDING_COLUMNS, cells);
        if (cells[FINDING_GRADE].data == NULL)
            return reply_fault(error, "a list of findings");
        /* A grade that only a newer server knows is one to look at. */
        *(bytes_is(cells[FINDING_GRADE], "note") ? notes : risks) += 1;
        tally_status status = listing_row(listing, cells, error);
        if (status != TALLY_OK)
            return status;
    }
    return listing_end(listing, (struct bytes){ NULL, 0 }, error);
}

static int
print(const struct invocation *invocation, const struct remote *remote, struct reply *reply,
      struct out *out)
{
    struct listing *listing;
    int outcome = out_listing(invocation, out, finding_columns, FINDING_COLUMNS, &listing);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    uint64_t notes = 0;
    uint64_t risks = 0;
    tally_status status = write_rows(reply, listing, &notes, &risks, &error);
    listing_destroy(listing);
    if (status != TALLY_OK)
        return (void)fail_with(&error, remote_where(remote)), UNABLE;
    return doctor_conclude(notes, risks);
}

static int
ask(const struct invocation *invocation, struct remote *remote)
{
    struct buffer target = { 0 };
    struct buffer answer = { 0 };
    struct reply reply = { 0 };
    struct refusal refusal = { 0 };
    buffer_text(&target, "/api/doctor");
    tally_status status = remote_get(remote, &target, &answer, &refusal);
    if (status == TALLY_OK)
        status = reply_read(&reply, buffer_view(&answer), &refusal.error);
    int outcome;
    if (status != TALLY_OK) {
        outcome = remote_fail(remote, &refusal);
    } else {
        struct out out;
        out_open(&out);
        outcome = print(invocation, remote, &reply, &out);
        /* Rows are printed whatever they say. */
        int written = out_finish(&out, DONE);
        outcome = outcome == DONE ? written : outcome;
    }
    reply_finish(&reply);
    buffer_free(&answer);
    buffer_free(&target);
    return outcome;
}

int
doctor_remote(const struct invocation *invocation)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    outcome = ask(invocation, remote);
    remote_close(remote);
    return outcome;
}
