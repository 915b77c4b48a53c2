/*
 * disk_folder.c - the real disk: a folder of the file system, by way of its descriptor.
 *
 * The folder is opened once; everything else is reached from there one component at a time with
 * openat() and O_NOFOLLOW, so that neither a name nor a symbolic link leads out of it. Data folders
 * have two or three levels, and files are opened seldom: the extra calls are not felt. Only plain
 * files are opened (O_NONBLOCK, so that a pipe put in a file's place does not hold us up before we
 * can refuse it).
 *
 * A signal may interrupt any call (EINTR), and pread() and pwrite() may do less than asked: both
 * are gone on with. Not so fdatasync(): after its failure the kernel has marked the pages clean,
 * and a second call would succeed without having written them. close() is not looked at, since all
 * that matters was synced before and said so.
 */
#include "disk.h"

#include "descriptors.h"
#include "fault.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CLEARED_AT_ONCE (64u << 10)

struct folder_disk {
    struct disk disk;
    int fd;
    char path[];
};

struct folder_file {
    struct disk_file file;
    int fd;
    char name[];
};

/* A name taken apart: a descriptor of the folder that holds it, and what it is called there. */
struct place {
    int fd;
    bool owned; /* fd is to be closed */
    const char *leaf;
};

static const struct folder_disk *
folder_of(const struct disk *disk)
{
    return (const struct folder_disk *)disk;
}

static struct folder_file *
file_of(struct disk_file *file)
{
    return (struct folder_file *)file;
}

static tally_status
name_fault(const struct disk *disk, const char *what, const char *name, struct tally_error *error)
{
    return io_fault(error, "cannot %s %s/%s", what, folder_of(disk)->path, name);
}

static void
place_leave(const struct place *place)
{
    int os = errno;
    if (place->owned)
        (void)close(place->fd);
    errno = os;
}

