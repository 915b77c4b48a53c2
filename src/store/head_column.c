/*
 * head_column.c - pages that are read while they are written.
 *
 * A page is one piece of memory: a header and the arrays of its kind, laid out as struct page wants
 * them, every row absent. Writing a row is storing into its place. The first page of a column
 * grows, by copying, from 16 rows to 64, 256, 1,024 and 4,096, so that a trail of a few entries is
 * small; the others are whole. The exceptions of a page grow likewise.
 *
 * Invariants, for reading without locks:
 *   - what is published never changes and never moves; a page that was replaced stays as it was;
 *   - a page's address, and that of its exceptions, is stored (release) before the count of the
 *     entries that need it; readers take the count first (acquire);
 *   - the count of a page's exceptions is published with its rows; those of later rows are cut off
 *     by their row.
 *
 * An id column begins with codes, because session, trace and resource ids may repeat; where more
 * than half of the values so far were new, the pages from there on hold ids or plain values.
 *
 * The values are added up as they come, before anything is made of them but, where a page keeps
 * numbers or 16 bytes, those. What a segment gives back must have the same sum (seal_check.c).
 */
#include "head_column.h"

#include "value_hash.h"

#include <assert.h>

#define CAPACITY_FIRST   16u
#define CAPACITY_STEP    4u
#define EXCEPTIONS_FIRST 8u
#define PRESENT_TO_JUDGE 1024u
#define SAMPLES_OF_NEW   64u
#define VALUES_NEAR      512u /* so many of a dictionary are in the processor's cache */

struct column_page {
    enum page_kind kind;
    uint32_t capacity; /* rows */
    uint32_t *codes;
    int64_t *keys;
    uint8_t (*ids)[16];
    uint8_t *forms;
    struct bytes *values;
    _Atomic(struct page_exception *) exceptions;
    uint32_t exception_capacity;
    uint32_t exception_count; /* written */
    _Atomic uint32_t exceptions_published;
};

static uint8_t
absent_form(enum page_kind kind)
{
    return kind == PAGE_NUMBERS ? NUMBER_ABSENT : ID_ABSENT;
}

static size_t
row_size(enum page_kind kind)
{
    switch (kind) {
    case PAGE_ABSENT:
        break;
    case PAGE_CODES:
        return sizeof(uint32_t);
    case PAGE_NUMBERS:
        return sizeof(int64_t) + 1;
    case PAGE_IDS:
        return 16 + 1;
    case PAGE_VALUES:
        return sizeof(struct bytes);
    }
    return 0;
}

/* A page whose rows are absent. */
static struct column_page *
create_page(struct region *region, enum page_kind kind, uint32_t capacity)
{
    struct column_page *page = region_take(region, sizeof *page);
    uint8_t *rows = region_take(region, row_size(kind) * capacity);
    if (page == NULL || rows == NULL)
        return NULL;

    memset(page, 0, sizeof *page);
    memset(rows, 0, row_size(kind) * capacity);
    page->kind = kind;
    page->capacity = capacity;
    if (kind == PAGE_CODES)
        page->codes = (uint32_t *)rows;
    if (kind == PAGE_NUMBERS)
        page->keys = (int64_t *)rows;
    if (kind == PAGE_IDS)
        page->ids = (uint8_t(*)[16])rows;
    if (kind == PAGE_VALUES)
        page->values = (struct bytes *)rows;
    if (kind == PAGE_NUMBERS || kind == PAGE_IDS) {
        page->forms = rows + (row_size(kind) - 1) * capacity;
        memset(page->forms, absent_form(kind), capacity);
    }
    return page;
}

static void
copy_rows(struct column_page *to, const struct column_page *from)
{
    size_t rows = from->capacity;
    if (from->codes != NULL)
        memcpy(to->codes, from->codes, rows * sizeof *to->codes);
    if (from->keys != NULL)
        memcpy(to->keys, from->keys, rows * sizeof *to->keys);
    if (from->ids != NULL)
        memcpy(to->ids, from->ids, rows * sizeof *to->ids);
    if (from->forms != NULL)
        memcpy(to->forms, from->forms, rows);
    if (from->values != NULL)
        memcpy(to->values, from->values, rows * sizeof *to->values);

    to->exception_capacity = from->exception_capacity;
    to->exception_count = from->exception_count;
    atomic_init(&to->exceptions, atomic_load_explicit(&from->exceptions, memory_order_relaxed));
    atomic_init(&to->exceptions_published,
                atomic_load_explicit(&from->exceptions_published, memory_order_relaxed));
}

