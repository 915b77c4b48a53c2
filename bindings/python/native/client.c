/*
 * client.c - tallystick._tally.Client: a client of the library, as an object.
 *
 * The lock of the interpreter is let go around what may take long: waiting for a receipt, flushing,
 * closing, asking, and the first record, which makes the spool. Another record takes less than letting
 * go and waiting for one's turn again would (other threads keep the lock for up to 5 ms), so it is
 * kept there until the library says that it is about to wait for room.
 *
 * Who waits is asked every now and then whether it still does: then signals have their handlers run,
 * and what one of them raises (KeyboardInterrupt) ends the wait and is what the call raises.
 *
 * What the library has to say (`notice`) may come on its own thread, which must not wait for the
 * interpreter. It is kept, and said after the next call.
 */
#include "options.h"
#include "types.h"
#include "writer.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NOTICES_MAX 16

struct notices {
    pthread_mutex_t mutex;
    unsigned count;
    char *texts[NOTICES_MAX]; /* what comes when there is no room is not kept */
};

struct client {
    PyObject_HEAD struct state *state;
    struct tally_client *client; /* NULL when it was closed */
    PyObject *notice;            /* a callable, or None */
    PyObject *interruption;      /* what a signal's handler raised in a record, until asked for */
    struct notices notices;
    enum tally_mode mode;
    unsigned users; /* calls that use it without the interpreter's lock */
    bool closing;   /* the last of them closes it */
    bool begun;     /* something was recorded */
};

static void
keep_notice(void *context, const char *text)
{
    struct notices *notices = context;
    pthread_mutex_lock(&notices->mutex);
    if (notices->count < NOTICES_MAX) {
        char *copy = strdup(text);
        if (copy != NULL)
            notices->texts[notices->count++] = copy;
    }
    pthread_mutex_unlock(&notices->mutex);
}

/* Moves what was kept; how many. */
static unsigned
take_notices(struct notices *notices, char *texts[NOTICES_MAX])
{
    pthread_mutex_lock(&notices->mutex);
    unsigned count = notices->count;
    memcpy(texts, notices->texts, count * sizeof *texts);
    notices->count = 0;
    pthread_mutex_unlock(&notices->mutex);
    return count;
}

/* Says what was kept. A call's exception stays as it is; what the callable raises is printed. */
static void
say_notices(struct client *self)
{
    char *texts[NOTICES_MAX];
    unsigned count = take_notices(&self->notices, texts);
    if (count == 0)
        return;
    PyObject *type;
    PyObject *value;
    PyObject *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (unsigned i = 0; i < count; i++) {
        PyObject *text = PyUnicode_DecodeUTF8(texts[i], (Py_ssize_t)strlen(texts[i]), "replace");
        PyObject *result = NULL;
        if (text != NULL && self->notice != Py_None)
            result = PyObject_CallFunctionObjArgs(self->notice, text, NULL);
        if (PyErr_Occurred())
            PyErr_WriteUnraisable(self->notice);
        Py_XDECREF(result);
        Py_XDECREF(text);
        free(texts[i]);
    }
    PyErr_Restore(type, value, traceback);
}

/* This thread's state, while the library has it without the interpreter's lock; NULL: not. */
static _Thread_local PyThreadState *away;

static void
let_go(void)
{
    away = PyEval_SaveThread();
}

static void
take_back(void)
{
    PyThreadState *state = away;
    away = NULL;
    PyEval_RestoreThread(state);
}

/* Of tally_client_options. */
static bool
is_interrupted(void *context)
{
    (void)context;
    if (away == NULL) { /* a record that is about to wait */
        let_go();
        return false;
    }
    take_back();
    bool raised = PyErr_Occurred() != NULL || PyErr_CheckSignals() < 0;
    let_go();
    return raised;
}

/* What a call ended with, as an exception, where there is none yet: a signal's handler may have raised
 * one. False where the call went well. */
static bool
raised(const struct client *self, tally_status status, const struct tally_error *error)
{
    if (PyErr_Occurred())
        return true;
    if (status != TALLY_OK)
        (void)state_raise(self->state, status, error);
    return status != TALLY_OK;
}

