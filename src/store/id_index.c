/*
 * id_index.c - buckets of fingerprints and rows.
 *
 * With 2^b buckets the fingerprints are bits 48 - b to 63 - b of the hash, so bucket and
 * fingerprint together are its 16 + b highest bits: a false hit costs one look into the id column
 * and happens once in 65,536 rows of a bucket, that is for one id of 2,000 to 4,000 a segment.
 *
 *     bucket of n rows:   n fingerprints, 16 bits each, ascending, equal ones by row
 *                         n rows, row_bits each, packed low bits first; the last byte padded with 0
 *
 * Ids are chosen by writers, who could make all of them fall into one bucket: then a lookup reads a
 * megabyte and is slow, and nothing else happens.
 */
#include "id_index.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKET_ROWS 32u /* on average, at most */
#define PROBE_GROUP 32u
#define LANES       8u /* fingerprints compared at a time */
#define PADDING     BUCKET_ROWS

uint64_t
id_hash(struct bytes id)
{
    uint64_t hash = id_hash_begin(id.size);
    size_t at = 0;

    for (; at + 8 <= id.size; at += 8)
        hash = id_hash_add(hash, get_u64(id.data + at));
    if (at < id.size) {
        hash = id_hash_add(hash, get_some(id.data + id.size, id.size - at));
    }
    return id_hash_end(hash);
}

unsigned
id_index_bucket_bits(uint32_t count)
{
    unsigned bits = 0;
    while ((uint64_t)BUCKET_ROWS << bits < count)
        bits++;
    return bits;
}

unsigned
id_index_row_bits(uint32_t count)
{
    unsigned bits = 1;
    while (UINT64_C(1) << bits < count)
        bits++;
    return bits;
}

