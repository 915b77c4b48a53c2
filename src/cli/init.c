/*
 * tally init - make a data folder: its files, its first key, its first trail.
 */
#include "charter_options.h"
#include "command.h"
#include "establish.h"
#include "out.h"
#include "where.h"

#include <sodium.h>
#include <unistd.h>

static const struct command_option options[] = {
    CHARTER_OPTIONS,
    { NULL, NULL, NULL },
};

/* The only time that the key is seen. */
static int
print_keys(const char *path, const char *key, const struct tally_vkey *vkey)
{
    char vkey_text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, vkey_text);
    struct out out;
    out_open(&out);
    buffer_format(&out.stream.buffer, "admin key: %s\nvkey: %s\n", key, vkey_text);
    int outcome = out_finish(&out, DONE);
    if (outcome != DONE)
        say("nobody has seen the admin key of %s: remove the folder and run `tally init %s` again",
            path, path);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    static const char *const missing[] = { "DIR is missing, the folder to make", NULL };
    struct trail_config config;
    int outcome = operands_expect(invocation, missing, 1);
    if (outcome == DONE)
        outcome = charter_read(invocation, &config);
    if (outcome != DONE)
        return outcome;
    const char *path = invocation->operands[0];
    if (where_is_url(path))
        return fail(MISUSED, "%s: a data folder is made where it lies, not over the network", path);

    struct tally_error error = { 0 };
    struct new_key key;
    struct tally_vkey vkey;
    tally_status status = establish(path, &config, &key, &vkey, &error);
    if (status == TALLY_CONFLICT)
        return fail(UNABLE, "%s holds something already; name a folder that is new or empty", path);
    if (status != TALLY_OK) {
        outcome = fail_with(&error, NULL);
        if (access(path, F_OK) == 0)
            say("%s is not whole; remove it, mend the cause and run `tally init %s` again", path,
                path);
        return outcome == MISUSED ? UNABLE : outcome;
    }
    outcome = print_keys(path, key.text, &vkey);
    sodium_memzero(&key, sizeof key);
    return outcome;
}

const struct command command_init = {
    .name = "init",
    .operands = "DIR",
    .summary = "make a data folder with an admin key and the trail `main`",
    .text = "Prints the admin key, which is not shown again, and the verification key of the "
            "trail (vkey), by which others check it. Which fields are private is recorded in the "
            "trail's first entry and cannot be changed.",
    .options = options,
    .run = run,
};
