/*
 * The value of each kind of part. Every function that appends leaves scratch as it was where it
 * answers false; map_append sees to that for all of them.
 */
#include "map_view.h"

#include "map_function.h"

/* `*` stands for any bytes: tries the shortest first and goes back to the last star only. */
static bool
wild_match(struct bytes pattern, struct bytes text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t star_t = 0;
    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            star_t = t;
        } else if (p < pattern.size && pattern.data[p] == text.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

bool
map_matches(const struct map_pattern *patterns, struct bytes text)
{
    for (const struct map_pattern *p = patterns; p != NULL; p = p->next) {
        if (p->wild ? wild_match(p->text, text) : bytes_equal(p->text, text))
            return true;
    }
    return false;
}

struct bytes
map_appended(const struct map_view *view, size_t mark)
{
    return bytes_of(view->scratch.data + mark, view->scratch.size - mark);
}

/* Appends a node's text. False, with nothing appended, for null, containers, the empty text and
 * texts that mean nothing is there. */
static bool
append_scalar(struct map_view *view, uint32_t node)
{
    const struct json_tape *tape = view->tape;
    size_t mark = view->scratch.size;
    switch ((enum json_kind)tape->nodes[node].kind) {
    case JSON_KIND_NULL:
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        return false;
    case JSON_KIND_STRING:
        json_string_decode(tape, node, &view->scratch);
        break;
    case JSON_KIND_FALSE:
    case JSON_KIND_TRUE:
    case JSON_KIND_NUMBER:
        buffer_bytes(&view->scratch, json_token(tape, node));
        break;
    }
    if (view->scratch.size > mark && !map_matches(view->map->none, map_appended(view, mark)))
        return true;
    view->scratch.size = mark;
    return false;
}

/* The value that an array of names and values has for `name`, or 0. */
static uint32_t
find_paired(const struct map_view *view, uint32_t array, struct bytes name)
{
    const struct json_tape *tape = view->tape;
    for (const struct map_pair *pair = view->map->pairs; pair != NULL; pair = pair->next) {
        for (uint32_t i = array + 1; i < tape->nodes[array].next; i = tape->nodes[i].next) {
            uint32_t named = json_find(tape, i, &pair->name, 1);
            bool wanted = named != 0 && tape->nodes[named].kind == JSON_KIND_STRING &&
                          json_string_is(tape, named, name);
            uint32_t value = wanted ? json_find(tape, i, &pair->value, 1) : 0;
            if (value != 0)
                return value;
        }
    }
    return 0;
}

static uint32_t
find_from(const struct map_view *view, uint32_t node, const struct map_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        uint32_t next = json_find(view->tape, node, &path->names[i], 1);
        if (next == 0 && view->tape->nodes[node].kind == JSON_KIND_ARRAY)
            next = find_paired(view, node, path->names[i]);
        if (next == 0)
            return 0;
        node = next;
    }
    return node;
}

void
map_view_find_places(struct map_view *view)
{
    view->place_count = 0;
    for (const struct map_path *in = view->map->within; in != NULL; in = in->next) {
        uint32_t node = find_from(view, 0, in);
        if (node != 0)
            view->places[view->place_count++] = node;
    }
}

uint32_t
map_find(const struct map_view *view, const struct map_path *path)
{
    uint32_t node = find_from(view, 0, path);
    for (size_t i = 0; node == 0 && i < view->place_count; i++)
        node = find_from(view, view->places[i], path);
    return node;
}

static bool
is_container(const struct map_view *view, uint32_t node)
{
    uint8_t kind = view->tape->nodes[node].kind;
    return kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT;
}

static bool
test_holds(struct map_view *view, const struct map_test *test)
{
    bool is_path = test->value->kind == MAP_PATH;
    uint32_t node = is_path ? map_find(view, &test->value->path) : 0;
    size_t mark = view->scratch.size;
    bool holds = false;
    if (node != 0 && is_container(view, node))
        holds = test->patterns == NULL;
    else if (is_path ? node != 0 && append_scalar(view, node) : map_append(view, test->value))
        holds = test->patterns == NULL || map_matches(test->patterns, map_appended(view, mark));
    view->scratch.size = mark;
    return holds != test->negated;
}

bool
map_one_holds(struct map_view *view, const struct map_test *tests)
{
    for (const struct map_test *test = tests; test != NULL; test = test->next) {
        if (test_holds(view, test))
            return true;
    }
    return false;
}

/* All of `parts`, one behind the other. */
static bool
append_joined(struct map_view *view, const struct map_part *parts)
{
    for (const struct map_part *part = parts; part != NULL; part = part->next) {
        if (!map_append(view, part))
            return false;
    }
    return true;
}

static bool
append_first(struct map_view *view, const struct map_part *parts)
{
    for (const struct map_part *part = parts; part != NULL; part = part->next) {
        if (map_append(view, part))
            return true;
    }
    return false;
}

static bool
append_chosen(struct map_view *view, const struct map_part *choose)
{
    size_t mark = view->scratch.size;
    if (!map_append(view, choose->parts))
        return false;
    const struct map_row *row = choose->rows;
    while (row != NULL && !map_matches(row->patterns, map_appended(view, mark)))
        row = row->next;
    view->scratch.size = mark;
    return row != NULL && map_append(view, row->value);
}

static bool
append_call(struct map_view *view, const struct map_part *call)
{
    struct buffer *scratch = &view->scratch;
    size_t ends[MAP_ARGUMENTS_MAX + 1] = { scratch->size };
    size_t count = 0;
    for (const struct map_part *part = call->parts; part != NULL; part = part->next) {
        if (!map_append(view, part))
            return false;
        ends[++count] = scratch->size;
    }

    /* The result stands behind the arguments until it is known; room for it is made before they
     * are pointed to. */
    uint8_t *result = buffer_reserve(scratch, MAP_RESULT_SIZE_MAX(ends[1] - ends[0]));
    if (result == NULL)
        return false;
    struct bytes arguments[MAP_ARGUMENTS_MAX];
    for (size_t i = 0; i < count; i++)
        arguments[i] = bytes_of(scratch->data + ends[i], ends[i + 1] - ends[i]);
    size_t size = call->function->call(arguments, result);
    memmove(scratch->data + ends[0], result, size);
    scratch->size = ends[0] + size;
    view->no_time |= size == 0 && call->function->times;
    return size > 0;
}

static bool
append_of_kind(struct map_view *view, const struct map_part *part)
{
    uint32_t node;
    switch (part->kind) {
    case MAP_TEXT:
        buffer_bytes(&view->scratch, part->text);
        return true;
    case MAP_PATH:
        node = map_find(view, &part->path);
        return node != 0 && append_scalar(view, node);
    case MAP_CALL:
        return append_call(view, part);
    case MAP_JOIN:
        return append_joined(view, part->parts);
    case MAP_FIRST:
        return append_first(view, part->parts);
    case MAP_WHEN:
        return map_one_holds(view, part->tests) && map_append(view, part->parts);
    case MAP_CHOOSE:
        return append_chosen(view, part);
    }
    return false;
}

bool
map_append(struct map_view *view, const struct map_part *part)
{
    size_t mark = view->scratch.size;
    if (append_of_kind(view, part))
        return true;
    view->scratch.size = mark;
    return false;
}
