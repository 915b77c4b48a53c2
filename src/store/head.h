/*
 * head.h - the newest entries of a trail, in columns, in memory.
 *
 * One thread appends; any number read, without locks, below the count they have seen: pages,
 * dictionary chunks and text never move once written, and the count is published last (release). A
 * head never exceeds HEAD_ENTRIES_MAX entries; before that, or when head_memory() says so, it is
 * sealed.
 */
#ifndef HEAD_H
#define HEAD_H

#include "page.h"
#include "tally/hash.h"
#include "tally/status.h"

#define HEAD_ENTRIES_MAX 262144u

struct head;

/* What a head needs to know of an entry. Copied. */
struct head_entry {
    const struct bytes
        *values;         /* FIELD_COUNT of them, as in run.h; that of `private` is not kept */
    const uint8_t *salt; /* 16 bytes */
};

/* `fields_private` has bit 1 << field set for each field of the private half. */
TALLY_MUST_CHECK tally_status head_create(uint64_t first, uint64_t fields_private,
                                          struct head **head_out, struct tally_error *error);
/* Readers share it: the last release frees it. */
void head_retain(struct head *head);
void head_release(struct head *head); /* NULL is allowed */

/* Appends `count` rows; there is room for them below HEAD_ENTRIES_MAX. On TALLY_NO_MEMORY some of
 * them, HEAD_ROWS_AT_ONCE at a time, may be there, for head_discard(); less than so many are all
 * there or none. Appended rows are not seen by readers until head_publish(). */
#define HEAD_ROWS_AT_ONCE 32u
TALLY_MUST_CHECK tally_status head_append(struct head *head, const struct head_entry *entries,
                                          uint32_t count, struct tally_error *error);
void head_publish(struct head *head);
/* Takes back what was appended and not published. */
void head_discard(struct head *head);

uint64_t head_first(const struct head *head);
uint64_t head_fields_private(const struct head *head);
uint32_t head_count(const struct head *head); /* published */
size_t head_memory(const struct head *head);  /* bytes allocated */

/* Bounds of the order times (the earlier of timestamp and received) of all published rows; they may
 * cover a row more than a count seen before. An empty head has none: INT64_MAX and INT64_MIN. */
void head_time_range(const struct head *head, int64_t *minimum_out, int64_t *maximum_out);

/* The same of the rows of one page, which must have some. */
void head_page_time_range(const struct head *head, uint32_t page, int64_t *minimum_out,
                          int64_t *maximum_out);

/* A page of published rows below `count` (a count seen before, which must reach into the page; the
 * writer's thread may count appended rows too), and a dictionary to read it with: of all values so
 * far, whether or not a row below `count` has them. Lent as long as the head is retained. */
void head_page(const struct head *head, enum field_id field, uint32_t page, uint32_t count,
               struct page *page_out);
void head_salt_page(const struct head *head, uint32_t page, uint32_t count, struct page *page_out);
void head_dictionary(const struct head *head, enum field_id field,
                     struct dictionary *dictionary_out);

/* The code of `value` in a dictionary that head_dictionary() gave for this field, or 0. */
uint32_t head_code(const struct head *head, enum field_id field,
                   const struct dictionary *dictionary, struct bytes value);

/* The sum of a column's published values as they came (value_hash.h, with head_seed()), whatever
 * the head made of them; `column` is a field, or FIELD_COUNT for the salts. For the sealer, when
 * nothing is appended any more. */
uint64_t head_sum(const struct head *head, unsigned column);
uint64_t head_seed(const struct head *head);

/* The newest row below `count` that has this id: readers pass a count they saw; the writer's thread
 * may pass UINT32_MAX, for all that is appended. TALLY_ABSENT where none. */
tally_status head_find_id(const struct head *head, struct bytes id, uint32_t count,
                          uint32_t *row_out);

#endif
