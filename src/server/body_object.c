#include "body_object.h"

#include "fault.h"

#include <inttypes.h>

static tally_status
scan(struct body_object *object, struct tally_error *error)
{
    struct bytes text = buffer_view(&object->text);
    tally_status status = json_scan(&object->tape, text.size == 0 ? bytes_text("{}") : text, error);
    if (status == TALLY_OK && object->tape.nodes[0].kind != JSON_KIND_OBJECT)
        return json_fault(error, &object->tape, 0, "an object is wanted");
    return status;
}

tally_status
body_object_open(enum body_coding coding, struct bytes coded, struct body_object *object_out,
                 struct tally_error *error)
{
    struct body_object object = { 0 };
    tally_status status = body_decode(coding, coded, BODY_OBJECT_SIZE_MAX, &object.text, error);
    if (status == TALLY_OK)
        status = json_tape_init(&object.tape, BODY_OBJECT_NODES_MAX, error);
    if (status == TALLY_OK)
        status = scan(&object, error);
    if (status == TALLY_OK)
        *object_out = object;
    else
        body_object_close(&object);
    return status;
}

void
body_object_close(struct body_object *object)
{
    json_tape_finish(&object->tape);
    buffer_free(&object->text);
}

bool
body_object_read(struct request *request, struct body_object *object_out)
{
    if (request->body_type != BODY_JSON) {
        answer_problem(request, 415, "Content-Type takes application/json here");
        return false;
    }
    struct tally_error error = { 0 };
    tally_status status =
        body_object_open(request->body_coding, buffer_view(&request->body), object_out, &error);
    if (status == TALLY_FULL)
        answer_problem(request, 413, "the object may have %u bytes", BODY_OBJECT_SIZE_MAX);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    return status == TALLY_OK;
}

/* Says which members there are. */
static tally_status
unknown_member(const struct json_tape *tape, uint32_t value, const char *const *names, size_t count,
               struct tally_error *error)
{
    struct buffer known = { 0 };
    for (size_t i = 0; i < count; i++)
        buffer_format(&known, "%s%s", i == 0 ? "" : ", ", names[i]);
    tally_status status =
        json_fault(error, tape, value, "there is no such member; known are %.*s", (int)known.size,
                   known.data == NULL ? "" : (const char *)known.data);
    buffer_free(&known);
    return status;
}

tally_status
body_object_find(const struct body_object *object, const char *const *names, size_t count,
                 uint32_t *nodes_out, struct tally_error *error)
{
    const struct json_tape *tape = &object->tape;
    for (uint32_t i = 1; i < tape->nodes[0].next; i = tape->nodes[i + 1].next) {
        size_t known = 0;
        while (known < count && !json_string_is(tape, i, bytes_text(names[known])))
            known++;
        if (known == count)
            return unknown_member(tape, i + 1, names, count, error);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t node = json_member(tape, 0, bytes_text(names[i]));
        nodes_out[i] = node != 0 && tape->nodes[node].kind == JSON_KIND_NULL ? 0 : node;
    }
    return TALLY_OK;
}

tally_status
body_object_text(const struct body_object *object, uint32_t node, size_t size_max, char *text_out,
                 struct tally_error *error)
{
    const struct json_tape *tape = &object->tape;
    if (tape->nodes[node].kind != JSON_KIND_STRING)
        return json_fault(error, tape, node, "a string is wanted");
    struct buffer text = { 0 };
    json_string_decode(tape, node, &text);
    tally_status status = TALLY_OK;
    if (buffer_failed(&text))
        status = memory_fault(error);
    else if (text.size == 0 || text.size > size_max || memchr(text.data, 0, text.size) != NULL)
        status =
            json_fault(error, tape, node, "1 to %zu bytes are wanted, none of them NUL", size_max);
    if (status == TALLY_OK) {
        memcpy(text_out, text.data, text.size);
        text_out[text.size] = '\0';
    }
    buffer_free(&text);
    return status;
}

tally_status
body_object_count(const struct body_object *object, uint32_t node, uint64_t most,
                  uint64_t *count_out, struct tally_error *error)
{
    const struct json_tape *tape = &object->tape;
    struct bytes token = json_token(tape, node);
    uint64_t count = 0;
    bool fine = tape->nodes[node].kind == JSON_KIND_NUMBER && token.size <= 18;
    for (size_t i = 0; fine && i < token.size; i++) {
        fine = token.data[i] >= '0' && token.data[i] <= '9';
        count = count * 10 + (uint64_t)(token.data[i] - '0');
    }
    if (!fine || count > most)
        return json_fault(error, tape, node, "a whole number from 0 to %" PRIu64 " is wanted",
                          most);
    *count_out = count;
    return TALLY_OK;
}
