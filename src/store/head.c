/*
 * head.c - the entries that are in no segment yet.
 *
 * A head is a column for each field that any entry had, one for the salts, and a lookup from ids to
 * rows. Columns are made when their first value comes. Memory is two regions: one of pages, lists
 * and tables, which only grows until the head goes; one of the values' bytes, which goes back to
 * the last publication when rows are discarded. Together with pages that grow from 16 rows, a head
 * of one entry takes some kilobytes, so that a thousand quiet trails can be open.
 *
 * The writer's order: rows into columns, ids into the lookup, then head_publish(): the columns' own
 * counts first and the head's last (release). A reader takes the head's count (acquire) and never
 * looks at rows from there on, so whatever the writer is doing there is not its concern. No reader
 * ever waits.
 *
 * Nothing here survives a crash: the journal has it all, and a head is filled again from that.
 */
#include "head.h"

#include "fault.h"
#include "head_column.h"
#include "random.h"
#include "time_bounds.h"
#include "value_hash.h"

#include <assert.h>
#include <stdlib.h>

struct head {
    _Atomic uint32_t references;
    _Atomic uint32_t published;
    uint32_t appended;
    uint32_t reserved; /* rows of page 0 that every column in it has room for */
    uint64_t first;
    uint64_t fields_private;
    uint64_t seed;
    struct region lasting;
    struct region text;
    struct region_mark text_mark; /* at the last publication */
    _Atomic size_t memory;
    struct time_bounds published_times; /* or of more rows */
    struct time_bounds appended_times;
    struct time_bounds page_times[HEAD_PAGES]; /* of appended rows */
    struct lookup ids;                         /* numbers are rows */
    _Atomic(struct head_column *) columns[FIELD_COUNT];
    _Atomic(struct head_column *) salts;
};

tally_status
head_create(uint64_t first, uint64_t fields_private, struct head **head_out,
            struct tally_error *error)
{
    struct head *head = calloc(1, sizeof *head);
    if (head == NULL)
        return memory_fault(error);
    atomic_init(&head->references, 1);
    atomic_init(&head->memory, sizeof *head);
    const struct time_bounds none = TIME_BOUNDS_EMPTY;
    time_bounds_copy(&head->published_times, &none);
    time_bounds_copy(&head->appended_times, &none);
    for (unsigned page = 0; page < HEAD_PAGES; page++)
        time_bounds_copy(&head->page_times[page], &none);
    head->first = first;
    head->fields_private = fields_private;
    random_bytes(&head->seed, sizeof head->seed);
    *head_out = head;
    return TALLY_OK;
}

void
head_retain(struct head *head)
{
    atomic_fetch_add_explicit(&head->references, 1, memory_order_relaxed);
}

void
head_release(struct head *head)
{
    if (head == NULL || atomic_fetch_sub_explicit(&head->references, 1, memory_order_acq_rel) > 1)
        return;
    region_finish(&head->lasting);
    region_finish(&head->text);
    free(head);
}

static struct intern_memory
memory_of(struct head *head)
{
    return (struct intern_memory){ &head->lasting, &head->text, head->seed };
}

/* Columns by number: those of the fields, then the salts. For the writer. */
#define COLUMN_COUNT (FIELD_COUNT + 1)

static struct head_column *
column_numbered(struct head *head, unsigned number)
{
    return atomic_load_explicit(number == FIELD_COUNT ? &head->salts : &head->columns[number],
                                memory_order_relaxed);
}

/* Every column has room for `row`: they are read as far as the head goes, written there or not. */
static bool
reserve_row(struct head *head, uint32_t row)
{
    if (row < head->reserved || row >= PAGE_ROWS)
        return true;
    for (unsigned number = 0; number < COLUMN_COUNT; number++) {
        struct head_column *column = column_numbered(head, number);
        if (column != NULL && !head_column_reserve(column, &head->lasting, row))
            return false;
    }
    head->reserved = head_column_capacity(row);
    return true;
}

