/*
 * segment_half.h - one open file of a segment's columns: the public or the private half.
 *
 * What is read of a column when it is first asked for (block table, dictionary, primer) stays until
 * the half is closed. Whoever shares a half sees to it that one thread at a time loads; what is
 * loaded does not change, and is read by any thread. (But for what was looked up last.)
 */
#ifndef SEGMENT_HALF_H
#define SEGMENT_HALF_H

#include "dictionary.h"
#include "segment.h"
#include "segment_cache.h"
#include "segment_directory.h"

/* A block as it is kept of the hundreds of segments that stay open: where it ends, counted from where
 * the column's pages begin, and its CRC-32C. It begins where the one before it ends. */
struct stored_block {
    uint32_t end;
    uint32_t crc;
};

/* The value of a column of codes that was looked up last, and its code, 0 where there is no such
 * value. */
#define LOOKED_UP_SIZE 56u

struct looked_up {
    bool known;
    uint8_t size;
    char text[LOOKED_UP_SIZE];
    uint32_t code;
    uint32_t row; /* one that was found to have it, or NO_ROW_FOUND */
};

#define NO_ROW_FOUND UINT32_MAX

struct segment_column {
    struct column_entry entry;
    const struct segment_file *file;
    uint64_t first; /* index of the segment's first entry */
    uint32_t rows;  /* of the segment */
    uint32_t block_count;
    struct stored_block *blocks;    /* pages, or blocks of text or ids; NULL until asked for */
    struct page_summary *summaries; /* of pages; NULL where there are blocks */
    struct dictionary_table *dictionary_table; /* CODEC_CODES; NULL until asked for */
    struct dictionary_copy *dictionary;        /* all its values; NULL until all are asked for */
    struct primer *primer;      /* CODEC_TEXT; NULL until asked for, or where there is none */
    struct looked_up looked_up; /* changes: segment_remember() */
};

struct segment_half {
    struct segment_file file;
    struct segment_directory directory;
    struct segment_column columns[]; /* as in the directory */
};

/* The identity of one of a segment's files. */
struct segment_identity segment_identify(const struct segment_info *info,
                                         enum segment_file_kind kind);

/* Opens the file of one half that `info` describes and reads its directory. */
TALLY_MUST_CHECK tally_status segment_half_open(const struct trail_place *place,
                                                const struct segment_info *info,
                                                enum field_half which, struct segment_input *input,
                                                struct segment_half **half_out,
                                                struct tally_error *error);
void segment_half_close(struct segment_half *half); /* NULL is allowed */

/* Adds what it takes. */
void segment_half_weigh(const struct segment_half *half, struct segment_weight *weight);
/* Of dictionaries that were loaded whole, only small ones and the tables are left. */
void segment_half_drop_dictionaries(struct segment_half *half);
/* Has the processor fetch where the row's units are, of every column that was used. */
void segment_half_prefetch_row(const struct segment_half *half, uint32_t row);

/* The column of this number (enum field_id or COLUMN_SALT), or NULL. */
struct segment_column *segment_half_column(struct segment_half *half, unsigned column);

/* Load what is not there yet: the block table; the primer, or the dictionary's table, and all of the
 * dictionary where it is small; all of it in any case. */
TALLY_MUST_CHECK tally_status segment_column_load_table(struct segment_column *column,
                                                        struct segment_input *input,
                                                        struct tally_error *error);
TALLY_MUST_CHECK tally_status segment_column_load(struct segment_column *column,
                                                  struct codec_workspace *workspace,
                                                  struct segment_input *input,
                                                  struct tally_error *error);

TALLY_MUST_CHECK tally_status segment_column_load_dictionary(struct segment_column *column,
                                                             struct codec_workspace *workspace,
                                                             struct segment_input *input,
                                                             struct tally_error *error);

/* One chunk of a dictionary whose table is there; the caller frees it. */
TALLY_MUST_CHECK tally_status segment_column_chunk(
    const struct segment_column *column, uint32_t number, struct codec_workspace *workspace,
    struct segment_input *input, struct dictionary_chunk **chunk_out, struct tally_error *error);
/* Of the chunk that has `code` only that value, in place of what `text` holds. */
TALLY_MUST_CHECK tally_status segment_column_pick(const struct segment_column *column,
                                                  uint32_t code, struct codec_workspace *workspace,
                                                  struct segment_input *input, struct buffer *text,
                                                  struct tally_error *error);

/* Where a page or block is. */
struct segment_block segment_column_block(const struct segment_column *column, uint32_t block);

/* The bytes of some pages or blocks, one after the other; the caller holds each against its checksum. */
TALLY_MUST_CHECK tally_status segment_column_fetch(const struct segment_column *column,
                                                   uint32_t block, uint32_t count,
                                                   struct segment_input *input,
                                                   struct tally_error *error);
/* What `block` holds, for messages; UINT32_MAX: `part`. */
struct segment_place segment_column_place(const struct segment_column *column, uint32_t block,
                                          const char *part);

#endif
