/*
 * peer_sqlite - the same events in SQLite, for comparison: a table with a column for each field and
 * the indexes an audit table has, WAL, synchronous=FULL, a transaction for each 1,000.
 *
 *     tally bench --emit N | peer_sqlite FILE
 *
 * Prints events per second and bytes per event. Reading the JSON is not counted. It does less than
 * a trail: it keeps no hashes, and what it stores can be changed by whoever opens it.
 */
#include <jansson.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BATCH 1000u

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE events(id TEXT PRIMARY KEY, timestamp TEXT, request_id TEXT, user_id TEXT,"
    " session_id TEXT, ip_address TEXT, user_agent TEXT, action TEXT, resource_type TEXT,"
    " resource_id TEXT, method TEXT, endpoint TEXT, status TEXT, status_code INTEGER,"
    " response_time_ms REAL, error_message TEXT, details TEXT, changes TEXT) WITHOUT ROWID;"
    "CREATE INDEX by_time ON events(timestamp);"
    "CREATE INDEX by_user ON events(user_id, timestamp);"
    "CREATE INDEX by_action ON events(action, timestamp);"
    "CREATE INDEX by_resource ON events(resource_type, resource_id, timestamp);";

static const char *const names[] = {
    "id",         "timestamp",   "request_id",       "user_id",       "session_id", "ip_address",
    "user_agent", "action",      "resource_type",    "resource_id",   "method",     "endpoint",
    "status",     "status_code", "response_time_ms", "error_message", "details",    "changes",
};
#define FIELDS (sizeof names / sizeof names[0])

struct peer {
    sqlite3 *database;
    sqlite3_stmt *insert;
    char *texts[BATCH][FIELDS]; /* values of a batch, as they are bound; NULL: absent */
};

_Noreturn static void
give_up(const char *what)
{
    (void)fprintf(stderr, "peer_sqlite: %s\n", what);
    exit(1);
}

static void
run(struct peer *peer, const char *sql)
{
    if (sqlite3_exec(peer->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(peer->database));
}

static void
open_database(struct peer *peer, const char *path)
{
    if (sqlite3_open(path, &peer->database) != SQLITE_OK)
        give_up("cannot open the database");
    run(peer, schema);
    char sql[256] = "INSERT INTO events VALUES(?1";
    size_t size = strlen(sql);
    for (size_t i = 2; i <= FIELDS; i++)
        size += (size_t)snprintf(sql + size, sizeof sql - size, ",?%zu", i);
    (void)snprintf(sql + size, sizeof sql - size, ")");
    if (sqlite3_prepare_v2(peer->database, sql, -1, &peer->insert, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(peer->database));
}

/* Strings as they are, everything else as JSON text. */
static void
read_event(const char *line, char **texts)
{
    json_t *event = json_loads(line, 0, NULL);
    if (event == NULL)
        give_up("a line is no JSON");
    for (size_t i = 0; i < FIELDS; i++) {
        const json_t *value = json_object_get(event, names[i]);
        texts[i] = NULL;
        if (json_is_string(value))
            texts[i] = strdup(json_string_value(value));
        else if (value != NULL)
            texts[i] = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    }
    json_decref(event);
}

static uint32_t
read_batch(struct peer *peer)
{
    static char *line;
    static size_t capacity;
    uint32_t count = 0;
    while (count < BATCH && getline(&line, &capacity, stdin) > 0)
        read_event(line, peer->texts[count++]);
    return count;
}

static void
store_batch(struct peer *peer, uint32_t count)
{
    run(peer, "BEGIN");
    for (uint32_t row = 0; row < count; row++) {
        for (size_t i = 0; i < FIELDS; i++)
            (void)sqlite3_bind_text(peer->insert, (int)i + 1, peer->texts[row][i], -1,
                                    SQLITE_STATIC);
        if (sqlite3_step(peer->insert) != SQLITE_DONE || sqlite3_reset(peer->insert) != SQLITE_OK)
            give_up(sqlite3_errmsg(peer->database));
    }
    run(peer, "COMMIT");
}

static double
seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    static struct peer peer;
    if (argc != 2)
        give_up("usage: peer_sqlite FILE");
    open_database(&peer, argv[1]);
    double taken = 0;
    unsigned long long total = 0;
    uint32_t count;
    while ((count = read_batch(&peer)) > 0) {
        double start = seconds();
        store_batch(&peer, count);
        taken += seconds() - start;
        total += count;
        for (uint32_t row = 0; row < count; row++)
            for (size_t i = 0; i < FIELDS; i++)
                free(peer.texts[row][i]);
    }
    double start = seconds();
    run(&peer, "PRAGMA wal_checkpoint(TRUNCATE)");
    taken += seconds() - start;
    (void)sqlite3_finalize(peer.insert);
    (void)sqlite3_close(peer.database);
    struct stat file;
    if (total == 0 || stat(argv[1], &file) < 0)
        give_up("nothing was stored");
    (void)printf("\"recording, durable\",%.0f,events/s\n", (double)total / taken);
    (void)printf("on disk,%.2f,bytes/event\n", (double)file.st_size / (double)total);
    return 0;
}
