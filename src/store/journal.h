/*
 * journal.h - the one place that makes an order durable.
 *
 * A journal is a sequence of records; a record is a batch of entries that became durable together.
 * Its interface is what a replicated engine can offer too: claim an epoch, append at an expected
 * index, read from an index, trim below an index, publish a checkpoint. Nothing outside this file
 * assumes that a local file is the order.
 *
 * Used by one thread at a time, but for journal_read(), which opens files of its own.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "trail_place.h"

#define JOURNAL_SALT_SIZE  16
#define JOURNAL_RECORD_MAX (64u << 20) /* bytes of one record, header included */
#define JOURNAL_FILE_FIRST \
    (64u << 10) /* a new trail's first file; each next is four times as large */
#define JOURNAL_FILE_FULL \
    (4u << 20)                /* until this size (or that of the one record it must hold): opening
                                          looks through all of the last file, and changing files
                                          costs a tenth of a millisecond */
#define JOURNAL_SPARES_MAX 16 /* trimmed files of that size that are kept to be overwritten */
#define JOURNAL_PART_MAX   ((1u << 24) - 1) /* bytes of a public or private part */

struct journal;

/* Where a chain of records goes on: what the manifest remembers of the records that were
 * trimmed. */
struct journal_position {
    uint64_t file;     /* the number of the first file that is not trimmed */
    uint64_t sequence; /* of the next record; the first ever is 1 */
    uint64_t index;    /* the first entry's index in the next record */
    uint32_t chain;    /* CRC of the record before it; 0 before the first */
};

/* Where the good records end, and what opening found there. */
struct journal_tail {
    struct journal_position end; /* after the last good record */
    uint64_t offset;      /* where the next record may stand, in the file that the end names */
    uint64_t last_offset; /* where the last good record stands there; 0: that file holds none */
    bool used_before;     /* what lies beyond may be remains of records trimmed long ago */
    bool torn;            /* a last record was begun and is not whole; it was cut (or would be) */
    uint64_t torn_file;   /* where it stands */
    uint64_t torn_offset;
    uint64_t torn_bytes; /* how far it reaches, as far as can be seen */
};

/* One record as read back. Views are lent until the visitor returns. */
struct journal_record {
    uint64_t sequence;
    uint64_t first; /* index of its first entry */
    uint32_t count;
    uint32_t crc;
    uint64_t file, offset; /* where it stands */
    struct bytes body;     /* walk it with journal_entry_next() */
};

struct journal_entry {
    struct bytes public_part;
    struct bytes private_part;
    const uint8_t *salt; /* JOURNAL_SALT_SIZE bytes */
};

typedef tally_status (*journal_visitor)(void *context, const struct journal_record *record,
                                        struct tally_error *error);

/* Takes the next entry off the front of `*body`. False at the end; a body that passed its CRC is
 * well formed or the whole record is refused when read. */
bool journal_entry_next(struct bytes *body, struct journal_entry *entry_out);

/* The body of a record is written by the caller as it collects a batch, entry by entry: between
 * these two he appends the public part and then the private one. `start` is where the entry began.
 * The parts are JSON as the event layer writes it: UTF-8 without zero bytes, at most
 * JOURNAL_PART_MAX. */
struct buffer;
void journal_entry_begin(struct buffer *body, const uint8_t *salt);
void journal_entry_end(struct buffer *body, size_t start, size_t public_size, size_t private_size);

/* An entry whose parts are there already. */
void journal_entry_append(struct buffer *body, struct bytes public_part, const uint8_t *salt,
                          struct bytes private_part);

/* Files stand in FOLDER/journal/ of a trail's folder, named by their number in 16 hexadecimal
 * digits; the checkpoint is FOLDER/checkpoint.
 *
 * Creates the folder and the first file of a new journal. Synced when it returns. */
TALLY_MUST_CHECK tally_status journal_create(const struct trail_place *place,
                                             struct tally_error *error);

