/*
 * seal_check.c - a segment's columns, read back.
 *
 * What must be shown is that the segment gives back the very bytes that the sequencer's leaves were
 * hashed over, because the journal, which has them, is let go then. To put every entry together and
 * hash it shows just that, and costs more than writing the segment does. It is shown in two steps
 * instead:
 *
 *     values   every value of every row is the one that came. While values go into a head they are
 *              added up, a column at a time, before the head makes anything of them (head_column.c);
 *              here, all that the files give back is added up the same way, and the sums must be
 *              equal. So whatever head, dictionaries, codecs, memory and files did in between is
 *              under this check; times, numbers and ids are compared as pages keep them, which
 *              spells one text only (page.h).
 *     bytes    equal values are equal bytes. A batch writes an entry's two parts from the values that
 *              it then gives to the head, by the function that writes them anew for every reader
 *              (part_write); so there is nothing more to compare. That this is so in the trail at
 *              hand is tried: of each page 256 entries are put together, commitment and leaf, and
 *              must give the node that the tree has over them.
 *
 * Where values were read out of bytes and not bytes written from values, that is of entries that
 * came back from the journal when the trail was opened, the second step does not hold of itself:
 * all of them are put together, and the tree must be the one that was committed. The same of short
 * segments, which cost nothing.
 */
#include "seal_check.h"

#include "fault.h"
#include "meanwhile.h"
#include "run_column.h"
#include "tree_many.h"
#include "value_hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* Up to so many entries all of them are put together. */
#define FEW_ENTRIES PAGE_ROWS

/* What is known of a column so far, in the pages of one thread. */
struct column_sum {
    uint64_t sum;
    uint64_t *hashes; /* of its dictionary's values by code; NULL until a page has codes */
};

/* What one thread checks. */
struct check {
    const struct seal_claim *claim;
    struct run_reader *reader;
    uint32_t page, end; /* the pages */
    uint64_t seed;
    uint32_t whole_rows;            /* so many are put together, all of them */
    const struct tally_tree *whole; /* the tree with those */
    struct tally_tree tree;         /* as far as they were put together */
    struct column_sum columns[COLUMN_COUNT];
};

/*
 * Values.
 */

static tally_status
hash_dictionary(struct check *check, unsigned column, struct tally_error *error)
{
    struct dictionary dictionary;
    tally_status status = run_column_dictionary(check->reader, column, &dictionary, error);
    if (status != TALLY_OK)
        return status;
    uint64_t *hashes = malloc(((size_t)dictionary.count + 1) * sizeof *hashes);
    if (hashes == NULL)
        return memory_fault(error);
    hashes[0] = 0; /* absent */
    for (uint32_t code = 1; code <= dictionary.count; code++)
        hashes[code] = value_hash(check->seed, dictionary_value(&dictionary, code));
    check->columns[column].hashes = hashes;
    return TALLY_OK;
}

/* The kind of page that the head has there. */
static enum page_kind
kind_in_head(const struct check *check, unsigned column, uint32_t number)
{
    const struct head *head = check->claim->head;
    struct page page;
    if (column == COLUMN_SALT)
        head_salt_page(head, number, head_count(head), &page);
    else
        head_page(head, (enum field_id)column, number, head_count(head), &page);
    return page.kind;
}

static uint64_t
sum_codes(const struct page *page, const uint64_t *hashes, uint32_t first)
{
    uint64_t sum = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        sum += value_sum(hashes[page->codes[row]], first + row);
    return sum;
}

/* The hash of a row's value as the page keeps it; it is neither absent nor an exception. */
static uint64_t
hash_kept(const struct check *check, const struct page *page, uint32_t row)
{
    return page->kind == PAGE_IDS
               ? value_hash_id(check->seed, page->ids[row], page->forms[row])
               : value_hash_number(check->seed, page->keys[row], page->forms[row]);
}

/* Of a page that keeps numbers or ids as the head does. */
static uint64_t
sum_kept(const struct check *check, const struct page *page, uint32_t first)
{
    uint8_t absent = page->kind == PAGE_IDS ? ID_ABSENT : NUMBER_ABSENT;
    uint8_t exception = page->kind == PAGE_IDS ? ID_EXCEPTION : NUMBER_EXCEPTION;
    uint64_t sum = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        if (page->forms[row] != absent && page->forms[row] != exception)
            sum += value_sum(hash_kept(check, page, row), first + row);
    for (uint32_t i = 0; i < page->exception_count; i++)
        sum += value_sum(value_hash(check->seed, page->exceptions[i].value),
                         first + page->exceptions[i].row);
    return sum;
}

