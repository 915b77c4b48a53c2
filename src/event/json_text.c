/*
 * Canonical JSON text, walked where it lies.
 *
 * Canonical text has no blanks, so a member is a string, a colon, a value, and what follows is a
 * comma or the end. Every step checks that it stays inside the text; what does not look like that
 * ends the walk.
 */
#include "json_text.h"

#include "json.h"
#include "json_order.h"
#include "json_string.h"

size_t
json_text_string(struct bytes text, bool *escaped_out)
{
    if (text.size < 2 || text.data[0] != '"')
        return 0;
    const uint8_t *end = text.data + text.size;
    const uint8_t *at = json_skip_plain(text.data + 1, end);
    const char *reason;
    bool escaped = false;
    if ((at == end || *at != '"') && !json_string_walk(&at, end, &escaped, &reason))
        return 0;
    *escaped_out = escaped;
    return (size_t)(at - text.data) + 1;
}

/* The offset behind the bracket that closes the one at the start. */
static size_t
container_size(struct bytes text)
{
    size_t at = 0;
    unsigned depth = 0;
    bool escaped;
    while (at < text.size) {
        uint8_t c = text.data[at];
        if (c == '"') {
            size_t size = json_text_string(bytes_of(text.data + at, text.size - at), &escaped);
            if (size == 0)
                return 0;
            at += size;
            continue;
        }
        at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at;
    }
    return 0;
}

size_t
json_text_value(struct bytes text)
{
    bool escaped;
    if (text.size == 0)
        return 0;
    if (text.data[0] == '"')
        return json_text_string(text, &escaped);
    if (text.data[0] == '{' || text.data[0] == '[')
        return container_size(text);

    /* A number or a word: as far as their characters go. */
    size_t at = 0;
    while (at < text.size &&
           ((text.data[at] >= '0' && text.data[at] <= '9') ||
            (text.data[at] >= 'a' && text.data[at] <= 'z') || text.data[at] == '-' ||
            text.data[at] == '+' || text.data[at] == '.' || text.data[at] == 'E'))
        at++;
    return at;
}

bool
json_text_next(struct bytes container, size_t *at, struct bytes *name_out, struct bytes *value_out)
{
    size_t i = *at;
    bool escaped;
    if (container.size < 2 || (container.data[0] != '{' && container.data[0] != '['))
        return false;
    if (i >= container.size || (i > 0 && container.data[i] != ','))
        return false;
    i++;

    struct bytes name = { 0 };
    if (container.data[0] == '{') {
        size_t size = json_text_string(bytes_of(container.data + i, container.size - i), &escaped);
        if (size == 0 || i + size >= container.size || container.data[i + size] != ':')
            return false;
        name = bytes_of(container.data + i + 1, size - 2);
        i += size + 1;
    }
    size_t size = json_text_value(bytes_of(container.data + i, container.size - i));
    if (size == 0)
        return false;
    *name_out = name;
    *value_out = bytes_of(container.data + i, size);
    *at = i + size;
    return true;
}

bool
json_text_index(struct bytes text, uint32_t *index_out)
{
    uint32_t index = 0;
    if (text.size == 0 || text.size > 9 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        index = index * 10 + (uint32_t)(text.data[i] - '0');
    }
    *index_out = index;
    return true;
}

static bool
name_is(struct bytes inside, struct bytes name)
{
    if (bytes_equal(inside, name))
        return memchr(inside.data, '\\', inside.size) == NULL;
    return inside.size > name.size && memchr(inside.data, '\\', inside.size) != NULL &&
           json_order_spells(inside, name);
}

/* One step of a path. */
static bool
step(struct bytes container, struct bytes name, struct bytes *value_out)
{
    struct bytes inside, value;
    size_t at = 0;
    uint32_t index = 0;
    bool array = container.size > 0 && container.data[0] == '[';
    if (array && !json_text_index(name, &index))
        return false;
    while (json_text_next(container, &at, &inside, &value)) {
        if (array ? index-- == 0 : name_is(inside, name)) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

bool
json_path_find(struct bytes json, const struct bytes *names, size_t count, struct bytes *value_out)
{
    struct bytes value = json;
    for (size_t i = 0; i < count; i++) {
        if (!step(value, names[i], &value))
            return false;
    }
    *value_out = value;
    return true;
}
