/*
 * Changing keys. Each change reads what it depends on and writes within one transaction, so that
 * two processes cannot, say, revoke the last two admin keys at once.
 */
#include "keyring_parts.h"

#include "bytes.h"
#include "clock.h"
#include "fault.h"
#include "folder.h"
#include "random.h"
#include "utf8.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

#define KEY_PREFIX  "tally_"
#define SECRET_SIZE 32

/* ---- texts ---- */

/* 32 random bytes as text behind the prefix. The alphabet of RFC 4648, section 5, needs no quoting
 * in shells and URLs. */
static void
make_text(char text[KEYRING_KEY_SIZE + 1])
{
    uint8_t secret[SECRET_SIZE];
    random_bytes(secret, sizeof secret);
    memcpy(text, KEY_PREFIX, strlen(KEY_PREFIX));
    (void)sodium_bin2base64(text + strlen(KEY_PREFIX), KEYRING_KEY_SIZE + 1 - strlen(KEY_PREFIX),
                            secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
}

static bool
trails_valid(const char *trails)
{
    if (strlen(trails) > KEYRING_TRAILS_MAX)
        return false;
    for (const char *at = trails;; at++) {
        const char *comma = strchrnul(at, ',');
        char name[TRAIL_NAME_MAX + 1];
        size_t size = (size_t)(comma - at);
        if (size > TRAIL_NAME_MAX)
            return false;
        memcpy(name, at, size);
        name[size] = '\0';
        if (!trail_name_valid(name))
            return false;
        if (*comma == '\0')
            return true;
        at = comma;
    }
}

static tally_status
check_request(const struct keyring_request *request, int64_t now, struct tally_error *error)
{
    struct bytes name = bytes_text(request->name);
    if (name.size == 0 || name.size > KEYRING_NAME_MAX || utf8_valid_size(name) != name.size)
        return fault(error, TALLY_INVALID, "a key's name is 1 to %d bytes of UTF-8",
                     KEYRING_NAME_MAX);
    if (request->trails != NULL && request->role == ROLE_ADMIN)
        return fault(error, TALLY_INVALID,
                     "an admin key is for all trails: it can make keys for any of them");
    if (request->trails != NULL && !trails_valid(request->trails))
        return fault(error, TALLY_INVALID,
                     "\"%.100s\" is no list of trail names joined by commas (%d bytes at most)",
                     request->trails, KEYRING_TRAILS_MAX);
    if (request->expires != 0 && request->expires <= now)
        return fault(error, TALLY_INVALID, "a key that has run out already opens nothing");
    return TALLY_OK;
}

/* ---- adding ---- */

static tally_status
insert_row(struct keyring *keyring, const struct keyring_request *request,
           const struct tally_hash *hash, int64_t now, int64_t *id_out, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status =
        database_prepare(keyring->database,
                         "INSERT INTO keys (name, role, trails, hash, created, expires)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, 0))",
                         &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_text(statement, 1, request->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, role_name(request->role), -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, request->trails, -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, 4, hash->bytes, sizeof hash->bytes, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 5, now);
    (void)sqlite3_bind_int64(statement, 6, request->expires);
    status = database_finish(keyring->database, statement, error);
    if (status != TALLY_OK)
        return status;
    return database_number(keyring->database, "SELECT last_insert_rowid()", id_out, error);
}

/* How many keys are good at `now`, but for the key `id`; `and` narrows it. */
static tally_status
count_good(struct keyring *keyring, const char *and, int64_t id, int64_t now, int64_t *count_out,
           struct tally_error *error)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM keys WHERE id <> ?1 AND revoked IS NULL"
                   " AND (expires IS NULL OR expires > ?2)%s",
                   and);
    sqlite3_stmt *statement;
    tally_status status = database_prepare(keyring->database, sql, &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, now);
    if (sqlite3_step(statement) == SQLITE_ROW)
        *count_out = sqlite3_column_int64(statement, 0);
    else
        status = database_fault(keyring->database, "read", error);
    (void)sqlite3_finalize(statement);
    return status;
}

static tally_status
check_room(struct keyring *keyring, int64_t now, struct tally_error *error)
{
    int64_t count;
    tally_status status = count_good(keyring, "", 0, now, &count, error);
    if (status == TALLY_OK && count >= KEYRING_KEYS_MAX)
        return fault(error, TALLY_CONFLICT, "%d keys are good already: revoke what nobody uses",
                     KEYRING_KEYS_MAX);
    return status;
}

/* Within a transaction. */
static tally_status
add_key(struct keyring *keyring, const struct keyring_request *request, int64_t now,
        struct new_key *key_out, struct tally_error *error)
{
    tally_status status = check_room(keyring, now, error);
    if (status != TALLY_OK)
        return status;
    make_text(key_out->text);
    struct tally_hash hash;
    tally_hash_pieces(&(struct tally_piece){ key_out->text, KEYRING_KEY_SIZE }, 1, &hash);
    return insert_row(keyring, request, &hash, now, &key_out->id, error);
}

tally_status
keyring_add(struct keyring *keyring, const struct keyring_request *request, struct new_key *key_out,
            struct tally_error *error)
{
    assert(request->role != ROLE_NONE);

