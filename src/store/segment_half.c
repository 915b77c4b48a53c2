/*
 * segment_half.c - a file of columns, and what is read of it.
 *
 *     half_open      header, trailer and directory, each checked
 *     load_table     block table of one column
 *     load           primer of one column, or table of its dictionary
 *     chunk          256 values of a dictionary; load_dictionary: all of them
 *     column_read    bytes of one page or block
 *
 * Invariant: a column's parts are loaded whole or not at all, so that a fault of one reader is met
 * again by the next and leaves nothing half made.
 */
#include "segment_half.h"

#include "crc32c.h"
#include "fault.h"

#include <assert.h>
#include <stdlib.h>

/* A dictionary that takes no more bytes is loaded at once. */
#define SMALL_DICTIONARY 4096u

static bool
is_small(const struct column_entry *entry)
{
    return (uint64_t)entry->dictionary.size + entry->dictionary_table.size <= SMALL_DICTIONARY;
}

struct segment_identity
segment_identify(const struct segment_info *info, enum segment_file_kind kind)
{
    struct segment_identity identity = {
        .kind = kind,
        .first = info->first,
        .count = info->count,
        .generation = kind == SEGMENT_FILE_PUBLIC ? 0 : info->generation,
    };
    switch (kind) {
    case SEGMENT_FILE_PUBLIC:
        identity.size = info->public_size;
        identity.crc = info->public_crc;
        break;
    case SEGMENT_FILE_PRIVATE:
        identity.size = info->private_size;
        identity.crc = info->private_crc;
        break;
    case SEGMENT_FILE_INDEX:
        identity.size = info->index_size;
        identity.crc = info->index_crc;
        break;
    }
    return identity;
}

tally_status
segment_half_open(const struct trail_place *place, const struct segment_info *info,
                  enum field_half which, struct segment_input *input,
                  struct segment_half **half_out, struct tally_error *error)
{
    bool public = which == HALF_PUBLIC;
    struct segment_identity identity =
        segment_identify(info, public ? SEGMENT_FILE_PUBLIC : SEGMENT_FILE_PRIVATE);
    uint32_t ranges = public ? (info->count + PAGE_ROWS - 1) / PAGE_ROWS : 0;
    struct segment_file file;
    struct segment_directory directory;
    struct tally_error inner;

    tally_status status = segment_file_open(place, &identity, &file, input, error);
    if (status != TALLY_OK)
        return status;
    status =
        segment_directory_decode(buffer_view(&input->bytes), which, ranges, &directory, &inner);
    if (status == TALLY_DAMAGED) {
        const struct segment_place where = { .part = "directory" };
        status = segment_file_fault(&file, &where, inner.text, error);
        goto close_file;
    }
    struct segment_half *half = NULL;
    if (status == TALLY_OK)
        half = calloc(1, sizeof *half + directory.column_count * sizeof half->columns[0]);
    if (half == NULL) {
        status = memory_fault(error);
        goto close_file;
    }
    half->file = file;
    half->directory = directory;
    for (uint32_t i = 0; i < directory.column_count; i++)
        half->columns[i] = (struct segment_column){
            .entry = directory.columns[i],
            .file = &half->file,
            .first = info->first,
            .rows = info->count,
            .block_count = column_block_count(directory.columns[i].codec, info->count),
        };
    *half_out = half;
    return TALLY_OK;

close_file:
    segment_file_close(&file);
    return status;
}

void
segment_half_close(struct segment_half *half)
{
    if (half == NULL)
        return;
    for (uint32_t i = 0; i < half->directory.column_count; i++) {
        free(half->columns[i].blocks);
        free(half->columns[i].summaries);
        dictionary_table_destroy(half->columns[i].dictionary_table);
        dictionary_copy_destroy(half->columns[i].dictionary);
        primer_destroy(half->columns[i].primer);
    }
    segment_directory_free(&half->directory);
    segment_file_close(&half->file);
    free(half);
}

