/*
 * dictionary_table.h - a stored dictionary's chunks: to read some of its values without the others.
 *
 * A dictionary is stored as chunks of DICTIONARY_CHUNK values, each decoded by itself, and a table
 * that says for each chunk where it is and which value is its first: small enough to be kept, it
 * leads from a code or a value to the one chunk that has it. Checksums are the caller's matter.
 */
#ifndef DICTIONARY_TABLE_H
#define DICTIONARY_TABLE_H

#include "codec.h"

#define DICTIONARY_CHUNK 256u

/* Where a chunk is among the chunks, and its CRC-32C. */
struct dictionary_place {
    uint32_t offset;
    uint32_t size;
    uint32_t crc;
};

/* Immutable: shared by threads. */
struct dictionary_table {
    uint32_t value_count;
    uint32_t chunk_count;
    size_t memory;
    const struct dictionary_place *places;
    const struct bytes *firsts; /* each chunk's first value */
};

/* Appends a table; `places` without their offsets, since chunks follow one another. */
TALLY_MUST_CHECK tally_status dictionary_table_encode(struct codec_workspace *workspace,
                                                      const struct dictionary_place *places,
                                                      const struct bytes *firsts, uint32_t count,
                                                      struct buffer *out,
                                                      struct tally_error *error);
/* TALLY_DAMAGED where the bytes are no table of `value_count` values (at least 1) whose chunks fill
 * `chunks_size` bytes. The caller destroys the table. */
TALLY_MUST_CHECK tally_status dictionary_table_decode(struct codec_workspace *workspace,
                                                      struct bytes encoded, uint32_t value_count,
                                                      uint32_t chunks_size,
                                                      struct dictionary_table **table_out,
                                                      struct tally_error *error);
void dictionary_table_destroy(struct dictionary_table *table); /* NULL is allowed */

/* The number of the chunk that has `value`, if any has; false where all values are greater. */
bool dictionary_table_find(const struct dictionary_table *table, struct bytes value,
                           uint32_t *number_out);

static inline uint32_t
dictionary_chunk_of(uint32_t code)
{
    return (code - 1) / DICTIONARY_CHUNK;
}

/* A chunk that was read: the values of the codes from `first` on. */
struct dictionary_chunk {
    uint32_t number;
    uint32_t first;
    uint32_t count;
    struct bytes values[];
};

/* Appends a chunk of `count` values, 1 to DICTIONARY_CHUNK, that strictly ascend. */
TALLY_MUST_CHECK tally_status dictionary_chunk_encode(struct codec_workspace *workspace,
                                                      const struct bytes *values, uint32_t count,
                                                      struct buffer *out,
                                                      struct tally_error *error);
/* TALLY_DAMAGED where the bytes are not the table's chunk `number`. The caller frees the chunk. */
TALLY_MUST_CHECK tally_status dictionary_chunk_decode(struct codec_workspace *workspace,
                                                      const struct dictionary_table *table,
                                                      uint32_t number, struct bytes encoded,
                                                      struct dictionary_chunk **chunk_out,
                                                      struct tally_error *error);

/* Of the same bytes only the value of `code`, which is one of the chunk's: replaces what `text`
 * holds. The chunk's other values are not looked at. */
TALLY_MUST_CHECK tally_status dictionary_chunk_pick(struct codec_workspace *workspace,
                                                    const struct dictionary_table *table,
                                                    uint32_t code, struct bytes encoded,
                                                    struct buffer *text, struct tally_error *error);

/* The code of `value`, or 0. */
uint32_t dictionary_chunk_find(const struct dictionary_chunk *chunk, struct bytes value);

/* The values of the chunk `number`. */
static inline uint32_t
dictionary_chunk_count(const struct dictionary_table *table, uint32_t number)
{
    uint32_t left = table->value_count - number * DICTIONARY_CHUNK;
    return left < DICTIONARY_CHUNK ? left : DICTIONARY_CHUNK;
}

#endif
