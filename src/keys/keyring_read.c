#include "keyring_parts.h"

#include "bytes.h"
#include "clock.h"
#include "fault.h"

#include <stdio.h>

bool
keyring_entry_good(const struct keyring_entry *entry, int64_t now)
{
    return entry->revoked == 0 && (entry->expires == 0 || entry->expires > now);
}

bool
keyring_trails_have(const char *trails, const char *name)
{
    if (*trails == '\0')
        return true;
    size_t size = strlen(name);
    for (const char *at = trails;; at++) {
        const char *comma = strchrnul(at, ',');
        if ((size_t)(comma - at) == size && memcmp(at, name, size) == 0)
            return true;
        if (*comma == '\0')
            return false;
        at = comma;
    }
}

/* ---- entries ---- */

#define SELECT_ENTRY                                                                \
    "SELECT id, hash, name, role, trails, created, expires, revoked, replaced_by, " \
    "last_used, last_address FROM keys "

static void
copy_text(sqlite3_stmt *statement, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
}

/* A row of SELECT_ENTRY. */
static tally_status
read_entry(sqlite3_stmt *statement, struct keyring_entry *entry_out, struct tally_error *error)
{
    struct keyring_entry entry = { .id = sqlite3_column_int64(statement, 0) };
    const void *hash = sqlite3_column_blob(statement, 1);
    const char *role = (const char *)sqlite3_column_text(statement, 3);
    if (hash == NULL || sqlite3_column_bytes(statement, 1) != TALLY_HASH_SIZE || role == NULL ||
        !role_find(role, &entry.role))
        return fault(error, TALLY_DAMAGED, DATABASE_NAME ": key %lld is no key",
                     (long long)entry.id);
    memcpy(entry.hash.bytes, hash, TALLY_HASH_SIZE);
    copy_text(statement, 2, entry.name, sizeof entry.name);
    copy_text(statement, 4, entry.trails, sizeof entry.trails);
    entry.created = sqlite3_column_int64(statement, 5);
    entry.expires = sqlite3_column_int64(statement, 6);
    entry.revoked = sqlite3_column_int64(statement, 7);
    entry.replaced_by = sqlite3_column_int64(statement, 8);
    entry.last_used = sqlite3_column_int64(statement, 9);
    copy_text(statement, 10, entry.last_address, sizeof entry.last_address);
    *entry_out = entry;
    return TALLY_OK;
}

tally_status
keyring_get(struct keyring *keyring, int64_t id, struct keyring_entry *entry_out,
            struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status =
        database_prepare(keyring->database, SELECT_ENTRY "WHERE id = ?1", &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        status = read_entry(statement, entry_out, error);
    else
        status =
            step == SQLITE_DONE ? TALLY_ABSENT : database_fault(keyring->database, "read", error);
    (void)sqlite3_finalize(statement);
    return status;
}

tally_status
keyring_list(struct keyring *keyring, enum keyring_scope scope, keyring_visitor *visitor,
             void *context, struct tally_error *error)
{
    static const char *const queries[] = {
        [KEYRING_IN_SERVICE] =
            SELECT_ENTRY "WHERE revoked IS NULL"
                         " AND (replaced_by IS NULL OR expires IS NULL OR expires > ?1)"
                         " ORDER BY id",
        [KEYRING_ALL] = SELECT_ENTRY "ORDER BY id",
    };
    sqlite3_stmt *statement;
    tally_status status = database_prepare(keyring->database, queries[scope], &statement, error);
    if (status != TALLY_OK)
        return status;
    if (scope == KEYRING_IN_SERVICE)
        (void)sqlite3_bind_int64(statement, 1, clock_now());

    int step = SQLITE_DONE;
    while (status == TALLY_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        struct keyring_entry entry;
        status = read_entry(statement, &entry, error);
        if (status == TALLY_OK)
            status = visitor(context, &entry, error);
    }
    if (status == TALLY_OK && step != SQLITE_DONE)
        status = database_fault(keyring->database, "read", error);
    (void)sqlite3_finalize(statement);
    return status;
}

tally_status
keyring_version(struct keyring *keyring, int64_t *version_out, struct tally_error *error)
{
    return database_number(keyring->database, "PRAGMA data_version", version_out, error);
}
