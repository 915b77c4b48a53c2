#include "entries_read.h"

#include "fault.h"
#include "field.h"

/* What a value must be in JSON. */
static enum json_kind
kind_of(const struct field *field)
{
    switch (field->type) {
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        return JSON_KIND_NUMBER;
    case TYPE_OBJECT:
        return JSON_KIND_OBJECT;
    default:
        return JSON_KIND_STRING;
    }
}

/* A copy of a value that does not stand in the text as a run gives it. */
static tally_status
copy_value(struct json_tape *tape, uint32_t node, struct arena *texts, struct bytes *value_out,
           struct tally_error *error)
{
    struct buffer text = { 0 };
    if (tape->nodes[node].kind == JSON_KIND_OBJECT)
        json_canonical(tape, node, &text);
    else
        json_string_decode(tape, node, &text);
    struct bytes copy = { NULL, 0 };
    if (!buffer_failed(&text))
        copy = arena_copy(texts, buffer_view(&text));
    buffer_free(&text);
    if (copy.data == NULL)
        return memory_fault(error);
    *value_out = copy;
    return TALLY_OK;
}

static tally_status
read_value(struct json_tape *tape, uint32_t node, enum json_kind kind, struct arena *texts,
           struct bytes *value_out, struct tally_error *error)
{
    if (tape->nodes[node].kind != kind)
        return json_fault(error, tape, node, "this is not what the field holds");
    if (kind == JSON_KIND_OBJECT || tape->nodes[node].escaped)
        return copy_value(tape, node, texts, value_out, error);
    *value_out = kind == JSON_KIND_NUMBER ? json_token(tape, node) : json_inside(tape, node);
    return TALLY_OK;
}

static tally_status
read_index(const struct json_tape *tape, uint32_t node, uint64_t *index_out,
           struct tally_error *error)
{
    struct bytes digits = json_token(tape, node);
    uint64_t index = 0;
    bool good = tape->nodes[node].kind == JSON_KIND_NUMBER;
    for (size_t i = 0; i < digits.size && good; i++) {
        uint64_t digit = (uint64_t)digits.data[i] - '0';
        good = digit <= 9 && index <= (UINT64_MAX - digit) / 10;
        index = index * 10 + digit;
    }
    if (!good)
        return json_fault(error, tape, node, "this is no index");
    *index_out = index;
    return TALLY_OK;
}

tally_status
entries_read(struct json_tape *tape, uint32_t node, struct arena *texts,
             struct run_entry *entry_out, struct tally_error *error)
{
    struct run_entry entry = { 0 };
    uint32_t index = json_member(tape, node, bytes_text("index"));
    if (index == 0)
        return json_fault(error, tape, node, "this is no entry: it has no index");
    tally_status status = read_index(tape, index, &entry.index, error);

    const struct json_node *nodes = tape->nodes;
    for (uint32_t i = node + 1; i < nodes[node].next && status == TALLY_OK; i = nodes[i + 1].next) {
        enum field_id field = field_find(json_inside(tape, i));
        if (field != FIELD_COUNT)
            status = read_value(tape, i + 1, kind_of(&fields[field]), texts, &entry.values[field],
                                error);
    }
    if (status != TALLY_OK)
        return status;
    uint32_t erased = json_member(tape, node, bytes_text("erased"));
    entry.erased = erased != 0 && nodes[erased].kind == JSON_KIND_TRUE;
    entry.control = entry.values[FIELD_CONTROL].data != NULL;
    *entry_out = entry;
    return TALLY_OK;
}
