#include "keyring.h"

#include "base64.h"
#include "clock.h"
#include "fault.h"
#include "folder.h"
#include "random.h"
#include "tally/hash.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME       "tally.db"
#define SCHEMA_VERSION  1
#define BUSY_TIMEOUT_MS 5000
#define KEY_PREFIX      "tally_"
#define SECRET_SIZE     32

struct keyring {
    sqlite3 *database;
};

static const char schema[] = "CREATE TABLE keys ("
                             " id INTEGER PRIMARY KEY,"
                             " name TEXT NOT NULL,"
                             " role TEXT NOT NULL CHECK (role IN ('admin', 'auditor', 'writer')),"
                             " trails TEXT," /* joined by commas; NULL: all */
                             " hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
                             " created INTEGER NOT NULL,"
                             " expires INTEGER,"
                             " last_used INTEGER"
                             ") STRICT;"
                             "PRAGMA user_version = 1;";

static const char *const role_names[] = {
    [ROLE_ADMIN] = "admin",
    [ROLE_AUDITOR] = "auditor",
    [ROLE_WRITER] = "writer",
};

const char *
role_name(enum role role)
{
    return role_names[role];
}

bool
role_find(const char *name, enum role *role_out)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (strcmp(role_names[i], name) == 0) {
            *role_out = (enum role)i;
            return true;
        }
    }
    return false;
}

static tally_status
database_fault(const struct keyring *keyring, const char *what, struct tally_error *error)
{
    int code = sqlite3_extended_errcode(keyring->database);
    const char *text = sqlite3_errmsg(keyring->database);
    switch (code & 0xff) {
    case SQLITE_BUSY:
        return fault(error, TALLY_BUSY, "cannot %s " FILE_NAME ": another process holds it", what);
    case SQLITE_NOMEM:
        return memory_fault(error);
    case SQLITE_FULL:
        return fault(error, TALLY_FULL, "cannot %s " FILE_NAME ": %s", what, text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return fault(error, TALLY_DENIED, "cannot %s " FILE_NAME ": %s", what, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fault(error, TALLY_DAMAGED, "cannot %s " FILE_NAME ": %s", what, text);
    default:
        return fault(error, TALLY_IO, "cannot %s " FILE_NAME ": %s", what, text);
    }
}

/* Opens the file, which exists, and sets how it is used. */
static tally_status
open_database(const char *path, struct keyring **keyring_out, struct tally_error *error)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL)
        return memory_fault(error);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(path, &keyring->database, flags, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(keyring->database, BUSY_TIMEOUT_MS) == SQLITE_OK &&
        sqlite3_exec(keyring->database,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;",
                     NULL, NULL, NULL) == SQLITE_OK) {
        *keyring_out = keyring;
        return TALLY_OK;
    }
    tally_status status = database_fault(keyring, "open", error);
    keyring_close(keyring);
    return status;
}

void
keyring_close(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    (void)sqlite3_close_v2(keyring->database);
    free(keyring);
}

static tally_status
create_file(const char *path, struct tally_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(error, "cannot create %s", path);
    (void)close(fd);
    return TALLY_OK;
}

static tally_status
create_at(const char *path, struct keyring **keyring_out, struct tally_error *error)
{
    /* Made by us and not by SQLite, so that nobody else can open it for a moment. */
    tally_status status = create_file(path, error);
    if (status != TALLY_OK)
        return status;

    struct keyring *keyring;
    status = open_database(path, &keyring, error);
    if (status != TALLY_OK)
        return status;
    if (sqlite3_exec(keyring->database, schema, NULL, NULL, NULL) != SQLITE_OK) {
        status = database_fault(keyring, "create the tables of", error);
        keyring_close(keyring);
        return status;
    }
    *keyring_out = keyring;
    return TALLY_OK;
}

tally_status
keyring_create(const char *folder, struct keyring **keyring_out, struct tally_error *error)
{
    char *path;
    if (asprintf(&path, "%s/" FILE_NAME, folder) < 0)
        return memory_fault(error);
    tally_status status = create_at(path, keyring_out, error);
    free(path);
    return status;
}

/* A prepared statement that the caller finalizes. */
static tally_status
prepare(struct keyring *keyring, const char *sql, sqlite3_stmt **statement_out,
        struct tally_error *error)
{
    if (sqlite3_prepare_v2(keyring->database, sql, -1, statement_out, NULL) != SQLITE_OK)
        return database_fault(keyring, "read", error);
    return TALLY_OK;
}

static tally_status
check_version(struct keyring *keyring, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = prepare(keyring, "PRAGMA user_version", &statement, error);
    if (status != TALLY_OK)
        return status;
    int version = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
    (void)sqlite3_finalize(statement);

    if (version > SCHEMA_VERSION)
        return fault(error, TALLY_UNSUPPORTED,
                     FILE_NAME " has version %d, written by a newer Tallystick; this one knows %d",
                     version, SCHEMA_VERSION);
    if (version != SCHEMA_VERSION)
        return fault(error, TALLY_DAMAGED, FILE_NAME " is no keyring (version %d)", version);
    return TALLY_OK;
}

static tally_status
open_at(const char *path, struct keyring **keyring_out, struct tally_error *error)
{
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return TALLY_ABSENT;

    struct keyring *keyring;
    tally_status status = open_database(path, &keyring, error);
    if (status != TALLY_OK)
        return status;
    status = check_version(keyring, error);
    if (status != TALLY_OK) {
        keyring_close(keyring);
        return status;
    }
    *keyring_out = keyring;
    return TALLY_OK;
}

tally_status
keyring_open(const char *folder, struct keyring **keyring_out, struct tally_error *error)
{
    char *path;
    if (asprintf(&path, "%s/" FILE_NAME, folder) < 0)
        return memory_fault(error);
    tally_status status = open_at(path, keyring_out, error);
    free(path);
    return status;
}

