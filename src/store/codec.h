/*
 * codec.h - pages of a column into bytes, and back.
 *
 * A column of a segment has one codec, chosen when the segment is written; a page stands alone.
 * Codecs are total: what comes back equals what went in, row for row and byte for byte, whatever
 * the bytes, with absent and empty kept apart. Decoding trusts nothing: any input ends in a page or
 * in TALLY_DAMAGED, and never reads or writes out of bounds. The bytes are in docs/format.md,
 * "Columns".
 *
 *     codec          page decoded   unit
 *     CODEC_CODES    PAGE_CODES     a page; values stand in the column's dictionary (dictionary.h)
 *     CODEC_NUMBERS  PAGE_NUMBERS   a page
 *     CODEC_IDS      PAGE_IDS       a block of BLOCK_ROWS rows, so that an entry is read from one
 *     CODEC_TEXT     PAGE_VALUES    a block, too; one row is read from a strip of it
 *
 * A page or block without any value is zero bytes long and decodes to PAGE_ABSENT (a block: to
 * absent rows). The numbers of enum codec are stored.
 */
#ifndef CODEC_H
#define CODEC_H

#include "buffer.h"
#include "row_set.h"
#include "tally/status.h"

enum codec {
    CODEC_CODES = 1,
    CODEC_NUMBERS = 2,
    CODEC_IDS = 3,
    CODEC_TEXT = 5, /* 4 was blocks without strips, before the format was finished */
};

/* The rows of a unit: PAGE_ROWS, or BLOCK_ROWS where a column is stored in blocks. */
uint32_t codec_unit(enum codec codec);

/* "codes", "numbers", "ids", "text"; NULL for another number. */
const char *codec_name(enum codec codec);

/* No value is longer than this (an entry's private part is not), and neither a block nor the
 * exceptions of a page take more than BLOCK_SIZE_MAX bytes together (a head is sealed long before).
 * Encoding asserts both, decoding refuses beyond. */
#define CODEC_VALUE_MAX (1u << 20)
#define BLOCK_SIZE_MAX  (BLOCK_ROWS * (CODEC_VALUE_MAX + 4u))

/*
 * Choosing. Count all pages of a column (in a head, or decoded ones), then ask.
 */
struct column_profile {
    uint32_t rows;
    uint32_t absent;
    uint32_t ids; /* values that id_read() takes (PAGE_CODES: estimated from the dictionary) */
    uint32_t exceptions; /* values that stand in exceptions */
    uint32_t uncoded;    /* values in pages that are not PAGE_CODES */
    uint32_t distinct;   /* values of the dictionary of the pages that are */
    uint64_t text_size;  /* bytes of all values that are kept as bytes (PAGE_CODES: estimated) */
};
/* `dictionary` is that of a PAGE_CODES page, else NULL. */
void column_profile_add(struct column_profile *profile, const struct page *page,
                        const struct dictionary *dictionary);

/* CODEC_CODES where every value has a code, of at most 65,536 values or a quarter of the rows; else
 * CODEC_IDS where most values are ids; CODEC_NUMBERS for times and numbers unless more than a
 * quarter are exceptions; else CODEC_TEXT. */
enum codec codec_choose(enum field_column hint, const struct column_profile *profile);

/*
 * What a thread needs to encode and decode: zstd's contexts and scratch, allocated on first use and
 * kept. One thread at a time.
 */
struct codec_workspace;
TALLY_MUST_CHECK tally_status codec_workspace_create(struct codec_workspace **workspace_out,
                                                     struct tally_error *error);
void codec_workspace_destroy(struct codec_workspace *workspace); /* NULL is allowed */

/*
 * A primer is what strips of a column's text are compressed against: text that resembles them, and
 * tables made from some of them (Zstandard's dictionary; the word is kept for dictionaries of codes).
 * Its bytes are stored once in the segment.
 */
struct primer;

#define PRIMER_SIZE_MAX ((size_t)33 << 10)

enum primer_use {
    PRIMER_ENCODE,
    PRIMER_DECODE,
};

/* How many rows a strip has, where `rows` of them have so much text. */
uint32_t text_strip_rows(uint64_t text_size, uint32_t rows);

/* What a primer is made from, spread over the column: values that are not absent, and whole strips, each
 * `strip_rows` values one after the other. */
struct primer_sample {
    const struct bytes *values;
    size_t value_count;
    const struct bytes *strips;
    uint32_t strip_rows;
    size_t strip_count;
};

/* Appends a primer's bytes to `out`. TALLY_ABSENT, with nothing appended, where one would not pay: too
 * little text in the column or in the sample. */
