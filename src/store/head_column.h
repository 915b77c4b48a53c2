/*
 * head_column.h - one column of a head.
 *
 * One thread writes rows in ascending order; others read published rows. Rows that are never
 * written are absent, and so is all of a column that does not exist: pages come with their first
 * value.
 */
#ifndef HEAD_COLUMN_H
#define HEAD_COLUMN_H

#include "head.h"
#include "intern.h"

#define HEAD_PAGES (HEAD_ENTRIES_MAX / PAGE_ROWS)

struct column_page;

struct head_column {
    enum field_column hint;
    enum page_kind kind; /* of the pages that are begun now */
    bool settled;        /* the kind does not change any more */
    uint32_t present;    /* values written */
    /* Of what was put since head_column_keep(), of what is kept, and of what is published. */
    uint64_t sum_put, sum_kept, sum_published;
    struct intern values;
    _Atomic(struct column_page *) pages[HEAD_PAGES];
};

/* How a column begins: PAGE_CODES for an id column too, until its values turn out not to repeat,
 * unless `settled` says that it must be PAGE_IDS from the start. NULL when memory is short. */
enum column_settled {
    COLUMN_OPEN,
    COLUMN_SETTLED,
};
struct head_column *head_column_create(struct region *region, enum field_column hint,
                                       enum column_settled settled);

/* The rows that the page of row `row` has room for, once there is room for that. */
uint32_t head_column_capacity(uint32_t row);

/* Makes room for row `row` of the head in the page that it falls into, if there is one: for every
 * column before a row is written in any, so that all may be read as far as the head goes. */
bool head_column_reserve(struct head_column *column, struct region *region, uint32_t row);

/* Writes the values of `count` rows from `row` on, HEAD_ROWS_AT_ONCE at most, all in one page;
 * those that are absent are left so. False when memory is short; then head_column_erase() the rows.
 */
bool head_column_put(struct head_column *column, const struct intern_memory *memory, uint32_t row,
                     const struct bytes *values, uint32_t count);

/* Writes 16 raw bytes into a column of ids; rows up to `last`, in the same page, will follow. */
bool head_column_put_raw(struct head_column *column, const struct intern_memory *memory,
                         uint32_t row, uint32_t last, const uint8_t id[16]);

/* What was put since the last time is counted in, when every column has it. */
void head_column_keep(struct head_column *column);

/* Makes rows [first, end), which are not published, absent again; what is not kept is forgotten. */
void head_column_erase(struct head_column *column, uint32_t first, uint32_t end);

/* Publishes rows [first, end) to those who then learn of `end`; or forgets what is not published.
 */
void head_column_publish(struct head_column *column, uint32_t first, uint32_t end);
void head_column_discard(struct head_column *column, uint32_t first, uint32_t end);

/* What a reader may look at, and the writer. */
enum column_view {
    VIEW_PUBLISHED,
    VIEW_WRITTEN,
};
/* Page `number` as far as `rows` of it; `column` may be NULL. */
void head_column_view(const struct head_column *column, uint32_t number, uint32_t rows,
                      enum column_view view, struct page *page_out);

#endif
