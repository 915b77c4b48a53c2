/*
 * member_index.c - fingerprints and blocks, a little more than a byte each.
 *
 * Most values that are asked for in an object stand in few rows, and where they do is worth knowing
 * to the block: a page of objects is half a megabyte of text. So for each fingerprint and each
 * quarter of a segment, which is sixteen pages or 256 blocks, a bucket has
 *
 *     how many items there are, that many bits 1 and a bit 0: of all fingerprints of the bucket in
 *     order, and in each of all quarters; the last byte filled up with zeros
 *     the items themselves, a byte each, ascending: the page in the quarter, and the block in the page
 *
 * With four quarters of fingerprints for five items or fewer that are ten bits an item. A token
 * that stands in more than two blocks of a page is frequent there, and has an item twice for all of
 * the page.
 *
 * That fingerprints are so short costs a few blocks that are read for nothing. Writers choose
 * values, and may make all have one fingerprint: then whoever asks for it reads what he would have
 * read without an index.
 */
#include "member_index.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

#define TOKEN_BITS    32u /* of a token that tell it from others here */
#define BLOCK_BITS    10u /* of an item: those of its page, and of the block there */
#define PAGE_BITS     6u
#define QUARTER_BITS  8u
#define MARKED_BLOCKS 3u    /* of so many blocks of a page, all of it is meant */
#define BUCKET_ITEMS  1024u /* on average, at most */
#define DIGIT_BITS    11u   /* that items are sorted by at a time */

_Static_assert(PLACES_PAGES *PLACES_BLOCKS == 1u << BLOCK_BITS, "an item has a place's bits");
_Static_assert(MEMBER_FINGERPRINT_MAX + BLOCK_BITS <= 32, "an item is of 32 bits");

static unsigned
quarters_of(const struct member_shape *shape)
{
    return (shape->pages * PLACES_BLOCKS + (1u << QUARTER_BITS) - 1) >> QUARTER_BITS;
}

/* The least number of bits, `most` at most, so that `each` for every value of them are not fewer
 * than `count`. */
static unsigned
bits_for(uint64_t count, uint64_t each, unsigned most)
{
    unsigned bits = 0;
    while (bits < most && each << bits < count)
        bits++;
    return bits;
}

/* The highest bits of a token. */
static uint32_t
highest(uint64_t token, unsigned bits)
{
    return (uint32_t)(token >> 1 >> (63 - bits));
}

bool
member_shape_valid(const struct member_shape *shape)
{
    return shape->pages >= 1 && shape->pages <= PLACES_PAGES &&
           shape->fingerprint_bits <= MEMBER_FINGERPRINT_MAX &&
           shape->bucket_bits <= MEMBER_BUCKET_MAX && shape->bucket_bits <= shape->fingerprint_bits;
}

uint32_t
member_bucket_of(const struct member_shape *shape, uint64_t token)
{
    return highest(token, shape->bucket_bits);
}

/*
 * Making.
 */

/* Sorts by the digit from bit `shift` on; equal ones stay in order. */
static void
sort_by_digit(const uint64_t *from, size_t count, unsigned shift, uint64_t *to)
{
    const uint64_t mask = (1u << DIGIT_BITS) - 1;
    size_t next[1u << DIGIT_BITS] = { 0 };
    for (size_t i = 0; i < count; i++)
        next[from[i] >> shift & mask]++;
    for (size_t digit = 0, start = 0; digit <= mask; digit++) {
        size_t size = next[digit];
        next[digit] = start;
        start += size;
    }
    for (size_t i = 0; i < count; i++)
        to[next[from[i] >> shift & mask]++] = from[i];
}

/* Sorts keys of so many bits; returns which of the two places has them then. */
static uint64_t *
sort_keys(uint64_t *keys, uint64_t *room, size_t count, unsigned bits)
{
    for (unsigned shift = 0; shift < bits; shift += DIGIT_BITS) {
        sort_by_digit(keys, count, shift, room);
        uint64_t *sorted = room;
        room = keys;
        keys = sorted;
    }
    return keys;
}

/* From keys of token and block, ascending, to keys of fingerprint, block and whether all of the
 * page is meant; they take each other's place. */
static size_t
mark_pages(uint64_t *keys, size_t count, unsigned fingerprint_bits)
{
    const unsigned page_shift = BLOCK_BITS - PAGE_BITS;
    size_t kept = 0;
    for (size_t i = 0, end; i < count; i = end) {
        uint64_t blocks[MARKED_BLOCKS];
        uint64_t page = keys[i] >> page_shift;
        unsigned found = 0;
        for (end = i; end < count && keys[end] >> page_shift == page; end++) {
            bool again = found > 0 && blocks[found - 1] == keys[end];
            if (!again && found < MARKED_BLOCKS)
                blocks[found++] = keys[end];
        }
        bool whole = found == MARKED_BLOCKS;
        for (unsigned k = 0; k < (whole ? 1 : found); k++) {
            uint64_t fingerprint = blocks[k] >> BLOCK_BITS >> (TOKEN_BITS - fingerprint_bits);
            uint64_t block = blocks[k] & ((1u << BLOCK_BITS) - 1);
            keys[kept++] = (fingerprint << BLOCK_BITS | block) << 1 | whole;
        }
    }
    return kept;
}

/* From such keys, ascending, to items: one that means all of its page twice, others once. */
static size_t
settle(const uint64_t *keys, size_t count, uint32_t *items)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t item = (uint32_t)(keys[i] >> 1);
        bool last = i + 1 == count || keys[i + 1] >> 1 != item;
        if (!last)
            continue;
        items[kept++] = item;
        if ((keys[i] & 1) != 0)
            items[kept++] = item;
    }
    return kept;
}

/* The items of an index whose shape is known; `keys` and `room` are for as many as the list has. */
static size_t
items_make(const struct member_list *list, unsigned fingerprint_bits, uint64_t *keys,
           uint64_t *room, uint32_t *items)
{
    for (size_t i = 0; i < list->count; i++)
        keys[i] = list->tokens[i] >> (64 - TOKEN_BITS) << BLOCK_BITS | list->blocks[i];
    uint64_t *sorted = sort_keys(keys, room, list->count, TOKEN_BITS + BLOCK_BITS);
    size_t count = mark_pages(sorted, list->count, fingerprint_bits);
    sorted =
        sort_keys(sorted, sorted == keys ? room : keys, count, fingerprint_bits + BLOCK_BITS + 1);
    return settle(sorted, count, items);
}

tally_status
member_index_make(const struct member_list *list, unsigned pages, struct member_index *index_out,
                  struct tally_error *error)
{
    struct member_index index = { .shape.pages = pages };
    size_t room = list->count + 1;
    /* Four quarters for five items. */
    index.shape.fingerprint_bits =
        bits_for(4 * list->count, 5 * quarters_of(&index.shape), MEMBER_FINGERPRINT_MAX);
    index.shape.bucket_bits = bits_for(list->count, BUCKET_ITEMS, MEMBER_BUCKET_MAX);
    assert(member_shape_valid(&index.shape));
    uint64_t *keys = malloc(2 * room * sizeof *keys);
    index.items = malloc(room * sizeof *index.items);
    if (keys == NULL || index.items == NULL) {
        free(keys);
        free(index.items);
        return memory_fault(error);
    }
    index.count = items_make(list, index.shape.fingerprint_bits, keys, keys + room, index.items);
    free(keys);
    *index_out = index;
    return TALLY_OK;
}

void
member_index_free(struct member_index *index)
{
    free(index->items);
    *index = (struct member_index){ 0 };
}

/* The first item that is not below `least`. */
static size_t
first_item(const struct member_index *index, uint64_t least)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->items[middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
member_index_encode(const struct member_index *index, uint32_t bucket, struct buffer *out)
{
    const struct member_shape *shape = &index->shape;
    unsigned shift = shape->fingerprint_bits - shape->bucket_bits;
    uint32_t first_fingerprint = bucket << shift, fingerprints = UINT32_C(1) << shift;
    size_t first = first_item(index, (uint64_t)first_fingerprint << BLOCK_BITS);
    size_t end = first_item(index, (uint64_t)(first_fingerprint + fingerprints) << BLOCK_BITS);
    unsigned bits = 0, filled = 0;
    size_t at = first;
    for (uint32_t i = 0; i < fingerprints; i++) {
        for (unsigned quarter = 0; quarter < quarters_of(shape); quarter++) {
            uint64_t slot =
                (uint64_t)(first_fingerprint + i) << (BLOCK_BITS - QUARTER_BITS) | quarter;
            bool more;
            do {
                more = at < end && index->items[at] >> QUARTER_BITS == slot;
                at += more;
                bits |= (unsigned)more << filled;
                if (++filled == 8) {
                    buffer_byte(out, (uint8_t)bits);
                    bits = filled = 0;
                }
            } while (more);
        }
    }
    if (filled > 0)
        buffer_byte(out, (uint8_t)bits);
    assert(at == end);
    for (at = first; at < end; at++)
        buffer_byte(out, (uint8_t)index->items[at]);
}

/*
 * Finding.
 */

/* A bucket's counts, being read. */
struct counts_reader {
    struct bytes bucket;
    size_t bit;
    size_t items; /* that were counted */
};

/* Passes over so many counts; false where the bytes end. */
static bool
pass_counts(struct counts_reader *reader, uint64_t counts)
{
    while (counts > 0) {
        if (reader->bit / 8 >= reader->bucket.size)
            return false;
        bool item = (reader->bucket.data[reader->bit / 8] >> reader->bit % 8 & 1) != 0;
        reader->items += item;
        counts -= !item;
        reader->bit++;
    }
    return true;
}

/* Items of one quarter. */
static void
take_items(const uint8_t *items, size_t count, unsigned quarter, struct places *places)
{
    for (size_t i = 0; i < count; i++) {
        unsigned page = quarter << 4 | items[i] >> 4;
        bool twice = i > 0 && items[i] == items[i - 1];
        if (page < PLACES_PAGES)
            places->blocks[page] |= (uint16_t)(twice ? UINT16_MAX : 1u << (items[i] & 15));
    }
}

bool
member_bucket_find(const struct member_shape *shape, struct bytes bucket, uint64_t token,
                   struct places *places)
{
    unsigned shift = shape->fingerprint_bits - shape->bucket_bits;
    unsigned quarters = quarters_of(shape);
    uint32_t within = highest(token, shape->fingerprint_bits) & ((UINT32_C(1) << shift) - 1);
    struct counts_reader reader = { .bucket = bucket };
    size_t ends[(1u << (BLOCK_BITS - QUARTER_BITS)) + 1];

    if (!pass_counts(&reader, (uint64_t)within * quarters))
        return false;
    ends[0] = reader.items;
    for (unsigned i = 1; i <= quarters; i++) {
        if (!pass_counts(&reader, 1))
            return false;
        ends[i] = reader.items;
    }
    if (!pass_counts(&reader, ((UINT64_C(1) << shift) - within - 1) * quarters))
        return false;
    size_t start = (reader.bit + 7) / 8;
    if (bucket.size - start != reader.items)
        return false;
    for (unsigned i = 0; i < quarters; i++)
        take_items(bucket.data + start + ends[i], ends[i + 1] - ends[i], i, places);
    return true;
}