/* Opens a folder within `fd`. */
static int
step_into(int fd, const char *name, size_t size)
{
    char component[DISK_NAME_SIZE];
    assert(size < sizeof component);
    memcpy(component, name, size);
    component[size] = '\0';
    return openat(fd, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Walks to the folder that holds `name`. False with errno where there is none. */
static bool
place_find(const struct disk *disk, const char *name, struct place *place_out)
{
    struct place place = { .fd = folder_of(disk)->fd, .owned = false, .leaf = name };
    const char *slash;
    while ((slash = strchr(place.leaf, '/')) != NULL) {
        int fd = step_into(place.fd, place.leaf, (size_t)(slash - place.leaf));
        place_leave(&place);
        if (fd < 0)
            return false;
        place = (struct place){ .fd = fd, .owned = true, .leaf = slash + 1 };
    }
    *place_out = place;
    return true;
}

static int
open_flags(enum disk_mode mode)
{
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    switch (mode) {
    case DISK_READ:
        return flags | O_RDONLY;
    case DISK_WRITE:
        return flags | O_RDWR;
    case DISK_CREATE:
        break;
    }
    return flags | O_RDWR | O_CREAT | O_EXCL;
}

/* A descriptor of the file `name`, or -1 with errno. */
static int
open_name(const struct disk *disk, const char *name, enum disk_mode mode)
{
    struct place place;
    if (!place_find(disk, name, &place))
        return -1;
    int fd;
    do
        fd = openat(place.fd, place.leaf, open_flags(mode), 0600);
    while (fd < 0 && errno == EINTR);
    place_leave(&place);
    return descriptors_beyond_standard(fd);
}

static bool
is_plain(int fd)
{
    struct stat stat;
    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
}

static tally_status
os_open(struct disk *disk, const char *name, enum disk_mode mode, struct disk_file **file_out,
        struct tally_error *error)
{
    size_t size = strlen(name) + 1;
    struct folder_file *file = malloc(sizeof *file + size);
    if (file == NULL)
        return memory_fault(error);
    memcpy(file->name, name, size);
    file->file = (struct disk_file){ .disk = disk, .name = file->name };
    file->fd = open_name(disk, name, mode);
    if (file->fd < 0) {
        int os = errno;
        free(file);
        if (os == ENOENT && mode != DISK_CREATE)
            return TALLY_ABSENT;
        errno = os;
        return name_fault(disk, mode == DISK_CREATE ? "create" : "open", name, error);
    }
    if (!is_plain(file->fd)) {
        (void)close(file->fd);
        free(file);
        return fault(error, TALLY_IO, "%s/%s is not a plain file", folder_of(disk)->path, name);
    }
    *file_out = &file->file;
    return TALLY_OK;
}

static void
os_close(struct disk_file *file)
{
    (void)close(file_of(file)->fd);
    free(file);
}

static tally_status
os_read(struct disk_file *file, uint64_t offset, void *data, size_t size, size_t *size_out,
        struct tally_error *error)
{
    uint8_t *to = data;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file_of(file)->fd, to + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return name_fault(file->disk, "read", file->name, error);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *size_out = done;
    return TALLY_OK;
}

static tally_status
os_write(struct disk_file *file, uint64_t offset, const void *data, size_t size,
         struct tally_error *error)
{
    const uint8_t *from = data;
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(file_of(file)->fd, from + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return name_fault(file->disk, "write", file->name, error);
        done += (size_t)put;
    }
    return TALLY_OK;
}

/* In pieces, which stay in the processor's cache. What is written at once Linux may keep as one piece of
 * its own cache, too, megabytes large, and goes through all of it for every small write there. */
static tally_status
os_clear(struct disk_file *file, uint64_t offset, uint64_t size, struct tally_error *error)
{
    static const uint8_t zeros[CLEARED_AT_ONCE];
    tally_status status = TALLY_OK;
    while (size > 0 && status == TALLY_OK) {
        size_t piece = size < sizeof zeros ? (size_t)size : sizeof zeros;
        status = os_write(file, offset, zeros, piece, error);
        offset += piece;
        size -= piece;
    }
    return status;
}

static tally_status
os_reserve(struct disk_file *file, uint64_t size, struct tally_error *error)
{
    int result;
    do
        result = fallocate(file_of(file)->fd, 0, 0, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
        return fault(error, TALLY_UNSUPPORTED, "%s: the file system reserves no space", file->name);
    if (result < 0)
        return name_fault(file->disk, "reserve space for", file->name, error);
    return TALLY_OK;
}

static tally_status
os_sync(struct disk_file *file, struct tally_error *error)
{
    if (fdatasync(file_of(file)->fd) < 0)
        return name_fault(file->disk, "sync", file->name, error);
    return TALLY_OK;
}

static tally_status
os_stat(struct disk_file *file, struct stat *stat_out, struct tally_error *error)
{
    if (fstat(file_of(file)->fd, stat_out) < 0)
        return name_fault(file->disk, "look at", file->name, error);
    return TALLY_OK;
}

static tally_status
os_size(struct disk_file *file, uint64_t *size_out, struct tally_error *error)
{
    struct stat stat;
    tally_status status = os_stat(file, &stat, error);
    if (status == TALLY_OK)
        *size_out = (uint64_t)stat.st_size;
    return status;
}

static tally_status
os_permissions(struct disk_file *file, unsigned *out, struct tally_error *error)
{
    struct stat stat;
    tally_status status = os_stat(file, &stat, error);
    if (status == TALLY_OK)
        *out = stat.st_mode & 07777u;
    return status;
}

static tally_status
os_make_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    struct place place;
    if (!place_find(disk, name, &place))
        return name_fault(disk, "create folder", name, error);
    int made = mkdirat(place.fd, place.leaf, 0700);
    if (made < 0 && errno == EEXIST) {
        /* There already: well, if it is a folder. */
        int fd = step_into(place.fd, place.leaf, strlen(place.leaf));
        made = fd < 0 ? -1 : close(fd);
    }
    place_leave(&place);
    return made < 0 ? name_fault(disk, "create folder", name, error) : TALLY_OK;
}

/* A descriptor of a folder that can be read and synced, or -1 with errno. */
static int
open_folder(const struct disk *disk, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (name[0] == '\0')
        return openat(folder_of(disk)->fd, ".", flags);
    struct place place;
    if (!place_find(disk, name, &place))
        return -1;
    int fd = openat(place.fd, place.leaf, flags);
    place_leave(&place);
    return fd;
}

static tally_status
os_sync_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    int fd = open_folder(disk, name);
    if (fd < 0)
        return name_fault(disk, "open folder", name, error);
    tally_status status = TALLY_OK;
    if (fsync(fd) < 0)
        status = name_fault(disk, "sync folder", name, error);
    (void)close(fd);
    return status;
}

static tally_status
os_rename(struct disk *disk, const char *from, const char *to, struct tally_error *error)
{
    struct place place;
    if (!place_find(disk, from, &place))
        return name_fault(disk, "rename", from, error);
    const char *slash = strrchr(to, '/');
    int renamed = renameat(place.fd, place.leaf, place.fd, slash == NULL ? to : slash + 1);
    place_leave(&place);
    return renamed < 0 ? name_fault(disk, "rename", from, error) : TALLY_OK;
}

static tally_status
os_unlink(struct disk *disk, const char *name, struct tally_error *error)
{
    struct place place;
    int gone = -1;
    if (place_find(disk, name, &place)) {
        gone = unlinkat(place.fd, place.leaf, 0);
        place_leave(&place);
    }
    if (gone == 0)
        return TALLY_OK;
    return errno == ENOENT ? TALLY_ABSENT : name_fault(disk, "remove", name, error);
}

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int
without_dots(const struct dirent *entry)
{
    return !is_dots(entry->d_name);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static tally_status
os_list(struct disk *disk, const char *folder, disk_name_visitor visitor, void *context,
        struct tally_error *error)
{
    int fd = open_folder(disk, folder);
    if (fd < 0)
        return errno == ENOENT ? TALLY_ABSENT : name_fault(disk, "open folder", folder, error);
    struct dirent **entries;
    int count = scandirat(fd, ".", &entries, without_dots, by_bytes);
    if (count < 0) {
        tally_status status = name_fault(disk, "list folder", folder, error);
        (void)close(fd);
        return status;
    }
    (void)close(fd);

    tally_status status = TALLY_OK;
    for (int i = 0; i < count; i++) {
        if (status == TALLY_OK)
            status = visitor(context, entries[i]->d_name, error);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static tally_status
os_space(struct disk *disk, uint64_t *free_out, struct tally_error *error)
{
    struct statvfs space;
    if (fstatvfs(folder_of(disk)->fd, &space) < 0)
        return name_fault(disk, "ask for the space of", "", error);
    *free_out = (uint64_t)space.f_bavail * space.f_frsize;
    return TALLY_OK;
}

static tally_status
os_lock(struct disk_file *file, struct tally_error *error)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int locked;
    do
        locked = fcntl(file_of(file)->fd, F_OFD_SETLK, &lock);
    while (locked < 0 && errno == EINTR);
    if (locked == 0)
        return TALLY_OK;
    if (errno == EAGAIN || errno == EACCES)
        return fault(error, TALLY_BUSY, "%s/%s is locked by another process",
                     folder_of(file->disk)->path, file->name);
    return name_fault(file->disk, "lock", file->name, error);
}

static void
os_destroy(struct disk *disk)
{
    (void)close(folder_of(disk)->fd);
    free(disk);
}

static const struct disk_operations operations = {
    .open = os_open,
    .close = os_close,
    .read = os_read,
    .write = os_write,
    .clear = os_clear,
    .reserve = os_reserve,
    .sync = os_sync,
    .size = os_size,
    .permissions = os_permissions,
    .make_folder = os_make_folder,
    .sync_folder = os_sync_folder,
    .rename = os_rename,
    .unlink = os_unlink,
    .list = os_list,
    .space = os_space,
    .lock = os_lock,
    .destroy = os_destroy,
};

tally_status
disk_open_folder(const char *path, struct disk **disk_out, struct tally_error *error)
{
    size_t size = strlen(path) + 1;
    struct folder_disk *folder = calloc(1, sizeof *folder + size);
    if (folder == NULL)
        return memory_fault(error);
    memcpy(folder->path, path, size);
    folder->disk.operations = &operations;
    folder->fd = descriptors_beyond_standard(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder->fd < 0) {
        bool absent = errno == ENOENT;
        tally_status status = io_fault(error, "cannot open folder %s", path);
        free(folder);
        return absent ? TALLY_ABSENT : status;
    }
    *disk_out = &folder->disk;
    return TALLY_OK;
}
