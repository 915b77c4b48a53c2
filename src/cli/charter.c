#include "charter.h"

#include "field.h"
#include "tally/note.h"

#include <string.h>

/* Moves one field to the other half. */
static int
move_field(const char *option, const char *name, uint64_t *fields_private)
{
    enum field_id field = field_find(bytes_text(name));
    if (field == FIELD_COUNT)
        return fail(MISUSED, "--%s %s: there is no such field; `tally help record` names them",
                    option, name);
    if ((fields[field].flags & FIELD_MOVABLE) == 0)
        return fail(MISUSED, "--%s %s: this field cannot be moved", option, name);
    if (strcmp(option, "private") == 0)
        *fields_private |= FIELD_BIT(field);
    else
        *fields_private &= ~FIELD_BIT(field);
    return DONE;
}

static int
read_halves(const struct invocation *invocation, uint64_t *fields_private_out)
{
    uint64_t fields_private = FIELDS_PRIVATE_DEFAULT;
    static const char *const names[] = { "public", "private" };
    for (size_t i = 0; i < 2; i++) {
        size_t at = 0;
        for (const char *name; (name = option_next(invocation, names[i], &at)) != NULL;) {
            int outcome = move_field(names[i], name, &fields_private);
            if (outcome != DONE)
                return outcome;
        }
    }
    if (fields_private == 0)
        return fail(MISUSED, "a trail needs at least one private field");
    *fields_private_out = fields_private;
    return DONE;
}

/* An origin is checked before anything is made. */
static int
check_origin(const char *origin)
{
    if (origin == NULL)
        return DONE;
    uint8_t seed[TALLY_SEED_SIZE] = { 0 };
    struct tally_signer signer;
    struct tally_error error = { 0 };
    if (tally_signer_init(origin, seed, &signer, &error) != TALLY_OK)
        return (void)fail_with(&error, "--origin"), MISUSED;
    tally_signer_wipe(&signer);
    return DONE;
}

int
charter_read(const struct invocation *invocation, struct trail_config *config_out)
{
    struct trail_config config = { .origin = option_value(invocation, "origin") };
    int outcome = read_halves(invocation, &config.fields_private);
    if (outcome == DONE)
        outcome = check_origin(config.origin);
    if (outcome == DONE)
        *config_out = config;
    return outcome;
}
