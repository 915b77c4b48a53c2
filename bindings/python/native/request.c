/*
 * request.c - tallystick._tally.Request: what a web request says of itself.
 *
 * Most requests record one event or none, so that each costs what must be paid at its beginning and
 * no more: one look at its headers, and references to what they say. That is taken at once, because
 * applications and middlewares change scopes and environments. Members are made of it when an event
 * asks for them (request_members.c).
 */
#include "request.h"
#include "types.h"

#include "bytes.h"

/* What each part is called in an environment; in a scope, or in the `state` in it; in an event. */
static const struct {
    const char *environ, *scope, *member;
} part_names[REQUEST_PARTS] = {
    [REQUEST_PEER] = { "REMOTE_ADDR", "client", "ip_address" },
    [REQUEST_FORWARDED] = { "HTTP_FORWARDED", NULL, "forwarded_for" },
    [REQUEST_X_FORWARDED_FOR] = { "HTTP_X_FORWARDED_FOR", NULL, NULL },
    [REQUEST_USER_AGENT] = { "HTTP_USER_AGENT", NULL, "user_agent" },
    [REQUEST_ID] = { "HTTP_X_REQUEST_ID", "request_id", "request_id" },
    [REQUEST_CORRELATION_ID] = { "HTTP_X_CORRELATION_ID", NULL, "correlation_id" },
    [REQUEST_TRACEPARENT] = { "HTTP_TRACEPARENT", NULL, "trace_id" },
    [REQUEST_METHOD] = { "REQUEST_METHOD", "method", "method" },
    [REQUEST_ROOT] = { "SCRIPT_NAME", "root_path", NULL },
    [REQUEST_PATH] = { "PATH_INFO", "path", "endpoint" },
    [REQUEST_USER_ID] = { NULL, "user_id", "user_id" },
};

/* The headers that are looked at; in a scope they are bytes. */
static const struct {
    struct bytes name;
    enum request_part part;
} header_names[] = {
    { BYTES("forwarded"), REQUEST_FORWARDED },
    { BYTES("user-agent"), REQUEST_USER_AGENT },
    { BYTES("traceparent"), REQUEST_TRACEPARENT },
    { BYTES("x-request-id"), REQUEST_ID },
    { BYTES("x-forwarded-for"), REQUEST_X_FORWARDED_FOR },
    { BYTES("x-correlation-id"), REQUEST_CORRELATION_ID },
};

/* ---- names ---- */

static int
name_init(const char *text, PyObject **name_out)
{
    if (text == NULL)
        return 0;
    *name_out = PyUnicode_InternFromString(text);
    return *name_out == NULL ? -1 : 0;
}

int
request_names_init(struct request_names *names)
{
    for (int i = 0; i < REQUEST_PARTS; i++)
        if (name_init(part_names[i].environ, &names->environ[i]) < 0 ||
            name_init(part_names[i].scope, &names->scope[i]) < 0 ||
            name_init(part_names[i].member, &names->member[i]) < 0)
            return -1;
    if (name_init("headers", &names->headers) < 0 || name_init("type", &names->type) < 0 ||
        name_init("state", &names->state) < 0)
        return -1;
    return name_init("WEBSOCKET", &names->websocket);
}

int
request_names_visit(const struct request_names *names, visitproc visit, void *arg)
{
    for (int i = 0; i < REQUEST_PARTS; i++) {
        Py_VISIT(names->environ[i]);
        Py_VISIT(names->scope[i]);
        Py_VISIT(names->member[i]);
    }
    Py_VISIT(names->headers);
    Py_VISIT(names->type);
    Py_VISIT(names->state);
    Py_VISIT(names->websocket);
    return 0;
}

