/*
 * segment_directory.c - the directory and the block tables of a segment's columns.
 *
 *     directory                              column
 *      4  count of ranges                     1  size of the name
 *     16  a range: least and greatest         n  name
 *         order time of a page                1  type
 *      4  count of columns                    1  codec
 *         columns, ascending by name          1  half: 1 public, 2 private
 *                                             4  values in the dictionary
 *     block table, a page                     8  offset of the column's first block
 *      4  size, 0 where no row has a value    4  dictionary's chunks: size of all
 *      4  CRC-32C                             4  dictionary's table: size   4  CRC-32C
 *      1  flags: 1 constant                   4  primer: size          4  CRC-32C
 *      8  least key or code                   8  pages: size of all
 *      8  greatest                            4  block table: size     4  CRC-32C
 *     block table, a block of text or ids
 *      4  size    4  CRC-32C
 *
 * The blocks of a column follow one another in the order chunks, their table, primer, pages, block
 * table, so that one offset and the sizes say where each is. Columns without any value are left out.
 */
#include "segment_directory.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

#define COLUMN_FIXED_SIZE 51u /* of a column, without its name */
#define PAGE_ENTRY_SIZE   25u
#define BLOCK_ENTRY_SIZE  8u
#define FLAG_CONSTANT     1u /* codes */
#define FLAG_COMPLETE     2u /* numbers */
#define FLAG_BOUNDED      4u /* numbers, with the digits of the bounds above it */
#define DIGITS_SHIFT      3u
#define OFFSET_MAX        (UINT64_C(1) << 48)

struct bytes
column_name(unsigned column)
{
    static const struct bytes salt = BYTES("salt");
    return column == COLUMN_SALT ? salt : fields[column].name;
}

enum field_column
column_hint(unsigned column)
{
    return column == COLUMN_SALT ? COLUMN_HINT_ID : fields[column].column;
}

static uint8_t
type_number(enum field_column hint)
{
    switch (hint) {
    case COLUMN_HINT_CODES:
        return 1;
    case COLUMN_HINT_TIME:
        return 2;
    case COLUMN_HINT_NUMBER:
        return 3;
    case COLUMN_HINT_ID:
        return 4;
    case COLUMN_HINT_TEXT:
        return 5;
    case COLUMN_HINT_DIGEST:
        return 6;
    }
    return 0;
}

static uint8_t
half_number(enum field_half half)
{
    return half == HALF_PUBLIC ? 1 : 2;
}

static void
column_encode(const struct column_entry *entry, enum field_half half, struct buffer *out)
{
    struct bytes name = column_name(entry->column);

    buffer_byte(out, (uint8_t)name.size);
    buffer_bytes(out, name);
    buffer_byte(out, type_number(column_hint(entry->column)));
    buffer_byte(out, (uint8_t)entry->codec);
    buffer_byte(out, half_number(half));
    buffer_u32(out, entry->dictionary_count);
    buffer_u64(out, entry->dictionary.offset);
    buffer_u32(out, entry->dictionary.size);
    buffer_u32(out, entry->dictionary_table.size);
    buffer_u32(out, entry->dictionary_table.crc);
    buffer_u32(out, entry->primer.size);
    buffer_u32(out, entry->primer.crc);
    buffer_u64(out, entry->pages_size);
    buffer_u32(out, entry->table.size);
    buffer_u32(out, entry->table.crc);
}

void
segment_directory_encode(const struct segment_directory *directory, struct buffer *out)
{
    buffer_u32(out, directory->range_count);
    for (uint32_t i = 0; i < directory->range_count; i++) {
        buffer_u64(out, (uint64_t)directory->ranges[i].minimum);
        buffer_u64(out, (uint64_t)directory->ranges[i].maximum);
    }
    buffer_u32(out, directory->column_count);
    for (uint32_t i = 0; i < directory->column_count; i++)
        column_encode(&directory->columns[i], directory->half, out);
}

