/*
 * segment.h - a sealed, immutable run of entries in columns: three files.
 *
 *     segments/FIRST.public      never rewritten
 *     segments/FIRST.private.GEN rewritten as the next generation by erasure and expiry
 *     segments/FIRST.index.GEN   what can be rebuilt from these two: where ids and other values are
 *
 * FIRST is the first entry's index and GEN the generation (from 1), in 16 and 8 hexadecimal digits.
 * The bytes are in docs/format.md.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "head.h"
#include "run.h"
#include "trail_place.h"

/* What the manifest keeps of a segment. Sizes and CRCs are of whole files: the CRC of a file's
 * directory, which holds the CRCs of all its blocks. */
struct segment_info {
    uint64_t first;
    uint32_t count;
    uint32_t generation;
    uint64_t public_size, private_size, index_size;
    uint32_t public_crc, private_crc, index_crc;
    int64_t time_min, time_max;
    uint32_t control_count; /* control entries among them */
    uint32_t erased_count;
};

struct segment;
struct run_reader;

/* Writes the three files of a frozen head, which `reader` reads, and syncs them and the folder. The
 * reader then has at hand what else is made of the entries. With another reader of the head,
 * `second`, two threads write; NULL: this one alone. A file of the same name is a remnant of a
 * crash (nothing names it) and is replaced. On a fault nothing that matters is left. */
TALLY_MUST_CHECK tally_status segment_write(const struct trail_place *place,
                                            struct run_reader *reader, struct run_reader *second,
                                            struct segment_info *info_out,
                                            struct tally_error *error);

/* Rewrites the private and the index file as generation `info->generation + 1` without the private
 * parts and salts of `rows` (ascending); the commitment of each stays in its salt's place. Synced.
 * The old files are still there: segment_unlink_generation() removes them after the manifest names
 * the new ones. */
TALLY_MUST_CHECK tally_status segment_erase(const struct trail_place *place,
                                            const struct segment_info *info, const uint32_t *rows,
                                            size_t row_count, struct segment_info *info_out,
                                            struct tally_error *error);
TALLY_MUST_CHECK tally_status segment_unlink_generation(const struct trail_place *place,
                                                        uint64_t first, uint32_t generation,
                                                        struct tally_error *error);

/* Writes the index file anew from the columns (and gives its size and CRC). */
TALLY_MUST_CHECK tally_status segment_rebuild_index(const struct trail_place *place,
                                                    const struct segment_info *info,
                                                    struct segment_info *info_out,
                                                    struct tally_error *error);

/* Opens nothing yet: files are opened and directories read when a reader is created, columns when
 * they are asked for, and all is let go of with the last reader. So a trail of many segments opens
 * at once, and only those being read hold files (three each) and memory. Shared by readers of any
 * thread; the last release frees it. Of `place`, folder and tag are copied. TALLY_DAMAGED where
 * `info` cannot be of any segment. What is wrong with a file comes to light when it is used; its
 * text begins with the file's name: TALLY_DAMAGED, or TALLY_UNSUPPORTED where a newer version wrote
 * it. */
TALLY_MUST_CHECK tally_status segment_open(const struct trail_place *place,
                                           const struct segment_info *info,
                                           struct segment **segment_out, struct tally_error *error);
void segment_retain(struct segment *segment);
void segment_release(struct segment *segment); /* NULL is allowed */
const struct segment_info *segment_get_info(const struct segment *segment);

/* The run of its entries, to be read; the segment is lent. */
static inline struct run
segment_run(struct segment *segment)
{
    const struct segment_info *info = segment_get_info(segment);
    return (struct run){
        .first = info->first,
        .count = info->count,
        .time_min = info->time_min,
        .time_max = info->time_max,
        .segment = segment,
    };
}

/* Bytes of a segment's files a column takes: for doctor, bench and docs. */
struct segment_column_size {
    enum field_id field; /* FIELD_COUNT for the salt */
    const char *codec;
    uint64_t bytes;
};
TALLY_MUST_CHECK tally_status segment_column_sizes(struct segment *segment,
                                                   struct segment_column_size *sizes,
                                                   size_t capacity, size_t *count_out,
                                                   struct tally_error *error);

/* Recomputes every derived thing of the segment's files from the columns: block CRCs, page
 * summaries, time ranges, the manifest's counts, the index file. TALLY_DAMAGED (or
 * TALLY_UNSUPPORTED) names the file and, where it can, the column and the entries. *index_only_out
 * is set in every case: true where only what can be rebuilt is wrong, or newer than this program.
 * The leaves are verified by the caller, through a run. */
enum segment_check_what {
    SEGMENT_CHECK_ALL,
    SEGMENT_CHECK_DERIVED, /* not the blocks of text and ids: the caller reads every entry anyway */
};
TALLY_MUST_CHECK tally_status segment_check(struct segment *segment, enum segment_check_what what,
                                            bool *index_only_out, struct tally_error *error);
/* The same step by step, through a reader of the whole segment: its columns page by page, in order,
 * and what is known when all pages were looked at. Whoever reads all rows looks at each page before
 * its rows: its columns are decoded once for both. */
struct columns_check;
TALLY_MUST_CHECK tally_status columns_check_begin(struct segment *segment,
                                                  struct run_reader *reader,
                                                  enum segment_check_what what,
                                                  struct columns_check **check_out,
                                                  struct tally_error *error);
TALLY_MUST_CHECK tally_status columns_check_page(struct columns_check *check, uint32_t page,
                                                 struct tally_error *error);
TALLY_MUST_CHECK tally_status columns_check_all(const struct columns_check *check,
                                                struct tally_error *error);
void columns_check_end(struct columns_check *check); /* NULL is allowed */
/* And the index file, whose faults are those that can be rebuilt. Whoever has read all rows before
 * has had the tokens taken along (run_tokens_along()). */
TALLY_MUST_CHECK tally_status segment_check_index(struct segment *segment,
                                                  struct run_reader *reader,
                                                  struct tally_error *error);

/* For many ids at once (idempotency): sets hits[i] to true for each id that may be in this segment
 * and leaves the others as they are; false hits happen (one in 2,000), misses do not. The first
 * call loads the fingerprints of the index file (2.3 bytes an entry, kept until the segment goes),
 * or computes them from the ids where that file is missing or damaged. */
TALLY_MUST_CHECK tally_status segment_probe_ids(struct segment *segment, const uint64_t *id_hashes,
                                                size_t count, bool *hits,
                                                struct tally_error *error);
/* The hash that the id index is keyed by. */
uint64_t segment_id_hash(struct bytes id);

#endif
