/*
 * segment_oracle.h - for tests of segments: what every reader must give, held against the entries that
 * a head was filled from.
 *
 * The oracle is the list of entries: every reader of the head, of the segment and of the segment after
 * an erasure must give exactly those values and those bytes. What differs fails the test (cmocka).
 */
#ifndef SEGMENT_ORACLE_H
#define SEGMENT_ORACLE_H

#include "segment_fixture.h"

/* What the last fault said, for assert_ok(). */
extern struct tally_error error;
void assert_ok(tally_status status);

/* Sizes around every boundary: of blocks, of pages, of buckets. */
struct shape {
    enum sample_style style;
    uint32_t count;
};
#define SHAPES 15
extern const struct shape shapes[SHAPES];

/* One entry, as it was asked for. */
void check_entry(struct run_reader *reader, const struct sample *sample, uint32_t row,
                 enum run_want want);

/* Everything that a reader can be asked for, in several orders. */
void check_run(const struct run *run, const struct sample *sample);

/* Opens the segment, checks it and reads all of it. */
void check_segment(struct disk *disk, const struct segment_info *info, const struct sample *sample);

/* Writes the sample's entries as a segment. */
struct segment_info seal(struct disk *disk, const struct sample *sample);

#endif