void
segment_half_weigh(const struct segment_half *half, struct segment_weight *weight)
{
    weight->files++;
    weight->memory += sizeof *half + half->directory.column_count * sizeof half->columns[0] +
                      half->directory.range_count * sizeof *half->directory.ranges;
    for (uint32_t i = 0; i < half->directory.column_count; i++) {
        const struct segment_column *column = &half->columns[i];
        if (column->blocks != NULL)
            weight->memory += column->block_count * sizeof *column->blocks;
        if (column->summaries != NULL)
            weight->memory += column->block_count * sizeof *column->summaries;
        if (column->dictionary_table != NULL)
            weight->memory += column->dictionary_table->memory;
        if (column->primer != NULL)
            weight->memory += primer_memory(column->primer);
        if (column->dictionary == NULL)
            continue;
        size_t memory = dictionary_copy_memory(column->dictionary);
        weight->memory += memory;
        weight->dictionaries += is_small(&column->entry) ? 0 : memory;
    }
}

void
segment_half_drop_dictionaries(struct segment_half *half)
{
    for (uint32_t i = 0; i < half->directory.column_count; i++) {
        struct segment_column *column = &half->columns[i];
        if (is_small(&column->entry))
            continue;
        dictionary_copy_destroy(column->dictionary);
        column->dictionary = NULL;
    }
}

void
segment_half_prefetch_row(const struct segment_half *half, uint32_t row)
{
    for (uint32_t i = 0; i < half->directory.column_count; i++) {
        const struct segment_column *column = &half->columns[i];
        if (column->blocks != NULL)
            __builtin_prefetch(&column->blocks[row / codec_unit(column->entry.codec)]);
        if (column->summaries != NULL)
            __builtin_prefetch(&column->summaries[row / PAGE_ROWS]);
        if (column->dictionary_table != NULL)
            __builtin_prefetch(column->dictionary_table);
    }
}

struct segment_column *
segment_half_column(struct segment_half *half, unsigned column)
{
    for (uint32_t i = 0; i < half->directory.column_count; i++)
        if (half->columns[i].entry.column == column)
            return &half->columns[i];
    return NULL;
}

struct segment_place
segment_column_place(const struct segment_column *column, uint32_t block, const char *part)
{
    struct segment_place place = { .column = column_name(column->entry.column), .part = part };

    if (part == NULL) {
        uint32_t unit = codec_unit(column->entry.codec);
        uint32_t row = block * unit;
        place.first = column->first + row;
        place.count = column->rows - row < unit ? column->rows - row : unit;
    }
    return place;
}

/* A fault of decoding knows what is wrong; where, is known here. */
static tally_status
part_fault(const struct segment_column *column, const char *part, tally_status status,
           const struct tally_error *inner, struct tally_error *error)
{
    if (status != TALLY_DAMAGED)
        return memory_fault(error);
    struct segment_place place = segment_column_place(column, 0, part);
    return segment_file_fault(column->file, &place, inner->text, error);
}

/* Keeps what is needed of a table. */
static tally_status
table_keep(struct segment_column *column, const struct column_block *blocks,
           struct tally_error *error)
{
    bool pages = codec_unit(column->entry.codec) == PAGE_ROWS;
    struct stored_block *kept = malloc(column->block_count * sizeof *kept);
    struct page_summary *summaries = NULL;
    if (pages)
        summaries = malloc(column->block_count * sizeof *summaries);
    if (kept == NULL || (pages && summaries == NULL)) {
        free(kept);
        free(summaries);
        return memory_fault(error);
    }
    for (uint32_t i = 0; i < column->block_count; i++) {
        const struct segment_block *block = &blocks[i].block;
        uint64_t end = block->offset + block->size - column->entry.pages_offset;
        kept[i] = (struct stored_block){ (uint32_t)end, block->crc };
        if (pages)
            summaries[i] = blocks[i].summary;
    }
    column->blocks = kept;
    column->summaries = summaries;
    return TALLY_OK;
}

tally_status
segment_column_load_table(struct segment_column *column, struct segment_input *input,
                          struct tally_error *error)
{
    if (column->blocks != NULL)
        return TALLY_OK;
    struct segment_place place = segment_column_place(column, 0, "block table");
    tally_status status =
        segment_file_read(column->file, &column->entry.table, &place, input, error);
    if (status != TALLY_OK)
        return status;