/* A record that waited: of its exceptions those that a signal's handler has raised are the
 * application's. */
static void
note_interruption(struct client *self)
{
    PyObject *type;
    PyObject *value;
    PyObject *traceback;
    if (PyErr_Occurred() == NULL || !PyErr_ExceptionMatches(PyExc_Exception))
        return;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XINCREF(value);
    Py_XDECREF(self->interruption);
    self->interruption = value;
    PyErr_Restore(type, value, traceback);
}

/* A call that lets go of the interpreter's lock begins and ends so. */
static void
use(struct client *self)
{
    Py_INCREF(self);
    self->users++;
}

static void
unuse(struct client *self)
{
    self->users--;
    if (self->closing && self->users == 0 && self->client != NULL) {
        struct tally_client *client = self->client;
        self->client = NULL;
        let_go();
        tally_client_close(client, 0);
        take_back();
    }
    Py_DECREF(self);
}

static PyObject *
closed(const struct client *self)
{
    return state_raise_text(self->state->error, "the client was closed", "");
}

/* Seconds, a float: milliseconds, at least 0. */
static uint32_t
milliseconds(double seconds)
{
    if (!(seconds > 0))
        return 0;
    return seconds < 4e6 ? (uint32_t)ceil(seconds * 1000) : UINT32_MAX;
}

/* Opens it; the object is new, its memory zero. */
static int
open_client(struct client *self, struct options *options)
{
    options->options.notice = keep_notice;
    options->options.notice_context = &self->notices;
    options->options.interrupted = is_interrupted;
    struct tally_error error = { 0 };
    tally_status status =
        tally_client_open(options->where, &options->options, &self->client, &error);
    if (status != TALLY_OK) {
        (void)state_raise(self->state, status, &error);
        return -1;
    }
    self->mode = options->options.mode;
    return 0;
}

static PyObject *
client_new(PyTypeObject *type, PyObject *positional, PyObject *keywords)
{
    struct state *state = PyType_GetModuleState(type);
    struct options options;
    if (options_read(state, positional, keywords, &options) < 0)
        return NULL;
    struct client *self = (struct client *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        self->state = state;
        Py_INCREF(options.notice);
        self->notice = options.notice;
        (void)pthread_mutex_init(&self->notices.mutex, NULL);
        if (open_client(self, &options) < 0)
            Py_CLEAR(self);
    }
    options_release(&options);
    return (PyObject *)self;
}

static int
client_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((struct client *)object)->notice);
    Py_VISIT(((struct client *)object)->interruption);
    return 0;
}

static int
client_clear(PyObject *object)
{
    Py_CLEAR(((struct client *)object)->notice);
    Py_CLEAR(((struct client *)object)->interruption);
    return 0;
}

