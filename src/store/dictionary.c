/*
 * dictionary.c - the values of a column of codes, sorted, as bytes.
 *
 * Sorted values share beginnings with their neighbours, so each is written as how much of the one
 * before it stays and what follows. All lengths come first, then all remainders, and the whole is
 * squeezed (squeeze.c):
 *
 *     for each value: shared varint | rest varint        then the rests, one after the other
 *
 * Invariant: values strictly ascend and `shared` is as long as it can be, so a set of values has
 * one spelling, and a binary search in what was read is sound.
 *
 * A few hostile bytes can spell much text, each value repeating a long one; so what the lengths add
 * up to is known and limited before memory for it is taken.
 */
#include "dictionary.h"

#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>

/* Bytes of all values, and of their encoding before it is squeezed. A head is sealed long before.
 */
#define DICTIONARY_SIZE_MAX ((size_t)512 << 20)

struct dictionary_copy {
    struct dictionary view;
    size_t memory;
    const struct bytes *chunks[]; /* followed by the values, then the text */
};

/* The first bytes of a value decide most comparisons without touching the value. */
struct sort_key {
    uint64_t prefix;
    struct bytes value;
    uint32_t code;
};

static uint64_t
prefix_of(struct bytes value)
{
    uint8_t first[8] = { 0 };
    memcpy(first, value.data, value.size < sizeof first ? value.size : sizeof first);
    return __builtin_bswap64(get_u64(first));
}

static int
compare_keys(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    return bytes_compare(a->value, b->value);
}

tally_status
dictionary_sort(const struct dictionary *dictionary, const uint8_t *used,
                struct dictionary_order *order_out, struct tally_error *error)
{
    size_t room = (size_t)dictionary->count + 1;
    struct sort_key *keys = malloc(room * sizeof *keys);
    uint32_t *codes = malloc(room * sizeof *codes);
    uint32_t *remap = calloc(room, sizeof *remap);
    if (keys == NULL || codes == NULL || remap == NULL) {
        free(keys);
        free(codes);
        free(remap);
        return memory_fault(error);
    }

    uint32_t count = 0;
    for (uint32_t code = 1; code <= dictionary->count; code++) {
        struct bytes value = dictionary_value(dictionary, code);
        if (used == NULL || used[code] != 0)
            keys[count++] = (struct sort_key){ prefix_of(value), value, code };
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = keys[i].code;
        remap[keys[i].code] = i + 1;
    }
    free(keys);
    *order_out = (struct dictionary_order){ .count = count, .codes = codes, .remap = remap };
    return TALLY_OK;
}

void
dictionary_order_free(struct dictionary_order *order)
{
    free(order->codes);
    free(order->remap);
    *order = (struct dictionary_order){ 0 };
}

static uint32_t
shared_size(struct bytes a, struct bytes b)
{
    size_t limit = a.size < b.size ? a.size : b.size;
    size_t shared = 0;
    while (shared < limit && a.data[shared] == b.data[shared])
        shared++;
    return (uint32_t)shared;
}

tally_status
dictionary_encode(struct codec_workspace *workspace, const struct dictionary *dictionary,
                  const struct dictionary_order *order, struct buffer *out,
                  struct tally_error *error)
{
    if (order->count == 0)
        return TALLY_OK;

    struct buffer *plain = &workspace->plain;
    struct bytes before = { 0 };
    buffer_clear(plain);
    for (uint32_t i = 0; i < order->count; i++) {
        struct bytes value = dictionary_value(dictionary, order->codes[i]);
        uint32_t shared = shared_size(before, value);
        buffer_varint(plain, shared);
        buffer_varint(plain, (uint32_t)value.size - shared);
        before = value;
    }
    before = (struct bytes){ 0 };
    for (uint32_t i = 0; i < order->count; i++) {
        struct bytes value = dictionary_value(dictionary, order->codes[i]);
        uint32_t shared = shared_size(before, value);
        buffer_append(plain, value.data + shared, value.size - shared);
        before = value;
    }
    if (buffer_failed(plain))
        return memory_fault(error);

