/*
 * options.c - keyword arguments as the library's options.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

PyObject *
options_wrong_type(const char *name, const char *wanted, PyObject *given)
{
    PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(given), "__name__");
    if (type != NULL)
        PyErr_Format(PyExc_TypeError, "%s: %s, not %U", name, wanted, type);
    Py_XDECREF(type);
    return NULL;
}

int
options_text(const struct state *state, const char *name, PyObject *given, const char **text_out)
{
    if (!PyUnicode_Check(given)) {
        (void)options_wrong_type(name, "a text", given);
        return -1;
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(given, &size);
    if (text == NULL && !PyErr_ExceptionMatches(PyExc_UnicodeError))
        return -1;
    if (text != NULL && strlen(text) == (size_t)size) {
        *text_out = text;
        return 0;
    }
    PyErr_Clear();
    char said[128];
    (void)snprintf(said, sizeof said, "%s: it has a character that it cannot have", name);
    (void)state_raise_text(state->invalid, said, "");
    return -1;
}

/* Which of the words, of which the first stands for none; -1 with an exception. */
static int
read_word(const struct state *state, const char *name, PyObject *given, const char *const *words)
{
    const char *text;
    if (options_text(state, name, given, &text) < 0)
        return -1;
    for (int i = 1; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    char said[256];
    (void)snprintf(said, sizeof said, "%s: \"%.60s\" is none of %s, %s and %s", name, text,
                   words[1], words[2], words[3]);
    (void)state_raise_text(state->invalid, said, "");
    return -1;
}

int
options_mode(const struct state *state, PyObject *given, enum tally_mode *mode_out)
{
    static const char *const words[] = { "", "spool", "sync", "memory", NULL };
    int word = given == Py_None ? TALLY_MODE_DEFAULT : read_word(state, "mode", given, words);
    if (word < 0)
        return -1;
    *mode_out = (enum tally_mode)word;
    return 0;
}

static int
read_full(const struct state *state, PyObject *given, enum tally_full *full_out)
{
    static const char *const words[] = { "", "block", "refuse", "drop_oldest", NULL };
    int word = given == Py_None ? 1 : read_word(state, "full", given, words);
    if (word < 0)
        return -1;
    *full_out = (enum tally_full)(word - 1);
    return 0;
}

const char **
options_texts(const struct state *state, const char *name, PyObject *list)
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
        if (options_text(state, name, PyList_GetItem(list, i), &texts[i]) < 0) {
            PyMem_Free((void *)texts);
            return NULL;
        }
    }
    return texts;
}

void
options_release(struct options *options)
{
    PyMem_Free((void *)options->options.mask_names);
    PyMem_Free((void *)options->options.mask_patterns);
}

/* What is given, by the place of its name in `names`; None where nothing is. */
enum given {
    WHERE,
    KEY,
    TRAIL,
    SERVICE,
    MODE,
    FULL,
    SPOOL,
    SPOOL_SIZE_MAX,
    MEMORY_SIZE_MAX,
    SPOOL_SYNC_MS,
    TIMEOUT_MS,
    MASK_NAMES,
    MASK_PATTERNS,
    CA_FILE,
    INSECURE_HTTP,
    NOTICE,
    GIVEN_COUNT,
};

static char *names[] = {
    "where",      "key",        "trail",          "service",         "mode",
    "full",       "spool",      "spool_size_max", "memory_size_max", "spool_sync_ms",
    "timeout_ms", "mask_names", "mask_patterns",  "ca_file",         "insecure_http",
    "notice",     NULL,
};

static int
parse(PyObject *positional, PyObject *keywords, PyObject *given[GIVEN_COUNT])
{
    for (unsigned i = 0; i < GIVEN_COUNT; i++)
        given[i] = Py_None;
    return PyArg_ParseTupleAndKeywords(
               positional, keywords, "|O$OOOOOOOOOOOOOOO:Client", names, &given[WHERE], &given[KEY],
               &given[TRAIL], &given[SERVICE], &given[MODE], &given[FULL], &given[SPOOL],
               &given[SPOOL_SIZE_MAX], &given[MEMORY_SIZE_MAX], &given[SPOOL_SYNC_MS],
               &given[TIMEOUT_MS], &given[MASK_NAMES], &given[MASK_PATTERNS], &given[CA_FILE],
               &given[INSECURE_HTTP], &given[NOTICE])
               ? 0
               : -1;
}

