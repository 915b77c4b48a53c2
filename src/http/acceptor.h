/*
 * acceptor.h - a listening socket, and a thread that hands its connections on.
 */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

#include "tally/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct acceptor;

/* Takes over the descriptor: uses and closes it, or closes it. */
typedef void (*acceptor_take)(void *context, int fd, const struct sockaddr *address,
                              socklen_t size);

/* Listens on an address ("127.0.0.1", "::1", "0.0.0.0") and port (0: any free one). TALLY_BUSY
 * where the port is taken, TALLY_DENIED, TALLY_INVALID for no address. Caller owns. */
TALLY_MUST_CHECK tally_status acceptor_open(const char *address, uint16_t port,
                                            struct acceptor **acceptor_out,
                                            struct tally_error *error);
/* Listens at a unix socket's path, whose file is made with `mode` and goes with the acceptor: see
 * socket_file_bind(). Caller owns. */
TALLY_MUST_CHECK tally_status acceptor_open_path(const char *path, mode_t mode,
                                                 struct acceptor **acceptor_out,
                                                 struct tally_error *error);

/* Of an address: its port, and whether only this machine can reach it. */
uint16_t acceptor_port(const struct acceptor *acceptor);
bool acceptor_is_loopback(const struct acceptor *acceptor);

/* Begins to accept. */
TALLY_MUST_CHECK tally_status acceptor_start(struct acceptor *acceptor, acceptor_take take,
                                             void *context, struct tally_error *error);
/* Ends it and closes the socket. NULL is allowed. */
void acceptor_close(struct acceptor *acceptor);

#endif
