#include "outcome.h"

#include "escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
say_bytes(struct bytes text)
{
    struct buffer line = { 0 };
    buffer_text(&line, "tally: ");
    escape_text(text, &line);
    buffer_byte(&line, '\n');
    /* One write for a line, so that lines of several processes do not mix. Where standard error
     * takes nothing there is nobody to tell. */
    (void)fwrite(line.data, 1, line.size, stderr);
    (void)fflush(stderr);
    buffer_free(&line);
}

__attribute__((format(printf, 1, 0))) static void
say_arguments(const char *format, va_list arguments)
{
    char *text;
    int size = vasprintf(&text, format, arguments);
    if (size < 0)
        return;
    say_bytes(bytes_of(text, (size_t)size));
    free(text);
}

void
say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_arguments(format, arguments);
    va_end(arguments);
}

int
fail(enum outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_arguments(format, arguments);
    va_end(arguments);
    return (int)outcome;
}

int
fail_with(const struct tally_error *error, const char *place)
{
    struct buffer text = { 0 };
    if (place != NULL)
        buffer_format(&text, "%s: ", place);
    if (error->line > 0)
        buffer_format(&text, "line %llu: ", (unsigned long long)error->line);
    if (error->column > 0)
        buffer_format(&text, "column %u: ", error->column);
    if (error->pointer[0] != '\0')
        buffer_format(&text, "%s: ", error->pointer);
    buffer_text(&text, error->text[0] != '\0' ? error->text : tally_status_text(error->status));
    say_bytes(buffer_view(&text));
    buffer_free(&text);
    return (int)outcome_of(error->status);
}

enum outcome
outcome_of(tally_status status)
{
    switch (status) {
    case TALLY_OK:
    case TALLY_REPEATED:
        return DONE;
    case TALLY_INVALID:
    case TALLY_CONFLICT:
        return MISUSED;
    case TALLY_DISAGREES:
        return DISPROVED;
    case TALLY_ABSENT:
        return NOT_THERE;
    default:
        return UNABLE;
    }
}
