/*
 * tally prove, of a server: nothing is written that does not check.
 *
 * The key is the one that the server names for the trail. Whether it is the right one only somebody
 * who knows it from elsewhere can say, with `tally prove --check`.
 */
#include "prove_remote.h"

#include "out.h"
#include "remote.h"
#include "reply.h"
#include "tally/tlog_proof.h"

#include <stdio.h>
#include <stdlib.h>

/* What the server says of the trail. */
struct described {
    struct tally_vkey vkey;
    uint64_t size;
};

static tally_status
read_description(struct bytes text, struct described *described_out, struct tally_error *error)
{
    struct reply reply = { 0 };
    tally_status status = reply_read(&reply, text, error);
    if (status == TALLY_OK) {
        struct bytes vkey = reply_text(&reply, 0, "vkey");
        if (vkey.data == NULL || !reply_number(&reply, 0, "size", &described_out->size) ||
            tally_vkey_parse((const char *)vkey.data, vkey.size, &described_out->vkey, NULL) !=
                TALLY_OK)
            status = reply_fault(error, "a trail's description");
    }
    reply_finish(&reply);
    return status;
}

static int
describe(struct remote *remote, struct described *described_out)
{
    struct buffer target = { 0 };
    struct buffer text = { 0 };
    struct refusal refusal = { 0 };
    buffer_text(&target, "/api/trails");
    remote_segment(&target, remote_trail(remote));
    tally_status status = remote_get(remote, &target, &text, &refusal);
    if (status == TALLY_OK)
        status = read_description(buffer_view(&text), described_out, &refusal.error);
    buffer_free(&text);
    buffer_free(&target);
    return status == TALLY_OK ? DONE : remote_fail(remote, &refusal);
}

/* Whether the file proves entry `index` by this key. What it says that the entry is stands in it
 * and is hashed here, as --check does. */
static int
check(const struct remote *remote, struct bytes file, const struct tally_vkey *vkey, uint64_t index)
{
    uint8_t *extra = malloc(TALLY_TLOG_PROOF_EXTRA_MAX);
    if (extra == NULL)
        return fail(UNABLE, "out of memory");
    const char *text = (const char *)file.data;
    struct tally_tlog_proof proof;
    struct tally_tlog_proof_expected expected = { .vkey = vkey };
    struct tally_checkpoint checkpoint;
    struct tally_error error = { 0 };
    uint64_t proved = 0;
    tally_status status = tally_tlog_proof_parse(text, file.size, extra, &proof, &error);
    int outcome = DONE;
    if (status != TALLY_OK || proof.extra == NULL) {
        outcome = fail(UNABLE, "%s: the answer is no proof of an entry", remote_where(remote));
    } else {
        tally_hash_leaf(proof.extra, proof.extra_size, &expected.leaf);
        status = tally_tlog_proof_check(text, file.size, &expected, &proved, &checkpoint, &error);
        if (status != TALLY_OK)
            outcome = fail(DISPROVED, "the server's proof fails: %s", error.text);
        else if (proved != index)
            outcome =
                fail(DISPROVED, "the server's proof is of entry %llu", (unsigned long long)proved);
    }
    free(extra);
    return outcome;
}

static int
prove(struct remote *remote, uint64_t index, struct out *out)
{
    struct described described;
    int outcome = describe(remote, &described);
    if (outcome != DONE)
        return outcome;

    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)index);
    struct buffer target = { 0 };
    struct refusal refusal;
    buffer_text(&target, "/api/events");
    remote_segment(&target, number);
    buffer_text(&target, "/proof");
    remote_parameter(&target, "trail", bytes_text(remote_trail(remote)));
    struct buffer *file = &out->stream.buffer;
    tally_status status = remote_get(remote, &target, file, &refusal);
    buffer_free(&target);
    if (status == TALLY_ABSENT)
        return fail(NOT_THERE, "there is no entry %llu: the trail has size %llu",
                    (unsigned long long)index, (unsigned long long)described.size);
    if (status != TALLY_OK)
        return remote_fail(remote, &refusal);
    return check(remote, buffer_view(file), &described.vkey, index);
}

int
prove_remote(const struct invocation *invocation, uint64_t index)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    struct out out;
    outcome = out_open_file(&out, option_value(invocation, "output"));
    if (outcome == DONE)
        outcome = out_finish(&out, prove(remote, index, &out));
    remote_close(remote);
    return outcome;
}
