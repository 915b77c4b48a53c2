/*
 * peer_sqlite - the same events in SQLite, for comparison: a table with a column for each field, a
 * checksum, and the indexes an audit table has; WAL, synchronous=FULL, a transaction for each 1,000.
 *
 *     tally bench --emit N | peer_sqlite FILE [WANTED]
 *
 * WANTED: lines of USER<TAB>ACTION to look for (rows.h). Prints rows of CSV. It does less than a
 * trail: whoever may change a row may change its checksum, too.
 */
#include "clock.h"
#include "quit.h"
#include "rows.h"
#include "samples.h"
#include "sqlite.h"

#include <string.h>
#include <sys/stat.h>

#define BATCH   1000u
#define REPEATS 20 /* of a query over all events */

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-262144;"
    "CREATE TABLE events(id TEXT PRIMARY KEY, timestamp TEXT, request_id TEXT, user_id TEXT,"
    " user_email TEXT, session_id TEXT, ip_address TEXT, user_agent TEXT, event_type TEXT,"
    " action TEXT, severity TEXT, resource_type TEXT, resource_id TEXT, method TEXT,"
    " endpoint TEXT, status TEXT, status_code INTEGER, response_time_ms REAL,"
    " error_message TEXT, details TEXT, changes TEXT, checksum TEXT);"
    "CREATE INDEX by_time ON events(timestamp);"
    "CREATE INDEX by_user ON events(user_id, timestamp);"
    "CREATE INDEX by_email ON events(user_email, timestamp);"
    "CREATE INDEX by_type ON events(event_type, timestamp);"
    "CREATE INDEX by_action ON events(action, timestamp);"
    "CREATE INDEX by_severity ON events(severity, timestamp);"
    "CREATE INDEX by_status ON events(status, timestamp);"
    "CREATE INDEX by_resource ON events(resource_type, resource_id, timestamp);";

/* ---- recording ---- */

static void
insert(sqlite3 *database, sqlite3_stmt *statement, const struct row *row)
{
    char checksum[ROW_CHECKSUM_SIZE + 1];
    row_checksum(row, checksum);
    for (int i = 0; i < ROW_FIELDS; i++)
        (void)sqlite3_bind_text(statement, i + 1, row->values[i], -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, ROW_FIELDS + 1, checksum, -1, SQLITE_STATIC);
    sqlite_finish(database, statement);
}

static void
record(sqlite3 *database, const struct rows *rows)
{
    char sql[256] = "INSERT INTO events VALUES(?1";
    size_t size = strlen(sql);
    for (size_t i = 2; i <= ROW_FIELDS + 1; i++)
        size += (size_t)snprintf(sql + size, sizeof sql - size, ",?%zu", i);
    (void)snprintf(sql + size, sizeof sql - size, ")");
    sqlite3_stmt *statement = sqlite_prepare(database, sql);

    int64_t began = clock_monotonic();
    for (size_t i = 0; i < rows->count; i++) {
        if (i % BATCH == 0)
            sqlite_run(database, "BEGIN");
        insert(database, statement, &rows->list[i]);
        if ((i + 1) % BATCH == 0 || i + 1 == rows->count)
            sqlite_run(database, "COMMIT");
    }
    sqlite_run(database, "PRAGMA wal_checkpoint(TRUNCATE)");
    double taken = (double)(clock_monotonic() - began) / 1e9;
    (void)sqlite3_finalize(statement);
    (void)printf("\"recording, batches of 1,000\",%.0f,events/s\n", (double)rows->count / taken);
}

/* ---- reading ---- */

/* Takes every value of every row that the statement gives. */
static void
read_all(sqlite3 *database, sqlite3_stmt *statement, struct samples *samples)
{
    int64_t began = clock_monotonic();
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            (void)sqlite3_column_text(statement, i);
    if (step != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        quit("%s", sqlite3_errmsg(database));
    samples_add(samples, clock_monotonic() - began);
}

/* `sql` has ?1 for a user and ?2 for an action, where it needs them. */
static void
look_for(sqlite3 *database, const char *label, const char *sql, const struct row_wanted *wanted,
         size_t count)
{
    struct samples samples = { 0 };
    sqlite3_stmt *statement = sqlite_prepare(database, sql);
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_bind_parameter_index(statement, "?1") != 0)
            sqlite_bind(statement, 1, wanted[i].user);
        if (sqlite3_bind_parameter_index(statement, "?2") != 0)
            sqlite_bind(statement, 2, wanted[i].action);
        read_all(database, statement, &samples);
    }
    (void)sqlite3_finalize(statement);
    samples_print(&samples, label);
    samples_free(&samples);
}

static void
read_back(sqlite3 *database, const char *path)
{
    static struct row_wanted wanted[ROW_WANTED_MAX];
    size_t count = row_wanted_read(path, wanted);
    sqlite_run(database, "ANALYZE");
    look_for(database, "newest 50 of a user",
             "SELECT * FROM events WHERE user_id = ?1 ORDER BY timestamp DESC LIMIT 50", wanted,
             count);
    look_for(database, "newest 50 of an action",
             "SELECT * FROM events WHERE action = ?2 ORDER BY timestamp DESC LIMIT 50", wanted,
             count);
    look_for(database, "newest 50 of a user and an action",
             "SELECT * FROM events WHERE user_id = ?1 AND action = ?2"
             " ORDER BY timestamp DESC LIMIT 50",
             wanted, count);
    look_for(database, "counts by action", "SELECT action, count(*) FROM events GROUP BY action",
             wanted, count < REPEATS ? count : REPEATS);
    look_for(database, "histogram by the hour",
             "SELECT substr(timestamp, 1, 13), count(*) FROM events GROUP BY 1", wanted,
             count < REPEATS ? count : REPEATS);
}

int
main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        quit("usage: peer_sqlite FILE [WANTED]");
    struct rows rows;
    rows_read(stdin, &rows);
    sqlite3 *database = sqlite_open(argv[1]);
    sqlite_run(database, schema);
    record(database, &rows);
    struct stat file;
    if (stat(argv[1], &file) < 0)
        quit("nothing was stored");
    (void)printf("on disk,%.2f,bytes/event\n", (double)file.st_size / (double)rows.count);
    if (argc == 3)
        read_back(database, argv[2]);
    (void)sqlite3_close(database);
    rows_free(&rows);
    return 0;
}
