/*
 * postgres.h - libpq where every failure ends the program.
 */
#ifndef POSTGRES_H
#define POSTGRES_H

#include "buffer.h"

#include <libpq-fe.h>

PGconn *postgres_join(const char *database);
/* Frees the result, which must be of the status that is wanted. */
void postgres_expect(PGconn *connection, PGresult *result, ExecStatusType wanted);
void postgres_run(PGconn *connection, const char *sql);

/* Appends a value in COPY's text format; NULL is none. */
void postgres_put_value(struct buffer *out, const char *value);

/* Sends `text`, rows in that format, in answer to a statement COPY … FROM STDIN. */
void postgres_copy(PGconn *connection, const char *sql, const struct buffer *text);

#endif
