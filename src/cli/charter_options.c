#include "charter_options.h"

/* Moves the fields that one option names. */
static int
move_fields(const struct invocation *invocation, const char *option, enum field_half half,
            struct trail_config *config)
{
    size_t at = 0;
    for (const char *name; (name = option_next(invocation, option, &at)) != NULL;) {
        struct tally_error error = { 0 };
        if (charter_move(config, bytes_text(name), half, &error) != TALLY_OK)
            return fail(MISUSED, "--%s %s: %s", option, name, error.text);
    }
    return DONE;
}

int
charter_read(const struct invocation *invocation, struct trail_config *config_out)
{
    struct trail_config config = CHARTER_STANDARD;
    config.origin = option_value(invocation, "origin");
    int outcome = move_fields(invocation, "public", HALF_PUBLIC, &config);
    if (outcome == DONE)
        outcome = move_fields(invocation, "private", HALF_PRIVATE, &config);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    if (charter_check(&config, &error) != TALLY_OK)
        return (void)fail_with(&error, config.fields_private == 0 ? NULL : "--origin"), MISUSED;
    *config_out = config;
    return DONE;
}
