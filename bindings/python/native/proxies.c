/*
 * proxies.c - tallystick._tally.Proxies: whose word is taken for where a request came from.
 */
#include "proxies.h"
#include "options.h"
#include "types.h"

struct proxies {
    PyObject_HEAD struct tally_proxies *proxies;
};

int
proxies_of(const struct state *state, PyObject *object, const struct tally_proxies **proxies_out)
{
    if (!PyObject_TypeCheck(object, (PyTypeObject *)state->proxies_type)) {
        PyErr_SetString(PyExc_TypeError, "trusted networks are a Proxies, or None");
        return -1;
    }
    *proxies_out = ((const struct proxies *)object)->proxies;
    return 0;
}

static PyObject *
proxies_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = { "networks", NULL };
    PyObject *networks;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Proxies", names, &networks))
        return NULL;
    const struct state *state = PyType_GetModuleState(type);
    if (PyUnicode_Check(networks))
        return options_wrong_type("proxies", "a list of networks", networks);
    PyObject *list = PySequence_List(networks);
    const char **texts = list == NULL ? NULL : options_texts(state, "proxies", list);
    struct proxies *self = NULL;
    if (texts != NULL)
        self = (struct proxies *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        struct tally_error error = { 0 };
        tally_status status =
            tally_proxies_create(texts, (size_t)PyList_Size(list), &self->proxies, &error);
        if (status != TALLY_OK) {
            (void)state_raise(state, status, &error);
            Py_CLEAR(self);
        }
    }
    PyMem_Free((void *)texts);
    Py_XDECREF(list);
    return (PyObject *)self;
}

static void
proxies_free(PyObject *object)
{
    struct proxies *self = (struct proxies *)object;
    PyTypeObject *type = Py_TYPE(object);
    tally_proxies_destroy(self->proxies);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyObject *
proxies_client_address(PyObject *object, PyObject *arguments)
{
    const struct proxies *self = (const struct proxies *)object;
    const char *peer;
    const char *forwarded = NULL;
    const char *x_forwarded_for = NULL;
    if (!PyArg_ParseTuple(arguments, "z|zz:client_address", &peer, &forwarded, &x_forwarded_for))
        return NULL;
    char address[TALLY_ADDRESS_MAX];
    tally_status status =
        tally_client_address(self->proxies, peer, forwarded, x_forwarded_for, address);
    if (status != TALLY_OK)
        Py_RETURN_NONE;
    return PyUnicode_FromString(address);
}

static PyMethodDef methods[] = {
    { "client_address", proxies_client_address, METH_VARARGS,
      "client_address($self, peer, forwarded=None, x_forwarded_for=None, /)\n--\n\n"
      "The client's address, read from the right past trusted networks; None if there is none." },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_doc, "Proxies(networks)\n--\n\n"
                 "Networks whose word is taken for where a request came from: addresses, networks\n"
                 "in CIDR notation, and the words loopback, private and unix." },
    { Py_tp_new, proxies_new },
    { Py_tp_dealloc, proxies_free },
    { Py_tp_methods, methods },
    { 0, NULL },
};

static PyType_Spec spec = {
    .name = "tallystick._tally.Proxies",
    .basicsize = sizeof(struct proxies),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int
proxies_add(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    state->proxies_type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (state->proxies_type == NULL)
        return -1;
    return PyModule_AddType(module, (PyTypeObject *)state->proxies_type);
}
