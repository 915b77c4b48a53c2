/*
 * terminal.h - what a terminal can show.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

/* How wide a table on `fd` may be: COLUMNS if it is exported; else what the terminal says, 80 if it
 * does not; 0, as wide as it gets, for what is no terminal. */
unsigned terminal_width(int fd);

/* Whether it may only be written to, line by line: TERM says so, or says nothing. */
bool terminal_is_dumb(void);

/* False where NO_COLOR is set and not empty (no-color.org), or the terminal is a dumb one. */
bool terminal_has_colour(void);

#endif
