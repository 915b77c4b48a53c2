/*
 * writer_event.c - from an event's dictionary, and its context's, to one object.
 *
 * Fields come first, the event's and then those that only the context has; then `details`, which takes
 * in what is no field. Only where there is such a thing is a dictionary made for it.
 */
#include "writer_parts.h"

#include <stdio.h>

/* As in tallystick._fields. */
enum kind {
    KIND_TEXT,
    KIND_WHOLE,
    KIND_DURATION,
    KIND_TIME,
    KIND_OBJECT,
    KIND_DETAILS,
};

/* A text field's value that is no text: what `plain` makes a number of stands in quotes, the rest is
 * written as it is, and the trail says what it thinks of it. */
static int
put_as_text(struct writer *writer, PyObject *value)
{
    if (PyUnicode_Check(value))
        return writer_put_text(writer, value);
    PyObject *simpler = PyObject_CallFunctionObjArgs(writer->state->plain, value, NULL);
    if (simpler == NULL)
        return -1;
    int result;
    if (PyUnicode_Check(simpler)) {
        result = writer_put_text(writer, simpler);
    } else if (PyFloat_Check(simpler) || PyLong_Check(simpler)) {
        PyObject *text = PyObject_Repr(simpler);
        if (text == NULL)
            PyErr_Clear();
        result =
            text == NULL ? writer_put_value(writer, simpler, true) : writer_put_text(writer, text);
        Py_XDECREF(text);
    } else {
        result = writer_put_value(writer, simpler, true);
    }
    Py_DECREF(simpler);
    return result;
}

/* Whole numbers of text fields, the commonest of them, without a way through Python. */
static int
put_text_field(struct writer *writer, PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return writer_put_text(writer, value);
    if (!PyLong_CheckExact(value))
        return put_as_text(writer, value);
    size_t start = writer->out->size;
    int result = writer_put_byte(writer, '"');
    if (result == 0)
        result = writer_put_whole(writer, value);
    if (result == 1) { /* what that is written as has quotes of its own */
        writer->out->size = start;
        return writer_put_value(writer, value, false);
    }
    return result < 0 ? -1 : writer_put_byte(writer, '"');
}

static int
put_by(struct writer *writer, PyObject *function, PyObject *value)
{
    PyObject *simpler = PyObject_CallFunctionObjArgs(function, value, NULL);
    if (simpler == NULL)
        return -1;
    int result = writer_put_value(writer, simpler, true);
    Py_DECREF(simpler);
    return result;
}

/* Milliseconds: a trail takes no exponent there, which floats have below 0.0001. */
static int
put_duration(struct writer *writer, PyObject *value)
{
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AsDouble(value);
        if (number >= 1e-4 && number < 1e16)
            return writer_put_fraction(writer, number);
        if (number >= 0 && number < 1e-4)
            return writer_put_formatted(writer, number, 'f', 9, 0);
        return writer_put_value(writer, value, false);
    }
    if (PyLong_CheckExact(value))
        return writer_put_whole(writer, value);
    return put_by(writer, writer->state->milliseconds, value);
}

static int
put_field(struct writer *writer, const struct field *field, PyObject *value)
{
    switch ((enum kind)field->kind) {
    case KIND_TEXT:
        return put_text_field(writer, value);
    case KIND_TIME:
        if (PyUnicode_CheckExact(value))
            return writer_put_text(writer, value);
        return put_by(writer, writer->state->time_text, value);
    case KIND_DURATION:
        return put_duration(writer, value);
    default:
        return writer_put_value(writer, value, false);
    }
}

/* The field of a name; NULL, and 0, where it is none; -1. */
static int
find_field(const struct writer *writer, PyObject *name, const struct field **field_out)
{
    *field_out = NULL;
    if (!PyUnicode_Check(name))
        return 0;
    Py_hash_t hash = PyObject_Hash(name);
    if (hash == -1)
        return -1;
    const struct field *fields = writer->state->fields;
    for (size_t at = (size_t)hash % FIELD_PLACES; fields[at].name != NULL;
         at = (at + 1) % FIELD_PLACES) {
        if (fields[at].name != name &&
            (fields[at].hash != hash || PyUnicode_Compare(fields[at].name, name) != 0))
            continue;
        *field_out = &fields[at];
        return 0;
    }
    return 0;
}

/* What an event is made of while it is written. */
struct draft {
    PyObject *event;
    PyObject *context; /* or NULL */
    PyObject *details; /* a dict, or NULL */
    uint64_t written;  /* the fields that stand there: bits of their numbers */
    bool others;       /* there are members that are no field */
};

