/*
 * settings.h - a data folder's tally.conf, and the environment.
 *
 * An INI file for people to edit: sections, `name = value`, comments behind # or ;. A line it does
 * not know is refused, so that a slip of the pen does not leave a default in force unseen. What is
 * not set has the default that the file as made by settings_write() shows, commented out. Every
 * setting can be given by the environment instead, which wins: TALLY_ and its section and name in
 * capitals, TALLY_SERVER_LISTEN.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "folder.h"
#include "log.h"

#define SETTINGS_TEXT_MAX  1023
#define SETTINGS_HOSTS_MAX 32

/* The longest path of a unix socket, on Linux. */
#define SETTINGS_SOCKET_MAX 107

/* `listen`: at no address. */
#define SETTINGS_LISTEN_NONE "none"

/* What a body counts for while it is worked on: itself, and what is made of it. */
#define SETTINGS_BODY_TIMES 3

/* Who may connect to the unix socket: the server's user; its group, too; everybody. */
enum socket_mode {
    SOCKET_MODE_0600,
    SOCKET_MODE_0660,
    SOCKET_MODE_0666,
};

struct settings {
    struct folder_options storage;

    /* [server] */
    char listen[256];                     /* ADDRESS:PORT, [ADDRESS]:PORT, none; "127.0.0.1:7878" */
    char socket[SETTINGS_SOCKET_MAX + 1]; /* a unix socket's path, of tally.conf relative to the
                                             folder; "": none */
    enum socket_mode socket_mode;         /* of its file; 0660 */
    uint64_t threads;                     /* of connections; 0: as many as processors, at least 2 */
    uint64_t readers;             /* threads for queries; 0: as many as processors, at least 2 */
    uint64_t reads_waiting;       /* requests that wait for one; 256 */
    uint64_t streams;             /* exports and verifications at once; 8 */
    uint64_t tails;               /* clients that follow a trail at once; 32 */
    uint64_t connections;         /* at once; 16384 */
    uint64_t connections_address; /* at once from one address; 0: no limit */
    int64_t idle_timeout;         /* of a connection between requests; 60 s */
    int64_t request_timeout;      /* from a request's first byte to its last; 30 s */
    int64_t send_timeout;         /* that a client may take nothing of its answer; 30 s */
    int64_t search_timeout;       /* for a search, with its wait for a thread; 60 s */
    int64_t drain;                /* that requests are still taken after a signal to end; 0 */
    int64_t commit_timeout;       /* for a batch to become durable; 10 s */
    size_t body_max;              /* of a body, decoded; 16 MiB */
    size_t bodies_max;            /* of all bodies in flight, each SETTINGS_BODY_TIMES; 64 MiB */
    size_t memory_max;            /* resident; beyond it no body is taken; 512 MiB */
    bool insecure_http;           /* plain HTTP beyond loopback; false */
    char tls_certificate[SETTINGS_TEXT_MAX + 1]; /* PEM files, of tally.conf relative to the folder;
                                                    "": no TLS */
    char tls_key[SETTINGS_TEXT_MAX + 1];
    char hosts[SETTINGS_TEXT_MAX + 1]; /* names by which loopback may be asked besides localhost and
                                          addresses, joined by commas */

    /* [access] */
    uint64_t failures_per_minute; /* failed authentications of an address; 20 */
    uint64_t requests_per_minute; /* of a key; 0: no limit */

    /* [trails] */
    uint64_t trails_open;                      /* 64 */
    int64_t trail_idle;                        /* 600 s */
    char trails_public[SETTINGS_TEXT_MAX + 1]; /* whose checkpoints anyone may have, by commas */

    /* [verify] */
    int64_t
        verify_every; /* from the end of a background verification to the next; 3600 s; 0: none */
    uint64_t verify_rate; /* entries a second; 20,000 */

    /* [log] */
    enum log_format log_format; /* text */
    enum log_level log_level;   /* info */
};

/* All defaults. */
void settings_init(struct settings *settings);

/* Writes the file a new folder begins with, 0600. */
TALLY_MUST_CHECK tally_status settings_write(const char *folder, struct tally_error *error);

/* Sets those members of *settings that FOLDER/tally.conf and then the environment set, and leaves
 * the others. A missing file is none that sets anything. TALLY_INVALID with line (0 for the
 * environment) and a sentence that says what would be accepted. */
TALLY_MUST_CHECK tally_status settings_read(const char *folder, struct settings *settings,
                                            struct tally_error *error);

/* Every line of the file and every variable that settings_read() would refuse, and then what
 * settings_contradictions() finds in the rest: calls `visitor` with each. TALLY_OK whatever was
 * found. */
typedef void (*settings_visitor)(void *context, const struct tally_error *problem);
TALLY_MUST_CHECK tally_status settings_check(const char *folder, settings_visitor visitor,
                                             void *context, struct tally_error *error);

/* Appends what is another value in `after` than in `before`, as an event's `changes`:
 * {"log.level":{"before":"info","after":"debug"}}. How many settings that are. None of them is a
 * secret. */
struct buffer;
size_t settings_changes(const struct settings *before, const struct settings *after,
                        struct buffer *out);

/* What does not go together: a certificate without a key, a file that cannot be read, an address
 * beyond loopback without TLS, neither an address nor a socket, limits that leave each other no room.
 * Calls `visitor` with each and returns how many there are. Looks at the files. */
size_t settings_contradictions(const struct settings *settings, settings_visitor visitor,
                               void *context);

/* TALLY_INVALID with a sentence where the server would listen nowhere. */
TALLY_MUST_CHECK tally_status settings_check_reach(const struct settings *settings,
                                                   struct tally_error *error);

/* TALLY_INVALID with a sentence where keys and entries would go over the network in the clear and
 * insecure_http does not say that they may. */
TALLY_MUST_CHECK tally_status settings_check_exposure(const struct settings *settings,
                                                      struct tally_error *error);

/* Reads "ADDRESS:PORT", an IPv6 address in brackets; no names. Port 0 is any free one. `address_out`
 * has no brackets. TALLY_INVALID. */
TALLY_MUST_CHECK tally_status settings_split_listen(const char *listen, char address_out[256],
                                                    uint16_t *port_out, struct tally_error *error);

#endif
