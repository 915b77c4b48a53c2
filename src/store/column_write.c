/*
 * column_write.c - one column of a segment: its pages into blocks.
 *
 * Look at all pages once (which codec suits, which codes are in use), write dictionary or primer,
 * then page after page, then the block table. A block goes into the writer's buffer as soon as it
 * is encoded, so memory is one page, one dictionary and the buffer, whatever the segment's size.
 *
 * A primer is what the texts of a column have in common; it is made from a sample of them, spread
 * evenly over the column: single values, and strips as they will be compressed.
 */
#include "column_write.h"

#include "arena.h"
#include "dictionary.h"
#include "fault.h"

#include <stdlib.h>

/* A primer is made from so many values and strips at most, and so much of each value. */
#define SAMPLE_VALUES     4096u
#define SAMPLE_STRIPS     64u
#define SAMPLE_VALUE_SIZE 4096u

/* The column being written. */
struct column_job {
    struct column_tools tools;
    uint32_t page_count;
    struct column_entry entry;
    struct dictionary dictionary;
    struct column_profile profile;
    uint8_t *used; /* by code: some row has it */
    struct dictionary_order order;
    struct primer *primer;
    struct column_block *blocks;
    uint32_t block_count;
};

static tally_status
job_page(struct column_job *job, uint32_t number, struct page *page_out, struct tally_error *error)
{
    tally_status status =
        run_column_page(job->tools.source->reader, job->entry.column, number, page_out, error);
    if (status == TALLY_OK && job->tools.source->erasure != NULL)
        status =
            erasure_apply(job->tools.source->erasure, job->entry.column, number, page_out, error);
    return status;
}

/* First look: what the pages hold and which codes are in use. */
static tally_status
job_survey(struct column_job *job, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (job->entry.column != COLUMN_SALT)
        status = run_column_dictionary(job->tools.source->reader, job->entry.column,
                                       &job->dictionary, error);
    if (status != TALLY_OK)
        return status;
    job->used = calloc(job->dictionary.count + 1, 1);
    if (job->used == NULL)
        return memory_fault(error);

    for (uint32_t number = 0; number < job->page_count; number++) {
        struct page page;
        status = job_page(job, number, &page, error);
        if (status != TALLY_OK)
            return status;
        bool codes = page.kind == PAGE_CODES;
        column_profile_add(&job->profile, &page, codes ? &job->dictionary : NULL);
        for (uint32_t row = 0; codes && row < page.rows; row++)
            job->used[page.codes[row]] = 1;
    }
    return TALLY_OK;
}

/* Appends a block to the file; nothing is a block of size 0. */
static tally_status
job_block(struct column_job *job, struct segment_block *block_out, struct tally_error *error)
{
    if (buffer_failed(job->tools.encoded))
        return memory_fault(error);
    tally_status status =
        segment_writer_block(job->tools.writer, buffer_view(job->tools.encoded), block_out, error);
    buffer_clear(job->tools.encoded);
    return status;
}

static tally_status
job_dictionary(struct column_job *job, struct tally_error *error)
{
    struct buffer table = { 0 };
    tally_status status = dictionary_sort(&job->dictionary, job->used, &job->order, error);
    if (status == TALLY_OK)
        status = dictionary_encode(job->tools.workspace, &job->dictionary, &job->order,
                                   job->tools.encoded, &table, error);
    if (status == TALLY_OK)
        status = job_block(job, &job->entry.dictionary, error);
    if (status == TALLY_OK)
        status = segment_writer_block(job->tools.writer, buffer_view(&table),
                                      &job->entry.dictionary_table, error);
    job->entry.dictionary_count = job->order.count;
    buffer_free(&table);
    return status;
}

/* Copies of values, and of strips, evenly spread over the column. */
struct sample {
    struct arena arena;
    struct bytes values[SAMPLE_VALUES];
    size_t value_count;
    struct bytes strips[SAMPLE_STRIPS * BLOCK_ROWS];
    uint32_t strip_rows;
    size_t strip_count;
};

static tally_status
sample_copy(struct column_job *job, const struct page *page, uint32_t row, struct sample *sample,
            struct bytes *value_out, struct tally_error *error)
{
    char text[PAGE_TEXT_MAX];
    struct bytes value =
        page_value(page, &job->dictionary, column_hint(job->entry.column), row, text);
    if (value.data != NULL) {
        value.size = value.size < SAMPLE_VALUE_SIZE ? value.size : SAMPLE_VALUE_SIZE;
        value = arena_copy(&sample->arena, value);
        if (value.data == NULL)
            return memory_fault(error);
    }
    *value_out = value;
    return TALLY_OK;
}

