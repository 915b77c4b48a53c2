#include "sqlite.h"

#include "quit.h"

#include <stddef.h>

sqlite3 *
sqlite_open(const char *path)
{
    sqlite3 *database;
    if (sqlite3_open(path, &database) != SQLITE_OK)
        quit("cannot open %s", path);
    return database;
}

void
sqlite_run(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        quit("%s", sqlite3_errmsg(database));
}

sqlite3_stmt *
sqlite_prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        quit("%s: %s", sqlite3_errmsg(database), sql);
    return statement;
}

void
sqlite_bind(sqlite3_stmt *statement, int place, const char *text)
{
    if (sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT) != SQLITE_OK)
        quit("cannot bind a value");
}

void
sqlite_finish(sqlite3 *database, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        quit("%s", sqlite3_errmsg(database));
}
