/*
 * writer.c - from dictionaries to JSON, in one pass.
 *
 * json.dumps() with a default function takes some 6 µs for a usual event, and stops at what it does
 * not know. This takes a tenth, because the text is never a Python object, and stops at nothing.
 *
 * A dict whose keys are texts is written as it is. One that has other keys (or keys with lone
 * surrogates, which UTF-8 does not have) could come to have a name twice, which no trail takes: it
 * is made a proper one first, in Python. To find that out only where it is, a dict is written on
 * trial: where a key turns up that is no text, what was written of it is taken back.
 *
 * Values may run code of their own (a repr, a mapping's keys), which may do anything, also change
 * what is being written or record an event. So every value is held while it is written, and a
 * buffer belongs to one call.
 */
#include "writer_parts.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TOO_MANY_DIGITS "a number of too many digits"

struct text
writer_take(struct state *state)
{
    struct text text = state->spare;
    state->spare = (struct text){ 0 };
    text.size = 0;
    return text;
}

void
writer_give(struct state *state, struct text *text)
{
    if (state->spare.data == NULL && text->capacity <= 65536)
        state->spare = *text;
    else
        PyMem_Free(text->data);
    *text = (struct text){ 0 };
}

static int
grow(struct writer *writer, size_t more)
{
    struct text *out = writer->out;
    if (more > WRITER_SIZE_MAX || out->size + more > WRITER_SIZE_MAX) {
        (void)state_raise_text(writer->state->invalid, "the event is larger than 2 MiB",
                               "/details");
        return -1;
    }
    size_t capacity = out->capacity < 512 ? 1024 : out->capacity * 2;
    while (capacity < out->size + more)
        capacity *= 2;
    char *data = PyMem_Realloc(out->data, capacity);
    if (data == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    out->data = data;
    out->capacity = capacity;
    return 0;
}

/* Makes room for `more` bytes. */
static inline int
reserve(struct writer *writer, size_t more)
{
    return writer->out->capacity - writer->out->size >= more ? 0 : grow(writer, more);
}

int
writer_put(struct writer *writer, const char *data, size_t size)
{
    if (reserve(writer, size) < 0)
        return -1;
    memcpy(writer->out->data + writer->out->size, data, size);
    writer->out->size += size;
    return 0;
}

int
writer_put_byte(struct writer *writer, char byte)
{
    return writer_put(writer, &byte, 1);
}

/* Bytes that stand for themselves in a JSON string: all but controls, the quote, the backslash. */
static inline bool
stands_for_itself(unsigned char byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

/* A high bit for each byte of a word that is 0; also for some above it, but not below. */
static inline uint64_t
zeros(uint64_t word)
{
    return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
}

/* How many bytes at the beginning stand for themselves. */
static size_t
plain_size(const char *data, size_t size)
{
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, sizeof word);
        uint64_t control = (word - 0x2020202020202020) & ~word & 0x8080808080808080;
        if ((control | zeros(word ^ 0x2222222222222222) | zeros(word ^ 0x5C5C5C5C5C5C5C5C)) != 0)
            break;
    }
    while (at < size && stands_for_itself((unsigned char)data[at]))
        at++;
    return at;
}

static size_t
escape(unsigned char byte, char out[8])
{
    static const char letters[] = "\b\f\n\r\t\"\\";
    const char *letter = byte == 0 ? NULL : strchr(letters, byte);
    if (letter == NULL)
        return (size_t)snprintf(out, 8, "\\u%04x", byte);
    out[0] = '\\';
    out[1] = "bfnrt\"\\"[letter - letters];
    return 2;
}

/* Writes UTF-8 as a string. */
static int
put_string(struct writer *writer, const char *data, size_t size)
{
    if (reserve(writer, size + 2) < 0)
        return -1;
    struct text *out = writer->out;
    out->data[out->size++] = '"';
    for (;;) {
        size_t plain = plain_size(data, size);
        /* There is room for what is left and the quote, whatever was escaped before. */
        memcpy(out->data + out->size, data, plain);
        out->size += plain;
        if (plain == size)
            break;
        char escaped[8];
        size_t escaped_size = escape((unsigned char)data[plain], escaped);
        data += plain + 1;
        size -= plain + 1;
        if (writer_put(writer, escaped, escaped_size) < 0 || reserve(writer, size + 1) < 0)
            return -1;
    }
    out->data[out->size++] = '"';
    return 0;
}

/* A text with surrogates that stand alone: in their place U+FFFD, which has three bytes as they
 * have in the encoding that lets them pass. */
