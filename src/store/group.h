/*
 * group.h - which of some consecutive segments may have a token: one file for up to 64 of them.
 *
 *     segments/FIRST.group.GEN
 *
 * FIRST is the first entry's index and GEN the generation (from 1), in 16 and 8 hexadecimal digits.
 * One read of one block answers for all its segments. The bytes are in docs/format.md. A group is
 * derived and outside the trust path: without it, or with one that is damaged, every question is
 * answered the same, by looking at more segments.
 */
#ifndef GROUP_H
#define GROUP_H

#include "group_filter.h"
#include "run_meter.h"
#include "token.h"
#include "trail_place.h"

#define GROUP_NAME_MAX 160

/* A manifest that says more was not written by us; what is left is more than is ever needed. */
#define GROUP_GENERATION_MAX UINT32_C(0xf0000000)

/* What the manifest says of a group. */
struct group_info {
    uint64_t first;      /* index of its first segment's first entry */
    uint32_t generation; /* 1 to GROUP_GENERATION_MAX; every file of a trail has its own */
    uint32_t segments;   /* 1 to GROUP_COLUMNS_MAX */
    uint64_t size;       /* of the file */
    uint32_t crc;        /* of all of it */
};

/* The name of its file, relative to the disk. */
void group_name(const char *folder, const struct group_info *info, char name_out[GROUP_NAME_MAX]);

struct group;

/* Nothing is read before it is asked. The caller holds the first reference; folder and tag are
 * copied. */
TALLY_MUST_CHECK tally_status group_create(const struct trail_place *place,
                                           const struct group_info *info, struct group **group_out,
                                           struct tally_error *error);
void group_retain(struct group *group);
void group_release(struct group *group); /* NULL is allowed */

const struct group_info *group_get_info(const struct group *group);

/* The segments that may have one of the tokens, a bit each, the first one's the lowest. All where
 * the file cannot be used, or does not cover a token's field. Thread-safe. */
TALLY_MUST_CHECK tally_status group_probe(struct group *group, const struct token_sought *tokens,
                                          size_t count, struct run_meter *meter,
                                          uint64_t *segments_out, struct tally_error *error);

/* The file open, to be gone through block by block. */
struct group_scan {
    struct disk_file *file;
    struct group_info info;
    uint32_t block_count;
    uint64_t covered; /* the fields whose tokens are in it, as far as they are known */
    uint64_t offset;  /* of the first block */
    uint32_t first;   /* block in `bytes` */
    struct buffer bytes;
    char name[GROUP_NAME_MAX];
};

/* TALLY_ABSENT, TALLY_DAMAGED, TALLY_UNSUPPORTED. The caller closes it. */
TALLY_MUST_CHECK tally_status group_scan_open(struct group_scan *scan,
                                              const struct trail_place *place,
                                              const struct group_info *info,
                                              struct tally_error *error);
void group_scan_close(struct group_scan *scan); /* zeroed is allowed */

/* The rows of a block, checked, lent until the next call. Blocks are best asked for ascending. */
TALLY_MUST_CHECK tally_status group_scan_rows(struct group_scan *scan, uint32_t block,
                                              const uint8_t **rows_out, struct tally_error *error);

/* Compares the file's checksum with the manifest's. */
TALLY_MUST_CHECK tally_status group_scan_check(struct group_scan *scan, struct tally_error *error);

/* Compares a column with what its segment gives. TALLY_DAMAGED where it is another. */
TALLY_MUST_CHECK tally_status group_scan_compare(struct group_scan *scan, unsigned column,
                                                 const struct bloom *filter,
                                                 struct tally_error *error);

#endif
