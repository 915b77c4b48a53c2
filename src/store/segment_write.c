/*
 * segment_write.c - sealing: a frozen head into three files.
 *
 * A file of columns is one column after the other (column_write.c), then the directory that says
 * where they are. Two threads write two of the files each where that is wanted, with a reader and a
 * workspace each: they share nothing but the head, which is frozen.
 *
 * Nothing refers to the files before the manifest does, and that is written after they and their
 * names are synced. A crash before leaves remnants, replaced by the next seal of the same entries.
 */
#include "segment_write.h"

#include "column_write.h"
#include "fault.h"
#include "meanwhile.h"
#include "segment_index.h"
#include "segment_read.h"

#include <stdlib.h>

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
    struct column_tools tools = { .writer = writer, .source = source, .encoded = &encoded };
    uint64_t fields_private;
    tally_status status = run_fields_private(source->reader, &fields_private, error);
    if (status == TALLY_OK)
        status = codec_workspace_create(&tools.workspace, error);
    if (status != TALLY_OK)
        return status;
    for (unsigned column = 0; column < COLUMN_COUNT && status == TALLY_OK; column++)
        if (half_has(source, fields_private, column))
            status = column_write(&tools, column, directory, error);
    codec_workspace_destroy(tools.workspace);
    buffer_free(&encoded);
    return status;
}

tally_status
segment_half_write(const struct trail_place *place, const struct half_source *source,
                   struct segment_info *info, struct tally_error *error)
{
    bool public = source->half == HALF_PUBLIC;
    struct segment_identity identity =
        segment_identify(info, public ? SEGMENT_FILE_PUBLIC : SEGMENT_FILE_PRIVATE);
    struct segment_directory directory = { .half = source->half };
    struct buffer encoded = { 0 };
    struct segment_writer writer;

    tally_status status = ranges_make(source, &directory, error);
    if (status != TALLY_OK)
        goto free_directory;
    status = segment_writer_init(&writer, place, &identity, error);
    if (status != TALLY_OK)
        goto free_directory;
    status = columns_write(&writer, source, &directory, error);
    segment_directory_encode(&directory, &encoded);
    if (status == TALLY_OK && buffer_failed(&encoded))
        status = memory_fault(error);
    if (status == TALLY_OK)
        status = segment_writer_finish(&writer, buffer_view(&encoded),
                                       public ? &info->public_size : &info->private_size,
                                       public ? &info->public_crc : &info->private_crc, error);
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
        struct segment_identity identity = segment_identify(info, kind);
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
    const struct half_source source = { .half = HALF_PUBLIC, .reader = job->reader };
    tally_status status = segment_half_write(job->place, &source, job->info, error);
    if (status != TALLY_OK)
        return status;
    return segment_index_write(job->place, job->reader, job->info, error);
}

static tally_status
private_write(const struct files_job *job, struct run_reader *reader, struct tally_error *error)
{
    const struct half_source source = { .half = HALF_PRIVATE, .reader = reader };
    return segment_half_write(job->place, &source, job->info, error);
}

static tally_status
files_write(struct files_job *job, struct run_reader *second, struct tally_error *error)
{
    struct meanwhile meanwhile = { .run = public_write, .context = job };
    if (second != NULL)
        meanwhile_begin(&meanwhile);
    tally_status status = private_write(job, second == NULL ? job->reader : second, error);
    status = meanwhile_end(&meanwhile, status, error);
    return status == TALLY_OK ? segment_file_sync_folder(job->place, error) : status;
}

tally_status
segment_write(const struct trail_place *place, struct run_reader *reader, struct run_reader *second,
              struct segment_info *info_out, struct tally_error *error)
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
