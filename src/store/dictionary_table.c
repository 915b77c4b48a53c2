/*
 * dictionary_table.c - chunks of a dictionary and the table that leads to them.
 *
 *     chunk      front-coded values (front.h), squeezed
 *     table      squeezed: for each chunk  4 size  4 CRC-32C
 *                then the chunks' first values, front-coded
 *
 * The table repeats each chunk's first value: so a chunk that is read alone is known to be the one
 * that a search was led to, and whoever reads all of them compares every one.
 *
 * Why 256 values: a chunk then takes a few hundred bytes and a few microseconds, and a table about
 * twelve bytes for each of them; chunks of 64 made dictionaries of users and addresses half as large
 * again.
 */
#include "dictionary_table.h"

#include "codec_parts.h"
#include "front.h"

#include <assert.h>
#include <stdlib.h>

#define PLACE_SIZE 8u

_Static_assert(DICTIONARY_CHUNK <= FRONT_PICK_MAX, "one value of a chunk can be picked");

/* Bytes of a chunk before it is squeezed, and of its values. */
#define CHUNK_SIZE_MAX ((size_t)DICTIONARY_CHUNK * (CODEC_VALUE_MAX + 2 * VARINT_SIZE_MAX))
#define TABLE_SIZE_MAX ((size_t)512 << 20)

static const char wrong_table[] = "a dictionary's table is not one of %u values";
static const char wrong_chunk[] = "a dictionary's chunk is not %u values in order";

tally_status
dictionary_table_encode(struct codec_workspace *workspace, const struct dictionary_place *places,
                        const struct bytes *firsts, uint32_t count, struct buffer *out,
                        struct tally_error *error)
{
    struct buffer *plain = &workspace->plain;
    buffer_clear(plain);
    for (uint32_t i = 0; i < count; i++) {
        buffer_u32(plain, places[i].size);
        buffer_u32(plain, places[i].crc);
    }
    front_encode(firsts, count, plain);
    if (buffer_failed(plain))
        return memory_fault(error);
    return squeeze(workspace, NULL, buffer_view(plain), out, error);
}

/* Places, first values and their text in one piece. */
static struct dictionary_table *
table_allocate(uint32_t value_count, uint32_t chunk_count, size_t text_size)
{
    size_t memory = sizeof(struct dictionary_table) +
                    chunk_count * (sizeof(struct bytes) + sizeof(struct dictionary_place)) +
                    text_size + 1;
    struct dictionary_table *table = malloc(memory);
    if (table == NULL)
        return NULL;
    struct bytes *firsts = (struct bytes *)(table + 1);
    *table = (struct dictionary_table){
        .value_count = value_count,
        .chunk_count = chunk_count,
        .memory = memory,
        .places = (struct dictionary_place *)(firsts + chunk_count),
        .firsts = firsts,
    };
    return table;
}

/* False where the chunks do not fill `chunks_size` bytes. */
static bool
places_decode(const uint8_t *at, uint32_t count, uint32_t chunks_size,
              struct dictionary_place *places)
{
    uint32_t offset = 0;
    for (uint32_t i = 0; i < count; i++, at += PLACE_SIZE) {
        places[i] = (struct dictionary_place){ offset, get_u32(at), get_u32(at + 4) };
        if (places[i].size == 0 || places[i].size > chunks_size - offset)
            return false;
        offset += places[i].size;
    }
    return offset == chunks_size;
}

static tally_status
table_build(struct bytes plain, uint32_t value_count, uint32_t chunks_size,
            struct dictionary_table **table_out, struct tally_error *error)
{
    uint32_t count = dictionary_chunk_of(value_count) + 1;
    size_t places_size = (size_t)count * PLACE_SIZE;
    size_t text_size;
    if (plain.size < places_size)
        return fault(error, TALLY_DAMAGED, wrong_table, value_count);
    struct bytes firsts = bytes_of(plain.data + places_size, plain.size - places_size);
    if (!front_measure(firsts, count, TABLE_SIZE_MAX, &text_size))
        return fault(error, TALLY_DAMAGED, wrong_table, value_count);

    struct dictionary_table *table = table_allocate(value_count, count, text_size);
    if (table == NULL)
        return memory_fault(error);
    struct bytes *values = (struct bytes *)(table + 1);
    struct dictionary_place *places = (struct dictionary_place *)(values + count);
    if (!places_decode(plain.data, count, chunks_size, places) ||
        !front_spell(firsts, count, values, (uint8_t *)(places + count))) {
        free(table);
        return fault(error, TALLY_DAMAGED, wrong_table, value_count);
    }
    *table_out = table;
    return TALLY_OK;
}

