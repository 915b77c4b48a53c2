/*
 * segment_read.c - a segment's files and columns, opened when they are used.
 *
 *     segment_open      nothing is read; the manifest has said what must be there
 *     segment_use       first user: two files opened; header, trailer, directory of each checked
 *     find_column       block table of one column
 *     load_column       dictionary and primer of one column
 *     column_read       bytes of one page or block, into the reader's own memory
 *     segment_unuse     last user: all closed and freed, or kept as it is by a cache
 *
 * Invariant: what a segment_column has once been given does not change until the last user is gone,
 * so it is read without the mutex by whoever got it under the mutex.
 */
#include "segment_read.h"

#include "fault.h"
#include "manifest.h"

#include <assert.h>
#include <stdlib.h>

struct segment_identity
segment_identify(const struct segment_info *info, const uint8_t tag[16],
                 enum segment_file_kind kind)
{
    struct segment_identity identity = {
        .kind = kind,
        .first = info->first,
        .count = info->count,
        .generation = kind == SEGMENT_FILE_PRIVATE ? info->generation : 0,
    };
    memcpy(identity.tag, tag, SEGMENT_TAG_SIZE);
    return identity;
}

tally_status
segment_open(struct disk *disk, const char *folder, const uint8_t tag[16],
             const struct segment_info *info, struct segment **segment_out,
             struct tally_error *error)
{
    if (info->count == 0 || info->count > SEGMENT_ENTRIES_MAX)
        return fault(error, TALLY_DAMAGED, "%s/segments: a segment of %u entries cannot be", folder,
                     info->count);

    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        return memory_fault(error);
    segment->folder = strdup(folder);
    if (segment->folder == NULL || pthread_mutex_init(&segment->mutex, NULL) != 0) {
        free(segment->folder);
        free(segment);
        return memory_fault(error);
    }
    atomic_init(&segment->references, 1);
    segment->disk = disk;
    memcpy(segment->tag, tag, SEGMENT_TAG_SIZE);
    segment->info = *info;
    *segment_out = segment;
    return TALLY_OK;
}

void
segment_retain(struct segment *segment)
{
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
}

const struct segment_info *
segment_get_info(const struct segment *segment)
{
    return &segment->info;
}

static void
half_close(struct segment *segment, enum field_half half)
{
    for (uint32_t i = 0; i < segment->directories[half].column_count; i++) {
        struct segment_column *column = &segment->columns[half][i];
        free(column->blocks);
        dictionary_copy_destroy(column->dictionary);
        primer_destroy(column->primer);
        *column = (struct segment_column){ 0 };
    }
    segment_directory_free(&segment->directories[half]);
    segment_file_close(&segment->files[half]);
}

/* Opens the file of one half as `info` has it and reads its directory. */
static tally_status
half_open(struct segment *segment, enum field_half half, const struct segment_info *info,
          struct tally_error *error)
{
    struct segment_file *file = &segment->files[half];
    struct segment_directory *directory = &segment->directories[half];
    struct buffer encoded = { 0 };

    struct segment_identity identity = segment_identify(
        info, segment->tag, half == HALF_PUBLIC ? SEGMENT_FILE_PUBLIC : SEGMENT_FILE_PRIVATE);
    uint64_t size = half == HALF_PUBLIC ? info->public_size : info->private_size;
    uint32_t crc = half == HALF_PUBLIC ? info->public_crc : info->private_crc;
    uint32_t ranges = half == HALF_PUBLIC ? (info->count + PAGE_ROWS - 1) / PAGE_ROWS : 0;

