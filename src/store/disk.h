/*
 * disk.h - the one door to the file system.
 *
 * A disk is a folder. Everything in it is reached by a relative name ("journal/0000000000000001"),
 * never by an absolute path, and never outside it: names have no empty, "." or ".." component, and
 * symbolic links within the folder are not followed, since a folder may come from a stranger. There
 * are two implementations: the real one, and one for tests that fails, tears and forgets unsynced
 * writes (disk_sim.h). Every call counts.
 *
 * Durability, which the store relies on and the simulation enforces: bytes written are on stable
 * storage after disk_sync() of their file; a created, renamed or unlinked name is after
 * disk_sync_folder() of its folder; nothing else is promised. Calls on different files may come
 * from different threads, and disk_read() on one file from many.
 */
#ifndef DISK_H
#define DISK_H

#include "bytes.h"
#include "tally/status.h"

#include <stdatomic.h>

struct disk;
struct disk_file;

enum disk_mode {
    DISK_READ,   /* must exist */
    DISK_WRITE,  /* must exist; read and write */
    DISK_CREATE, /* must not exist (O_EXCL: a file that exists is evidence); read and write, 0600 */
};

/* What a disk has done since it was opened. */
struct disk_counters {
    atomic_ullong reads, read_bytes, writes, written_bytes, syncs;
};

typedef tally_status (*disk_name_visitor)(void *context, const char *name,
                                          struct tally_error *error);

struct disk_operations {
    tally_status (*open)(struct disk *, const char *name, enum disk_mode,
                         struct disk_file **file_out, struct tally_error *);
    void (*close)(struct disk_file *);
    tally_status (*read)(struct disk_file *, uint64_t offset, void *data, size_t size,
                         size_t *size_out, struct tally_error *);
    tally_status (*write)(struct disk_file *, uint64_t offset, const void *data, size_t size,
                          struct tally_error *);
    tally_status (*clear)(struct disk_file *, uint64_t offset, uint64_t size, struct tally_error *);
    tally_status (*reserve)(struct disk_file *, uint64_t size, struct tally_error *);
    tally_status (*sync)(struct disk_file *, struct tally_error *);
    tally_status (*size)(struct disk_file *, uint64_t *size_out, struct tally_error *);
    tally_status (*permissions)(struct disk_file *, unsigned *out, struct tally_error *);
    tally_status (*make_folder)(struct disk *, const char *name, struct tally_error *);
    tally_status (*sync_folder)(struct disk *, const char *name, struct tally_error *);
    tally_status (*rename)(struct disk *, const char *from, const char *to, struct tally_error *);
    tally_status (*unlink)(struct disk *, const char *name, struct tally_error *);
    tally_status (*list)(struct disk *, const char *folder, disk_name_visitor, void *context,
                         struct tally_error *);
    tally_status (*space)(struct disk *, uint64_t *free_out, struct tally_error *);
    tally_status (*lock)(struct disk_file *, struct tally_error *);
    void (*destroy)(struct disk *);
};

/* The common head of both implementations. */
struct disk {
    const struct disk_operations *operations;
    struct disk_counters counters;
};
struct disk_file {
    struct disk *disk;
    const char *name; /* as it was opened: for messages */
};

/* Opens the folder `path`; TALLY_ABSENT where there is none. The caller owns the disk; files must
 * be closed before it. */
TALLY_MUST_CHECK tally_status disk_open_folder(const char *path, struct disk **disk_out,
                                               struct tally_error *error);
void disk_close_folder(struct disk *disk);

/* TALLY_ABSENT where DISK_READ or DISK_WRITE finds no such name; TALLY_DENIED, TALLY_IO, also where
 * it is no plain file; TALLY_INVALID where the name leads out of the folder. The caller owns the
 * file. */
TALLY_MUST_CHECK tally_status disk_open(struct disk *disk, const char *name, enum disk_mode mode,
                                        struct disk_file **file_out, struct tally_error *error);
void disk_close(struct disk_file *file); /* NULL is allowed */

