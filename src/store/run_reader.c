/*
 * run_reader.c - a reader of a run, from its making to its end.
 *
 * Who looks for what is rare reads one row here and one there, each of another segment and so by
 * another reader. Making one would cost as much as the row: some seventy pieces of memory, all of
 * them new and in no cache of the processor. So a segment's reader that has come to its end leaves
 * its memory to the next one, whatever segment that is of: what it decodes with, and the room for
 * what it reads and decodes. The segments' cache keeps it meanwhile (segment_cache.h).
 *
 * Invariant: nothing but room is left. What a reader knew of its run is forgotten when it ends, and
 * a reader that begins has read nothing.
 */
#include "run_reader.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

/* A reader that took more room than this (it decoded whole pages) leaves none of it. */
#define ROOM_KEPT_MAX ((size_t)1 << 20)

/* Begins with a run; of what the reader had before only the room is left. */
static void
reader_begin(struct run_reader *reader, const struct run *run)
{
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        struct run_column *column = &reader->columns[i];
        *column = (struct run_column){
            .decoder = column->decoder,
            .ahead.input.bytes = column->ahead.input.bytes,
            .page = NO_PAGE,
            .coded_page = NO_PAGE,
            .strip_block = NO_BLOCK,
            .chunk_picked = NO_CHUNK,
            .picked = column->picked,
        };
    }
    reader->run = *run;
    reader->meter = (struct run_meter){ 0 };
    reader->input.meter = &reader->meter;
    reader->bucket.meter = &reader->meter;
    reader->words = (struct run_words){ .input.meter = &reader->meter };
    reader->tokens = (struct run_tokens){ 0 };
    reader->tokens_pages = 0;
    reader->times_page = NO_PAGE;
    reader->group = NO_GROUP;
    reader->next_row = NO_ROW;
    reader->private_known = false;
    reader->parts_count = 0;
}

/* Lets go of all that is not room for the next run's. */
static void
reader_end(struct run_reader *reader)
{
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        run_forget_chunks(&reader->columns[i]);
    free(reader->group_values);
    reader->group_values = NULL;
    buffer_free(&reader->public_parts);
    buffer_free(&reader->private_parts);
    if (reader->counts != NULL)
        counts_room_finish(reader->counts);
    free(reader->counts);
    reader->counts = NULL;
    buffer_free(&reader->words.input.bytes);
    run_tokens_forget(reader);
    reader->token_walk = NULL;
}

static size_t
room_size(const struct run_reader *reader)
{
    size_t size = reader->input.bytes.capacity + reader->bucket.bytes.capacity;
    if (reader->times != NULL)
        size += PAGE_ROWS * sizeof *reader->times;
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        size += reader->columns[i].ahead.input.bytes.capacity + reader->columns[i].picked.capacity +
                page_decoder_memory(reader->columns[i].decoder);
    return size;
}

static void
room_free(struct run_reader *reader)
{
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        page_decoder_destroy(reader->columns[i].decoder);
        reader->columns[i].decoder = NULL;
        buffer_free(&reader->columns[i].ahead.input.bytes);
        buffer_free(&reader->columns[i].picked);
    }
    free(reader->times);
    reader->times = NULL;
    buffer_free(&reader->input.bytes);
    buffer_free(&reader->bucket.bytes);
}

void
run_reader_free(struct run_reader *reader)
{
    room_free(reader);
    codec_workspace_destroy(reader->workspace);
    free(reader);
}

static tally_status
reader_make(const struct run *run, struct run_reader **reader_out, struct tally_error *error)
{
    struct run_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return memory_fault(error);
    if (run->segment != NULL) {
        tally_status status = codec_workspace_create(&reader->workspace, error);
        if (status != TALLY_OK) {
            free(reader);
            return status;
        }
    }
    *reader_out = reader;
    return TALLY_OK;
}

tally_status
run_reader_create(const struct run *run, struct run_reader **reader_out, struct tally_error *error)
{
    assert((run->head == NULL) != (run->segment == NULL) && run->count > 0);
    struct run_reader *reader = NULL;
    if (run->segment != NULL)
        reader = segment_cache_borrow(run->segment->cache);
    tally_status status = reader == NULL ? reader_make(run, &reader, error) : TALLY_OK;
    if (status != TALLY_OK)
        return status;
    reader_begin(reader, run);
    if (run->segment != NULL)
        segment_use(run->segment);
    *reader_out = reader;
    return TALLY_OK;
}

void
run_reader_destroy(struct run_reader *reader)
{
    if (reader == NULL)
        return;
    struct segment *segment = reader->run.segment;
    reader_end(reader);
    if (segment == NULL) {
        run_reader_free(reader);
        return;
    }
    if (room_size(reader) > ROOM_KEPT_MAX)
        room_free(reader);
    segment_cache_return(segment->cache, reader);
    segment_unuse(segment);
}

const struct run *
run_of(const struct run_reader *reader)
{
    return &reader->run;
}

const struct run_meter *
run_meter(const struct run_reader *reader)
{
    return &reader->meter;
}
