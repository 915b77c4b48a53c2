/*
 * dictionary.c - the values of a column of codes, sorted, in chunks and back.
 *
 * Sorted values share beginnings with their neighbours; each chunk of them is written as front.h
 * says and squeezed (dictionary_table.c). Read whole, all values stand in one piece of memory; how
 * much that is is known, and limited, before it is taken.
 *
 * Invariant: values strictly ascend, within chunks and from one to the next, and the table has the
 * first value of each: so a set of values has one spelling, and a binary search is sound, in what
 * was read whole as well as by way of the table.
 */
#include "dictionary.h"

#include "codec_parts.h"
#include "crc32c.h"
#include "front.h"

#include <assert.h>
#include <stdlib.h>

/* Bytes of all values, and of their encoding before it is squeezed. A head is sealed long before.
 */
#define DICTIONARY_SIZE_MAX ((size_t)512 << 20)

static const char wrong[] = "a dictionary is not one of %u values in order";

struct dictionary_copy {
    struct dictionary view;
    size_t memory;
    const struct bytes *chunks[]; /* followed by the values, then the text */
};

/* A value as it is sorted: what stands behind the beginning that all values share. */
struct sort_key {
    uint64_t piece; /* the first eight bytes of it, as a number of the same order */
    struct bytes value;
    uint32_t code;
};

static size_t
shared_size(struct bytes a, struct bytes b, size_t most)
{
    size_t shared = 0;
    while (shared < most && shared < b.size && a.data[shared] == b.data[shared])
        shared++;
    return shared;
}

static uint64_t
piece_of(struct bytes value, size_t from)
{
    uint8_t bytes[8] = { 0 };
    size_t left = value.size - from;
    memcpy(bytes, value.data + from, left < sizeof bytes ? left : sizeof bytes);
    return __builtin_bswap64(get_u64(bytes));
}

static int
compare_values(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;
    return bytes_compare(a->value, b->value);
}

/* Sorts by a byte of the pieces, `shift` bits up; equal ones stay in order. */
static void
sort_by_byte(const struct sort_key *from, uint32_t count, unsigned shift, struct sort_key *to)
{
    uint32_t next[256] = { 0 };
    for (uint32_t i = 0; i < count; i++)
        next[from[i].piece >> shift & 0xff]++;
    for (uint32_t byte = 0, start = 0; byte < 256; byte++) {
        uint32_t size = next[byte];
        next[byte] = start;
        start += size;
    }
    for (uint32_t i = 0; i < count; i++)
        to[next[from[i].piece >> shift & 0xff]++] = from[i];
}

/* Sorts by the pieces, from the last byte to the first, without those that all have in common, and
 * the few of equal pieces by their values. Returns which of the two places has them then. */
static struct sort_key *
sort_keys(struct sort_key *keys, struct sort_key *room, uint32_t count)
{
    size_t shared = count == 0 ? 0 : keys[0].value.size;
    uint64_t varying = 0;
    for (uint32_t i = 1; i < count; i++)
        shared = shared_size(keys[0].value, keys[i].value, shared);
    for (uint32_t i = 0; i < count; i++) {
        keys[i].piece = piece_of(keys[i].value, shared);
        varying |= keys[i].piece ^ keys[0].piece;
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((varying >> shift & 0xff) == 0)
            continue;
        sort_by_byte(keys, count, shift, room);
        struct sort_key *sorted = room;
        room = keys;
        keys = sorted;
    }
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && keys[end].piece == keys[first].piece;)
            end++;
        if (end - first > 1)
            qsort(keys + first, end - first, sizeof *keys, compare_values);
    }
    return keys;
}

tally_status
dictionary_sort(const struct dictionary *dictionary, const uint8_t *used,
                struct dictionary_order *order_out, struct tally_error *error)
{
    size_t room = (size_t)dictionary->count + 1;
    struct sort_key *keys = malloc(2 * room * sizeof *keys);
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
            keys[count++] = (struct sort_key){ .value = value, .code = code };
    }
    const struct sort_key *sorted = sort_keys(keys, keys + room, count);
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = sorted[i].code;
        remap[sorted[i].code] = i + 1;
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

tally_status
dictionary_encode(struct codec_workspace *workspace, const struct dictionary *dictionary,
                  const struct dictionary_order *order, struct buffer *chunks, struct buffer *table,
                  struct tally_error *error)
{
    if (order->count == 0)
        return TALLY_OK;

