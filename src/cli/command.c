#include "command.h"

#include "field.h"
#include "nearest.h"
#include "slip.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long takes a word that begins with a minus for an option. A filter term that does is
 * hidden from it behind this character, which no word of a user's begins with for a reason. */
#define HIDDEN '\x01'

/* What getopt_long returns for the rows of its table, from this on: the row's number is added. */
#define FOUND 256

static bool
is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

/* -name:…, -name."quoted"…, -"text" and -( are terms of a filter. */
static bool
is_filter_term(const char *word)
{
    if (word[0] != '-')
        return false;
    if (word[1] == '"' || word[1] == '(')
        return true;
    size_t at = 1;
    while (is_name_character(word[at]))
        at++;
    return at > 1 && (word[at] == ':' || word[at] == '"');
}

char
command_letter_of(const struct command *command, const char *name)
{
    const struct command_letter *row = command->letters;
    while (row != NULL && row->name != NULL && strcmp(row->name, name) != 0)
        row++;
    return row == NULL || row->name == NULL ? 0 : row->letter;
}

/* Copies of the words, with filter terms hidden. NULL when memory is short. */
static char **
copy_words(const struct command *command, int count, char **words)
{
    char **copies = calloc((size_t)count + 2, sizeof *copies);
    if (copies == NULL)
        return NULL;
    /* getopt_long begins behind the program's name. */
    copies[0] = strdup(command->name);
    bool terms = (command->ways & COMMAND_FILTER) != 0;
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "--") == 0)
            terms = false;
        bool hide = terms && is_filter_term(words[i]);
        if (asprintf(&copies[i + 1], "%s%s", hide ? "\x01" : "", words[i]) < 0)
            copies[i + 1] = NULL;
    }
    for (int i = 0; i <= count; i++) {
        if (copies[i] != NULL)
            continue;
        for (int j = 0; j <= count; j++)
            free(copies[j]);
        free(copies);
        return NULL;
    }
    return copies;
}

static void
free_words(char **words)
{
    for (int i = 0; words != NULL && words[i] != NULL; i++)
        free(words[i]);
    free(words);
}

/* Options by a letter: enough for any command. */
#define LETTERS_MAX 8

struct option_table {
    struct option *options;
    const char **names; /* what a use of each row is called */
    size_t count;
    char letters[2 * LETTERS_MAX + 2]; /* as getopt_long wants them */
    size_t rows[LETTERS_MAX];          /* of each letter */
    size_t letter_count;
};

static void
table_add(struct option_table *table, const char *spelling, const char *name, bool argument)
{
    table->options[table->count] = (struct option){
        .name = spelling,
        .has_arg = argument ? required_argument : no_argument,
        .val = FOUND + (int)table->count,
    };
    table->names[table->count++] = name;
}

/* The row that was added last can be had by a letter, too. */
static void
table_add_letter(struct option_table *table, char letter)
{
    assert(table->letter_count < LETTERS_MAX);
    size_t row = table->count - 1;
    const char spelling[] = { letter, table->options[row].has_arg != no_argument ? ':' : '\0', 0 };
    (void)strcat(table->letters, spelling);
    table->rows[table->letter_count++] = row;
}

/* The row that getopt_long found; SIZE_MAX where it found none. */
static size_t
table_row(const struct option_table *table, int result)
{
    if (result >= FOUND)
        return (size_t)(result - FOUND);
    size_t number = 0;
    for (const char *c = table->letters + 1; *c != '\0'; c++) {
        if (*c == ':')
            continue;
        if (*c == result)
            return table->rows[number];
        number++;
    }
    return SIZE_MAX;
}

/* A field by its name, and by its name with dashes, which is spelled in `dashed`. */
static void
add_fields(struct option_table *table, char (*dashed)[FIELD_NAME_SIZE_MAX + 1])
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        const char *name = (const char *)field->name.data;
        if ((field->flags & FIELD_SERVER_SET) != 0)
            continue;
        table_add(table, name, name, true);
        (void)snprintf(dashed[i], sizeof dashed[i], "%s", name);
        for (char *c = dashed[i]; *c != '\0'; c++)
            if (*c == '_')
                *c = '-';
        if (strcmp(dashed[i], name) != 0)
            table_add(table, dashed[i], name, true);
    }
}

static void
add_options(struct option_table *table, const struct command *command)
{
    const struct command_option *option = command->options;
    for (; option != NULL && option->name != NULL; option++) {
        table_add(table, option->name, option->name, option->argument != NULL);
        char letter = command_letter_of(command, option->name);
        if (letter != 0)
            table_add_letter(table, letter);
    }
    table_add(table, "help", "help", false);
}

#define TABLE_SIZE_MAX 128

/* The word that has the letter getopt_long refused: the one before the next, or, where more letters
 * follow in it, the next itself. */
static const char *
word_of_letter(char **words, char letter)
{
    const char *word = words[optind - 1];
    bool last = word[0] == '-' && word[1] != '-' && word[strlen(word) - 1] == letter;
    return last || words[optind] == NULL ? word : words[optind];
}

