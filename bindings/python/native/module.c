/*
 * module.c - tallystick._tally: what Python cannot do by itself, or not fast enough.
 *
 * The module keeps nothing static, so that each interpreter of a process may have one.
 */
#include "options.h"
#include "request.h"
#include "state.h"
#include "types.h"
#include "writer.h"

#include <stdio.h>
#include <string.h>

static PyObject *
raise_at(PyObject *type, const char *text, const char *pointer, uint32_t column)
{
    /* Texts may quote what is no UTF-8. */
    PyObject *said = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    PyObject *where = PyUnicode_DecodeUTF8(pointer, (Py_ssize_t)strlen(pointer), "replace");
    if (said != NULL && where != NULL) {
        PyObject *error = PyObject_CallFunction(type, "OOI", said, where, (unsigned int)column);
        if (error != NULL)
            PyErr_SetObject(type, error);
        Py_XDECREF(error);
    }
    Py_XDECREF(said);
    Py_XDECREF(where);
    return NULL;
}

PyObject *
state_raise_text(PyObject *type, const char *text, const char *pointer)
{
    return raise_at(type, text, pointer, 0);
}

static PyObject *
type_of(const struct state *state, tally_status status)
{
    switch (status) {
    case TALLY_DENY:
        return state->denied;
    case TALLY_CONFLICT:
        return state->conflict;
    case TALLY_INVALID:
        return state->invalid;
    case TALLY_FULL:
        return state->full;
    case TALLY_ABSENT:
        return state->absent;
    case TALLY_DENIED:
        return state->forbidden;
    case TALLY_UNSUPPORTED:
        return state->unsupported;
    default:
        return state->error;
    }
}

PyObject *
state_raise(const struct state *state, tally_status status, const struct tally_error *error)
{
    if (status == TALLY_NO_MEMORY)
        return PyErr_NoMemory();
    const char *text = error->text[0] != '\0' ? error->text : tally_status_text(status);
    return raise_at(type_of(state, status), text, error->pointer, error->column);
}

static PyObject *
text_of(struct state *state, struct text *text, int result)
{
    PyObject *written =
        result < 0 ? NULL : PyUnicode_DecodeUTF8(text->data, (Py_ssize_t)text->size, NULL);
    writer_give(state, text);
    return written;
}

static PyObject *
write_event(PyObject *module, PyObject *arguments)
{
    struct state *state = PyModule_GetState(module);
    PyObject *event;
    PyObject *context = Py_None;
    if (!PyArg_ParseTuple(arguments, "O|O:write_event", &event, &context))
        return NULL;
    struct text text = writer_take(state);
    return text_of(state, &text,
                   writer_event(state, event, context == Py_None ? NULL : context, &text));
}

static PyObject *
write_value(PyObject *module, PyObject *value)
{
    struct state *state = PyModule_GetState(module);
    struct text text = writer_take(state);
    return text_of(state, &text, writer_value(state, value, &text));
}

static PyMethodDef functions[] = {
    { "check_options", (PyCFunction)(void (*)(void))options_check, METH_VARARGS | METH_KEYWORDS,
      "check_options(where=None, **options)\n\n"
      "Raises what Client(where, **options) would, of what the environment has no part in." },
    { "call_event", (PyCFunction)(void (*)(void))call_event, METH_FASTCALL,
      "call_event($module, call, describe, /)\n--\n\n"
      "What describe(call) says, a dict of its own, with how long the call took and how it ended "
      "where\n"
      "that is not said; or None." },
    { "check_vkey", evidence_check_vkey, METH_O,
      "check_vkey($module, vkey, /)\n--\n\n"
      "Raises tallystick.Invalid where a text is no verification key." },
    { "write_event", write_event, METH_VARARGS,
      "write_event($module, event, context=None, /)\n--\n\n"
      "The JSON text that an event is recorded as." },
    { "write_value", write_value, METH_O,
      "write_value($module, value, /)\n--\n\n"
      "The JSON text of any value: what JSON does not have is written as something that it has." },
    { "check_leaf", evidence_check_leaf, METH_VARARGS,
      "check_leaf($module, public, index, proof, checkpoint, vkey, /)\n--\n\n"
      "The size of the tree that vkey signed the checkpoint for, if its leaf at the index is the\n"
      "public part; raises tallystick.Invalid if not, and says what does not match." },
    { "request_of_scope", request_of_scope, METH_O,
      "request_of_scope($module, scope, /)\n--\n\nWhat an ASGI connection says of itself." },
    { "request_of_environ", request_of_environ, METH_O,
      "request_of_environ($module, environ, /)\n--\n\nWhat a WSGI request says of itself." },
    { "uuid4", request_uuid4, METH_NOARGS, "uuid4($module, /)\n--\n\nA random UUID as a text." },
    { NULL, NULL, 0, NULL },
};

