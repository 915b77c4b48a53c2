/*
 * A unix socket's file outlives its process: after a crash it stays, and nobody can bind at its path
 * again. So a server looks first whether somebody listens at it, which nobody can but by connecting:
 * the kernel refuses a connection to a dead one. Between this look and the removal another server
 * might take the path; of two that are given one path at the same moment, the later one has it. Two
 * servers of one data folder cannot come so far: the folder's trails are locked.
 */
#include "socket_file.h"

#include "fault.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static tally_status
set_address(const char *path, struct sockaddr_un *address_out, struct tally_error *error)
{
    size_t size = strlen(path);
    if (size == 0)
        return fault(error, TALLY_INVALID, "a socket needs a path");
    if (size > SOCKET_PATH_MAX)
        return fault(
            error, TALLY_INVALID,
            "%s is no path for a socket: it has %zu bytes, and the system takes %zu; name a "
            "shorter one",
            path, size, SOCKET_PATH_MAX);
    *address_out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(address_out->sun_path, path, size);
    return TALLY_OK;
}

/* Whether somebody listens at the address: 0, or why a connection is not possible. */
static int
try_connect(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int why = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    (void)close(fd);
    return why;
}

/* Removes the socket of somebody who is dead. */
static tally_status
make_way(const struct sockaddr_un *address, struct tally_error *error)
{
    const char *path = address->sun_path;
    struct stat there;
    if (lstat(path, &there) < 0)
        return errno == ENOENT ? TALLY_OK : io_fault(error, "cannot look at %s", path);
    if (!S_ISSOCK(there.st_mode))
        return fault(error, TALLY_INVALID,
                     "%s is there and is no socket: remove it, or name another path", path);
    errno = try_connect(address);
    switch (errno) {
    case ECONNREFUSED:
        if (unlink(path) < 0 && errno != ENOENT)
            return io_fault(error, "nobody listens at the socket %s, but it cannot be removed",
                            path);
        return TALLY_OK;
    case ENOENT: /* its server has removed it just now */
        return TALLY_OK;
    case 0:
    case EAGAIN:     /* so many wait there already */
    case EPROTOTYPE: /* a socket of another kind */
        return fault(error, TALLY_BUSY,
                     "the socket %s is another program's, which listens there: end that one, or "
                     "name another path",
                     path);
    default:
        return io_fault(error, "cannot see whether anybody listens at the socket %s", path);
    }
}

tally_status
socket_file_bind(int fd, const char *path, mode_t mode, struct socket_file *file_out,
                 struct tally_error *error)
{
    struct sockaddr_un address;
    tally_status status = set_address(path, &address, error);
    if (status != TALLY_OK)
        return status;
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    if (bound < 0 && errno == EADDRINUSE) {
        status = make_way(&address, error);
        if (status != TALLY_OK)
            return status;
        bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    }
    if (bound < 0)
        return io_fault(error, "cannot make the socket %s", path);

    /* Nobody connects before it is listened, so the rights are there in time, whatever the umask. */
    struct stat there;
    if (chmod(path, mode) < 0 || lstat(path, &there) < 0) {
        status = io_fault(error, "cannot set the rights of the socket %s", path);
        (void)unlink(path);
        return status;
    }
    *file_out = (struct socket_file){ .device = there.st_dev, .inode = there.st_ino };
    memcpy(file_out->path, address.sun_path, sizeof file_out->path);
    return TALLY_OK;
}

void
socket_file_remove(const struct socket_file *file)
{
    struct stat there;
    if (file->path[0] != '\0' && lstat(file->path, &there) == 0 && there.st_dev == file->device &&
        there.st_ino == file->inode)
        (void)unlink(file->path);
}
