/*
 * dead_letter.c - each line is one write() to a file opened for appending, so that lines of several
 * processes do not mix, and no process waits for another that was stopped.
 *
 * A write that was cut short (the disk is full) leaves a line without an end; whoever writes next
 * ends it, so that no line is lost but that one, whose writer was told.
 *
 * Renaming a full file is for one process: the one that gets the file's lock while the name still
 * leads to the file. Others go on with the file they have; their line is in one of the two.
 */
#include "dead_letter.h"

#include "buffer.h"
#include "clock.h"
#include "escape.h"
#include "fault.h"
#include "file_limit.h"
#include "spool_root.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "dead-letter.ndjson"

static void
write_line(const char *reason, struct bytes event, struct buffer *line)
{
    char now[INSTANT_TEXT_MAX];
    struct buffer shown = { 0 };
    size_t now_size = instant_format(clock_now(), 9, now);
    escape_text(bytes_text(reason), &shown);
    buffer_format(line, "{\"refused\":\"%.*s\",\"reason\":", (int)now_size, now);
    escape_json_string(buffer_view(&shown), line);
    buffer_text(line, ",\"event\":");
    buffer_bytes(line, event);
    buffer_text(line, "}\n");
    line->failed = line->failed || shown.failed;
    buffer_free(&shown);
}

static tally_status
open_letters(const char *path, int *fd_out, struct tally_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(error, "cannot open %s", path);
    *fd_out = fd;
    return TALLY_OK;
}

/* Gives the full file its other name, unless somebody else does or has done. */
static tally_status
rotate(int fd, const char *path, struct tally_error *error)
{
    char old[PATH_MAX + 8];
    struct stat opened, named;
    tally_status status = TALLY_OK;
    (void)snprintf(old, sizeof old, "%s.1", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return TALLY_OK;
    if (fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino &&
        opened.st_dev == named.st_dev && rename(path, old) != 0)
        status = io_fault(error, "cannot rename %s", path);
    (void)flock(fd, LOCK_UN);
    return status;
}

/* Opens the file with room for `size` more bytes. */
static tally_status
open_with_room(const char *path, size_t size, int *fd_out, struct tally_error *error)
{
    int fd = -1;
    struct stat about;
    tally_status status = open_letters(path, &fd, error);
    if (status != TALLY_OK)
        return status;
    if (fstat(fd, &about) == 0 && about.st_size > 0 &&
        (uint64_t)about.st_size + size > DEAD_LETTER_SIZE_MAX) {
        status = rotate(fd, path, error);
        (void)close(fd);
        if (status == TALLY_OK)
            status = open_letters(path, &fd, error);
    }
    if (status == TALLY_OK)
        *fd_out = fd;
    return status;
}

/* Whether the last line of a file of `size` bytes has no end. */
static bool
is_cut_short(int fd, off_t size)
{
    char last;
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* Writes and syncs the line, which begins with a newline that is only written where it is needed. */
static tally_status
write_whole(int fd, const char *path, struct bytes line, struct tally_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return io_fault(error, "cannot read %s", path);
    tally_status status = file_limit_check((uint64_t)about.st_size + line.size, path, error);
    if (status != TALLY_OK)
        return status;
    size_t skip = is_cut_short(fd, about.st_size) ? 0 : 1;
    ssize_t written = write(fd, line.data + skip, line.size - skip);
    if (written < 0)
        return io_fault(error, "cannot write %s", path);
    if ((size_t)written != line.size - skip)
        return fault(error, TALLY_FULL, "%s: a line was cut short, there is no room", path);
    return fsync(fd) == 0 ? TALLY_OK : io_fault(error, "cannot sync %s", path);
}

/* The name of a file that was just made, or got another. */
static tally_status
sync_folder(const char *root, struct tally_error *error)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_fault(error, "cannot open %s", root);
    tally_status status = fsync(fd) == 0 ? TALLY_OK : io_fault(error, "cannot sync %s", root);
    (void)close(fd);
    return status;
}

static tally_status
append_line(const char *root, struct bytes line, struct tally_error *error)
{
    char path[PATH_MAX];
    struct stat about;
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/" NAME, root);
    tally_status status = open_with_room(path, line.size, &fd, error);
    if (status != TALLY_OK)
        return status;
    bool fresh = fstat(fd, &about) == 0 && about.st_size == 0;
    status = write_whole(fd, path, line, error);
    (void)close(fd);
    return status == TALLY_OK && fresh ? sync_folder(root, error) : status;
}

tally_status
dead_letter_append(const char *root, const char *reason, struct bytes event,
                   struct tally_error *error)
{
    char *path;
    struct buffer line = { 0 };
    tally_status status = spool_root_make(root, &path, error);
    if (status != TALLY_OK)
        return status;
    buffer_byte(&line, '\n');
    write_line(reason, event, &line);
    status =
        buffer_failed(&line) ? memory_fault(error) : append_line(path, buffer_view(&line), error);
    buffer_free(&line);
    free(path);
    return status;
}