/* Fetches an attribute of a Python module of the package. */
static int
fetch(PyObject *from, const char *name, PyObject **into)
{
    *into = PyObject_GetAttrString(from, name);
    return *into == NULL ? -1 : 0;
}

static int
fill_field(struct field *field, PyObject *name, Py_hash_t hash, PyObject *kind)
{
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    long number = PyLong_AsLong(kind);
    if (text == NULL || (number == -1 && PyErr_Occurred()))
        return -1;
    int size = snprintf(field->text, sizeof field->text, ",\"%s\":", text);
    if (size >= (int)sizeof field->text) {
        PyErr_SetString(PyExc_ValueError, "a field's name is too long");
        return -1;
    }
    Py_INCREF(name);
    field->name = name;
    field->hash = hash;
    field->kind = (uint8_t)number;
    field->size = (uint16_t)size;
    return 0;
}

/* Makes the table of fields from {name: kind}. */
static int
make_fields(struct state *state, PyObject *kinds)
{
    PyObject *name;
    PyObject *kind;
    Py_ssize_t at = 0;
    uint8_t count = 0;
    if (PyDict_Size(kinds) > FIELD_PLACES / 4) {
        PyErr_SetString(PyExc_ValueError, "there are too many fields");
        return -1;
    }
    while (PyDict_Next(kinds, &at, &name, &kind)) {
        Py_hash_t hash = PyObject_Hash(name);
        size_t place = (size_t)hash % FIELD_PLACES;
        while (state->fields[place].name != NULL)
            place = (place + 1) % FIELD_PLACES;
        if (fill_field(&state->fields[place], name, hash, kind) < 0)
            return -1;
        state->fields[place].number = count++;
    }
    return 0;
}

static int
fetch_fields(struct state *state)
{
    PyObject *module = PyImport_ImportModule("tallystick._fields");
    PyObject *kinds = NULL;
    int result = module == NULL || fetch(module, "FIELDS", &kinds) < 0 ? -1 : 0;
    if (result == 0)
        result = make_fields(state, kinds);
    Py_XDECREF(kinds);
    Py_XDECREF(module);
    return result;
}

static int
fetch_values(struct state *state)
{
    PyObject *values = PyImport_ImportModule("tallystick._values");
    int result = -1;
    if (values != NULL && fetch(values, "plain", &state->plain) == 0 &&
        fetch(values, "keyed", &state->keyed) == 0 &&
        fetch(values, "time_text", &state->time_text) == 0 &&
        fetch(values, "milliseconds", &state->milliseconds) == 0 &&
        fetch(values, "Token", &state->token_type) == 0 && fetch(values, "cut", &state->cut) == 0)
        result = 0;
    Py_XDECREF(values);
    return result;
}

static int
fetch_errors(struct state *state)
{
    PyObject *errors = PyImport_ImportModule("tallystick.errors");
    int result = -1;
    if (errors != NULL && fetch(errors, "Error", &state->error) == 0 &&
        fetch(errors, "Denied", &state->denied) == 0 &&
        fetch(errors, "Conflict", &state->conflict) == 0 &&
        fetch(errors, "Invalid", &state->invalid) == 0 &&
        fetch(errors, "Full", &state->full) == 0 && fetch(errors, "Absent", &state->absent) == 0 &&
        fetch(errors, "Forbidden", &state->forbidden) == 0 &&
        fetch(errors, "Unsupported", &state->unsupported) == 0)
        result = 0;
    Py_XDECREF(errors);
    return result;
}