/*
 * Reads every record that chains from `from`, in order, and calls `visitor`. It ends at the first
 * place where no good record follows. Below `index_min` (what a checkpoint covers) that is damage,
 * and so is a place with a good successor behind it: TALLY_DAMAGED names file and offset, and
 * nothing is touched. Else *tail_out says where they end and what lies there. It stops where the
 * visitor answers anything but TALLY_OK, and returns that.
 *
 * Without the trail's lock, a writer may trim and recycle files while this reads. What the visitor
 * was given is good all the same, but the answer may be TALLY_DAMAGED: it is to be believed only if
 * the manifest that gave `from` is still the newest; else read again from there. And what looks
 * torn may be a record that is being written just now.
 */
TALLY_MUST_CHECK tally_status journal_read(const struct trail_place *place,
                                           const struct journal_position *from, uint64_t index_min,
                                           journal_visitor visitor, void *context,
                                           struct journal_tail *tail_out,
                                           struct tally_error *error);

/* Claims the journal for appending where `tail` (from journal_read()) says that it ends: makes what
 * was read durable, cuts a torn tail, removes files before `from`, so that the manifest that says
 * `from` must be durable (a process may have died after it renamed it: write it again). The caller
 * holds the trail's lock and owns the journal, to which it lends what `place` has. *epoch_out goes
 * with every append. A fault leaves a journal that can be read and claimed again. */
TALLY_MUST_CHECK tally_status journal_claim(const struct trail_place *place,
                                            const struct journal_position *from,
                                            const struct journal_tail *tail,
                                            struct journal **journal_out, uint64_t *epoch_out,
                                            struct tally_error *error);
void journal_close(struct journal *journal); /* NULL is allowed */

/*
 * Makes one record durable: on TALLY_OK it is on stable storage. `expected` must be the journal's
 * next index, else TALLY_CONFLICT; `epoch` the claimed one, else TALLY_DENIED (fenced).
 *
 * TALLY_FULL: there was no room for the record; nothing was written and the journal is as it was.
 * TALLY_INVALID: larger than JOURNAL_RECORD_MAX. Anything else leaves it unknown whether the record
 * will be there: the journal is poisoned and every later append answers TALLY_POISONED.
 */
TALLY_MUST_CHECK tally_status journal_append(struct journal *journal, uint64_t epoch,
                                             uint64_t expected, uint32_t count, struct bytes body,
                                             struct tally_error *error);
/* The same of a body in pieces, which are written from where they are. */
TALLY_MUST_CHECK tally_status journal_append_pieces(struct journal *journal, uint64_t epoch,
                                                    uint64_t expected, uint32_t count,
                                                    const struct bytes *pieces, size_t piece_count,
                                                    struct tally_error *error);

/* Goes on in a fresh file (a spare or a new one), so that everything before can be trimmed as a
 * whole. *position_out is where the next record will stand: the manifest keeps it. TALLY_FULL as
 * above. */
TALLY_MUST_CHECK tally_status journal_rotate(struct journal *journal,
                                             struct journal_position *position_out,
                                             struct tally_error *error);

enum journal_spares {
    JOURNAL_KEEP_SPARES, /* full-size files are kept to be overwritten: twice as fast as growing */
    JOURNAL_DROP_SPARES, /* when the trail is closed: idle files are removed */
    JOURNAL_WIPE_SPARES, /* after an erasure: idle files are zeroed, synced, then kept */
};

/* Lets go of all files before `file` (a number from journal_rotate()). Only after a manifest that
 * begins there is durable. With JOURNAL_WIPE_SPARES no file of the journal holds a byte of what was
 * trimmed when it returns TALLY_OK. */
TALLY_MUST_CHECK tally_status journal_trim(struct journal *journal, uint64_t file,
                                           enum journal_spares spares, struct tally_error *error);

/* The bytes in use in untrimmed files. */
uint64_t journal_size(const struct journal *journal);

/* Persists a checkpoint (a signed note) of `expected` entries, replacing the one before: the name
 * `checkpoint` beside the journal's folder. TALLY_CONFLICT where the journal has fewer entries. May
 * be called from another thread than journal_append(). */
TALLY_MUST_CHECK tally_status journal_publish(struct journal *journal, struct bytes note,
                                              uint64_t expected, struct tally_error *error);

#endif
