/*
 * member_index.h - in which blocks of a segment the members of its objects are: tables of short
 * fingerprints of their tokens (token.h), and their bytes.
 *
 * A fingerprint is a token's highest bits. Fingerprints are put into buckets by their own highest
 * bits; a lookup reads one bucket, of some hundred items, and gives the blocks that may have the
 * token. Pure but for memory. The bytes are in docs/format.md.
 *
 * Law: a block that a token was added in is always among those that it is found in. Of others there
 * are a few for a token, however many a segment has.
 */
#ifndef MEMBER_INDEX_H
#define MEMBER_INDEX_H

#include "buffer.h"
#include "member_list.h"
#include "places.h"
#include "tally/status.h"

#include <stdbool.h>

#define MEMBER_FINGERPRINT_MAX 22u
#define MEMBER_BUCKET_MAX      16u

/* What a bucket is read with. */
struct member_shape {
    unsigned pages;            /* 1 to PLACES_PAGES */
    unsigned fingerprint_bits; /* at most MEMBER_FINGERPRINT_MAX */
    unsigned bucket_bits;      /* of these; at most MEMBER_BUCKET_MAX */
};

bool member_shape_valid(const struct member_shape *shape);

/* The bucket that has a token. */
uint32_t member_bucket_of(const struct member_shape *shape, uint64_t token);

/* Where a token may be, from the bucket that has it: adds to `places`. False where the bytes are no
 * bucket. */
bool member_bucket_find(const struct member_shape *shape, struct bytes bucket, uint64_t token,
                        struct places *places);

/* Made of a run of at most PLACES_PAGES pages. */
struct member_index {
    struct member_shape shape;
    uint32_t *items; /* fingerprint and block, ascending */
    size_t count;
};
TALLY_MUST_CHECK tally_status member_index_make(const struct member_list *list, unsigned pages,
                                                struct member_index *index_out,
                                                struct tally_error *error);
void member_index_free(struct member_index *index);

/* Appends a bucket's bytes. */
void member_index_encode(const struct member_index *index, uint32_t bucket, struct buffer *out);

#endif
