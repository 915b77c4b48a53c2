/*
 * Patterns are matched from both ends inwards: what is anchored is taken off first, then each part
 * is looked for behind the one before. No place is tried twice, so that no pattern is slow.
 */
#include "pattern.h"

#include "fold.h"

#include <assert.h>

static size_t
find(const struct pattern *pattern, struct bytes text, struct bytes part)
{
    if (pattern->fold)
        return fold_find(text, part);
    const uint8_t *found = memmem(text.data, text.size, part.data, part.size);
    return found == NULL ? SIZE_MAX : (size_t)(found - text.data);
}

static bool
same(const struct pattern *pattern, struct bytes text, struct bytes part)
{
    return pattern->fold ? fold_equal(text, part) : bytes_equal(text, part);
}

/* Takes the part off the start of the text, if it stands there. */
static bool
take_start(const struct pattern *pattern, struct bytes *text, struct bytes part)
{
    if (part.size > text->size || !same(pattern, bytes_of(text->data, part.size), part))
        return false;
    *text = bytes_of(text->data + part.size, text->size - part.size);
    return true;
}

static bool
take_end(const struct pattern *pattern, struct bytes *text, struct bytes part)
{
    if (part.size > text->size)
        return false;
    size_t rest = text->size - part.size;
    if (!same(pattern, bytes_of(text->data + rest, part.size), part))
        return false;
    text->size = rest;
    return true;
}

bool
pattern_match(const struct pattern *pattern, struct bytes text)
{
    uint32_t first = 0, last = pattern->count;
    if (pattern_exact(pattern))
        return same(pattern, text, pattern->parts[0]);

    /* What is anchored first; then every part at the first place it stands behind the one before:
     * an earlier place never leaves less room. */
    if (!pattern->open_start && !take_start(pattern, &text, pattern->parts[first++]))
        return false;
    if (!pattern->open_end && !take_end(pattern, &text, pattern->parts[--last]))
        return false;
    for (uint32_t i = first; i < last; i++) {
        size_t at = find(pattern, text, pattern->parts[i]);
        if (at == SIZE_MAX)
            return false;
        at += pattern->parts[i].size;
        text = bytes_of(text.data + at, text.size - at);
    }
    return true;
}
