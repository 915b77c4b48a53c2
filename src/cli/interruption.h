/*
 * interruption.h - what a command does before Ctrl-C, a hang-up or a polite kill ends it.
 */
#ifndef INTERRUPTION_H
#define INTERRUPTION_H

#include <stdbool.h>

/* Has these signals handled so, with sigaction's flags; SIG_DFL: as ever. One that is ignored
 * (nohup) goes on being so. */
void interruption_set(void (*handler)(int), int flags);

bool interruption_is(int signal);

/* From now on an interruption removes the file `path`, which is copied, and ends the program; until
 * interruption_keep(). One file at a time. */
void interruption_remove(const char *path);
void interruption_keep(void);

#endif
