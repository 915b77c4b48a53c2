/*
 * state.h - what the module keeps: one for each interpreter that imports it, nothing static.
 */
#ifndef STATE_H
#define STATE_H

#include <Python.h>

#include "tally/status.h"

/* A buffer that grows; data is NULL before the first byte. */
struct text {
    char *data;
    size_t size;
    size_t capacity;
};

struct state {
    /* tallystick._fields and ._values, in Python. */
    PyObject *fields;       /* {name: kind} */
    PyObject *plain;        /* a simpler value for one that JSON does not have */
    PyObject *keyed;        /* a dict with texts for keys */
    PyObject *time_text;    /* RFC 3339 */
    PyObject *milliseconds; /* a plain number */
    PyObject *token_type;   /* a number as it is to be written */
    /* tallystick.errors. */
    PyObject *error;
    PyObject *denied;
    PyObject *conflict;
    PyObject *invalid;
    PyObject *full;
    PyObject *absent;
    PyObject *forbidden;
    PyObject *unsupported;
    /* The name of the member that all others may go to. */
    PyObject *details;
    /* A buffer to write in, for whoever comes first; the others make one. */
    struct text spare;
};

/* Raises what the status stands for, with the error's text and pointer; returns NULL. */
PyObject *state_raise(const struct state *state, tally_status status,
                      const struct tally_error *error);
PyObject *state_raise_text(PyObject *type, const char *text, const char *pointer);

#endif
