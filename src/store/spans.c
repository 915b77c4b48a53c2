/* spans.c - a list that grows by doubling. */
#include "spans.h"

#include "fault.h"

#include <stdlib.h>

tally_status
spans_add(struct spans *spans, uint64_t first, uint64_t last, struct tally_error *error)
{
    if (spans->count > 0 && spans->items[spans->count - 1].last + 1 == first) {
        spans->items[spans->count - 1].last = last;
        return TALLY_OK;
    }
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity == 0 ? 64 : spans->capacity * 2;
        struct span *items = realloc(spans->items, capacity * sizeof *spans->items);
        if (items == NULL)
            return memory_fault(error);
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = (struct span){ first, last };
    return TALLY_OK;
}

tally_status
spans_join(struct spans *spans, const struct spans *more, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < more->count && status == TALLY_OK; i++)
        status = spans_add(spans, more->items[i].first, more->items[i].last, error);
    return status;
}

uint64_t
spans_below(const struct spans *spans, uint64_t end)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < spans->count; i++) {
        uint64_t first = spans->items[i].first;
        uint64_t behind = spans->items[i].last + 1;
        if (first < end)
            entries += (behind < end ? behind : end) - first;
    }
    return entries;
}

static int
compare_spans(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    return left->first < right->first ? -1 : left->first > right->first;
}

void
spans_sort(struct spans *spans)
{
    if (spans->count > 1)
        qsort(spans->items, spans->count, sizeof *spans->items, compare_spans);
}

void
spans_finish(struct spans *spans)
{
    free(spans->items);
    *spans = (struct spans){ 0 };
}
