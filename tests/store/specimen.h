/*
 * specimen.h - a small closed trail to be damaged, and what must hold of whatever is left of it.
 *
 * Three or more segments, entries with erased private parts among them, and a head in the journal;
 * the checkpoint covers everything. Damage it through its disk (disk_sim_poke() and the like), or a
 * copy of it.
 */
#ifndef SPECIMEN_H
#define SPECIMEN_H

#include "fixture.h"

#define SPECIMEN_ENTRIES_MAX 2000u
#define SPECIMEN_FILES_MAX   32u
#define SPECIMEN_NAME_SIZE   128u

enum specimen_kind {
    SPECIMEN_JOURNAL,
    SPECIMEN_PUBLIC,
    SPECIMEN_PRIVATE,
    SPECIMEN_INDEX,
    SPECIMEN_GROUP,
    SPECIMEN_TREE,
    SPECIMEN_CHECKPOINT,
    SPECIMEN_MANIFEST,
    SPECIMEN_KINDS,
};

struct specimen_file {
    char name[SPECIMEN_NAME_SIZE];
    enum specimen_kind kind;
};

struct specimen {
    struct disk *disk;
    uint64_t size;
    uint64_t erased;
    struct tally_hash leaves[SPECIMEN_ENTRIES_MAX];
    bool is_erased[SPECIMEN_ENTRIES_MAX];
    struct tally_checkpoint checkpoint; /* the newest, of `size` */
    struct tally_vkey vkey;
    struct specimen_file files[SPECIMEN_FILES_MAX]; /* every one in use, but the lock and the key */
    size_t file_count;
};

/* The trail "main" of this origin, with segments of `segment_size` entries each. */
struct specimen *specimen_create(const char *origin, uint32_t segment_size);
void specimen_destroy(struct specimen *specimen);

/* Opens a damaged copy for writing and for reading, and closes the disk. Fails the process unless
 * opening is refused, or everything that the checkpoint covers is there and each entry that can be
 * read is the one that was recorded. */
void specimen_open_damaged(const struct specimen *specimen, struct disk *copy);

/* Whether a report names a file of the trail or an entry, one of `names`. */
bool specimen_named(const struct verify_report *report, const char *name);

/* The bytes of a file; the caller frees them. */
uint8_t *specimen_read(struct disk *disk, const char *name, size_t *size_out);
/* Puts a file of these bytes in the place of whatever has the name. */
void specimen_write(struct disk *disk, const char *name, const void *data, size_t size);

#endif
