/*
 * column_write.h - one column of a segment's file, from the run that has its values.
 */
#ifndef COLUMN_WRITE_H
#define COLUMN_WRITE_H

#include "codec.h"
#include "segment_directory.h"
#include "segment_write.h"

/* What the columns of a file are written with, one after the other. All of it is lent. */
struct column_tools {
    struct segment_writer *writer;
    const struct half_source *source;
    struct codec_workspace *workspace;
    struct buffer *encoded; /* empty between columns */
};

/* Appends the column (enum field_id or COLUMN_SALT) to the file and to its directory; one without
 * values is left out. */
TALLY_MUST_CHECK tally_status column_write(const struct column_tools *tools, unsigned column,
                                           struct segment_directory *directory,
                                           struct tally_error *error);

#endif
