/*
 * segment_write.c - sealing: a frozen head into three files.
 *
 * Column by column: look at all pages once (which codec suits, which codes are in use), write
 * dictionary or primer, then page after page, then the block table. A block goes into the writer's
 * buffer as soon as it is encoded, so memory is one page, one dictionary and the buffer, whatever
 * the segment's size. Two threads write two of the files each where that is wanted, with a reader and
 * a workspace each: they share nothing but the head, which is frozen.
 *
 * Nothing refers to the files before the manifest does, and that is written after they and their
 * names are synced. A crash before leaves remnants, replaced by the next seal of the same entries.
 */
#include "segment_write.h"

#include "arena.h"
#include "dictionary.h"
#include "fault.h"
#include "meanwhile.h"
#include "segment_index.h"
#include "segment_read.h"

#include <assert.h>
#include <stdlib.h>

/* A primer is made from so many values and strips at most, and so much of each value. */
#define SAMPLE_VALUES     4096u
#define SAMPLE_STRIPS     64u
#define SAMPLE_VALUE_SIZE 4096u

/* The column being written. */
struct column_job {
    struct segment_writer *writer;
    const struct half_source *source;
    struct codec_workspace *workspace;
    struct buffer *encoded;
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
        run_column_page(job->source->reader, job->entry.column, number, page_out, error);
    if (status == TALLY_OK && job->source->erasure != NULL)
        status = erasure_apply(job->source->erasure, job->entry.column, number, page_out, error);
    return status;
}

/* First look: what the pages hold and which codes are in use. */
static tally_status
job_survey(struct column_job *job, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (job->entry.column != COLUMN_SALT)
        status =
            run_column_dictionary(job->source->reader, job->entry.column, &job->dictionary, error);
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
    if (buffer_failed(job->encoded))
        return memory_fault(error);
    tally_status status =
        segment_writer_block(job->writer, buffer_view(job->encoded), block_out, error);
    buffer_clear(job->encoded);
    return status;
}

