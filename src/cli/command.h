/*
 * command.h - what a command of the program is: a row of main.c's table.
 *
 * A command gets an invocation: the words behind its name, read by the rules that are the same for
 * all commands. Options stand anywhere, `--name VALUE` or `--name=VALUE`, a few by a letter, too;
 * `--` ends them. Where the command takes a filter, a word like -user:u1 is an operand of its own.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "outcome.h"

#include <stdbool.h>
#include <stddef.h>

struct command_option {
    const char *name;
    const char *argument; /* what its value is called in the help; NULL: it takes none */
    const char *text;     /* one line of help */
};

/* An option that can be given by a letter, too: -f for --follow. */
struct command_letter {
    char letter;
    const char *name;
};

/* What is special about how a command's words are read; a set of bits. */
#define COMMAND_FILTER 0x01u /* operands are a filter: -name:value is one */
#define COMMAND_FIELDS 0x02u /* every field that events may bring is an option too */

struct invocation;

struct command {
    const char *name;
    const char *operands;                 /* for the usage line */
    const char *summary;                  /* one line, for the list of commands */
    const char *text;                     /* the paragraph below the usage line */
    const struct command_option *options; /* ends with a row without name; NULL: none */
    const struct command_letter *letters; /* ends with a row without name; NULL: none */
    unsigned ways;
    int (*run)(const struct invocation *invocation); /* returns the exit status */
};

/* One option as given; `value` is NULL where it takes none. */
struct option_use {
    const char *name; /* as in the table; a field's name with underscores */
    const char *value;
};

struct invocation {
    const struct command *command;
    const char *program; /* as it was called: for commands that tell what to type */
    char **operands;
    int operand_count;
    struct option_use *uses; /* in the order given */
    size_t use_count;
    char **words; /* what the above lends from */
};

/* Reads the words behind a command's name. DONE, or MISUSED after saying why. `program` is
 * borrowed; the words are copied. Give it back with invocation_finish. */
int invocation_read(const struct command *command, const char *program, int count, char **words,
                    struct invocation *invocation_out);
void invocation_finish(struct invocation *invocation);

/* The value given last for an option, or NULL; whether it was given at all. */
const char *option_value(const struct invocation *invocation, const char *name);
bool option_given(const struct invocation *invocation, const char *name);

/* The next use of an option from *at on (0 to begin), for those that may come more than once; NULL
 * at the end. */
const char *option_next(const struct invocation *invocation, const char *name, size_t *at);

/* A decimal number of at most `most`; `standard` where the option is not given. MISUSED after
 * saying why, or DONE. */
int option_number(const struct invocation *invocation, const char *name,
                  unsigned long long standard, unsigned long long most,
                  unsigned long long *number_out);

/* Says the reason, and how the command is used; MISUSED. */
int misused(const struct invocation *invocation, const char *reason);

/* MISUSED after saying why unless the number of operands is within bounds, else DONE. `missing` says
 * of each operand that there must be that it is missing, and ends with NULL; NULL: there need be none. */
int operands_expect(const struct invocation *invocation, const char *const *missing, int most);

/* The letter of an option, or 0. */
char command_letter_of(const struct command *command, const char *name);

/* All commands, in the order of the list; ends with NULL. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);

/* Says that there is no such command, and which was meant; MISUSED. */
int command_refuse(const char *name);

extern const struct command command_bench, command_demo, command_doctor, command_export,
    command_help, command_import, command_init, command_key, command_prove, command_query,
    command_record, command_serve, command_stats, command_tail, command_trail, command_verify;

#endif
