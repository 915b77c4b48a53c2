/*
 * fill.h - fill in what an event does not say but the catalogue knows.
 */
#ifndef FILL_H
#define FILL_H

#include "event.h"

/* In this order; a value that is there is never overridden:
 *
 *     event_type                       the type that the action implies, given the status sent or
 *                                      the one the status code gives
 *     severity, action, crud, status   from the type's row
 *     crud                             from the method
 *     status                           from the status code, else success
 *
 * Values point into the catalogue or are static. */
void event_fill(const struct catalogue *catalogue, struct event *event);

#endif
