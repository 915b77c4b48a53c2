/*
 * Unfolding: the record is written again with the object where its text stood, and scanned again.
 *
 * That costs a copy and a second scan, of wrapped records only; in return everything else, paths,
 * tests and errors, knows no difference between a member and a text of one. Whether a text is JSON
 * shows when it is scanned: if not, what was there before is scanned once more.
 */
#include "map_unfold.h"

#include "fault.h"

/* Whether `text` begins like an object. */
static bool
begins_object(struct bytes text)
{
    size_t at = 0;
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' ||
                              text.data[at] == '\r' || text.data[at] == '\n'))
        at++;
    return at < text.size && text.data[at] == '{';
}

/* Appends the value of string `node` to `text` if that alone is a JSON object: else it could close
 * brackets that are not its own. Scans the tape over. */
static bool
spells_object(struct json_tape *tape, uint32_t node, struct buffer *text)
{
    json_string_decode(tape, node, text);
    return !buffer_failed(text) && begins_object(buffer_view(text)) &&
           json_scan(tape, buffer_view(text), NULL) == TALLY_OK;
}

/* The record with `object` in the place of `token`, which lies in it. */
static bool
write_unfolded(struct bytes record, struct bytes token, struct bytes object, struct buffer *out)
{
    size_t before = (size_t)(token.data - record.data);
    buffer_append(out, record.data, before);
    buffer_bytes(out, object);
    buffer_append(out, token.data + token.size, record.size - before - token.size);
    return !buffer_failed(out);
}

/* Unfolds one text. TALLY_ABSENT: it holds no object. */
static tally_status
unfold_at(struct json_tape *tape, uint32_t node, struct buffer *unfolded, struct tally_error *error)
{
    struct bytes record = tape->text;
    struct bytes token = json_token(tape, node);
    struct buffer text = { 0 };
    struct buffer whole = { 0 };
    bool changed = spells_object(tape, node, &text) &&
                   write_unfolded(record, token, buffer_view(&text), &whole) &&
                   json_scan(tape, buffer_view(&whole), NULL) == TALLY_OK;
    bool failed = buffer_failed(&text) || buffer_failed(&whole);
    buffer_free(&text);
    if (changed) {
        buffer_free(unfolded);
        *unfolded = whole;
        return TALLY_OK;
    }
    buffer_free(&whole);
    if (failed)
        return memory_fault(error);
    tally_status status = json_scan(tape, record, error);
    return status == TALLY_OK ? TALLY_ABSENT : status;
}

tally_status
map_unfold(const struct map *map, struct json_tape *tape, struct buffer *unfolded,
           struct tally_error *error)
{
    tally_status result = TALLY_ABSENT;
    for (const struct map_path *in = map->within; in != NULL; in = in->next) {
        uint32_t node = json_find(tape, 0, in->names, in->count);
        if (node == 0 || tape->nodes[node].kind != JSON_KIND_STRING)
            continue;
        tally_status status = unfold_at(tape, node, unfolded, error);
        if (status < 0)
            return status;
        if (status == TALLY_OK)
            result = TALLY_OK;
    }
    return result;
}
