/*
 * types.h - the module's types and functions, one file each.
 */
#ifndef TYPES_H
#define TYPES_H

#include "state.h"

/* Add their types to the module; -1 with an exception. */
int call_add(PyObject *module);    /* call.c */
int client_add(PyObject *module);  /* client.c */
int proxies_add(PyObject *module); /* proxies.c */
int request_add(PyObject *module); /* request.c */

/* call_event(call, describe) -> what `describe` says of it, with how long it took and how it ended, as a
 * dict of its own; or None: call.c. */
PyObject *call_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
/* check_leaf(public, index, proof, checkpoint, vkey) -> size: evidence.c. */
PyObject *evidence_check_leaf(PyObject *module, PyObject *arguments);
/* check_vkey(vkey): the same. */
PyObject *evidence_check_vkey(PyObject *module, PyObject *vkey);

#endif
