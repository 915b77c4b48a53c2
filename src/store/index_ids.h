/*
 * index_ids.h - the section of an index file that says where each id is.
 */
#ifndef INDEX_IDS_H
#define INDEX_IDS_H

#include "id_index.h"
#include "index_buckets.h"

index_section_make index_ids_make;

/* What the directory says of it. */
struct index_ids {
    bool there;
    uint32_t count; /* of the segment's entries */
    struct segment_block block;
    struct index_buckets buckets;
};

/* False where no index of `count` entries has such a section. */
bool index_ids_open(const struct index_section *section, uint32_t count, struct index_ids *out);

/* Reads the bucket that holds `hash` into `input`, with its count of rows. */
TALLY_MUST_CHECK tally_status index_ids_bucket(const struct index_ids *ids,
                                               const struct segment_file *file, uint64_t hash,
                                               struct segment_input *input, uint32_t *rows_out,
                                               struct tally_error *error);

/* The pages in which an id of this hash may be, a bit each. Of at most 64 pages. */
TALLY_MUST_CHECK tally_status index_ids_pages(const struct index_ids *ids,
                                              const struct segment_file *file, uint64_t hash,
                                              struct segment_input *input, uint64_t *pages_out,
                                              struct tally_error *error);

/* Every bucket's fingerprints. */
TALLY_MUST_CHECK tally_status index_ids_filter(const struct index_ids *ids,
                                               const struct segment_file *file,
                                               struct id_filter *filter_out,
                                               struct tally_error *error);

#endif
