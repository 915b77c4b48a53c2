/*
 * request_members.c - from what a request said to members of an event, within a trail's limits.
 *
 * Nothing here makes recording fail: what is no text, or none that UTF-8 has, is left out or made
 * one.
 */
#include "proxies.h"
#include "request.h"

#include "random.h"
#include "tally/address.h"
#include "uuid.h"

#include <string.h>

/* Bytes of members. */
#define IDENTIFIER_MAX 256
#define ENDPOINT_MAX   2048
#define CHAIN_MAX      1024

#define TRACE_ID_SIZE 32

/* ---- texts ---- */

/* Its UTF-8, lent; NULL where it has none. Raises nothing. */
static const char *
utf8_of(PyObject *text, size_t *size_out)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == NULL) {
        PyErr_Clear();
        return NULL;
    }
    *size_out = (size_t)size;
    return data;
}

/* … without NUL. */
static const char *
c_string_of(PyObject *text)
{
    size_t size;
    const char *data = utf8_of(text, &size);
    return data == NULL || strlen(data) != size ? NULL : data;
}

/* The text, or as much of it as so many bytes take. New reference. */
static PyObject *
cut(const struct request *self, PyObject *text, size_t size_max)
{
    size_t size;
    if (utf8_of(text, &size) == NULL || size > size_max)
        return PyObject_CallFunction(self->state->cut, "On", text, (Py_ssize_t)size_max);
    Py_INCREF(text);
    return text;
}

static bool
is_text(PyObject *value)
{
    return value != NULL && PyUnicode_Check(value) && PyUnicode_GetLength(value) > 0;
}

/* ---- members ---- */

/* Sets a member; takes the value's reference. NULL: there is none, unless an exception says why. */
static int
set(const struct request *self, PyObject *members, enum request_part part, PyObject *value)
{
    if (value == NULL)
        return PyErr_Occurred() ? -1 : 0;
    int result = PyDict_SetItem(members, self->state->names.member[part], value);
    Py_DECREF(value);
    return result;
}

/* New reference; NULL where it is not known. */
static PyObject *
address_of(const struct request *self, const struct tally_proxies *proxies)
{
    PyObject *const *parts = self->parts;
    const char *texts[] = { NULL, NULL, NULL };
    for (int i = REQUEST_PEER; i <= REQUEST_X_FORWARDED_FOR; i++) {
        if (!is_text(parts[i]))
            continue;
        texts[i] = c_string_of(parts[i]);
        if (texts[i] == NULL) { /* nobody is believed who writes such things */
            proxies = NULL;
            texts[i] = "";
        }
    }
    char address[TALLY_ADDRESS_MAX];
    if (tally_client_address(proxies, texts[REQUEST_PEER], texts[REQUEST_FORWARDED],
                             texts[REQUEST_X_FORWARDED_FOR], address) != TALLY_OK)
        return NULL;
    return PyUnicode_FromString(address);
}

static PyObject *
chain_of(const struct request *self)
{
    for (int i = REQUEST_FORWARDED; i <= REQUEST_X_FORWARDED_FOR; i++)
        if (is_text(self->parts[i]))
            return cut(self, self->parts[i], CHAIN_MAX);
    return NULL;
}

/* A header as it is, but for an empty id. */
static PyObject *
identifier_of(const struct request *self, enum request_part part)
{
    return is_text(self->parts[part]) ? cut(self, self->parts[part], IDENTIFIER_MAX) : NULL;
}

static PyObject *
same(PyObject *value)
{
    Py_XINCREF(value);
    return value;
}