/* Fingerprints within a bucket are few; insertion keeps equal ones in the order of rows. */
static void
bucket_sort(uint64_t *keys, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        uint32_t at = i;
        for (; at > 0 && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

static int
key_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

tally_status
id_index_build(struct id_index *index_out, const uint64_t *hashes, uint32_t count,
               struct tally_error *error)
{
    struct id_index index = {
        .count = count,
        .bucket_bits = id_index_bucket_bits(count),
        .row_bits = id_index_row_bits(count),
    };
    uint32_t buckets = UINT32_C(1) << index.bucket_bits;

    index.starts = calloc(buckets + 2, sizeof *index.starts);
    index.keys = malloc((count + 1) * sizeof *index.keys);
    if (index.starts == NULL || index.keys == NULL) {
        id_index_free(&index);
        return memory_fault(error);
    }

    /* Counting: starts[b + 2] counts bucket b, then starts[b + 1] is where its next row goes; in
     * the end that is the start of bucket b + 1. */
    uint32_t *next = index.starts + 1;
    for (uint32_t row = 0; row < count; row++)
        next[id_bucket_number(hashes[row], index.bucket_bits) + 1]++;
    for (uint32_t b = 1; b <= buckets; b++)
        next[b] += next[b - 1];
    for (uint32_t row = 0; row < count; row++) {
        uint64_t fingerprint = id_fingerprint(hashes[row], index.bucket_bits);
        uint32_t place = next[id_bucket_number(hashes[row], index.bucket_bits)]++;
        index.keys[place] = fingerprint << 32 | row;
    }
    for (uint32_t b = 0; b < buckets; b++) {
        uint32_t rows = index.starts[b + 1] - index.starts[b];
        if (rows <= 8 * BUCKET_ROWS)
            bucket_sort(index.keys + index.starts[b], rows);
        else
            qsort(index.keys + index.starts[b], rows, sizeof *index.keys, key_order);
    }
    *index_out = index;
    return TALLY_OK;
}

void
id_index_free(struct id_index *index)
{
    free(index->starts);
    free(index->keys);
    *index = (struct id_index){ 0 };
}

void
id_index_bucket_encode(const struct id_index *index, uint32_t bucket, struct buffer *out)
{
    const uint64_t *keys = index->keys + index->starts[bucket];
    uint32_t rows = index->starts[bucket + 1] - index->starts[bucket];
    size_t size = 2 * (size_t)rows + ((size_t)rows * index->row_bits + 7) / 8;
    uint8_t *to = buffer_reserve(out, size);
    uint64_t bits = 0;
    unsigned filled = 0;
    if (to == NULL)
        return;

    for (uint32_t i = 0; i < rows; i++, to += 2)
        put_u16(to, (uint16_t)(keys[i] >> 32));
    for (uint32_t i = 0; i < rows; i++) {
        bits |= (keys[i] & UINT32_MAX) << filled;
        filled += index->row_bits;
        for (; filled >= 8; filled -= 8, bits >>= 8)
            *to++ = (uint8_t)bits;
    }
    if (filled > 0)
        *to++ = (uint8_t)bits;
    out->size += size;
}

uint32_t
id_bucket_rows(size_t size, unsigned row_bits)
{
    uint64_t rows = (uint64_t)size * 8 / (16 + row_bits);
    uint64_t expected = rows * 2 + (rows * row_bits + 7) / 8;
    return expected == size && rows < UINT32_MAX ? (uint32_t)rows : UINT32_MAX;
}

uint32_t
id_bucket_row(struct bytes bucket, uint32_t rows, unsigned row_bits, uint32_t i)
{
    assert(i < rows);
    size_t bit = (size_t)i * row_bits;
    size_t at = (size_t)rows * 2 + bit / 8;
    uint64_t bits = 0;

    for (unsigned k = 0; k < 5 && at + k < bucket.size; k++)
        bits |= (uint64_t)bucket.data[at + k] << (8 * k);
    return (uint32_t)(bits >> bit % 8 & ((UINT64_C(1) << row_bits) - 1));
}

tally_status
id_filter_init(struct id_filter *filter, uint32_t count, struct tally_error *error)
{
    unsigned bits = id_index_bucket_bits(count);
    *filter = (struct id_filter){
        .bucket_bits = bits,
        .starts = calloc((UINT32_C(1) << bits) + 1, sizeof *filter->starts),
        .fingerprints = calloc((size_t)count + PADDING, sizeof *filter->fingerprints),
    };
    if (filter->starts == NULL || filter->fingerprints == NULL) {
        id_filter_free(filter);
        return memory_fault(error);
    }
    return TALLY_OK;
}

void
id_filter_fill(struct id_filter *filter, uint32_t bucket, struct bytes encoded, uint32_t rows)
{
    uint32_t start = filter->starts[bucket];

    assert(encoded.size >= (size_t)rows * 2);
    for (uint32_t i = 0; i < rows; i++)
        filter->fingerprints[start + i] = get_u16(encoded.data + 2 * i);
    filter->starts[bucket + 1] = start + rows;
}

void
id_filter_fill_all(struct id_filter *filter, const struct id_index *index)
{
    uint32_t buckets = UINT32_C(1) << index->bucket_bits;

    assert(filter->bucket_bits == index->bucket_bits);
    memcpy(filter->starts, index->starts, (buckets + 1) * sizeof *filter->starts);
    for (uint32_t i = 0; i < index->count; i++)
        filter->fingerprints[i] = (uint16_t)(index->keys[i] >> 32);
}

void
id_filter_free(struct id_filter *filter)
{
    free(filter->starts);
    free(filter->fingerprints);
    *filter = (struct id_filter){ 0 };
}

typedef int16_t lanes __attribute__((vector_size(2 * LANES)));

/* All ones where one of the first `rows` of LANES fingerprints is the one asked for. */
static inline lanes
lanes_equal(const uint16_t *fingerprints, lanes wanted, int16_t rows)
{
    static const lanes numbers = { 0, 1, 2, 3, 4, 5, 6, 7 };
    lanes some;
    memcpy(&some, fingerprints, sizeof some);
    return (some == wanted) & (numbers < rows);
}

/* A usual bucket is compared without a branch that depends on its rows; behind the last one there
 * is padding. */
static bool
bucket_has(const struct id_filter *filter, uint32_t bucket, uint16_t fingerprint)
{
    const uint16_t *at = &filter->fingerprints[filter->starts[bucket]];
    uint32_t rows = filter->starts[bucket + 1] - filter->starts[bucket];
    const lanes wanted = (lanes){ 0 } + (int16_t)fingerprint;
    lanes found = { 0 };
    do {
        int16_t some = rows < BUCKET_ROWS ? (int16_t)rows : (int16_t)BUCKET_ROWS;
        for (unsigned k = 0; k < BUCKET_ROWS / LANES; k++)
            found |= lanes_equal(at + k * LANES, wanted, (int16_t)(some - (int16_t)(k * LANES)));
        at += some;
        rows -= (uint32_t)some;
    } while (rows > 0);
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* The bucket of an id is in no cache; the processor fetches those of a group while it looks at
 * none. */
void
id_filter_probe(const struct id_filter *filter, const uint64_t *hashes, size_t count, bool *hits)
{
    unsigned bits = filter->bucket_bits;

    for (size_t from = 0; from < count; from += PROBE_GROUP) {
        size_t end = count - from < PROBE_GROUP ? count : from + PROBE_GROUP;
        for (size_t i = from; i < end; i++)
            __builtin_prefetch(&filter->starts[id_bucket_number(hashes[i], bits)]);
        for (size_t i = from; i < end; i++) {
            uint32_t bucket = id_bucket_number(hashes[i], bits);
            __builtin_prefetch(&filter->fingerprints[filter->starts[bucket]]);
            __builtin_prefetch(&filter->fingerprints[filter->starts[bucket + 1]]);
        }
        for (size_t i = from; i < end; i++)
            if (bucket_has(filter, id_bucket_number(hashes[i], bits),
                           id_fingerprint(hashes[i], bits)))
                hits[i] = true;
    }
}