struct head_column *
head_column_create(struct region *region, enum field_column hint, enum column_settled settled)
{
    static const enum page_kind kinds[] = {
        [COLUMN_HINT_CODES] = PAGE_CODES,    [COLUMN_HINT_TIME] = PAGE_NUMBERS,
        [COLUMN_HINT_NUMBER] = PAGE_NUMBERS, [COLUMN_HINT_ID] = PAGE_CODES,
        [COLUMN_HINT_TEXT] = PAGE_VALUES,    [COLUMN_HINT_DIGEST] = PAGE_VALUES,
    };
    struct head_column *column = region_take(region, sizeof *column);
    if (column == NULL)
        return NULL;
    memset(column, 0, sizeof *column);
    column->hint = hint;
    column->settled = hint != COLUMN_HINT_ID || settled == COLUMN_SETTLED;
    column->kind = hint == COLUMN_HINT_ID && column->settled ? PAGE_IDS : kinds[hint];
    return column;
}

/* The kind for values that do not repeat: ids, if most of those that came are. */
static enum page_kind
kind_of_new_values(const struct head_column *column)
{
    struct bytes **chunks = atomic_load_explicit(&column->values.chunks, memory_order_relaxed);
    uint32_t count = column->values.count;
    uint32_t samples = count < SAMPLES_OF_NEW ? count : SAMPLES_OF_NEW;
    uint32_t ids = 0;
    for (uint32_t i = 0; i < samples; i++) {
        uint32_t number = (uint32_t)((uint64_t)i * count / samples);
        uint8_t id[16], form;
        ids += id_read(chunks[number / PAGE_ROWS][number % PAGE_ROWS], id, &form);
    }
    return ids > samples / 2 ? PAGE_IDS : PAGE_VALUES;
}

uint32_t
head_column_capacity(uint32_t row)
{
    uint32_t capacity = row < PAGE_ROWS ? CAPACITY_FIRST : PAGE_ROWS;
    while (capacity <= row % PAGE_ROWS)
        capacity *= CAPACITY_STEP;
    return capacity;
}

bool
head_column_reserve(struct head_column *column, struct region *region, uint32_t row)
{
    _Atomic(struct column_page *) *place = &column->pages[row / PAGE_ROWS];
    struct column_page *page = atomic_load_explicit(place, memory_order_relaxed);
    if (page == NULL || row % PAGE_ROWS < page->capacity)
        return true;
    struct column_page *larger = create_page(region, page->kind, head_column_capacity(row));
    if (larger == NULL)
        return false;
    copy_rows(larger, page);
    atomic_store_explicit(place, larger, memory_order_release);
    return true;
}

/* The page of a row, a new one if need be, with room for rows up to `last`. NULL when memory is
 * short. */
static struct column_page *
page_for(struct head_column *column, struct region *region, uint32_t row, uint32_t last)
{
    _Atomic(struct column_page *) *place = &column->pages[row / PAGE_ROWS];
    struct column_page *page = atomic_load_explicit(place, memory_order_relaxed);
    if (page != NULL)
        return page;

    if (!column->settled && column->present >= PRESENT_TO_JUDGE &&
        column->values.count > column->present / 2) {
        column->kind = kind_of_new_values(column);
        column->settled = true;
    }
    page = create_page(region, column->kind, head_column_capacity(last));
    if (page != NULL)
        atomic_store_explicit(place, page, memory_order_release);
    return page;
}

static bool
append_exception(struct column_page *page, const struct intern_memory *memory, uint32_t row,
                 struct bytes value)
{
    struct page_exception *exceptions =
        atomic_load_explicit(&page->exceptions, memory_order_relaxed);
    if (page->exception_count == page->exception_capacity) {
        uint32_t capacity =
            page->exception_count == 0 ? EXCEPTIONS_FIRST : 2 * page->exception_count;
        struct page_exception *larger = region_take(memory->lasting, capacity * sizeof *larger);
        if (larger == NULL)
            return false;
        if (page->exception_count > 0)
            memcpy(larger, exceptions, page->exception_count * sizeof *larger);
        exceptions = larger;
        page->exception_capacity = capacity;
        atomic_store_explicit(&page->exceptions, larger, memory_order_release);
    }
    struct bytes copy = region_copy(memory->text, value);
    if (copy.data == NULL)
        return false;
    exceptions[page->exception_count++] = (struct page_exception){ row, copy };
    return true;
}

