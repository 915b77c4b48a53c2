/*
 * find_sqlite - ask SQLite what a trail is asked, within this process, of the file that fill_sqlite
 * made.
 *
 *     find_sqlite [--asks N] [--cold N] [--seconds N] [--answers FILE] FILE SAMPLES
 *
 * Statements are prepared once; every value of every row is read. Members of details have no index:
 * SQLite has none for members that nobody named before.
 */
#include "buffer.h"
#include "cold.h"
#include "find.h"
#include "quit.h"
#include "sqlite.h"

#include <stdlib.h>

struct place {
    const char *path;
    sqlite3 *database;
    const struct find_question *prepared; /* the question of: */
    sqlite3_stmt *statement;
};

static const char *const conditions[FIND_CONDITIONS] = {
    [WHERE_ALL] = "1",
    [WHERE_INDEX] = "place = ?1",
    [WHERE_ID] = "id = ?1",
    [WHERE_USER] = "user_id = ?1",
    [WHERE_ACTION] = "action = ?1",
    [WHERE_RESOURCE] = "resource_id = ?1",
    [WHERE_USER_ACTION_TIME] = "user_id = ?1 AND action = ?2 AND timestamp BETWEEN ?3 AND ?4",
    [WHERE_ACTION_STATUS_TIME] = "action = ?1 AND status = ?2 AND timestamp BETWEEN ?3 AND ?4",
    [WHERE_ACTION_STATUS] = "action = ?1 AND status = ?2",
    [WHERE_TEXT] = "texts MATCH '\"' || ?1 || '\"'",
    [WHERE_REGION] = "details ->> 'region' = ?1",
    [WHERE_AMOUNT] = "details ->> 'amount' = CAST(?1 AS REAL)",
    [WHERE_TIME] = "timestamp BETWEEN ?1 AND ?2",
};

#define EXPORTED                                                                              \
    "json_object('index', place, 'id', id, 'timestamp', timestamp, 'request_id', request_id," \
    " 'user_id', user_id, 'user_email', user_email, 'session_id', session_id, 'ip_address',"  \
    " ip_address, 'user_agent', user_agent, 'event_type', event_type, 'action', action,"      \
    " 'severity', severity, 'resource_type', resource_type, 'resource_id', resource_id,"      \
    " 'method', method, 'endpoint', endpoint, 'status', status, 'status_code', status_code,"  \
    " 'response_time_ms', response_time_ms, 'error_message', error_message, 'details',"       \
    " json(details), 'changes', json(changes))"

static void
open_place(struct place *place)
{
    place->database = sqlite_open(place->path);
    sqlite_run(place->database, "PRAGMA cache_size=-1048576");
}

static void
close_place(struct place *place)
{
    (void)sqlite3_finalize(place->statement);
    place->statement = NULL;
    place->prepared = NULL;
    (void)sqlite3_close(place->database);
}

static void
put_sql(const struct find_question *question, struct buffer *sql)
{
    const char *condition = conditions[question->condition];
    bool text = question->condition == WHERE_TEXT;
    switch (question->shape) {
    case FIND_ENTRY:
        buffer_format(sql, "SELECT * FROM events WHERE %s", condition);
        break;
    case FIND_NEWEST:
        /* Rows come into the table in the order of time, and FTS5 gives them from the last. */
        buffer_format(sql, "SELECT events.* FROM %s WHERE %s ORDER BY %s DESC LIMIT %d",
                      text ? "texts JOIN events ON place = texts.rowid" : "events", condition,
                      text ? "texts.rowid" : "timestamp", FIND_LIMIT);
        break;
    case FIND_COUNT:
        buffer_format(sql, "SELECT count(*) FROM %s WHERE %s", text ? "texts" : "events",
                      condition);
        break;
    case FIND_HOURS:
        buffer_format(sql,
                      "SELECT strftime('%%s', substr(timestamp, 1, 13) || ':00:00'), count(*)"
                      " FROM events WHERE %s GROUP BY substr(timestamp, 1, 13)",
                      condition);
        break;
    case FIND_GROUPS:
        buffer_format(sql,
                      "SELECT %s, count(*) FROM events WHERE %s GROUP BY 1 ORDER BY 2 DESC, 1"
                      " LIMIT %d",
                      question->field, condition, FIND_TOP);
        break;
    case FIND_EXPORT:
        buffer_format(sql, "SELECT " EXPORTED " FROM events WHERE %s ORDER BY timestamp",
                      condition);
        break;
    }
    buffer_byte(sql, '\0');
}

static void
prepare(struct place *place, const struct find_question *question)
{
    if (place->prepared == question)
        return;
    struct buffer sql = { 0 };
    put_sql(question, &sql);
    if (buffer_failed(&sql))
        quit("out of memory");
    (void)sqlite3_finalize(place->statement);
    place->statement = sqlite_prepare(place->database, (const char *)sql.data);
    place->prepared = question;
    buffer_free(&sql);
}

static struct bytes
column(sqlite3_stmt *statement, int i)
{
    return bytes_of(sqlite3_column_text(statement, i), (size_t)sqlite3_column_bytes(statement, i));
}

static void
take_row(sqlite3_stmt *statement, enum find_shape shape, struct find_answer *answer)
{
    if (shape == FIND_COUNT) {
        answer->rows = (uint64_t)sqlite3_column_int64(statement, 0);
    } else if (shape == FIND_HOURS || shape == FIND_GROUPS) {
        find_answer_add(answer, column(statement, 0), (uint64_t)sqlite3_column_int64(statement, 1));
    } else if (shape == FIND_EXPORT) {
        (void)sqlite3_column_text(statement, 0);
        answer->rows++;
    } else {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            (void)sqlite3_column_text(statement, i);
        find_answer_next(answer, column(statement, 1));
    }
}

static enum find_outcome
ask(void *context, const struct find_question *question, const struct find_wanted *wanted,
    struct find_answer *answer_out)
{
    struct place *place = context;
    const struct find_places *places = &find_places[question->condition];
    prepare(place, question);
    for (unsigned i = 0; i < places->count; i++)
        sqlite_bind(place->statement, (int)i + 1, wanted->values[places->values[i]]);
    int step;
    while ((step = sqlite3_step(place->statement)) == SQLITE_ROW)
        take_row(place->statement, question->shape, answer_out);
    if (step != SQLITE_DONE || sqlite3_reset(place->statement) != SQLITE_OK)
        quit("%s", sqlite3_errmsg(place->database));
    return FIND_ANSWERED;
}

static void
cool(void *context)
{
    struct place *place = context;
    close_place(place);
    cold_drop(place->path);
    open_place(place);
}

int
main(int argc, char **argv)
{
    struct find_options options;
    find_options_read(argc, argv, &options);
    struct place place = { .path = options.where };
    const struct find_engine engine = { .context = &place, .ask = ask, .cool = cool };
    open_place(&place);
    find_run(&engine, &options);
    close_place(&place);
    return 0;
}
