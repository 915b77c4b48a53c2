/*
 * trail_core.h - what the files behind trail.h share: the state of an open trail.
 *
 *     trail.c    open, close
 *     trail_create.c make one
 *     recover.c  from the files to this state
 *     batch.c    events made ready
 *     append.c   the queue of batches, and who commits what is in it
 *     commit.c   the sequencer: a group of batches gets its place and becomes durable
 *     repeats.c  which events of a batch are stored already, as far as is known
 *     look_back.c the same, in the whole trail and before the batch gets its turn
 *     heads.c    the head that is filled, and those that are frozen
 *     sign.c     checkpoints
 *     seal.c     full heads become segments
 *     generation.c files are replaced by others
 *     erase.c    private parts are forgotten
 *     erased.c   which ones, on record
 *     rebuild.c  what is derived is made anew
 *     rights.c   who may change what, one at a time
 *     snapshot.c what readers see
 *     trail_state.c what operators see
 *
 * Two things guard it. `mutex` guards every member that is not fixed at opening; it is held for
 * moments, never while the disk works. The *order* (order_take()) is the right to change the
 * journal, the tree and the head's unpublished rows: one committing thread has it, or the sealer
 * while it swaps a head for its segment. `sealing` is the right to write segments. Heads, segments
 * and manifest change only under the order and the mutex together, so either is enough to read
 * them.
 */
#ifndef TRAIL_CORE_H
#define TRAIL_CORE_H

#include "arena.h"
#include "batch.h"
#include "buffer.h"
#include "clock.h"
#include "folder.h"
#include "group_change.h"
#include "groups.h"
#include "hashes.h"
#include "manifest.h"
#include "recent_ids.h"
#include "segment.h"
#include "segment_cache.h"
#include "tally/checkpoint.h"
#include "trail.h"

#include <pthread.h>

/* Heads that wait to be sealed: one while running; recovery may find what two heads left. */
#define FROZEN_MAX 4

/* The longest name within the data folder that a trail makes, with its NUL. */
#define TRAIL_PATH_MAX 96

struct frozen {
    struct head *head;
    struct tally_tree tree;      /* after its last entry */
    struct journal_position end; /* of its records */
};

struct note {
    struct tally_checkpoint checkpoint; /* its extension is not kept */
    char text[TALLY_CHECKPOINT_NOTE_MAX];
    size_t size; /* 0: none yet */
};

struct trail {
    /* Fixed at opening. */
    struct folder *folder;
    struct folder_options options;
    char name[TRAIL_NAME_MAX + 1];
    struct trail_place place;  /* with these two: */
    char path[TRAIL_PATH_MAX]; /* "trails/NAME" */
    uint8_t tag[16];
    enum trail_mode mode;
    char origin[TALLY_ORIGIN_MAX + 1];
    uint64_t fields_private;
    struct tally_vkey vkey;
    struct tally_signer signer; /* opened for writing only */
    struct disk_file *lock;     /* the same */
    struct tally_tree replayed; /* with all that was read back then */
    struct hashes *hashes;

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* the order was released, a seal ended, the trail was poisoned */

    /* Under the order. */
    struct journal *journal;
    uint64_t epoch;
    struct tally_tree tree;
    struct recent_ids recent; /* of segments that were sealed since it was opened */

    /* Under `mutex`. */
    bool ordered; /* somebody has the order */
    bool leading; /* somebody commits a group, perhaps waiting for the sealer without the order */
    bool sealing; /* somebody has the right to seal */
    struct append *queue, **queue_end;
    bool closing;    /* the committer ends when the queue is empty */
    bool committing; /* there is one */
    pthread_t committer;
    uint64_t size; /* committed and in the tree */
    struct head *head;
    struct frozen frozen[FROZEN_MAX];
    unsigned frozen_count;
    struct manifest manifest;
    struct segment **segments; /* manifest.count of them */
    struct groups *groups;     /* manifest.group_count of them */
    struct note note;
    struct tally_tree published; /* the tree at `size`: what the signer signs */
    int64_t unsigned_since;      /* monotonic time of the first commit not signed; 0: none */
    char poison[512];