    struct column_block *blocks = malloc(column->block_count * sizeof *blocks);
    if (blocks == NULL)
        return memory_fault(error);
    struct tally_error inner;
    status = column_table_decode(&column->entry, buffer_view(&input->bytes), column->block_count,
                                 blocks, &inner);
    if (status != TALLY_OK)
        status = part_fault(column, "block table", status, &inner, error);
    else
        status = table_keep(column, blocks, error);
    free(blocks);
    return status;
}

static bool
chunk_intact(const struct dictionary_table *table, uint32_t number, struct bytes chunks)
{
    const struct dictionary_place *place = &table->places[number];
    return crc32c(0, chunks.data + place->offset, place->size) == place->crc;
}

/* All values from the bytes of all chunks. */
static tally_status
dictionary_decode_all(struct segment_column *column, struct codec_workspace *workspace,
                      struct bytes chunks, struct tally_error *error)
{
    const struct dictionary_table *table = column->dictionary_table;
    for (uint32_t i = 0; i < table->chunk_count; i++)
        if (!chunk_intact(table, i, chunks))
            return fault(error, TALLY_DAMAGED, "checksum mismatch");
    return dictionary_decode(workspace, table, chunks, &column->dictionary, error);
}

/* Chunks and table, which stand together, in one read. */
static tally_status
small_dictionary_decode(struct segment_column *column, struct codec_workspace *workspace,
                        struct bytes bytes, struct tally_error *error)
{
    const struct column_entry *entry = &column->entry;
    struct bytes chunks = bytes_of(bytes.data, entry->dictionary.size);
    struct bytes encoded = bytes_of(bytes.data + chunks.size, entry->dictionary_table.size);
    if (crc32c(0, encoded.data, encoded.size) != entry->dictionary_table.crc)
        return fault(error, TALLY_DAMAGED, "checksum mismatch");
    tally_status status = TALLY_OK;
    if (column->dictionary_table == NULL)
        status = dictionary_table_decode(workspace, encoded, entry->dictionary_count,
                                         entry->dictionary.size, &column->dictionary_table, error);
    if (status == TALLY_OK)
        status = dictionary_decode_all(column, workspace, chunks, error);
    return status;
}

static tally_status
small_dictionary_load(struct segment_column *column, struct codec_workspace *workspace,
                      struct segment_input *input, struct tally_error *error)
{
    size_t size = column->entry.dictionary.size + column->entry.dictionary_table.size;
    struct tally_error inner;
    tally_status status =
        segment_file_fetch(column->file, column->entry.dictionary.offset, size, input, error);
    if (status != TALLY_OK)
        return status;
    status = small_dictionary_decode(column, workspace, buffer_view(&input->bytes), &inner);
    return status == TALLY_OK ? TALLY_OK : part_fault(column, "dictionary", status, &inner, error);
}

static tally_status
dictionary_table_load(struct segment_column *column, struct codec_workspace *workspace,
                      struct segment_input *input, struct tally_error *error)
{
    const struct column_entry *entry = &column->entry;
    struct segment_place place = segment_column_place(column, 0, "dictionary");
    struct tally_error inner;
    tally_status status =
        segment_file_read(column->file, &entry->dictionary_table, &place, input, error);
    if (status != TALLY_OK)
        return status;
    status = dictionary_table_decode(workspace, buffer_view(&input->bytes), entry->dictionary_count,
                                     entry->dictionary.size, &column->dictionary_table, &inner);
    return status == TALLY_OK ? TALLY_OK : part_fault(column, "dictionary", status, &inner, error);
}

/* The table, and with it everything that is small enough to come in one read. */
static tally_status
codes_load(struct segment_column *column, struct codec_workspace *workspace,
           struct segment_input *input, struct tally_error *error)
{
    const struct column_entry *entry = &column->entry;
    struct segment_place place = segment_column_place(column, 0, "dictionary");
    uint64_t size = (uint64_t)entry->dictionary.size + entry->dictionary_table.size;
    if (entry->dictionary_count == 0)
        return segment_file_fault(column->file, &place, "has no values", error);
    if (entry->dictionary.offset + size > column->file->directory_offset)
        return segment_file_fault(column->file, &place, "lies outside the file", error);
    if (is_small(entry))
        return small_dictionary_load(column, workspace, input, error);
    return dictionary_table_load(column, workspace, input, error);
}