/* Every stride-th value of a page. */
static tally_status
sample_values(struct column_job *job, const struct page *page, uint32_t stride,
              struct sample *sample, struct tally_error *error)
{
    for (uint32_t row = 0; row < page->rows && sample->value_count < SAMPLE_VALUES; row += stride) {
        struct bytes value;
        tally_status status = sample_copy(job, page, row, sample, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL)
            sample->values[sample->value_count++] = value;
    }
    return TALLY_OK;
}

/* A strip of a page. */
static tally_status
sample_strip(struct column_job *job, const struct page *page, uint32_t first, struct sample *sample,
             struct tally_error *error)
{
    struct bytes *strip = sample->strips + sample->strip_count * sample->strip_rows;
    for (uint32_t i = 0; i < sample->strip_rows; i++) {
        tally_status status = sample_copy(job, page, first + i, sample, &strip[i], error);
        if (status != TALLY_OK)
            return status;
    }
    sample->strip_count++;
    return TALLY_OK;
}

/* Whole strips of a page, so many that all pages have about the same. */
static tally_status
sample_strips(struct column_job *job, const struct page *page, uint32_t number,
              struct sample *sample, struct tally_error *error)
{
    uint32_t wanted = SAMPLE_STRIPS * (number + 1) / job->page_count;
    uint32_t step = PAGE_ROWS / SAMPLE_STRIPS;
    step = step > sample->strip_rows ? step : sample->strip_rows;
    tally_status status = TALLY_OK;
    for (uint32_t first = 0; status == TALLY_OK && sample->strip_count < wanted &&
                             first + sample->strip_rows <= page->rows;
         first += step)
        status = sample_strip(job, page, first, sample, error);
    return status;
}

