/*
 * tally init - make a data folder: its files, its first key, its first trail.
 */
#include "charter_options.h"
#include "command.h"
#include "keyring.h"
#include "out.h"
#include "random.h"
#include "settings.h"
#include "where.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TRAIL_NAME      "main"
#define CURSOR_KEY_NAME "keys/cursor.secret"
#define CURSOR_KEY_SIZE 32

static const struct command_option options[] = {
    CHARTER_OPTIONS,
    { NULL, NULL, NULL },
};

/* What cursors of queries are authenticated with. */
static tally_status
write_cursor_key(struct folder *folder, struct tally_error *error)
{
    uint8_t key[CURSOR_KEY_SIZE];
    random_bytes(key, sizeof key);
    tally_status status = disk_replace_file(folder_disk(folder), "keys", CURSOR_KEY_NAME,
                                            bytes_of(key, sizeof key), error);
    sodium_memzero(key, sizeof key);
    return status;
}

static tally_status
make_admin_key(const char *path, struct new_key *key_out, struct tally_error *error)
{
    struct keyring *keyring;
    tally_status status = keyring_create(path, &keyring, error);
    if (status != TALLY_OK)
        return status;
    struct keyring_request request = { .name = "admin", .role = ROLE_ADMIN };
    status = keyring_add(keyring, &request, key_out, error);
    keyring_close(keyring);
    return status;
}

static tally_status
make_trail(const char *path, const struct trail_config *config, struct tally_vkey *vkey_out,
           struct tally_error *error)
{
    struct folder_options folder_options = { .command = "init" };
    struct folder *folder;
    tally_status status = folder_open(path, &folder_options, &folder, error);
    if (status != TALLY_OK)
        return status;
    status = write_cursor_key(folder, error);
    if (status == TALLY_OK)
        status = trail_create(folder, TRAIL_NAME, config, vkey_out, error);
    folder_close(folder);
    return status;
}

static tally_status
fill_folder(const char *path, const struct trail_config *config, struct new_key *key_out,
            struct tally_vkey *vkey_out, struct tally_error *error)
{
    tally_status status = settings_write(path, error);
    if (status == TALLY_OK)
        status = make_admin_key(path, key_out, error);
    if (status == TALLY_OK)
        status = make_trail(path, config, vkey_out, error);
    return status;
}

/* The only time that the key is seen. */
static int
print_keys(const char *key, const struct tally_vkey *vkey)
{
    char vkey_text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, vkey_text);
    struct out out;
    out_open(&out);
    buffer_format(&out.stream.buffer, "admin key: %s\nvkey: %s\n", key, vkey_text);
    return out_finish(&out, DONE);
}

static int
run(const struct invocation *invocation)
{
    struct trail_config config;
    int outcome = operands_expect(invocation, 1, 1);
    if (outcome == DONE)
        outcome = charter_read(invocation, &config);
    if (outcome != DONE)
        return outcome;
    const char *path = invocation->operands[0];
    if (where_is_url(path))
        return fail(MISUSED, "%s: a data folder is made where it lies, not over the network", path);

    struct tally_error error = { 0 };
    tally_status status = folder_create(path, &error);
    if (status == TALLY_CONFLICT)
        return fail(UNABLE, "%s holds something already; name a folder that is new or empty", path);
    if (status != TALLY_OK)
        return fail_with(&error, NULL);

    struct new_key key;
    struct tally_vkey vkey;
    if (fill_folder(path, &config, &key, &vkey, &error) != TALLY_OK) {
        outcome = fail_with(&error, NULL);
        say("%s is not whole; remove it, mend the cause and run `tally init %s` again", path, path);
        return outcome == MISUSED ? UNABLE : outcome;
    }
    outcome = print_keys(key.text, &vkey);
    sodium_memzero(&key, sizeof key);
    return outcome;
}

const struct command command_init = {
    .name = "init",
    .operands = "DIR",
    .summary = "make a data folder with an admin key and the trail `main`",
    .text = "Prints the admin key, which is not shown again, and the verification key of the "
            "trail\n(vkey), by which others check it. Which fields are private is recorded in the "
            "trail's\nfirst entry and cannot be changed.",
    .options = options,
    .run = run,
};
