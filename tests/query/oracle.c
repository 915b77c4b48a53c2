#include "oracle.h"

#include "export.h"
#include "fixture.h"

#include <sqlite3.h>
#include <stdio.h>

struct oracle {
    sqlite3 *database;
};

static tally_status
keep(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    buffer_bytes(context, bytes);
    return TALLY_OK;
}

static void
export_rows(struct trail *trail, struct buffer *rows)
{
    const struct selection_request request = { .size = SELECTION_ALL };
    const struct export_options options = { .format = EXPORT_NDJSON };
    struct stream stream = { .write = keep, .context = rows };
    struct selection selection;
    struct export_result result;
    MUST(selection_open(trail, &request, &selection, &why));
    MUST(export_write(&selection, &options, &stream, &result, &why));
    selection_close(&selection);
    stream_finish(&stream);
}

static void
run(struct oracle *oracle, const char *sql)
{
    char *problem = NULL;
    if (sqlite3_exec(oracle->database, sql, NULL, NULL, &problem) != SQLITE_OK)
        fixture_fail("SQLite: %s: %s", sql, problem);
}

static sqlite3_stmt *
prepare(struct oracle *oracle, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(oracle->database, sql, -1, &statement, NULL) != SQLITE_OK)
        fixture_fail("SQLite: %s: %s", sql, sqlite3_errmsg(oracle->database));
    return statement;
}

static void
insert_lines(struct oracle *oracle, struct bytes rows)
{
    sqlite3_stmt *insert = prepare(oracle, "INSERT INTO lines VALUES (?1)");
    while (rows.size > 0) {
        const uint8_t *end = memchr(rows.data, '\n', rows.size);
        size_t size = (size_t)(end - rows.data);
        (void)sqlite3_bind_text(insert, 1, (const char *)rows.data, (int)size, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE)
            fixture_fail("SQLite: %s", sqlite3_errmsg(oracle->database));
        (void)sqlite3_reset(insert);
        rows = bytes_of(end + 1, rows.size - size - 1);
    }
    (void)sqlite3_finalize(insert);
}

/* A column a field, as the row has it: objects as their JSON, numbers as numbers. */
static void
spread_columns(struct oracle *oracle)
{
    char sql[8192];
    size_t size = (size_t)snprintf(sql, sizeof sql,
                                   "CREATE TABLE entries AS SELECT row ->> '$.index' AS entry,"
                                   " min(row ->> '$.timestamp', row ->> '$.received') AS moment");
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        const char *name = (const char *)fields[f].name.data;
        const char *arrow = fields[f].type == TYPE_OBJECT ? "->" : "->>";
        size += (size_t)snprintf(sql + size, sizeof sql - size, ", row %s '$.%s' AS \"%s\"", arrow,
                                 name, name);
    }
    (void)snprintf(sql + size, sizeof sql - size, " FROM lines");
    run(oracle, sql);
    run(oracle, "DROP TABLE lines");
}

struct oracle *
oracle_create(struct trail *trail)
{
    struct buffer rows = { 0 };
    struct oracle *oracle = calloc(1, sizeof *oracle);
    if (oracle == NULL || sqlite3_open(":memory:", &oracle->database) != SQLITE_OK)
        fixture_fail("SQLite does not open");
    export_rows(trail, &rows);
    run(oracle, "CREATE TABLE lines (row TEXT)");
    run(oracle, "BEGIN");
    insert_lines(oracle, buffer_view(&rows));
    run(oracle, "COMMIT");
    spread_columns(oracle);
    buffer_free(&rows);
    return oracle;
}

void
oracle_destroy(struct oracle *oracle)
{
    if (oracle == NULL)
        return;
    (void)sqlite3_close(oracle->database);
    free(oracle);
}

size_t
oracle_ask(struct oracle *oracle, const char *condition, uint64_t *indexes, size_t capacity)
{
    char sql[16384];
    (void)snprintf(sql, sizeof sql,
                   "SELECT entry FROM entries WHERE (%s) IS TRUE ORDER BY moment DESC, entry DESC",
                   condition);
    sqlite3_stmt *statement = prepare(oracle, sql);
    size_t count = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        if (count == capacity)
            fixture_fail("SQLite finds more than there is: %s", sql);
        indexes[count++] = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return count;
}

char *
oracle_group(struct oracle *oracle, const char *condition, const char *column)
{
    char sql[16384];
    struct buffer lines = { 0 };
    (void)snprintf(sql, sizeof sql,
                   "SELECT \"%s\", count(*) FROM entries WHERE (%s) IS TRUE AND \"%s\" IS NOT NULL "
                   "GROUP BY 1 ORDER BY 2 DESC, CAST(\"%s\" AS TEXT)",
                   column, condition, column, column);
    sqlite3_stmt *statement = prepare(oracle, sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
        buffer_format(&lines, "%s %lld\n", (const char *)sqlite3_column_text(statement, 0),
                      (long long)sqlite3_column_int64(statement, 1));
    (void)sqlite3_finalize(statement);
    buffer_byte(&lines, 0);
    return (char *)lines.data;
}