static int
put_surrogates(struct writer *writer, PyObject *value)
{
    PyObject *encoded = PyUnicode_AsEncodedString(value, "utf-8", "surrogatepass");
    char *data;
    Py_ssize_t size;
    if (encoded == NULL || PyBytes_AsStringAndSize(encoded, &data, &size) < 0) {
        Py_XDECREF(encoded);
        return -1;
    }
    for (Py_ssize_t at = 0; at + 2 < size; at++)
        if ((unsigned char)data[at] == 0xED && (unsigned char)data[at + 1] >= 0xA0)
            memcpy(data + at, "\xEF\xBF\xBD", 3);
    int result = put_string(writer, data, (size_t)size);
    Py_DECREF(encoded);
    return result;
}

int
writer_put_text(struct writer *writer, PyObject *value)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(value, &size);
    if (data != NULL)
        return put_string(writer, data, (size_t)size);
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear();
    return put_surrogates(writer, value);
}

/* Writes a text without quotes: a number's digits. */
static int
put_token(struct writer *writer, PyObject *text)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    return data == NULL ? -1 : writer_put(writer, data, (size_t)size);
}

/* The value as its repr, which `plain` makes short; that it cannot fail is its business. */
static int
put_repr(struct writer *writer, PyObject *value)
{
    PyObject *text = PyObject_Repr(value);
    if (text == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return -1;
        PyErr_Clear();
        return put_string(writer, "…", strlen("…"));
    }
    PyObject *start = PyUnicode_Substring(text, 0, 1000);
    Py_DECREF(text);
    if (start == NULL)
        return -1;
    int result = writer_put_text(writer, start);
    Py_DECREF(start);
    return result;
}

static int
put_big_number(struct writer *writer, PyObject *value)
{
    PyObject *text = PyNumber_ToBase(value, 10);
    if (text == NULL) {
        /* sys.set_int_max_str_digits() */
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
        return 1;
    }
    int result = put_token(writer, text);
    Py_DECREF(text);
    return result;
}

/* Writes a number's digits so that they end at `end`; where they begin. */
static char *
digits_before(char *end, uint64_t number)
{
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

int
writer_put_whole(struct writer *writer, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0)
        return put_big_number(writer, value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    char digits[24];
    char *end = digits + sizeof digits;
    char *start = digits_before(end, number < 0 ? -(uint64_t)number : (uint64_t)number);
    if (number < 0)
        *--start = '-';
    return writer_put(writer, start, (size_t)(end - start));
}

static int
put_number(struct writer *writer, PyObject *value)
{
    int result = writer_put_whole(writer, value);
    return result == 1 ? put_string(writer, TOO_MANY_DIGITS, strlen(TOO_MANY_DIGITS)) : result;
}

int
writer_put_formatted(struct writer *writer, double number, char format, int precision, int flags)
{
    char *digits = PyOS_double_to_string(number, format, precision, flags, NULL);
    if (digits == NULL)
        return -1;
    int result = writer_put(writer, digits, strlen(digits));
    PyMem_Free(digits);
    return result;
}

/* Whether it is a number of at most three decimals, as durations are, and fifteen digits: these digits
 * are the shortest that give it again. */
static bool
in_thousandths(double number, uint64_t *count_out)
{
    double scaled = number * 1000;
    if (!(scaled >= 0 && scaled < 1e15) || signbit(number))
        return false;
    *count_out = (uint64_t)(scaled + 0.5);
    return (double)*count_out / 1000 == number;
}

static int
put_thousandths(struct writer *writer, uint64_t count)
{
    char digits[32];
    char *end = digits + sizeof digits;
    char *start = digits_before(end, 1000 + count % 1000);
    *start = '.';
    start = digits_before(start, count / 1000);
    while (end[-1] == '0' && end[-2] != '.')
        end--;
    return writer_put(writer, start, (size_t)(end - start));
}

int
writer_put_fraction(struct writer *writer, double number)
{
    uint64_t count;
    if (in_thousandths(number, &count))
        return put_thousandths(writer, count);
    return writer_put_formatted(writer, number, 'r', 0, Py_DTSF_ADD_DOT_0);
}

/* Enters a container: false where it is inside of itself, or too deep. */
static bool
enter(struct writer *writer, PyObject *container)
{
    if (writer->depth == WRITER_DEPTH_MAX)
        return false;
    for (unsigned i = 0; i < writer->depth; i++)
        if (writer->path[i] == container)
            return false;
    writer->path[writer->depth++] = container;
    return true;
}

static int
put_sequence(struct writer *writer, PyObject *list)
{
    bool is_list = PyList_Check(list);
    if (writer_put_byte(writer, '[') < 0)
        return -1;
    /* The size is asked each time: a list may change meanwhile. */
    for (Py_ssize_t i = 0; i < (is_list ? PyList_Size(list) : PyTuple_Size(list)); i++) {
        PyObject *item = is_list ? PyList_GetItem(list, i) : PyTuple_GetItem(list, i);
        if (item == NULL || (i > 0 && writer_put_byte(writer, ',') < 0))
            return -1;
        Py_INCREF(item);
        int result = writer_put_value(writer, item, false);
        Py_DECREF(item);
        if (result < 0)
            return -1;
    }
    return writer_put_byte(writer, ']');
}

int
writer_put_name(struct writer *writer, PyObject *key, bool first)
{
    Py_ssize_t size;
    if (!PyUnicode_Check(key))
        return 0;
    const char *data = PyUnicode_AsUTF8AndSize(key, &size);
    if (data == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    if ((!first && writer_put_byte(writer, ',') < 0) ||
        put_string(writer, data, (size_t)size) < 0 || writer_put_byte(writer, ':') < 0)
        return -1;
    return 1;
}

/* Writes the members of a dict. 1; 0 where a key is no text; -1. */
static int
put_members(struct writer *writer, PyObject *dict, bool *first)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        Py_INCREF(value);
        int result = writer_put_name(writer, key, *first);
        if (result == 1) {
            *first = false;
            result = writer_put_value(writer, value, false) < 0 ? -1 : 1;
        }
        Py_DECREF(value);
        if (result != 1)
            return result;
    }
    return 1;
}

