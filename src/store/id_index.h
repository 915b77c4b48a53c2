/*
 * id_index.h - where in a segment an id is: a table of the ids' hashes, and its bytes.
 *
 * Rows are put into buckets by the high bits of their id's hash. A bucket has a 16-bit fingerprint
 * (the bits that follow) and the row number of each, ascending, so that equal contents have equal
 * bytes. A lookup reads one bucket, of 16 to 32 rows on average, and gives the few rows whose
 * fingerprint fits; the id column says which of them it is. Pure but for memory. The bytes are in
 * docs/format.md.
 */
#ifndef ID_INDEX_H
#define ID_INDEX_H

#include "buffer.h"
#include "tally/status.h"

/* The hash that everything here is keyed by; it is stored, so it never changes. */
uint64_t id_hash(struct bytes id);

/* The same, eight bytes at a time, the last ones padded with zeros: begin, add as often as there
 * are eight or some left, end. Multiply, fold the high half onto the low: every step can be undone,
 * so two ids of at most eight bytes and equal size never meet. */
#define ID_HASH_FACTOR UINT64_C(0x9fb21c651e98df25)

static inline uint64_t
id_hash_begin(size_t size)
{
    return ID_HASH_FACTOR * (size + 1);
}

static inline uint64_t
id_hash_add(uint64_t hash, uint64_t eight)
{
    hash = (hash ^ eight) * ID_HASH_FACTOR;
    return hash ^ hash >> 32;
}

static inline uint64_t
id_hash_end(uint64_t hash)
{
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 29;
    hash *= ID_HASH_FACTOR;
    return hash ^ hash >> 32;
}

/* How many bits make a bucket's number, and a row's: from the count of rows alone (1 to 2^24). */
unsigned id_index_bucket_bits(uint32_t count);
unsigned id_index_row_bits(uint32_t count);

/* All buckets, built from the hash of each row's id. Zeroed is empty. */
struct id_index {
    uint32_t count;
    unsigned bucket_bits;
    unsigned row_bits;
    uint32_t *starts; /* of each bucket in keys, and the count behind the last */
    uint64_t *keys;   /* fingerprint << 32 | row */
};
TALLY_MUST_CHECK tally_status id_index_build(struct id_index *index_out, const uint64_t *hashes,
                                             uint32_t count, struct tally_error *error);
void id_index_free(struct id_index *index);

/* Appends the bytes of a bucket: its fingerprints, then its rows, row_bits each, low bits first. */
void id_index_bucket_encode(const struct id_index *index, uint32_t bucket, struct buffer *out);

/* How many rows a bucket of `size` bytes has, or UINT32_MAX where no bucket has that size. */
uint32_t id_bucket_rows(size_t size, unsigned row_bits);

static inline uint32_t
id_bucket_number(uint64_t hash, unsigned bucket_bits)
{
    return bucket_bits == 0 ? 0 : (uint32_t)(hash >> (64 - bucket_bits));
}

static inline uint16_t
id_fingerprint(uint64_t hash, unsigned bucket_bits)
{
    return (uint16_t)(hash >> (48 - bucket_bits));
}

/* Row `i` of a bucket of `rows` rows. */
uint32_t id_bucket_row(struct bytes bucket, uint32_t rows, unsigned row_bits, uint32_t i);

/* The fingerprints alone, for asking about many ids. Zeroed is empty. */
struct id_filter {
    unsigned bucket_bits;
    uint32_t *starts;
    uint16_t *fingerprints;
};
/* Room for `count` rows, to be filled from the bytes of each bucket in order, or all at once. */
TALLY_MUST_CHECK tally_status id_filter_init(struct id_filter *filter, uint32_t count,
                                             struct tally_error *error);
void id_filter_fill(struct id_filter *filter, uint32_t bucket, struct bytes encoded, uint32_t rows);
void id_filter_fill_all(struct id_filter *filter, const struct id_index *index);
void id_filter_free(struct id_filter *filter);

/* Sets hits[i] for each hash that may be there; leaves the others as they are. */
void id_filter_probe(const struct id_filter *filter, const uint64_t *hashes, size_t count,
                     bool *hits);

#endif
