/*
 * segment_find.c - ids, tokens, words and counts of a segment, through its index file or without it.
 *
 * The index is opened when it is first asked and stays open as long as the segment's files do. Where
 * it is missing or damaged, in whole or in the part that is asked, the columns tell, or nothing is
 * ruled out: an index changes how long an answer takes, never the answer.
 */
#include "fault.h"
#include "run_column.h"
#include "segment_read.h"

#include <stdlib.h>

/* The filter from the ids themselves, where the index file cannot be used. */
static tally_status
filter_from_column(struct segment *segment, struct id_filter *filter_out, struct tally_error *error)
{
    struct run run = segment_run(segment);
    struct run_reader *reader;
    struct id_index index = { 0 };
    struct id_filter filter;
    uint64_t *hashes = malloc(run.count * sizeof *hashes);
    if (hashes == NULL)
        return memory_fault(error);

    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        goto free_hashes;
    status = run_id_hashes(reader, hashes, error);
    run_reader_destroy(reader);
    if (status == TALLY_OK)
        status = id_index_build(&index, hashes, run.count, error);
    if (status == TALLY_OK)
        status = id_filter_init(&filter, run.count, error);
    if (status == TALLY_OK) {
        id_filter_fill_all(&filter, &index);
        *filter_out = filter;
    }
    id_index_free(&index);

free_hashes:
    free(hashes);
    return status;
}

static tally_status
filter_load(struct segment *segment, struct id_filter *filter_out, struct tally_error *error)
{
    struct segment_index index;
    struct segment_input input = { 0 };
    tally_status status =
        segment_index_open(&segment->place, &segment->info, &input, &index, error);
    buffer_free(&input.bytes);
    if (status == TALLY_OK) {
        status = index.ids.there ? index_ids_filter(&index.ids, &index.file, filter_out, error)
                                 : TALLY_DAMAGED;
        segment_index_close(&index);
    }
    /* Damage of the file is no reason to miss an id, nor to stop recording. */
    if (status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED)
        status = filter_from_column(segment, filter_out, error);
    return status;
}

tally_status
segment_probe_ids(struct segment *segment, const uint64_t *id_hashes, size_t count, bool *hits,
                  struct tally_error *error)
{
    pthread_mutex_lock(&segment->mutex);
    bool loaded = segment->filter.starts != NULL;
    pthread_mutex_unlock(&segment->mutex);

    if (!loaded) {
        struct id_filter filter;
        tally_status status = filter_load(segment, &filter, error);
        if (status != TALLY_OK)
            return status;
        pthread_mutex_lock(&segment->mutex);
        if (segment->filter.starts == NULL)
            segment->filter = filter;
        else
            id_filter_free(&filter);
        pthread_mutex_unlock(&segment->mutex);
    }
    id_filter_probe(&segment->filter, id_hashes, count, hits);
    return TALLY_OK;
}

uint64_t
segment_id_hash(struct bytes id)
{
    return id_hash(id);
}

/* The segment's own index, opened by whoever needs it first. TALLY_ABSENT where it cannot be used. */
static tally_status
index_use(struct segment *segment, struct segment_input *input,
          const struct segment_index **index_out, struct tally_error *error)
{
    struct segment_index *index = &segment->index;
    tally_status status = TALLY_OK;

    pthread_mutex_lock(&segment->mutex);
    if (index->state == INDEX_CLOSED) {
        status = segment_index_open(&segment->place, &segment->info, input, index, error);
        if (status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED) {
            index->state = INDEX_UNUSABLE;
            status = TALLY_OK;
        }
    }
    bool usable = index->state == INDEX_OPEN;
    pthread_mutex_unlock(&segment->mutex);

    if (status != TALLY_OK)
        return status;
    if (!usable)
        return TALLY_ABSENT;
    *index_out = index;
    return TALLY_OK;
}

