#include "postgres.h"

#include "quit.h"

PGconn *
postgres_join(const char *database)
{
    PGconn *connection = PQconnectdb(database);
    if (PQstatus(connection) != CONNECTION_OK)
        quit("%s", PQerrorMessage(connection));
    return connection;
}

void
postgres_expect(PGconn *connection, PGresult *result, ExecStatusType wanted)
{
    if (PQresultStatus(result) != wanted)
        quit("%s", PQerrorMessage(connection));
    PQclear(result);
}

void
postgres_run(PGconn *connection, const char *sql)
{
    postgres_expect(connection, PQexec(connection, sql), PGRES_COMMAND_OK);
}

/* Tabs between values, \N for none, a backslash before what means something. */
void
postgres_put_value(struct buffer *out, const char *value)
{
    if (value == NULL) {
        buffer_text(out, "\\N");
        return;
    }
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\\' || *at == '\t' || *at == '\n' || *at == '\r')
            buffer_byte(out, '\\');
        buffer_byte(out, (uint8_t)*at);
    }
}

void
postgres_copy(PGconn *connection, const char *sql, const struct buffer *text)
{
    if (buffer_failed(text))
        quit("out of memory");
    postgres_expect(connection, PQexec(connection, sql), PGRES_COPY_IN);
    if (PQputCopyData(connection, (const char *)text->data, (int)text->size) != 1 ||
        PQputCopyEnd(connection, NULL) != 1)
        quit("%s", PQerrorMessage(connection));
    postgres_expect(connection, PQgetResult(connection), PGRES_COMMAND_OK);
    while (PQgetResult(connection) != NULL)
        ;
}
