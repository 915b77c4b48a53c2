/*
 * segment_index.h - the index file of a segment: its ids.
 *
 * The file can be lost and rebuilt: what it says is in the id column too. So reading never fails
 * for want of it; it only takes longer.
 */
#ifndef SEGMENT_INDEX_H
#define SEGMENT_INDEX_H

#include "id_index.h"
#include "segment_file.h"

struct run_reader;
struct segment;
struct segment_info;

/* What the directory of an index file says. */
struct segment_index {
    enum {
        INDEX_CLOSED,
        INDEX_OPEN,
        INDEX_UNUSABLE, /* missing or damaged; not tried again while the segment is in use */
    } state;
    struct segment_file file;
    unsigned bucket_bits;
    unsigned row_bits;
    uint64_t buckets_size; /* bytes of all buckets; they begin behind the header */
    struct segment_block table;
};

/* Writes the index file of the ids that `reader`, of a run of info->count entries, gives; synced,
 * but not the folder. Sets info->index_size and info->index_crc. */
TALLY_MUST_CHECK tally_status segment_index_write(struct disk *disk, const char *folder,
                                                  const uint8_t tag[16], struct run_reader *reader,
                                                  struct segment_info *info,
                                                  struct tally_error *error);

/* Opens the file that `info` describes. TALLY_DAMAGED says how to rebuild it. */
TALLY_MUST_CHECK tally_status segment_index_open(
    struct disk *disk, const char *folder, const uint8_t tag[16], const struct segment_info *info,
    struct segment_input *input, struct segment_index *index_out, struct tally_error *error);
void segment_index_close(struct segment_index *index);

/* Reads the bucket that holds `hash` into `input`, and says its count of rows. */
TALLY_MUST_CHECK tally_status segment_index_bucket(const struct segment_index *index, uint64_t hash,
                                                   struct segment_input *input, uint32_t *rows_out,
                                                   struct tally_error *error);

/* Every bucket's fingerprints. */
TALLY_MUST_CHECK tally_status segment_index_filter(const struct segment_index *index,
                                                   uint32_t count, struct id_filter *filter_out,
                                                   struct tally_error *error);

/* Compares the file, byte for byte, with what it should be from the ids that `reader` gives. */
TALLY_MUST_CHECK tally_status segment_index_check(const struct segment_index *index,
                                                  struct run_reader *reader,
                                                  struct tally_error *error);

/* The bucket of `hash` through the segment's own index, opened on first use. TALLY_ABSENT where the
 * file cannot be used: then the id column is to be searched. The segment is in use. */
TALLY_MUST_CHECK tally_status segment_read_bucket(struct segment *segment, uint64_t hash,
                                                  struct segment_input *input, uint32_t *rows_out,
                                                  struct tally_error *error);

#endif
