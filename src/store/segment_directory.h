/*
 * segment_directory.h - what the directory of a segment's public and private file says, and the
 * block table of a column.
 *
 * Pure: bytes in, structs out. Decoding trusts nothing.
 */
#ifndef SEGMENT_DIRECTORY_H
#define SEGMENT_DIRECTORY_H

#include "codec.h"
#include "segment_file.h"

/* A column is a field's or, in the private file, the salts'. */
#define COLUMN_SALT  FIELD_COUNT
#define COLUMN_COUNT (FIELD_COUNT + 1)

/* The name and type under which a column is stored. */
struct bytes column_name(unsigned column);
enum field_column column_hint(unsigned column);

/* One column of a file: its blocks lie together, first the dictionary's chunks and their table, then
 * the primer, the pages (or, of text and ids, their blocks) and the block table. */
struct column_entry {
    unsigned column; /* enum field_id or COLUMN_SALT */
    enum codec codec;
    uint32_t dictionary_count;       /* CODEC_CODES: values */
    struct segment_block dictionary; /* CODEC_CODES: the chunks; their CRCs are in the next */
    struct segment_block dictionary_table;
    struct segment_block primer; /* CODEC_TEXT; size 0: none */
    uint64_t pages_offset;
    uint64_t pages_size;
    struct segment_block table;
};

struct time_range {
    int64_t minimum;
    int64_t maximum;
};

struct segment_directory {
    enum field_half half; /* of every column */
    uint32_t range_count; /* the pages' order times; one a page in the public file, none in the
                             private */
    struct time_range *ranges;
    uint32_t column_count;
    struct column_entry columns[COLUMN_COUNT];
    /* The name of a column that this program does not know or cannot read, "" where there is none:
     * with one, whole entries cannot be rebuilt. */
    char unknown[FIELD_NAME_SIZE_MAX + 1];
    uint64_t
        unsupported; /* bit 1 << column of each whose name is known, but not its type or codec */
};

/* Columns ascend. */
void segment_directory_encode(const struct segment_directory *directory, struct buffer *out);

/* The caller frees the directory. TALLY_DAMAGED where the bytes are no directory of such a half
 * with `range_count` ranges; blocks that lie outside the file are found when they are read. */
TALLY_MUST_CHECK tally_status segment_directory_decode(struct bytes encoded, enum field_half half,
                                                       uint32_t range_count,
                                                       struct segment_directory *directory_out,
                                                       struct tally_error *error);
void segment_directory_free(struct segment_directory *directory);

/* One page of a column or, in a column of text or ids, one block of BLOCK_ROWS rows. */
struct column_block {
    struct segment_block block;
    struct page_summary summary; /* pages only */
};

/* How many blocks a column of `rows` rows has. */
uint32_t column_block_count(enum codec codec, uint32_t rows);

void column_table_encode(enum codec codec, const struct column_block *blocks, uint32_t count,
                         struct buffer *out);

/* Fills `blocks`, with their offsets. TALLY_DAMAGED where the bytes are no table of `count` blocks
 * that fill the column's pages. */
TALLY_MUST_CHECK tally_status column_table_decode(const struct column_entry *entry,
                                                  struct bytes encoded, uint32_t count,
                                                  struct column_block *blocks,
                                                  struct tally_error *error);

#endif
