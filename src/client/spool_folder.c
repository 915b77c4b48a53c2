/*
 * spool_folder.c - one folder a spool, and the lock that says that its process lives.
 *
 * The file `owner` is text:
 *
 *     tally spool 1
 *     boot 5d1f4f0e-…         the system's boot_id while the events were appended
 *     for http://…            the destination
 *
 * A folder is made under a name with a dot before it and gets its name when its owner is locked, so
 * that one that can be seen without a lock belongs to a dead process.
 *
 * The lock is an open file's (F_OFD_SETLK), not a process's. A process's would be granted again to
 * the process that has it, and lost with the first descriptor of the file that is closed; but there
 * may be several that adopt in one process, each with a client, or with a copy of this library, of
 * its own.
 *
 * A child has the open file too, and so the lock. fork() closes it there (client_fork.c), and exec()
 * does. A child that was made by other means (vfork(), _Fork(), clone()) and does neither keeps the
 * folder locked, but no longer than it lives: what is in it is late then, not lost. Who lets go of a
 * folder unlocks it, which counts for all that have the open file.
 *
 * A program may close descriptors that it does not know. So the file is mapped as well, which keeps
 * it open for this process alone; on overlayfs it does not, and nothing can be done. And a program
 * may write to standard ones that it closed: so the file has none of their numbers.
 *
 * Of several that want to adopt the same folder one gets the lock. The others may get it later, but
 * by then the winner has renamed the folder, and no folder gets a name a second time, as names are
 * random; so renaming it fails, and they let go.
 */
#include "spool_folder.h"

#include "buffer.h"
#include "clock.h"
#include "descriptors.h"
#include "fault.h"
#include "file_limit.h"
#include "random.h"
#include "spool_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NAME_MAX_SIZE 64
#define BOOT_SIZE     36
#define OWNER_MAX     (SPOOL_DESTINATION_MAX + 128)
/* Making a folder takes some milliseconds; after this, whoever made it is not going to finish. */
#define MAKING_MAX (3600 * CLOCK_SECOND)

struct spool_folder {
    char *root;
    char path[PATH_MAX];
    int owner; /* has the lock */
    dev_t device;
    ino_t inode;
    void *mapping; /* of one page of it, which no child inherits; NULL: there is none */
    bool volatile_;
    bool older_than_boot;
    bool named; /* root and owner are on stable storage */
};

/* A name that no folder had before; the number of the process is for people. */
static void
draw_name(char name[NAME_MAX_SIZE])
{
    uint64_t fresh;
    random_bytes(&fresh, sizeof fresh);
    (void)snprintf(name, NAME_MAX_SIZE, "%ld-%016llx", (long)getpid(), (unsigned long long)fresh);
}

/* Moves the folder at `from` to a name of its own. */
static tally_status
take_name(struct spool_folder *folder, const char *from, struct tally_error *error)
{
    char name[NAME_MAX_SIZE];
    draw_name(name);
    (void)snprintf(folder->path, sizeof folder->path, "%s/%s", folder->root, name);
    if (rename(from, folder->path) == 0)
        return TALLY_OK;
    return errno == ENOENT ? TALLY_ABSENT : io_fault(error, "cannot rename %s", from);
}

/* The system's boot, or "" where it does not say. */
static void
read_boot(char boot[BOOT_SIZE + 1])
{
    boot[0] = '\0';
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size = read(fd, boot, BOOT_SIZE);
    boot[size < 0 ? 0 : size] = '\0';
    (void)close(fd);
}

/* TALLY_BUSY: another open file has it, or a process. */
static tally_status
lock(int fd, const char *path, struct tally_error *error)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return TALLY_OK;
    if (errno == EAGAIN || errno == EACCES)
        return TALLY_BUSY;
    return io_fault(error, "cannot lock %s", path);
}

/* Closing is not enough where a child has the open file. */
static void
unlock_and_close(int fd)
{
    struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    (void)fcntl(fd, F_OFD_SETLK, &whole);
    (void)close(fd);
}

/* Whether the program has not closed it, so that its number is another file's now, or nobody's. */
static bool
is_open(const struct spool_folder *folder)
{
    struct stat about;
    return fstat(folder->owner, &about) == 0 && about.st_dev == folder->device &&
           about.st_ino == folder->inode;
}

static void
map_owner(struct spool_folder *folder)
{
    void *mapping = mmap(NULL, 1, PROT_READ, MAP_SHARED, folder->owner, 0);
    if (mapping == MAP_FAILED)
        return;
    if (madvise(mapping, 1, MADV_DONTFORK) == 0)
        folder->mapping = mapping;
    else
        (void)munmap(mapping, 1);
}

static void
let_go(struct spool_folder *folder)
{
    if (is_open(folder))
        unlock_and_close(folder->owner);
    if (folder->mapping != NULL)
        (void)munmap(folder->mapping, 1);
}

static void
destroy(struct spool_folder *folder)
{
    free(folder->root);
    free(folder);
}