    tally_status status = segment_file_open(segment->disk, segment->folder, &identity, size, crc,
                                            file, &encoded, error);
    if (status != TALLY_OK)
        goto free_encoded;
    struct tally_error inner;
    status = segment_directory_decode(buffer_view(&encoded), half, ranges, directory, &inner);
    if (status == TALLY_DAMAGED) {
        const struct segment_place place = { .part = "directory" };
        status = segment_file_fault(file, &place, inner.text, error);
    } else if (status != TALLY_OK) {
        status = memory_fault(error);
    }
    if (status != TALLY_OK) {
        segment_file_close(file);
        goto free_encoded;
    }
    for (uint32_t i = 0; i < directory->column_count; i++)
        segment->columns[half][i] = (struct segment_column){
            .entry = directory->columns[i],
            .file = file,
            .first = info->first,
            .rows = info->count,
            .block_count = column_block_count(directory->columns[i].codec, info->count),
        };

free_encoded:
    buffer_free(&encoded);
    return status;
}

/* Whether the manifest names a newer generation of the segment's private file by now. */
static bool
find_newer_generation(const struct segment *segment, struct segment_info *info)
{
    struct manifest manifest;
    if (manifest_read(segment->disk, segment->folder, &manifest, NULL) != TALLY_OK)
        return false;
    bool found = false;
    for (size_t i = 0; i < manifest.count && !found; i++) {
        const struct segment_info *newer = &manifest.segments[i];
        found = newer->first == info->first && newer->count == info->count &&
                newer->public_crc == info->public_crc && newer->generation > info->generation;
        if (found)
            *info = *newer;
    }
    free(manifest.segments);
    return found;
}

/* An erasure replaces the private file behind the back of whoever has the segment open. Files that
 * are open stay readable; a file that is opened only now may be gone, and its next generation is
 * what there is to read. */
static tally_status
private_open(struct segment *segment, struct tally_error *error)
{
    struct segment_info info = segment->info;
    tally_status status = half_open(segment, HALF_PRIVATE, &info, error);
    while (status == TALLY_DAMAGED && find_newer_generation(segment, &info))
        status = half_open(segment, HALF_PRIVATE, &info, error);
    return status;
}

static tally_status
open_files(struct segment *segment, struct tally_error *error)
{
    tally_status status = half_open(segment, HALF_PUBLIC, &segment->info, error);
    if (status != TALLY_OK)
        return status;
    status = private_open(segment, error);
    if (status != TALLY_OK)
        half_close(segment, HALF_PUBLIC);
    return status;
}

static void
close_files(struct segment *segment)
{
    if (!segment->open)
        return;
    half_close(segment, HALF_PUBLIC);
    half_close(segment, HALF_PRIVATE);
    segment_index_close(&segment->index);
    segment->open = false;
}

void
segment_release(struct segment *segment)
{
    if (segment == NULL ||
        atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) > 1)
        return;

    assert(segment->users == 0);
    if (segment->cache != NULL)
        segment_cache_take(segment->cache, segment);
    close_files(segment);
    id_filter_free(&segment->filter);
    pthread_mutex_destroy(&segment->mutex);
    free(segment->folder);
    free(segment);
}

bool
segment_retain_if_alive(struct segment *segment)
{
    unsigned references = atomic_load_explicit(&segment->references, memory_order_relaxed);
    while (references > 0)
        if (atomic_compare_exchange_weak_explicit(&segment->references, &references, references + 1,
                                                  memory_order_acq_rel, memory_order_relaxed))
            return true;
    return false;
}

tally_status
segment_use(struct segment *segment, struct tally_error *error)
{
    pthread_mutex_lock(&segment->mutex);
    tally_status status = TALLY_OK;
    if (segment->users == 0 && segment->cache != NULL)
        segment_cache_take(segment->cache, segment);
    if (!segment->open)
        status = open_files(segment, error);
    if (status == TALLY_OK) {
        segment->open = true;
        segment->users++;
    }
    pthread_mutex_unlock(&segment->mutex);
    return status;
}

/* What it takes while it is open: the large parts. */
static size_t
memory_of(const struct segment *segment)
{
    size_t memory = sizeof *segment;
    for (unsigned half = 0; half < 2; half++) {
        for (uint32_t i = 0; i < segment->directories[half].column_count; i++) {
            const struct segment_column *column = &segment->columns[half][i];
            if (column->blocks != NULL)
                memory += column->block_count * sizeof *column->blocks;
            if (column->dictionary != NULL)
                memory += dictionary_copy_memory(column->dictionary);
            if (column->primer != NULL)
                memory += primer_memory(column->primer);
        }
    }
    return memory;
}

