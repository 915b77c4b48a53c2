#include "database.h"

#include "fault.h"

#include <errno.h>
#include <stdlib.h>

struct database {
    sqlite3 *handle;
};

tally_status
database_fault(const struct database *database, const char *what, struct tally_error *error)
{
    int code = sqlite3_extended_errcode(database->handle);
    const char *text = sqlite3_errmsg(database->handle);
    switch (code & 0xff) {
    case SQLITE_BUSY:
        return fault(error, TALLY_BUSY, "cannot %s " DATABASE_NAME ": another process holds it",
                     what);
    case SQLITE_NOMEM:
        return memory_fault(error);
    case SQLITE_FULL:
        return fault(error, TALLY_FULL, "cannot %s " DATABASE_NAME ": %s", what, text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return fault(error, TALLY_DENIED, "cannot %s " DATABASE_NAME ": %s", what, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fault(error, TALLY_DAMAGED, "cannot %s " DATABASE_NAME ": %s", what, text);
    default:
        /* Where it needs a file of its own beside it, SQLite has no better word than I/O. */
        if (sqlite3_system_errno(database->handle) == ENOSPC)
            return fault(error, TALLY_FULL, "cannot %s " DATABASE_NAME ": no space is left", what);
        return fault(error, TALLY_IO, "cannot %s " DATABASE_NAME ": %s", what, text);
    }
}

tally_status
database_open(const char *path, struct database **database_out, struct tally_error *error)
{
    struct database *database = calloc(1, sizeof *database);
    if (database == NULL)
        return memory_fault(error);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(path, &database->handle, flags, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(database->handle, DATABASE_WAIT_MS) == SQLITE_OK &&
        sqlite3_exec(database->handle,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;",
                     NULL, NULL, NULL) == SQLITE_OK) {
        *database_out = database;
        return TALLY_OK;
    }
    tally_status status = database_fault(database, "open", error);
    database_close(database);
    return status;
}

void
database_close(struct database *database)
{
    if (database == NULL)
        return;
    (void)sqlite3_close_v2(database->handle);
    free(database);
}

void
database_patience(struct database *database, int wait_ms)
{
    (void)sqlite3_busy_timeout(database->handle, wait_ms);
}

tally_status
database_run(struct database *database, const char *sql, struct tally_error *error)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_fault(database, "write", error);
    return TALLY_OK;
}

tally_status
database_prepare(struct database *database, const char *sql, sqlite3_stmt **statement_out,
                 struct tally_error *error)
{
    if (sqlite3_prepare_v2(database->handle, sql, -1, statement_out, NULL) != SQLITE_OK)
        return database_fault(database, "read", error);
    return TALLY_OK;
}

tally_status
database_finish(struct database *database, sqlite3_stmt *statement, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (sqlite3_step(statement) != SQLITE_DONE)
        status = database_fault(database, "write", error);
    (void)sqlite3_finalize(statement);
    return status;
}

tally_status
database_number(struct database *database, const char *sql, int64_t *number_out,
                struct tally_error *error)
{
    sqlite3_stmt *statement;
    tally_status status = database_prepare(database, sql, &statement, error);
    if (status != TALLY_OK)
        return status;
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        *number_out = sqlite3_column_int64(statement, 0);
    else
        status = step == SQLITE_DONE ? TALLY_ABSENT : database_fault(database, "read", error);
    (void)sqlite3_finalize(statement);
    return status;
}

tally_status
database_begin(struct database *database, struct tally_error *error)
{
    return database_run(database, "BEGIN IMMEDIATE", error);
}

tally_status
database_end(struct database *database, tally_status status, struct tally_error *error)
{
    if (status == TALLY_OK)
        status = database_run(database, "COMMIT", error);
    /* SQLite has rolled back by itself after some faults; then this fails, and nothing is lost. */
    if (status != TALLY_OK)
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
