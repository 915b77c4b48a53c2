#include "trail_info.h"

#include "fault.h"
#include "field.h"

#include <stdio.h>

enum info_column {
    INFO_TRAIL,
    INFO_ORIGIN,
    INFO_VKEY,
    INFO_SIZE,
    INFO_SIGNED,
    INFO_ROOT,
    INFO_SEGMENTS,
    INFO_SEALED,
    INFO_BYTES,
    INFO_PRIVATE,
    INFO_COUNT,
};

_Static_assert(INFO_COUNT == TRAIL_INFO_COUNT, "a cell a column");

const struct listing_column trail_info_columns[TRAIL_INFO_COUNT] = {
    [INFO_TRAIL] = { .name = "trail" },
    [INFO_ORIGIN] = { .name = "origin" },
    [INFO_VKEY] = { .name = "vkey" },
    [INFO_SIZE] = { .name = "size", .kind = CELL_NUMBER },
    [INFO_SIGNED] = { .name = "signed_size", .kind = CELL_NUMBER },
    [INFO_ROOT] = { .name = "root" },
    [INFO_SEGMENTS] = { .name = "segments", .kind = CELL_NUMBER },
    [INFO_SEALED] = { .name = "sealed_entries", .kind = CELL_NUMBER },
    [INFO_BYTES] = { .name = "bytes", .kind = CELL_NUMBER },
    [INFO_PRIVATE] = { .name = "private_fields" },
};

/* The bytes of the files in one folder of a trail. */
struct file_sizes {
    struct disk *disk;
    const char *folder;
    uint64_t total;
};

static tally_status
add_file(void *context, const char *name, struct tally_error *error)
{
    struct file_sizes *sizes = context;
    char path[512];
    if (snprintf(path, sizeof path, "%s/%s", sizes->folder, name) >= (int)sizeof path)
        return TALLY_OK;
    struct disk_file *file;
    if (disk_open(sizes->disk, path, DISK_READ, &file, error) != TALLY_OK)
        return TALLY_OK; /* gone in between, or a folder */
    uint64_t size = 0;
    if (disk_size(file, &size, error) == TALLY_OK)
        sizes->total += size;
    disk_close(file);
    return TALLY_OK;
}

static uint64_t
trail_bytes(struct folder *folder, const char *name)
{
    static const char *const folders[] = { "", "/journal", "/segments", "/tree" };
    struct file_sizes sizes = { .disk = folder_disk(folder) };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[TRAIL_NAME_MAX + 32];
        (void)snprintf(path, sizeof path, "trails/%s%s", name, folders[i]);
        sizes.folder = path;
        struct tally_error error;
        if (disk_list(sizes.disk, path, add_file, &sizes, &error) != TALLY_OK)
            continue;
    }
    return sizes.total;
}

static void
set_number(struct trail_info *info, enum info_column column, uint64_t number)
{
    char *text = info->numbers[column];
    int size = snprintf(text, sizeof info->numbers[column], "%llu", (unsigned long long)number);
    info->cells[column] = bytes_of(text, (size_t)size);
}

static void
describe_snapshot(const struct snapshot *snapshot, struct trail_info *info)
{
    struct bytes note;
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    base64_encode(checkpoint->root.bytes, TALLY_HASH_SIZE, info->root);
    info->cells[INFO_ROOT] = bytes_of(info->root, sizeof info->root);
    set_number(info, INFO_SIZE, snapshot_size(snapshot));
    set_number(info, INFO_SIGNED, checkpoint->size);

    uint64_t segments = 0;
    uint64_t sealed = 0;
    for (size_t i = 0; i < snapshot_run_count(snapshot); i++) {
        const struct run *run = snapshot_run(snapshot, i);
        if (run->segment == NULL)
            continue;
        segments++;
        sealed += run->count;
    }
    set_number(info, INFO_SEGMENTS, segments);
    set_number(info, INFO_SEALED, sealed);
}

static void
describe_trail(struct folder *folder, struct trail *trail, struct trail_info *info)
{
    info->cells[INFO_TRAIL] = bytes_text(trail_name(trail));
    info->cells[INFO_ORIGIN] = bytes_text(trail_origin(trail));
    tally_vkey_format(trail_vkey(trail), info->vkey);
    info->cells[INFO_VKEY] = bytes_text(info->vkey);
    set_number(info, INFO_BYTES, trail_bytes(folder, trail_name(trail)));

    uint64_t private_fields = trail_fields_private(trail);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        enum field_id field = (enum field_id)fields_in_reading_order[i];
        if ((private_fields & FIELD_BIT(field)) == 0)
            continue;
        buffer_text(&info->fields, info->fields.size == 0 ? "" : " ");
        buffer_bytes(&info->fields, fields[field].name);
    }
    info->cells[INFO_PRIVATE] = buffer_view(&info->fields);
}

tally_status
trail_info_read(struct folder *folder, struct trail *trail, struct trail_info *info_out,
                struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    *info_out = (struct trail_info){ 0 };
    describe_trail(folder, trail, info_out);
    describe_snapshot(snapshot, info_out);
    snapshot_close(snapshot);
    if (!buffer_failed(&info_out->fields))
        return TALLY_OK;
    trail_info_finish(info_out);
    return memory_fault(error);
}

void
trail_info_finish(struct trail_info *info)
{
    buffer_free(&info->fields);
}
