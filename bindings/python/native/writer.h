/*
 * writer.h - an event's dictionary, and its context's, as the JSON text of one object.
 *
 * Whatever stands in them: a value that JSON does not have is asked a simpler one for
 * (tallystick._values.plain), what contains itself or lies too deep is written as its repr. The
 * dictionaries are not changed.
 */
#ifndef WRITER_H
#define WRITER_H

#include "state.h"

/* Bytes of an event. More than a trail takes, so that the trail's own words refuse it. */
#define WRITER_SIZE_MAX ((size_t)2 << 20)

/* Objects and arrays inside each other, the event itself among them. A trail takes 64. */
#define WRITER_DEPTH_MAX 60

/* Takes the spare buffer, or none; writer_give() gives it back or frees it. */
struct text writer_take(struct state *state);
void writer_give(struct state *state, struct text *text);

/* Appends the event. What it lacks is taken from `context`, a dict or NULL. Members that are no
 * field go to details, by their names. 0, or -1 with an exception: tallystick.errors.Invalid where
 * the event is no dict or too large, else what is no answer of a value's (KeyboardInterrupt, no
 * memory). */
int writer_event(struct state *state, PyObject *event, PyObject *context, struct text *out);

/* Appends any value. */
int writer_value(struct state *state, PyObject *value, struct text *out);

#endif
