/*
 * options.c - keyword arguments as the library's options.
 */
#include "options.h"

#include <stdbool.h>
#include <string.h>

int
options_mode(const struct state *state, const char *text, enum tally_mode *mode_out)
{
    static const char *const names[] = {
        [TALLY_MODE_SPOOL] = "spool",
        [TALLY_MODE_SYNC] = "sync",
        [TALLY_MODE_MEMORY] = "memory",
    };
    *mode_out = TALLY_MODE_DEFAULT;
    if (text == NULL)
        return 0;
    for (unsigned i = TALLY_MODE_SPOOL; i <= TALLY_MODE_MEMORY; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode_out = (enum tally_mode)i;
            return 0;
        }
    }
    (void)state_raise_text(state->invalid, "a mode is spool, sync or memory", "");
    return -1;
}

static int
read_full(const struct state *state, const char *text, enum tally_full *full_out)
{
    static const char *const names[] = {
        [TALLY_FULL_BLOCK] = "block",
        [TALLY_FULL_REFUSE] = "refuse",
        [TALLY_FULL_DROP_OLDEST] = "drop_oldest",
    };
    *full_out = TALLY_FULL_BLOCK;
    if (text == NULL)
        return 0;
    for (unsigned i = TALLY_FULL_BLOCK; i <= TALLY_FULL_DROP_OLDEST; i++) {
        if (strcmp(text, names[i]) == 0) {
            *full_out = (enum tally_full)i;
            return 0;
        }
    }
    (void)state_raise_text(state->invalid, "full is block, refuse or drop_oldest", "");
    return -1;
}

const char **
options_texts(PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    if (count < 0)
        return NULL;
    const char **texts = PyMem_Calloc((size_t)count + 1, sizeof *texts);
    if (texts == NULL) {
        (void)PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        texts[i] = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), NULL);
        if (texts[i] == NULL) {
            PyMem_Free((void *)texts);
            return NULL;
        }
    }
    return texts;
}

/* As options_texts(); None is NULL. */
static int
read_texts(PyObject *list, const char *const **texts_out)
{
    *texts_out = list == Py_None ? NULL : options_texts(list);
    return *texts_out == NULL && list != Py_None ? -1 : 0;
}

void
options_release(struct options *options)
{
    PyMem_Free((void *)options->options.mask_names);
    PyMem_Free((void *)options->options.mask_patterns);
}

/* What has to be looked at before it is an option. */
struct raw {
    const char *mode;
    const char *full;
    unsigned long long spool_size_max;
    unsigned long long memory_size_max;
    unsigned int spool_sync_ms;
    unsigned int timeout_ms;
    PyObject *mask_names;
    PyObject *mask_patterns;
};

static int
parse(PyObject *positional, PyObject *keywords, struct options *options, struct raw *raw)
{
    static char *names[] = {
        "where",      "key",        "trail",          "service",         "mode",
        "full",       "spool",      "spool_size_max", "memory_size_max", "spool_sync_ms",
        "timeout_ms", "mask_names", "mask_patterns",  "ca_file",         "notice",
        NULL,
    };
    struct tally_client_options *to = &options->options;
    return PyArg_ParseTupleAndKeywords(
               positional, keywords, "|z$zzzzzzKKIIOOzO:Client", names, &options->where, &to->key,
               &to->trail, &to->service, &raw->mode, &raw->full, &to->spool_folder,
               &raw->spool_size_max, &raw->memory_size_max, &raw->spool_sync_ms, &raw->timeout_ms,
               &raw->mask_names, &raw->mask_patterns, &to->ca_file, &options->notice)
               ? 0
               : -1;
}

int
options_read(const struct state *state, PyObject *positional, PyObject *keywords,
             struct options *options)
{
    struct tally_client_options *to = &options->options;
    struct raw raw = { .mask_names = Py_None, .mask_patterns = Py_None };
    *options = (struct options){ .notice = Py_None, .options = { .size = sizeof *to } };
    if (parse(positional, keywords, options, &raw) < 0 ||
        options_mode(state, raw.mode, &to->mode) < 0 || read_full(state, raw.full, &to->full) < 0)
        return -1;
    to->spool_size_max = raw.spool_size_max;
    to->memory_size_max = raw.memory_size_max;
    to->spool_sync_ms = raw.spool_sync_ms;
    to->timeout_ms = raw.timeout_ms;
    if (read_texts(raw.mask_names, &to->mask_names) < 0 ||
        read_texts(raw.mask_patterns, &to->mask_patterns) < 0) {
        options_release(options);
        return -1;
    }
    return 0;
}