/* W3C Trace Context, section 3.2: version, 32 digits, 16 digits, flags. */
static PyObject *
trace_id_of(const struct request *self)
{
    size_t size;
    PyObject *header = self->parts[REQUEST_TRACEPARENT];
    const char *text = is_text(header) ? utf8_of(header, &size) : NULL;
    const char *dash = text == NULL ? NULL : memchr(text, '-', size);
    if (dash == NULL)
        return NULL;
    const char *id = dash + 1;
    size_t left = size - (size_t)(id - text);
    if (left <= TRACE_ID_SIZE || id[TRACE_ID_SIZE] != '-' ||
        memchr(id + TRACE_ID_SIZE + 1, '-', left - TRACE_ID_SIZE - 1) == NULL)
        return NULL;
    bool zero = true;
    for (size_t i = 0; i < TRACE_ID_SIZE; i++) {
        if (!((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f')))
            return NULL;
        zero = zero && id[i] == '0';
    }
    return zero ? NULL : PyUnicode_FromStringAndSize(id, TRACE_ID_SIZE);
}

/* The path as a text. New reference. */
static PyObject *
path_of(const struct request *self)
{
    PyObject *path = self->parts[REQUEST_PATH];
    size_t size;
    if (!is_text(path))
        return PyUnicode_FromString("");
    bool ascii = utf8_of(path, &size) != NULL && size == (size_t)PyUnicode_GetLength(path);
    if (!self->is_wsgi || ascii)
        return same(path);
    PyObject *bytes = PyUnicode_AsEncodedString(path, "latin-1", "replace");
    PyObject *text = bytes == NULL ? NULL : PyUnicode_FromEncodedObject(bytes, "utf-8", "replace");
    Py_XDECREF(bytes);
    return text;
}

/* The path below the server's root, which some servers count as part of the path. */
static PyObject *
endpoint_of(const struct request *self)
{
    if (self->parts[REQUEST_ROOT] == NULL && self->parts[REQUEST_PATH] == NULL)
        return NULL;
    PyObject *root = is_text(self->parts[REQUEST_ROOT]) ? self->parts[REQUEST_ROOT] : NULL;
    PyObject *path = path_of(self);
    if (path != NULL && root != NULL) {
        Py_ssize_t is_below = PyUnicode_Tailmatch(path, root, 0, PY_SSIZE_T_MAX, -1);
        PyObject *whole = is_below < 0    ? NULL
                          : is_below == 0 ? PyUnicode_Concat(root, path)
                                          : same(path);
        Py_DECREF(path);
        path = whole;
    }
    PyObject *endpoint = path == NULL ? NULL : cut(self, path, ENDPOINT_MAX);
    Py_XDECREF(path);
    return endpoint;
}

/* What the application says may be of any type. */
static PyObject *
id_of(const struct request *self)
{
    PyObject *id = self->parts[REQUEST_ID];
    return id == NULL || PyUnicode_Check(id) ? identifier_of(self, REQUEST_ID) : same(id);
}

PyObject *
request_members(PyObject *object, PyObject *trusted)
{
    const struct request *self = (const struct request *)object;
    const struct tally_proxies *proxies = NULL;
    if (trusted != Py_None && proxies_of(self->state, trusted, &proxies) < 0)
        return NULL;
    PyObject *members = PyDict_New();
    if (members == NULL)
        return NULL;
    if (set(self, members, REQUEST_PEER, address_of(self, proxies)) < 0 ||
        set(self, members, REQUEST_FORWARDED, chain_of(self)) < 0 ||
        set(self, members, REQUEST_USER_AGENT, same(self->parts[REQUEST_USER_AGENT])) < 0 ||
        set(self, members, REQUEST_ID, id_of(self)) < 0 ||
        set(self, members, REQUEST_CORRELATION_ID, identifier_of(self, REQUEST_CORRELATION_ID)) <
            0 ||
        set(self, members, REQUEST_TRACEPARENT, trace_id_of(self)) < 0 ||
        set(self, members, REQUEST_METHOD, same(self->parts[REQUEST_METHOD])) < 0 ||
        set(self, members, REQUEST_PATH, endpoint_of(self)) < 0 ||
        set(self, members, REQUEST_USER_ID, same(self->parts[REQUEST_USER_ID])) < 0)
        Py_CLEAR(members);
    return members;
}

/* ---- ids ---- */

/* RFC 9562, section 5.4. */
PyObject *
request_uuid4(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    uint8_t uuid[16];
    char text[UUID_TEXT_SIZE];
    random_bytes(uuid, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
    uuid_format(uuid, text);
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

PyObject *
request_identify(PyObject *object, PyObject *nothing)
{
    struct request *self = (struct request *)object;
    PyObject *id = id_of(self);
    if (id == NULL && !PyErr_Occurred())
        id = request_uuid4(NULL, nothing);
    if (id == NULL)
        return NULL;
    request_set(self, REQUEST_ID, same(id));
    PyObject *text = PyUnicode_Check(id) ? same(id) : PyObject_Str(id);
    Py_DECREF(id);
    return text;
}
