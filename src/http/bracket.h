/*
 * bracket.h - find where a JSON object or array ends, some gigabytes a second.
 *
 * Only strings, their escapes and brackets are looked at, and the two kinds of brackets are counted
 * as one: whether what stands between them is JSON is for json_scan(), which reads it next. A value
 * that json_scan() takes ends where this says. Pure.
 */
#ifndef BRACKET_H
#define BRACKET_H

#include "bytes.h"

/* The size of the value at the start of `text`, which is '{' or '[', to the bracket that closes it;
 * 0 where none does. */
size_t bracket_size(struct bytes text);

#endif