static int
fetch_receipt(struct state *state)
{
    PyObject *module = PyImport_ImportModule("tallystick.receipt");
    int result = module == NULL ? -1 : fetch(module, "Receipt", &state->receipt);
    Py_XDECREF(module);
    return result;
}

static int
make_names(struct state *state)
{
    state->details = PyUnicode_InternFromString("details");
    state->response_time_ms = PyUnicode_InternFromString("response_time_ms");
    state->status = PyUnicode_InternFromString("status");
    state->success = PyUnicode_InternFromString("success");
    state->failure = PyUnicode_InternFromString("failure");
    return state->details == NULL || state->response_time_ms == NULL || state->status == NULL ||
                   state->success == NULL || state->failure == NULL
               ? -1
               : 0;
}

static int
execute(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    if (make_names(state) < 0 || fetch_fields(state) < 0 || fetch_values(state) < 0 ||
        fetch_errors(state) < 0 || fetch_receipt(state) < 0)
        return -1;
    return call_add(module) < 0 || client_add(module) < 0 || proxies_add(module) < 0 ||
                   request_add(module) < 0
               ? -1
               : 0;
}

static int
traverse(PyObject *module, visitproc visit, void *arg)
{
    const struct state *state = PyModule_GetState(module);
    for (size_t place = 0; place < FIELD_PLACES; place++)
        Py_VISIT(state->fields[place].name);
    Py_VISIT(state->plain);
    Py_VISIT(state->keyed);
    Py_VISIT(state->time_text);
    Py_VISIT(state->milliseconds);
    Py_VISIT(state->token_type);
    Py_VISIT(state->error);
    Py_VISIT(state->denied);
    Py_VISIT(state->conflict);
    Py_VISIT(state->invalid);
    Py_VISIT(state->full);
    Py_VISIT(state->absent);
    Py_VISIT(state->forbidden);
    Py_VISIT(state->unsupported);
    Py_VISIT(state->cut);
    Py_VISIT(state->receipt);
    Py_VISIT(state->call_type);
    Py_VISIT(state->proxies_type);
    Py_VISIT(state->request_type);
    return request_names_visit(&state->names, visit, arg);
}

static int
clear(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    for (size_t place = 0; place < FIELD_PLACES; place++)
        Py_CLEAR(state->fields[place].name);
    Py_CLEAR(state->plain);
    Py_CLEAR(state->keyed);
    Py_CLEAR(state->time_text);
    Py_CLEAR(state->milliseconds);
    Py_CLEAR(state->token_type);
    Py_CLEAR(state->error);
    Py_CLEAR(state->denied);
    Py_CLEAR(state->conflict);
    Py_CLEAR(state->invalid);
    Py_CLEAR(state->full);
    Py_CLEAR(state->absent);
    Py_CLEAR(state->forbidden);
    Py_CLEAR(state->unsupported);
    Py_CLEAR(state->details);
    Py_CLEAR(state->response_time_ms);
    Py_CLEAR(state->status);
    Py_CLEAR(state->success);
    Py_CLEAR(state->failure);
    Py_CLEAR(state->receipt);
    Py_CLEAR(state->call_type);
    Py_CLEAR(state->cut);
    Py_CLEAR(state->proxies_type);
    Py_CLEAR(state->request_type);
    request_names_clear(&state->names);
    return 0;
}

static void
destroy(void *module)
{
    struct state *state = PyModule_GetState(module);
    (void)clear(module);
    PyMem_Free(state->spare.data);
    state->spare = (struct text){ 0 };
}

static PyModuleDef_Slot slots[] = {
    { Py_mod_exec, execute },
    { 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tallystick._tally",
    .m_doc = "The C half of tallystick.",
    .m_size = sizeof(struct state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = destroy,
};

PyMODINIT_FUNC PyInit__tally(void);

PyMODINIT_FUNC
PyInit__tally(void)
{
    return PyModuleDef_Init(&definition);
}
