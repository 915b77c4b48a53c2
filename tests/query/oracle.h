/*
 * oracle.h - a trail's exported rows in SQLite, asked in SQL: another implementation's answer.
 *
 * Nothing of the query layer takes part but the export itself, which a filter that holds for all
 * makes.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "trail.h"

struct oracle;

/* The rows of all entries but control entries, in a table of its own in memory. */
struct oracle *oracle_create(struct trail *trail);
void oracle_destroy(struct oracle *oracle);

/* The indexes of the rows for which `condition` (SQL) is true, newest first, into `indexes` (room for
 * `capacity`; never more are there). */
size_t oracle_ask(struct oracle *oracle, const char *condition, uint64_t *indexes, size_t capacity);

/* How many rows there are for each value of a column, as "value count" lines, most frequent first and
 * equal ones in bytewise order; the caller frees them. */
char *oracle_group(struct oracle *oracle, const char *condition, const char *column);

#endif
