/*
 * trail.h - append entries to a trail, and keep them.
 *
 * One process at a time opens a trail for writing (the lock); any number read it, also while it is
 * being written (snapshot.h). Appending is thread-safe: what arrives while a commit syncs is
 * committed together next, by one of the waiting threads (group commit).
 *
 * What survives a crash: every entry of every batch for which trail_append() returned TALLY_OK.
 */
#ifndef TRAIL_H
#define TRAIL_H

#include "batch.h"
#include "folder.h"
#include "journal.h"
#include "tally/checkpoint.h"

struct trail;

/* What is fixed for good when a trail is created; entry 0 records it. Zeroed members mean defaults.
 */
struct trail_config {
    const char *origin; /* lasting name, as a note's key name; default "tally-RANDOM/NAME" */
    uint64_t
        fields_private; /* bit 1 << field for each private field; 0: the field table's default */
};

/* Makes key, folder, journal, entry 0 and the first checkpoint. TALLY_CONFLICT where the trail
 * exists, or another one has the origin. A crash in between leaves nothing that looks like a trail. */
TALLY_MUST_CHECK tally_status trail_create(struct folder *folder, const char *name,
                                           const struct trail_config *config,
                                           struct tally_vkey *vkey_out, struct tally_error *error);

/* Whether there is a trail of this name, that is, one that was made to the end. TALLY_OK or
 * TALLY_ABSENT. */
TALLY_MUST_CHECK tally_status trail_is_there(struct folder *folder, const char *name,
                                             struct tally_error *error);

/* What opening found and did. */
struct trail_recovery {
    uint64_t replayed;  /* entries read back from the journal */
    uint64_t unsigned_; /* of them beyond the newest checkpoint; now signed if opened for writing */
    struct journal_tail tail; /* a torn last record that was cut */
    uint64_t erasures;        /* erasures on record that a crash interrupted, finished now */
};

enum trail_mode {
    /* Takes the lock; TALLY_BUSY names the process that holds it. Recovers. */
    TRAIL_WRITE,
    /* Reads. Where nobody holds the lock and the folder may be written, recovers first; where
     * another process writes, sees what it has signed; where the folder may not be written, sees
     * what chains. */
    TRAIL_READ,
};

TALLY_MUST_CHECK tally_status trail_open(struct folder *folder, const char *name,
                                         enum trail_mode mode, struct trail **trail_out,
                                         struct trail_recovery *recovery_out,
                                         struct tally_error *error);
/* Waits for sealing and signing, signs what is left, removes idle journal files. The trail is gone
 * whatever is returned. */
tally_status trail_close(struct trail *trail, struct tally_error *error); /* NULL is allowed */

/* After fork(), in the child, for a trail that the parent opened: lets go of the lock's descriptor,
 * so that the lock ends with the parent. Nothing else may be done with the trail; its memory stays.
 */
void trail_abandon(struct trail *trail);

const char *trail_name(const struct trail *trail);
const char *trail_origin(const struct trail *trail);
const struct tally_vkey *trail_vkey(const struct trail *trail);
uint64_t trail_fields_private(const struct trail *trail);
uint64_t trail_size(struct trail *trail); /* entries committed */

/* Waits until more than `size` entries are committed, true, or until the monotonic time `until`,
 * false. For those who follow a trail that this process writes. */
bool trail_wait(struct trail *trail, uint64_t size, int64_t until);

/* Where an entry went. Keep it: with a checkpoint it is the whole evidence. */
struct receipt {
    uint64_t index;
    struct tally_hash leaf;
    bool repeated; /* stored before; this is the first receipt's place */
    bool conflict; /* TALLY_CONFLICT: this event's id stands for other content, in entry `index` or,
                      where that is UINT64_MAX, in the same batch */
};

struct append_result {
    uint64_t first; /* index of the first new entry; new entries of one batch are contiguous */
    uint32_t count; /* of new entries */
    uint64_t size;  /* of the trail after this batch */
    uint32_t
        conflicts; /* TALLY_CONFLICT: how many events of the batch are none that may be stored */
    uint32_t position; /* … the 0-based place of the first one */
    uint64_t conflict; /* … the index of the entry that has the id; UINT64_MAX where
                           the other one stands in the same batch */
};

/* Asked now and then whether to go on; what it answers other than TALLY_OK ends what is under way.
 */
typedef tally_status trail_check(void *context, struct tally_error *error);