static tally_status
job_sample(struct column_job *job, struct sample *sample, struct tally_error *error)
{
    uint32_t present = job->profile.rows - job->profile.absent;
    uint32_t stride = present / SAMPLE_VALUES + 1;

    sample->strip_rows = text_strip_rows(job->profile.text_size, job->profile.rows);
    for (uint32_t number = 0; number < job->page_count; number++) {
        struct page page;
        tally_status status = job_page(job, number, &page, error);
        if (status == TALLY_OK)
            status = sample_values(job, &page, stride, sample, error);
        if (status == TALLY_OK)
            status = sample_strips(job, &page, number, sample, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
job_primer(struct column_job *job, struct tally_error *error)
{
    struct sample *sample = calloc(1, sizeof *sample);
    if (sample == NULL)
        return memory_fault(error);

    tally_status status = job_sample(job, sample, error);
    const struct primer_sample from = {
        .values = sample->values,
        .value_count = sample->value_count,
        .strips = sample->strips,
        .strip_rows = sample->strip_rows,
        .strip_count = sample->strip_count,
    };
    if (status == TALLY_OK)
        status = primer_make(&job->profile, &from, job->tools.encoded, error);
    arena_finish(&sample->arena);
    free(sample);
    if (status == TALLY_OK)
        status = primer_create(buffer_view(job->tools.encoded), PRIMER_ENCODE, &job->primer, error);
    else if (status == TALLY_ABSENT)
        status = TALLY_OK; /* the block is empty */
    if (status != TALLY_OK)
        return status;
    return job_block(job, &job->entry.primer, error);
}

/* What is written of a page without values, whatever its codec makes of it. */
static struct page_summary
summary_stored(struct page_summary summary, uint32_t size)
{
    if (size == 0)
        return (struct page_summary){ .known = true, .kind = PAGE_ABSENT };
    return summary;
}

static tally_status
job_page_write(struct column_job *job, const struct page_source *source, uint32_t number,
               struct tally_error *error)
{
    struct column_block *block = &job->blocks[number];
    enum field_column hint = column_hint(job->entry.column);
    tally_status status = codec_encode_page(job->tools.workspace, job->entry.codec, hint, source,
                                            job->tools.encoded, &block->summary, error);
    if (status != TALLY_OK)
        return status;
    block->summary = summary_stored(block->summary, (uint32_t)job->tools.encoded->size);
    return job_block(job, &block->block, error);
}

/* Encodes block `i` of a page. */
static tally_status
job_block_encode(struct column_job *job, const struct page_source *source, uint32_t i,
                 struct tally_error *error)
{
    enum field_column hint = column_hint(job->entry.column);
    if (job->entry.codec == CODEC_TEXT)
        return codec_encode_block(job->tools.workspace, hint, source, i, job->primer,
                                  job->tools.encoded, error);

    struct page_exception room[BLOCK_ROWS];
    struct page slice;
    struct page_summary summary;
    struct page_source part = *source;
    page_slice(source->page, i * BLOCK_ROWS, room, &slice);
    part.page = &slice;
    return codec_encode_page(job->tools.workspace, job->entry.codec, hint, &part,
                             job->tools.encoded, &summary, error);
}

static tally_status
job_blocks_write(struct column_job *job, const struct page_source *source, uint32_t number,
                 struct tally_error *error)
{
    for (uint32_t i = 0; i * BLOCK_ROWS < source->page->rows; i++) {
        tally_status status = job_block_encode(job, source, i, error);
        if (status != TALLY_OK)
            return status;
        struct column_block *block = &job->blocks[number * (PAGE_ROWS / BLOCK_ROWS) + i];
        status = job_block(job, &block->block, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
job_pages(struct column_job *job, struct tally_error *error)
{
    for (uint32_t number = 0; number < job->page_count; number++) {
        struct page page;
        tally_status status = job_page(job, number, &page, error);
        if (status != TALLY_OK)
            return status;
        struct page_source source = {
            .page = &page,
            .dictionary = page.kind == PAGE_CODES ? &job->dictionary : NULL,
            .remap = job->entry.codec == CODEC_CODES ? job->order.remap : NULL,
        };
        if (codec_unit(job->entry.codec) == BLOCK_ROWS)
            status = job_blocks_write(job, &source, number, error);
        else
            status = job_page_write(job, &source, number, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

/* Everything of a column that has values, in the order it stands in the file. */
static tally_status
job_write(struct column_job *job, struct tally_error *error)
{
    uint64_t start = segment_writer_offset(job->tools.writer);
    tally_status status = TALLY_OK;

    /* Salts are 16 raw bytes, or 32 where erased, however many are. */
    job->entry.codec = job->entry.column == COLUMN_SALT
                           ? CODEC_IDS
                           : codec_choose(column_hint(job->entry.column), &job->profile);
    job->entry.dictionary.offset = start;
    if (job->entry.codec == CODEC_CODES)
        status = job_dictionary(job, error);
    else if (job->entry.codec == CODEC_TEXT)
        status = job_primer(job, error);
    if (status != TALLY_OK)
        return status;

    job->block_count = column_block_count(job->entry.codec, job->profile.rows);
    job->blocks = calloc(job->block_count, sizeof *job->blocks);
    if (job->blocks == NULL)
        return memory_fault(error);
    job->entry.pages_offset = segment_writer_offset(job->tools.writer);
    status = job_pages(job, error);
    if (status != TALLY_OK)
        return status;
    job->entry.pages_size = segment_writer_offset(job->tools.writer) - job->entry.pages_offset;
    if (job->entry.pages_size > UINT32_MAX)
        return fault(error, TALLY_INVALID, "%s: a column takes more than 4 GiB",
                     job->tools.writer->name);

    column_table_encode(job->entry.codec, job->blocks, job->block_count, job->tools.encoded);
    return job_block(job, &job->entry.table, error);
}

static void
job_finish(struct column_job *job)
{
    free(job->used);
    dictionary_order_free(&job->order);
    primer_destroy(job->primer);
    free(job->blocks);
}

tally_status
column_write(const struct column_tools *tools, unsigned column, struct segment_directory *directory,
             struct tally_error *error)
{
    struct column_job job = {
        .tools = *tools,
        .page_count = run_page_count(run_of(tools->source->reader)),
        .entry.column = column,
    };

    tally_status status = job_survey(&job, error);
    if (status == TALLY_OK && job.profile.absent < job.profile.rows) {
        status = job_write(&job, error);
        if (status == TALLY_OK)
            directory->columns[directory->column_count++] = job.entry;
    }
    job_finish(&job);
    return status;
}
