/*
 * call.c - tallystick._tally.Call: one call of an audited function, and the event made of it.
 *
 * A call is recorded between two pieces of an application's own work, which have driven out of the
 * processor's caches what recording needs. So it is few and dense pieces of memory that count here.
 */
#include "types.h"

#include <stddef.h>
#include <structmember.h>
#include <time.h>

struct call {
    PyObject_HEAD PyObject *function;
    PyObject *args;
    PyObject *kwargs;
    PyObject *result;
    PyObject *error;
    int64_t started; /* nanoseconds */
};

static int64_t
clock_reading(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static PyObject *
call_new(PyTypeObject *type, PyObject *positional, PyObject *keywords)
{
    PyObject *function;
    PyObject *args;
    PyObject *kwargs;
    if (keywords != NULL) {
        PyErr_SetString(PyExc_TypeError, "Call() takes no arguments by name");
        return NULL;
    }
    if (!PyArg_UnpackTuple(positional, "Call", 3, 3, &function, &args, &kwargs))
        return NULL;
    struct call *self = (struct call *)PyType_GenericAlloc(type, 0);
    if (self == NULL)
        return NULL;
    Py_INCREF(function);
    self->function = function;
    Py_INCREF(args);
    self->args = args;
    Py_INCREF(kwargs);
    self->kwargs = kwargs;
    Py_INCREF(Py_None);
    self->result = Py_None;
    Py_INCREF(Py_None);
    self->error = Py_None;
    self->started = clock_reading();
    return (PyObject *)self;
}

static int
call_traverse(PyObject *object, visitproc visit, void *arg)
{
    const struct call *self = (const struct call *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->function);
    Py_VISIT(self->args);
    Py_VISIT(self->kwargs);
    Py_VISIT(self->result);
    Py_VISIT(self->error);
    return 0;
}

static int
call_clear(PyObject *object)
{
    struct call *self = (struct call *)object;
    Py_CLEAR(self->function);
    Py_CLEAR(self->args);
    Py_CLEAR(self->kwargs);
    Py_CLEAR(self->result);
    Py_CLEAR(self->error);
    return 0;
}

static void
call_free(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    (void)call_clear(object);
    PyObject_GC_Del(object);
    Py_DECREF(type);
}

/* A dict that nobody else has, of what `describe` gave; takes the reference. */
static PyObject *
own_dict(PyObject *said)
{
    if (PyDict_CheckExact(said) && Py_REFCNT(said) == 1)
        return said;
    PyObject *event = PyObject_CallFunctionObjArgs((PyObject *)&PyDict_Type, said, NULL);
    Py_DECREF(said);
    return event;
}

/* Sets a member that the event does not have, or has as None; takes the reference to the value. */
static int
add(PyObject *event, PyObject *name, PyObject *value)
{
    PyObject *there = PyDict_GetItemWithError(event, name);
    int result = value == NULL || (there == NULL && PyErr_Occurred()) ? -1 : 0;
    if (result == 0 && (there == NULL || there == Py_None))
        result = PyDict_SetItem(event, name, value);
    Py_XDECREF(value);
    return result;
}

PyObject *
call_event(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    struct state *state = PyModule_GetState(module);
    if (count != 2 || !PyObject_TypeCheck(arguments[0], (PyTypeObject *)state->call_type)) {
        PyErr_SetString(PyExc_TypeError, "call_event() takes a Call and a function of it");
        return NULL;
    }
    const struct call *self = (const struct call *)arguments[0];
    int64_t took = clock_reading() - self->started;
    PyObject *event = PyObject_CallFunctionObjArgs(arguments[1], arguments[0], NULL);
    if (event == NULL || event == Py_None || (event = own_dict(event)) == NULL)
        return event;
    PyObject *status = self->error == Py_None ? state->success : state->failure;
    Py_INCREF(status);
    int result =
        add(event, state->response_time_ms, PyFloat_FromDouble((double)(took / 1000) / 1000));
    if (add(event, state->status, status) < 0 || result < 0)
        Py_CLEAR(event);
    return event;
}

/* T_OBJECT_EX, because the interpreter reads such members without looking for them each time. */
static PyMemberDef members[] = {
    { "function", T_OBJECT_EX, offsetof(struct call, function), READONLY, NULL },
    { "args", T_OBJECT_EX, offsetof(struct call, args), READONLY, NULL },
    { "kwargs", T_OBJECT_EX, offsetof(struct call, kwargs), READONLY, NULL },
    { "result", T_OBJECT_EX, offsetof(struct call, result), 0, NULL },
    { "error", T_OBJECT_EX, offsetof(struct call, error), 0, NULL },
    { NULL, 0, 0, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_doc, "Call(function, args, kwargs, /)\n--\n\nA call that begins now." },
    { Py_tp_new, call_new },
    { Py_tp_dealloc, call_free },
    { Py_tp_traverse, call_traverse },
    { Py_tp_clear, call_clear },
    { Py_tp_members, members },
    { 0, NULL },
};

static PyType_Spec spec = {
    .name = "tallystick._tally.Call",
    .basicsize = sizeof(struct call),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

int
call_add(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    state->call_type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (state->call_type == NULL)
        return -1;
    return PyModule_AddType(module, (PyTypeObject *)state->call_type);
}