tally_status
segment_column_load_dictionary(struct segment_column *column, struct codec_workspace *workspace,
                               struct segment_input *input, struct tally_error *error)
{
    assert(column->dictionary_table != NULL);
    if (column->dictionary != NULL)
        return TALLY_OK;
    struct tally_error inner;
    tally_status status = segment_file_fetch(column->file, column->entry.dictionary.offset,
                                             column->entry.dictionary.size, input, error);
    if (status != TALLY_OK)
        return status;
    status = dictionary_decode_all(column, workspace, buffer_view(&input->bytes), &inner);
    return status == TALLY_OK ? TALLY_OK : part_fault(column, "dictionary", status, &inner, error);
}

/* The bytes of a chunk. */
static tally_status
chunk_read(const struct segment_column *column, uint32_t number, struct segment_input *input,
           struct tally_error *error)
{
    const struct dictionary_table *table = column->dictionary_table;
    assert(number < table->chunk_count);
    const struct dictionary_place *stored = &table->places[number];
    struct segment_place place = segment_column_place(column, 0, "dictionary");
    struct segment_block block = {
        .offset = column->entry.dictionary.offset + stored->offset,
        .size = stored->size,
        .crc = stored->crc,
    };
    return segment_file_read(column->file, &block, &place, input, error);
}

tally_status
segment_column_chunk(const struct segment_column *column, uint32_t number,
                     struct codec_workspace *workspace, struct segment_input *input,
                     struct dictionary_chunk **chunk_out, struct tally_error *error)
{
    struct tally_error inner;
    tally_status status = chunk_read(column, number, input, error);
    if (status != TALLY_OK)
        return status;
    status = dictionary_chunk_decode(workspace, column->dictionary_table, number,
                                     buffer_view(&input->bytes), chunk_out, &inner);
    return status == TALLY_OK ? TALLY_OK : part_fault(column, "dictionary", status, &inner, error);
}

tally_status
segment_column_pick(const struct segment_column *column, uint32_t code,
                    struct codec_workspace *workspace, struct segment_input *input,
                    struct buffer *text, struct tally_error *error)
{
    struct tally_error inner;
    tally_status status = chunk_read(column, dictionary_chunk_of(code), input, error);
    if (status != TALLY_OK)
        return status;
    status = dictionary_chunk_pick(workspace, column->dictionary_table, code,
                                   buffer_view(&input->bytes), text, &inner);
    return status == TALLY_OK ? TALLY_OK : part_fault(column, "dictionary", status, &inner, error);
}

static tally_status
primer_load(struct segment_column *column, struct segment_input *input, struct tally_error *error)
{
    struct segment_place place = segment_column_place(column, 0, "primer");
    struct tally_error inner;
    tally_status status =
        segment_file_read(column->file, &column->entry.primer, &place, input, error);
    if (status != TALLY_OK)
        return status;
    status = primer_create(buffer_view(&input->bytes), PRIMER_DECODE, &column->primer, &inner);
    return status == TALLY_OK ? TALLY_OK : part_fault(column, "primer", status, &inner, error);
}

tally_status
segment_column_load(struct segment_column *column, struct codec_workspace *workspace,
                    struct segment_input *input, struct tally_error *error)
{
    if (column->entry.codec == CODEC_CODES && column->dictionary_table == NULL)
        return codes_load(column, workspace, input, error);
    if (column->entry.codec == CODEC_TEXT && column->entry.primer.size > 0 &&
        column->primer == NULL)
        return primer_load(column, input, error);
    return TALLY_OK;
}

struct segment_block
segment_column_block(const struct segment_column *column, uint32_t block)
{
    uint32_t start = block == 0 ? 0 : column->blocks[block - 1].end;
    return (struct segment_block){
        .offset = column->entry.pages_offset + start,
        .size = column->blocks[block].end - start,
        .crc = column->blocks[block].crc,
    };
}

tally_status
segment_column_fetch(const struct segment_column *column, uint32_t block, uint32_t count,
                     struct segment_input *input, struct tally_error *error)
{
    assert(count > 0 && block < column->block_count && count <= column->block_count - block);
    uint64_t offset = segment_column_block(column, block).offset, size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += segment_column_block(column, block + i).size;
    struct segment_place place = segment_column_place(column, block, NULL);
    return segment_file_read_many(column->file, offset, size, &place, input, error);
}
