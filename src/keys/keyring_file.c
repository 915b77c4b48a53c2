/*
 * The file of the keyring, and how one of version 1 becomes one of version 2.
 *
 * Version 1 had no way to take a key away, so its ids were never given twice, and all of them can
 * be kept. What version 2 adds: ids that stay unique when rows go (AUTOINCREMENT), revocation,
 * replacement, the last address, and the addresses of each key.
 */
#include "keyring_parts.h"

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCHEMA_VERSION 2

static const char schema[] = "CREATE TABLE keys ("
                             " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             " name TEXT NOT NULL,"
                             " role TEXT NOT NULL CHECK (role IN ('admin', 'auditor', 'writer')),"
                             " trails TEXT," /* joined by commas; NULL: all */
                             " hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
                             " created INTEGER NOT NULL,"
                             " expires INTEGER,"
                             " revoked INTEGER,"
                             " replaced_by INTEGER REFERENCES keys (id),"
                             " last_used INTEGER,"
                             " last_address TEXT"
                             ") STRICT;"
                             "CREATE TABLE addresses ("
                             " key INTEGER NOT NULL REFERENCES keys (id),"
                             " address TEXT NOT NULL,"
                             " first_used INTEGER NOT NULL,"
                             " last_used INTEGER NOT NULL,"
                             " PRIMARY KEY (key, address)"
                             ") STRICT, WITHOUT ROWID;"
                             "PRAGMA user_version = 2;";

void
keyring_close(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    database_close(keyring->database);
    free(keyring);
}

/* Opens the file, whatever is in it. */
static tally_status
open_file(const char *path, struct keyring **keyring_out, struct tally_error *error)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL)
        return memory_fault(error);
    tally_status status = database_open(path, &keyring->database, error);
    if (status != TALLY_OK) {
        free(keyring);
        return status;
    }
    *keyring_out = keyring;
    return TALLY_OK;
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
create_tables(struct keyring *keyring, struct tally_error *error)
{
    tally_status status = database_begin(keyring->database, error);
    if (status != TALLY_OK)
        return status;
    status = database_run(keyring->database, schema, error);
    return database_end(keyring->database, status, error);
}

static tally_status
create_at(const char *path, struct keyring **keyring_out, struct tally_error *error)
{
    /* Made by us and not by SQLite, so that nobody else can open it for a moment. */
    tally_status status = create_file(path, error);
    if (status != TALLY_OK)
        return status;

    struct keyring *keyring = NULL;
    status = open_file(path, &keyring, error);
    if (status != TALLY_OK)
        return status;
    status = create_tables(keyring, error);
    if (status != TALLY_OK) {
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
    if (asprintf(&path, "%s/" DATABASE_NAME, folder) < 0)
        return memory_fault(error);
    tally_status status = create_at(path, keyring_out, error);
    free(path);
    return status;
}

static tally_status
read_version(struct keyring *keyring, int64_t *version_out, struct tally_error *error)
{
    return database_number(keyring->database, "PRAGMA user_version", version_out, error);
}

static tally_status
rebuild_tables(struct keyring *keyring, struct tally_error *error)
{
    tally_status status =
        database_run(keyring->database, "ALTER TABLE keys RENAME TO keys_1;", error);
    if (status == TALLY_OK)
        status = database_run(keyring->database, schema, error);
    if (status == TALLY_OK)
        status = database_run(keyring->database,
                              "INSERT INTO keys"
                              " (id, name, role, trails, hash, created, expires, last_used)"
                              " SELECT id, name, role, trails, hash, created, expires, last_used"
                              " FROM keys_1;"
                              "DROP TABLE keys_1;",
                              error);
    return status;
}

/* From version 1. Two processes may open such a file at once: who comes second finds it done. */
static tally_status
migrate(struct keyring *keyring, struct tally_error *error)
{
    tally_status status = database_begin(keyring->database, error);
    if (status != TALLY_OK)
        return status;
    int64_t version;
    status = read_version(keyring, &version, error);
    if (status == TALLY_OK && version == 1)
        status = rebuild_tables(keyring, error);
    return database_end(keyring->database, status, error);
}

static tally_status
settle_version(struct keyring *keyring, struct tally_error *error)
{
    int64_t version;
    tally_status status = read_version(keyring, &version, error);
    if (status != TALLY_OK)
        return status;
    if (version > SCHEMA_VERSION)
        return fault(error, TALLY_UNSUPPORTED,
                     DATABASE_NAME
                     " has version %lld, written by a newer Tallystick; this one knows %d",
                     (long long)version, SCHEMA_VERSION);
    if (version < 1)
        return fault(error, TALLY_DAMAGED, DATABASE_NAME " is no keyring (version %lld)",
                     (long long)version);
    return version == SCHEMA_VERSION ? TALLY_OK : migrate(keyring, error);
}

static tally_status
open_at(const char *path, struct keyring **keyring_out, struct tally_error *error)
{
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return TALLY_ABSENT;

    struct keyring *keyring = NULL;
    tally_status status = open_file(path, &keyring, error);
    if (status != TALLY_OK)
        return status;
    status = settle_version(keyring, error);
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
    if (asprintf(&path, "%s/" DATABASE_NAME, folder) < 0)
        return memory_fault(error);
    tally_status status = open_at(path, keyring_out, error);
    free(path);
    return status;
}
