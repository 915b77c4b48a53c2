/*
 * paragraph.h - words put into lines of so many columns.
 */
#ifndef PARAGRAPH_H
#define PARAGRAPH_H

#include "buffer.h"

/* Where a paragraph stands, in columns counted from 0. */
struct paragraph_place {
    size_t at;     /* where its first line begins: what is there already is not its business */
    size_t indent; /* where the others do */
    size_t width;  /* no line is longer, unless one word is */
};

/* Appends the words, which blanks set apart, and a line's end. A character is a column. */
void paragraph_put(struct bytes words, const struct paragraph_place *place, struct buffer *text);

#endif
