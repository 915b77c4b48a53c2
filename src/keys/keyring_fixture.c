#include "keyring_fixture.h"

#include "clock.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void
ring_file(const struct ring *ring, const char *suffix, char path[128])
{
    (void)snprintf(path, 128, "%s/tally.db%s", ring->folder, suffix);
}

void
ring_remove_files(const struct ring *ring)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        ring_file(ring, suffixes[i], path);
        (void)unlink(path);
    }
}

int
ring_set_up(void **state)
{
    static struct ring ring;
    (void)snprintf(ring.folder, sizeof ring.folder, P_tmpdir "/tally-keyring.XXXXXX");
    if (mkdtemp(ring.folder) == NULL ||
        keyring_create(ring.folder, &ring.keyring, NULL) != TALLY_OK)
        return -1;
    *state = &ring;
    return 0;
}

int
ring_tear_down(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    ring_remove_files(ring);
    return rmdir(ring->folder);
}

void
run_sql(const struct ring *ring, const char *sql)
{
    char path[128];
    ring_file(ring, "", path);
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    (void)sqlite3_close(database);
}

struct new_key
add_key(struct ring *ring, const char *name, enum role role, const char *trails, int64_t expires)
{
    struct keyring_request request = { name, role, trails, expires };
    struct tally_error error = { 0 };
    struct new_key key;
    if (keyring_add(ring->keyring, &request, &key, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return key;
}

struct keyring_entry
get_key(struct ring *ring, int64_t id)
{
    struct keyring_entry entry;
    struct tally_error error = { 0 };
    if (keyring_get(ring->keyring, id, &entry, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return entry;
}

bool
key_is_good(struct ring *ring, int64_t id)
{
    struct keyring_entry entry = get_key(ring, id);
    return keyring_entry_good(&entry, clock_now());
}

void
revoke_key(struct ring *ring, int64_t id)
{
    struct tally_error error = { 0 };
    if (keyring_revoke(ring->keyring, id, &error) != TALLY_OK)
        fail_msg("%s", error.text);
}

struct new_key
rotate_key(struct ring *ring, int64_t id, int64_t overlap)
{
    struct tally_error error = { 0 };
    struct new_key key;
    if (keyring_rotate(ring->keyring, id, overlap, &key, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return key;
}

/* keyring_visitor: the ids, as decimal digits. */
static tally_status
write_id(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    (void)error;
    char *ids = context;
    (void)snprintf(ids + strlen(ids), 2, "%d", (int)entry->id);
    return TALLY_OK;
}

const char *
key_ids(struct ring *ring, enum keyring_scope scope)
{
    static char text[32];
    text[0] = '\0';
    assert_int_equal(keyring_list(ring->keyring, scope, write_id, text, NULL), TALLY_OK);
    return text;
}

struct keyring_use
use_of(int64_t id, int64_t used, const char *address)
{
    struct keyring_use made = { .id = id, .used = used };
    (void)snprintf(made.address, sizeof made.address, "%s", address);
    return made;
}