/* After a comma, where something stands before it. */
static int
put_field_name(struct writer *writer, struct draft *draft, const struct field *field)
{
    size_t skipped = draft->written == 0 ? 1 : 0;
    draft->written |= UINT64_C(1) << field->number;
    return writer_put(writer, field->text + skipped, (size_t)field->size - skipped);
}

/* Writes the members of `from` that are fields and that do not stand there yet. */
static int
put_fields(struct writer *writer, struct draft *draft, PyObject *from)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(from, &at, &name, &value)) {
        if (value == Py_None)
            continue;
        const struct field *field;
        if (find_field(writer, name, &field) < 0)
            return -1;
        if (field == NULL)
            draft->others = true;
        if (field == NULL || field->kind == KIND_DETAILS ||
            (draft->written >> field->number & 1) != 0)
            continue;
        Py_INCREF(value);
        int result = put_field_name(writer, draft, field);
        if (result == 0)
            result = put_field(writer, field, value);
        Py_DECREF(value);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* Adds the members of `from` that are no field to `into`, but for those that are there. */
static int
gather(struct writer *writer, PyObject *from, PyObject *into)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(from, &at, &name, &value)) {
        if (value == Py_None)
            continue;
        const struct field *field;
        if (find_field(writer, name, &field) < 0)
            return -1;
        if (field != NULL)
            continue;
        int there = PyDict_Contains(into, name);
        if (there < 0 || (there == 0 && PyDict_SetItem(into, name, value) < 0))
            return -1;
    }
    return 0;
}

/* The event's details as a dict: an object that is none is asked for one, anything else stands
 * there by the name "value". New reference; NULL without an exception where there are none. */
static PyObject *
details_of(struct writer *writer, PyObject *event)
{
    PyObject *details = PyDict_GetItemWithError(event, writer->state->details);
    if (details == NULL || details == Py_None)
        return NULL;
    if (PyDict_Check(details)) {
        Py_INCREF(details);
        return details;
    }
    PyObject *simpler = PyObject_CallFunctionObjArgs(writer->state->plain, details, NULL);
    if (simpler == NULL || PyDict_Check(simpler))
        return simpler;
    Py_DECREF(simpler);
    PyObject *wrapped = PyDict_New();
    if (wrapped != NULL && PyDict_SetItemString(wrapped, "value", details) < 0)
        Py_CLEAR(wrapped);
    return wrapped;
}

/* Details with all that is no field; the caller's dict stays as it is. New reference. */
static PyObject *
details_with_others(struct writer *writer, const struct draft *draft)
{
    PyObject *all = draft->details == NULL ? PyDict_New() : PyDict_Copy(draft->details);
    if (all == NULL || gather(writer, draft->event, all) < 0 ||
        (draft->context != NULL && gather(writer, draft->context, all) < 0))
        Py_CLEAR(all);
    return all;
}

static int
put_details(struct writer *writer, struct draft *draft)
{
    PyObject *all = draft->details;
    if (draft->others) {
        all = details_with_others(writer, draft);
        if (all == NULL)
            return -1;
    } else if (all == NULL) {
        return 0;
    }
    int result = writer_put_name(writer, writer->state->details, draft->written == 0);
    if (result == 1)
        result = writer_put_value(writer, all, false);
    if (draft->others)
        Py_DECREF(all);
    return result;
}

static int
refuse(const struct state *state, PyObject *event)
{
    PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(event), "__name__");
    const char *name = type == NULL ? NULL : PyUnicode_AsUTF8AndSize(type, NULL);
    if (name != NULL) {
        char text[128];
        (void)snprintf(text, sizeof text, "an event is a dict of its members, not %.80s", name);
        (void)state_raise_text(state->invalid, text, "");
    }
    Py_XDECREF(type);
    return -1;
}

int
writer_event(struct state *state, PyObject *event, PyObject *context, struct text *out)
{
    if (!PyDict_Check(event) || (context != NULL && !PyDict_Check(context)))
        return refuse(state, PyDict_Check(event) ? context : event);
    struct writer writer = { .state = state, .out = out, .depth = 1 };
    writer.path[0] = event;
    struct draft draft = { .event = event, .context = context };
    if (writer_put_byte(&writer, '{') < 0 || put_fields(&writer, &draft, event) < 0 ||
        (context != NULL && put_fields(&writer, &draft, context) < 0))
        return -1;
    draft.details = details_of(&writer, event);
    int result = draft.details == NULL && PyErr_Occurred() ? -1 : put_details(&writer, &draft);
    Py_XDECREF(draft.details);
    return result < 0 ? -1 : writer_put_byte(&writer, '}');
}
