#include "slip.h"

#include "clock.h"
#include "filter.h"
#include "nearest.h"

#include <string.h>

static bool
takes_filter(const struct command *command)
{
    return (command->ways & COMMAND_FILTER) != 0;
}

/* Whether `word` is a term as other languages write it, or one is named like an option: then says how
 * it is written here. */
static bool
say_term(const char *given, struct bytes word)
{
    const struct filter_options options = { .now = clock_now() };
    struct buffer meant = { 0 };
    bool any = filter_meant(word, &options, &meant) && !buffer_failed(&meant);
    if (any)
        say("%s is no option, and a field's value stands behind a colon: did you mean %.*s", given,
            BYTES_ARG(buffer_view(&meant)));
    buffer_free(&meant);
    return any;
}

/* --user-id=bob is user_id:bob, and so is --user-id bob. */
static bool
say_field(const char *given)
{
    struct buffer word = { 0 };
    for (const char *c = given + 2; *c != '\0'; c++)
        buffer_byte(&word, *c == '-' ? '_' : (uint8_t)*c);
    if (strchr(given, '=') == NULL)
        buffer_text(&word, "=VALUE");
    bool said = !buffer_failed(&word) && say_term(given, buffer_view(&word));
    buffer_free(&word);
    return said;
}

int
slip_refuse_name(const struct command *command, const char *word, const struct option *options)
{
    struct bytes typed = bytes_of(word + 2, strcspn(word + 2, "="));
    struct nearest nearest;
    nearest_init(&nearest, typed);
    for (const struct option *option = options; option->name != NULL; option++) {
        nearest_offer(&nearest, bytes_text(option->name), bytes_text(option->name));
        if (strcmp(option->name, "by") == 0) /* as SQL has it */
            nearest_offer(&nearest, bytes_text("group-by"), bytes_text(option->name));
    }
    const char *name = command->name;
    if (nearest.name.data != NULL)
        return fail(MISUSED,
                    "%s: `tally %s` has no such option: did you mean --%.*s? See `tally help %s`",
                    word, name, BYTES_ARG(nearest.name), name);
    if (takes_filter(command) && say_field(word))
        return MISUSED;
    if (takes_filter(command) && filter_parameter_known(typed))
        return fail(MISUSED, "%s is no option: times stand in the filter, timestamp:FROM..TO",
                    word);
    return fail(MISUSED, "%s: `tally %s` has no such option; see `tally help %s`", word, name,
                name);
}

static bool
is_option(const struct option *options, struct bytes name)
{
    while (options->name != NULL && !bytes_is(name, options->name))
        options++;
    return options->name != NULL;
}

int
slip_refuse_letter(const struct command *command, const char *word, const struct option *options)
{
    struct bytes text = bytes_text(word);
    bool option = is_option(options, bytes_of(word + 1, strcspn(word + 1, "=")));
    if (takes_filter(command) && !option && say_term(word, text))
        return MISUSED;
    if (takes_filter(command) && !option && text.size > 2)
        return fail(MISUSED,
                    "%s: options begin with two minuses; entries without that word are found by "
                    "`-- %s`",
                    word, word);
    return fail(MISUSED, "%s: options of `tally %s` begin with two minuses; see `tally help %s`",
                word, command->name, command->name);
}