static int
refuse_option(const struct command *command, char **words, const struct option_table *table,
              int result)
{
    const char *word = words[optind - 1];
    if (result == ':')
        return fail(MISUSED, "%s: a value is missing; see `tally help %s`", word, command->name);
    if (optopt >= FOUND)
        return fail(MISUSED, "--%s takes no value; see `tally help %s`",
                    table->options[optopt - FOUND].name, command->name);
    if (optopt > 0)
        return slip_refuse_letter(command, word_of_letter(words, (char)optopt), table->options);
    return slip_refuse_name(command, word, table->options);
}

static int
read_options(const struct command *command, int count, char **words,
             const struct option_table *table, struct invocation *invocation)
{
    optind = 0; /* GNU: begin anew */
    opterr = 0;
    for (;;) {
        int result = getopt_long(count, words, table->letters, table->options, NULL);
        if (result == -1)
            return DONE;
        size_t row = result == '?' || result == ':' ? SIZE_MAX : table_row(table, result);
        if (row == SIZE_MAX)
            return refuse_option(command, words, table, result);
        invocation->uses[invocation->use_count++] =
            (struct option_use){ table->names[row], optarg };
    }
}

int
invocation_read(const struct command *command, const char *program, int count, char **words,
                struct invocation *invocation_out)
{
    char dashed[FIELD_COUNT][FIELD_NAME_SIZE_MAX + 1];
    struct option options[TABLE_SIZE_MAX] = { 0 };
    const char *names[TABLE_SIZE_MAX];
    struct option_table table = { .options = options, .names = names, .letters = ":" };
    if ((command->ways & COMMAND_FIELDS) != 0)
        add_fields(&table, dashed);
    add_options(&table, command);

    struct invocation invocation = { .command = command, .program = program };
    char **copies = copy_words(command, count, words);
    invocation.uses = calloc((size_t)count + 1, sizeof *invocation.uses);
    if (copies == NULL || invocation.uses == NULL) {
        free_words(copies);
        free(invocation.uses);
        return fail(UNABLE, "out of memory");
    }
    invocation.words = copies;
    int outcome = read_options(command, count + 1, copies, &table, &invocation);
    if (outcome != DONE) {
        invocation_finish(&invocation);
        return outcome;
    }
    invocation.operands = copies + optind;
    invocation.operand_count = count + 1 - optind;
    for (int i = 0; i < invocation.operand_count; i++)
        if (invocation.operands[i][0] == HIDDEN)
            memmove(invocation.operands[i], invocation.operands[i] + 1,
                    strlen(invocation.operands[i]));
    *invocation_out = invocation;
    return DONE;
}

void
invocation_finish(struct invocation *invocation)
{
    free_words(invocation->words);
    free(invocation->uses);
    *invocation = (struct invocation){ 0 };
}

const char *
option_next(const struct invocation *invocation, const char *name, size_t *at)
{
    while (*at < invocation->use_count) {
        const struct option_use *use = &invocation->uses[(*at)++];
        if (strcmp(use->name, name) == 0)
            return use->value;
    }
    return NULL;
}

const char *
option_value(const struct invocation *invocation, const char *name)
{
    const char *last = NULL;
    size_t at = 0;
    for (const char *value; (value = option_next(invocation, name, &at)) != NULL;)
        last = value;
    return last;
}

bool
option_given(const struct invocation *invocation, const char *name)
{
    for (size_t i = 0; i < invocation->use_count; i++)
        if (strcmp(invocation->uses[i].name, name) == 0)
            return true;
    return false;
}

int
option_number(const struct invocation *invocation, const char *name, unsigned long long standard,
              unsigned long long most, unsigned long long *number_out)
{
    const char *text = option_value(invocation, name);
    if (text == NULL) {
        *number_out = standard;
        return DONE;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > most)
        return fail(MISUSED, "--%s takes a number up to %llu, not \"%s\"", name, most, text);
    *number_out = number;
    return DONE;
}

int
misused(const struct invocation *invocation, const char *reason)
{
    const struct command *command = invocation->command;
    say("%s", reason);
    return fail(MISUSED, "usage: tally %s %s; `tally help %s` says more", command->name,
                command->operands, command->name);
}

int
operands_expect(const struct invocation *invocation, const char *const *missing, int most)
{
    for (int i = 0; missing != NULL && missing[i] != NULL; i++)
        if (i >= invocation->operand_count)
            return misused(invocation, missing[i]);
    if (invocation->operand_count <= most)
        return DONE;
    char reason[128];
    (void)snprintf(reason, sizeof reason, "\"%.80s\" is an operand too many",
                   invocation->operands[most]);
    return misused(invocation, reason);
}

const struct command *
command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int
command_refuse(const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, bytes_text(name));
    for (size_t i = 0; commands[i] != NULL; i++)
        nearest_offer(&nearest, bytes_text(commands[i]->name), bytes_text(commands[i]->name));
    if (nearest.name.data == NULL)
        return fail(MISUSED, "there is no command \"%s\"; `tally help` lists those there are",
                    name);
    return fail(MISUSED, "there is no command \"%s\": did you mean `tally %.*s`?", name,
                BYTES_ARG(nearest.name));
}