static tally_status
job_dictionary(struct column_job *job, struct tally_error *error)
{
    struct buffer table = { 0 };
    tally_status status = dictionary_sort(&job->dictionary, job->used, &job->order, error);
    if (status == TALLY_OK)
        status = dictionary_encode(job->workspace, &job->dictionary, &job->order, job->encoded,
                                   &table, error);
    if (status == TALLY_OK)
        status = job_block(job, &job->entry.dictionary, error);
    if (status == TALLY_OK)
        status = segment_writer_block(job->writer, buffer_view(&table),
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
        status = primer_make(&job->profile, &from, job->encoded, error);
    arena_finish(&sample->arena);
    free(sample);
    if (status == TALLY_OK)
        status = primer_create(buffer_view(job->encoded), PRIMER_ENCODE, &job->primer, error);
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
    tally_status status = codec_encode_page(job->workspace, job->entry.codec, hint, source,
                                            job->encoded, &block->summary, error);
    if (status != TALLY_OK)
        return status;
    block->summary = summary_stored(block->summary, (uint32_t)job->encoded->size);
    return job_block(job, &block->block, error);
}

/* Encodes block `i` of a page. */
static tally_status
job_block_encode(struct column_job *job, const struct page_source *source, uint32_t i,
                 struct tally_error *error)
{
    enum field_column hint = column_hint(job->entry.column);
    if (job->entry.codec == CODEC_TEXT)
        return codec_encode_block(job->workspace, hint, source, i, job->primer, job->encoded,
                                  error);

    struct page_exception room[BLOCK_ROWS];
    struct page slice;
    struct page_summary summary;
    struct page_source part = *source;
    page_slice(source->page, i * BLOCK_ROWS, room, &slice);
    part.page = &slice;
    return codec_encode_page(job->workspace, job->entry.codec, hint, &part, job->encoded, &summary,
                             error);
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
    uint64_t start = segment_writer_offset(job->writer);
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
    job->entry.pages_offset = segment_writer_offset(job->writer);
    status = job_pages(job, error);
    if (status != TALLY_OK)
        return status;
    job->entry.pages_size = segment_writer_offset(job->writer) - job->entry.pages_offset;
    if (job->entry.pages_size > UINT32_MAX)
        return fault(error, TALLY_INVALID, "%s: a column takes more than 4 GiB", job->writer->name);

    column_table_encode(job->entry.codec, job->blocks, job->block_count, job->encoded);
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

/* Writes a column and adds it to the directory; one without values is left out. */
static tally_status
column_write(const struct column_job *common, unsigned column, struct segment_directory *directory,
             struct tally_error *error)
{
    struct column_job job = *common;
    job.entry.column = column;

    tally_status status = job_survey(&job, error);
    if (status == TALLY_OK && job.profile.absent < job.profile.rows) {
        status = job_write(&job, error);
        if (status == TALLY_OK)
            directory->columns[directory->column_count++] = job.entry;
    }
    job_finish(&job);
    return status;
}

static bool
half_has(const struct half_source *source, uint64_t fields_private, unsigned column)
{
    if (column == COLUMN_SALT)
        return source->half == HALF_PRIVATE;
    if (column == FIELD_PRIVATE)
        return false;
    bool private = (fields_private & FIELD_BIT(column)) != 0;
    return private == (source->half == HALF_PRIVATE);
}

static tally_status
ranges_make(const struct half_source *source, struct segment_directory *directory,
            struct tally_error *error)
{
    if (source->half == HALF_PRIVATE)
        return TALLY_OK;

    uint32_t count = run_page_count(run_of(source->reader));
    directory->ranges = malloc(count * sizeof *directory->ranges);
    if (directory->ranges == NULL)
        return memory_fault(error);
    directory->range_count = count;
    for (uint32_t page = 0; page < count; page++) {
        struct time_range *range = &directory->ranges[page];
        tally_status status =
            run_time_range(source->reader, page, &range->minimum, &range->maximum, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
columns_write(struct segment_writer *writer, const struct half_source *source,
              struct segment_directory *directory, struct tally_error *error)
{
    struct buffer encoded = { 0 };
    struct column_job common = {
        .writer = writer,
        .source = source,
        .encoded = &encoded,
        .page_count = run_page_count(run_of(source->reader)),
    };

    uint64_t fields_private;

    tally_status status = run_fields_private(source->reader, &fields_private, error);
    if (status == TALLY_OK)
        status = codec_workspace_create(&common.workspace, error);
    if (status != TALLY_OK)
        return status;
    for (unsigned column = 0; column < COLUMN_COUNT && status == TALLY_OK; column++)
        if (half_has(source, fields_private, column))
            status = column_write(&common, column, directory, error);
    codec_workspace_destroy(common.workspace);
    buffer_free(&encoded);
    return status;
}

tally_status
segment_half_write(struct disk *disk, const char *folder, const struct segment_identity *identity,
                   const struct half_source *source, uint64_t *size_out, uint32_t *crc_out,
                   struct tally_error *error)
{
    struct segment_directory directory = { .half = source->half };
    struct buffer encoded = { 0 };
    struct segment_writer writer;

    tally_status status = ranges_make(source, &directory, error);
    if (status != TALLY_OK)
        goto free_directory;
    status = segment_writer_init(&writer, disk, folder, identity, error);
    if (status != TALLY_OK)
        goto free_directory;
    status = columns_write(&writer, source, &directory, error);
    segment_directory_encode(&directory, &encoded);
    if (status == TALLY_OK && buffer_failed(&encoded))
        status = memory_fault(error);
    if (status == TALLY_OK)
        status = segment_writer_finish(&writer, buffer_view(&encoded), size_out, crc_out, error);
    else
        segment_writer_discard(&writer);
    buffer_free(&encoded);

free_directory:
    segment_directory_free(&directory);
    return status;
}

/* What the manifest wants to know of the entries: their times, and how many are control entries. */
static tally_status
entries_survey(struct run_reader *reader, struct segment_info *info, struct tally_error *error)
{
    info->time_min = INT64_MAX;
    info->time_max = INT64_MIN;
    for (uint32_t number = 0; number < run_page_count(run_of(reader)); number++) {
        int64_t minimum, maximum;
        uint32_t controls, erased;
        tally_status status = run_time_range(reader, number, &minimum, &maximum, error);
        if (status == TALLY_OK)
            status = run_page_kinds(reader, number, &controls, &erased, error);
        if (status != TALLY_OK)
            return status;
        info->time_min = minimum < info->time_min ? minimum : info->time_min;
        info->time_max = maximum > info->time_max ? maximum : info->time_max;
        info->control_count += controls;
        info->erased_count += erased;
    }
    return TALLY_OK;
}

/* The files of a seal that came to nothing are remnants; less of them is better. */
static void
remnants_unlink(const struct trail_place *place, const struct segment_info *info)
{
    for (enum segment_file_kind kind = SEGMENT_FILE_PUBLIC; kind <= SEGMENT_FILE_INDEX; kind++) {
        struct segment_identity identity = segment_identify(info, place->tag, kind);
        char name[SEGMENT_NAME_MAX];
        segment_file_name(place->folder, &identity, name);
        tally_status ignored = disk_unlink(place->disk, name, NULL);
        (void)ignored;
    }
}

/* The files of a segment. */
struct files_job {
    const struct trail_place *place;
    struct run_reader *reader; /* for the index file and the public one */
    struct segment_info *info;
};

/* The public file and the index: together they take as long as the private one. */
static tally_status
public_write(void *context, struct tally_error *error)
{
    const struct files_job *job = context;
    struct segment_info *info = job->info;
    const struct half_source source = { .half = HALF_PUBLIC, .reader = job->reader };
    struct segment_identity identity = segment_identify(info, job->place->tag, SEGMENT_FILE_PUBLIC);
    tally_status status = segment_half_write(job->place->disk, job->place->folder, &identity,
                                             &source, &info->public_size, &info->public_crc, error);
    if (status != TALLY_OK)
        return status;
    return segment_index_write(job->place, job->reader, info, error);
}

static tally_status
private_write(const struct files_job *job, struct run_reader *reader, struct tally_error *error)
{
    struct segment_info *info = job->info;
    const struct half_source source = { .half = HALF_PRIVATE, .reader = reader };
    struct segment_identity identity =
        segment_identify(info, job->place->tag, SEGMENT_FILE_PRIVATE);
    return segment_half_write(job->place->disk, job->place->folder, &identity, &source,
                              &info->private_size, &info->private_crc, error);
}

static tally_status
files_write(struct files_job *job, struct run_reader *second, struct tally_error *error)
{
    struct meanwhile meanwhile = { .run = public_write, .context = job };
    if (second != NULL)
        meanwhile_begin(&meanwhile);
    tally_status status = private_write(job, second == NULL ? job->reader : second, error);
    status = meanwhile_end(&meanwhile, status, error);
    return status == TALLY_OK
               ? segment_file_sync_folder(job->place->disk, job->place->folder, error)
               : status;
}

tally_status
segment_write_run(const struct trail_place *place, struct run_reader *reader,
                  struct run_reader *second, struct segment_info *info_out,
                  struct tally_error *error)
{
    const struct run *run = run_of(reader);
    struct segment_info info = { .first = run->first, .count = run->count, .generation = 1 };
    struct files_job job = { place, reader, &info };
    tally_status status = entries_survey(reader, &info, error);
    if (status == TALLY_OK)
        status = files_write(&job, second, error);
    if (status == TALLY_OK)
        *info_out = info;
    else
        remnants_unlink(place, &info);
    return status;
}

tally_status
segment_write(const struct trail_place *place, const struct head *head,
              struct segment_info *info_out, struct tally_error *error)
{
    struct run run = {
        .first = head_first(head),
        .count = head_count(head),
        .head = (struct head *)(uintptr_t)head, /* a run only reads it */
    };
    struct run_reader *reader;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = segment_write_run(place, reader, NULL, info_out, error);
    run_reader_destroy(reader);
    return status;
}
