/*
 * cursor.h - where the next page of a list begins, as an opaque text for clients to bring back.
 *
 * A cursor is authenticated (HMAC-SHA-256, RFC 2104) under a key of the server's, and bound to what
 * the list was: trail, filter, order and role. It carries the trail's size at the first page and
 * the time that relative times counted from, so that all pages are cut from one unchanging list
 * while entries arrive:
 *
 *     first page    now = clock_now(), snapshot_open()          scan_list(), cursor_write()
 *     next page     cursor_read(), filter_parse() with its now, snapshot_open_at() with its size
 *
 * It is no secret and grants nothing: the role is checked anew with each request.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include "scan.h"

#define CURSOR_KEY_SIZE  32
#define CURSOR_TEXT_SIZE 88 /* base64url (RFC 4648, section 5) of 66 bytes, no padding needed */

/* What a cursor is good for. All are bound byte for byte. */
struct cursor_binding {
    struct bytes trail;  /* its origin */
    struct bytes filter; /* as the client sent it, parameters included */
    struct bytes role;
    enum filter_control control;
    enum scan_order order;
};

struct cursor {
    uint64_t size; /* of the trail at the first page */
    int64_t now;   /* at the first page */
    struct scan_place place;
};

/* Writes CURSOR_TEXT_SIZE characters, no NUL. TALLY_NO_MEMORY. */
TALLY_MUST_CHECK tally_status cursor_write(const uint8_t key[CURSOR_KEY_SIZE],
                                           const struct cursor_binding *binding,
                                           const struct cursor *cursor, char text[CURSOR_TEXT_SIZE],
                                           struct tally_error *error);

/* TALLY_INVALID where the text is no cursor, was altered, or belongs to another list or key. */
TALLY_MUST_CHECK tally_status cursor_read(const uint8_t key[CURSOR_KEY_SIZE],
                                          const struct cursor_binding *binding, struct bytes text,
                                          struct cursor *cursor_out, struct tally_error *error);

#endif
