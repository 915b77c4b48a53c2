/*
 * fill_postgres - the same entries in PostgreSQL: a typed column for each field, the indexes that the
 * questions want, details in a GIN index of their own, and the texts with trigrams.
 *
 *     fill_postgres ENTRIES SECONDS DATABASE
 *
 * Everything is copied first and indexed then. Prints rows of CSV; after SECONDS it gives up with
 * status 3.
 */
#include "clock.h"
#include "fill.h"
#include "find.h"
#include "postgres.h"
#include "quit.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 10000u

static const char schema[] =
    "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_trgm;"
    "DROP TABLE IF EXISTS events;"
    "CREATE TABLE events(place bigint NOT NULL, id uuid NOT NULL, timestamp timestamptz,"
    " request_id uuid, user_id text, user_email text, session_id text, ip_address inet,"
    " user_agent text, event_type text, action text, severity text, resource_type text,"
    " resource_id text, method text, endpoint text, status text, status_code integer,"
    " response_time_ms real, error_message text, details jsonb, changes jsonb, words text)";

/* As much memory for each as the machine can give for this purpose alone. */
static const char *const indexes[] = {
    "SET maintenance_work_mem = '2GB'",
    "CREATE UNIQUE INDEX ON events(place)",
    "CREATE UNIQUE INDEX ON events(id)",
    "CREATE INDEX ON events(timestamp)",
    "CREATE INDEX ON events(user_id, timestamp)",
    "CREATE INDEX ON events(action, timestamp)",
    "CREATE INDEX ON events(status, timestamp)",
    "CREATE INDEX ON events(resource_id, timestamp)",
    "CREATE INDEX ON events(resource_type, resource_id, timestamp)",
    "CREATE INDEX ON events USING gin(details jsonb_path_ops)",
    "CREATE INDEX ON events USING gin(words gin_trgm_ops)",
    "VACUUM ANALYZE events",
    "CHECKPOINT",
};

static void
put_row(struct buffer *text, const struct fill_row *row)
{
    postgres_put_value(text, row->place);
    for (size_t i = 0; i < ROW_FIELDS; i++) {
        buffer_byte(text, '\t');
        postgres_put_value(text, row->row.values[i]);
    }
    buffer_byte(text, '\t');
    postgres_put_value(text, row->words[0] == '\0' ? NULL : row->words);
    buffer_byte(text, '\n');
}

static void
load(PGconn *connection, const struct fill_options *options)
{
    struct generator generator;
    struct buffer text = { 0 };
    fill_begin(&generator);
    for (uint64_t i = 0; i < options->entries; i++) {
        struct fill_row row;
        fill_next(&generator, &row);
        put_row(&text, &row);
        fill_row_free(&row);
        if ((i + 1) % BATCH != 0 && i + 1 != options->entries)
            continue;
        fill_check(options->until, "loading");
        postgres_copy(connection, "COPY events FROM STDIN", &text);
        buffer_clear(&text);
    }
    buffer_free(&text);
    generator_finish(&generator);
}

/* Ends by itself where the time is over. */
static void
index_one(PGconn *connection, const char *sql, int64_t until)
{
    static const char query_canceled[] = "57014";
    char limit[64];
    int64_t left = (until - clock_monotonic()) / 1000000;
    if (left <= 0)
        fill_give_up("indexing");
    (void)snprintf(limit, sizeof limit, "SET statement_timeout = %lld", (long long)left);
    postgres_run(connection, limit);
    PGresult *result = PQexec(connection, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state != NULL && strcmp(state, query_canceled) == 0)
        fill_give_up("indexing");
    postgres_expect(connection, result, PGRES_COMMAND_OK);
}

static void
print_size(PGconn *connection)
{
    PGresult *result =
        PQexec(connection, "SELECT pg_total_relation_size('events')::float / count(*) FROM events");
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        quit("%s", PQerrorMessage(connection));
    find_print("on disk", "size", strtod(PQgetvalue(result, 0, 0), NULL));
    PQclear(result);
}

int
main(int argc, char **argv)
{
    struct fill_options options;
    fill_options_read(argc, argv, &options);
    PGconn *connection = postgres_join(options.where);
    postgres_run(connection, schema);
    int64_t began = clock_monotonic();
    load(connection, &options);
    fill_print_since("loading", began);
    began = clock_monotonic();
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++)
        index_one(connection, indexes[i], options.until);
    fill_print_since("indexing", began);
    postgres_run(connection, "SET statement_timeout = 0");
    print_size(connection);
    PQfinish(connection);
    return 0;
}