static int
read_texts(const struct state *state, PyObject *const given[GIVEN_COUNT], struct options *options)
{
    struct tally_client_options *to = &options->options;
    const struct {
        enum given which;
        const char **out;
    } texts[] = {
        { WHERE, &options->where },   { KEY, &to->key },
        { TRAIL, &to->trail },        { SERVICE, &to->service },
        { SPOOL, &to->spool_folder }, { CA_FILE, &to->ca_file },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum given which = texts[i].which;
        if (given[which] != Py_None &&
            options_text(state, names[which], given[which], texts[i].out) < 0)
            return -1;
    }
    return 0;
}

/* A whole number. What is negative, or more than `max`, is `max`, which the library refuses and says
 * what it takes. */
static int
read_number(const char *name, PyObject *given, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (given == Py_None)
        return 0;
    if (!PyLong_Check(given) || PyBool_Check(given)) {
        (void)options_wrong_type(name, "a whole number", given);
        return -1;
    }
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(given, &overflow);
    if (number == -1 && PyErr_Occurred())
        return -1;
    *out = overflow != 0 || number < 0 || (uint64_t)number > max ? max : (uint64_t)number;
    return 0;
}

static int
read_numbers(PyObject *const given[GIVEN_COUNT], struct tally_client_options *to)
{
    uint64_t sync_ms;
    uint64_t timeout_ms;
    if (read_number("spool_size_max", given[SPOOL_SIZE_MAX], UINT64_MAX, &to->spool_size_max) < 0 ||
        read_number("memory_size_max", given[MEMORY_SIZE_MAX], UINT64_MAX, &to->memory_size_max) <
            0 ||
        read_number("spool_sync_ms", given[SPOOL_SYNC_MS], UINT32_MAX, &sync_ms) < 0 ||
        read_number("timeout_ms", given[TIMEOUT_MS], UINT32_MAX, &timeout_ms) < 0)
        return -1;
    to->spool_sync_ms = (uint32_t)sync_ms;
    to->timeout_ms = (uint32_t)timeout_ms;
    return 0;
}

/* None is NULL. */
static int
read_list(const struct state *state, const char *name, PyObject *given,
          const char *const **texts_out)
{
    *texts_out = NULL;
    if (given == Py_None)
        return 0;
    if (!PyList_Check(given)) {
        (void)options_wrong_type(name, "a list of texts", given);
        return -1;
    }
    *texts_out = options_texts(state, name, given);
    return *texts_out == NULL ? -1 : 0;
}

int
options_read(const struct state *state, PyObject *positional, PyObject *keywords,
             struct options *options)
{
    struct tally_client_options *to = &options->options;
    PyObject *given[GIVEN_COUNT];
    *options = (struct options){ .options = { .size = sizeof *to } };
    if (parse(positional, keywords, given) < 0 || read_texts(state, given, options) < 0 ||
        options_mode(state, given[MODE], &to->mode) < 0 ||
        read_full(state, given[FULL], &to->full) < 0 || read_numbers(given, to) < 0)
        return -1;
    options->notice = given[NOTICE];
    to->insecure_http = given[INSECURE_HTTP] == Py_True;
    if (read_list(state, "mask_names", given[MASK_NAMES], &to->mask_names) < 0 ||
        read_list(state, "mask_patterns", given[MASK_PATTERNS], &to->mask_patterns) < 0) {
        options_release(options);
        return -1;
    }
    return 0;
}

/* In place of what the environment would be asked for: that is nobody's argument. */
static void
leave_environment_out(struct options *options)
{
    struct tally_client_options *to = &options->options;
    if (options->where == NULL)
        options->where = "unix:/";
    if (to->key == NULL)
        to->key = "-";
    if (to->spool_folder == NULL)
        to->spool_folder = "/";
}

PyObject *
options_check(PyObject *module, PyObject *positional, PyObject *keywords)
{
    const struct state *state = PyModule_GetState(module);
    struct options options;
    if (options_read(state, positional, keywords, &options) < 0)
        return NULL;
    leave_environment_out(&options);
    struct tally_client *client = NULL;
    struct tally_error error = { 0 };
    tally_status status = tally_client_open(options.where, &options.options, &client, &error);
    tally_client_close(client, 0);
    options_release(&options);
    if (status != TALLY_OK)
        return state_raise(state, status, &error);
    Py_RETURN_NONE;
}