void
request_names_clear(struct request_names *names)
{
    for (int i = 0; i < REQUEST_PARTS; i++) {
        Py_CLEAR(names->environ[i]);
        Py_CLEAR(names->scope[i]);
        Py_CLEAR(names->member[i]);
    }
    Py_CLEAR(names->headers);
    Py_CLEAR(names->type);
    Py_CLEAR(names->state);
    Py_CLEAR(names->websocket);
}

/* ---- parts ---- */

void
request_set(struct request *self, enum request_part part, PyObject *value)
{
    PyObject *old = self->parts[part];
    self->parts[part] = value;
    Py_XDECREF(old);
}

/* A dict's value, borrowed; NULL where it has none, or None, and with an exception. */
static PyObject *
value_of(PyObject *dict, PyObject *name)
{
    PyObject *value = PyDict_GetItemWithError(dict, name);
    return value == Py_None ? NULL : value;
}

/* Keeps a dict's value, if there is one; -1. */
static int
keep(struct request *self, enum request_part part, PyObject *dict, PyObject *name)
{
    PyObject *value = value_of(dict, name);
    if (value == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(value);
    request_set(self, part, value);
    return 0;
}

static bool
same_but_for_case(const char *text, struct bytes lower)
{
    for (size_t i = 0; i < lower.size; i++) {
        char byte = text[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte - 'A' + 'a');
        if (byte != (char)lower.data[i])
            return false;
    }
    return true;
}

/* REQUEST_PARTS for a header that is not looked at. */
static enum request_part
part_of_header(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof header_names / sizeof header_names[0]; i++)
        if (header_names[i].name.size == size && same_but_for_case(name, header_names[i].name))
            return header_names[i].part;
    return REQUEST_PARTS;
}

/* Several headers of a name are one list, as HTTP has it. */
static int
keep_header(struct request *self, enum request_part part, PyObject *value)
{
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(value, &data, &size) < 0)
        return -1;
    PyObject *text = PyUnicode_DecodeLatin1(data, size, NULL);
    if (text != NULL && self->parts[part] != NULL) {
        PyObject *joined = PyUnicode_FromFormat("%U, %U", self->parts[part], text);
        Py_DECREF(text);
        text = joined;
    }
    if (text == NULL)
        return -1;
    request_set(self, part, text);
    return 0;
}

static int
look_at_header(struct request *self, PyObject *pair)
{
    bool is_list = PyList_Check(pair);
    if ((!is_list && !PyTuple_Check(pair)) || PySequence_Size(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "a header is a name and a value");
        return -1;
    }
    char *name;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(is_list ? PyList_GetItem(pair, 0) : PyTuple_GetItem(pair, 0), &name,
                                &size) < 0)
        return -1;
    enum request_part part = part_of_header(name, (size_t)size);
    if (part == REQUEST_PARTS)
        return 0;
    return keep_header(self, part, is_list ? PyList_GetItem(pair, 1) : PyTuple_GetItem(pair, 1));
}

static int
look_at_headers(struct request *self, PyObject *scope)
{
    PyObject *headers = value_of(scope, self->state->names.headers);
    if (headers == NULL)
        return PyErr_Occurred() ? -1 : 0;
    PyObject *list = PyList_Check(headers) ? headers : PySequence_List(headers);
    if (list == headers)
        Py_INCREF(list);
    int result = list == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_Size(list); i++)
        result = look_at_header(self, PyList_GetItem(list, i));
    Py_XDECREF(list);
    return result;
}

