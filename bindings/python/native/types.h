/*
 * types.h - the module's types and functions, one file each.
 */
#ifndef TYPES_H
#define TYPES_H

#include "state.h"

/* Add their types to the module; -1 with an exception. */
int client_add(PyObject *module);  /* client.c */
int proxies_add(PyObject *module); /* proxies.c */
int request_add(PyObject *module); /* request.c */

/* check_leaf(public, index, proof, checkpoint, vkey) -> size: evidence.c. */
PyObject *evidence_check_leaf(PyObject *module, PyObject *arguments);
/* check_vkey(vkey): the same. */
PyObject *evidence_check_vkey(PyObject *module, PyObject *vkey);

#endif
