/*
 * fill_sqlite - the same entries in SQLite: a column for each field, the indexes that the questions
 * want, and the texts in FTS5 with trigrams, so that parts of words are found too.
 *
 *     fill_sqlite ENTRIES SECONDS FILE
 *
 * Everything is inserted first and indexed then. Prints rows of CSV; after SECONDS it gives up with
 * status 3.
 */
#include "clock.h"
#include "fill.h"
#include "find.h"
#include "quit.h"
#include "sqlite.h"

#include <string.h>
#include <sys/stat.h>

#define BATCH 100000u

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1048576;"
    "CREATE TABLE events(place INTEGER PRIMARY KEY, id TEXT, timestamp TEXT, request_id TEXT,"
    " user_id TEXT, user_email TEXT, session_id TEXT, ip_address TEXT, user_agent TEXT,"
    " event_type TEXT, action TEXT, severity TEXT, resource_type TEXT, resource_id TEXT,"
    " method TEXT, endpoint TEXT, status TEXT, status_code INTEGER, response_time_ms REAL,"
    " error_message TEXT, details TEXT, changes TEXT);"
    /* The texts themselves stand in the events. */
    "CREATE VIRTUAL TABLE texts USING fts5(words, content='', tokenize='trigram');";

static const char *const indexes[] = {
    "CREATE UNIQUE INDEX by_id ON events(id)",
    "CREATE INDEX by_time ON events(timestamp)",
    "CREATE INDEX by_user ON events(user_id, timestamp)",
    "CREATE INDEX by_action ON events(action, timestamp)",
    "CREATE INDEX by_status ON events(status, timestamp)",
    "CREATE INDEX by_resource ON events(resource_id, timestamp)",
    "CREATE INDEX by_type ON events(resource_type, resource_id, timestamp)",
    "INSERT INTO texts(texts) VALUES('optimize')",
    "ANALYZE",
    "PRAGMA wal_checkpoint(TRUNCATE)",
};

/* Of sqlite3_progress_handler(): anything but 0 ends the statement. */
static int
too_long(void *context)
{
    const int64_t *until = context;
    return clock_monotonic() >= *until;
}

static void
insert(sqlite3 *database, sqlite3_stmt *events, sqlite3_stmt *texts, const struct fill_row *row)
{
    (void)sqlite3_bind_text(events, 1, row->place, -1, SQLITE_STATIC);
    for (int i = 0; i < ROW_FIELDS; i++)
        (void)sqlite3_bind_text(events, i + 2, row->row.values[i], -1, SQLITE_STATIC);
    sqlite_finish(database, events);
    if (row->words[0] == '\0')
        return;
    (void)sqlite3_bind_int64(texts, 1, (sqlite3_int64)strtoull(row->place, NULL, 10));
    (void)sqlite3_bind_text(texts, 2, row->words, -1, SQLITE_STATIC);
    sqlite_finish(database, texts);
}

static void
load(sqlite3 *database, const struct fill_options *options)
{
    char sql[256] = "INSERT INTO events VALUES(?1";
    size_t size = strlen(sql);
    for (size_t i = 2; i <= ROW_FIELDS + 1; i++)
        size += (size_t)snprintf(sql + size, sizeof sql - size, ",?%zu", i);
    (void)snprintf(sql + size, sizeof sql - size, ")");
    sqlite3_stmt *events = sqlite_prepare(database, sql);
    sqlite3_stmt *texts =
        sqlite_prepare(database, "INSERT INTO texts(rowid, words) VALUES(?1, ?2)");
    struct generator generator;
    fill_begin(&generator);
    for (uint64_t i = 0; i < options->entries; i++) {
        struct fill_row row;
        if (i % BATCH == 0) {
            fill_check(options->until, "loading");
            sqlite_run(database, "BEGIN");
        }
        fill_next(&generator, &row);
        insert(database, events, texts, &row);
        fill_row_free(&row);
        if ((i + 1) % BATCH == 0 || i + 1 == options->entries)
            sqlite_run(database, "COMMIT");
    }
    generator_finish(&generator);
    (void)sqlite3_finalize(events);
    (void)sqlite3_finalize(texts);
}

int
main(int argc, char **argv)
{
    struct fill_options options;
    fill_options_read(argc, argv, &options);
    sqlite3 *database = sqlite_open(options.where);
    sqlite_run(database, schema);
    int64_t began = clock_monotonic();
    load(database, &options);
    fill_print_since("loading", began);
    began = clock_monotonic();
    sqlite3_progress_handler(database, 1000000, too_long, &options.until);
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        int result = sqlite3_exec(database, indexes[i], NULL, NULL, NULL);
        if (result == SQLITE_INTERRUPT)
            fill_give_up("indexing");
        if (result != SQLITE_OK)
            quit("%s", sqlite3_errmsg(database));
    }
    fill_print_since("indexing", began);
    (void)sqlite3_close(database);
    struct stat file;
    if (stat(options.where, &file) < 0)
        quit("nothing was stored");
    find_print("on disk", "size", (double)file.st_size / (double)options.entries);
    return 0;
}