    size_t start = out->size;
    tally_status status = squeeze(workspace, NULL, buffer_view(plain), out, error);
    if (status != TALLY_OK)
        out->size = start;
    return status;
}

/* Goes through the lengths: `*text_size_out` is what all values together take, and `*rests_out`
 * what follows the lengths. */
static bool
measure(struct bytes plain, uint32_t count, size_t *text_size_out, struct bytes *rests_out)
{
    size_t total = 0, rests = 0, before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shared, rest;
        if (!take_varint(&plain, &shared) || !take_varint(&plain, &rest) || shared > before ||
            rest > CODEC_VALUE_MAX || shared + rest > CODEC_VALUE_MAX)
            return false;
        before = shared + rest;
        total += before;
        rests += rest;
        if (total > DICTIONARY_SIZE_MAX)
            return false;
    }
    *text_size_out = total;
    *rests_out = plain;
    return plain.size == rests;
}

/* Spells each value after the one before it. False where they do not strictly ascend. */
static bool
spell(struct bytes lengths, struct bytes rests, uint32_t count, struct bytes *values, uint8_t *text)
{
    struct bytes before = { 0 };
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

static tally_status
build_copy(struct bytes plain, uint32_t count, struct dictionary_copy **copy_out,
           struct tally_error *error)
{
    static const char wrong[] = "a dictionary is not one of %u values in order";
    size_t text_size;
    struct bytes rests;
    if (!measure(plain, count, &text_size, &rests))
        return fault(error, TALLY_DAMAGED, wrong, count);

    size_t chunk_count = ((size_t)count + PAGE_ROWS - 1) / PAGE_ROWS;
    size_t memory = sizeof(struct dictionary_copy) + chunk_count * sizeof(struct bytes *) +
                    count * sizeof(struct bytes) + text_size;
    /* One byte more, so that a lone empty value has an address of its own. */
    struct dictionary_copy *copy = malloc(memory + 1);
    if (copy == NULL)
        return memory_fault(error);

    struct bytes *values = (struct bytes *)(copy->chunks + chunk_count);
    if (!spell(plain, rests, count, values, (uint8_t *)(values + count))) {
        free(copy);
        return fault(error, TALLY_DAMAGED, wrong, count);
    }
    for (size_t i = 0; i < chunk_count; i++)
        copy->chunks[i] = values + i * PAGE_ROWS;
    copy->view = (struct dictionary){ .count = count, .chunks = copy->chunks };
    copy->memory = memory + 1;
    *copy_out = copy;
    return TALLY_OK;
}

tally_status
dictionary_decode(struct codec_workspace *workspace, struct bytes encoded, uint32_t count,
                  struct dictionary_copy **copy_out, struct tally_error *error)
{
    if ((encoded.size == 0) != (count == 0))
        return fault(error, TALLY_DAMAGED, "a dictionary of %u values has %zu bytes", count,
                     encoded.size);
    struct buffer plain = { 0 };
    tally_status status = TALLY_OK;
    if (count > 0)
        status = unsqueeze(workspace, NULL, encoded, DICTIONARY_SIZE_MAX, &plain, error);
    if (status == TALLY_OK)
        status = build_copy(buffer_view(&plain), count, copy_out, error);
    buffer_free(&plain);
    return status;
}

void
dictionary_copy_destroy(struct dictionary_copy *copy)
{
    free(copy);
}

const struct dictionary *
dictionary_copy_view(const struct dictionary_copy *copy)
{
    return &copy->view;
}

size_t
dictionary_copy_memory(const struct dictionary_copy *copy)
{
    return copy->memory;
}

uint32_t
dictionary_lower_bound(const struct dictionary *dictionary, struct bytes value)
{
    uint32_t low = 0, high = dictionary->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(dictionary_value(dictionary, middle + 1), value) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t
dictionary_find(const struct dictionary *dictionary, struct bytes value)
{
    uint32_t code = dictionary_lower_bound(dictionary, value) + 1;
    if (code > dictionary->count || !bytes_equal(dictionary_value(dictionary, code), value))
        return 0;
    return code;
}
