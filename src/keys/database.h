/*
 * database.h - a data folder's tally.db: SQLite, opened and spoken to the way we do.
 *
 * Every change is on stable storage when it is committed (WAL, synchronous = FULL), and what is
 * deleted is overwritten. Where another process writes, a change waits for it, DATABASE_WAIT_MS at
 * most, then it is TALLY_BUSY; reading never waits. A database belongs to one thread at a time.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include "tally/status.h"

#include <sqlite3.h>
#include <stdint.h>

#define DATABASE_NAME    "tally.db"
#define DATABASE_WAIT_MS 5000

struct database;

/* Opens the file at `path`, which exists. Caller owns. */
TALLY_MUST_CHECK tally_status database_open(const char *path, struct database **database_out,
                                            struct tally_error *error);
void database_close(struct database *database); /* NULL is allowed */

/* How long a change waits for another process's; 0: not at all. */
void database_patience(struct database *database, int wait_ms);

/* What SQLite's last answer means; "cannot WHAT tally.db: …". */
tally_status database_fault(const struct database *database, const char *what,
                            struct tally_error *error);

/* Runs statements that give no rows. */
TALLY_MUST_CHECK tally_status database_run(struct database *database, const char *sql,
                                           struct tally_error *error);

/* A statement to bind and to step; the caller finalizes it, or gives it to database_finish(). */
TALLY_MUST_CHECK tally_status database_prepare(struct database *database, const char *sql,
                                               sqlite3_stmt **statement_out,
                                               struct tally_error *error);

/* Steps a statement that gives no rows, and finalizes it. */
TALLY_MUST_CHECK tally_status database_finish(struct database *database, sqlite3_stmt *statement,
                                              struct tally_error *error);

/* The single number that a query gives. TALLY_ABSENT where it gives no row. */
TALLY_MUST_CHECK tally_status database_number(struct database *database, const char *sql,
                                              int64_t *number_out, struct tally_error *error);

/* A change of several statements: nobody else writes between begin and end. end() commits where
 * `status` is TALLY_OK, else it takes everything back; it returns `status`, or why committing
 * failed. */
TALLY_MUST_CHECK tally_status database_begin(struct database *database, struct tally_error *error);
TALLY_MUST_CHECK tally_status database_end(struct database *database, tally_status status,
                                           struct tally_error *error);

#endif