static void
client_free(PyObject *object)
{
    struct client *self = (struct client *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    /* Nobody uses it, or it would not be freed. Nothing is waited for: what is left stays in the
     * spool. */
    tally_client_close(self->client, 0);
    char *texts[NOTICES_MAX];
    unsigned count = take_notices(&self->notices, texts);
    for (unsigned i = 0; i < count; i++)
        free(texts[i]);
    (void)pthread_mutex_destroy(&self->notices.mutex);
    Py_XDECREF(self->notice);
    Py_XDECREF(self->interruption);
    PyObject_GC_Del(object);
    Py_DECREF(type);
}

static PyObject *
hexadecimal(const struct tally_hash *hash)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * TALLY_HASH_SIZE];
    for (unsigned i = 0; i < TALLY_HASH_SIZE; i++) {
        text[2 * i] = digits[hash->bytes[i] >> 4];
        text[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static PyObject *
receipt_members(const struct tally_receipt *receipt)
{
    PyObject *repeated = receipt->repeated ? Py_True : Py_False;
    if (receipt->index != TALLY_INDEX_UNKNOWN)
        return Py_BuildValue("(sKNO)", receipt->id, (unsigned long long)receipt->index,
                             hexadecimal(&receipt->leaf), repeated);
    /* An id is a name (docs/api.md), so it is ASCII. */
    PyObject *id = PyUnicode_DecodeASCII(receipt->id, (Py_ssize_t)strlen(receipt->id), NULL);
    PyObject *members = id == NULL ? NULL : PyTuple_Pack(4, id, Py_None, Py_None, repeated);
    Py_XDECREF(id);
    return members;
}

/* By what makes any tuple: a named one's own `__new__` is a function of Python. */
static PyObject *
receipt_of(const struct state *state, const struct tally_receipt *receipt)
{
    newfunc make = (newfunc)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    PyObject *members = receipt_members(receipt);
    PyObject *arguments = members == NULL ? NULL : PyTuple_Pack(1, members);
    PyObject *made =
        arguments == NULL ? NULL : make((PyTypeObject *)state->receipt, arguments, NULL);
    Py_XDECREF(arguments);
    Py_XDECREF(members);
    return made;
}

/* Whether a record lets go of the interpreter's lock from the beginning. */
static bool
takes_long(const struct client *self, enum tally_mode mode)
{
    return !self->begun || (mode == TALLY_MODE_DEFAULT ? self->mode : mode) == TALLY_MODE_SYNC;
}

static PyObject *
record_text(struct client *self, const char *json, size_t size, enum tally_mode mode)
{
    struct tally_receipt receipt;
    struct tally_error error; /* of 800 bytes only those that state_raise() looks at are cleared */
    tally_status status;
    if (self->client == NULL || self->closing)
        return closed(self);
    error.column = 0;
    error.pointer[0] = error.text[0] = '\0';
    use(self);
    if (takes_long(self, mode))
        let_go();
    status = tally_client_record_json(self->client, json, size, mode, &receipt, &error);
    if (away != NULL) {
        take_back();
        note_interruption(self);
    }
    self->begun |= status == TALLY_OK;
    PyObject *result = raised(self, status, &error) ? NULL : receipt_of(self->state, &receipt);
    say_notices(self);
    unuse(self);
    return result;
}

static PyObject *
client_record(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    struct client *self = (struct client *)object;
    enum tally_mode mode = TALLY_MODE_DEFAULT;
    if (count < 1 || count > 3) {
        PyErr_SetString(PyExc_TypeError, "record() takes an event, a context and a mode");
        return NULL;
    }
    PyObject *context = count > 1 && arguments[1] != Py_None ? arguments[1] : NULL;
    if (count > 2 && options_mode(self->state, arguments[2], &mode) < 0)
        return NULL;
    struct text text = writer_take(self->state);
    PyObject *result = NULL;
    if (writer_event(self->state, arguments[0], context, &text) == 0)
        result = record_text(self, text.data, text.size, mode);
    writer_give(self->state, &text);
    return result;
}

static PyObject *
client_record_json(PyObject *object, PyObject *arguments)
{
    struct client *self = (struct client *)object;
    PyObject *text;
    PyObject *mode_text = Py_None;
    enum tally_mode mode;
    if (!PyArg_ParseTuple(arguments, "U|O:record_json", &text, &mode_text) ||
        options_mode(self->state, mode_text, &mode) < 0)
        return NULL;
    Py_ssize_t size;
    const char *json = PyUnicode_AsUTF8AndSize(text, &size);
    return json == NULL ? NULL : record_text(self, json, (size_t)size, mode);
}

static PyObject *
client_interrupted_by(PyObject *object, PyObject *error)
{
    struct client *self = (struct client *)object;
    if (self->interruption != error)
        Py_RETURN_FALSE;
    Py_CLEAR(self->interruption);
    Py_RETURN_TRUE;
}

static PyObject *
client_flush(PyObject *object, PyObject *arguments)
{
    struct client *self = (struct client *)object;
    double timeout;
    if (!PyArg_ParseTuple(arguments, "d:flush", &timeout))
        return NULL;
    if (self->client == NULL || self->closing)
        return closed(self);
    struct tally_error error = { 0 };
    tally_status status;
    use(self);
    let_go();
    status = tally_client_flush(self->client, milliseconds(timeout), &error);
    take_back();
    PyObject *result = NULL;
    if (!raised(self, status == TALLY_BUSY ? TALLY_OK : status, &error))
        result = PyBool_FromLong(status == TALLY_OK);
    say_notices(self);
    unuse(self);
    return result;
}

static PyObject *
client_close(PyObject *object, PyObject *arguments)
{
    struct client *self = (struct client *)object;
    double timeout;
    if (!PyArg_ParseTuple(arguments, "d:close", &timeout))
        return NULL;
    if (self->users > 0) {
        self->closing = true;
        Py_RETURN_NONE;
    }
    struct tally_client *client = self->client;
    self->client = NULL;
    let_go();
    tally_client_close(client, milliseconds(timeout));
    take_back();
    say_notices(self);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
client_statistics(PyObject *object, PyObject *unused)
{
    struct client *self = (struct client *)object;
    (void)unused;
    if (self->client == NULL)
        return closed(self);
    struct tally_client_statistics statistics;
    tally_client_statistics(self->client, &statistics);
    say_notices(self);
    return Py_BuildValue(
        "{sKsKsKsKsKsKsKsKsKsK}", "recorded", statistics.recorded, "queued", statistics.queued,
        "sent", statistics.sent, "repeated", statistics.repeated, "refused", statistics.refused,
        "lost", statistics.lost, "denied", statistics.denied, "invalid", statistics.invalid,
        "masked", statistics.masked, "attempts", statistics.attempts);
}

static PyObject *
client_spool(PyObject *object, void *unused)
{
    const struct client *self = (const struct client *)object;
    (void)unused;
    const char *folder = self->client == NULL ? NULL : tally_client_spool(self->client);
    if (folder == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(folder);
}

static PyObject *
client_get(PyObject *object, PyObject *arguments)
{
    struct client *self = (struct client *)object;
    const char *target;
    if (!PyArg_ParseTuple(arguments, "s:get", &target))
        return NULL;
    if (self->client == NULL || self->closing)
        return closed(self);
    struct tally_error error = { 0 };
    char *text = NULL;
    size_t size = 0;
    tally_status status;
    use(self);
    let_go();
    status = tally_client_get(self->client, target, &text, &size, &error);
    take_back();
    PyObject *result = NULL;
    if (!raised(self, status, &error))
        result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, NULL);
    tally_text_free(text);
    say_notices(self);
    unuse(self);
    return result;
}

static PyMethodDef methods[] = {
    { "record", (PyCFunction)(void (*)(void))client_record, METH_FASTCALL,
      "record($self, event, context=None, mode=None, /)\n--\n\n"
      "Records an event, a dict; what it lacks is taken from the context, a dict.\n"
      "Gives a tallystick.Receipt." },
    { "record_json", client_record_json, METH_VARARGS,
      "record_json($self, text, mode=None, /)\n--\n\nRecords an event given as JSON text." },
    { "interrupted_by", client_interrupted_by, METH_O,
      "interrupted_by($self, error, /)\n--\n\n"
      "Whether it is what a signal's handler has raised while a record waited. Says so once." },
    { "flush", client_flush, METH_VARARGS,
      "flush($self, timeout, /)\n--\n\n"
      "Waits until all that was recorded has its answer; False if that took too long." },
    { "close", client_close, METH_VARARGS,
      "close($self, timeout, /)\n--\n\n"
      "Ships what is queued for at most so many seconds; the rest stays in the spool." },
    { "statistics", client_statistics, METH_NOARGS,
      "statistics($self)\n--\n\nCounts of events since the client was opened." },
    { "get", client_get, METH_VARARGS,
      "get($self, target, /)\n--\n\nAsks the trail: a path and query of the HTTP API. Gives the "
      "text." },
    { NULL, NULL, 0, NULL },
};

static PyGetSetDef attributes[] = {
    { "spool", client_spool, NULL, "The folder of this process's spool, or None.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_doc, "A connection to a trail, as include/tally/client.h has it." },
    { Py_tp_new, client_new },
    { Py_tp_dealloc, client_free },
    { Py_tp_traverse, client_traverse },
    { Py_tp_clear, client_clear },
    { Py_tp_methods, methods },
    { Py_tp_getset, attributes },
    { 0, NULL },
};

static PyType_Spec spec = {
    .name = "tallystick._tally.Client",
    .basicsize = sizeof(struct client),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int
client_add(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    int result = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return result;
}
