/*
 * peer_postgres - the same events in PostgreSQL, for comparison: a typed column for each field, a
 * checksum, and the indexes an audit table has.
 *
 *     tally bench --emit N | peer_postgres --server PID [--single N] [--one N] [--wanted FILE] DATABASE
 *
 * PID is the cluster's first process; DATABASE a connection string of libpq. The last N events of
 * --single are inserted one a transaction over 16 connections, those of --one over a single one; all
 * before them come with COPY, 1,000 a transaction, over two. FILE: lines of USER<TAB>ACTION to look
 * for (rows.h). Prints rows of CSV.
 */
#include "clock.h"
#include "postgres.h"
#include "process.h"
#include "quit.h"
#include "rows.h"
#include "samples.h"

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BATCH              1000u
#define COPY_CONNECTIONS   2
#define SINGLE_CONNECTIONS 16
#define REPEATS            20 /* of a query over all events */

static const char schema[] =
    "SET client_min_messages = warning;"
    "DROP TABLE IF EXISTS events;"
    "CREATE TABLE events(id uuid PRIMARY KEY, timestamp timestamptz, request_id uuid, user_id text,"
    " user_email text, session_id text, ip_address inet, user_agent text, event_type text,"
    " action text, severity text, resource_type text, resource_id text, method text,"
    " endpoint text, status text, status_code integer, response_time_ms real,"
    " error_message text, details jsonb, changes jsonb, checksum text);"
    "CREATE INDEX ON events(timestamp);"
    "CREATE INDEX ON events(user_id, timestamp);"
    "CREATE INDEX ON events(user_email, timestamp);"
    "CREATE INDEX ON events(event_type, timestamp);"
    "CREATE INDEX ON events(action, timestamp);"
    "CREATE INDEX ON events(severity, timestamp);"
    "CREATE INDEX ON events(status, timestamp);"
    "CREATE INDEX ON events(resource_type, resource_id, timestamp);";

static const char insert[] =
    "INSERT INTO events VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,"
    "$20,$21,$22)";

/* Events that some connections share, each taking the next. */
struct work {
    const char *database;
    const struct row *rows;
    size_t count;
    atomic_size_t next;
    pthread_mutex_t lock; /* of: */
    struct samples samples;
};

/* ---- batches ---- */

static void
put_row(struct buffer *out, const struct row *row)
{
    char checksum[ROW_CHECKSUM_SIZE + 1];
    for (size_t i = 0; i < ROW_FIELDS; i++) {
        postgres_put_value(out, row->values[i]);
        buffer_byte(out, '\t');
    }
    row_checksum(row, checksum);
    buffer_text(out, checksum);
    buffer_byte(out, '\n');
}

static void
copy_batch(PGconn *connection, const struct row *rows, size_t count, struct buffer *text)
{
    buffer_clear(text);
    for (size_t i = 0; i < count; i++)
        put_row(text, &rows[i]);
    postgres_copy(connection, "COPY events FROM STDIN", text);
}

static void *
copy_some(void *context)
{
    struct work *work = context;
    PGconn *connection = postgres_join(work->database);
    struct buffer text = { 0 };
    size_t first;
    while ((first = atomic_fetch_add(&work->next, BATCH)) < work->count) {
        size_t left = work->count - first;
        copy_batch(connection, work->rows + first, left < BATCH ? left : BATCH, &text);
    }
    buffer_free(&text);
    PQfinish(connection);
    return NULL;
}

/* ---- single events ---- */

static void *
insert_some(void *context)
{
    struct work *work = context;
    PGconn *connection = postgres_join(work->database);
    postgres_expect(connection, PQprepare(connection, "insert", insert, 0, NULL), PGRES_COMMAND_OK);
    struct samples samples = { 0 };
    size_t i;
    while ((i = atomic_fetch_add(&work->next, 1)) < work->count) {
        const char *values[ROW_FIELDS + 1];
        char checksum[ROW_CHECKSUM_SIZE + 1];
        int64_t began = clock_monotonic();
        for (size_t field = 0; field < ROW_FIELDS; field++)
            values[field] = work->rows[i].values[field];
        row_checksum(&work->rows[i], checksum);
        values[ROW_FIELDS] = checksum;
        postgres_expect(connection,
                        PQexecPrepared(connection, "insert", ROW_FIELDS + 1, values, NULL, NULL, 0),
                        PGRES_COMMAND_OK);
        samples_add(&samples, clock_monotonic() - began);
    }
    PQfinish(connection);
    (void)pthread_mutex_lock(&work->lock);
    for (size_t sample = 0; sample < samples.count; sample++)
        samples_add(&work->samples, samples.values[sample]);
    (void)pthread_mutex_unlock(&work->lock);
    samples_free(&samples);
    return NULL;
}

/* Has `connections` threads do `body` with the work, and prints what it took. */
static void
record(struct work *work, int connections, void *(*body)(void *), pid_t server, const char *label)
{
    pthread_t threads[SINGLE_CONNECTIONS];
    double seconds = process_seconds(server);
    int64_t began = clock_monotonic();
    for (int i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, body, work) != 0)
            quit("cannot make a thread");
    for (int i = 0; i < connections; i++)
        (void)pthread_join(threads[i], NULL);
    double taken = (double)(clock_monotonic() - began) / 1e9;
    (void)printf("\"%s\",%.0f,events/s\n", label, (double)work->count / taken);
    (void)printf("\"%s, server CPU\",%.3f,us/event\n", label,
                 (process_seconds(server) - seconds) * 1e6 / (double)work->count);
    if (work->samples.count > 0)
        samples_print(&work->samples, label);
    samples_free(&work->samples);
}

