/*
 * child.h - the program under test as a child: started, watched, stopped.
 *
 * The program is the one that the environment names by TALLY. Whatever a child writes, to standard
 * output and to standard error, is kept in one place in its order. A child does not outlive the
 * test that started it. What cannot happen ends the test with a line on standard error.
 */
#ifndef CHILD_H
#define CHILD_H

#include "buffer.h"

#include <sys/types.h>

struct child;

struct child_options {
    const char *data;             /* the folder */
    const char *const *arguments; /* more of them, ending with NULL; NULL: none */
    const char *const
        *settings;  /* "NAME=value" for its environment, ending with NULL; NULL: none */
    int timeout_ms; /* for it to be ready; 0: a minute */
};

/* Starts `serve --data DIR --listen 127.0.0.1:0` and waits until it says that it listens. NULL, with
 * what it wrote on standard error, where it ends before or takes too long. */
struct child *child_serve(const struct child_options *options);

uint16_t child_port(const struct child *child);
pid_t child_pid(const struct child *child);

/* Appends all that it has written so far. */
void child_output(struct child *child, struct buffer *out);

/* Waits for a line that begins with `start` and gives what stands behind that, as a text that the
 * caller frees. NULL where none comes in time. */
char *child_wait_line(struct child *child, const char *start, int timeout_ms);

/* Sends the signal (0: none), waits for the end and frees the child: its exit status, or minus the
 * signal that ended it. One that does not end in time is killed: CHILD_STUCK. */
#define CHILD_STUCK 1000
/* Time enough for a server: draining takes 30 seconds at most, closing a little more; a sanitizer makes
 * all of it slower. */
#define CHILD_STOP_MS 120000
int child_stop(struct child *child, int signal, int timeout_ms);

/* Runs the program with these arguments (ending with NULL) to its end: as child_stop(). What it
 * writes is appended to `out`, which may be NULL. */
int child_run(const char *const *arguments, struct buffer *out);

/* A new empty folder's path below the system's place for temporary files; child_remove() removes it
 * with all that is in it and frees the path. */
char *child_folder(void);
void child_remove(char *path);

#endif
