/*
 * codec_parts.h - what the codecs are made of. For codec*.c, dictionary.c and squeeze.c only.
 */
#ifndef CODEC_PARTS_H
#define CODEC_PARTS_H

#include "codec.h"
#include "fault.h"

#include <zstd.h>

#define PAGE_BLOCKS (PAGE_ROWS / BLOCK_ROWS)

/* Taking apart bytes that are not trusted: each takes from the front of `*from`, or returns false,
 * after which neither `*from` nor the output says anything. */
static inline bool
take_bytes(struct bytes *from, size_t size, struct bytes *out)
{
    if (size > from->size)
        return false;
    *out = bytes_of(from->data, size);
    from->data += size;
    from->size -= size;
    return true;
}

static inline bool
take_u8(struct bytes *from, uint8_t *out)
{
    struct bytes taken;
    if (!take_bytes(from, 1, &taken))
        return false;
    *out = taken.data[0];
    return true;
}

static inline bool
take_u16(struct bytes *from, uint16_t *out)
{
    struct bytes taken;
    if (!take_bytes(from, 2, &taken))
        return false;
    *out = get_u16(taken.data);
    return true;
}

static inline bool
take_u32(struct bytes *from, uint32_t *out)
{
    struct bytes taken;
    if (!take_bytes(from, 4, &taken))
        return false;
    *out = get_u32(taken.data);
    return true;
}

static inline bool
take_u64(struct bytes *from, uint64_t *out)
{
    struct bytes taken;
    if (!take_bytes(from, 8, &taken))
        return false;
    *out = get_u64(taken.data);
    return true;
}

/* Unsigned LEB128 of at most 32 bits, in as few bytes as it takes. */
#define VARINT_SIZE_MAX 5
bool take_long_varint(struct bytes *from, uint32_t *out);
static inline bool
take_varint(struct bytes *from, uint32_t *out)
{
    if (from->size == 0 || from->data[0] >= 0x80)
        return take_long_varint(from, out);
    *out = from->data[0];
    from->data++;
    from->size--;
    return true;
}
size_t put_varint(uint8_t to[VARINT_SIZE_MAX], uint32_t value);
void buffer_varint(struct buffer *buffer, uint32_t value);

/* Room to lay out a page that is being encoded. */
struct encode_scratch {
    uint64_t keys[PAGE_ROWS];
    uint64_t differences[PAGE_ROWS];
    uint64_t offsets[PAGE_ROWS];
    uint32_t codes[PAGE_ROWS];
    uint8_t forms[PAGE_ROWS];
    uint8_t ids[PAGE_ROWS][16];
    struct bytes values[PAGE_ROWS];
    struct bytes exceptions[PAGE_ROWS];
    char texts[PAGE_ROWS][PAGE_TEXT_MAX];
};

/* A primer, made ready for one of the two. */
struct primer {
    ZSTD_CDict *encode;
    ZSTD_DDict *decode;
};

struct codec_workspace {
    ZSTD_CCtx *compressor;          /* NULL until used */
    ZSTD_DCtx *decompressor;        /* NULL until used */
    struct encode_scratch *scratch; /* NULL until used */
    struct buffer plain;            /* what is being compressed */
    struct buffer strips;           /* those of a block of text, compressed */
};

/* The workspace's scratch, allocated on first use; NULL when memory is short. */
struct encode_scratch *workspace_scratch(struct codec_workspace *workspace);

struct page_decoder {
    struct codec_workspace *workspace;
    uint32_t *codes;
    int64_t *keys;
    uint8_t (*ids)[16];
    uint8_t *forms;
    struct bytes *values;
    struct page_exception *exceptions;
    struct page_exception *joined;          /* those of all slots of ids */
    uint32_t exception_counts[PAGE_BLOCKS]; /* of each slot of ids */
    struct buffer slots[PAGE_BLOCKS];       /* the text of each block; a page's is in the first */
    struct bytes *strip;                    /* the values of a strip of text, */
    struct buffer strip_text;               /* and the text */
};

/* A buffer that one great block made this large is given back after it. */
#define BUFFER_KEEP_MAX ((size_t)4 << 20)

/* Appends `plain` as it is or compressed, whichever is smaller, with a byte before it that says
 * which. */
tally_status squeeze(struct codec_workspace *workspace, const struct primer *primer,
                     struct bytes plain, struct buffer *out, struct tally_error *error);

/* Replaces what `plain` holds by what was squeezed, or appends that; TALLY_DAMAGED beyond `size_max`
 * bytes. */
tally_status unsqueeze(struct codec_workspace *workspace, const struct primer *primer,
                       struct bytes encoded, size_t size_max, struct buffer *plain,
                       struct tally_error *error);
tally_status unsqueeze_behind(struct codec_workspace *workspace, const struct primer *primer,
                              struct bytes encoded, size_t size_max, struct buffer *plain,
                              struct tally_error *error);

/* How many bytes that will be, as the squeezed ones say; at most `size_max`, or TALLY_DAMAGED. */
tally_status squeezed_size(struct bytes encoded, size_t size_max, size_t *size_out,
                           struct tally_error *error);

/* Values with their lengths, squeezed; `count` is at most PAGE_ROWS. */
tally_status values_encode(struct codec_workspace *workspace, const struct primer *primer,
                           const struct bytes *values, uint32_t count, struct buffer *out,
                           struct tally_error *error);
/* The same before it is squeezed: appended, or `plain` has failed; and taken apart: the values
 * point into `plain`. */
void values_join(const struct bytes *values, uint32_t count, struct buffer *plain);
tally_status values_split(struct bytes plain, uint32_t count, struct bytes *values_out,
                          struct tally_error *error);
/* Of them only number `at`. False where they are not `count` values. */
bool values_pick(struct bytes plain, uint32_t count, uint32_t at, struct bytes *value_out);

