/*
 * export.h - all entries of a selection, written to a stream in constant memory.
 *
 *     ndjson    an entry a line, as entries.h writes it; can be imported again
 *     csv       as entries.h writes it: a header, then a row an entry
 *     evidence  a line an entry, with all that proves it (evidence.h)
 *
 * In order of index. What is written depends on the selection alone, not on who asks: the command
 * line and the server give the same bytes.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "listing.h"
#include "selection.h"

enum export_format {
    EXPORT_NDJSON,
    EXPORT_CSV,
    EXPORT_EVIDENCE,
};

/* The format of this name ("ndjson", …); false where there is none. */
bool export_format_find(struct bytes name, enum export_format *format_out);
const char *export_format_name(enum export_format format);

struct export_options {
    enum export_format format;
    unsigned csv_ways; /* CSV_GUARD, CSV_SHOW */
    /* Called before each entry with how many are written and the trail's size; false ends the
     * export there, as if there were no more. NULL is allowed. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

struct export_result {
    uint64_t written;
    uint64_t
        unsigned_; /* evidence: left out, because the snapshot's checkpoint does not cover them */
};

/* Flushes the stream at the end. Where it fails midway, what was written is a part of the whole. */
TALLY_MUST_CHECK tally_status export_write(struct selection *selection,
                                           const struct export_options *options,
                                           struct stream *stream, struct export_result *result_out,
                                           struct tally_error *error);

#endif
