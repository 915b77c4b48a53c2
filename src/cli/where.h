/*
 * where.h - the data folder that a command works on, and one of its trails.
 *
 * Opens them and says, when that fails, what to do about it. All of these return DONE or the exit
 * status to end with, after saying why.
 */
#ifndef WHERE_H
#define WHERE_H

#include "command.h"
#include "trail.h"

/* What a command says that was given nothing to work on. */
#define WHERE_MISSING "WHERE is missing, the data folder or a server's URL"

struct where {
    const char *path; /* borrowed */
    struct folder *folder;
    const char *name; /* of the trail; borrowed */
    struct trail *trail;
};

/* The folder that the first operand names. */
int where_open(const struct invocation *invocation, struct where *where_out);

/* The same with default settings, whatever tally.conf says: for who looks for slips in it. */
int where_open_plain(const struct invocation *invocation, struct where *where_out);

/* The same, with the trail that --trail names (`main` if it does not). What recovery did that its
 * owner must know (a torn record that was cut, an erasure finished) is said. */
int where_open_trail(const struct invocation *invocation, enum trail_mode mode,
                     struct where *where_out);

/* Opens a trail of an open folder, as where_open_trail does. */
int where_open_named(struct where *where, const char *name, enum trail_mode mode);

/* Closes trail and folder. Returns `outcome`, or UNABLE where closing met a fault. */
int where_close(struct where *where, int outcome);

/* Says what a fault met while reading the trail means and returns the exit status for it. */
int where_fault(const struct where *where, const struct tally_error *error);

/* Whether WHERE is a URL or unix:PATH: then the command works on a server (remote.h). */
bool where_is_url(const char *where);

/* DONE, or MISUSED after saying what a trail's name is. */
int where_check_name(const char *name);

/* Says that there is no such trail, and how there will be; UNABLE. */
int where_no_trail(const char *path, const char *name);

#endif