/* The column at `place`, made if need be. NULL when memory is short. */
static struct head_column *
column_at(struct head *head, _Atomic(struct head_column *) *place, enum field_column hint,
          enum column_settled settled)
{
    struct head_column *column = atomic_load_explicit(place, memory_order_relaxed);
    if (column == NULL) {
        column = head_column_create(&head->lasting, hint, settled);
        atomic_store_explicit(place, column, memory_order_release);
    }
    return column;
}

/* The values of one field in some rows. Of the next field they are asked for meanwhile: an
 * application's text comes from wherever another thread has read it to. False when memory is short.
 */
static bool
put_field(struct head *head, unsigned field, uint32_t row, const struct head_entry *entries,
          uint32_t count)
{
    struct bytes values[HEAD_ROWS_AT_ONCE];
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = entries[i].values[field];
        any |= values[i].data != NULL;
        if (field + 1 < FIELD_COUNT)
            __builtin_prefetch(entries[i].values[field + 1].data);
    }
    if (!any || field == FIELD_PRIVATE)
        return true;
    const struct intern_memory memory = memory_of(head);
    struct head_column *column = column_at(head, &head->columns[field], fields[field].column,
                                           field == FIELD_ID ? COLUMN_SETTLED : COLUMN_OPEN);
    return column != NULL && head_column_put(column, &memory, row, values, count);
}

static bool
put_salts(struct head *head, uint32_t row, const struct head_entry *entries, uint32_t count)
{
    const struct intern_memory memory = memory_of(head);
    struct head_column *column = column_at(head, &head->salts, COLUMN_HINT_ID, COLUMN_SETTLED);
    bool put = column != NULL;
    for (uint32_t i = 0; i < count && put; i++)
        put = head_column_put_raw(column, &memory, row + i, row + count - 1, entries[i].salt);
    return put;
}

/* Enters the rows under their ids. */
static bool
put_ids(struct head *head, const struct head_entry *entries, uint32_t count)
{
    uint32_t hashes[HEAD_ROWS_AT_ONCE];
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = (uint32_t)value_hash(head->seed, entries[i].values[FIELD_ID]);
        lookup_prefetch(&head->ids, hashes[i]);
    }
    bool put = true;
    for (uint32_t i = 0; i < count && put; i++)
        put = lookup_add(&head->ids, &head->lasting, hashes[i]);
    return put;
}

/* A column at a time, so that what one row waits for in memory, the others wait for, too. */
static bool
put_rows(struct head *head, uint32_t row, const struct head_entry *entries, uint32_t count)
{
    bool put = true;
    for (unsigned field = 0; field < FIELD_COUNT && put; field++)
        put = put_field(head, field, row, entries, count);
    return put && put_salts(head, row, entries, count) && put_ids(head, entries, count);
}

static void
erase_rows(struct head *head, uint32_t first, uint32_t end)
{
    for (unsigned number = 0; number < COLUMN_COUNT; number++) {
        struct head_column *column = column_numbered(head, number);
        if (column != NULL)
            head_column_erase(column, first, end);
    }
}

static void
keep_rows(struct head *head)
{
    for (unsigned number = 0; number < COLUMN_COUNT; number++) {
        struct head_column *column = column_numbered(head, number);
        if (column != NULL)
            head_column_keep(column);
    }
}

/* The time of a written row in a column of times; INT64_MAX where it has none. */
static int64_t
written_time(const struct head *head, enum field_id field, uint32_t row)
{
    struct page page;
    head_column_view(atomic_load_explicit(&head->columns[field], memory_order_relaxed),
                     row / PAGE_ROWS, row % PAGE_ROWS + 1, VIEW_WRITTEN, &page);
    if (page.kind != PAGE_NUMBERS || page.forms[row % PAGE_ROWS] == NUMBER_ABSENT)
        return INT64_MAX;
    return page.keys[row % PAGE_ROWS];
}

