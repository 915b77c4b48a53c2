/*
 * tally help - what there is, from the same tables that the commands are read by.
 */
#include "command.h"
#include "field.h"
#include "out.h"
#include "paragraph.h"
#include "terminal.h"

#include <string.h>

/* Columns: of a line, and of what stands before an option's text. */
#define WIDTH_MIN    40
#define WIDTH_MAX    80
#define OPTION_WIDTH 24

/* What is written on, and how wide. */
struct page {
    struct buffer *text;
    size_t width;
};

/* A line that has two blanks in a row is a term and its text: what goes on stands below the text. */
static void
put_line(const struct page *page, struct bytes line)
{
    size_t head = 0;
    for (size_t i = 1; i < line.size && head == 0; i++)
        if (line.data[i] == ' ' && line.data[i - 1] == ' ')
            head = i + 1;
    while (head > 0 && head < line.size && line.data[head] == ' ')
        head++;
    buffer_append(page->text, line.data, head);
    const struct paragraph_place place = { head, head, page->width };
    paragraph_put(bytes_of(line.data + head, line.size - head), &place, page->text);
}

static void
put_text(const struct page *page, const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        put_line(page, bytes_of(line, size));
        line += size + (line[size] == '\n');
    }
}

/* Blanks up to an option's text; on a line of its own where there is no room. */
static void
put_gap(struct buffer *text, size_t start)
{
    if (text->size - start > OPTION_WIDTH) {
        buffer_byte(text, '\n');
        start = text->size;
    }
    while (text->size - start < OPTION_WIDTH + 2)
        buffer_byte(text, ' ');
}

static void
put_option(const struct page *page, const struct command_option *option, char letter)
{
    struct buffer *text = page->text;
    size_t start = text->size;
    if (letter != 0)
        buffer_format(text, "  -%c, --%s", letter, option->name);
    else
        buffer_format(text, "  --%s", option->name);
    if (option->argument != NULL)
        buffer_format(text, " %s", option->argument);
    put_gap(text, start);
    const struct paragraph_place place = { OPTION_WIDTH + 2, OPTION_WIDTH + 2, page->width };
    paragraph_put(bytes_text(option->text), &place, text);
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
        put_gap(text, start);
        put_values(field, text);
        while (text->data[text->size - 1] == ' ')
            text->size--;
        buffer_byte(text, '\n');
    }
}

static void
put_command(const struct page *page, const struct command *command)
{
    struct buffer *text = page->text;
    buffer_format(text, "tally %s ", command->name);
    const struct paragraph_place place = { text->size, text->size, page->width };
    paragraph_put(bytes_text(command->operands), &place, text);
    buffer_byte(text, '\n');
    put_text(page, command->text);
    buffer_text(text, "\nOptions:\n");
    for (const struct command_option *option = command->options;
         option != NULL && option->name != NULL; option++)
        put_option(page, option, command_letter_of(command, option->name));
    put_option(page, &(struct command_option){ "help", NULL, "this text" }, 0);
    if ((command->ways & COMMAND_FIELDS) != 0)
        put_fields(text);
}

static void
put_list(const struct page *page)
{
    buffer_text(page->text, "tally - an audit trail that proves itself\n\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        size_t start = page->text->size;
        buffer_format(page->text, "  tally %-8s ", commands[i]->name);
        size_t at = page->text->size - start;
        const struct paragraph_place place = { at, at, page->width };
        paragraph_put(bytes_text(commands[i]->summary), &place, page->text);
    }
    buffer_byte(page->text, '\n');
    put_text(page, "WHERE is a data folder, a server's URL, or unix:PATH, its socket. `tally help "
                   "COMMAND` says more; so do the man pages tally(1) and tally-filter(7).");
    buffer_byte(page->text, '\n');
    put_text(page,
             "Exit status: 0 done or intact; 1 tampered, or a proof that fails; 2 wrong usage or "
             "invalid input, nothing stored; 3 could not; 4 what was asked for is not there.");
}

/* As wide as the terminal, within reason. */
static size_t
width_of(const struct out *out)
{
    unsigned width = terminal_width(out->fd);
    if (width == 0 || width > WIDTH_MAX)
        return WIDTH_MAX;
    return width < WIDTH_MIN ? WIDTH_MIN : width;
}

static int
run(const struct invocation *invocation)
{
    int outcome = operands_expect(invocation, NULL, 1);
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
    const struct page page = { &out.stream.buffer, width_of(&out) };
    if (command == NULL)
        put_list(&page);
    else
        put_command(&page, command);
    return out_finish(&out, DONE);
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "say what there is, or how a command is used",
    .text = "Without a command: the list of commands.",
    .run = run,
};