TALLY_MUST_CHECK tally_status primer_make(const struct column_profile *profile,
                                          const struct primer_sample *sample, struct buffer *out,
                                          struct tally_error *error);
/* Copies `bytes`; TALLY_DAMAGED where they are no primer's. A primer of other text than the blocks
 * were made with makes them TALLY_DAMAGED or other values: keep a checksum of it. Immutable: shared
 * by threads. */
TALLY_MUST_CHECK tally_status primer_create(struct bytes bytes, enum primer_use use,
                                            struct primer **primer_out, struct tally_error *error);
void primer_destroy(struct primer *primer); /* NULL is allowed */
size_t primer_memory(const struct primer *primer);
/* Has the processor fetch what decoding will look up, while something else is waited for. */
void primer_prefetch(const struct primer *primer);

/*
 * Encoding.
 */
struct page_source {
    const struct page *page;
    const struct dictionary *dictionary; /* of a PAGE_CODES page, else NULL */
    const uint32_t
        *remap; /* CODEC_CODES: remap[code] is the code to store (dictionary.h); NULL: the same */
};

/* Appends the page to `out`. For CODEC_CODES the page must be PAGE_CODES or PAGE_ABSENT; the others
 * take every kind. Not for CODEC_TEXT. On a fault `out` is cut back to what it was. */
TALLY_MUST_CHECK tally_status codec_encode_page(struct codec_workspace *workspace, enum codec codec,
                                                enum field_column hint,
                                                const struct page_source *source,
                                                struct buffer *out,
                                                struct page_summary *summary_out,
                                                struct tally_error *error);

/* What encoding a page as its own kind says of it; not for PAGE_VALUES. */
void codec_summarise_page(enum field_column hint, const struct page *page,
                          struct page_summary *summary_out);

/* CODEC_TEXT: appends block `block` of the page (rows from BLOCK_ROWS * block, fewer at the page's
 * end), of any kind. `primer` may be NULL. */
TALLY_MUST_CHECK tally_status codec_encode_block(struct codec_workspace *workspace,
                                                 enum field_column hint,
                                                 const struct page_source *source, uint32_t block,
                                                 const struct primer *primer, struct buffer *out,
                                                 struct tally_error *error);

/*
 * Decoding. A decoder holds one decoded page of one column; it grows to what its pages need.
 */
struct page_decoder;
TALLY_MUST_CHECK tally_status page_decoder_create(struct codec_workspace *workspace, /* lent */
                                                  struct page_decoder **decoder_out,
                                                  struct tally_error *error);
void page_decoder_destroy(struct page_decoder *decoder); /* NULL is allowed */
/* The bytes that it has taken, and keeps for what it decodes next; 0 of NULL. */
size_t page_decoder_memory(const struct page_decoder *decoder);

/* A page of `rows` rows (1 to PAGE_ROWS), lent until the decoder's next call; `encoded` may go at
 * once. `code_max` is CODEC_CODES' dictionary count: a greater code is damage. Not for CODEC_TEXT.
 */
TALLY_MUST_CHECK tally_status codec_decode_page(struct page_decoder *decoder, enum codec codec,
                                                enum field_column hint, uint32_t rows,
                                                uint32_t code_max, struct bytes encoded,
                                                struct page *page_out, struct tally_error *error);

/*
 * CODEC_CODES without decoding: an encoded page as it lies, lent like its bytes.
 */
struct coded_page {
    uint32_t rows;
    uint32_t base;
    unsigned width;
    const uint8_t *planes; /* of the codes less the base (planes.h) */
};

/* Looks at an encoded page of `rows` rows as far as its size; TALLY_DAMAGED where that is wrong. Of a
 * page without any value all codes are 0. */
TALLY_MUST_CHECK tally_status codes_open(struct bytes encoded, uint32_t rows,
                                         struct coded_page *page_out, struct tally_error *error);

/* Adds to `out` those of `among`, all rows of the page, whose code is from `first` to `last`. */
void codes_in(const struct coded_page *page, uint32_t first, uint32_t last,
              const struct row_set *among, struct row_set *out);

/* The codes of the 16 rows from `row` on, a multiple of 16 below page->rows; 0 behind the last. They
 * are not held against the dictionary: one that is greater than its count is damage. */
void codes_gather16(const struct coded_page *page, uint32_t row, uint32_t codes_out[16]);