/* The column of this name, or COLUMN_COUNT. */
static unsigned
column_find(struct bytes name)
{
    if (bytes_equal(name, column_name(COLUMN_SALT)))
        return COLUMN_SALT;
    enum field_id field = field_find(name);
    return field == FIELD_COUNT ? COLUMN_COUNT : (unsigned)field;
}

static bool
column_known(unsigned column, const uint8_t *fixed)
{
    return column < COLUMN_COUNT && fixed[0] == type_number(column_hint(column)) &&
           codec_name((enum codec)fixed[1]) != NULL;
}

/* Reads what follows the name. False where it makes no sense. */
static bool
column_decode(const uint8_t *fixed, struct column_entry *entry)
{
    uint64_t offset = get_u64(fixed + 7);
    uint64_t pages_size = get_u64(fixed + 35);
    if (offset > OFFSET_MAX || pages_size > UINT32_MAX)
        return false;

    entry->codec = (enum codec)fixed[1];
    entry->dictionary_count = get_u32(fixed + 3);
    entry->dictionary = (struct segment_block){ offset, get_u32(fixed + 15), 0 };
    offset += entry->dictionary.size;
    entry->dictionary_table =
        (struct segment_block){ offset, get_u32(fixed + 19), get_u32(fixed + 23) };
    offset += entry->dictionary_table.size;
    entry->primer = (struct segment_block){ offset, get_u32(fixed + 27), get_u32(fixed + 31) };
    offset += entry->primer.size;
    entry->pages_offset = offset;
    entry->pages_size = pages_size;
    offset += pages_size;
    entry->table = (struct segment_block){ offset, get_u32(fixed + 43), get_u32(fixed + 47) };
    return true;
}

/* Takes one column off the front of `*encoded`. */
static bool
column_next(struct bytes *encoded, struct segment_directory *directory)
{
    if (encoded->size < 1 || encoded->size - 1 < encoded->data[0] + COLUMN_FIXED_SIZE)
        return false;

    struct bytes name = bytes_of(encoded->data + 1, encoded->data[0]);
    const uint8_t *fixed = name.data + name.size;
    encoded->data += 1 + name.size + COLUMN_FIXED_SIZE;
    encoded->size -= 1 + name.size + COLUMN_FIXED_SIZE;

    unsigned column = column_find(name);
    if (!column_known(column, fixed)) {
        size_t size = name.size < FIELD_NAME_SIZE_MAX ? name.size : FIELD_NAME_SIZE_MAX;
        memcpy(directory->unknown, name.data, size);
        directory->unknown[size] = '\0';
        if (column < COLUMN_COUNT)
            directory->unsupported |= FIELD_BIT(column);
        return size > 0;
    }

    struct column_entry entry = { .column = column };
    if (fixed[2] != half_number(directory->half) || !column_decode(fixed, &entry))
        return false;
    uint32_t count = directory->column_count;
    if (count > 0 && directory->columns[count - 1].column >= column)
        return false;
    directory->columns[directory->column_count++] = entry;
    return true;
}

static bool
directory_read(struct bytes encoded, uint32_t range_count, struct segment_directory *directory)
{
    size_t ranges_size = (size_t)range_count * 16;
    if (encoded.size < 8 + ranges_size || get_u32(encoded.data) != range_count)
        return false;

    const uint8_t *at = encoded.data + 4;
    for (uint32_t i = 0; i < range_count; i++, at += 16)
        directory->ranges[i] =
            (struct time_range){ (int64_t)get_u64(at), (int64_t)get_u64(at + 8) };
    directory->range_count = range_count;

    uint32_t columns = get_u32(at);
    encoded = bytes_of(at + 4, encoded.size - 8 - ranges_size);
    for (uint32_t i = 0; i < columns; i++)
        if (!column_next(&encoded, directory))
            return false;
    return encoded.size == 0;
}

tally_status
segment_directory_decode(struct bytes encoded, enum field_half half, uint32_t range_count,
                         struct segment_directory *directory_out, struct tally_error *error)
{
    struct segment_directory directory = { .half = half };

