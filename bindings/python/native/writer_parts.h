/*
 * writer_parts.h - what writer.c and writer_event.c share.
 *
 * Each function appends to the writer's text. 0, or -1 with an exception, unless it says otherwise.
 */
#ifndef WRITER_PARTS_H
#define WRITER_PARTS_H

#include "writer.h"

#include <stdbool.h>

struct writer {
    struct state *state;
    struct text *out;
    unsigned depth;
    PyObject *path[WRITER_DEPTH_MAX]; /* the containers around; borrowed, held by their writers */
};

/* Bytes as they are. */
int writer_put(struct writer *writer, const char *data, size_t size);
int writer_put_byte(struct writer *writer, char byte);

/* A Python text as a string. */
int writer_put_text(struct writer *writer, PyObject *text);

/* A Python int, of any size: 1 where it has more digits than Python converts; nothing is written
 * then. */
int writer_put_whole(struct writer *writer, PyObject *number);

/* A finite float by the shortest digits that give it again, or as PyOS_double_to_string() does. */
int writer_put_fraction(struct writer *writer, double number);
int writer_put_formatted(struct writer *writer, double number, char format, int precision,
                         int flags);

/* Any value. `simplified`: it is what `plain` gave for itself, and is not asked again. */
int writer_put_value(struct writer *writer, PyObject *value, bool simplified);

/* `name` and a colon, after a comma where something stands before it. 1; 0 where the name is no
 * text that can be written as it is: nothing is written then. */
int writer_put_name(struct writer *writer, PyObject *name, bool first);

#endif
