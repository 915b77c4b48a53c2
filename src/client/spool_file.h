/*
 * spool_file.h - frames of events in one mapped file, or in as much memory.
 *
 * A frame is reserved, filled and looked at. spool_file_reserve() gives a place; reserving is for one
 * thread at a time, and the order in which places are reserved is that of the events. Any number of
 * threads fill theirs meanwhile; a frame is there for everybody, and for whoever opens the file after
 * the process was killed, as soon as spool_file_fill() returns.
 *
 * How far the events are done, and how far they may have been sent, stands in the file as well. It
 * belongs to the reader, one thread at a time.
 *
 * The bytes are described in docs/format.md, "The client's spool".
 */
#ifndef SPOOL_FILE_H
#define SPOOL_FILE_H

#include "bytes.h"
#include "tally/status.h"

#include <stdalign.h>
#include <stdatomic.h>

#define SPOOL_FILE_START    UINT32_C(128) /* where the first frame is */
#define SPOOL_FILE_SIZE_MAX (UINT32_C(1) << 30)
#define SPOOL_FRAME_HEAD    UINT32_C(24)

struct spool_file {
    struct spool_file *next; /* the owner's */
    uint8_t *base;
    uint32_t size;
    uint32_t slot;   /* the file's name */
    uint32_t number; /* its place among the files; 0: it holds nothing */
    /* What changes with each event, in a line of its own: the end of what is reserved; of a dead
     * owner's file, of the file. */
    alignas(64) _Atomic uint32_t tail;
    alignas(64) uint32_t done; /* frames before it have left the queue */
    uint32_t sending;          /* frames before it may have been sent */
    uint32_t synced;           /* frames before it are on stable storage */
    bool dead;                 /* opened, not created: nobody fills it any more */
    bool lent;                 /* the queue's: events of it are lent */
    bool pinned;               /* the queue's: it is being synced */
    bool orphan;               /* the queue's: it was let go meanwhile */
};

/* Makes a file of `size` bytes, mapped, all of its blocks allocated, that holds nothing. NULL folder:
 * in memory. TALLY_FULL where there is no room for it, TALLY_DENIED, TALLY_IO. Caller owns. */
TALLY_MUST_CHECK tally_status spool_file_create(const char *folder, uint32_t slot, uint32_t size,
                                                struct spool_file **file_out,
                                                struct tally_error *error);

/* Opens a dead process's file. TALLY_ABSENT: it holds nothing, whatever its owner was about to do.
 * TALLY_UNSUPPORTED: a newer version's. TALLY_DAMAGED: it is no file, or far too large. */
TALLY_MUST_CHECK tally_status spool_file_open(const char *folder, uint32_t slot,
                                              struct spool_file **file_out,
                                              struct tally_error *error);

/* Has the pages of a file that holds nothing in memory, so that frames are filled without faults. As
 * well as it can: a file works without, more slowly. `folder` as for creating it. */
void spool_file_prepare(const char *folder, const struct spool_file *file);

void spool_file_destroy(struct spool_file *file); /* the file itself stays; NULL is allowed */
void spool_file_remove(const char *folder, uint32_t slot);

/* The slot that a file's name stands for; false where it is no such name. */
bool spool_file_slot(const char *name, uint32_t *slot_out);

/* Empties a file whose frames are done, and begins it anew under another number, not 0 and never used
 * in this folder. In between it may rest as long as one likes. */
void spool_file_clear(struct spool_file *file);
void spool_file_begin(struct spool_file *file, uint32_t number);

/* The largest event that fits into an empty file of `size` bytes. */
uint32_t spool_file_event_max(uint32_t size);

/* Reserves a frame for an event of `size` bytes, at least 1, behind what is reserved: at `tail`, which
 * the caller has at hand, SPOOL_FILE_START or what the last one returned. Where the frame ends; 0
 * where the file is too full. */
uint32_t spool_file_reserve(struct spool_file *file, uint32_t tail, uint32_t size);
/* Whether a frame for one fits now. */
bool spool_file_fits(const struct spool_file *file, uint32_t size);
/* Fills the frame reserved for an event of that size. */
void spool_file_fill(struct spool_file *file, uint32_t at, struct bytes event, int64_t time);

enum spool_frame_kind {
    SPOOL_FRAME_NONE,       /* no frame here nor behind it */
    SPOOL_FRAME_PENDING,    /* reserved, and its thread is about to fill it */
    SPOOL_FRAME_WHOLE,      /* event and time are right */
    SPOOL_FRAME_DAMAGED,    /* not what was written */
    SPOOL_FRAME_UNFINISHED, /* its process died while it was being filled */
};

struct spool_frame {
    enum spool_frame_kind kind;
    uint32_t next; /* where to look next; not of NONE and PENDING */
    struct bytes event;
    int64_t time; /* when it was appended, nanoseconds since 1970 */
};

/* What is at `at`, SPOOL_FILE_START or `next` of the frame before it. The event is lent until the
 * file is cleared or destroyed. */
void spool_file_look(const struct spool_file *file, uint32_t at, struct spool_frame *frame_out);

void spool_file_set_done(struct spool_file *file, uint32_t to);
void spool_file_set_sending(struct spool_file *file, uint32_t to);

/* The end of the filled frames that begin at `from` without a gap. */
uint32_t spool_file_filled(const struct spool_file *file, uint32_t from);

/* Puts the frames from `from` to `to`, which are filled, on stable storage, and with the file's first
 * frame its number. Frames may be filled meanwhile. Not in memory. */
TALLY_MUST_CHECK tally_status spool_file_sync(const struct spool_file *file, uint32_t from,
                                              uint32_t to, struct tally_error *error);

#endif
