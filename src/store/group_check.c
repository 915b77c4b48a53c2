/*
 * group_check.c - whether a group says of a segment what the segment says of itself.
 *
 * A group is derived, so it is held against its origin: the filter is made again from the segment's
 * entries, as it was when they were sealed, and must be the group's column bit by bit. The checksum
 * of the whole file is compared once, with its first segment. A live writer may have merged the
 * group into another meanwhile: then there is nothing to find fault with.
 */
#include "group_check.h"

#include "fault.h"

/* The group that covers a segment, and the segment's column there; NULL where none does. */
static const struct group_info *
find_group(const struct manifest *manifest, size_t number, unsigned *column_out)
{
    const struct group_info *found = NULL;
    for (size_t i = 0; i < manifest->group_count; i++)
        if (manifest->groups[i].first <= manifest->segments[number].first)
            found = &manifest->groups[i];
    unsigned column = 0;
    for (size_t i = number; found != NULL && manifest->segments[i].first > found->first; i--)
        column++;
    if (found == NULL || column >= found->segments)
        return NULL;
    *column_out = column;
    return found;
}

/* Whether the manifest as it is now still names the group. */
static bool
is_named(const struct trail_place *place, const struct group_info *info)
{
    struct manifest manifest;
    if (manifest_read(place->disk, place->folder, &manifest, NULL) != TALLY_OK)
        return true;
    bool named = false;
    for (size_t i = 0; i < manifest.group_count; i++)
        named |= manifest.groups[i].first == info->first &&
                 manifest.groups[i].generation == info->generation;
    manifest_free(&manifest);
    return named;
}

tally_status
group_check(const struct trail_place *place, const struct manifest *manifest, size_t number,
            struct run_reader *reader, char name_out[GROUP_NAME_MAX], struct tally_error *error)
{
    unsigned column;
    const struct group_info *info = find_group(manifest, number, &column);
    if (info == NULL)
        return TALLY_OK;
    struct group_scan scan = { 0 };
    struct bloom filter = { 0 };
    tally_status status = group_scan_open(&scan, place, info, error);
    if (status == TALLY_ABSENT && !is_named(place, info))
        return TALLY_OK;
    if (status == TALLY_OK && column == 0)
        status = group_scan_check(&scan, error);
    if (status == TALLY_OK)
        status = group_filter_make(reader, &filter, error);
    if (status == TALLY_OK)
        status = group_scan_compare(&scan, column, &filter, error);
    bloom_free(&filter);
    group_scan_close(&scan);
    group_name(place->folder, info, name_out);
    return status;
}