tally_status
segment_find_bucket(struct segment *segment, uint64_t hash, struct segment_input *input,
                    uint32_t *rows_out, struct tally_error *error)
{
    const struct segment_index *index;
    tally_status status = index_use(segment, input, &index, error);
    if (status != TALLY_OK)
        return status;
    if (!index->ids.there)
        return TALLY_ABSENT;
    status = index_ids_bucket(&index->ids, &index->file, hash, input, rows_out, error);
    return status == TALLY_DAMAGED ? TALLY_ABSENT : status;
}

/* Adds the places of one token. TALLY_ABSENT where the section that would tell is not there. */
static tally_status
find_token(const struct segment_index *index, const struct token_sought *sought,
           struct segment_input *input, struct places *places, struct tally_error *error)
{
    uint64_t pages = 0;
    tally_status status = TALLY_ABSENT;
    if (index->members.there && (index->members.covered & FIELD_BIT(sought->field)) != 0)
        return index_members_find(&index->members, &index->file, sought->token, input, places,
                                  error);
    if (sought->field == FIELD_ID && index->ids.there)
        status = index_ids_pages(&index->ids, &index->file, sought->token, input, &pages, error);
    else if (index->bloom.there)
        status = index_bloom_probe(&index->bloom, &index->file, sought, input, &pages, error);
    places_add_pages(places, pages);
    return status;
}

tally_status
segment_find_tokens(struct segment *segment, const struct token_sought *tokens, size_t count,
                    struct segment_input *input, struct places *places_out,
                    struct tally_error *error)
{
    const struct segment_index *index;
    struct places found = { 0 };
    if (segment->info.count > PLACES_PAGES * PAGE_ROWS)
        return TALLY_ABSENT;
    tally_status status = index_use(segment, input, &index, error);
    for (size_t i = 0; i < count && status == TALLY_OK; i++)
        status = find_token(index, &tokens[i], input, &found, error);
    if (status == TALLY_OK)
        *places_out = found;
    return status == TALLY_DAMAGED ? TALLY_ABSENT : status;
}

tally_status
segment_find_words(struct segment *segment, struct segment_input *input,
                   struct word_index *words_out, struct tally_error *error)
{
    const struct segment_index *index;
    tally_status status = index_use(segment, input, &index, error);
    if (status != TALLY_OK)
        return status;
    if (!index->words.there)
        return TALLY_ABSENT;
    status = index_words_read(&index->words, &index->file, input, words_out, error);
    return status == TALLY_DAMAGED ? TALLY_ABSENT : status;
}

tally_status
segment_find_counts(struct segment *segment, enum field_id field, struct segment_input *input,
                    struct counts_room *room, struct counts_found *found_out,
                    struct tally_error *error)
{
    const struct segment_index *index;
    tally_status status = index_use(segment, input, &index, error);
    if (status != TALLY_OK)
        return status;
    if (!index->counts.there)
        return TALLY_ABSENT;
    status = index_counts_find(&index->counts, &index->file, field, input, room, found_out, error);
    return status == TALLY_DAMAGED ? TALLY_ABSENT : status;
}

tally_status
segment_find_periods(struct segment *segment, struct segment_input *input, struct counts_room *room,
                     struct counts_periods *periods_out, struct tally_error *error)
{
    const struct segment_index *index;
    tally_status status = index_use(segment, input, &index, error);
    if (status != TALLY_OK)
        return status;
    if (!index->counts.there)
        return TALLY_ABSENT;
    status = index_counts_periods(&index->counts, &index->file, input, room, periods_out, error);
    return status == TALLY_DAMAGED ? TALLY_ABSENT : status;
}

tally_status
segment_rebuild_index(const struct trail_place *place, const struct segment_info *info,
                      struct segment_info *info_out, struct tally_error *error)
{
    struct segment *segment;
    struct segment_info rebuilt = *info;
    tally_status status = segment_open(place, info, &segment, error);
    if (status != TALLY_OK)
        return status;

    struct run run = segment_run(segment);
    struct run_reader *reader;
    status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        goto release_segment;
    status = segment_index_write(place, reader, &rebuilt, error);
    run_reader_destroy(reader);
    if (status == TALLY_OK)
        status = segment_file_sync_folder(place, error);
    if (status == TALLY_OK)
        *info_out = rebuilt;

release_segment:
    segment_release(segment);
    return status;
}
