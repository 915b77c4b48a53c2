#include "seen.h"

#include "base64.h"
#include "buffer.h"
#include "fault.h"
#include "interruption.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX (TALLY_VKEY_TEXT_SIZE + 2 + TALLY_CHECKPOINT_NOTE_MAX)

bool
seen_folder(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int length = -1;
    /* The XDG Base Directory Specification has relative paths ignored. */
    if (state != NULL && state[0] == '/')
        length = snprintf(path, size, "%s/tally/seen", state);
    else if (home != NULL && home[0] == '/')
        length = snprintf(path, size, "%s/.local/state/tally/seen", home);
    return length > 0 && (size_t)length < size;
}

/* The file of an origin. An origin may hold any character, its SHA-256 in hexadecimal only those
 * that suit a file name. */
static tally_status
file_path(const char *origin, char path[PATH_MAX], struct tally_error *error)
{
    if (!seen_folder(path, PATH_MAX - 2 * TALLY_HASH_SIZE - 8))
        return fault(error, TALLY_IO,
                     "there is no place to remember what was seen: set XDG_STATE_HOME or HOME");
    struct tally_hash hash;
    tally_hash_pieces(&(struct tally_piece){ origin, strlen(origin) }, 1, &hash);
    size_t size = strlen(path);
    path[size++] = '/';
    hex_encode(hash.bytes, TALLY_HASH_SIZE, path + size);
    path[size + 2 * (size_t)TALLY_HASH_SIZE] = '\0';
    return TALLY_OK;
}

static tally_status
read_all(int fd, char *text, size_t capacity, size_t *size_out, struct tally_error *error)
{
    size_t size = 0;
    while (size < capacity) {
        ssize_t got = read(fd, text + size, capacity - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return io_fault(error, "cannot read what was seen");
        if (got == 0)
            break;
        size += (size_t)got;
    }
    *size_out = size;
    return TALLY_OK;
}

static tally_status
parse(const char *text, size_t size, struct seen *seen)
{
    const char *end = memchr(text, '\n', size);
    if (end == NULL || (size_t)(end - text) + 2 > size || end[1] != '\n')
        return TALLY_DAMAGED;
    if (tally_vkey_parse(text, (size_t)(end - text), &seen->vkey, NULL) != TALLY_OK)
        return TALLY_DAMAGED;

    const char *note = end + 2;
    seen->note_size = size - (size_t)(note - text);
    if (seen->note_size > sizeof seen->note)
        return TALLY_DAMAGED;
    memcpy(seen->note, note, seen->note_size);
    if (tally_checkpoint_open(seen->note, seen->note_size, &seen->vkey, NULL, &seen->checkpoint,
                              NULL) != TALLY_OK)
        return TALLY_DAMAGED;
    return TALLY_OK;
}

tally_status
seen_read(const char *origin, struct seen *seen_out, struct tally_error *error)
{
    char path[PATH_MAX];
    tally_status status = file_path(origin, path, error);
    if (status != TALLY_OK)
        return status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return TALLY_ABSENT;
    if (fd < 0)
        return io_fault(error, "cannot open %s", path);

    char text[FILE_SIZE_MAX];
    size_t size = 0;
    status = read_all(fd, text, sizeof text, &size, error);
    (void)close(fd);
    if (status != TALLY_OK)
        return status;
    struct seen seen = { 0 };
    if (parse(text, size, &seen) != TALLY_OK || strcmp(seen.checkpoint.origin, origin) != 0)
        return fault(error, TALLY_DAMAGED,
                     "%s, which remembers what was seen of this trail, is damaged; if you know the "
                     "trail's key, remove the file and give --vkey",
                     path);
    *seen_out = seen;
    /* The text was read into `seen`, which has another place now. */
    seen_out->checkpoint.extension = NULL;
    seen_out->checkpoint.extension_size = 0;
    return TALLY_OK;
}

/* Makes the folder of `path` and those above it, 0700. */
static tally_status
make_folders(char *path, struct tally_error *error)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0700);
        int os = errno;
        *slash = '/';
        if (result < 0 && os != EEXIST) {
            errno = os;
            return io_fault(error, "cannot make a folder of %s", path);
        }
    }
    return TALLY_OK;
}

static tally_status
write_file(const char *path, struct bytes text, struct tally_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(error, "cannot create %s", path);
    tally_status status = TALLY_OK;
    if (write(fd, text.data, text.size) != (ssize_t)text.size || fsync(fd) < 0)
        status = io_fault(error, "cannot write %s", path);
    (void)close(fd);
    return status;
}

static tally_status
replace_file(const char *path, struct bytes text, struct tally_error *error)
{
    char part[PATH_MAX + 16];
    (void)snprintf(part, sizeof part, "%s.%ld", path, (long)getpid());
    interruption_remove(part);
    tally_status status = write_file(part, text, error);
    if (status == TALLY_OK && rename(part, path) < 0)
        status = io_fault(error, "cannot rename %s", part);
    if (status != TALLY_OK)
        (void)unlink(part);
    interruption_keep();
    return status;
}

tally_status
seen_write(const struct seen *seen, struct tally_error *error)
{
    char path[PATH_MAX];
    tally_status status = file_path(seen->checkpoint.origin, path, error);
    if (status == TALLY_OK)
        status = make_folders(path, error);
    if (status != TALLY_OK)
        return status;

    char vkey[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(&seen->vkey, vkey);
    struct buffer text = { 0 };
    buffer_text(&text, vkey);
    buffer_text(&text, "\n\n");
    buffer_append(&text, seen->note, seen->note_size);
    status =
        buffer_failed(&text) ? memory_fault(error) : replace_file(path, buffer_view(&text), error);
    buffer_free(&text);
    return status;
}