static bool
put_number(struct column_page *page, enum field_column hint, const struct intern_memory *memory,
           uint32_t row, struct bytes value)
{
    page->forms[row] = number_form(hint, value, &page->keys[row]);
    return page->forms[row] != NUMBER_EXCEPTION || append_exception(page, memory, row, value);
}

/* The number of the row before, which is no exception, once more. */
static void
repeat_number(struct column_page *page, uint32_t row)
{
    page->keys[row] = page->keys[row - 1];
    page->forms[row] = page->forms[row - 1];
}

static bool
put_id(struct column_page *page, const struct intern_memory *memory, uint32_t row,
       struct bytes value)
{
    page->forms[row] = id_form(value, page->ids[row]);
    return page->forms[row] != ID_EXCEPTION || append_exception(page, memory, row, value);
}

/* Whether a value is the very bytes of the one before, as what a batch adds itself is in every row.
 */
static bool
is_same(const struct bytes *values, uint32_t i)
{
    return i > 0 && values[i].data == values[i - 1].data && values[i].size == values[i - 1].size;
}

/* Codes for values, found or made. Where there are many, their places in the dictionary are asked
 * for first: to wait for the first place of all, then the second of all, is one wait instead of
 * many. */
static bool
put_codes(struct head_column *column, const struct intern_memory *memory, uint32_t row,
          uint32_t *codes, const struct bytes *values, uint32_t count)
{
    struct intern *intern = &column->values;
    uint32_t hashes[HEAD_ROWS_AT_ONCE];
    uint32_t guesses[HEAD_ROWS_AT_ONCE] = { 0 };
    bool far = intern->count > VALUES_NEAR;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].data == NULL)
            continue;
        uint64_t hash = value_hash(memory->seed, values[i]);
        column->sum_put += value_sum(hash, row + i);
        hashes[i] = (uint32_t)hash;
        if (far)
            intern_prefetch(intern, hashes[i]);
    }
    for (uint32_t i = 0; far && i < count; i++)
        if (values[i].data != NULL)
            guesses[i] = intern_guess(intern, hashes[i]);
    for (uint32_t i = 0; far && i < count; i++)
        intern_prefetch_text(intern, guesses[i]);
    bool put = true;
    for (uint32_t i = 0; i < count && put; i++) {
        if (values[i].data == NULL)
            continue;
        if (is_same(values, i))
            codes[i] = codes[i - 1];
        else
            put = intern_code(intern, memory, values[i], hashes[i], guesses[i], &codes[i]);
    }
    return put;
}

/* A value that is not a code, and its hash. */
static bool
put_plain(const struct head_column *column, struct column_page *page,
          const struct intern_memory *memory, uint32_t row, struct bytes value, uint64_t *hash_out)
{
    bool put = true;
    bool whole = true; /* what the page keeps is the value's bytes */
    switch (page->kind) {
    case PAGE_ABSENT:
    case PAGE_CODES:
        assert(false && "a page of plain values is not one of codes");
        return false;
    case PAGE_NUMBERS:
        put = put_number(page, column->hint, memory, row, value);
        whole = page->forms[row] == NUMBER_EXCEPTION;
        if (!whole)
            *hash_out = value_hash_number(memory->seed, page->keys[row], page->forms[row]);
        break;
    case PAGE_IDS:
        put = put_id(page, memory, row, value);
        whole = page->forms[row] == ID_EXCEPTION;
        if (!whole)
            *hash_out = value_hash_id(memory->seed, page->ids[row], page->forms[row]);
        break;
    case PAGE_VALUES:
        page->values[row] = region_copy(memory->text, value);
        put = page->values[row].data != NULL;
        break;
    }
    if (whole)
        *hash_out = value_hash(memory->seed, value);
    return put;
}

