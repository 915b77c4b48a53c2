/*
 * sqlite.h - SQLite where every failure ends the program.
 */
#ifndef SQLITE_H
#define SQLITE_H

#include <sqlite3.h>

sqlite3 *sqlite_open(const char *path);
void sqlite_run(sqlite3 *database, const char *sql);
/* The caller finalizes it. */
sqlite3_stmt *sqlite_prepare(sqlite3 *database, const char *sql);
void sqlite_bind(sqlite3_stmt *statement, int place, const char *text);
/* Runs a statement that gives no rows, and makes it ready to be run again. */
void sqlite_finish(sqlite3 *database, sqlite3_stmt *statement);

#endif