static PyObject *
with_texts_for_keys(struct writer *writer, PyObject *dict)
{
    PyObject *proper = PyObject_CallFunctionObjArgs(writer->state->keyed, dict, NULL);
    if (proper != NULL && !PyDict_Check(proper)) {
        Py_DECREF(proper);
        PyErr_SetString(PyExc_TypeError, "keyed() gives a dict");
        return NULL;
    }
    return proper;
}

static int
put_dict(struct writer *writer, PyObject *dict)
{
    size_t start = writer->out->size;
    bool first = true;
    if (writer_put_byte(writer, '{') < 0)
        return -1;
    int result = put_members(writer, dict, &first);
    if (result == 0) {
        writer->out->size = start + 1;
        first = true;
        PyObject *proper = with_texts_for_keys(writer, dict);
        if (proper == NULL)
            return -1;
        result = put_members(writer, proper, &first);
        Py_DECREF(proper);
    }
    return result < 0 ? -1 : writer_put_byte(writer, '}');
}

static int
put_container(struct writer *writer, PyObject *container)
{
    if (!enter(writer, container))
        return put_repr(writer, container);
    int result =
        PyDict_Check(container) ? put_dict(writer, container) : put_sequence(writer, container);
    writer->depth--;
    return result;
}

/* Asks for a simpler value, and writes that; the second time it is written as its repr. */
static int
put_simplified(struct writer *writer, PyObject *value, bool simplified)
{
    if (simplified || !enter(writer, value))
        return put_repr(writer, value);
    PyObject *simpler = PyObject_CallFunctionObjArgs(writer->state->plain, value, NULL);
    int result = simpler == NULL ? -1 : writer_put_value(writer, simpler, simpler == value);
    Py_XDECREF(simpler);
    writer->depth--;
    return result;
}

int
writer_put_value(struct writer *writer, PyObject *value, bool simplified)
{
    if (PyUnicode_CheckExact(value))
        return writer_put_text(writer, value);
    if (value == Py_None)
        return writer_put(writer, "null", 4);
    if (value == Py_True)
        return writer_put(writer, "true", 4);
    if (value == Py_False)
        return writer_put(writer, "false", 5);
    if (PyLong_Check(value))
        return put_number(writer, value);
    if (PyFloat_Check(value)) {
        double number = PyFloat_AsDouble(value);
        return isfinite(number) ? writer_put_fraction(writer, number) : put_repr(writer, value);
    }
    if (PyDict_Check(value) || PyList_Check(value) || PyTuple_Check(value))
        return put_container(writer, value);
    if ((PyObject *)Py_TYPE(value) == writer->state->token_type)
        return put_token(writer, value);
    if (PyUnicode_Check(value))
        return writer_put_text(writer, value);
    return put_simplified(writer, value, simplified);
}

int
writer_value(struct state *state, PyObject *value, struct text *out)
{
    struct writer writer = { .state = state, .out = out };
    return writer_put_value(&writer, value, false);
}