/* Of any other: value by value, as a page of the head's kind would keep it. */
static tally_status
sum_spelled(struct check *check, unsigned column, const struct page *page, uint32_t first,
            enum page_kind kind, struct tally_error *error)
{
    struct dictionary dictionary = { 0 };
    if (page->kind == PAGE_CODES) {
        tally_status status = run_column_dictionary(check->reader, column, &dictionary, error);
        if (status != TALLY_OK)
            return status;
    }
    for (uint32_t row = 0; row < page->rows; row++) {
        char text[PAGE_TEXT_MAX];
        struct bytes value = page_value(page, &dictionary, column_hint(column), row, text);
        if (value.data != NULL)
            check->columns[column].sum += value_sum(
                value_hash_as(kind, column_hint(column), check->seed, value), first + row);
    }
    return TALLY_OK;
}

static tally_status
sum_page(struct check *check, unsigned column, uint32_t number, struct tally_error *error)
{
    struct column_sum *so_far = &check->columns[column];
    uint32_t first = number * PAGE_ROWS;
    struct page page;
    tally_status status = run_column_page(check->reader, column, number, &page, error);
    if (status != TALLY_OK || page.kind == PAGE_ABSENT)
        return status;
    enum page_kind kind = kind_in_head(check, column, number);
    if (page.kind == PAGE_CODES && kind == PAGE_CODES) {
        if (so_far->hashes == NULL)
            status = hash_dictionary(check, column, error);
        if (status == TALLY_OK)
            so_far->sum += sum_codes(&page, so_far->hashes, first);
        return status;
    }
    if (page.kind == kind && (kind == PAGE_IDS || kind == PAGE_NUMBERS)) {
        so_far->sum += sum_kept(check, &page, first);
        return TALLY_OK;
    }
    return sum_spelled(check, column, &page, first, kind, error);
}

static tally_status
different(const struct check *check, struct bytes what, struct tally_error *error)
{
    const struct run *run = run_of(check->reader);
    return fault(error, TALLY_DAMAGED,
                 "%.*s over entries %" PRIu64 " to %" PRIu64
                 " as sealed is not the one that was committed",
                 BYTES_ARG(what), run->first, run->first + run->count - 1);
}

/* Of all pages: those of the two checks. */
static tally_status
compare_sums(const struct check checks[2], struct tally_error *error)
{
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        uint64_t sum = checks[0].columns[column].sum + checks[1].columns[column].sum;
        if (sum != head_sum(checks[0].claim->head, column))
            return different(&checks[0], column_name(column), error);
    }
    return TALLY_OK;
}

/*
 * Bytes.
 */

/* Puts `count` entries together, TREE_MANY_MAX at most, which must all be on one page. */
static tally_status
read_leaves(struct check *check, uint32_t row, uint32_t count, struct tally_hash *leaves,
            struct tally_error *error)
{
    for (uint32_t end = row + count; row < end;) {
        struct run_leaves some;
        tally_status status = run_leaves(check->reader, row, &some, error);
        if (status != TALLY_OK)
            return status;
        uint32_t taken = some.count < end - row ? some.count : end - row;
        memcpy(leaves, some.leaves, taken * sizeof *leaves);
        leaves += taken;
        row += taken;
    }
    return TALLY_OK;
}

/* All entries of a page. */
static tally_status
grow_tree(struct check *check, uint32_t first, uint32_t rows, struct tally_error *error)
{
    while (rows > 0) {
        struct tally_hash leaves[TREE_MANY_MAX];
        struct tally_hash node;
        size_t room = tree_many_room(&check->tree);
        uint32_t count = rows < room ? rows : (uint32_t)room;
        tally_status status = read_leaves(check, first, count, leaves, error);
        if (status != TALLY_OK)
            return status;
        (void)tree_append_many(&check->tree, leaves, count, &node);
        first += count;
        rows -= count;
    }
    return TALLY_OK;
}