static tally_status
note_owner(struct spool_folder *folder, int fd, struct tally_error *error)
{
    struct stat about;
    struct statfs system;
    if (fstat(fd, &about) != 0 || fstatfs(fd, &system) != 0)
        return io_fault(error, "cannot read %s/owner", folder->path);
    folder->owner = fd;
    folder->device = about.st_dev;
    folder->inode = about.st_ino;
    folder->volatile_ = system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
    return TALLY_OK;
}

/* Makes the locked owner file in the hidden folder. On a fault none is left. */
static tally_status
make_owner(struct spool_folder *folder, const char *destination, struct tally_error *error)
{
    char path[PATH_MAX + 8], boot[BOOT_SIZE + 1];
    struct buffer text = { 0 };
    (void)snprintf(path, sizeof path, "%s/owner", folder->path);
    read_boot(boot);
    buffer_format(&text, "tally spool 1\nboot %s\nfor %s\n", boot, destination);
    if (buffer_failed(&text)) {
        buffer_free(&text);
        return memory_fault(error);
    }
    int fd = descriptors_beyond_standard(
        open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    tally_status status =
        fd < 0 ? io_fault(error, "cannot make %s", path) : file_limit_check(text.size, path, error);
    if (status == TALLY_OK && write(fd, text.data, text.size) != (ssize_t)text.size)
        status = io_fault(error, "cannot write %s", path);
    if (status == TALLY_OK)
        status = lock(fd, path, error);
    if (status == TALLY_OK)
        status = note_owner(folder, fd, error);
    if (status != TALLY_OK && fd >= 0) {
        (void)unlink(path);
        (void)close(fd);
    }
    buffer_free(&text);
    return status;
}

/* Makes the hidden folder, at folder->path. */
static tally_status
make_hidden(struct spool_folder *folder, struct tally_error *error)
{
    char name[NAME_MAX_SIZE];
    draw_name(name);
    (void)snprintf(folder->path, sizeof folder->path, "%s/.%s", folder->root, name);
    return mkdir(folder->path, 0700) == 0 ? TALLY_OK
                                          : io_fault(error, "cannot make %s", folder->path);
}

tally_status
spool_folder_create(const char *root, const char *destination, struct spool_folder **folder_out,
                    struct tally_error *error)
{
    if (strlen(destination) > SPOOL_DESTINATION_MAX || strchr(destination, '\n') != NULL)
        return fault(error, TALLY_INVALID, "the destination is no line of at most %d bytes",
                     SPOOL_DESTINATION_MAX);
    struct spool_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return memory_fault(error);
    tally_status status = spool_root_make(root, &folder->root, error);
    if (status == TALLY_OK)
        status = make_hidden(folder, error);
    if (status != TALLY_OK)
        goto free_folder;
    char hidden[PATH_MAX];
    memcpy(hidden, folder->path, sizeof hidden);
    status = make_owner(folder, destination, error);
    if (status != TALLY_OK)
        goto remove_hidden;
    status = take_name(folder, hidden, error);
    if (status == TALLY_ABSENT)
        status = fault(error, TALLY_IO, "%s was removed while it was being made", hidden);
    if (status != TALLY_OK)
        goto remove_owner;
    map_owner(folder);
    *folder_out = folder;
    return TALLY_OK;

remove_owner:
    memcpy(folder->path, hidden, sizeof hidden);
    spool_folder_remove(folder);
    return status;
remove_hidden:
    (void)rmdir(hidden);
free_folder:
    destroy(folder);
    return status;
}

/* Whether an owner file's text is of this version and destination; then which boot it is of. */
static bool
is_for(const char *text, const char *destination, char boot[BOOT_SIZE + 1])
{
    static const char first[] = "tally spool 1\nboot ";
    if (strncmp(text, first, sizeof first - 1) != 0)
        return false;
    const char *at = text + sizeof first - 1;
    size_t boot_size = strcspn(at, "\n");
    if (boot_size > BOOT_SIZE)
        return false;
    memcpy(boot, at, boot_size);
    boot[boot_size] = '\0';
    at += boot_size;
    size_t size = strlen(destination);
    return strncmp(at, "\nfor ", 5) == 0 && strncmp(at + 5, destination, size) == 0 &&
           strcmp(at + 5 + size, "\n") == 0;
}

/* Reads the whole of an owner file; an empty text where that is not possible. */
static void
read_owner(int fd, char text[OWNER_MAX + 1])
{
    struct stat about;
    ssize_t size = 0;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid())
        size = pread(fd, text, OWNER_MAX, 0);
    text[size < 0 ? 0 : size] = '\0';
}

