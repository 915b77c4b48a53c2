/*
 * tally help - what there is, from the same tables that the commands are read by.
 */
#include "command.h"
#include "field.h"
#include "out.h"

#include <string.h>

#define OPTION_WIDTH 24

static void
put_option(const struct command_option *option, char letter, struct buffer *text)
{
    size_t start = text->size;
    if (letter != 0)
        buffer_format(text, "  -%c, --%s", letter, option->name);
    else
        buffer_format(text, "  --%s", option->name);
    if (option->argument != NULL)
        buffer_format(text, " %s", option->argument);
    while (text->size - start < OPTION_WIDTH)
        buffer_byte(text, ' ');
    buffer_format(text, "  %s\n", option->text);
}

static const char *
argument_name(const struct field *field)
{
    switch (field->type) {
    case TYPE_OBJECT:
        return "JSON";
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        return "NUMBER";
    case TYPE_TIME:
        return "TIME";
    default:
        return "TEXT";
    }
}

/* The values of an enumeration, or nothing. */
static void
put_values(const struct field *field, struct buffer *text)
{
    if (field->type != TYPE_ENUM)
        return;
    for (size_t i = 0; field->values[i] != NULL; i++)
        buffer_format(text, "%s%s", i == 0 ? "" : ", ", field->values[i]);
}

static void
put_fields(struct buffer *text)
{
    buffer_text(text, "\nFields:\n");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        if ((field->flags & FIELD_SERVER_SET) != 0)
            continue;
        size_t start = text->size;
        buffer_text(text, "  --");
        for (size_t j = 0; j < field->name.size; j++)
            buffer_byte(text, field->name.data[j] == '_' ? '-' : field->name.data[j]);
        buffer_format(text, " %s", argument_name(field));
        while (text->size - start < OPTION_WIDTH)
            buffer_byte(text, ' ');
        buffer_text(text, "  ");
        put_values(field, text);
        while (text->data[text->size - 1] == ' ')
            text->size--;
        buffer_byte(text, '\n');
    }
}

static void
put_command(const struct command *command, struct buffer *text)
{
    buffer_format(text, "tally %s %s\n\n%s\n\nOptions:\n", command->name, command->operands,
                  command->text);
    for (const struct command_option *option = command->options;
         option != NULL && option->name != NULL; option++)
        put_option(option, command_letter_of(command, option->name), text);
    put_option(&(struct command_option){ "help", NULL, "this text" }, 0, text);
    if ((command->ways & COMMAND_FIELDS) != 0)
        put_fields(text);
}

static void
put_list(struct buffer *text)
{
    buffer_text(text, "tally - an audit trail that proves itself\n\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        buffer_format(text, "  tally %-8s %s\n", commands[i]->name, commands[i]->summary);
    buffer_text(
        text,
        "\nWHERE is a data folder, a server's URL, or unix:PATH, its socket. `tally help COMMAND` "
        "says\nmore; so do the man pages tally(1) and tally-filter(7).\n\n"
        "Exit status: 0 done or intact; 1 tampered, or a proof that fails; 2 wrong usage or "
        "invalid\ninput, nothing stored; 3 could not; 4 what was asked for is not there.\n");
}

static int
run(const struct invocation *invocation)
{
    int outcome = operands_expect(invocation, 0, 1);
    if (outcome != DONE)
        return outcome;
    const struct command *command = NULL;
    if (invocation->operand_count == 1) {
        command = command_find(invocation->operands[0]);
        if (command == NULL)
            return command_refuse(invocation->operands[0]);
    }
    struct out out;
    out_open(&out);
    if (command == NULL)
        put_list(&out.stream.buffer);
    else
        put_command(command, &out.stream.buffer);
    return out_finish(&out, DONE);
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "say what there is, or how a command is used",
    .text = "Without a command: the list of commands.",
    .run = run,
};
