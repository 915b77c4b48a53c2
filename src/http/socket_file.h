/*
 * socket_file.h - a unix socket at a path: made, put in a dead one's place, removed.
 */
#ifndef SOCKET_FILE_H
#define SOCKET_FILE_H

#include "tally/status.h"

#include <sys/types.h>
#include <sys/un.h>

/* The longest path of one. */
#define SOCKET_PATH_MAX (sizeof((struct sockaddr_un *)NULL)->sun_path - 1)

/* The file that a socket was bound to; zeroed: none. */
struct socket_file {
    char path[SOCKET_PATH_MAX + 1];
    dev_t device;
    ino_t inode;
};

/* Binds `fd`, a unix stream socket, at `path` and gives the file exactly `mode`. A socket that nobody
 * listens at is removed first. TALLY_BUSY where somebody does; TALLY_INVALID for a path that is empty
 * or too long, or where something else than a socket is. Whoever binds is to listen at once: others
 * take a socket that nobody listens at for a dead one's. */
TALLY_MUST_CHECK tally_status socket_file_bind(int fd, const char *path, mode_t mode,
                                               struct socket_file *file_out,
                                               struct tally_error *error);

/* Removes the file, unless another one stands at its path by now. */
void socket_file_remove(const struct socket_file *file);

#endif
