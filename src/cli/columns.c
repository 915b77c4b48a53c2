#include "columns.h"

static tally_status
add_segment(const struct run *run, struct column_sums *sums, struct tally_error *error)
{
    struct segment_column_size sizes[2 * (FIELD_COUNT + 1)];
    size_t count = 0;
    tally_status status =
        segment_column_sizes(run->segment, sizes, sizeof sizes / sizeof sizes[0], &count, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const char **codec = &sums->codecs[sizes[i].field];
        sums->bytes[sizes[i].field] += sizes[i].bytes;
        *codec = *codec == NULL || strcmp(*codec, sizes[i].codec) == 0 ? sizes[i].codec : "mixed";
    }
    const struct segment_info *info = segment_get_info(run->segment);
    sums->entries += run->count;
    sums->files += info->public_size + info->private_size + info->index_size;
    return TALLY_OK;
}

tally_status
columns_sum(const struct snapshot *snapshot, struct column_sums *sums_out,
            struct tally_error *error)
{
    struct column_sums sums = { 0 };
    for (size_t i = 0; i < snapshot_run_count(snapshot); i++) {
        const struct run *run = snapshot_run(snapshot, i);
        if (run->segment == NULL)
            continue;
        tally_status status = add_segment(run, &sums, error);
        if (status != TALLY_OK)
            return status;
    }
    *sums_out = sums;
    return TALLY_OK;
}
