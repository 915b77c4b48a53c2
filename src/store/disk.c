/*
 * disk.c - what both disks share: names are checked, calls are counted, small files are read and
 * replaced whole.
 *
 * Replacing a file, and what a crash after each step leaves:
 *
 *     write NAME.new      the old bytes (and a remnant, which the next replacement removes)
 *     sync NAME.new       the same
 *     rename to NAME      the old or the new bytes, never a mixture: those of NAME.new were synced
 *     sync the folder     the new bytes
 */
#include "disk.h"

#include "buffer.h"
#include "fault.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Relative, and every component a name of its own. */
static bool
name_is_inside(const char *name)
{
    if (strlen(name) >= DISK_NAME_SIZE)
        return false;
    for (const char *at = name;; at++) {
        size_t size = strcspn(at, "/");
        bool dots = at[0] == '.' && (size == 1 || (size == 2 && at[1] == '.'));
        if (size == 0 || dots)
            return false;
        at += size;
        if (*at == '\0')
            return true;
    }
}

static tally_status
check_name(const char *name, struct tally_error *error)
{
    if (name_is_inside(name))
        return TALLY_OK;
    return fault(error, TALLY_INVALID, "\"%.100s\" is not a name within the folder", name);
}

static void
count(atomic_ullong *counter, size_t by)
{
    (void)atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void
disk_close_folder(struct disk *disk)
{
    if (disk != NULL)
        disk->operations->destroy(disk);
}

tally_status
disk_open(struct disk *disk, const char *name, enum disk_mode mode, struct disk_file **file_out,
          struct tally_error *error)
{
    tally_status status = check_name(name, error);
    if (status != TALLY_OK)
        return status;
    return disk->operations->open(disk, name, mode, file_out, error);
}

void
disk_close(struct disk_file *file)
{
    if (file != NULL)
        file->disk->operations->close(file);
}

tally_status
disk_read(struct disk_file *file, uint64_t offset, void *data, size_t size, size_t *size_out,
          struct tally_error *error)
{
    struct disk *disk = file->disk;
    size_t got;
    tally_status status = disk->operations->read(file, offset, data, size, &got, error);
    if (status != TALLY_OK)
        return status;
    count(&disk->counters.reads, 1);
    count(&disk->counters.read_bytes, got);
    *size_out = got;
    return TALLY_OK;
}

tally_status
disk_read_all(struct disk_file *file, uint64_t offset, void *data, size_t size,
              struct tally_error *error)
{
    size_t got;
    tally_status status = disk_read(file, offset, data, size, &got, error);
    if (status != TALLY_OK || got == size)
        return status;
    return fault(error, TALLY_DAMAGED,
                 "%s ends at byte %" PRIu64 ", in the midst of what should go on to byte %" PRIu64,
                 file->name, offset + got, offset + size);
}

tally_status
disk_write(struct disk_file *file, uint64_t offset, const void *data, size_t size,
           struct tally_error *error)
{
    struct disk *disk = file->disk;
    tally_status status = disk->operations->write(file, offset, data, size, error);
    if (status != TALLY_OK)
        return status;
    count(&disk->counters.writes, 1);
    count(&disk->counters.written_bytes, size);
    return TALLY_OK;
}

tally_status
disk_clear(struct disk_file *file, uint64_t offset, uint64_t size, struct tally_error *error)
{
    struct disk *disk = file->disk;
    if (size == 0)
        return TALLY_OK;
    tally_status status = disk->operations->clear(file, offset, size, error);
    if (status != TALLY_OK)
        return status;
    count(&disk->counters.writes, 1);
    count(&disk->counters.written_bytes, size);
    return TALLY_OK;
}

tally_status
disk_reserve(struct disk_file *file, uint64_t size, struct tally_error *error)
{
    return file->disk->operations->reserve(file, size, error);
}

/* Whoever hears TALLY_FULL may try again, and a sync never is: what it left is in doubt, whatever
 * the reason. */
static tally_status
sync_status(tally_status status, struct tally_error *error)
{
    if (status != TALLY_FULL)
        return status;
    if (error != NULL)
        error->status = TALLY_IO;
    return TALLY_IO;
}

tally_status
disk_sync(struct disk_file *file, struct tally_error *error)
{
    count(&file->disk->counters.syncs, 1);
    return sync_status(file->disk->operations->sync(file, error), error);
}

tally_status
disk_size(struct disk_file *file, uint64_t *size_out, struct tally_error *error)
{
    return file->disk->operations->size(file, size_out, error);
}

tally_status
disk_permissions(struct disk_file *file, unsigned *out, struct tally_error *error)
{
    return file->disk->operations->permissions(file, out, error);
}

tally_status
disk_make_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    tally_status status = check_name(name, error);
    if (status != TALLY_OK)
        return status;
    return disk->operations->make_folder(disk, name, error);
}