/* CODEC_NUMBERS: of an encoded page of `rows` rows those of slot `slot` (0 to PAGE_ROWS / BLOCK_ROWS -
 * 1), for page_decoder_numbers_block(), kept until the page is another's. TALLY_ABSENT where one of
 * them is an exception: then the page is to be decoded whole. */
TALLY_MUST_CHECK tally_status codec_decode_numbers(struct page_decoder *decoder, uint32_t slot,
                                                   enum field_column hint, uint32_t rows,
                                                   struct bytes encoded, struct tally_error *error);
/* A slot with its first `rows` rows, lent until the decoder's page is another. */
void page_decoder_numbers_block(const struct page_decoder *decoder, uint32_t slot, uint32_t rows,
                                struct page *page_out);

/* CODEC_NUMBERS, of times: lowers times[row] to the key of the row, for each of the `wanted` rows of an
 * encoded page of `rows` rows that has a value. Of the page only the blocks with such rows are
 * decoded. TALLY_ABSENT where one of them is an exception: then the page is to be decoded whole. */
TALLY_MUST_CHECK tally_status codec_lower_times(struct bytes encoded, uint32_t rows,
                                                const struct row_set *wanted, int64_t *times,
                                                struct tally_error *error);

/* CODEC_TEXT: an encoded block. */
struct encoded_text {
    uint32_t rows;               /* at most BLOCK_ROWS */
    const struct primer *primer; /* NULL: none */
    struct bytes bytes;          /* none where no row has a value */
};

/* Decodes a block into slot `slot` (0 to PAGE_ROWS / BLOCK_ROWS - 1), lent until
 * that slot is decoded again. The values of slot n + 1 follow those of slot n in memory, so that
 * decoding a page's blocks into slots 0, 1, … makes a whole page: page_decoder_text_page(). */
TALLY_MUST_CHECK tally_status codec_decode_block(struct page_decoder *decoder, uint32_t slot,
                                                 const struct encoded_text *encoded,
                                                 const struct bytes **values_out,
                                                 struct tally_error *error);
/* Of a block only the strip with row `row`, which is read without the others. Lent
 * until the decoder's next strip; slots stay. */
struct text_strip {
    uint32_t first, count;      /* its rows in the block */
    struct bytes text;          /* of all of them; empty where no row has a value */
    struct bytes value;         /* of the row that was asked for */
    const struct bytes *values; /* NULL until codec_split_strip() */
};
TALLY_MUST_CHECK tally_status codec_decode_strip(struct page_decoder *decoder,
                                                 const struct encoded_text *encoded, uint32_t row,
                                                 struct text_strip *strip_out,
                                                 struct tally_error *error);
/* Makes the values of all rows of a decoded strip known: for who asks for a second one. */
TALLY_MUST_CHECK tally_status codec_split_strip(struct page_decoder *decoder,
                                                struct text_strip *strip,
                                                struct tally_error *error);
/* The same without its values: whether the strip has `sought` anywhere in its text; TALLY_ABSENT, with the
 * output set, where it has not. Bytes at which one value ends and another begins may look like it. */
TALLY_MUST_CHECK tally_status codec_search_strip(struct page_decoder *decoder,
                                                 const struct encoded_text *encoded, uint32_t row,
                                                 struct bytes sought, struct text_strip *strip_out,
                                                 struct tally_error *error);
/* CODEC_IDS: of a block of `rows` rows the id of row `row` and its form, and no other is looked at.
 * TALLY_ABSENT where it is an exception: then the block is to be decoded. */
TALLY_MUST_CHECK tally_status codec_decode_id(uint32_t rows, uint32_t row, struct bytes encoded,
                                              uint8_t id_out[16], uint8_t *form_out,
                                              struct tally_error *error);
/* CODEC_IDS: like codec_decode_block() with ids, which page_decoder_ids_block() then gives as a page of the slot's rows. */
TALLY_MUST_CHECK tally_status codec_decode_ids(struct page_decoder *decoder, uint32_t slot,
                                               uint32_t rows, struct bytes encoded,
                                               struct tally_error *error);
void page_decoder_ids_block(const struct page_decoder *decoder, uint32_t slot, uint32_t rows,
                            struct page *page_out);
/* The page of all slots; its exceptions take memory. */
TALLY_MUST_CHECK tally_status page_decoder_ids_page(struct page_decoder *decoder, uint32_t rows,
                                                    struct page *page_out,
                                                    struct tally_error *error);

/* The page of `rows` rows that was decoded block by block; PAGE_ABSENT where no row has a value. */
void page_decoder_text_page(const struct page_decoder *decoder, uint32_t rows,
                            struct page *page_out);

#endif
