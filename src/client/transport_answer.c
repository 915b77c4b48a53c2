#include "transport_answer.h"

#include "base64.h"
#include "fault.h"
#include "refusal.h"
#include "transport_parts.h"

#include <stdio.h>

/* What a server says when it does not know what became of a batch. */
static const char doubt[] = "may be stored or not";

/* The detail of a refusal with this pointer is that of an id that is taken. */
static bool
is_conflict(struct bytes pointer)
{
    static const struct bytes end = BYTES("/id");
    return pointer.size >= end.size &&
           memcmp(pointer.data + pointer.size - end.size, end.data, end.size) == 0;
}

/* One element of `refused` or `errors`. False where it is about no event of the request. */
static bool
refuse_one(struct reply *reader, uint32_t node, struct transport_request *request,
           struct transport_answer *answer)
{
    uint64_t position;
    if (!reply_number(reader, node, "position", &position) || position >= request->count)
        return false;
    uint32_t place = request->places[position];
    struct bytes detail = reply_text(reader, node, "detail");
    struct bytes pointer = reply_text(reader, node, "pointer");
    char text[768];
    int size = pointer.size == 0 ? snprintf(text, sizeof text, "%.*s", BYTES_ARG(detail))
                                 : snprintf(text, sizeof text, "%.*s: %.*s", BYTES_ARG(pointer),
                                            BYTES_ARG(detail));
    size_t kept = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
    transport_refuse(answer, place, is_conflict(pointer) ? TRANSPORT_CONFLICT : TRANSPORT_INVALID,
                     bytes_of(text, kept));
    request->decided[place] = true;
    return true;
}

/* How many of them are about events of the request. */
static size_t
refuse_named(struct reply *reader, uint32_t array, struct transport_request *request,
             struct transport_answer *answer)
{
    size_t count = 0;
    const struct json_node *nodes = reader->tape.nodes;
    for (uint32_t i = array + 1; array != 0 && i < nodes[array].next; i = nodes[i].next)
        count += refuse_one(reader, i, request, answer);
    return count;
}

static bool
mark_repeated(struct reply *reader, struct transport_request *request,
              struct transport_answer *answer)
{
    uint32_t array = reply_array(reader, 0, "repeated");
    if (array == 0)
        return false;
    const struct json_node *nodes = reader->tape.nodes;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        uint64_t position;
        if (!reply_number(reader, i, "position", &position) || position >= request->count)
            return false;
        uint32_t place = request->places[position];
        answer->results[place] = TRANSPORT_REPEATED;
        request->decided[place] = true;
    }
    return true;
}

static bool
read_receipt(struct reply *reader, uint32_t node, struct tally_receipt *receipt)
{
    struct bytes leaf = reply_text(reader, node, "leaf");
    receipt->repeated = reply_is_true(reader, node, "repeated");
    return reply_number(reader, node, "index", &receipt->index) &&
           leaf.size == 2 * TALLY_HASH_SIZE &&
           hex_decode(leaf, receipt->leaf.bytes, TALLY_HASH_SIZE);
}

/* They come in the order of the events that were not refused. */
static bool
read_receipts(struct reply *reader, const struct transport_request *request,
              struct transport_answer *answer)
{
    uint32_t array = reply_array(reader, 0, "receipts");
    const struct json_node *nodes = reader->tape.nodes;
    uint32_t node = array + 1;
    for (size_t i = 0; i < request->count; i++) {
        uint32_t place = request->places[i];
        if (answer->results[place] != TRANSPORT_NEW && answer->results[place] != TRANSPORT_REPEATED)
            continue;
        if (array == 0 || node >= nodes[array].next ||
            !read_receipt(reader, node, &answer->receipts[place]))
            return false;
        node = nodes[node].next;
    }
    return true;
}

/* What is neither refused nor repeated is new, if all that is refused is named. */
static bool
read_success(struct reply *reader, struct transport_request *request,
             struct transport_answer *answer)
{
    uint64_t refused;
    if (reader->tape.nodes[0].kind != JSON_KIND_OBJECT ||
        !reply_number(reader, 0, "refused_count", &refused) ||
        !mark_repeated(reader, request, answer))
        return false;
    size_t named = refuse_named(reader, reply_array(reader, 0, "refused"), request, answer);
    if (named < refused)
        return named > 0;
    for (size_t i = 0; i < request->count; i++) {
        uint32_t place = request->places[i];
        if (!request->decided[place])
            answer->results[place] = TRANSPORT_NEW;
        request->decided[place] = true;
    }
    return answer->receipts == NULL || read_receipts(reader, request, answer);
}

/* Why not now. */
enum refused_for {
    REFUSED_BUSY,
    REFUSED_FULL,
    REFUSED_ALWAYS,
};

static enum transport_outcome
answer_later(struct transport_answer *answer, enum refused_for why)
{
    answer->busy = why == REFUSED_BUSY;
    answer->denied = why == REFUSED_ALWAYS;
    return TRANSPORT_LATER;
}

/* Of answers that say nothing of single events. */
static enum transport_outcome
outcome_of(unsigned code, const struct refusal *refusal, bool problem,
           struct transport_answer *answer)
{
    if (code == 413)
        return TRANSPORT_REFUSED;
    if (code == 507)
        return answer_later(answer, REFUSED_FULL);
    if (code == 408 || code == 429)
        return answer_later(answer, REFUSED_BUSY);
    if (code == 503 && problem && strstr(refusal->error.text, doubt) == NULL)
        return answer_later(answer, REFUSED_BUSY);
    if (code >= 500 && code != 505)
        return TRANSPORT_UNKNOWN;
    return answer_later(answer, REFUSED_ALWAYS);
}

static bool
is_problem(struct bytes type)
{
    static const struct bytes wanted = BYTES("application/problem+json");
    return type.size >= wanted.size && memcmp(type.data, wanted.data, wanted.size) == 0;
}

static enum transport_outcome
read_refusal(struct reply *reader, const struct transport_reply *reply,
             struct transport_request *request, struct transport_answer *answer)
{
    struct refusal refusal;
    bool problem = is_problem(reply->type);
    if (refusal_read(reply->code, reply->type, reply->body, &refusal) != TALLY_OK) {
        (void)memory_fault(&answer->error);
        return outcome_of(reply->code, &(struct refusal){ 0 }, false, answer);
    }
    answer->error = refusal.error;
    if ((reply->code == 400 || reply->code == 409) && problem &&
        reply_read(reader, reply->body, NULL) == TALLY_OK &&
        refuse_named(reader, reply_array(reader, 0, "errors"), request, answer) > 0)
        return TRANSPORT_STORED;
    return outcome_of(reply->code, &refusal, problem, answer);
}

enum transport_outcome
transport_answer_read(struct reply *reader, const struct transport_reply *reply,
                      struct transport_request *request, struct transport_answer *answer)
{
    if (reply->code < 200 || reply->code >= 300)
        return read_refusal(reader, reply, request, answer);
    tally_status status = reply_read(reader, reply->body, &answer->error);
    if (status == TALLY_OK && read_success(reader, request, answer))
        return TRANSPORT_STORED;
    if (status == TALLY_OK)
        (void)reply_fault(&answer->error, "what became of the events");
    return TRANSPORT_UNKNOWN;
}
