/*
 * reply.h - a JSON answer of a server, read.
 *
 * What a server sends is looked at as what it is: bytes from somebody else. Every member is asked
 * for by its name and its kind, and what is not there or is of another kind is absent.
 */
#ifndef REPLY_H
#define REPLY_H

#include "arena.h"
#include "json.h"
#include "listing.h"

/* A zeroed struct is one to read with, any number of times. */
struct reply {
    struct json_tape tape;
    struct arena texts;
};

/* Reads a text, which must outlive the reply's use. TALLY_IO where it is no JSON: whoever sent it
 * is no such server. */
TALLY_MUST_CHECK tally_status reply_read(struct reply *reply, struct bytes text,
                                         struct tally_error *error);
void reply_finish(struct reply *reply);

/* TALLY_IO with a sentence: the answer is JSON, but not what was asked for. */
tally_status reply_fault(struct tally_error *error, const char *wanted);

/* The value of a member of object `node`, or 0 where there is none or it is null. */
uint32_t reply_member(const struct reply *reply, uint32_t node, const char *name);

/* A member's array; 0 where it is none. Its elements are walked as json.h says. */
uint32_t reply_array(const struct reply *reply, uint32_t node, const char *name);

/* A member's text, decoded; lent until the reply is read into again. data NULL where it is none. */
struct bytes reply_text(struct reply *reply, uint32_t node, const char *name);

/* A member that is a whole number from 0 up. False where it is none, and *number_out untouched. */
bool reply_number(const struct reply *reply, uint32_t node, const char *name, uint64_t *number_out);

/* The same of a value itself, as of an array's element. */
struct bytes reply_text_of(struct reply *reply, uint32_t node);
bool reply_number_of(const struct reply *reply, uint32_t node, uint64_t *number_out);

/* The token of a member that is any number; data NULL where it is none. Lent like the answer's text. */
struct bytes reply_number_token(const struct reply *reply, uint32_t node, const char *name);

bool reply_is_true(const struct reply *reply, uint32_t node, const char *name);

/* The members of a row as the cells of a listing, by the columns' names; absent where a member is
 * not of the column's kind. Lent as reply_text(). */
void reply_cells(struct reply *reply, uint32_t node, const struct listing_column *columns,
                 size_t count, struct bytes *cells);

#endif