    uint32_t count = dictionary_chunk_of(order->count) + 1;
    struct dictionary_place *places = malloc(count * sizeof *places);
    struct bytes *firsts = malloc(count * sizeof *firsts);
    size_t start = chunks->size;
    tally_status status = places == NULL || firsts == NULL ? memory_fault(error) : TALLY_OK;
    for (uint32_t i = 0; i < count && status == TALLY_OK; i++) {
        struct bytes values[DICTIONARY_CHUNK];
        uint32_t first = i * DICTIONARY_CHUNK, n = 0;
        for (; n < DICTIONARY_CHUNK && first + n < order->count; n++)
            values[n] = dictionary_value(dictionary, order->codes[first + n]);
        size_t offset = chunks->size;
        status = dictionary_chunk_encode(workspace, values, n, chunks, error);
        if (status != TALLY_OK)
            break;
        size_t size = chunks->size - offset;
        places[i].size = (uint32_t)size;
        places[i].crc = crc32c(0, chunks->data + offset, size);
        firsts[i] = values[0];
    }
    if (status == TALLY_OK)
        status = dictionary_table_encode(workspace, places, firsts, count, table, error);
    if (status != TALLY_OK)
        chunks->size = start;
    free(places);
    free(firsts);
    return status;
}

/* The chunks as they were before they were squeezed, one after the other. */
struct plain_chunks {
    struct buffer bytes;
    size_t *ends; /* of each chunk */
    size_t text_size;
};

static tally_status
chunks_unsqueeze(struct codec_workspace *workspace, const struct dictionary_table *table,
                 struct bytes chunks, struct plain_chunks *plain, struct tally_error *error)
{
    plain->ends = malloc(table->chunk_count * sizeof *plain->ends);
    if (plain->ends == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < table->chunk_count; i++) {
        const struct dictionary_place *place = &table->places[i];
        struct bytes encoded = bytes_of(chunks.data + place->offset, place->size);
        size_t room = DICTIONARY_SIZE_MAX - plain->bytes.size, text_size;
        tally_status status = unsqueeze(workspace, NULL, encoded, room, &workspace->plain, error);
        if (status != TALLY_OK)
            return status;
        if (!front_measure(buffer_view(&workspace->plain), dictionary_chunk_count(table, i),
                           DICTIONARY_SIZE_MAX - plain->text_size, &text_size))
            return fault(error, TALLY_DAMAGED, wrong, table->value_count);
        plain->text_size += text_size;
        buffer_bytes(&plain->bytes, buffer_view(&workspace->plain));
        plain->ends[i] = plain->bytes.size;
    }
    return buffer_failed(&plain->bytes) ? memory_fault(error) : TALLY_OK;
}

/* Spells all chunks. False where one does not begin as the table says, or behind the one before. */
static bool
chunks_spell(const struct dictionary_table *table, const struct plain_chunks *plain,
             struct bytes *values, uint8_t *text)
{
    size_t start = 0;
    for (uint32_t i = 0; i < table->chunk_count; i++) {
        struct bytes chunk = bytes_of(plain->bytes.data + start, plain->ends[i] - start);
        uint32_t count = dictionary_chunk_count(table, i);
        if (!front_spell(chunk, count, values, text) || !bytes_equal(values[0], table->firsts[i]) ||
            (i > 0 && bytes_compare(values[-1], values[0]) >= 0))
            return false;
        text = (uint8_t *)(uintptr_t)values[count - 1].data + values[count - 1].size;
        values += count;
        start = plain->ends[i];
    }
    return true;
}

static tally_status
build_copy(const struct dictionary_table *table, const struct plain_chunks *plain,
           struct dictionary_copy **copy_out, struct tally_error *error)
{
    uint32_t count = table->value_count;
    size_t chunk_count = ((size_t)count + PAGE_ROWS - 1) / PAGE_ROWS;
    size_t memory = sizeof(struct dictionary_copy) + chunk_count * sizeof(struct bytes *) +
                    count * sizeof(struct bytes) + plain->text_size;
    /* One byte more, so that a lone empty value has an address of its own. */
    struct dictionary_copy *copy = malloc(memory + 1);
    if (copy == NULL)
        return memory_fault(error);

    struct bytes *values = (struct bytes *)(copy->chunks + chunk_count);
    if (!chunks_spell(table, plain, values, (uint8_t *)(values + count))) {
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
dictionary_decode(struct codec_workspace *workspace, const struct dictionary_table *table,
                  struct bytes chunks, struct dictionary_copy **copy_out, struct tally_error *error)
{
    struct plain_chunks plain = { 0 };
    tally_status status = chunks_unsqueeze(workspace, table, chunks, &plain, error);
    if (status == TALLY_OK)
        status = build_copy(table, &plain, copy_out, error);
    buffer_free(&plain.bytes);
    free(plain.ends);
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