static void
print_size(const char *database)
{
    PGconn *connection = postgres_join(database);
    PGresult *result =
        PQexec(connection, "SELECT pg_total_relation_size('events')::float / count(*) FROM events");
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        quit("%s", PQerrorMessage(connection));
    (void)printf("on disk,%.2f,bytes/event\n", strtod(PQgetvalue(result, 0, 0), NULL));
    PQclear(result);
    PQfinish(connection);
}

/* ---- reading ---- */

/* `sql` takes a user, an action, both or neither; prepared once, as an application would. */
static void
look_for(PGconn *connection, const char *label, const char *sql, const struct row_wanted *wanted,
         size_t count)
{
    postgres_expect(connection, PQprepare(connection, label, sql, 0, NULL), PGRES_COMMAND_OK);
    struct samples samples = { 0 };
    for (size_t i = 0; i < count; i++) {
        const char *values[2] = { wanted[i].user, wanted[i].action };
        int64_t began = clock_monotonic();
        postgres_expect(connection, PQexecPrepared(connection, label, 2, values, NULL, NULL, 0),
                        PGRES_TUPLES_OK);
        samples_add(&samples, clock_monotonic() - began);
    }
    samples_print(&samples, label);
    samples_free(&samples);
}

static void
read_back(const char *database, const char *path)
{
    static struct row_wanted wanted[ROW_WANTED_MAX];
    size_t count = row_wanted_read(path, wanted);
    size_t repeats = count < REPEATS ? count : REPEATS;
    PGconn *connection = postgres_join(database);
    postgres_run(connection, "VACUUM ANALYZE events");
    /* A parameter that a query does not need must still have a type. */
    look_for(connection, "newest 50 of a user",
             "SELECT * FROM events WHERE user_id = $1 AND $2::text IS NOT NULL"
             " ORDER BY timestamp DESC LIMIT 50",
             wanted, count);
    look_for(connection, "newest 50 of an action",
             "SELECT * FROM events WHERE action = $2 AND $1::text IS NOT NULL"
             " ORDER BY timestamp DESC LIMIT 50",
             wanted, count);
    look_for(connection, "newest 50 of a user and an action",
             "SELECT * FROM events WHERE user_id = $1 AND action = $2"
             " ORDER BY timestamp DESC LIMIT 50",
             wanted, count);
    look_for(connection, "counts by action",
             "SELECT action, count(*) FROM events WHERE $1::text IS NOT NULL AND $2::text IS NOT"
             " NULL GROUP BY action",
             wanted, repeats);
    look_for(connection, "histogram by the hour",
             "SELECT date_trunc('hour', timestamp), count(*) FROM events WHERE $1::text IS NOT"
             " NULL AND $2::text IS NOT NULL GROUP BY 1",
             wanted, repeats);
    PQfinish(connection);
}

/* ---- the whole ---- */

struct plan {
    const char *database;
    const char *wanted; /* NULL: nothing is read back */
    size_t single;
    size_t one;
    pid_t server;
};

static struct work
work_over(const struct plan *plan, const struct rows *rows, size_t first, size_t count)
{
    return (struct work){
        .database = plan->database,
        .rows = rows->list + first,
        .count = count,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
}

static void
measure(const struct plan *plan, const struct rows *rows)
{
    if (plan->single + plan->one >= rows->count)
        quit("there are too few events");
    size_t copied = rows->count - plan->single - plan->one;
    struct work work = work_over(plan, rows, 0, copied);
    record(&work, COPY_CONNECTIONS, copy_some, plan->server, "recording, batches of 1,000");
    print_size(plan->database);
    if (plan->wanted != NULL)
        read_back(plan->database, plan->wanted);
    if (plan->single > 0) {
        work = work_over(plan, rows, copied, plan->single);
        record(&work, SINGLE_CONNECTIONS, insert_some, plan->server, "recording, single events");
    }
    if (plan->one > 0) {
        work = work_over(plan, rows, copied + plan->single, plan->one);
        record(&work, 1, insert_some, plan->server, "recording, one client");
    }
}

static void
read_options(struct plan *plan, int argc, char **argv)
{
    static const struct option options[] = {
        { "server", required_argument, NULL, 'P' },
        { "single", required_argument, NULL, 's' },
        { "one", required_argument, NULL, 'o' },
        { "wanted", required_argument, NULL, 'w' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'P':
            plan->server = (pid_t)strtol(optarg, NULL, 10);
            break;
        case 's':
            plan->single = strtoul(optarg, NULL, 10);
            break;
        case 'o':
            plan->one = strtoul(optarg, NULL, 10);
            break;
        case 'w':
            plan->wanted = optarg;
            break;
        default:
            exit(1);
        }
    }
    if (optind + 1 != argc || plan->server == 0)
        quit("usage: peer_postgres --server PID [--single N] [--one N] [--wanted FILE] DATABASE");
    plan->database = argv[optind];
}

int
main(int argc, char **argv)
{
    struct plan plan = { 0 };
    read_options(&plan, argc, argv);
    struct rows rows;
    rows_read(stdin, &rows);
    PGconn *connection = postgres_join(plan.database);
    postgres_run(connection, schema);
    postgres_run(connection, "CHECKPOINT");
    PQfinish(connection);
    measure(&plan, &rows);
    rows_free(&rows);
    return 0;
}
