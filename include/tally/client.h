/*
 * client.h - record events from any program, to a server or into a folder.
 *
 *     struct tally_client *client;
 *     tally_status status = tally_client_open("http://127.0.0.1:7878", NULL, &client, &error);
 *     …
 *     tally_client_record(client, TALLY_EVENT(.action = "user.login", .user_id = "u42"),
 *                         TALLY_MODE_DEFAULT, NULL, NULL);
 *     …
 *     tally_client_close(client, 2000);
 *
 * Three modes, chosen for the client and, where it matters, for a call:
 *
 *     spool   (the default) returns when the event is in this process's spool: it survives SIGKILL
 *             at once, a power cut after `spool_sync_ms`, and is shipped in the background.
 *     sync    returns with the receipt. Without one the answer is TALLY_DENY: the event is not kept,
 *             do not do what it says.
 *     memory  as spool, but only in memory: what does not fit or is left at the end is counted lost.
 *
 * Every function may be called from any thread, but from no signal handler; where a thread is
 * cancelled, a call is finished first. Nothing is started and nothing written before the first
 * event is recorded. The library uses no signals, prints nothing, ends nothing. After fork() the
 * child may go on using the client: it gets a spool and a shipper of its own with its first event,
 * and what the parent has recorded stays the parent's.
 *
 * Events leave in the order in which a thread recorded them; each arrives exactly once, because its
 * id is made when it is recorded and the spool remembers what was sent without an answer.
 *
 * Values of members and texts that look like secrets are masked before an event is spooled or sent
 * (tally_client_options, mask_names and mask_patterns); "[masked]" stands in their place.
 */
#ifndef TALLY_CLIENT_H
#define TALLY_CLIENT_H

#include "tally/event.h"
#include "tally/hash.h"
#include "tally/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* tally_client_statistics() hides a constructor */
#endif

enum tally_mode {
    TALLY_MODE_DEFAULT, /* the client's; of a client: spool */
    TALLY_MODE_SPOOL,
    TALLY_MODE_SYNC,
    TALLY_MODE_MEMORY,
};

/* What recording does while the spool is full (memory's queue always refuses). */
enum tally_full {
    TALLY_FULL_BLOCK,       /* waits for room, at most timeout_ms; then as refuse */
    TALLY_FULL_REFUSE,      /* answers TALLY_FULL; the event is counted lost */
    TALLY_FULL_DROP_OLDEST, /* makes room by dropping the oldest events, counts them lost, and
                               records an event `audit.gap` that says how many and from when */
};

/* Zeroed members mean the defaults. Everything is copied. */
struct tally_client_options {
    size_t size;         /* sizeof(struct tally_client_options) */
    const char *key;     /* the API key; NULL: $TALLY_KEY. Not for a folder */
    const char *trail;   /* "main" */
    const char *service; /* the member `service` of events that bring none */
    enum tally_mode mode;
    enum tally_full full;
    const char *spool_folder; /* NULL: $TALLY_SPOOL, else $XDG_STATE_HOME/tally/spool, else
                                 ~/.local/state/tally/spool */
    uint64_t spool_size_max;  /* 256 MiB, bytes on disk, 8 MiB to 1 TiB */
    uint64_t memory_size_max; /* 16 MiB, bytes of memory mode's queue, 1 MiB to 1 TiB */
    uint32_t spool_sync_ms;   /* 100, at most an hour */
    uint32_t timeout_ms; /* 5000: how long sync waits for a receipt, and block for room; at most
                                 an hour */
    /* Names of members, at any depth of details and changes, whose values are masked: compared
     * without regard to case, blanks, _, - and brackets, also as the end of a longer name
     * ("db_password", "user[password]"), before digits ("password1") and before an s ("tokens",
     * where numbers stay); one of four letters or fewer only as a word ("user_pin", not "spin"). In
     * texts that are free (endpoint, message, error_message, and all in details and changes), what
     * stands behind such a name as in "pin=1", "pin: 1", "--pin 1" or JSON is masked, too, and so is
     * the password of a URL. Ends with NULL. NULL: TALLY_MASK_NAMES. */
    const char *const *mask_names;
    /* POSIX extended regular expressions; what they match in any text of the event but `id` is
     * masked, but where a text is one of a few (status, severity, …). Ends with NULL. NULL: none. Card
     * numbers (13 to 19 digits, also in groups, with a right Luhn digit, not beginning with 0 or 1)
     * and keys that their form tells (JSON web tokens, PEM, GitHub's, … docs/client.md) are always
     * masked in texts that are free. */
    const char *const *mask_patterns;
    const char *ca_file; /* PEM file of certificates to trust; NULL: $TALLY_CACERT, else the
                            system's */
    bool insecure_http;  /* sends the key over plain HTTP to other machines, where anybody on the
                            way can read it */
    bool disabled;       /* records nothing: every call is TALLY_OK at once */
    /* What a person should know: the spool is on tmpfs, the server cannot be reached or refuses
     * the key, events were dropped or refused. Once for each change, not for each event. Called on
     * the library's thread or the caller's; it must not call the library. NULL: nobody is told. */
    void (*notice)(void *context, const char *text);
    void *notice_context;
    /* Whether to wait no longer: asked every tenth of a second on the thread of a call that waits
     * (for a receipt, for room, for an answer, in a flush), for room before the wait, too. true ends
     * the wait as if its time were up. It may record, but must not close the client. NULL: nobody
     * is asked. */
    bool (*interrupted)(void *context);
    void *interrupted_context;
};

