/*
 * journal_reader.h - a journal being read back: what journal_read.c and journal_rest.c share.
 */
#ifndef JOURNAL_READER_H
#define JOURNAL_READER_H

#include "buffer.h"
#include "journal_file.h"

/* An open file and the part of it that is in memory. */
struct journal_window {
    struct disk_file *file;
    uint64_t number;
    uint64_t size;   /* of the file */
    size_t reach;    /* bytes to be read at once next time */
    uint64_t offset; /* of what is in `bytes` */
    struct buffer bytes;
};

struct journal_reader {
    struct trail_place place;
    uint32_t seed;
    journal_visitor visitor;
    void *context;
    bool stopped; /* by the visitor */
    struct journal_window window;
    struct journal_numbers numbers;

    struct journal_position next; /* its file: where the last good record stands, or the first */
    uint64_t offset;              /* behind the last good record, in that file */
    uint64_t last_offset;         /* of it; 0: no record read in that file */
    uint16_t last_flags;
    uint64_t ahead; /* a file passed over that begins with a later record; 0: none */
};

/* What lies beyond the end of the good records. */
struct journal_rest {
    bool successor; /* a header that makes it damage */
    uint64_t successor_file, successor_offset, successor_sequence;
    bool used_before; /* the file the end is in */
    struct journal_tail tail;
};

/* Turns to another file. TALLY_ABSENT where it is not there. */
TALLY_MUST_CHECK tally_status journal_reader_open(struct journal_reader *reader, uint64_t number,
                                                  struct tally_error *error);

/* `size` bytes at `offset`, which are within the file: lent until the next call. */
TALLY_MUST_CHECK tally_status journal_window_get(struct journal_window *window, uint64_t offset,
                                                 size_t size, const uint8_t **data_out,
                                                 struct tally_error *error);

/* Whether a header is that of the next record, wherever it stands. */
bool journal_reader_expects(const struct journal_reader *reader,
                            const struct record_header *header);

/* Looks at all that lies beyond the end of the good records: see journal_rest.c. */
TALLY_MUST_CHECK tally_status journal_rest_inspect(struct journal_reader *reader,
                                                   struct journal_rest *rest_out,
                                                   struct tally_error *error);

#endif