/* Locks the folder's owner file if it is for this destination, and makes the folder ours. */
static tally_status
take_over(struct spool_folder *folder, const char *from, const char *destination, int fd,
          struct tally_error *error)
{
    char path[PATH_MAX + 8], text[OWNER_MAX + 1], then[BOOT_SIZE + 1], now[BOOT_SIZE + 1];
    (void)snprintf(path, sizeof path, "%s/owner", from);
    read_owner(fd, text);
    if (!is_for(text, destination, then))
        return TALLY_ABSENT;
    tally_status status = lock(fd, path, error);
    if (status != TALLY_OK)
        return status == TALLY_BUSY ? TALLY_ABSENT : status;
    read_boot(now);
    folder->older_than_boot = now[0] == '\0' || strcmp(then, now) != 0;
    status = note_owner(folder, fd, error);
    return status == TALLY_OK ? take_name(folder, from, error) : status;
}

static tally_status
try_folder(const char *root, const char *name, const char *destination,
           struct spool_folder **folder_out, struct tally_error *error)
{
    char from[PATH_MAX], path[PATH_MAX + 8];
    (void)snprintf(from, sizeof from, "%s/%s", root, name);
    (void)snprintf(path, sizeof path, "%s/owner", from);
    int fd = descriptors_beyond_standard(open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd < 0) {
        /* It was being removed. What is no empty folder stays. */
        if (errno == ENOENT)
            (void)rmdir(from);
        return TALLY_ABSENT;
    }
    struct spool_folder *folder = calloc(1, sizeof *folder);
    tally_status status = TALLY_NO_MEMORY;
    if (folder != NULL && (folder->root = strdup(root)) != NULL)
        status = take_over(folder, from, destination, fd, error);
    else
        (void)memory_fault(error);
    if (status != TALLY_OK) {
        unlock_and_close(fd);
        if (folder != NULL)
            destroy(folder);
        return status;
    }
    map_owner(folder);
    *folder_out = folder;
    return TALLY_OK;
}

/* A folder whose making was cut short, long ago, has at most an owner file. */
static void
remove_unmade(const char *root, const char *name)
{
    char path[PATH_MAX], owner[PATH_MAX + 8];
    struct stat about;
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    (void)snprintf(owner, sizeof owner, "%s/owner", path);
    if (lstat(path, &about) != 0 || !S_ISDIR(about.st_mode) ||
        about.st_mtim.tv_sec > (clock_now() - MAKING_MAX) / CLOCK_SECOND)
        return;
    (void)unlink(owner);
    (void)rmdir(path);
}

static tally_status
search(const char *root, const char *destination, struct spool_folder **folder_out,
       struct tally_error *error)
{
    DIR *names = opendir(root);
    if (names == NULL)
        return io_fault(error, "cannot list the spool's folder %s", root);
    tally_status status = TALLY_ABSENT;
    for (struct dirent *entry; status == TALLY_ABSENT && (entry = readdir(names)) != NULL;) {
        const char *name = entry->d_name;
        if (strlen(name) >= NAME_MAX_SIZE)
            continue;
        if (name[0] != '.')
            status = try_folder(root, name, destination, folder_out, error);
        else if (name[1] >= '0' && name[1] <= '9')
            remove_unmade(root, name);
    }
    (void)closedir(names);
    return status;
}

tally_status
spool_folder_adopt(const char *root, const char *destination, struct spool_folder **folder_out,
                   struct tally_error *error)
{
    char *path;
    tally_status status = spool_root_find(root, &path, error);
    if (status == TALLY_OK) {
        status = search(path, destination, folder_out, error);
        free(path);
    }
    return status;
}

void
spool_folder_leave(struct spool_folder *folder)
{
    if (folder == NULL)
        return;
    let_go(folder);
    destroy(folder);
}

void
spool_folder_remove(struct spool_folder *folder)
{
    char path[PATH_MAX + 8];
    (void)snprintf(path, sizeof path, "%s/owner", folder->path);
    (void)unlink(path);
    (void)rmdir(folder->path);
    let_go(folder);
    destroy(folder);
}

/* The lock is the parent's. The mapping is not here; something else may be where it was. */
void
spool_folder_abandon(struct spool_folder *folder)
{
    if (folder == NULL)
        return;
    if (is_open(folder))
        (void)close(folder->owner);
    destroy(folder);
}

const char *
spool_folder_path(const struct spool_folder *folder)
{
    return folder->path;
}

bool
spool_folder_is_volatile(const struct spool_folder *folder)
{
    return folder->volatile_;
}

bool
spool_folder_is_older_than_boot(const struct spool_folder *folder)
{
    return folder->older_than_boot;
}

static tally_status
sync_path(const char *path, struct tally_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_fault(error, "cannot open %s", path);
    tally_status status = fsync(fd) == 0 ? TALLY_OK : io_fault(error, "cannot sync %s", path);
    (void)close(fd);
    return status;
}

tally_status
spool_folder_sync(struct spool_folder *folder, struct tally_error *error)
{
    char owner[PATH_MAX + 8];
    (void)snprintf(owner, sizeof owner, "%s/owner", folder->path);
    tally_status status = folder->named ? TALLY_OK : sync_path(owner, error);
    if (status == TALLY_OK)
        status = sync_path(folder->path, error);
    if (status == TALLY_OK && !folder->named)
        status = sync_path(folder->root, error);
    folder->named = folder->named || status == TALLY_OK;
    return status;
}
