/*
 * segment_write.h - one file of columns out of a run: what sealing and erasing share.
 */
#ifndef SEGMENT_WRITE_H
#define SEGMENT_WRITE_H

#include "run_column.h"
#include "segment.h"
#include "segment_file.h"

/* Rows whose private part is to be left out. */
struct erasure;

/* What goes into a file: the columns of one half as the reader gives them, without the erasure's
 * rows (NULL: with all). */
struct half_source {
    enum field_half half;
    struct run_reader *reader;
    struct erasure *erasure;
};

/* Writes and syncs the file of the segment that `info` names, which then has its size and CRC; the
 * folder is not synced. */
TALLY_MUST_CHECK tally_status segment_half_write(const struct trail_place *place,
                                                 const struct half_source *source,
                                                 struct segment_info *info,
                                                 struct tally_error *error);

/* Erases in place: makes `page`, a page of `column`, one without the erasure's rows. What the page
 * points to is lent until the next call with the same erasure. */
TALLY_MUST_CHECK tally_status erasure_apply(struct erasure *erasure, unsigned column, uint32_t page,
                                            struct page *page_in_out, struct tally_error *error);

#endif