static int64_t
order_time(const struct head *head, uint32_t row)
{
    int64_t sent = written_time(head, FIELD_TIMESTAMP, row);
    int64_t received = written_time(head, FIELD_RECEIVED, row);
    return sent < received ? sent : received;
}

static void
note_time(struct head *head, uint32_t row)
{
    int64_t time = order_time(head, row);
    time_bounds_widen(&head->appended_times, time);
    time_bounds_widen(&head->page_times[row / PAGE_ROWS], time);
}

/* Rows [first, end) are to go again. Who reads meanwhile finds bounds of all that is published. */
static void
forget_times(struct head *head, uint32_t first, uint32_t end)
{
    for (uint32_t page = first / PAGE_ROWS; page * PAGE_ROWS < end; page++) {
        struct time_bounds left = TIME_BOUNDS_EMPTY;
        for (uint32_t row = page * PAGE_ROWS; row < first; row++)
            time_bounds_widen(&left, order_time(head, row));
        time_bounds_copy(&head->page_times[page], &left);
    }
    time_bounds_copy(&head->appended_times, &head->published_times);
}

static void
note_memory(struct head *head)
{
    atomic_store_explicit(&head->memory, sizeof *head + head->lasting.memory + head->text.memory,
                          memory_order_relaxed);
}

static tally_status
append_rows(struct head *head, const struct head_entry *entries, uint32_t count,
            struct tally_error *error)
{
    uint32_t row = head->appended;
    assert(row + count <= HEAD_ENTRIES_MAX);

    bool done = reserve_row(head, row + count - 1);
    if (done) {
        done = put_rows(head, row, entries, count);
        if (!done) {
            erase_rows(head, row, row + count);
            lookup_truncate(&head->ids, row);
        }
    }
    note_memory(head);
    if (!done)
        return memory_fault(error);
    keep_rows(head);
    head->appended += count;
    for (uint32_t i = 0; i < count; i++)
        note_time(head, row + i);
    return TALLY_OK;
}

tally_status
head_append(struct head *head, const struct head_entry *entries, uint32_t count,
            struct tally_error *error)
{
    tally_status status = TALLY_OK;
    while (count > 0 && status == TALLY_OK) {
        uint32_t room = PAGE_ROWS - head->appended % PAGE_ROWS;
        uint32_t some = count < HEAD_ROWS_AT_ONCE ? count : HEAD_ROWS_AT_ONCE;
        some = some < room ? some : room;
        status = append_rows(head, entries, some, error);
        entries += some;
        count -= some;
    }
    return status;
}

void
head_publish(struct head *head)
{
    uint32_t first = atomic_load_explicit(&head->published, memory_order_relaxed);
    if (first == head->appended)
        return;
    for (unsigned number = 0; number < COLUMN_COUNT; number++) {
        struct head_column *column = column_numbered(head, number);
        if (column != NULL)
            head_column_publish(column, first, head->appended);
    }
    head->text_mark = region_mark(&head->text);
    time_bounds_copy(&head->published_times, &head->appended_times);
    atomic_store_explicit(&head->published, head->appended, memory_order_release);
}

void
head_discard(struct head *head)
{
    uint32_t first = atomic_load_explicit(&head->published, memory_order_relaxed);
    for (unsigned number = 0; number < COLUMN_COUNT; number++) {
        struct head_column *column = column_numbered(head, number);
        if (column != NULL)
            head_column_discard(column, first, head->appended);
    }
    lookup_truncate(&head->ids, first);
    region_return(&head->text, head->text_mark);
    forget_times(head, first, head->appended);
    head->appended = first;
    head->reserved = 0; /* a page begun from here on may be smaller than those that are there */
    note_memory(head);
}

uint64_t
head_first(const struct head *head)
{
    return head->first;
}

uint64_t
head_fields_private(const struct head *head)
{
    return head->fields_private;
}

uint32_t
head_count(const struct head *head)
{
    return atomic_load_explicit(&head->published, memory_order_acquire);
}

size_t
head_memory(const struct head *head)
{
    return atomic_load_explicit(&head->memory, memory_order_relaxed);
}

