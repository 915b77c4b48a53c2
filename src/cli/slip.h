/*
 * slip.h - what is said of an option that there is not, and what was meant.
 */
#ifndef SLIP_H
#define SLIP_H

#include "command.h"

#include <getopt.h>

/* "--limt" or "--limt=5": MISUSED after saying which of the options was meant, or, where the command
 * takes a filter, how a field is asked for there. `options` ends with a row without name. */
int slip_refuse_name(const struct command *command, const char *word, const struct option *options);

/* "-x", or a word that has such a letter: MISUSED after saying that options have two minuses, or what
 * the word would be as a part of a filter. */
int slip_refuse_letter(const struct command *command, const char *word,
                       const struct option *options);

#endif
