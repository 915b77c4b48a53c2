/*
 * run.h - a run of consecutive entries in columns, to be read: a segment or a head.
 *
 * Verification, queries, exports and the sealer read entries through this one interface. A reader
 * belongs to one thread and holds the decoded pages it handed out last; readers of one run are
 * independent of each other. Memory of a reader is bounded: one decoded page a column.
 */
#ifndef RUN_H
#define RUN_H

#include "counts.h"
#include "number_search.h"
#include "run_meter.h"
#include "tally/hash.h"
#include "tally/status.h"
#include "words.h"

struct head;
struct segment;
struct token_sought;

/* Exactly one of `head` and `segment` is set; lent by whoever made the run (a snapshot). */
struct run {
    uint64_t first;             /* index of its first entry */
    uint32_t count;             /* of entries, as of the snapshot; at least 1 */
    int64_t time_min, time_max; /* of the entries' order (the earlier of timestamp and received) */
    struct head *head;
    struct segment *segment;
};

struct run_reader;

TALLY_MUST_CHECK tally_status run_reader_create(const struct run *run,
                                                struct run_reader **reader_out,
                                                struct tally_error *error);
void run_reader_destroy(struct run_reader *reader); /* NULL is allowed */

/* What the reader has read so far of its segment's files; lent until the reader goes. A segment's
 * files are opened, and what is common to its readers is read, by the first that needs it. */
const struct run_meter *run_meter(const struct run_reader *reader);

/* Rows are 0-based within the run; page p holds rows [p * PAGE_ROWS, …) and page->rows of them. */
static inline uint32_t
run_page_count(const struct run *run)
{
    return (run->count + PAGE_ROWS - 1) / PAGE_ROWS;
}

/* A page of a field's column; lent until the next run_page() of the same reader and field, or
 * run_entry(), run_find_id() or run_times() of the same reader for another page. */
TALLY_MUST_CHECK tally_status run_page(struct run_reader *reader, enum field_id field,
                                       uint32_t page, struct page *page_out,
                                       struct tally_error *error);

/* The dictionary of a field whose pages are PAGE_CODES; lent until the reader goes. */
TALLY_MUST_CHECK tally_status run_dictionary(struct run_reader *reader, enum field_id field,
                                             struct dictionary *dictionary_out,
                                             struct tally_error *error);
/* How many values it has. */
TALLY_MUST_CHECK tally_status run_value_count(struct run_reader *reader, enum field_id field,
                                              uint32_t *count_out, struct tally_error *error);
/* The code of `value` in that dictionary, or 0; of a segment's only what leads to it is read. */
TALLY_MUST_CHECK tally_status run_code(struct run_reader *reader, enum field_id field,
                                       struct bytes value, uint32_t *code_out,
                                       struct tally_error *error);

/* Codes from `first` to `last`; 0 is that of an absent row. */
struct code_range {
    uint32_t first, last;
};

/* The codes of the values that begin with `prefix`, 0 to 0 where there are none. Of a segment only: a
 * head's values stand as they came. */
TALLY_MUST_CHECK tally_status run_codes_prefixed(struct run_reader *reader, enum field_id field,
                                                 struct bytes prefix, struct code_range *range_out,
                                                 struct tally_error *error);

/* Adds to `out` those of `among`, all of them rows of the page, whose code is in the range. Nothing is
 * decoded. For fields and pages that run_page() gives as PAGE_CODES or PAGE_ABSENT. */
TALLY_MUST_CHECK tally_status run_codes_in(struct run_reader *reader, enum field_id field,
                                           uint32_t page, const struct code_range *range,
                                           const struct row_set *among, struct row_set *out,
                                           struct tally_error *error);

/* Adds to search->found those of search->among, all of them rows of the page, that are within one of
 * the ranges, and to search->exceptions those whose values are to be looked at. For fields and pages
 * that run_page() gives as PAGE_NUMBERS or PAGE_ABSENT. */
TALLY_MUST_CHECK tally_status run_numbers_in(struct run_reader *reader, enum field_id field,
                                             uint32_t page, const struct number_search *search,
                                             struct tally_error *error);

/* What is known of a page without decoding it (page.h). In a snapshot of an older size a segment's
 * last page may have rows that the run has not: the summary is of all of them. */
TALLY_MUST_CHECK tally_status run_page_summary(struct run_reader *reader, enum field_id field,
                                               uint32_t page, struct page_summary *summary_out,
                                               struct tally_error *error);

/* A field's value in one row, absent as { NULL, 0 }: lent until the next call on the same reader
 * and field. Of a column of text only the block with the row is decoded. */
TALLY_MUST_CHECK tally_status run_value(struct run_reader *reader, enum field_id field,
                                        uint32_t row, struct bytes *value_out,
                                        struct tally_error *error);

/* Takes out of `rows`, all of them rows of the page, some whose value of the field has `sought` nowhere
 * in it, as far as that is soon told: of columns of text in a segment. `sought` is not empty. */
TALLY_MUST_CHECK tally_status run_narrow_text(struct run_reader *reader, enum field_id field,
                                              uint32_t page, struct bytes sought,
                                              struct row_set *rows, struct tally_error *error);

