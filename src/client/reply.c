#include "reply.h"

#include "fault.h"

/* The shortest values are a digit and a comma each. */
static uint32_t
nodes_needed(struct bytes text)
{
    size_t most = text.size / 2 + 2;
    return most < JSON_NODES_MAX ? (uint32_t)most : JSON_NODES_MAX;
}

tally_status
reply_read(struct reply *reply, struct bytes text, struct tally_error *error)
{
    arena_reset(&reply->texts);
    uint32_t nodes = nodes_needed(text);
    if (reply->tape.capacity < nodes) {
        json_tape_finish(&reply->tape);
        tally_status status = json_tape_init(&reply->tape, nodes, error);
        if (status != TALLY_OK)
            return status;
    }
    struct tally_error own = { 0 };
    tally_status status = json_scan(&reply->tape, text, &own);
    if (status == TALLY_INVALID)
        return fault(error, TALLY_IO, "the answer is no JSON (%s): is this a Tallystick server?",
                     own.text);
    if (status != TALLY_OK && error != NULL)
        *error = own;
    return status;
}

void
reply_finish(struct reply *reply)
{
    json_tape_finish(&reply->tape);
    arena_finish(&reply->texts);
    *reply = (struct reply){ 0 };
}

tally_status
reply_fault(struct tally_error *error, const char *wanted)
{
    return fault(error, TALLY_IO, "the answer is not %s: is this a Tallystick server?", wanted);
}

uint32_t
reply_member(const struct reply *reply, uint32_t node, const char *name)
{
    uint32_t member = json_member(&reply->tape, node, bytes_text(name));
    return member != 0 && reply->tape.nodes[member].kind == JSON_KIND_NULL ? 0 : member;
}

uint32_t
reply_array(const struct reply *reply, uint32_t node, const char *name)
{
    uint32_t member = reply_member(reply, node, name);
    return member != 0 && reply->tape.nodes[member].kind == JSON_KIND_ARRAY ? member : 0;
}

static struct bytes
text_of(struct reply *reply, uint32_t node)
{
    if (!reply->tape.nodes[node].escaped)
        return json_inside(&reply->tape, node);
    struct buffer text = { 0 };
    json_string_decode(&reply->tape, node, &text);
    struct bytes copy = { NULL, 0 };
    if (!buffer_failed(&text))
        copy = arena_copy(&reply->texts, buffer_view(&text));
    buffer_free(&text);
    return copy;
}

struct bytes
reply_text_of(struct reply *reply, uint32_t node)
{
    if (reply->tape.nodes[node].kind != JSON_KIND_STRING)
        return (struct bytes){ NULL, 0 };
    return text_of(reply, node);
}

struct bytes
reply_text(struct reply *reply, uint32_t node, const char *name)
{
    uint32_t member = reply_member(reply, node, name);
    return member == 0 ? (struct bytes){ NULL, 0 } : reply_text_of(reply, member);
}

bool
reply_number_of(const struct reply *reply, uint32_t node, uint64_t *number_out)
{
    if (reply->tape.nodes[node].kind != JSON_KIND_NUMBER)
        return false;
    struct bytes digits = json_token(&reply->tape, node);
    uint64_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint64_t digit = (uint64_t)digits.data[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *number_out = number;
    return true;
}

bool
reply_number(const struct reply *reply, uint32_t node, const char *name, uint64_t *number_out)
{
    uint32_t member = reply_member(reply, node, name);
    return member != 0 && reply_number_of(reply, member, number_out);
}

struct bytes
reply_number_token(const struct reply *reply, uint32_t node, const char *name)
{
    uint32_t member = reply_member(reply, node, name);
    if (member == 0 || reply->tape.nodes[member].kind != JSON_KIND_NUMBER)
        return (struct bytes){ NULL, 0 };
    return json_token(&reply->tape, member);
}

bool
reply_is_true(const struct reply *reply, uint32_t node, const char *name)
{
    uint32_t member = reply_member(reply, node, name);
    return member != 0 && reply->tape.nodes[member].kind == JSON_KIND_TRUE;
}

void
reply_cells(struct reply *reply, uint32_t node, const struct listing_column *columns, size_t count,
            struct bytes *cells)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t member = reply_member(reply, node, columns[i].name);
        uint8_t kind = reply->tape.nodes[member].kind;
        cells[i] = (struct bytes){ NULL, 0 };
        if (member == 0)
            continue;
        if (columns[i].kind == CELL_TEXT && kind == JSON_KIND_STRING)
            cells[i] = text_of(reply, member);
        if (columns[i].kind == CELL_JSON ||
            (columns[i].kind == CELL_NUMBER && kind == JSON_KIND_NUMBER))
            cells[i] = json_token(&reply->tape, member);
    }
}