    int64_t now = clock_now();
    tally_status status = check_request(request, now, error);
    if (status == TALLY_OK)
        status = database_begin(keyring->database, error);
    if (status != TALLY_OK)
        return status;

    struct new_key key;
    status = add_key(keyring, request, now, &key, error);
    status = database_end(keyring->database, status, error);
    if (status == TALLY_OK)
        *key_out = key;
    sodium_memzero(&key, sizeof key);
    return status;
}

/* ---- rotating ---- */

static tally_status
check_rotation(const struct keyring_entry *old, int64_t now, struct tally_error *error)
{
    if (old->revoked != 0)
        return fault(error, TALLY_CONFLICT, "key %lld is revoked: make a new one with `key add`",
                     (long long)old->id);
    if (old->replaced_by != 0)
        return fault(error, TALLY_CONFLICT,
                     "key %lld is replaced by key %lld already: rotate that one",
                     (long long)old->id, (long long)old->replaced_by);
    if (!keyring_entry_good(old, now))
        return fault(error, TALLY_CONFLICT, "key %lld has run out: make a new one with `key add`",
                     (long long)old->id);
    return TALLY_OK;
}

/* `now` and `span` nanoseconds more; the end of time where that is beyond it. */
static int64_t
after(int64_t now, int64_t span)
{
    int64_t then;
    return __builtin_add_overflow(now, span, &then) ? INT64_MAX : then;
}

/* What takes the place of a key. Its life is as long as the old one's was meant to be. */
static struct keyring_request
successor_of(const struct keyring_entry *old, int64_t now)
{
    return (struct keyring_request){
        .name = old->name,
        .role = old->role,
        .trails = *old->trails == '\0' ? NULL : old->trails,
        .expires = old->expires == 0 ? 0 : after(now, old->expires - old->created),
    };
}

static tally_status
retire(struct keyring *keyring, int64_t id, int64_t successor, int64_t expires,
       struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status =
        database_prepare(keyring->database,
                         "UPDATE keys SET replaced_by = ?2, expires = min(?3, ifnull(expires, ?3))"
                         " WHERE id = ?1",
                         &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, successor);
    (void)sqlite3_bind_int64(statement, 3, expires);
    return database_finish(keyring->database, statement, error);
}

/* Within a transaction. */
static tally_status
rotate_key(struct keyring *keyring, int64_t id, int64_t overlap, struct new_key *key_out,
           struct tally_error *error)
{
    int64_t now = clock_now();
    struct keyring_entry old;
    tally_status status = keyring_get(keyring, id, &old, error);
    if (status == TALLY_OK)
        status = check_rotation(&old, now, error);
    if (status != TALLY_OK)
        return status;

    struct keyring_request request = successor_of(&old, now);
    status = add_key(keyring, &request, now, key_out, error);
    if (status != TALLY_OK)
        return status;
    return retire(keyring, id, key_out->id, after(now, overlap), error);
}

tally_status
keyring_rotate(struct keyring *keyring, int64_t id, int64_t overlap, struct new_key *key_out,
               struct tally_error *error)
{
    assert(overlap >= 0);

    tally_status status = database_begin(keyring->database, error);
    if (status != TALLY_OK)
        return status;
    struct new_key key;
    status = rotate_key(keyring, id, overlap, &key, error);
    status = database_end(keyring->database, status, error);
    if (status == TALLY_OK)
        *key_out = key;
    sodium_memzero(&key, sizeof key);
    return status;
}

/* ---- revoking ---- */

/* One in its overlap does not count: it is gone soon. */
static tally_status
check_last_admin(struct keyring *keyring, const struct keyring_entry *entry, int64_t now,
                 struct tally_error *error)
{
    if (entry->role != ROLE_ADMIN || !keyring_entry_good(entry, now))
        return TALLY_OK;
    int64_t others;
    tally_status status = count_good(keyring, " AND role = 'admin' AND replaced_by IS NULL",
                                     entry->id, now, &others, error);
    if (status == TALLY_OK && others == 0)
        return fault(error, TALLY_CONFLICT,
                     "key %lld is the last admin key: make another one first, with "
                     "`key add --role admin` or `key rotate`",
                     (long long)entry->id);
    return status;
}

static tally_status
mark_revoked(struct keyring *keyring, int64_t id, int64_t now, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = database_prepare(
        keyring->database, "UPDATE keys SET revoked = ifnull(revoked, ?2) WHERE id = ?1",
        &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, now);
    return database_finish(keyring->database, statement, error);
}

tally_status
keyring_revoke(struct keyring *keyring, int64_t id, struct tally_error *error)
{
    tally_status status = database_begin(keyring->database, error);
    if (status != TALLY_OK)
        return status;
    int64_t now = clock_now();
    struct keyring_entry entry;
    status = keyring_get(keyring, id, &entry, error);
    if (status == TALLY_OK)
        status = check_last_admin(keyring, &entry, now, error);
    if (status == TALLY_OK)
        status = mark_revoked(keyring, id, now, error);
    return database_end(keyring->database, status, error);
}
