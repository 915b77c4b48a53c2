/*
 * segment_harm.h - a small segment on a simulated disk, whose files are harmed, and what its check says
 * then.
 *
 * What cannot happen fails the test (cmocka).
 */
#ifndef SEGMENT_HARM_H
#define SEGMENT_HARM_H

#include "disk_sim.h"
#include "segment_fixture.h"
#include "segment_read.h"

/* What the last fault said, for assert_ok(). */
extern struct tally_error error;
void assert_ok(tally_status status);

/* Its files: the public one, the private one, the index. */
extern const char *const names[3];

/* A segment of 40 entries from index `first` on (5, for the names to be right), with a file of every
 * kind of block. */
struct disk *make_segment(uint64_t seed, const uint8_t tag[16], uint64_t first,
                          struct segment_info *info);

/* As segment_check(), of all of it. */
tally_status check(struct disk *disk, const struct segment_info *info, bool *index_only);

/* The check fails and names this file first. */
void assert_found(struct disk *disk, const struct segment_info *info, unsigned file,
                  tally_status status, const char *what);

/* The whole of a file, which the caller frees, and another one in its place. */
struct bytes file_read(struct disk *disk, const char *name);
void file_replace(struct disk *disk, const char *name, struct bytes content);

#endif
