/*
 * find_postgres - ask PostgreSQL what a trail is asked, over its socket, of the table that
 * fill_postgres made.
 *
 *     find_postgres [--asks N] [--cold N] [--seconds N] [--answers FILE] --restart COMMAND DATABASE SAMPLES
 *
 * Statements are prepared once. Those whose best plan depends on the value are planned anew each
 * time. COMMAND stops the server, drops what the kernel holds of its files and starts it again.
 */
#include "find.h"
#include "postgres.h"
#include "quit.h"

#include <stdlib.h>
#include <string.h>

struct place {
    const char *database;
    const char *restart;
    PGconn *connection;
    const struct find_question *prepared;
};

static const char *const conditions[FIND_CONDITIONS] = {
    [WHERE_ALL] = "true",
    [WHERE_INDEX] = "place = $1",
    [WHERE_ID] = "id = $1",
    [WHERE_USER] = "user_id = $1",
    [WHERE_ACTION] = "action = $1",
    [WHERE_RESOURCE] = "resource_id = $1",
    [WHERE_USER_ACTION_TIME] = "user_id = $1 AND action = $2 AND timestamp BETWEEN $3 AND $4",
    [WHERE_ACTION_STATUS_TIME] = "action = $1 AND status = $2 AND timestamp BETWEEN $3 AND $4",
    [WHERE_ACTION_STATUS] = "action = $1 AND status = $2",
    [WHERE_TEXT] = "words ILIKE '%' || $1 || '%'",
    [WHERE_REGION] = "details @> jsonb_build_object('region', $1::text)",
    [WHERE_AMOUNT] = "details @> jsonb_build_object('amount', $1::numeric)",
    [WHERE_TIME] = "timestamp BETWEEN $1 AND $2",
};

static bool
plan_depends_on_value(enum find_condition condition)
{
    return condition == WHERE_TEXT || condition == WHERE_REGION || condition == WHERE_AMOUNT ||
           condition == WHERE_TIME;
}

static void
put_sql(const struct find_question *question, struct buffer *sql)
{
    const char *condition = conditions[question->condition];
    switch (question->shape) {
    case FIND_ENTRY:
        buffer_format(sql, "SELECT * FROM events WHERE %s", condition);
        break;
    case FIND_NEWEST:
        buffer_format(sql, "SELECT * FROM events WHERE %s ORDER BY timestamp DESC LIMIT %d",
                      condition, FIND_LIMIT);
        break;
    case FIND_COUNT:
        buffer_format(sql, "SELECT count(*) FROM events WHERE %s", condition);
        break;
    case FIND_HOURS:
        buffer_format(sql,
                      "SELECT extract(epoch FROM hour)::bigint, count FROM (SELECT"
                      " date_trunc('hour', timestamp) AS hour, count(*) AS count FROM events"
                      " WHERE %s GROUP BY 1) AS hours",
                      condition);
        break;
    case FIND_GROUPS:
        buffer_format(sql,
                      "SELECT %s, count(*) FROM events WHERE %s GROUP BY 1 ORDER BY 2 DESC, 1"
                      " LIMIT %d",
                      question->field, condition, FIND_TOP);
        break;
    case FIND_EXPORT:
        buffer_format(sql,
                      "SELECT row_to_json(entry) FROM (SELECT place AS index, id, timestamp,"
                      " request_id, user_id, user_email, session_id, ip_address, user_agent,"
                      " event_type, action, severity, resource_type, resource_id, method,"
                      " endpoint, status, status_code, response_time_ms, error_message, details,"
                      " changes FROM events WHERE %s ORDER BY timestamp) AS entry",
                      condition);
        break;
    }
}

static void
open_place(struct place *place)
{
    place->connection = postgres_join(place->database);
    place->prepared = NULL;
    postgres_run(place->connection, "SET timezone = 'UTC'");
}

static void
prepare(struct place *place, const struct find_question *question)
{
    if (place->prepared == question)
        return;
    struct buffer sql = { 0 };
    put_sql(question, &sql);
    buffer_byte(&sql, '\0');
    if (buffer_failed(&sql))
        quit("out of memory");
    postgres_run(place->connection, "DEALLOCATE ALL");
    postgres_run(place->connection, plan_depends_on_value(question->condition)
                                        ? "SET plan_cache_mode = force_custom_plan"
                                        : "SET plan_cache_mode = auto");
    postgres_expect(place->connection,
                    PQprepare(place->connection, "ask", (const char *)sql.data, 0, NULL),
                    PGRES_COMMAND_OK);
    place->prepared = question;
    buffer_free(&sql);
}

static struct bytes
column(const PGresult *result, int row, int i)
{
    return bytes_of(PQgetvalue(result, row, i), (size_t)PQgetlength(result, row, i));
}

static void
take_row(const PGresult *result, int row, enum find_shape shape, struct find_answer *answer)
{
    if (shape == FIND_COUNT)
        answer->rows = strtoull(PQgetvalue(result, row, 0), NULL, 10);
    else if (shape == FIND_HOURS || shape == FIND_GROUPS)
        find_answer_add(answer, column(result, row, 0),
                        strtoull(PQgetvalue(result, row, 1), NULL, 10));
    else if (shape == FIND_EXPORT)
        answer->rows++;
    else
        find_answer_next(answer, column(result, row, 1));
}

static enum find_outcome
ask(void *context, const struct find_question *question, const struct find_wanted *wanted,
    struct find_answer *answer_out)
{
    struct place *place = context;
    const struct find_places *places = &find_places[question->condition];
    const char *values[FIND_PLACES] = { NULL };
    for (unsigned i = 0; i < places->count; i++)
        values[i] = wanted->values[places->values[i]];
    prepare(place, question);
    PGresult *result =
        PQexecPrepared(place->connection, "ask", (int)places->count, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        quit("%s", PQerrorMessage(place->connection));
    for (int row = 0; row < PQntuples(result); row++)
        take_row(result, row, question->shape, answer_out);
    PQclear(result);
    return FIND_ANSWERED;
}

static void
cool(void *context)
{
    struct place *place = context;
    PQfinish(place->connection);
    if (system(place->restart) != 0)
        quit("the server could not be restarted");
    open_place(place);
}

int
main(int argc, char **argv)
{
    struct find_options options;
    find_options_read(argc, argv, &options);
    if (options.restart == NULL)
        quit("--restart is missing");
    struct place place = { .database = options.where, .restart = options.restart };
    const struct find_engine engine = { .context = &place, .ask = ask, .cool = cool };
    open_place(&place);
    find_run(&engine, &options);
    PQfinish(place.connection);
    return 0;
}