/* Reads up to `size` bytes; less only at the end of the file (then *size_out says how many). */
TALLY_MUST_CHECK tally_status disk_read(struct disk_file *file, uint64_t offset, void *data,
                                        size_t size, size_t *size_out, struct tally_error *error);

/* Exactly `size` bytes, else TALLY_DAMAGED "… ends at …". */
TALLY_MUST_CHECK tally_status disk_read_all(struct disk_file *file, uint64_t offset, void *data,
                                            size_t size, struct tally_error *error);

/* Writes all of it or reports a fault; after a fault any part of it may be written. */
TALLY_MUST_CHECK tally_status disk_write(struct disk_file *file, uint64_t offset, const void *data,
                                         size_t size, struct tally_error *error);

/* Writes `size` zeros as disk_write() does; none are well. */
TALLY_MUST_CHECK tally_status disk_clear(struct disk_file *file, uint64_t offset, uint64_t size,
                                         struct tally_error *error);

/* Makes an empty file one of `size` zeros, and takes their space, without writing them: the first
 * sync of what is written there has more to do instead. TALLY_FULL; TALLY_UNSUPPORTED where the
 * file system cannot: then write them. */
TALLY_MUST_CHECK tally_status disk_reserve(struct disk_file *file, uint64_t size,
                                           struct tally_error *error);

/* fdatasync: bytes and size. A failed sync is never retried; it is never TALLY_FULL. */
TALLY_MUST_CHECK tally_status disk_sync(struct disk_file *file, struct tally_error *error);
TALLY_MUST_CHECK tally_status disk_size(struct disk_file *file, uint64_t *size_out,
                                        struct tally_error *error);
/* The file's permission bits, as in 0600. */
TALLY_MUST_CHECK tally_status disk_permissions(struct disk_file *file, unsigned *out,
                                               struct tally_error *error);

/* One folder, 0700. TALLY_OK also where it exists. Not synced. */
TALLY_MUST_CHECK tally_status disk_make_folder(struct disk *disk, const char *name,
                                               struct tally_error *error);
/* "" is the disk's own folder. */
TALLY_MUST_CHECK tally_status disk_sync_folder(struct disk *disk, const char *name,
                                               struct tally_error *error);
/* Within one folder. Replaces `to` if it exists. Not synced. */
TALLY_MUST_CHECK tally_status disk_rename(struct disk *disk, const char *from, const char *to,
                                          struct tally_error *error);
/* TALLY_ABSENT where there is none. Not synced. */
TALLY_MUST_CHECK tally_status disk_unlink(struct disk *disk, const char *name,
                                          struct tally_error *error);
/* Calls `visitor` with each plain name in `folder`, in bytewise order; stops at the first that is
 * not TALLY_OK and returns that. TALLY_ABSENT where there is no such folder. */
TALLY_MUST_CHECK tally_status disk_list(struct disk *disk, const char *folder,
                                        disk_name_visitor visitor, void *context,
                                        struct tally_error *error);
/* Bytes an unprivileged process may still write. */
TALLY_MUST_CHECK tally_status disk_space(struct disk *disk, uint64_t *free_out,
                                         struct tally_error *error);
/* An exclusive lock on an open file that goes with the open file (F_OFD_SETLK), not with the
 * process. TALLY_BUSY where another holds it. Released by disk_close() and by the process's death.
 */
TALLY_MUST_CHECK tally_status disk_lock(struct disk_file *file, struct tally_error *error);

/* The longest name within a disk, its NUL included. */
#define DISK_NAME_SIZE 256

/* The whole of a small file appended to `out`; TALLY_INVALID beyond `size_max`. */
struct buffer;
TALLY_MUST_CHECK tally_status disk_read_file(struct disk *disk, const char *name, size_t size_max,
                                             struct buffer *out, struct tally_error *error);

/* Replaces `name` so that after a crash either the old or the new bytes are there: writes
 * `name`.new, syncs it, renames, syncs `folder` (the folder that holds `name`). TALLY_FULL: the old
 * bytes are in place and nothing is left over. */
TALLY_MUST_CHECK tally_status disk_replace_file(struct disk *disk, const char *folder,
                                                const char *name, struct bytes content,
                                                struct tally_error *error);

#endif