/* 32 random bytes as text behind the prefix. The alphabet of RFC 4648, section 5, needs no quoting
 * in shells and URLs. */
static void
make_key(char key[KEYRING_KEY_SIZE + 1])
{
    uint8_t secret[SECRET_SIZE];
    random_bytes(secret, sizeof secret);
    memcpy(key, KEY_PREFIX, strlen(KEY_PREFIX));
    (void)sodium_bin2base64(key + strlen(KEY_PREFIX), KEYRING_KEY_SIZE + 1 - strlen(KEY_PREFIX),
                            secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
}

static void
hash_key(const char *key, struct tally_hash *hash_out)
{
    tally_hash_pieces(&(struct tally_piece){ key, strlen(key) }, 1, hash_out);
}

/* Whether `name` is among the trails of a list joined by commas. */
static bool
list_has(const char *list, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = list;; at++) {
        const char *comma = strchrnul(at, ',');
        if ((size_t)(comma - at) == size && memcmp(at, name, size) == 0)
            return true;
        if (*comma == '\0')
            return false;
        at = comma;
    }
}

static bool
list_valid(const char *list)
{
    for (const char *at = list;; at++) {
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
check_request(const struct keyring_request *request, struct tally_error *error)
{
    struct bytes name = bytes_text(request->name);
    if (name.size == 0 || name.size > KEYRING_NAME_MAX || utf8_valid_size(name) != name.size)
        return fault(error, TALLY_INVALID, "a key's name is 1 to %d bytes of UTF-8",
                     KEYRING_NAME_MAX);
    if (request->trails != NULL && !list_valid(request->trails))
        return fault(error, TALLY_INVALID, "\"%s\" is no list of trail names joined by commas",
                     request->trails);
    return TALLY_OK;
}

static tally_status
insert_key(struct keyring *keyring, const struct keyring_request *request,
           const struct tally_hash *hash, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = prepare(keyring,
                                  "INSERT INTO keys (name, role, trails, hash, created, expires)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, 0))",
                                  &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_text(statement, 1, request->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, role_name(request->role), -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, request->trails, -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, 4, hash->bytes, sizeof hash->bytes, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 5, clock_now());
    (void)sqlite3_bind_int64(statement, 6, request->expires);
    if (sqlite3_step(statement) != SQLITE_DONE)
        status = database_fault(keyring, "write", error);
    (void)sqlite3_finalize(statement);
    return status;
}

tally_status
keyring_add(struct keyring *keyring, const struct keyring_request *request,
            char key_out[KEYRING_KEY_SIZE + 1], struct tally_error *error)
{
    tally_status status = check_request(request, error);
    if (status != TALLY_OK)
        return status;

    char key[KEYRING_KEY_SIZE + 1];
    make_key(key);
    struct tally_hash hash;
    hash_key(key, &hash);
    status = insert_key(keyring, request, &hash, error);
    if (status == TALLY_OK)
        memcpy(key_out, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return status;
}

/* A row of `SELECT id, name, role, created, expires, last_used`. False where it is no such row. */
static bool
read_entry(sqlite3_stmt *statement, struct keyring_entry *entry)
{
    const char *name = (const char *)sqlite3_column_text(statement, 1);
    const char *role = (const char *)sqlite3_column_text(statement, 2);
    if (name == NULL || role == NULL || !role_find(role, &entry->role))
        return false;
    entry->id = sqlite3_column_int64(statement, 0);
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->created = sqlite3_column_int64(statement, 3);
    entry->expires = sqlite3_column_int64(statement, 4);
    entry->last_used = sqlite3_column_int64(statement, 5);
    return true;
}

/* The key of this hash. By its hash, not its text: what an index lookup's time tells about a hash
 * tells nothing about a key that has it. */
static tally_status
select_key(struct keyring *keyring, const struct tally_hash *hash, const char *trail, int64_t now,
           struct keyring_entry *entry_out, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = prepare(keyring,
                                  "SELECT id, name, role, created, expires, last_used, trails"
                                  " FROM keys WHERE hash = ?1"
                                  " AND (expires IS NULL OR expires > ?2)",
                                  &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_blob(statement, 1, hash->bytes, sizeof hash->bytes, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, now);

    struct keyring_entry entry = { 0 };
    int step = sqlite3_step(statement);
    status = TALLY_ABSENT;
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        status = database_fault(keyring, "read", error);
    } else if (step == SQLITE_ROW && read_entry(statement, &entry)) {
        const char *trails = (const char *)sqlite3_column_text(statement, 6);
        if (trails == NULL || list_has(trails, trail))
            status = TALLY_OK;
    }
    (void)sqlite3_finalize(statement);
    if (status == TALLY_OK)
        *entry_out = entry;
    return status;
}

static tally_status
note_use(struct keyring *keyring, int64_t id, int64_t now, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status =
        prepare(keyring, "UPDATE keys SET last_used = ?2 WHERE id = ?1", &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, now);
    if (sqlite3_step(statement) != SQLITE_DONE)
        status = database_fault(keyring, "write", error);
    (void)sqlite3_finalize(statement);
    return status;
}

tally_status
keyring_find(struct keyring *keyring, const char *key, const char *trail, int64_t now,
             struct keyring_entry *entry_out, struct tally_error *error)
{
    struct tally_hash hash;
    hash_key(key, &hash);
    struct keyring_entry entry;
    tally_status status = select_key(keyring, &hash, trail, now, &entry, error);
    if (status != TALLY_OK)
        return status;
    status = note_use(keyring, entry.id, now, error);
    if (status != TALLY_OK)
        return status;
    *entry_out = entry;
    return TALLY_OK;
}
