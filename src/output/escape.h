/*
 * escape.h - text that may be shown: without the characters that act instead of being read.
 *
 * What stands in a trail was written by strangers. Control characters can move a terminal's cursor
 * or run its commands, bidirectional ones make text read in another order than it has, invisible
 * ones hide it. They are always shown as escapes:
 *
 *     C0, DEL and C1 controls, line and paragraph separators
 *     bidirectional marks, embeddings, overrides and isolates (Unicode UAX #9)
 *     invisible ones: zero-width space and no-break space, word joiner and its kin, tags
 *
 * Joiners (U+200C, U+200D) stay, because scripts and emoji are spelled with them.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#include "buffer.h"

/* True for the characters named above. */
bool escape_needed(uint32_t code_point);

/* Appends text for a terminal: \t, \n and \r by those names, others as \u202e or \U000e0001, bytes
 * that are no UTF-8 as \xff. A backslash of the text's own stays as it is, so that paths can be
 * read: the exact value is what the JSON formats are for. */
void escape_text(struct bytes text, struct buffer *out);

/* Appends JSON text so that it is equal in value and safe to show: in its strings the characters
 * above become \u escapes (they cannot stand elsewhere in JSON). */
void escape_json(struct bytes json, struct buffer *out);

/* Appends `text`, valid UTF-8, as a JSON string, safe to show as above. */
void escape_json_string(struct bytes text, struct buffer *out);

#endif
