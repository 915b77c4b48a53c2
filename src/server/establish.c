#include "establish.h"

#include "cursor.h"
#include "folder.h"
#include "random.h"
#include "settings.h"

#include <sodium.h>

#define CURSOR_KEY_NAME "keys/cursor.secret"

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
        status = trail_create(folder, ESTABLISH_TRAIL, config, vkey_out, error);
    folder_close(folder);
    return status;
}

tally_status
establish(const char *path, const struct trail_config *config, struct new_key *key_out,
          struct tally_vkey *vkey_out, struct tally_error *error)
{
    tally_status status = folder_create(path, error);
    if (status == TALLY_OK)
        status = settings_write(path, error);
    struct new_key key;
    if (status == TALLY_OK)
        status = make_admin_key(path, &key, error);
    if (status == TALLY_OK)
        status = make_trail(path, config, vkey_out, error);
    if (status == TALLY_OK)
        *key_out = key;
    sodium_memzero(&key, sizeof key);
    return status;
}
