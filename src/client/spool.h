/*
 * spool.h - events waiting to be shipped, in order, where neither a crash nor a kill loses them.
 *
 * A spool is a queue of frames, one event each, in files of a fixed size that are mapped into
 * memory. A frame is there for whoever comes later as soon as spool_append() returns, because the
 * pages are the kernel's; spool_sync() puts them on stable storage.
 *
 *     ROOT/NAME/owner          locked while its owner lives; says for which destination
 *     ROOT/NAME/00000001.spool files of frames (spool_file.h), which say themselves in which order
 *     ROOT/dead-letter.ndjson  what was refused for good (dead_letter.h)
 *
 * One process appends (any of its threads) and one thread of it reads. When the process is dead, or
 * has closed it, another client of the same user adopts the folder and only reads it.
 *
 * A memory spool is the same without files.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include "bytes.h"
#include "tally/status.h"

/* The longest event a spool takes: more than any entry's two parts. */
#define SPOOL_EVENT_MAX ((size_t)2 << 20)
#define SPOOL_FILE_SIZE (UINT32_C(4) << 20)

struct spool_options {
    const char *root;        /* NULL: in memory */
    const char *destination; /* what the events are for: spools of another one are not adopted */
    uint64_t size_max;       /* bytes of all its files */
    uint32_t file_size;      /* of each of them, a multiple of 8; 0: SPOOL_FILE_SIZE */
};

struct spool;

/* Makes the folder (0700), the owner's lock and the first file. TALLY_DENIED, TALLY_FULL and
 * TALLY_IO name the path; TALLY_INVALID: the destination is no line of text. The caller closes it. */
TALLY_MUST_CHECK tally_status spool_create(const struct spool_options *options,
                                           struct spool **spool_out, struct tally_error *error);

/* A folder below `root`, for this destination, whose owner is dead or has closed it; its lock is
 * taken. TALLY_ABSENT where there is none with events. Frames that were not finished when the owner
 * died are passed over; damaged ones are counted in spool_state once reading comes to them. After
 * the system was started anew all events are `again`. */
TALLY_MUST_CHECK tally_status spool_adopt(const char *root, const char *destination,
                                          struct spool **spool_out, struct tally_error *error);

/* Lets go of it. A folder without events is removed; else it is synced and left for whoever adopts
 * it, this process too. */
void spool_close(struct spool *spool); /* NULL is allowed */

/* After fork(), in the child: forgets the parent's spool without touching its files. */
void spool_abandon(struct spool *spool); /* NULL is allowed */

/* Appends one event, a JSON object in one line of valid UTF-8. Any thread; the order of a thread's
 * calls is kept. TALLY_FULL: size_max is reached, or the disk is full; TALLY_INVALID: it is empty or
 * longer than SPOOL_EVENT_MAX or half of a file. Not of an adopted spool. */
TALLY_MUST_CHECK tally_status spool_append(struct spool *spool, struct bytes event,
                                           struct tally_error *error);

/* Drops the events of the oldest file of which none is lent by spool_read(), to make room: how many,
 * and when the first of them was appended (nanoseconds since 1970). Any thread. TALLY_ABSENT:
 * nothing can be dropped. */
TALLY_MUST_CHECK tally_status spool_drop_oldest(struct spool *spool, uint64_t *count_out,
                                                int64_t *since_out);

/* A run of events at the front of the queue. `again` says that they may have been sent before, by
 * this process or the one that died, without an answer. */
struct spool_run {
    struct bytes *events; /* lent until spool_done() or the next spool_read() */
    size_t count;
    size_t size; /* of their bytes together */
    bool again;
    bool all; /* nothing else had been appended when they were read */
};

/* At most `count_max` events and `size_max` bytes, but one event at least. A run does not mix what
 * may have been sent with what was not. TALLY_ABSENT: empty. Reading again without spool_done()
 * gives the same events (or fewer, if the limits are lower). */
TALLY_MUST_CHECK tally_status spool_read(struct spool *spool, size_t count_max, size_t size_max,
                                         struct spool_run *run_out);

/* Notes that the first `count` events of the last run are about to be sent: from now on they may
 * have been. Survives SIGKILL. */
void spool_sending(struct spool *spool, size_t count);

/* The first `count` events of the last run have their answer: they leave the queue. Files that are
 * empty so are used again or removed. */
void spool_done(struct spool *spool, size_t count);

/* Puts what was appended on stable storage; cheap where nothing was. A failed sync is reported, and
 * the events stay where they are. */
TALLY_MUST_CHECK tally_status spool_sync(struct spool *spool, struct tally_error *error);

/* Waits until there is an event to read, at most until the monotonic time `until`; true if so.
 * spool_wake(), by any thread, ends it, or the next one if nobody waits. The reader's thread. */
bool spool_wait(struct spool *spool, int64_t until);
/* The same, until there is one that spool_sync() would put on stable storage. */
bool spool_wait_unsynced(struct spool *spool, int64_t until);
void spool_wake(struct spool *spool);

/* Waits for room after TALLY_FULL, at most until `until`; true if there may be some. Any thread. */
bool spool_wait_room(struct spool *spool, int64_t until);

struct spool_state {
    uint64_t appended; /* events since the spool was made; `appended - queued` of them are gone */
    uint64_t queued;   /* events not done */
    uint64_t damaged;  /* … that could not be read and so were left out */
    uint64_t size;     /* bytes of files */
    bool volatile_;    /* files, but on tmpfs: a power cut loses it */
};
void spool_get_state(struct spool *spool, struct spool_state *state_out);

/* The folder's path; NULL in memory. Lent until it is closed. */
const char *spool_path(const struct spool *spool);

/* $TALLY_SPOOL, else $XDG_STATE_HOME/tally/spool, else $HOME/.local/state/tally/spool; the caller
 * frees it. TALLY_ABSENT where neither is set. */
TALLY_MUST_CHECK tally_status spool_root_default(char **root_out, struct tally_error *error);

#endif