void
segment_unuse(struct segment *segment)
{
    struct segment_cache *cache = segment->cache;
    pthread_mutex_lock(&segment->mutex);
    assert(segment->users > 0);
    bool last = --segment->users == 0;
    if (last && cache == NULL)
        close_files(segment);
    else if (last)
        segment_cache_keep(cache, segment, memory_of(segment));
    pthread_mutex_unlock(&segment->mutex);
    if (last && cache != NULL)
        segment_cache_trim(cache);
}

void
segment_close_unused(struct segment *segment)
{
    pthread_mutex_lock(&segment->mutex);
    if (segment->users == 0) {
        segment_cache_take(segment->cache, segment); /* it may be kept again by now */
        close_files(segment);
    }
    pthread_mutex_unlock(&segment->mutex);
}

struct segment_place
segment_column_place(const struct segment_column *column, uint32_t block, const char *part)
{
    struct segment_place place = { .column = column_name(column->entry.column), .part = part };

    if (part == NULL) {
        uint32_t unit = column->entry.codec == CODEC_TEXT ? BLOCK_ROWS : PAGE_ROWS;
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

static tally_status
table_load(struct segment_column *column, struct tally_error *error)
{
    struct segment_place place = segment_column_place(column, 0, "block table");
    struct buffer encoded = { 0 };
    tally_status status =
        segment_file_read(column->file, &column->entry.table, &place, &encoded, error);
    if (status != TALLY_OK)
        goto free_encoded;

    struct column_block *blocks = malloc(column->block_count * sizeof *blocks);
    if (blocks == NULL) {
        status = memory_fault(error);
        goto free_encoded;
    }
    struct tally_error inner;
    status = column_table_decode(&column->entry, buffer_view(&encoded), column->block_count, blocks,
                                 &inner);
    if (status == TALLY_OK) {
        column->blocks = blocks;
    } else {
        free(blocks);
        status = part_fault(column, "block table", status, &inner, error);
    }

free_encoded:
    buffer_free(&encoded);
    return status;
}

static struct segment_column *
column_of(struct segment *segment, unsigned column)
{
    for (unsigned half = 0; half < 2; half++)
        for (uint32_t i = 0; i < segment->directories[half].column_count; i++)
            if (segment->columns[half][i].entry.column == column)
                return &segment->columns[half][i];
    return NULL;
}

tally_status
segment_find_column(struct segment *segment, unsigned column,
                    const struct segment_column **column_out, struct tally_error *error)
{
    for (unsigned half = 0; half < 2; half++)
        if ((segment->directories[half].unsupported & FIELD_BIT(column)) != 0)
            return fault(error, TALLY_UNSUPPORTED,
                         "%s: column %.*s is stored in a way that this version does not know",
                         segment->files[half].name, BYTES_ARG(column_name(column)));

    struct segment_column *found = column_of(segment, column);
    if (found == NULL)
        return TALLY_ABSENT;

    pthread_mutex_lock(&segment->mutex);
    tally_status status = found->blocks == NULL ? table_load(found, error) : TALLY_OK;
    pthread_mutex_unlock(&segment->mutex);
    if (status == TALLY_OK)
        *column_out = found;
    return status;
}

static tally_status
dictionary_load(struct segment_column *column, struct codec_workspace *workspace,
                struct tally_error *error)
{
    struct segment_place place = segment_column_place(column, 0, "dictionary");
    struct buffer encoded = { 0 };
    tally_status status =
        segment_file_read(column->file, &column->entry.dictionary, &place, &encoded, error);
    if (status == TALLY_OK) {
        struct tally_error inner;
        status = dictionary_decode(workspace, buffer_view(&encoded), column->entry.dictionary_count,
                                   &column->dictionary, &inner);
        if (status != TALLY_OK)
            status = part_fault(column, "dictionary", status, &inner, error);
    }
    buffer_free(&encoded);
    return status;
}

static tally_status
primer_load(struct segment_column *column, struct tally_error *error)
{
    struct segment_place place = segment_column_place(column, 0, "primer");
    struct buffer bytes = { 0 };
    tally_status status =
        segment_file_read(column->file, &column->entry.primer, &place, &bytes, error);
    if (status == TALLY_OK) {
        struct tally_error inner;
        status = primer_create(buffer_view(&bytes), PRIMER_DECODE, &column->primer, &inner);
        if (status != TALLY_OK)
            status = part_fault(column, "primer", status, &inner, error);
    }
    buffer_free(&bytes);
    return status;
}

tally_status
segment_load_column(struct segment *segment, unsigned column, struct codec_workspace *workspace,
                    struct tally_error *error)
{
    struct segment_column *found = column_of(segment, column);
    tally_status status = TALLY_OK;

    pthread_mutex_lock(&segment->mutex);
    if (found->entry.codec == CODEC_CODES && found->dictionary == NULL)
        status = dictionary_load(found, workspace, error);
    else if (found->entry.codec == CODEC_TEXT && found->entry.primer.size > 0 &&
             found->primer == NULL)
        status = primer_load(found, error);
    pthread_mutex_unlock(&segment->mutex);
    return status;
}

tally_status
segment_column_read(const struct segment_column *column, uint32_t block, struct buffer *out,
                    struct tally_error *error)
{
    assert(block < column->block_count);
    struct segment_place place = segment_column_place(column, block, NULL);
    return segment_file_read(column->file, &column->blocks[block].block, &place, out, error);
}

uint64_t
segment_fields_private(const struct segment *segment)
{
    const struct segment_directory *directory = &segment->directories[HALF_PRIVATE];
    uint64_t mask = 0;
    for (uint32_t i = 0; i < directory->column_count; i++)
        if (directory->columns[i].column != COLUMN_SALT)
            mask |= FIELD_BIT(directory->columns[i].column);
    return mask;
}

const struct time_range *
segment_time_ranges(const struct segment *segment)
{
    return segment->directories[HALF_PUBLIC].ranges;
}

tally_status
segment_whole(const struct segment *segment, struct tally_error *error)
{
    for (unsigned half = 0; half < 2; half++)
        if (segment->directories[half].unknown[0] != '\0')
            return fault(error, TALLY_UNSUPPORTED,
                         "%s: has the column %s, which this version does not know",
                         segment->files[half].name, segment->directories[half].unknown);
    return TALLY_OK;
}

tally_status
segment_column_sizes(struct segment *segment, struct segment_column_size *sizes, size_t capacity,
                     size_t *count_out, struct tally_error *error)
{
    tally_status status = segment_use(segment, error);
    if (status != TALLY_OK)
        return status;

    size_t count = 0;
    for (unsigned half = 0; half < 2; half++) {
        const struct segment_directory *directory = &segment->directories[half];
        for (uint32_t i = 0; i < directory->column_count && count < capacity; i++) {
            const struct column_entry *entry = &directory->columns[i];
            sizes[count++] = (struct segment_column_size){
                .field = (enum field_id)entry->column,
                .codec = codec_name(entry->codec),
                .bytes = entry->dictionary.size + entry->primer.size + entry->pages_size +
                         entry->table.size,
            };
        }
    }
    segment_unuse(segment);
    *count_out = count;
    return TALLY_OK;
}

tally_status
segment_unlink_generation(struct disk *disk, const char *folder, uint64_t first,
                          uint32_t generation, struct tally_error *error)
{
    struct segment_identity identity = {
        .kind = SEGMENT_FILE_PRIVATE,
        .first = first,
        .generation = generation,
    };
    char name[SEGMENT_NAME_MAX];

    segment_file_name(folder, &identity, name);
    tally_status status = disk_unlink(disk, name, error);
    if (status != TALLY_OK && status != TALLY_ABSENT)
        return status;
    return segment_file_sync_folder(disk, folder, error);
}
