#include "keyring_parts.h"

#include <stdio.h>

/* ?1 the key, ?2 when, ?3 from where. */
static const char *const note_statements[] = {
    "UPDATE keys SET last_used = ?2, last_address = ?3"
    " WHERE id = ?1 AND (last_used IS NULL OR last_used <= ?2)",
    "INSERT INTO addresses (key, address, first_used, last_used) VALUES (?1, ?3, ?2, ?2)"
    " ON CONFLICT (key, address) DO UPDATE SET last_used = max(last_used, excluded.last_used)",
};

static tally_status
note_use(struct keyring *keyring, const struct keyring_use *use, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < 2 && status == TALLY_OK; i++) {
        sqlite3_stmt *statement;
        status = database_prepare(keyring->database, note_statements[i], &statement, error);
        if (status != TALLY_OK)
            break;
        (void)sqlite3_bind_int64(statement, 1, use->id);
        (void)sqlite3_bind_int64(statement, 2, use->used);
        (void)sqlite3_bind_text(statement, 3, use->address, -1, SQLITE_STATIC);
        status = database_finish(keyring->database, statement, error);
    }
    return status;
}

/* Lets go of a key's oldest addresses where there are too many. */
static tally_status
trim_addresses(struct keyring *keyring, int64_t id, struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = database_prepare(keyring->database,
                                           "DELETE FROM addresses WHERE key = ?1 AND address NOT IN"
                                           " (SELECT address FROM addresses WHERE key = ?1"
                                           " ORDER BY last_used DESC LIMIT ?2)",
                                           &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, KEYRING_ADDRESSES_MAX);
    return database_finish(keyring->database, statement, error);
}

static tally_status
note_all(struct keyring *keyring, const struct keyring_use *uses, size_t count,
         struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        status = note_use(keyring, &uses[i], error);
        bool last_of_key = i + 1 == count || uses[i + 1].id != uses[i].id;
        if (status == TALLY_OK && last_of_key)
            status = trim_addresses(keyring, uses[i].id, error);
    }
    return status;
}

tally_status
keyring_note(struct keyring *keyring, const struct keyring_use *uses, size_t count, int wait_ms,
             struct tally_error *error)
{
    database_patience(keyring->database, wait_ms);
    tally_status status = database_begin(keyring->database, error);
    if (status == TALLY_OK) {
        status = note_all(keyring, uses, count, error);
        status = database_end(keyring->database, status, error);
    }
    database_patience(keyring->database, DATABASE_WAIT_MS);
    return status;
}

tally_status
keyring_addresses(struct keyring *keyring, int64_t id, struct keyring_use *uses, size_t *count_out,
                  struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = database_prepare(keyring->database,
                                           "SELECT last_used, address FROM addresses"
                                           " WHERE key = ?1 ORDER BY last_used DESC LIMIT ?2",
                                           &statement, error);
    if (status != TALLY_OK)
        return status;
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, KEYRING_ADDRESSES_MAX);

    size_t count = 0;
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        struct keyring_use *use = &uses[count++];
        const char *address = (const char *)sqlite3_column_text(statement, 1);
        *use = (struct keyring_use){ .id = id, .used = sqlite3_column_int64(statement, 0) };
        (void)snprintf(use->address, sizeof use->address, "%s", address == NULL ? "" : address);
    }
    if (step != SQLITE_DONE)
        status = database_fault(keyring->database, "read", error);
    (void)sqlite3_finalize(statement);
    if (status == TALLY_OK)
        *count_out = count;
    return status;
}