/* Where one of the tokens (token.h) may be: of those of members blocks, of others whole pages; pages
 * beyond the 64th are not told of and may. All places are where nothing can be said: of a head, of a
 * field that is not covered, and where the segment's index file cannot be used. */
TALLY_MUST_CHECK tally_status run_find_tokens(struct run_reader *reader,
                                              const struct token_sought *tokens, size_t count,
                                              struct places *places_out, struct tally_error *error);

/* For each of the `wanted` fields where a value with the words (words.h) may be; pages beyond the 64th
 * are not told of and may have one. All places are where nothing can be said: of a head, and where
 * the segment's index file cannot be used. The others of `places_out` are as they were. */
TALLY_MUST_CHECK tally_status run_find_words(struct run_reader *reader, uint64_t wanted,
                                             const struct word_question *question,
                                             struct places places_out[FIELD_COUNT],
                                             struct tally_error *error);

/* The order times of a page's rows (the earlier of timestamp and received, ns since 1970), lent
 * until the next call. */
TALLY_MUST_CHECK tally_status run_times(struct run_reader *reader, uint32_t page,
                                        const int64_t **times_out, uint32_t *rows_out,
                                        struct tally_error *error);
/* The same of the `wanted` rows of the page only, of the others nothing is said: of a segment little
 * more is decoded than these. */
TALLY_MUST_CHECK tally_status run_times_of(struct run_reader *reader, uint32_t page,
                                           const struct row_set *wanted, const int64_t **times_out,
                                           struct tally_error *error);
/* The least and greatest of a page, without decoding. Of a run's last page they may be those of rows
 * behind the run. */
TALLY_MUST_CHECK tally_status run_time_range(struct run_reader *reader, uint32_t page,
                                             int64_t *minimum_out, int64_t *maximum_out,
                                             struct tally_error *error);

/* One entry whole. Views are lent until the next call on the same reader. */
struct run_entry {
    uint64_t index;
    bool erased;      /* its private part and salt are gone */
    bool control;     /* a control entry */
    uint8_t salt[16]; /* zeros where erased */
    uint8_t commitment[32];
    struct tally_hash leaf;
    struct bytes public_part;
    struct bytes private_part;        /* empty where erased */
    struct bytes values[FIELD_COUNT]; /* every field's value, both halves; absent where erased */
};
/* Reading rows in ascending order decodes each page once. With RUN_VALUES, public_part and
 * private_part are empty, and salt, commitment and leaf are not there, which is much faster. RUN_STREAM
 * gives what RUN_PARTS gives and computes that of some rows ahead with it: for reading many in order. */
enum run_want {
    RUN_VALUES,
    RUN_PARTS,
    RUN_STREAM,
};
TALLY_MUST_CHECK tally_status run_entry(struct run_reader *reader, uint32_t row, enum run_want want,
                                        struct run_entry *entry_out, struct tally_error *error);

/* What verifying wants of some rows, which are put together side by side. Lent until the next call on
 * the same reader. */
struct run_leaves {
    uint32_t count;                  /* of rows, from the one asked for on */
    const struct tally_hash *leaves; /* `count` of each */
    const bool *erased;
    const struct bytes *controls; /* the member `control`; absent where it is no control entry */
};
/* From `row` on, as many as can be had at once, at least one: a row that is damaged is come to as the
 * first, and the fault is its own. */
TALLY_MUST_CHECK tally_status run_leaves(struct run_reader *reader, uint32_t row,
                                         struct run_leaves *leaves_out, struct tally_error *error);

/* The last row with this id, or TALLY_ABSENT; through the run's id index or, where a segment's
 * index file is missing or damaged, by looking at every id. */
TALLY_MUST_CHECK tally_status run_find_id(struct run_reader *reader, struct bytes id,
                                          uint32_t *row_out, struct tally_error *error);

/* The same for many ids, at which a run without an index is looked through once. */
#define RUN_NO_ROW UINT32_MAX
struct run_id {
    struct bytes id;
    uint32_t row; /* set: the last row with it, or RUN_NO_ROW */
};
TALLY_MUST_CHECK tally_status run_find_ids(struct run_reader *reader, struct run_id *ids,
                                           size_t count, struct tally_error *error);

/* How often each value of a field occurs in a run, control entries apart, as its segment's index
 * knows; FIELD_COUNT: how many entries there are, each counted as if it had no value. Lent until the
 * next call on the same reader, and the items are the caller's to change. TALLY_ABSENT where it is
 * not known: of heads, of some fields, in a snapshot that ends within the segment, where the index
 * file cannot be used. */
struct run_counts {
    struct counts_periods periods;
    enum counts_way way; /* periods are told apart only where hourly */
    uint32_t value_count;
    size_t item_count;
    struct counts_item *items;
};
TALLY_MUST_CHECK tally_status run_counts(struct run_reader *reader, enum field_id field,
                                         struct run_counts *counts_out, struct tally_error *error);

static inline uint64_t
run_counts_total(const struct run_counts *counts)
{
    uint64_t total = 0;
    for (size_t i = 0; i < counts->item_count; i++)
        total += counts->items[i].count;
    return total;
}

#endif