    directory.ranges = malloc((range_count + 1) * sizeof *directory.ranges);
    if (directory.ranges == NULL)
        return memory_fault(error);
    if (!directory_read(encoded, range_count, &directory)) {
        segment_directory_free(&directory);
        return fault(error, TALLY_DAMAGED, "its columns make no sense");
    }
    *directory_out = directory;
    return TALLY_OK;
}

void
segment_directory_free(struct segment_directory *directory)
{
    free(directory->ranges);
    *directory = (struct segment_directory){ 0 };
}

uint32_t
column_block_count(enum codec codec, uint32_t rows)
{
    uint32_t unit = codec_unit(codec);
    return (rows + unit - 1) / unit;
}

static enum page_kind
codec_page_kind(enum codec codec)
{
    switch (codec) {
    case CODEC_CODES:
        return PAGE_CODES;
    case CODEC_NUMBERS:
        return PAGE_NUMBERS;
    case CODEC_IDS:
        return PAGE_IDS;
    case CODEC_TEXT:
        return PAGE_VALUES;
    }
    return PAGE_ABSENT;
}

static uint8_t
flag_of(const struct page_summary *summary)
{
    if (summary->constant)
        return FLAG_CONSTANT;
    return (uint8_t)((summary->complete ? FLAG_COMPLETE : 0) |
                     (summary->bounded ? FLAG_BOUNDED | summary->digits << DIGITS_SHIFT : 0));
}

void
column_table_encode(enum codec codec, const struct column_block *blocks, uint32_t count,
                    struct buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_u32(out, blocks[i].block.size);
        buffer_u32(out, blocks[i].block.crc);
        if (codec_unit(codec) == BLOCK_ROWS)
            continue;
        buffer_byte(out, flag_of(&blocks[i].summary));
        buffer_u64(out, (uint64_t)blocks[i].summary.minimum);
        buffer_u64(out, (uint64_t)blocks[i].summary.maximum);
    }
}

static bool
summary_decode(enum codec codec, const uint8_t *at, uint32_t size, struct page_summary *summary)
{
    *summary = (struct page_summary){
        .known = true,
        .kind = size == 0 ? PAGE_ABSENT : codec_page_kind(codec),
        .constant = (at[8] & FLAG_CONSTANT) != 0,
        .complete = (at[8] & FLAG_COMPLETE) != 0,
        .bounded = (at[8] & FLAG_BOUNDED) != 0,
        .digits = at[8] >> DIGITS_SHIFT,
        .minimum = (int64_t)get_u64(at + 9),
        .maximum = (int64_t)get_u64(at + 17),
    };
    if (codec == CODEC_CODES)
        return at[8] <= FLAG_CONSTANT;
    return !summary->constant && summary->digits <= NUMBER_DIGITS_MAX &&
           (summary->bounded || summary->digits == 0);
}

tally_status
column_table_decode(const struct column_entry *entry, struct bytes encoded, uint32_t count,
                    struct column_block *blocks, struct tally_error *error)
{
    bool summaries = codec_unit(entry->codec) == PAGE_ROWS;
    size_t size = summaries ? PAGE_ENTRY_SIZE : BLOCK_ENTRY_SIZE;
    uint64_t offset = entry->pages_offset;

    if (encoded.size != count * size)
        return fault(error, TALLY_DAMAGED, "has another number of blocks");
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = encoded.data + i * size;
        struct column_block *block = &blocks[i];
        *block = (struct column_block){ .block = { offset, get_u32(at), get_u32(at + 4) } };
        offset += block->block.size;
        if (summaries && !summary_decode(entry->codec, at, block->block.size, &block->summary))
            return fault(error, TALLY_DAMAGED, "has an unknown flag");
    }
    if (offset != entry->pages_offset + entry->pages_size)
        return fault(error, TALLY_DAMAGED, "does not fill the column");
    return TALLY_OK;
}
