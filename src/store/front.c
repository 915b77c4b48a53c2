/*
 * front.c - front coding.
 *
 * Invariant: what front_spell() accepts is what front_encode() would write of the same values, so
 * that a binary search in what was read is sound.
 */
#include "front.h"

#include "codec_parts.h"

#include <assert.h>

static uint32_t
shared_size(struct bytes a, struct bytes b)
{
    size_t limit = a.size < b.size ? a.size : b.size;
    size_t shared = 0;
    while (shared < limit && a.data[shared] == b.data[shared])
        shared++;
    return (uint32_t)shared;
}

void
front_encode(const struct bytes *values, uint32_t count, struct buffer *out)
{
    struct bytes before = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        assert(values[i].size <= CODEC_VALUE_MAX);
        uint32_t shared = shared_size(before, values[i]);
        buffer_varint(out, shared);
        buffer_varint(out, (uint32_t)values[i].size - shared);
        before = values[i];
    }
    before = (struct bytes){ 0 };
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shared = shared_size(before, values[i]);
        buffer_append(out, values[i].data + shared, values[i].size - shared);
        before = values[i];
    }
}

bool
front_measure(struct bytes encoded, uint32_t count, size_t text_max, size_t *text_size_out)
{
    size_t total = 0, rests = 0, before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shared, rest;
        if (!take_varint(&encoded, &shared) || !take_varint(&encoded, &rest) || shared > before ||
            rest > CODEC_VALUE_MAX || shared + rest > CODEC_VALUE_MAX)
            return false;
        before = shared + rest;
        total += before;
        rests += rest;
        if (total > text_max)
            return false;
    }
    *text_size_out = total;
    return encoded.size == rests;
}

/* What follows the lengths. */
static bool
skip_lengths(struct bytes *encoded, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shared, rest;
        if (!take_varint(encoded, &shared) || !take_varint(encoded, &rest))
            return false;
    }
    return true;
}

bool
front_spell(struct bytes encoded, uint32_t count, struct bytes *values, uint8_t *text)
{
    struct bytes lengths = encoded, rests = encoded, before = { 0 };
    if (!skip_lengths(&rests, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shared, rest;
        struct bytes suffix;
        if (!take_varint(&lengths, &shared) || !take_varint(&lengths, &rest) ||
            !take_bytes(&rests, rest, &suffix))
            return false;
        if (i > 0 && (rest == 0 || (shared < before.size && suffix.data[0] <= before.data[shared])))
            return false;
        if (shared > 0)
            memcpy(text, before.data, shared);
        memcpy(text + shared, suffix.data, rest);
        before = bytes_of(text, (size_t)shared + rest);
        values[i] = before;
        text += before.size;
    }
    return true;
}

/* What is known of values before any is spelled: what each shares with the one before, and where
 * among the rests its own begins. */
struct front_lengths {
    uint32_t shared[FRONT_PICK_MAX];
    size_t starts[FRONT_PICK_MAX + 1];
};

static bool
take_lengths(struct bytes *encoded, uint32_t count, struct front_lengths *lengths)
{
    size_t start = 0;
    for (uint32_t i = 0, before = 0; i < count; i++) {
        uint32_t rest;
        if (!take_varint(encoded, &lengths->shared[i]) || !take_varint(encoded, &rest) ||
            lengths->shared[i] > before || rest > CODEC_VALUE_MAX - lengths->shared[i])
            return false;
        lengths->starts[i] = start;
        before = lengths->shared[i] + rest;
        start += rest;
    }
    lengths->starts[count] = start;
    return start == encoded->size;
}

bool
front_pick(struct bytes encoded, uint32_t count, uint32_t at, struct bytes *first_out,
           struct buffer *text)
{
    struct front_lengths lengths;
    assert(at < count && count <= FRONT_PICK_MAX);
    if (!take_lengths(&encoded, count, &lengths))
        return false;
    uint32_t left = lengths.shared[at] + (uint32_t)(lengths.starts[at + 1] - lengths.starts[at]);
    uint8_t *to = buffer_reserve(text, left + 1);
    if (to == NULL)
        return true;
    text->size += left;
    /* From its end on: what it shares stands in the nearest one before that has it by itself. */
    for (uint32_t i = at + 1; left > 0 && i-- > 0;) {
        if (lengths.shared[i] >= left)
            continue;
        memcpy(to + lengths.shared[i], encoded.data + lengths.starts[i], left - lengths.shared[i]);
        left = lengths.shared[i];
    }
    *first_out = bytes_of(encoded.data, lengths.starts[1]);
    return true;
}