    pthread_mutex_t signing; /* one checkpoint at a time, in order of size */

    size_t heads_memory;   /* of this trail's heads, as counted by the folder; under `mutex` */
    uint64_t journal_size; /* as counted last; under `mutex` */
    struct trail *next;    /* in the folder's list, under the folder's mutex */
    unsigned busy;         /* background threads at work on it, under the folder's mutex */
};

/* One event in a batch. */
struct batch_item {
    struct event event;
    struct tally_hash leaf; /* of those below batch->hashed */
    uint8_t salt[16];
    struct bytes received; /* in the batch's texts */
    uint64_t id_hash;
    uint32_t offset; /* of its journal entry in the body */
    uint32_t size;
    uint32_t commitment; /* where it stands in the public part */
    uint32_t same_as;    /* an earlier item with the same id, or UINT32_MAX */
};

struct batch {
    struct event_reader *reader;
    struct catalogue *catalogue; /* owned: the built-in one; else NULL */
    struct arena texts;
    struct buffer body; /* journal entries */
    int64_t now;        /* when all of them were received; 0: each when it is added */
    int64_t received_at;
    struct bytes received; /* the text of received_at, once there is one; in texts */
    struct batch_item *items;
    uint32_t count;
    uint32_t hashed; /* items whose commitment stands in the body and whose leaf is known */
    uint32_t capacity;
    uint32_t *slots; /* items by id, open addressing: position + 1 */
    uint32_t slot_count;
    /* What trail_look_back() found of the first looked_count items among the first looked_size
     * entries of the trail: as repeats_find() fills receipts in. */
    struct receipt *looked;
    uint32_t looked_count;
    uint32_t looked_capacity;
    uint64_t looked_size; /* 0: nobody looked back */
    uint64_t private_fields;
    char writer[65];
};

/* Computes the commitments and leaves of what was added since, and puts what the batch stamps on
 * its events among their values. Before the batch is in the queue, on the thread that fills it. */
void batch_complete(struct batch *batch);

/* Adds a control entry: `control` is a JSON object with a member `type`. */
TALLY_MUST_CHECK tally_status batch_add_control(struct batch *batch, struct bytes control,
                                                struct tally_error *error);

/* Looks the ids of a batch up (repeats.c). Fills in the receipts of events that are stored already;
 * the others get index UINT64_MAX (so does an event that repeats another of the batch). Under the
 * order. TALLY_OK, or TALLY_CONFLICT with the first one's place in `result` and each one marked. */
TALLY_MUST_CHECK tally_status repeats_find(const struct trail *trail, const struct batch *batch,
                                           struct receipt *receipts, struct append_result *result,
                                           struct tally_error *error);

/* Whether an event of the batch is still to be looked for: its id was sent, and its receipt says
 * nothing yet (index UINT64_MAX, no conflict). */
bool repeats_is_open(const struct batch *batch, const struct receipt *receipts, uint32_t i);

/* Looks in one run for those of these events whose hits[] is set, and fills in the receipts of
 * those that are there: repeated, or a conflict. */
TALLY_MUST_CHECK tally_status repeats_in_run(const struct trail *trail, struct run_reader *reader,
                                             const struct batch *batch, const bool *hits,
                                             struct receipt *receipts, struct tally_error *error);

/* As batch_create() before there is a trail. */
TALLY_MUST_CHECK tally_status batch_create_for(uint64_t private_fields, const char *writer,
                                               const struct catalogue *catalogue,
                                               struct batch **batch_out, struct tally_error *error);

/* The two rights. Each waits; neither may be taken while holding `mutex`. Sealing first, then
 * order. */
void order_take(struct trail *trail);
void order_release(struct trail *trail);
void sealing_take(struct trail *trail);
void sealing_release(struct trail *trail);

/* Remembers the first reason why appends are refused from now on. */
void trail_poison(struct trail *trail, const struct tally_error *error);

