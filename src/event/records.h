/*
 * records.h - cut a stream of bytes into JSON records, in bounded memory.
 *
 * The shapes recognised, also one after another in one stream (files joined with cat):
 *
 *     {…}                       an object: one record, over any number of lines
 *     {…} NL {…} NL             NDJSON; LF or CRLF, empty lines
 *     {…}{…}                    concatenated objects, with or without blanks between them
 *     [{…}, {…}]                an array: its elements are the records
 *     {"Records": [{…}, …]}     an object whose first member is an array `Records` (CloudTrail):
 *                               its elements are the records, the object's other members are left
 *                               out; the same for a member anywhere in it that records_unwrap
 *                               names, also in each element of an array
 *
 * Only the structure is looked at (brackets, strings, commas and colons in their places); whether a
 * record is strict JSON is for json_scan, which reads it next. A UTF-8 byte order mark before a
 * record is skipped.
 *
 * Damage is local where lines allow it: if a record outside an array breaks off or is no object, it
 * is reported with the line where it begins, and reading goes on with the next line that can begin
 * a record. Inside an array, elements that are no objects or too large are reported and skipped;
 * broken structure there ends the array, and reading goes on after it in the same way.
 *
 *     for (;;) {
 *         status = records_next(&records, &record, &error);
 *         if (status == TALLY_OK) …                    use record.text
 *         else if (status == TALLY_INVALID) …          report error, and go on
 *         else if (status != TALLY_ABSENT) …           a fault: stop
 *         else if (ended) break;
 *         else read a chunk, then records_feed or, at its end, records_end
 *     }
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "buffer.h"
#include "tally/status.h"

/* A larger record is reported and skipped; an entry's private part could not hold it. */
#define RECORD_SIZE_MAX (2 * 1024 * 1024)

struct record {
    struct bytes text; /* from its first brace to its last */
    uint64_t line;     /* 1-based, where it begins */
};

struct records;

TALLY_MUST_CHECK tally_status records_create(struct records **records_out,
                                             struct tally_error *error);
void records_destroy(struct records *records);

/* An array of records: under `name` in an object, or in the object that its member `outer` is. */
struct record_list {
    struct bytes outer; /* empty: none */
    struct bytes name;
};

/* Says that an object with one of these arrays is the envelope of the array's elements. What stands
 * before the array in it is kept until then, so no more than a record may. The lists are lent until
 * records_destroy. Call it before the first records_feed. */
void records_unwrap(struct records *records, const struct record_list *lists, size_t count);

/* Gives the next bytes of the stream, of any number; they are copied. Call it when records_next has
 * answered TALLY_ABSENT. */
TALLY_MUST_CHECK tally_status records_feed(struct records *records, struct bytes chunk,
                                           struct tally_error *error);

/* Says that nothing follows. */
void records_end(struct records *records);

/* The next record, lent until the next call of any of these functions. TALLY_ABSENT: all that was
 * fed is used up; feed more or, after records_end, stop. TALLY_INVALID: something is no record;
 * error->line says where; call again to go on. */
TALLY_MUST_CHECK tally_status records_next(struct records *records, struct record *record_out,
                                           struct tally_error *error);

/* Turns the line of an error found in a record (counted from the record's own first line) into the
 * line of the stream. */
void record_place(const struct record *record, struct tally_error *error);

#endif