/*
 * For a batch that may have been stored before, however long ago: looks for its ids in the whole
 * trail. What is found stays with the batch until batch_clear(), so that trail_append() and
 * trail_append_begin() store each of its events exactly once: those that were stored get their
 * first receipts, or are conflicts. Events that are added later are not looked for.
 *
 * Reads the disk, on the caller's thread, while others append: for an id that is not there about a
 * block for every 64 segments. `check` may be NULL. On anything but TALLY_OK it is as if nobody
 * had looked.
 */
TALLY_MUST_CHECK tally_status trail_look_back(struct trail *trail, struct batch *batch,
                                              trail_check *check, void *context,
                                              struct tally_error *error);

enum append_wait {
    APPEND_WAIT,   /* while both heads are full, wait for the sealer */
    APPEND_REFUSE, /* … answer TALLY_BUSY */
};

/*
 * Makes a batch durable, all or nothing. `receipts` has room for batch_count() of them. Of two
 * batches from one thread the first gets the lower indexes.
 *
 * An event that brings an id which is known is none that is stored: it is a repeat where it says
 * the same as the entry that has the id, else a conflict. Known are the ids of the newest entries,
 * as many as folder_options.id_window says, and of all of them after trail_look_back().
 *
 * TALLY_OK; TALLY_REPEATED: every event was there before, nothing new was stored, receipts are
 * filled; TALLY_CONFLICT: nothing was stored; TALLY_FULL, TALLY_BUSY: nothing was stored, try again
 * later; TALLY_POISONED, TALLY_IO: not acknowledged; it may be there or not: reopen the trail and
 * send again (ids make that safe).
 */
TALLY_MUST_CHECK tally_status trail_append(struct trail *trail, struct batch *batch,
                                           enum append_wait wait, struct receipt *receipts,
                                           struct append_result *result_out,
                                           struct tally_error *error);

/*
 * The same for a thread that must not wait: `done` is called when the batch is durable or refused,
 * on a thread of the trail's that commits meanwhile nothing else, so it must be quick. The caller
 * sets the members above the line, zeroes the others, and keeps everything until then. The batch
 * has one event at least.
 */
struct append {
    struct batch *batch;
    struct receipt *receipts; /* room for batch_count() of them */
    enum append_wait wait;
    void (*done)(struct append *append);
    void *context;
    /* Set when `done` is called; `status` as trail_append() returns it. */
    tally_status status;
    struct append_result result;
    struct tally_error error;
    /* The queue's own (append.c, commit.c). */
    struct append *next;
    bool settled;
    bool staged;    /* its new entries are in the head, unpublished */
    uint32_t fresh; /* how many of its events are new */
    uint64_t first; /* their first index */
};
void trail_append_begin(struct trail *trail, struct append *append);

/* Takes an append back that nobody has begun to commit: true, and `done` is not called. False where
 * it is being committed or is done: `done` is or was called. */
bool trail_append_withdraw(struct trail *trail, struct append *append);

/* Signs and publishes a checkpoint of everything committed; nothing to do is TALLY_OK. */
TALLY_MUST_CHECK tally_status trail_sign(struct trail *trail, struct tally_error *error);

enum seal_what {
    SEAL_FULL, /* the head if it is full */
    SEAL_ALL,  /* the head even if it is not; an empty one is left */
};
/* Seals in the caller's thread; waits for a seal that is under way. */
TALLY_MUST_CHECK tally_status trail_seal(struct trail *trail, enum seal_what what,
                                         struct tally_error *error);

/*
 * Forgets the private parts of the entries `indexes` (ascending): records a control entry `erased`
 * that names them and `reason` (at most 1,000 bytes of UTF-8, public), then removes every byte of
 * them from the trail's files. Ends only when they are gone; a crash in between is finished by the
 * next opening. TALLY_ABSENT where an index is not in the trail; TALLY_INVALID for a control entry.
 */
TALLY_MUST_CHECK tally_status trail_erase(struct trail *trail, const uint64_t *indexes,
                                          size_t count, const char *reason,
                                          struct tally_error *error);

/* Writes indexes, groups and tree hashes anew from the entries. Opened for writing only. */
TALLY_MUST_CHECK tally_status trail_rebuild(struct trail *trail, struct tally_error *error);

/* Whether it was opened for writing. */
bool trail_is_writable(const struct trail *trail);

/* Why appends are refused, or NULL: lent until the trail is closed. */
const char *trail_poisoned(struct trail *trail);

#endif