void
head_time_range(const struct head *head, int64_t *minimum_out, int64_t *maximum_out)
{
    time_bounds_get(&head->published_times, minimum_out, maximum_out);
}

void
head_page_time_range(const struct head *head, uint32_t page, int64_t *minimum_out,
                     int64_t *maximum_out)
{
    time_bounds_get(&head->page_times[page], minimum_out, maximum_out);
}

/* The rows of page `page` below `count`. */
static uint32_t
rows_of_page(uint32_t page, uint32_t count)
{
    assert(page * PAGE_ROWS < count);
    uint32_t rest = count - page * PAGE_ROWS;
    return rest < PAGE_ROWS ? rest : PAGE_ROWS;
}

/* Only the writer knows of more rows than are published. */
static enum column_view
view_for(const struct head *head, uint32_t count)
{
    bool published = count <= atomic_load_explicit(&head->published, memory_order_relaxed);
    return published ? VIEW_PUBLISHED : VIEW_WRITTEN;
}

void
head_page(const struct head *head, enum field_id field, uint32_t page, uint32_t count,
          struct page *page_out)
{
    head_column_view(atomic_load_explicit(&head->columns[field], memory_order_acquire), page,
                     rows_of_page(page, count), view_for(head, count), page_out);
}

void
head_salt_page(const struct head *head, uint32_t page, uint32_t count, struct page *page_out)
{
    head_column_view(atomic_load_explicit(&head->salts, memory_order_acquire), page,
                     rows_of_page(page, count), view_for(head, count), page_out);
}

void
head_dictionary(const struct head *head, enum field_id field, struct dictionary *dictionary_out)
{
    const struct head_column *column =
        atomic_load_explicit(&head->columns[field], memory_order_acquire);
    if (column == NULL)
        *dictionary_out = (struct dictionary){ 0 };
    else
        intern_dictionary(&column->values, dictionary_out);
}

uint32_t
head_code(const struct head *head, enum field_id field, const struct dictionary *dictionary,
          struct bytes value)
{
    const struct head_column *column =
        atomic_load_explicit(&head->columns[field], memory_order_acquire);
    if (column == NULL)
        return 0;
    return intern_find(&column->values, dictionary, value, (uint32_t)value_hash(head->seed, value));
}

uint64_t
head_seed(const struct head *head)
{
    return head->seed;
}

uint64_t
head_sum(const struct head *head, unsigned column)
{
    const struct head_column *found = atomic_load_explicit(
        column == FIELD_COUNT ? &head->salts : &head->columns[column], memory_order_acquire);
    return found == NULL ? 0 : found->sum_published;
}

static bool
row_has_id(const struct head *head, uint32_t row, struct bytes id, enum column_view view)
{
    struct page page;
    char text[PAGE_TEXT_MAX];
    head_column_view(atomic_load_explicit(&head->columns[FIELD_ID], memory_order_acquire),
                     row / PAGE_ROWS, row % PAGE_ROWS + 1, view, &page);
    struct bytes value = page_value(&page, NULL, COLUMN_HINT_ID, row % PAGE_ROWS, text);
    return value.data != NULL && bytes_equal(value, id);
}

tally_status
head_find_id(const struct head *head, struct bytes id, uint32_t count, uint32_t *row_out)
{
    enum column_view view = VIEW_PUBLISHED;
    if (count > atomic_load_explicit(&head->published, memory_order_relaxed)) {
        view = VIEW_WRITTEN; /* only the writer knows of more */
        if (count > head->appended)
            count = head->appended;
    }

    struct lookup_walk walk = lookup_begin(&head->ids, (uint32_t)value_hash(head->seed, id));
    uint32_t row;
    bool found = false;
    while (lookup_next(&walk, &row)) {
        if (row < count && (!found || row > *row_out) && row_has_id(head, row, id, view)) {
            *row_out = row;
            found = true;
        }
    }
    return found ? TALLY_OK : TALLY_ABSENT;
}
