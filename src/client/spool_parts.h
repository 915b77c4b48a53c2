/*
 * spool_parts.h - what a spool consists of, for spool*.c alone.
 *
 * The queue is a row of files, of which threads fill the last and one reads the first.
 *
 * Two locks. `append` is held to reserve a place in the last file: some instructions, no system
 * call. `mutex` is held for everything else that changes the row: another last file, reading,
 * noting, removing. `last` changes under both. What a thread appends is copied and summed outside of
 * both; its file cannot go away meanwhile, because the reader does not pass a frame that is reserved
 * and not filled.
 *
 * A file whose events are done becomes the spare, which is the next last file: its pages are there
 * already. A second one is removed. The last file itself is begun anew if all of it is done.
 *
 * Making a file takes as long as recording a thousand events. Where events gather, it is done ahead, by
 * the thread whose event comes to the middle of the last file, while the others go on. It holds
 * `making`, which is taken before the two locks, by those as well who come to the end meanwhile.
 *
 * A sync works on files without a lock: it pins the file it is at, and who lets go of a pinned one
 * leaves it to the sync.
 *
 * A child after fork() frees what it has a copy of, whatever another thread was just doing to the
 * original; so pointers are changed before what they pointed to is freed.
 */
#ifndef SPOOL_PARTS_H
#define SPOOL_PARTS_H

#include "spool.h"
#include "spool_file.h"
#include "spool_folder.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

/* Where an event of the run ends. */
struct place {
    struct spool_file *file;
    uint32_t end;
};

struct spool {
    struct spool_folder *folder; /* NULL: in memory */
    bool dead;                   /* adopted: it is only read */
    uint32_t file_size;
    uint64_t size_max;

    alignas(64) pthread_mutex_t append;
    struct spool_file *last; /* NULL of an adopted one */
    uint32_t tail;     /* of the last: to ask the file would be to wait for its line as well */
    uint64_t appended; /* events */

    alignas(64) _Atomic bool waiting; /* the reader wants to be woken */

    pthread_mutex_t making; /* files: one thread at a time */

    alignas(64) pthread_mutex_t mutex;
    pthread_cond_t readable;
    pthread_cond_t room;
    bool woken;
    struct spool_file *first; /* oldest */
    struct spool_file *spare;
    uint32_t number; /* of the newest file */
    uint32_t slot;   /* of the file made last */
    uint64_t size;
    uint64_t removed; /* events, damaged ones too */
    uint64_t damaged;
    uint32_t wanted; /* size of the event that did not fit last */
    bool disk_full;  /* that was why */
    bool named;      /* no files were made since the last sync */

    /* The run: events and where they end. */
    struct bytes *events;
    struct place *places;
    size_t capacity;
    size_t count;

    pthread_mutex_t sync; /* one at a time */
};

static inline void
lock(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_lock(mutex);
}

static inline void
unlock(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_unlock(mutex);
}

static inline const char *
row_folder(const struct spool *spool)
{
    return spool->folder == NULL ? NULL : spool_folder_path(spool->folder);
}

/* spool_row.c. All of it under `mutex`, or where no other thread knows the spool yet or any more. */

/* Another last file: the spare, or one that is made. As spool_append(). */
TALLY_MUST_CHECK tally_status row_add(struct spool *spool, struct tally_error *error);
/* Makes a file ahead, to be the spare, where it is going to be needed. Takes the locks itself. */
void row_prepare(struct spool *spool);
/* Begins the last file anew; under `append` too. */
void row_begin_again(struct spool *spool);
/* Lets go of a file that is not in the row any more: it becomes the spare, or is removed. */
void row_release(struct spool *spool, struct spool_file *file);
/* Unmaps a file, and removes it. */
void row_remove(struct spool *spool, struct spool_file *file);
/* Forgets all files and leaves them where they are. */
void row_unmap(struct spool *spool);

/* What is at the front of the queue: NONE, PENDING or WHOLE. Frames that cannot be read, and files
 * that are done, are passed for good. */
enum spool_frame_kind row_front(struct spool *spool);

/* Whether there is an event in the queue that was not put on stable storage yet. */
bool row_is_unsynced(struct spool *spool);

/* What a file has from `done` on. */
struct survey {
    uint64_t whole;
    uint64_t damaged;
    int64_t since; /* when the first one was appended */
};
/* False where a frame is pending. */
bool row_survey(const struct spool_file *file, struct survey *survey_out);

#endif
