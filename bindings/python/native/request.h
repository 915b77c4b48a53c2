/*
 * request.h - a web request as the module keeps it: what its scope or environment said.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "state.h"

#include <stdbool.h>

struct request {
    PyObject_HEAD struct state *state;
    bool is_wsgi;                   /* its path is UTF-8 that was read as Latin-1 */
    PyObject *parts[REQUEST_PARTS]; /* NULL: not known */
};

/* request.c */

/* -1 with an exception. */
int request_names_init(struct request_names *names);
int request_names_visit(const struct request_names *names, visitproc visit, void *arg);
void request_names_clear(struct request_names *names);

/* Puts a value in a part's place; takes the reference. */
void request_set(struct request *self, enum request_part part, PyObject *value);

/* Of a module: request_of_scope(scope), request_of_environ(environ), uuid4(). */
PyObject *request_of_scope(PyObject *module, PyObject *scope);
PyObject *request_of_environ(PyObject *module, PyObject *environ);
PyObject *request_uuid4(PyObject *module, PyObject *nothing);

/* request_members.c */

/* The members that an event takes of it: a new dict. `proxies` is a Proxies, or None. */
PyObject *request_members(PyObject *self, PyObject *proxies);

/* Its id as a text; where it has none it gets one. */
PyObject *request_identify(PyObject *self, PyObject *nothing);

#endif
