/*
 * state.h - what the module keeps: one for each interpreter that imports it, nothing static.
 */
#ifndef STATE_H
#define STATE_H

#include <Python.h>
#include <stdint.h>

#include "tally/status.h"

/* A buffer that grows; data is NULL before the first byte. */
struct text {
    char *data;
    size_t size;
    size_t capacity;
};

/* Bytes of a field's name, its quotes and signs. */
#define FIELD_TEXT_MAX 32

/* Places in the table of fields: a power of two, four times what there are and more. */
#define FIELD_PLACES 128

/* What is taken of a web request. The first three say where it came from. */
enum request_part {
    REQUEST_PEER, /* the other end of the connection */
    REQUEST_FORWARDED,
    REQUEST_X_FORWARDED_FOR,
    REQUEST_USER_AGENT,
    REQUEST_ID,
    REQUEST_CORRELATION_ID,
    REQUEST_TRACEPARENT,
    REQUEST_METHOD,
    REQUEST_ROOT,
    REQUEST_PATH,
    REQUEST_USER_ID,
    REQUEST_PARTS,
};

/* Keys of dictionaries; NULL where a part has none there. */
struct request_names {
    PyObject *environ[REQUEST_PARTS]; /* of a WSGI environment */
    PyObject *scope[REQUEST_PARTS];   /* of an ASGI scope, or of the `state` in it */
    PyObject *member[REQUEST_PARTS];  /* of an event */
    PyObject *headers;                /* of a scope */
    PyObject *type;
    PyObject *state;
    PyObject *websocket; /* the method of one */
};

/* A member that events have. What is asked of it stands together: it is seldom in a cache. */
struct field {
    PyObject *name; /* NULL: none has this place */
    Py_hash_t hash;
    uint8_t kind;   /* as in tallystick._fields */
    uint8_t number; /* among the fields: of a bit in a set of them */
    uint16_t size;
    char text
        [FIELD_TEXT_MAX]; /* its name as JSON has it, with a comma before it and a colon behind */
};

struct state {
    /* tallystick._fields and ._values, in Python. */
    PyObject *plain;                   /* a simpler value for one that JSON does not have */
    PyObject *keyed;                   /* a dict with texts for keys */
    PyObject *time_text;               /* RFC 3339 */
    PyObject *milliseconds;            /* a plain number */
    PyObject *token_type;              /* a number as it is to be written */
    PyObject *cut;                     /* a text's beginning */
    struct field fields[FIELD_PLACES]; /* a field stands where its hash says, or behind that */
    /* tallystick.errors. */
    PyObject *error;
    PyObject *denied;
    PyObject *conflict;
    PyObject *invalid;
    PyObject *full;
    PyObject *absent;
    PyObject *forbidden;
    PyObject *unsupported;
    /* tallystick.receipt. */
    PyObject *receipt;
    /* The module's own. */
    PyObject *call_type;
    PyObject *proxies_type;
    PyObject *request_type;
    struct request_names names;
    /* The name of the member that all others may go to. */
    PyObject *details;
    /* Names of what a call's event has, and its status. */
    PyObject *response_time_ms;
    PyObject *status;
    PyObject *success;
    PyObject *failure;
    /* A buffer to write in, for whoever comes first; the others make one. */
    struct text spare;
};

/* Raises what the status stands for, with the error's text, pointer and column; returns NULL. */
PyObject *state_raise(const struct state *state, tally_status status,
                      const struct tally_error *error);
PyObject *state_raise_text(PyObject *type, const char *text, const char *pointer);

#endif
