/*
 * journal_record.h - the bytes of a journal: the header of a file, a record's header, entries.
 * Pure.
 *
 * The byte tables are in docs/format.md, section Journal.
 */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include "journal.h"

#define JOURNAL_HEADER_SIZE 64u /* of a file: its first record stands here */
#define RECORD_HEADER_SIZE  48u
#define RECORD_ALIGNMENT    8u

/* The first bytes of a record. None of them can stand in UTF-8 text, and none is zero. */
#define RECORD_MAGIC "\xf5\xc1\xfb\xc0\xf9\xfe\xc1\xf8"

enum record_flags {
    RECORD_FILE_USED_BEFORE = 1, /* the file was recycled: beyond may be remains of old records */
};

struct record_header {
    uint16_t format; /* 1 */
    uint16_t flags;
    uint32_t count;
    uint64_t sequence;
    uint64_t first;
    uint32_t body_size;
    uint32_t chain; /* `crc` of the record before it, 0 in the first */
    uint32_t body_crc;
    uint32_t crc; /* over the trail's tag and all of the above */
};

/* What the CRC of every header of a trail begins with. */
uint32_t record_seed(const uint8_t tag[16]);

/* Sets `format` and `crc` in *header as well. */
void record_header_encode(struct record_header *header, uint32_t seed,
                          uint8_t out[RECORD_HEADER_SIZE]);

/* False where these bytes are no header of this trail. The format may be newer than ours. */
bool record_header_decode(const uint8_t bytes[RECORD_HEADER_SIZE], uint32_t seed,
                          struct record_header *header_out);

/* The bytes a record takes in its file. */
static inline uint64_t
record_span(uint64_t body_size)
{
    return (RECORD_HEADER_SIZE + body_size + RECORD_ALIGNMENT - 1) &
           ~(uint64_t)(RECORD_ALIGNMENT - 1);
}

/* Whether a body is `count` whole entries. */
bool record_body_valid(struct bytes body, uint32_t count);

void journal_header_encode(const uint8_t tag[16], uint64_t size, uint8_t out[JOURNAL_HEADER_SIZE]);

/* TALLY_DAMAGED where the bytes are no header of a file of this trail and size; TALLY_UNSUPPORTED
 * where a newer version wrote it. `name` is for messages. */
TALLY_MUST_CHECK tally_status journal_header_check(const uint8_t bytes[JOURNAL_HEADER_SIZE],
                                                   const uint8_t tag[16], uint64_t size,
                                                   const char *name, struct tally_error *error);

#endif
