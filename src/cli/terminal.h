/*
 * terminal.h - what a terminal can show.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

/* Columns of the terminal `fd`: COLUMNS if it is set, else what the terminal says, else 80. */
unsigned terminal_width(int fd);

/* False where NO_COLOR is set and not empty (no-color.org), or the terminal is a dumb one. */
bool terminal_has_colour(void);

#endif
