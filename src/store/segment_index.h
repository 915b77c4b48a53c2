/*
 * segment_index.h - the index file of a segment: sections of what is derived from its columns.
 *
 * The file can be lost and rebuilt: what it says is in the columns too. So reading never fails for
 * want of it; it only takes longer.
 */
#ifndef SEGMENT_INDEX_H
#define SEGMENT_INDEX_H

#include "index_bloom.h"
#include "index_counts.h"
#include "index_ids.h"
#include "index_members.h"
#include "index_words.h"
#include "trail_place.h"

struct segment;
struct segment_info;

/* An open file, and what its directory says of the sections that this version knows. */
struct segment_index {
    enum {
        INDEX_CLOSED,
        INDEX_OPEN,
        INDEX_UNUSABLE, /* missing or damaged; not tried again while the segment is in use */
    } state;
    struct segment_file file;
    struct index_ids ids;
    struct index_bloom bloom;
    struct index_words words;
    struct index_counts counts;
    struct index_members members;
};

/* Writes the index file of the entries that `reader`, of a run of info->count entries, gives, as the
 * generation info->generation; synced, but not the folder. Sets info->index_size and
 * info->index_crc. */
TALLY_MUST_CHECK tally_status segment_index_write(const struct trail_place *place,
                                                  struct run_reader *reader,
                                                  struct segment_info *info,
                                                  struct tally_error *error);

/* Opens the file that `info` describes. TALLY_DAMAGED says how to rebuild it. */
TALLY_MUST_CHECK tally_status segment_index_open(const struct trail_place *place,
                                                 const struct segment_info *info,
                                                 struct segment_input *input,
                                                 struct segment_index *index_out,
                                                 struct tally_error *error);
void segment_index_close(struct segment_index *index);

/* Compares the file, byte for byte, with what it should be from the entries that `reader` gives.
 * TALLY_UNSUPPORTED where all that this version knows is right, and there are sections besides. */
TALLY_MUST_CHECK tally_status segment_index_check(const struct trail_place *place,
                                                  const struct segment_info *info,
                                                  struct run_reader *reader,
                                                  struct tally_error *error);

/*
 * Through the segment's own index, opened on first use. The segment is in use.
 */

/* The bucket of an id's hash, with its count of rows. TALLY_ABSENT where the file cannot be used:
 * then the id column is to be searched. */
TALLY_MUST_CHECK tally_status segment_find_bucket(struct segment *segment, uint64_t hash,
                                                  struct segment_input *input, uint32_t *rows_out,
                                                  struct tally_error *error);

/* Where one of the tokens may be. TALLY_ABSENT where the file cannot say. */
TALLY_MUST_CHECK tally_status segment_find_tokens(struct segment *segment,
                                                  const struct token_sought *tokens, size_t count,
                                                  struct segment_input *input,
                                                  struct places *places_out,
                                                  struct tally_error *error);

/* Reads the words; they lie in `input`. TALLY_ABSENT where the file cannot say. */
TALLY_MUST_CHECK tally_status segment_find_words(struct segment *segment,
                                                 struct segment_input *input,
                                                 struct word_index *words_out,
                                                 struct tally_error *error);

/* The counts of a column, or the periods they are of, into `room`. TALLY_ABSENT where the file cannot
 * say, or the column is not among them. */
TALLY_MUST_CHECK tally_status segment_find_counts(struct segment *segment, enum field_id field,
                                                  struct segment_input *input,
                                                  struct counts_room *room,
                                                  struct counts_found *found_out,
                                                  struct tally_error *error);
TALLY_MUST_CHECK tally_status segment_find_periods(struct segment *segment,
                                                   struct segment_input *input,
                                                   struct counts_room *room,
                                                   struct counts_periods *periods_out,
                                                   struct tally_error *error);

#endif
