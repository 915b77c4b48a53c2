/*
 * options.h - what Python passes for a client's options.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "state.h"

#include "tally/client.h"

/* The constructor's arguments. What `options` points to is lent from them but for the two lists of
 * texts: options_release(). */
struct options {
    const char *where;
    PyObject *notice; /* borrowed */
    struct tally_client_options options;
};

/* 0, or -1 with an exception; nothing is to be released then. */
int options_read(const struct state *state, PyObject *positional, PyObject *keywords,
                 struct options *options);
void options_release(struct options *options);

/* A mode by its name; NULL is the client's. */
int options_mode(const struct state *state, const char *text, enum tally_mode *mode_out);

/* The texts of a list, lent from it, behind them NULL. The caller frees the array with
 * PyMem_Free(). NULL with an exception. */
const char **options_texts(PyObject *list);

#endif