/* The first 256 entries of a page over which the tree has a node. */
static tally_status
try_sample(struct check *check, uint32_t first, uint32_t rows, struct tally_error *error)
{
    uint64_t index = run_of(check->reader)->first + first;
    uint32_t skipped = (uint32_t)((HASHES_SPAN - index % HASHES_SPAN) % HASHES_SPAN);
    if (skipped + HASHES_SPAN > rows)
        return TALLY_OK;
    struct tally_hash leaves[HASHES_SPAN];
    struct tally_tree tree = { 0 };
    struct tally_hash sealed, expected;
    tally_status status = read_leaves(check, first + skipped, HASHES_SPAN, leaves, error);
    if (status != TALLY_OK)
        return status;
    (void)tree_append_many(&tree, leaves, HASHES_SPAN, &sealed);
    hashes_unsealed(check->claim->hashes, (index + skipped) / HASHES_SPAN, &expected);
    return tally_hash_equal(&sealed, &expected) ? TALLY_OK
                                                : different(check, bytes_text("the tree"), error);
}

static tally_status
compare_roots(const struct check *check, struct tally_error *error)
{
    struct tally_hash sealed, expected;
    tally_tree_root(&check->tree, &sealed);
    tally_tree_root(check->whole, &expected);
    return tally_hash_equal(&sealed, &expected) ? TALLY_OK
                                                : different(check, bytes_text("the tree"), error);
}

/* A page of every column, and then the entries whose values are decoded by that. */
static tally_status
check_page(struct check *check, uint32_t number, struct tally_error *error)
{
    const struct run *run = run_of(check->reader);
    uint32_t first = number * PAGE_ROWS;
    uint32_t rows = run->count - first < PAGE_ROWS ? run->count - first : PAGE_ROWS;
    tally_status status = TALLY_OK;
    for (unsigned column = 0; column < COLUMN_COUNT && status == TALLY_OK; column++)
        if (column != FIELD_PRIVATE)
            status = sum_page(check, column, number, error);
    if (status == TALLY_OK && first < check->whole_rows) {
        uint32_t whole = check->whole_rows - first < rows ? check->whole_rows - first : rows;
        return grow_tree(check, first, whole, error);
    }
    return status == TALLY_OK ? try_sample(check, first, rows, error) : status;
}

/* How many are to be put together, and the tree over them. */
static void
choose_whole(struct check *check)
{
    const struct seal_claim *claim = check->claim;
    uint64_t first = claim->before->size;
    bool all =
        claim->after->size - first <= FEW_ENTRIES || claim->replayed->size >= claim->after->size;
    check->whole = all ? claim->after : claim->replayed;
    if (check->whole->size > first)
        check->whole_rows = (uint32_t)(check->whole->size - first);
    check->tree = *claim->before;
}

static tally_status
check_pages(void *context, struct tally_error *error)
{
    struct check *check = context;
    tally_status status = TALLY_OK;
    for (; check->page < check->end && status == TALLY_OK; check->page++)
        status = check_page(check, check->page, error);
    return status;
}

/* Gives the second half of the pages to another thread. What is put together for the whole tree
 * stays in one: it is added in order. */
static void
share_pages(struct check checks[2], struct run_reader *second)
{
    checks[0].end = run_page_count(run_of(checks[0].reader));
    checks[1] = checks[0];
    checks[1].page = checks[1].end;
    if (second == NULL || checks[0].whole_rows > 0)
        return;
    checks[1].reader = second;
    checks[0].end = checks[1].page = checks[1].end / 2;
}

tally_status
seal_check(const struct seal_claim *claim, struct run_reader *reader, struct run_reader *second,
           struct tally_error *error)
{
    const struct run *run = run_of(reader);
    assert(run->first == head_first(claim->head) && run->count == head_count(claim->head));
    assert(run->first == claim->before->size && run->first + run->count == claim->after->size);
    struct check *checks = calloc(2, sizeof *checks);
    if (checks == NULL)
        return memory_fault(error);
    checks[0].claim = claim;
    checks[0].reader = reader;
    checks[0].seed = head_seed(claim->head);
    choose_whole(&checks[0]);
    share_pages(checks, second);

    struct meanwhile meanwhile = { .run = check_pages, .context = &checks[1] };
    if (checks[1].page < checks[1].end)
        meanwhile_begin(&meanwhile);
    tally_status status = check_pages(&checks[0], error);
    status = meanwhile_end(&meanwhile, status, error);
    if (status == TALLY_OK)
        status = compare_sums(checks, error);
    if (status == TALLY_OK && checks[0].whole_rows > 0)
        status = compare_roots(&checks[0], error);
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        free(checks[0].columns[column].hashes);
        free(checks[1].columns[column].hashes);
    }
    free(checks);
    return status;
}
