/*
 * rows.h - events as an SQL database takes them: a text for each column, and a checksum.
 *
 * Everything that an application holds anyway is made before anything is measured: the columns'
 * texts, and the event as JSON with its names in order. The checksum over that is taken while
 * measuring, as an application would that wants to see later whether a row was changed.
 */
#ifndef ROWS_H
#define ROWS_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define ROW_FIELDS        21
#define ROW_CHECKSUM_SIZE 64 /* SHA-256 in hexadecimal */

extern const char *const row_names[ROW_FIELDS];

struct row {
    char *values[ROW_FIELDS]; /* strings as they are, all else as JSON; NULL: absent */
    char *sorted;             /* only where rows_read() made it */
};

/* Of an event's columns. */
void row_read(const json_t *event, struct row *row_out);
void row_free(struct row *row);

struct rows {
    struct row *list;
    size_t count;
};

/* One event a line. */
void rows_read(FILE *file, struct rows *rows_out);
void rows_free(struct rows *rows);

void row_checksum(const struct row *row, char hex_out[ROW_CHECKSUM_SIZE + 1]);

/* What to look for: lines of `USER<TAB>ACTION`. */
struct row_wanted {
    char user[64];
    char action[64];
};
#define ROW_WANTED_MAX 1000

/* Returns how many were read. */
size_t row_wanted_read(const char *path, struct row_wanted wanted_out[ROW_WANTED_MAX]);

#endif