/* Whether there is one. Under the mutex. */
static inline bool
is_poisoned(const struct trail *trail)
{
    return trail->poison[0] != '\0';
}

/* Commits a group of batches, linked by `next`: sets the status of each and, where that is TALLY_OK
 * or TALLY_REPEATED, its receipts and its result. Under the order, which it gives up while it waits
 * for the sealer. */
void commit_group(struct trail *trail, struct append *group);

/* Ends the thread that commits for those who do not wait, after what is queued. */
void committer_stop(struct trail *trail);

/* Moves the head to the frozen ones and begins another. Under the order. TALLY_FULL where there is
 * no room for a journal file. */
TALLY_MUST_CHECK tally_status trail_freeze(struct trail *trail, struct tally_error *error);

/* Whether the head is to be frozen before `more` entries come. */
bool head_is_full(const struct trail *trail, uint32_t more);

/* Adds committed leaves to a tree and, where they complete 256, the level 8 hashes to `hashes`,
 * if that is not NULL. */
TALLY_MUST_CHECK tally_status tree_grow(struct tally_tree *tree, struct hashes *hashes,
                                        const struct tally_hash *leaves, size_t count,
                                        struct tally_error *error);

/* Seals every frozen head. Under the right to seal. */
TALLY_MUST_CHECK tally_status seal_frozen(struct trail *trail, struct tally_error *error);
/* As trail_seal(), by who has the right to seal. */
TALLY_MUST_CHECK tally_status seal_heads(struct trail *trail, enum seal_what what,
                                         struct tally_error *error);

/* A trail of which nothing is read or held yet, and its end, whatever is held by then. */
TALLY_MUST_CHECK tally_status trail_init(struct folder *folder, const char *name,
                                         enum trail_mode mode, struct trail **trail_out,
                                         struct tally_error *error);
void trail_free(struct trail *trail);

enum load_limit {
    LOAD_ALL,    /* every record that chains */
    LOAD_SIGNED, /* what the newest checkpoint covers */
};

/* Reads the trail's files into `trail`, whose fixed members up to `mode` are set: see recover.c. On
 * a fault nothing is held. */
TALLY_MUST_CHECK tally_status trail_load(struct trail *trail, enum load_limit limit,
                                         struct trail_recovery *recovery_out,
                                         struct tally_error *error);
void trail_unload(struct trail *trail);

/* Finishes what `erased` control entries say and a crash interrupted. Opened for writing. */
TALLY_MUST_CHECK tally_status erase_pending(struct trail *trail, uint64_t *finished_out,
                                            struct tally_error *error);

/* Appends the member `control` of entry 0: what the trail is, for good. */
void created_control(const struct tally_vkey *vkey, uint64_t fields_private, struct buffer *out);

/* background.c: the list of trails that the threads of the folder serve. */
void folder_add(struct folder *folder, struct trail *trail);
void folder_remove(struct folder *folder,
                   struct trail *trail); /* waits until none is at work on it */
void folder_wake_signer(struct folder *folder);
void folder_wake_sealer(struct folder *folder);
/* Memory to put a record together in, empty, and back again: what was lent last is kept for the
 * next, whichever trail it is of, because memory that is new each time costs more than what is put
 * there. */
struct buffer folder_lend_buffer(struct folder *folder);
void folder_return_buffer(struct folder *folder, struct buffer *buffer);
/* What keeps the segments of all trails open between queries. */
struct segment_cache *folder_segments(struct folder *folder);
/* What the heads of all trails together take, whether that has reached heads_memory_max, and how
 * much of it one trail may have then. */
void folder_count_memory(struct folder *folder, ptrdiff_t change);
bool folder_memory_short(const struct folder *folder);
size_t folder_memory_share(const struct folder *folder);
/* Tells the folder what this trail's heads take now. Under the order or the mutex. */
void trail_count_memory(struct trail *trail);
/* Notes how much of the journal is in use, for those who have not the order. Under it, without the
 * mutex. */
void trail_count_journal(struct trail *trail);

#endif
