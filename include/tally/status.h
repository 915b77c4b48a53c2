/*
 * status.h - how every Tallystick function says what came of a call.
 *
 * Zero is success, positive values are answers (the call did its work and this is what it found),
 * negative values are faults (the call could not do its work). Compare with TALLY_OK, never with
 * truth. On anything but TALLY_OK no output of a call is touched, unless its comment says so.
 *
 * A `struct tally_error` may be passed to every function that can meet a fault; NULL is allowed. It
 * is filled once, where the fault happened, and its text names the place and the cure.
 */
#ifndef TALLY_STATUS_H
#define TALLY_STATUS_H

#include <stdint.h>

typedef enum tally_status {
    TALLY_OK = 0,

    /* Answers. */
    TALLY_ABSENT = 1,    /* no such entry, file or value */
    TALLY_DISAGREES = 2, /* the proof, signature or structure does not match what was given */
    TALLY_REPEATED = 3,  /* every event of the call was stored before, with the same content */
    TALLY_CONFLICT = 4,  /* an id was stored before, with other content; nothing was stored */
    TALLY_DENY = 5,      /* no receipt, so do not act; the event is not kept (client.h) */

    /* Faults. */
    TALLY_NO_MEMORY = -1,
    TALLY_IO = -2,          /* the operating system refused; see tally_error.os */
    TALLY_DAMAGED = -3,     /* bytes on disk are not what was written */
    TALLY_INVALID = -4,     /* the input is refused; line and pointer say where */
    TALLY_FULL = -5,        /* no space left; nothing was written, try again when there is */
    TALLY_BUSY = -6,        /* another process holds the lock, or both heads are full */
    TALLY_POISONED = -7,    /* an earlier write is in doubt; reopen the trail */
    TALLY_UNSUPPORTED = -8, /* written by a newer version */
    TALLY_DENIED = -9,      /* permission */
} tally_status;

/* `text` is a sentence without a final newline, `pointer` an RFC 6901 JSON pointer or "", `line` a
 * 1-based line of the input or 0, `column` a 1-based byte column or 0, `os` an errno or 0. */
struct tally_error {
    tally_status status;
    int os;
    uint64_t line;
    uint32_t column;
    char pointer[256];
    char text[512];
};

/* Names a status in a word or two, for messages: static, never NULL. */
const char *tally_status_text(tally_status status);

#define TALLY_MUST_CHECK __attribute__((warn_unused_result))

#endif