bool
head_column_put(struct head_column *column, const struct intern_memory *memory, uint32_t row,
                const struct bytes *values, uint32_t count)
{
    assert(count <= HEAD_ROWS_AT_ONCE && row / PAGE_ROWS == (row + count - 1) / PAGE_ROWS);
    struct column_page *page = page_for(column, memory->lasting, row, row + count - 1);
    if (page == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        column->present += values[i].data != NULL;
    uint32_t at = row % PAGE_ROWS;
    if (page->kind == PAGE_CODES)
        return put_codes(column, memory, row, page->codes + at, values, count);
    bool put = true;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count && put; i++) {
        if (values[i].data == NULL)
            continue;
        if (is_same(values, i) && page->kind == PAGE_NUMBERS &&
            page->forms[at + i - 1] != NUMBER_EXCEPTION)
            repeat_number(page, at + i);
        else
            put = put_plain(column, page, memory, at + i, values[i], &hash);
        column->sum_put += value_sum(hash, row + i);
    }
    return put;
}

bool
head_column_put_raw(struct head_column *column, const struct intern_memory *memory, uint32_t row,
                    uint32_t last, const uint8_t id[16])
{
    struct column_page *page = page_for(column, memory->lasting, row, last);
    if (page == NULL)
        return false;
    assert(page->kind == PAGE_IDS);
    page->forms[row % PAGE_ROWS] = ID_RAW;
    memcpy(page->ids[row % PAGE_ROWS], id, 16);
    column->sum_put += value_sum(value_hash_id(memory->seed, id, ID_RAW), row);
    return true;
}

void
head_column_keep(struct head_column *column)
{
    column->sum_kept += column->sum_put;
    column->sum_put = 0;
}

static void
erase_row(struct column_page *page, uint32_t row)
{
    if (page->codes != NULL)
        page->codes[row] = 0;
    if (page->forms != NULL)
        page->forms[row] = absent_form(page->kind);
    if (page->values != NULL)
        page->values[row] = bytes_of(NULL, 0);

    const struct page_exception *exceptions =
        atomic_load_explicit(&page->exceptions, memory_order_relaxed);
    while (page->exception_count > 0 && exceptions[page->exception_count - 1].row >= row)
        page->exception_count--;
}

void
head_column_erase(struct head_column *column, uint32_t first, uint32_t end)
{
    for (uint32_t row = end; row-- > first;) {
        struct column_page *page =
            atomic_load_explicit(&column->pages[row / PAGE_ROWS], memory_order_relaxed);
        if (page != NULL)
            erase_row(page, row % PAGE_ROWS);
    }
    column->sum_put = 0;
}

void
head_column_publish(struct head_column *column, uint32_t first, uint32_t end)
{
    for (uint32_t number = first / PAGE_ROWS; number * PAGE_ROWS < end; number++) {
        struct column_page *page =
            atomic_load_explicit(&column->pages[number], memory_order_relaxed);
        if (page != NULL)
            atomic_store_explicit(&page->exceptions_published, page->exception_count,
                                  memory_order_release);
    }
    intern_publish(&column->values);
    column->sum_published = column->sum_kept;
}

void
head_column_discard(struct head_column *column, uint32_t first, uint32_t end)
{
    head_column_erase(column, first, end);
    intern_discard(&column->values);
    column->sum_kept = column->sum_published;
}

/* How many of a page's first exceptions are of rows below `rows`. */
static uint32_t
exceptions_below(const struct page_exception *exceptions, uint32_t count, uint32_t rows)
{
    while (count > 0 && exceptions[count - 1].row >= rows)
        count--;
    return count;
}

void
head_column_view(const struct head_column *column, uint32_t number, uint32_t rows,
                 enum column_view view, struct page *page_out)
{
    struct column_page *page =
        column == NULL ? NULL : atomic_load_explicit(&column->pages[number], memory_order_acquire);
    if (page == NULL) {
        *page_out = (struct page){ .kind = PAGE_ABSENT, .rows = rows };
        return;
    }
    uint32_t count = view == VIEW_WRITTEN
                         ? page->exception_count
                         : atomic_load_explicit(&page->exceptions_published, memory_order_acquire);
    const struct page_exception *exceptions =
        atomic_load_explicit(&page->exceptions, memory_order_acquire);
    *page_out = (struct page){
        .kind = page->kind,
        .rows = rows,
        .codes = page->codes,
        .keys = page->keys,
        .ids = (const uint8_t(*)[16])page->ids,
        .forms = page->forms,
        .values = page->values,
        .exceptions = exceptions,
        .exception_count = exceptions_below(exceptions, count, rows),
    };
}