tally_status
disk_sync_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    tally_status status = name[0] == '\0' ? TALLY_OK : check_name(name, error);
    if (status != TALLY_OK)
        return status;
    count(&disk->counters.syncs, 1);
    return sync_status(disk->operations->sync_folder(disk, name, error), error);
}

/* The size of what stands before the last component, its slash included. */
static size_t
parent_size(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? 0 : (size_t)(slash - name) + 1;
}

tally_status
disk_rename(struct disk *disk, const char *from, const char *to, struct tally_error *error)
{
    size_t size = parent_size(from);
    assert(size == parent_size(to) && memcmp(from, to, size) == 0);
    tally_status status = check_name(from, error);
    if (status == TALLY_OK)
        status = check_name(to, error);
    if (status != TALLY_OK)
        return status;
    return disk->operations->rename(disk, from, to, error);
}

tally_status
disk_unlink(struct disk *disk, const char *name, struct tally_error *error)
{
    tally_status status = check_name(name, error);
    if (status != TALLY_OK)
        return status;
    return disk->operations->unlink(disk, name, error);
}

tally_status
disk_list(struct disk *disk, const char *folder, disk_name_visitor visitor, void *context,
          struct tally_error *error)
{
    tally_status status = folder[0] == '\0' ? TALLY_OK : check_name(folder, error);
    if (status != TALLY_OK)
        return status;
    return disk->operations->list(disk, folder, visitor, context, error);
}

tally_status
disk_space(struct disk *disk, uint64_t *free_out, struct tally_error *error)
{
    return disk->operations->space(disk, free_out, error);
}

tally_status
disk_lock(struct disk_file *file, struct tally_error *error)
{
    return file->disk->operations->lock(file, error);
}

tally_status
disk_read_file(struct disk *disk, const char *name, size_t size_max, struct buffer *out,
               struct tally_error *error)
{
    struct disk_file *file;
    tally_status status = disk_open(disk, name, DISK_READ, &file, error);
    if (status != TALLY_OK)
        return status;
    uint64_t size;
    status = disk_size(file, &size, error);
    if (status == TALLY_OK && size > size_max)
        status = fault(error, TALLY_INVALID, "%s has %" PRIu64 " bytes; at most %zu are read", name,
                       size, size_max);
    if (status != TALLY_OK)
        goto close;

    uint8_t *room = buffer_reserve(out, (size_t)size);
    if (room == NULL) {
        status = memory_fault(error);
        goto close;
    }
    status = disk_read_all(file, 0, room, (size_t)size, error);
    if (status == TALLY_OK)
        out->size += (size_t)size;
close:
    disk_close(file);
    return status;
}

/* As far as it can be: the next replacement removes it else. */
static void
remove_remnant(struct disk *disk, const char *name)
{
    tally_status status = disk_unlink(disk, name, NULL);
    (void)status;
}

/* Writes a new file and syncs it; on a fault nothing of it is left. */
static tally_status
write_new(struct disk *disk, const char *name, struct bytes content, struct tally_error *error)
{
    tally_status status = disk_unlink(disk, name, error); /* a crash's remnant */
    if (status != TALLY_OK && status != TALLY_ABSENT)
        return status;
    struct disk_file *file;
    status = disk_open(disk, name, DISK_CREATE, &file, error);
    if (status != TALLY_OK)
        return status;
    status = disk_write(file, 0, content.data, content.size, error);
    if (status == TALLY_OK)
        status = disk_sync(file, error);
    disk_close(file);
    if (status != TALLY_OK)
        remove_remnant(disk, name);
    return status;
}

tally_status
disk_replace_file(struct disk *disk, const char *folder, const char *name, struct bytes content,
                  struct tally_error *error)
{
    size_t folder_size = strlen(folder);
    assert(parent_size(name) == (folder_size == 0 ? 0 : folder_size + 1));
    assert(memcmp(name, folder, folder_size) == 0);

    char fresh[DISK_NAME_SIZE];
    int size = snprintf(fresh, sizeof fresh, "%s.new", name);
    if (size < 0 || (size_t)size >= sizeof fresh)
        return fault(error, TALLY_INVALID, "the name %.100s is too long", name);

    tally_status status = write_new(disk, fresh, content, error);
    if (status != TALLY_OK)
        return status;
    status = disk_rename(disk, fresh, name, error);
    if (status != TALLY_OK) {
        remove_remnant(disk, fresh);
        return status;
    }
    return disk_sync_folder(disk, folder, error);
}
