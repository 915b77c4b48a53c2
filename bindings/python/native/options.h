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

/* tallystick._tally.check_options(): whether a client could be opened with these arguments, as far as
 * they say it and the environment does not. Opens nothing that lasts. */
PyObject *options_check(PyObject *module, PyObject *positional, PyObject *keywords);

/* A mode by its name; None is the client's. 0, or -1 with an exception. */
int options_mode(const struct state *state, PyObject *given, enum tally_mode *mode_out);

/* A text without NUL, lent from what is given by this name. 0, or -1 with an exception. */
int options_text(const struct state *state, const char *name, PyObject *given,
                 const char **text_out);

/* The texts of a list that goes by this name, lent from it, behind them NULL. The caller frees the
 * array with PyMem_Free(). NULL with an exception. */
const char **options_texts(const struct state *state, const char *name, PyObject *list);

/* Raises TypeError: `name` is to be what is `wanted`, and was given as something else. NULL. */
PyObject *options_wrong_type(const char *name, const char *wanted, PyObject *given);

#endif
