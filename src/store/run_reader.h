/*
 * run_reader.h - the inside of a run's reader. For run*.c only, but for run_reader_free().
 */
#ifndef RUN_READER_H
#define RUN_READER_H

#include "entry.h"
#include "run_column.h"
#include "segment_read.h"
#include "word_index.h"

#define PAGE_BLOCKS (PAGE_ROWS / BLOCK_ROWS)
#define NO_PAGE     UINT32_MAX
#define NO_BLOCK    UINT32_MAX
#define NO_CHUNK    UINT32_MAX

/* Entries that are read in order are put together GROUP_ROWS at a time, column by column. A power of
 * two that divides a block, so that a group stands in one block of each column. */
#define GROUP_ROWS 16u
#define NO_GROUP   UINT32_MAX
#define NO_ROW     UINT32_MAX

/* Chunks of a column's dictionary that a reader keeps; and how many it reads before it takes the
 * whole, which is soon cheaper. */
#define CHUNKS_KEPT     2u
#define CHUNKS_READ_MAX 16u

/* What is computed of a row: its parts' places in the reader's buffers, and their hashes. */
struct run_parts {
    bool erased;
    uint8_t salt[16]; /* zeros where erased */
    uint8_t commitment[32];
    size_t private_offset, private_size;
    size_t public_offset, public_size;
};

/* Units of a column as they are in the file, pages or blocks, read together (run_planes.c). */
struct run_ahead {
    struct segment_input input;
    uint32_t first, end; /* units whose bytes these are; end 0: none */
    uint32_t next;       /* behind the unit that was asked for last */
    uint32_t span;       /* how many units the last read may have had */
};

/* A column as the reader has it. */
struct run_column {
    enum {
        COLUMN_NEW,     /* nobody asked yet */
        COLUMN_MISSING, /* no row has a value */
        COLUMN_THERE,
    } state;
    struct segment_column *stored; /* of a segment */
    struct page_decoder *decoder;
    struct dictionary dictionary;
    bool dictionary_known;
    /* Of a segment's, while the dictionary is not known: the chunks read last, and how many were. */
    struct dictionary_chunk *chunks[CHUNKS_KEPT];
    uint32_t chunks_read;
    uint32_t chunk_picked; /* the chunk that a value was read from alone, or NO_CHUNK */
    struct buffer picked;  /* that value */
    uint32_t page;         /* that is decoded, or of which blocks are; else NO_PAGE */
    uint32_t blocks_known; /* a bit for each decoded block of text */
    const struct bytes *blocks[PAGE_BLOCKS];
    /* Of a column of text: the strip decoded last by itself, of block strip_block, or NO_BLOCK. */
    struct text_strip strip;
    uint32_t strip_block;
    /* The bytes of that block, held against their checksum, as long as no other unit is read. */
    struct bytes strip_bytes;
    bool view_known; /* view is the page, whole */
    struct page view;
    struct run_ahead ahead;
    uint32_t coded_page; /* whose planes `coded` is, or NO_PAGE */
    struct coded_page coded;
};

/* The values of a group of rows. */
struct run_group {
    struct bytes rows[GROUP_ROWS][FIELD_COUNT]; /* of FIELD_PRIVATE none */
    uint64_t present[GROUP_ROWS];               /* the fields that a row has a value of */
    char texts[FIELD_COUNT][GROUP_ROWS][PAGE_TEXT_MAX];
};

/* A run's words, as far as they were asked for. */
struct run_words {
    enum {
        RUN_WORDS_NEW,
        RUN_WORDS_THERE,
        RUN_WORDS_MISSING, /* of a head, and where the index file cannot be used */
    } state;
    struct segment_input input; /* what the index points into */
    struct word_index index;
};

struct run_reader {
    struct run run;
    struct codec_workspace *workspace;
    struct run_meter meter;
    struct run_column columns[COLUMN_COUNT];
    struct segment_input input; /* a block as it is in the file */

    uint32_t times_page; /* whose times these are, or NO_PAGE */
    int64_t *times;      /* of PAGE_ROWS rows; NULL until asked for */

    /* The values of the rows [group * GROUP_ROWS, …): they point into the pages that are decoded, so
     * none is known any more once a column turns to another page. */
    uint32_t group;                 /* or NO_GROUP */
    struct run_group *group_values; /* NULL until rows are read in order */
    /* Of the row read last, where it was read alone; they point as the group's do. */
    struct bytes values[FIELD_COUNT];
    uint32_t next_row; /* the one that follows the row read last */
    bool private_known;
    uint64_t fields_private; /* run_fields_private(), of a segment */

    /* The parts of `parts_count` rows of one group, from `parts_first` on. */
    uint32_t parts_first;
    uint32_t parts_count;
    struct run_parts parts[GROUP_ROWS];
    struct tally_hash leaves[GROUP_ROWS];
    bool erased[GROUP_ROWS];
    struct bytes controls[GROUP_ROWS];
    struct buffer public_parts;
    struct buffer private_parts;