tally_status
dictionary_table_decode(struct codec_workspace *workspace, struct bytes encoded,
                        uint32_t value_count, uint32_t chunks_size,
                        struct dictionary_table **table_out, struct tally_error *error)
{
    assert(value_count > 0);
    struct buffer plain = { 0 };
    tally_status status = unsqueeze(workspace, NULL, encoded, TABLE_SIZE_MAX, &plain, error);
    if (status == TALLY_OK)
        status = table_build(buffer_view(&plain), value_count, chunks_size, table_out, error);
    buffer_free(&plain);
    return status;
}

void
dictionary_table_destroy(struct dictionary_table *table)
{
    free(table);
}

bool
dictionary_table_find(const struct dictionary_table *table, struct bytes value,
                      uint32_t *number_out)
{
    uint32_t low = 0,
             high = table->chunk_count; /* the chunks below low begin with no greater one */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(table->firsts[middle], value) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    *number_out = low - 1;
    return true;
}

tally_status
dictionary_chunk_encode(struct codec_workspace *workspace, const struct bytes *values,
                        uint32_t count, struct buffer *out, struct tally_error *error)
{
    assert(count > 0 && count <= DICTIONARY_CHUNK);
    struct buffer *plain = &workspace->plain;
    buffer_clear(plain);
    front_encode(values, count, plain);
    if (buffer_failed(plain))
        return memory_fault(error);
    return squeeze(workspace, NULL, buffer_view(plain), out, error);
}

static tally_status
chunk_build(struct bytes plain, const struct dictionary_table *table, uint32_t number,
            struct dictionary_chunk **chunk_out, struct tally_error *error)
{
    uint32_t count = dictionary_chunk_count(table, number);
    size_t text_size;
    if (!front_measure(plain, count, CHUNK_SIZE_MAX, &text_size))
        return fault(error, TALLY_DAMAGED, wrong_chunk, count);

    /* One byte more, so that a lone empty value has an address of its own. */
    struct dictionary_chunk *chunk =
        malloc(sizeof *chunk + count * sizeof chunk->values[0] + text_size + 1);
    if (chunk == NULL)
        return memory_fault(error);
    chunk->number = number;
    chunk->first = number * DICTIONARY_CHUNK + 1;
    chunk->count = count;
    if (!front_spell(plain, count, chunk->values, (uint8_t *)(chunk->values + count)) ||
        !bytes_equal(chunk->values[0], table->firsts[number])) {
        free(chunk);
        return fault(error, TALLY_DAMAGED, wrong_chunk, count);
    }
    *chunk_out = chunk;
    return TALLY_OK;
}

tally_status
dictionary_chunk_decode(struct codec_workspace *workspace, const struct dictionary_table *table,
                        uint32_t number, struct bytes encoded, struct dictionary_chunk **chunk_out,
                        struct tally_error *error)
{
    struct buffer *plain = &workspace->plain;
    tally_status status = unsqueeze(workspace, NULL, encoded, CHUNK_SIZE_MAX, plain, error);
    if (status != TALLY_OK)
        return status;
    return chunk_build(buffer_view(plain), table, number, chunk_out, error);
}

tally_status
dictionary_chunk_pick(struct codec_workspace *workspace, const struct dictionary_table *table,
                      uint32_t code, struct bytes encoded, struct buffer *text,
                      struct tally_error *error)
{
    struct buffer *plain = &workspace->plain;
    struct bytes first = { 0 };
    uint32_t number = dictionary_chunk_of(code), count = dictionary_chunk_count(table, number);
    tally_status status = unsqueeze(workspace, NULL, encoded, CHUNK_SIZE_MAX, plain, error);
    if (status != TALLY_OK)
        return status;
    buffer_clear(text);
    if (!front_pick(buffer_view(plain), count, (code - 1) % DICTIONARY_CHUNK, &first, text) ||
        (!buffer_failed(text) && !bytes_equal(first, table->firsts[number])))
        return fault(error, TALLY_DAMAGED, wrong_chunk, count);
    return buffer_failed(text) ? memory_fault(error) : TALLY_OK;
}

uint32_t
dictionary_chunk_find(const struct dictionary_chunk *chunk, struct bytes value)
{
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(chunk->values[middle], value);
        if (order == 0)
            return chunk->first + middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}