/* A block of text, of 1 to BLOCK_ROWS rows; nothing where no row has a value. */
tally_status text_encode(struct codec_workspace *workspace, const struct primer *primer,
                         const struct bytes *values, uint32_t rows, struct buffer *out,
                         struct tally_error *error);
/* The values point into `plain`. */
tally_status text_decode(struct codec_workspace *workspace, const struct encoded_text *encoded,
                         struct buffer *plain, struct bytes *values_out, struct tally_error *error);

/*
 * One small number for each row, of few different ones: forms. Opened, they point into the bytes they
 * were taken from.
 */
struct forms {
    uint32_t rows;
    uint8_t count;       /* of different ones, at least 1 */
    const uint8_t *list; /* ascending */
    unsigned width;      /* of a position in the list */
    const uint8_t *packed;
};
void forms_encode(const uint8_t *forms, uint32_t rows, struct buffer *out);
bool forms_are_all(const uint8_t *forms, uint32_t rows, uint8_t form);
bool forms_open(struct bytes *from, uint32_t rows, struct forms *forms_out);

/* The positions of the rows of group `group`, in room for BITS_GROUP; those behind the last row say
 * nothing. False where one is beyond the list. */
bool forms_positions(const struct forms *forms, uint32_t group, uint32_t *positions_out);

/* The forms of that group's rows, or of all. */
bool forms_read_group(const struct forms *forms, uint32_t group, uint8_t *forms_out);
bool forms_read(const struct forms *forms, uint8_t *forms_out);

/*
 * Integers, 1 to PAGE_ROWS, near each other but for some: a frame. Opened, it points into the bytes it
 * was taken from.
 */
struct frame {
    uint32_t count;
    uint64_t base;
    unsigned width;        /* of a value's distance from the base */
    uint32_t patches;      /* values that are not base plus distance, which is packed as 0 there */
    const uint8_t *places; /* 2 bytes each, ascending */
    const uint8_t *values; /* 8 bytes each */
    const uint8_t *packed;
};
/* `offsets` is room for `count` of them. */
void frame_encode(const uint64_t *values, uint32_t count, uint64_t *offsets, struct buffer *out);
bool frame_open(struct bytes *from, uint32_t count, struct frame *frame_out);

/* The integers of group `group`, in room for BITS_GROUP; those behind the last say nothing. */
void frame_read_group(const struct frame *frame, uint32_t group, uint64_t *values_out);

/* Each codec's two halves. Encoding appends nothing, and leaves summary->kind PAGE_ABSENT, where no
 * row has a value; the caller sees to memory, faults and empty pages. Summarising is the part of it
 * that finds the summary. */
tally_status codes_encode(struct encode_scratch *scratch, const struct page_source *source,
                          struct buffer *out, struct page_summary *summary,
                          struct tally_error *error);
void codes_summarise(const struct page *page, struct page_summary *summary);
tally_status codes_decode(struct page_decoder *decoder, uint32_t rows, uint32_t code_max,
                          struct bytes encoded, struct page *page, struct tally_error *error);
tally_status numbers_encode(struct codec_workspace *workspace, enum field_column hint,
                            const struct page_source *source, struct buffer *out,
                            struct page_summary *summary, struct tally_error *error);
void numbers_summarise(const struct page *page, enum field_column hint,
                       struct page_summary *summary);
tally_status numbers_decode(struct page_decoder *decoder, enum field_column hint, uint32_t rows,
                            struct bytes encoded, struct page *page, struct tally_error *error);
/* A page of numbers as it lies, lent like its bytes. */
struct numbered_page {
    uint32_t rows;
    struct forms forms;
    bool differences;             /* the frame has these and not keys */
    uint8_t exponent;             /* the power of ten that keys are multiplied by */
    uint64_t starts[PAGE_BLOCKS]; /* of differences: the key before each block's first, divided */
    struct frame frame;
    struct bytes exceptions; /* what is behind the rest */
};
/* Looks at all of it but the rows' forms and the exceptions. */
tally_status numbers_open(struct bytes encoded, enum field_column hint, uint32_t rows,
                          struct numbered_page *page_out, struct tally_error *error);
/* The keys of block `block`, in room for BLOCK_ROWS: exceptions have those of others, and behind the
 * last row they say nothing. */
void numbers_read_block(const struct numbered_page *page, uint32_t block, int64_t *keys_out);

tally_status ids_encode(struct codec_workspace *workspace, enum field_column hint,
                        const struct page_source *source, struct buffer *out,
                        struct page_summary *summary, struct tally_error *error);
tally_status ids_decode(struct page_decoder *decoder, uint32_t slot, uint32_t rows,
                        struct bytes encoded, struct page *page, struct tally_error *error);

/* All rows as values: those of a page of exceptions point into it, others into the scratch. */
void spell_rows(struct encode_scratch *scratch, enum field_column hint,
                const struct page_source *source);

/* Appends the values of the rows whose form in the scratch is `exception`, after everything else of
 * the page; nothing where there are none. */
tally_status exceptions_encode(struct codec_workspace *workspace, uint8_t exception,
                               enum page_kind own_kind, const struct page *page, struct buffer *out,
                               struct tally_error *error);

/* The exceptions of a page, or of one whose rows stand from `slot` on: the values of the rows whose
 * form is `exception`, in order. `page` has the rows. */
tally_status exceptions_decode(struct page_decoder *decoder, uint8_t exception, uint32_t slot,
                               struct bytes encoded, struct page *page, struct tally_error *error);

/* Memory a decoder comes to need; TALLY_NO_MEMORY. `*memory` is NULL or already of `size` bytes. */
tally_status decoder_memory(void **memory, size_t size, struct tally_error *error);

#endif
