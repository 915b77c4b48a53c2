/*
 * segment_read.c - a segment's files, opened when they are used.
 *
 *     segment_open      nothing is read; the manifest has said what must be there
 *     segment_use       nothing is opened yet, but what will be stays until the last user is gone
 *     find_column       the half that the column is in is opened, and its block table read
 *     segment_unuse     last user: all closed and freed, or kept as it is by a cache
 *
 * Invariant: what a half or a column has once been given does not change until the last user is
 * gone, so it is read without the mutex by whoever got it under the mutex.
 */
#include "segment_read.h"

#include "fault.h"
#include "manifest.h"

#include <assert.h>
#include <stdlib.h>

tally_status
segment_open(const struct trail_place *place, const struct segment_info *info,
             struct segment **segment_out, struct tally_error *error)
{
    if (info->count == 0 || info->count > SEGMENT_ENTRIES_MAX)
        return fault(error, TALLY_DAMAGED, "%s/segments: a segment of %u entries cannot be",
                     place->folder, info->count);

    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        return memory_fault(error);
    segment->folder = strdup(place->folder);
    if (segment->folder == NULL || pthread_mutex_init(&segment->mutex, NULL) != 0) {
        free(segment->folder);
        free(segment);
        return memory_fault(error);
    }
    atomic_init(&segment->references, 1);
    memcpy(segment->tag, place->tag, SEGMENT_TAG_SIZE);
    segment->place = (struct trail_place){ place->disk, segment->folder, segment->tag };
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

/* Whether the manifest names a newer generation of the segment's private file by now. */
static bool
find_newer_generation(const struct segment *segment, struct segment_info *info)
{
    struct manifest manifest;
    if (manifest_read(segment->place.disk, segment->place.folder, &manifest, NULL) != TALLY_OK)
        return false;
    bool found = false;
    for (size_t i = 0; i < manifest.count && !found; i++) {
        const struct segment_info *newer = &manifest.segments[i];
        found = newer->first == info->first && newer->count == info->count &&
                newer->public_crc == info->public_crc && newer->generation > info->generation;
        if (found)
            *info = *newer;
    }
    manifest_free(&manifest);
    return found;
}

bool
segment_is_superseded(const struct segment *segment)
{
    struct segment_info info = segment->info;
    return find_newer_generation(segment, &info);
}

/* An erasure replaces the private file behind the back of whoever has the segment open. Files that
 * are open stay readable; a file that is opened only now may be gone, and its next generation is
 * what there is to read. */
static tally_status
half_open(struct segment *segment, enum field_half half, struct segment_input *input,
          struct tally_error *error)
{
    struct segment_info info = segment->info;
    tally_status status;
    do {
        status =
            segment_half_open(&segment->place, &info, half, input, &segment->halves[half], error);
    } while (status == TALLY_DAMAGED && half == HALF_PRIVATE &&
             find_newer_generation(segment, &info));
    return status;
}

tally_status
segment_get_half(struct segment *segment, enum field_half half, struct segment_input *input,
                 const struct segment_half **half_out, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    pthread_mutex_lock(&segment->mutex);
    assert(segment->users > 0);
    if (segment->halves[half] == NULL)
        status = half_open(segment, half, input, error);
    const struct segment_half *open = segment->halves[half];
    pthread_mutex_unlock(&segment->mutex);
    if (status == TALLY_OK)
        *half_out = open;
    return status;
}

static void
close_files(struct segment *segment)
{
    for (unsigned half = 0; half < 2; half++) {
        segment_half_close(segment->halves[half]);
        segment->halves[half] = NULL;
    }
    segment_index_close(&segment->index);
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

void
segment_use(struct segment *segment)
{
    pthread_mutex_lock(&segment->mutex);
    if (segment->users++ == 0 && segment->cache != NULL)
        segment_cache_take(segment->cache, segment);
    pthread_mutex_unlock(&segment->mutex);
}

struct segment_weight
segment_weigh(const struct segment *segment)
{
    struct segment_weight weight = { .memory = sizeof *segment };
    for (unsigned half = 0; half < 2; half++)
        if (segment->halves[half] != NULL)
            segment_half_weigh(segment->halves[half], &weight);
    if (segment->index.state == INDEX_OPEN)
        weight.files++;
    return weight;
}

void
segment_drop_dictionaries(struct segment *segment)
{
    assert(segment->users == 0);
    for (unsigned half = 0; half < 2; half++)
        if (segment->halves[half] != NULL)
            segment_half_drop_dictionaries(segment->halves[half]);
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
        segment_cache_keep(cache, segment, segment_weigh(segment));
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

/* The halves that a column may be in: a bit 1 << half. */
static unsigned
halves_of(unsigned column)
{
    if (column == COLUMN_SALT)
        return 1u << HALF_PRIVATE;
    if ((FIELDS_FIXED & FIELD_BIT(column)) != 0)
        return 1u << HALF_PUBLIC;
    return 1u << HALF_PUBLIC | 1u << HALF_PRIVATE;
}

static tally_status
column_of(struct segment *segment, enum field_half half, unsigned column,
          struct segment_column **column_out, struct tally_error *error)
{
    struct segment_half *open = segment->halves[half];
    if ((open->directory.unsupported & FIELD_BIT(column)) != 0)
        return fault(error, TALLY_UNSUPPORTED,
                     "%s: column %.*s is stored in a way that this version does not know",
                     open->file.name, BYTES_ARG(column_name(column)));
    struct segment_column *found = segment_half_column(open, column);
    if (found == NULL)
        return TALLY_ABSENT;
    *column_out = found;
    return TALLY_OK;
}

/* Looks through the halves that are open, and only then through one that is to be opened for it.
 * Under the mutex. */
static tally_status
column_find(struct segment *segment, unsigned column, struct segment_input *input,
            struct segment_column **column_out, struct tally_error *error)
{
    unsigned halves = halves_of(column);
    tally_status status = TALLY_ABSENT;
    for (unsigned half = 0; half < 2 && status == TALLY_ABSENT; half++) {
        if ((halves & 1u << half) == 0 || segment->halves[half] == NULL)
            continue;
        halves &= ~(1u << half);
        status = column_of(segment, (enum field_half)half, column, column_out, error);
    }
    for (unsigned half = 0; half < 2 && status == TALLY_ABSENT; half++) {
        if ((halves & 1u << half) == 0)
            continue;
        status = half_open(segment, (enum field_half)half, input, error);
        if (status == TALLY_OK)
            status = column_of(segment, (enum field_half)half, column, column_out, error);
    }
    return status;
}

tally_status
segment_find_column(struct segment *segment, unsigned column, struct segment_input *input,
                    struct segment_column **column_out, struct tally_error *error)
{
    struct segment_column *found;
    pthread_mutex_lock(&segment->mutex);
    tally_status status = column_find(segment, column, input, &found, error);
    if (status == TALLY_OK)
        status = segment_column_load_table(found, input, error);
    pthread_mutex_unlock(&segment->mutex);
    if (status == TALLY_OK)
        *column_out = found;
    return status;
}

tally_status
segment_load_column(struct segment *segment, struct segment_column *column,
                    enum segment_dictionary what, struct codec_workspace *workspace,
                    struct segment_input *input, const struct dictionary **dictionary_out,
                    struct tally_error *error)
{
    pthread_mutex_lock(&segment->mutex);
    tally_status status = segment_column_load(column, workspace, input, error);
    if (status == TALLY_OK && what == SEGMENT_DICTIONARY_WHOLE &&
        column->entry.codec == CODEC_CODES)
        status = segment_column_load_dictionary(column, workspace, input, error);
    const struct dictionary_copy *copy = column->dictionary;
    pthread_mutex_unlock(&segment->mutex);
    if (status == TALLY_OK)
        *dictionary_out = copy == NULL ? NULL : dictionary_copy_view(copy);
    return status;
}

void
segment_prefetch_row(struct segment *segment, uint32_t row)
{
    pthread_mutex_lock(&segment->mutex);
    for (unsigned half = 0; half < 2; half++)
        if (segment->halves[half] != NULL)
            segment_half_prefetch_row(segment->halves[half], row);
    pthread_mutex_unlock(&segment->mutex);
}

tally_status
segment_fields_private(struct segment *segment, struct segment_input *input, uint64_t *fields_out,
                       struct tally_error *error)
{
    const struct segment_half *half;
    tally_status status = segment_get_half(segment, HALF_PRIVATE, input, &half, error);
    if (status != TALLY_OK)
        return status;
    uint64_t mask = 0;
    for (uint32_t i = 0; i < half->directory.column_count; i++)
        if (half->columns[i].entry.column != COLUMN_SALT)
            mask |= FIELD_BIT(half->columns[i].entry.column);
    *fields_out = mask;
    return TALLY_OK;
}

tally_status
segment_time_ranges(struct segment *segment, struct segment_input *input,
                    const struct time_range **ranges_out, struct tally_error *error)
{
    const struct segment_half *half;
    tally_status status = segment_get_half(segment, HALF_PUBLIC, input, &half, error);
    if (status == TALLY_OK)
        *ranges_out = half->directory.ranges;
    return status;
}

tally_status
segment_whole(struct segment *segment, struct segment_input *input, struct tally_error *error)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct segment_half *half;
        tally_status status = segment_get_half(segment, (enum field_half)i, input, &half, error);
        if (status != TALLY_OK)
            return status;
        if (half->directory.unknown[0] != '\0')
            return fault(error, TALLY_UNSUPPORTED,
                         "%s: has the column %s, which this version does not know", half->file.name,
                         half->directory.unknown);
    }
    return TALLY_OK;
}

/* Adds those of one half; what there is no room for is left out. */
static size_t
half_sizes(const struct segment_half *half, struct segment_column_size *sizes, size_t capacity)
{
    size_t count = 0;
    for (uint32_t i = 0; i < half->directory.column_count && count < capacity; i++) {
        const struct column_entry *entry = &half->columns[i].entry;
        sizes[count++] = (struct segment_column_size){
            .field = (enum field_id)entry->column,
            .codec = codec_name(entry->codec),
            .bytes = entry->dictionary.size + entry->dictionary_table.size + entry->primer.size +
                     entry->pages_size + entry->table.size,
        };
    }
    return count;
}

tally_status
segment_column_sizes(struct segment *segment, struct segment_column_size *sizes, size_t capacity,
                     size_t *count_out, struct tally_error *error)
{
    struct segment_input input = { 0 };
    tally_status status = TALLY_OK;
    size_t count = 0;
    segment_use(segment);
    for (unsigned i = 0; i < 2 && status == TALLY_OK; i++) {
        const struct segment_half *half;
        status = segment_get_half(segment, (enum field_half)i, &input, &half, error);
        if (status == TALLY_OK)
            count += half_sizes(half, sizes + count, capacity - count);
    }
    segment_unuse(segment);
    buffer_free(&input.bytes);
    if (status == TALLY_OK)
        *count_out = count;
    return status;
}
