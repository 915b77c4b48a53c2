/*
 * manifest.h - FOLDER/manifest: which files make up a trail, and where its journal goes on.
 *
 * Replaced as a whole, by rename, after everything it names is synced. It is small (about 100 bytes
 * a segment) and all that opening a trail reads besides checkpoint and journal. What it says of the
 * trail itself (key, private fields) is a copy of what control entries say; verification compares
 * them.
 */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "buffer.h"
#include "group.h"
#include "journal.h"
#include "segment.h"
#include "tally/note.h"
#include "tally/tree.h"

#define MANIFEST_SEGMENTS_MAX (1u << 20)

struct manifest {
    uint64_t generation;             /* counts replacements, from 1 */
    struct tally_vkey vkey;          /* of the newest key; its name is the trail's origin */
    uint64_t fields_private;         /* FIELD_BITs; in the file they are names */
    uint64_t sealed;                 /* entries in segments */
    struct journal_position journal; /* where the entries after them begin */
    struct tally_tree tree;          /* of the sealed entries */
    uint64_t erased_through;         /* erasures on record below this index are carried out */
    struct segment_info *segments;   /* owned by whoever owns the struct: manifest_free() */
    size_t count;
    struct group_info *groups; /* the same; they ascend, and each covers whole segments */
    size_t group_count;
};

void manifest_free(struct manifest *manifest); /* its lists; zeroed is allowed */

/* Reads FOLDER/manifest. TALLY_ABSENT where there is none; TALLY_DAMAGED where a byte of it is not
 * what was written or it contradicts itself (segments must join without gaps up to `sealed`, groups
 * cover whole segments, none twice, the tag in its header is trail_tag() of the origin);
 * TALLY_UNSUPPORTED for a newer version or an unknown field. The caller owns the lists. */
TALLY_MUST_CHECK tally_status manifest_read(struct disk *disk, const char *folder,
                                            struct manifest *manifest_out,
                                            struct tally_error *error);

/* Replaces it, durable when it returns TALLY_OK. After TALLY_FULL the old one is there unchanged;
 * after another fault it may be either. */
TALLY_MUST_CHECK tally_status manifest_write(struct disk *disk, const char *folder,
                                             const struct manifest *manifest,
                                             struct tally_error *error);

/* The bytes of the file, and back: decode(encode(m)) is m. `name` is for messages; status as for
 * manifest_read(). */
void manifest_encode(const struct manifest *manifest, struct buffer *out);
TALLY_MUST_CHECK tally_status manifest_decode(struct bytes file, const char *name,
                                              struct manifest *manifest_out,
                                              struct tally_error *error);

/* The tag that binds every file to its trail: the first 16 bytes of
 * SHA-256("tally/trail/v1\0" || origin). */
void trail_tag(const char *origin, uint8_t tag[16]);

#endif