/* The host of a pair, `client`. */
static int
keep_peer(struct request *self, PyObject *scope)
{
    PyObject *client = value_of(scope, self->state->names.scope[REQUEST_PEER]);
    if (client == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_ssize_t size = PySequence_Size(client);
    if (size <= 0)
        return size < 0 ? -1 : 0;
    self->parts[REQUEST_PEER] = PySequence_GetItem(client, 0);
    return self->parts[REQUEST_PEER] == NULL ? -1 : 0;
}

/* What the application has said already wins over headers. */
static int
look_at_state(struct request *self, PyObject *scope)
{
    const struct request_names *names = &self->state->names;
    PyObject *state = value_of(scope, names->state);
    if (state == NULL || !PyDict_Check(state))
        return PyErr_Occurred() ? -1 : 0;
    if (keep(self, REQUEST_ID, state, names->scope[REQUEST_ID]) < 0)
        return -1;
    return keep(self, REQUEST_USER_ID, state, names->scope[REQUEST_USER_ID]);
}

/* A websocket's has a name of its own. */
static int
keep_method(struct request *self, PyObject *scope)
{
    const struct request_names *names = &self->state->names;
    int there = PyDict_Contains(scope, names->scope[REQUEST_METHOD]);
    if (there != 0)
        return there < 0 ? -1 : keep(self, REQUEST_METHOD, scope, names->scope[REQUEST_METHOD]);
    PyObject *type = value_of(scope, names->type);
    if (type != NULL && PyUnicode_Check(type) &&
        PyUnicode_CompareWithASCIIString(type, "websocket") == 0) {
        Py_INCREF(names->websocket);
        self->parts[REQUEST_METHOD] = names->websocket;
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- the type ---- */

static struct request *
request_new(PyObject *module, PyObject *dict, bool is_wsgi)
{
    struct state *state = PyModule_GetState(module);
    if (!PyDict_Check(dict)) {
        PyErr_SetString(PyExc_TypeError, "a scope is a dict, and so is an environment");
        return NULL;
    }
    struct request *self =
        (struct request *)PyType_GenericAlloc((PyTypeObject *)state->request_type, 0);
    if (self != NULL) {
        self->state = state;
        self->is_wsgi = is_wsgi;
    }
    return self;
}

PyObject *
request_of_scope(PyObject *module, PyObject *scope)
{
    struct request *self = request_new(module, scope, false);
    if (self == NULL)
        return NULL;
    const struct request_names *names = &self->state->names;
    if (keep_peer(self, scope) < 0 || look_at_headers(self, scope) < 0 ||
        keep_method(self, scope) < 0 ||
        keep(self, REQUEST_ROOT, scope, names->scope[REQUEST_ROOT]) < 0 ||
        keep(self, REQUEST_PATH, scope, names->scope[REQUEST_PATH]) < 0 ||
        look_at_state(self, scope) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

PyObject *
request_of_environ(PyObject *module, PyObject *environment)
{
    struct request *self = request_new(module, environment, true);
    if (self == NULL)
        return NULL;
    for (enum request_part part = 0; part < REQUEST_PARTS; part++) {
        PyObject *name = self->state->names.environ[part];
        if (name != NULL && keep(self, part, environment, name) < 0) {
            Py_DECREF(self);
            return NULL;
        }
        if (self->parts[part] != NULL && !PyUnicode_Check(self->parts[part]))
            request_set(self, part, NULL); /* the standard has texts only */
    }
    return (PyObject *)self;
}

static void
request_free(PyObject *object)
{
    struct request *self = (struct request *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (enum request_part part = 0; part < REQUEST_PARTS; part++)
        Py_XDECREF(self->parts[part]);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    { "members", request_members, METH_O,
      "members($self, proxies, /)\n--\n\n"
      "The members of an event that are known of it; whose word is taken for where it came from." },
    { "identify", request_identify, METH_NOARGS,
      "identify($self, /)\n--\n\nIts id as a text; where it has none it gets one." },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_doc, "What a web request says of itself, as it was when this was made." },
    { Py_tp_dealloc, request_free },
    { Py_tp_methods, methods },
    { 0, NULL },
};

static PyType_Spec spec = {
    .name = "tallystick._tally.Request",
    .basicsize = sizeof(struct request),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int
request_add(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    if (request_names_init(&state->names) < 0)
        return -1;
    state->request_type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (state->request_type == NULL)
        return -1;
    return PyModule_AddType(module, (PyTypeObject *)state->request_type);
}