/* The names that are masked by default, as one text for messages and documents. */
#define TALLY_MASK_NAMES                                                                        \
    "password passwd pwd passphrase passcode password_hash password_confirmation secret token " \
    "jwt otp authorization cookie api_key private_key secret_key access_key encryption_key "    \
    "signing_key credential card_number cvv cvc pin ssn"

struct tally_client;

/* Makes a client of a trail. `where`: http://HOST[:PORT], https://…, unix:/PATH of a server's
 * socket, or a data folder's path (then the trail is embedded in this process, which holds its lock
 * while it has events to store). NULL: $TALLY_URL. What only looks like a server (HOST:PORT) is
 * refused. Reads options and checks them; connects to nothing. Paths are of the folder that the
 * program is in now. TALLY_INVALID says what is wrong with which option. The caller closes it. */
TALLY_MUST_CHECK tally_status tally_client_open(const char *where,
                                                const struct tally_client_options *options,
                                                struct tally_client **client_out,
                                                struct tally_error *error);

/* Ships what is queued for at most `timeout_ms`, and ends the client; what is left stays in the
 * spool for this user's next process that opens a client of the same destination. NULL is
 * allowed. */
void tally_client_close(struct tally_client *client, uint32_t timeout_ms);

/* What came of an event. Keep it: with a checkpoint it is the whole evidence. */
#define TALLY_INDEX_UNKNOWN UINT64_MAX
struct tally_receipt {
    char id[65];
    uint64_t index;         /* TALLY_INDEX_UNKNOWN in the modes that do not wait for it */
    struct tally_hash leaf; /* zeros there */
    bool repeated;
};

/*
 * Records one event. `receipt_out` and `error` may be NULL; in spool and memory mode the receipt
 * has only the id.
 *
 * TALLY_OK; TALLY_DENY: sync, no receipt came, the event was not kept (error says why; where an
 * answer may have been lost, an event of the same action with status error says so in the trail);
 * TALLY_CONFLICT: sync, the id stands for other content; TALLY_INVALID: not an event, the pointer
 * says where; TALLY_FULL: no room; TALLY_IO and TALLY_NO_MEMORY. On all but TALLY_OK the event is
 * not kept, and but for TALLY_INVALID, TALLY_DENY and TALLY_CONFLICT it is counted lost.
 */
tally_status tally_client_record(struct tally_client *client, const struct tally_event *event,
                                 enum tally_mode mode, struct tally_receipt *receipt_out,
                                 struct tally_error *error);

/* Records `count` events one after the other: all or, where one is invalid, none of them; the error
 * begins with its position. `receipts_out` has room for `count`, or is NULL. */
tally_status tally_client_record_many(struct tally_client *client,
                                      const struct tally_event *const *events, size_t count,
                                      enum tally_mode mode, struct tally_receipt *receipts_out,
                                      struct tally_error *error);

/* Records an event given as the JSON text of one object. */
tally_status tally_client_record_json(struct tally_client *client, const char *json, size_t size,
                                      enum tally_mode mode, struct tally_receipt *receipt_out,
                                      struct tally_error *error);

/* Waits until everything recorded with this client before has its answer. Spools that dead
 * processes left are shipped beside it and not waited for. TALLY_OK; TALLY_BUSY: not within
 * `timeout_ms`, error says what it waits for. */
tally_status tally_client_flush(struct tally_client *client, uint32_t timeout_ms,
                                struct tally_error *error);

/* Counts of events since the client was opened; a child's since fork(). What was recorded here is
 * queued, sent, refused, lost or denied; events of adopted spools are queued and then sent or
 * refused without being recorded here. In C++ it is `struct tally_client_statistics`, too. */
struct tally_client_statistics {
    uint64_t recorded; /* given to a call, and valid; the library's own (audit.gap) too */
    uint64_t queued;   /* now: without an answer yet, those of adopted spools too */
    uint64_t sent;     /* stored by the trail */
    uint64_t repeated; /* … of these, stored before */
    uint64_t refused;  /* by the trail, for good: they are in the dead-letter file, or the caller
                          was told TALLY_CONFLICT */
    uint64_t lost;     /* dropped, or there was no room or no way to write */
    uint64_t denied;   /* TALLY_DENY */
    uint64_t invalid;  /* TALLY_INVALID */
    uint64_t masked;   /* values */
    uint64_t attempts; /* requests, or batches appended to a folder */
};

/* Counts what became of the events recorded with a client. */
void tally_client_statistics(struct tally_client *client,
                             struct tally_client_statistics *statistics_out);

/* Tells where this process's spool is, for messages: lent until the client is closed; NULL before
 * the first event and in memory mode. */
const char *tally_client_spool(struct tally_client *client);

/* Asks a trail for entries and statistics: `target` is a path and query of the HTTP API, as in
 * "/api/events?q=user_id%3Au42&limit=10" (docs/api.md). The client's trail is added where the API
 * takes one and the target names none. A folder answers /api/events and /api/events/INDEX; others
 * are TALLY_UNSUPPORTED there. Gives the text of the answer; the caller frees it with
 * tally_text_free(). TALLY_ABSENT for 404, TALLY_DENIED for 401 and 403, TALLY_INVALID for 400,
 * with the server's words. */
TALLY_MUST_CHECK tally_status tally_client_get(struct tally_client *client, const char *target,
                                               char **text_out, size_t *size_out,
                                               struct tally_error *error);

/* Frees a text that the library gave. NULL is allowed. */
void tally_text_free(char *text);

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif
