/*
 * intern.c - a growing dictionary that others read.
 *
 * Values are listed in chunks of PAGE_ROWS. A column of three values should not pay for a chunk of
 * 64 KiB, so the first chunk grows by copying, 16, 128, 1,024 and then 4,096 values; later chunks
 * are whole. The list of chunks has one place until the first chunk is full, then as many as a head
 * can need. Lists and chunks are only ever replaced by longer ones that begin the same, and
 * published (release) before the count that needs them: a reader takes the count first, then the
 * list, and finds in it at least that many values.
 */
#include "intern.h"

#include <assert.h>
#include <stdlib.h>

#define CAPACITY_FIRST 16u
#define CAPACITY_STEP  8u
#define CHUNKS_MAX     (LOOKUP_COUNT_MAX / PAGE_ROWS)

static struct bytes *
value_place(struct bytes **chunks, uint32_t number)
{
    return &chunks[number / PAGE_ROWS][number % PAGE_ROWS];
}

/* A first chunk of `capacity` values and a list with room for `list_size` chunks. */
static bool
replace_first(struct intern *intern, struct region *region, uint32_t capacity, uint32_t list_size)
{
    struct bytes **old = atomic_load_explicit(&intern->chunks, memory_order_relaxed);
    struct bytes **list = region_take(region, list_size * sizeof *list);
    struct bytes *chunk =
        capacity == intern->capacity ? old[0] : region_take(region, capacity * sizeof *chunk);
    if (list == NULL || chunk == NULL)
        return false;
    if (old != NULL && chunk != old[0])
        memcpy(chunk, old[0], intern->count * sizeof *chunk);
    list[0] = chunk;
    intern->capacity = capacity;
    atomic_store_explicit(&intern->chunks, list, memory_order_release);
    return true;
}

/* Room for one more value in the chunks. */
static bool
reserve_place(struct intern *intern, struct region *region)
{
    if (intern->count < intern->capacity)
        return true;
    if (intern->capacity < PAGE_ROWS) {
        uint32_t capacity =
            intern->capacity == 0 ? CAPACITY_FIRST : intern->capacity * CAPACITY_STEP;
        return replace_first(intern, region, capacity < PAGE_ROWS ? capacity : PAGE_ROWS, 1);
    }
    if (intern->capacity == PAGE_ROWS && !replace_first(intern, region, PAGE_ROWS, CHUNKS_MAX))
        return false;

    struct bytes *chunk = region_take(region, PAGE_ROWS * sizeof *chunk);
    if (chunk == NULL)
        return false;
    /* The place was not used yet: no reader has a count that reaches it. */
    atomic_load_explicit(&intern->chunks, memory_order_relaxed)[intern->capacity / PAGE_ROWS] =
        chunk;
    intern->capacity += PAGE_ROWS;
    return true;
}

void
intern_prefetch(const struct intern *intern, uint32_t hash)
{
    lookup_prefetch(&intern->lookup, hash);
}

uint32_t
intern_guess(const struct intern *intern, uint32_t hash)
{
    struct lookup_walk walk = lookup_begin(&intern->lookup, hash);
    uint32_t number;
    if (!lookup_next(&walk, &number))
        return 0;
    __builtin_prefetch(
        value_place(atomic_load_explicit(&intern->chunks, memory_order_relaxed), number));
    return number + 1;
}

void
intern_prefetch_text(const struct intern *intern, uint32_t guess)
{
    if (guess == 0)
        return;
    struct bytes **chunks = atomic_load_explicit(&intern->chunks, memory_order_relaxed);
    __builtin_prefetch(value_place(chunks, guess - 1)->data);
}

bool
intern_code(struct intern *intern, const struct intern_memory *memory, struct bytes value,
            uint32_t hash, uint32_t guess, uint32_t *code_out)
{
    assert(value.data != NULL);
    struct bytes **chunks = atomic_load_explicit(&intern->chunks, memory_order_relaxed);
    if (guess != 0 && bytes_equal(*value_place(chunks, guess - 1), value)) {
        *code_out = guess;
        return true;
    }
    struct lookup_walk walk = lookup_begin(&intern->lookup, hash);
    uint32_t number;

    while (lookup_next(&walk, &number)) {
        if (bytes_equal(*value_place(chunks, number), value)) {
            *code_out = number + 1;
            return true;
        }
    }

    if (!reserve_place(intern, memory->lasting))
        return false;
    struct bytes copy = region_copy(memory->text, value);
    if (copy.data == NULL || !lookup_add(&intern->lookup, memory->lasting, hash))
        return false;
    number = intern->count++;
    *value_place(atomic_load_explicit(&intern->chunks, memory_order_relaxed), number) = copy;
    *code_out = number + 1;
    return true;
}

void
intern_publish(struct intern *intern)
{
    atomic_store_explicit(&intern->published, intern->count, memory_order_release);
}

void
intern_discard(struct intern *intern)
{
    intern->count = atomic_load_explicit(&intern->published, memory_order_relaxed);
    lookup_truncate(&intern->lookup, intern->count);
}

void
intern_dictionary(const struct intern *intern, struct dictionary *dictionary_out)
{
    uint32_t count = atomic_load_explicit(&intern->published, memory_order_acquire);
    struct bytes **chunks = atomic_load_explicit(&intern->chunks, memory_order_acquire);
    *dictionary_out = (struct dictionary){
        .count = count,
        .chunks = (const struct bytes *const *)chunks,
    };
}

uint32_t
intern_find(const struct intern *intern, const struct dictionary *dictionary, struct bytes value,
            uint32_t hash)
{
    struct lookup_walk walk = lookup_begin(&intern->lookup, hash);
    uint32_t number;
    while (lookup_next(&walk, &number)) {
        /* What came later is not the dictionary's, and may be taken back. */
        if (number < dictionary->count &&
            bytes_equal(dictionary_value(dictionary, number + 1), value))
            return number + 1;
    }
    return 0;
}
