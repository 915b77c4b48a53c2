/*
 * index_bloom.h - the section of an index file that says which pages may have a token.
 */
#ifndef INDEX_BLOOM_H
#define INDEX_BLOOM_H

#include "index_section.h"
#include "token.h"

index_section_make index_bloom_make;

/* What the directory says of it. */
struct index_bloom {
    bool there;
    unsigned pages;
    uint32_t block_count;
    uint64_t offset;
    uint64_t covered; /* the fields whose tokens are in it */
};

/* False where no index of `count` entries has such a section. Fields of names that this version
 * does not know are passed over. */
bool index_bloom_open(const struct index_section *section, uint32_t count, struct index_bloom *out);

/* The pages that may have a token, a bit each: all where its field is not covered. */
TALLY_MUST_CHECK tally_status index_bloom_probe(const struct index_bloom *bloom,
                                                const struct segment_file *file,
                                                const struct token_sought *sought,
                                                struct segment_input *input, uint64_t *pages_out,
                                                struct tally_error *error);

#endif
