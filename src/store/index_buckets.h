/*
 * index_buckets.h - a section of an index file that is read in buckets: these, one behind the
 * other, and a table of where each ends.
 *
 *     table   a bucket:  4 end of the bucket, counted from the first bucket's begin
 *                        4 CRC-32C of the bucket's bytes
 *
 * Such a look does not check the table; a table that lies leads to bytes that do not have the
 * bucket's CRC. Nothing is kept in memory.
 */
#ifndef INDEX_BUCKETS_H
#define INDEX_BUCKETS_H

#include "index_section.h"

#define INDEX_BUCKETS_ENTRY 8u /* bytes of the table's, one */

/* Where they are in an open file. */
struct index_buckets {
    uint64_t offset;       /* of the first */
    uint64_t table_offset; /* where they end */
};

/* The places of `count` buckets in a section; false where it is too small. */
bool index_buckets_open(const struct index_section *section, uint64_t count,
                        struct index_buckets *out);

/* Reads a bucket into `input`. */
TALLY_MUST_CHECK tally_status index_buckets_read(const struct index_buckets *buckets,
                                                 const struct segment_file *file,
                                                 const struct segment_place *place, uint32_t bucket,
                                                 struct segment_input *input,
                                                 struct tally_error *error);

/* Adds to the table a bucket that is in `buckets` from `start` to the end. */
void index_buckets_note(const struct buffer *buckets, size_t start, struct buffer *table);

#endif