    /* What the entry handed out last points to. */
    char texts[FIELD_COUNT][PAGE_TEXT_MAX];
    char commitment[ENTRY_COMMITMENT_SIZE];

    struct segment_input bucket; /* what is read of the index */
    struct counts_room *counts;  /* NULL until they are asked for */
    struct run_words words;
    struct run_tokens tokens;
    uint32_t tokens_pages;         /* whose tokens are known */
    struct token_walk *token_walk; /* NULL until they are asked for, and when all are */
};

/* run_reader.c: lets go of a reader that has come to its end, with the room that was kept. */
void run_reader_free(struct run_reader *reader);

/* run_tokens.c: lets go of what was found. */
void run_tokens_forget(struct run_reader *reader);

/* run_column.c: finds a segment's column when it is asked for first. */
TALLY_MUST_CHECK tally_status run_column_open(struct run_reader *reader, unsigned column,
                                              struct tally_error *error);
/* The rows from `first` on that are stored, `most` at most: a snapshot of an older size ends a run
 * before its segment ends, but pages and blocks are decoded as they were written. */
uint32_t run_stored_rows(const struct run_reader *reader, uint32_t first, uint32_t most);
/* What a decoder found wrong with a block, with where it stands. */
tally_status run_decode_fault(const struct segment_column *stored, uint32_t block,
                              tally_status status, const struct tally_error *inner,
                              struct tally_error *error);

/* Begins anew with another page of a column. */
void run_column_turn(struct run_reader *reader, struct run_column *column, uint32_t page);
/* Has the block with a row decoded, in a column of text or ids. */
TALLY_MUST_CHECK tally_status run_block_open(struct run_reader *reader, struct run_column *column,
                                             uint32_t row, struct tally_error *error);

/* Whether the bytes of a unit are among those that were read last. */
static inline bool
run_unit_read(const struct run_column *column, uint32_t unit)
{
    return unit >= column->ahead.first && unit < column->ahead.end;
}

/* run_planes.c: the bytes of a unit of a segment's column that is there (codec_unit), lent until
 * another of that column; and the page as it lies, where the column is one of codes. */
TALLY_MUST_CHECK tally_status run_unit_bytes(struct run_reader *reader, struct run_column *column,
                                             uint32_t unit, struct bytes *bytes_out,
                                             struct tally_error *error);
TALLY_MUST_CHECK tally_status run_coded_page(struct run_reader *reader, unsigned column,
                                             uint32_t page, struct coded_page *page_out,
                                             struct tally_error *error);

/* run_value.c: the values of `count` rows from `row` on, all in one block, as run_value() gives them. */
TALLY_MUST_CHECK tally_status run_values(struct run_reader *reader, enum field_id field,
                                         uint32_t row, uint32_t count, struct bytes *values_out,
                                         char (*texts)[PAGE_TEXT_MAX], struct tally_error *error);

/* run_code.c: the value of a code, lent until the next call on the same column; and the end of what
 * was kept for it. */
TALLY_MUST_CHECK tally_status run_coded_value(struct run_reader *reader, unsigned column,
                                              uint32_t code, struct bytes *value_out,
                                              struct tally_error *error);
/* A row's value in a segment's column of codes, of whose page nothing is decoded. */
TALLY_MUST_CHECK tally_status run_lone_value(struct run_reader *reader, unsigned column,
                                             uint32_t row, struct bytes *value_out,
                                             struct tally_error *error);
void run_forget_chunks(struct run_column *column);

/* run_text.c: the value of one row of a block of text that is not decoded; no more of it is than the
 * row's strip. */
TALLY_MUST_CHECK tally_status run_strip_value(struct run_reader *reader, struct run_column *column,
                                              uint32_t row, struct bytes *value_out,
                                              struct tally_error *error);

/* run_parts.c: a row's salt, or the commitment that an erasure left in its place. Of the others
 * nothing is set. */
TALLY_MUST_CHECK tally_status run_salt(struct run_reader *reader, uint32_t row,
                                       struct run_parts *parts_out, struct tally_error *error);

/* The values of a row that is known, of the group or alone: FIELD_COUNT of them. */
static inline struct bytes *
run_row(struct run_reader *reader, uint32_t row)
{
    return reader->group == row / GROUP_ROWS ? reader->group_values->rows[row % GROUP_ROWS]
                                             : reader->values;
}

/* Makes reader->parts those of `row`, whose values are known, and, as far as they can be had, of the
 * `ahead` rows behind it in the group whose values are known. */
TALLY_MUST_CHECK tally_status run_parts_make(struct run_reader *reader, uint32_t row,
                                             uint32_t ahead, struct tally_error *error);

/* The rows of a page: fewer in the last. */
static inline uint32_t
run_page_rows(const struct run_reader *reader, uint32_t page)
{
    uint32_t left = reader->run.count - page * PAGE_ROWS;
    return left < PAGE_ROWS ? left : PAGE_ROWS;
}

#endif
