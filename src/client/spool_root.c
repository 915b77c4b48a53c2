/*
 * spool_root.c - where spools stand, and whether it is a safe place.
 *
 * A symbolic link is followed where this user or root made it. The checks are made of what it leads
 * to, and the path they were made of is what is used from then on.
 */
#include "spool_root.h"

#include "fault.h"
#include "spool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is appended to it: the name of a folder and the name of a file. */
#define ROOM_BELOW 128

static const char *
variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

tally_status
spool_root_default(char **root_out, struct tally_error *error)
{
    const char *spool = variable("TALLY_SPOOL");
    const char *state = variable("XDG_STATE_HOME");
    const char *home = variable("HOME");
    char *root;
    int size;
    if (spool != NULL) {
        size = asprintf(&root, "%s", spool);
    } else if (state != NULL && state[0] == '/') {
        size = asprintf(&root, "%s/tally/spool", state);
    } else if (home != NULL) {
        size = asprintf(&root, "%s/.local/state/tally/spool", home);
    } else {
        (void)fault(error, TALLY_ABSENT,
                    "there is no place for the spool: set TALLY_SPOOL to a folder of your own");
        return TALLY_ABSENT;
    }
    if (size < 0)
        return memory_fault(error);
    *root_out = root;
    return TALLY_OK;
}

/* mkdir -p. What was wrong with a folder above shows in the last call. */
static tally_status
make_folders(const char *root, struct tally_error *error)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s", root);
    if (root[0] == '\0' || (size_t)size >= sizeof path - ROOM_BELOW)
        return fault(error, TALLY_INVALID, "the spool's folder has no usable name: \"%.100s\"",
                     root);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return io_fault(error, "cannot make the spool's folder %s", root);
    return TALLY_OK;
}

/* Of the link itself, if it is one. */
static tally_status
check_link(const char *root, struct tally_error *error)
{
    struct stat about;
    if (lstat(root, &about) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? TALLY_ABSENT
                   : io_fault(error, "cannot use the spool's folder %s", root);
    if (S_ISLNK(about.st_mode) && about.st_uid != geteuid() && about.st_uid != 0)
        return fault(error, TALLY_DENIED,
                     "the spool's folder %s is a symbolic link of another user's: name the folder "
                     "it is to be",
                     root);
    return TALLY_OK;
}

static tally_status
check_folder(const char *path, struct tally_error *error)
{
    struct stat about;
    if (lstat(path, &about) != 0)
        return io_fault(error, "cannot use the spool's folder %s", path);
    if (!S_ISDIR(about.st_mode))
        return fault(error, TALLY_DENIED, "the spool's folder %s is no folder", path);
    if (about.st_uid != geteuid())
        return fault(error, TALLY_DENIED,
                     "the spool's folder %s belongs to user %lu: set TALLY_SPOOL to a folder of "
                     "your own",
                     path, (unsigned long)about.st_uid);
    if ((about.st_mode & 022) != 0)
        return fault(error, TALLY_DENIED,
                     "the spool's folder %s may be written by others (mode %04o): run `chmod 700` "
                     "on it, or name a folder in it",
                     path, (unsigned)about.st_mode & 07777);
    return TALLY_OK;
}

tally_status
spool_root_find(const char *root, char **path_out, struct tally_error *error)
{
    tally_status status = check_link(root, error);
    if (status != TALLY_OK)
        return status;
    char *path = realpath(root, NULL);
    if (path == NULL)
        return errno == ENOENT ? TALLY_ABSENT
                               : io_fault(error, "cannot use the spool's folder %s", root);
    status =
        strlen(path) < PATH_MAX - ROOM_BELOW
            ? check_folder(path, error)
            : fault(error, TALLY_INVALID, "the spool's folder has too long a path: %.100s", path);
    if (status != TALLY_OK) {
        free(path);
        return status;
    }
    *path_out = path;
    return TALLY_OK;
}

tally_status
spool_root_make(const char *root, char **path_out, struct tally_error *error)
{
    tally_status status = make_folders(root, error);
    if (status == TALLY_OK)
        status = spool_root_find(root, path_out, error);
    return status == TALLY_ABSENT
               ? fault(error, TALLY_IO, "the spool's folder %s leads nowhere", root)
               : status;
}
