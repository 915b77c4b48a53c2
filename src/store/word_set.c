/*
 * word_set.c - a hash table of words.
 *
 * A column has far more words than different ones, so what counts is to find again what is there.
 * Words of up to 16 bytes, which most are, stand in their slot as two numbers: they are taken from
 * the text, folded and compared eight bytes at a time, without a branch on a byte. Others, and
 * words with letters beyond ASCII, take the long way.
 *
 * In an object's text only strings, literals and exponents have letters, and a string is a name if
 * a colon follows; so the walk looks at little more than quotes.
 */
#include "word_set.h"

#include "fault.h"
#include "fold.h"
#include "json_text.h"
#include "page.h"
#include "words.h"

#include <assert.h>
#include <stdlib.h>

#define BITS_FIRST  10u
#define SHORT_SIZE  16u
#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS   EVERY(0x80)

/* 32 bytes, so that a line of memory holds two. A free slot has the size 0. */
struct word_slot {
    uint64_t low;  /* a short word's first 8 bytes, padded with zeros; a long one's hash */
    uint64_t high; /* a short word's other bytes; where a long one stands in `longer` */
    uint64_t where;
    uint32_t size;
    uint32_t
        blocks; /* `where` is a list of so many, each in BLOCK_BITS: page, block; 0: it is pages */
};

#define BLOCK_BITS 10u
_Static_assert(BLOCK_BITS *WORDS_BLOCKS_MAX <= 64, "a slot holds as many blocks as may be listed");
_Static_assert(PLACES_PAGES *PLACES_BLOCKS == 1u << BLOCK_BITS, "a block has a number");

tally_status
word_set_init(struct word_set *set, struct tally_error *error)
{
    *set = (struct word_set){ .bits = BITS_FIRST, .block = WORD_ANYWHERE };
    set->slots = calloc((size_t)1 << BITS_FIRST, sizeof *set->slots);
    return set->slots == NULL ? memory_fault(error) : TALLY_OK;
}

void
word_set_finish(struct word_set *set)
{
    free(set->slots);
    buffer_free(&set->longer);
    buffer_free(&set->text);
    *set = (struct word_set){ 0 };
}

void
word_set_turn(struct word_set *set, unsigned block)
{
    assert(block < PLACES_BLOCKS || block == WORD_ANYWHERE);
    set->block = block;
}

/*
 * Places.
 */

/* The number of the block that a value of this one page stands in. */
static uint64_t
block_number(const struct word_set *set, uint64_t page)
{
    return (uint64_t)__builtin_ctzll(page) * PLACES_BLOCKS + set->block;
}

static uint64_t
slot_block(const struct word_slot *slot, uint32_t i)
{
    return slot->where >> BLOCK_BITS * i & ((1u << BLOCK_BITS) - 1);
}

/* The pages of all blocks of a slot. */
static uint64_t
slot_pages(const struct word_slot *slot)
{
    uint64_t pages = slot->blocks == 0 ? slot->where : 0;
    for (uint32_t i = 0; i < slot->blocks; i++)
        pages |= UINT64_C(1) << slot_block(slot, i) / PLACES_BLOCKS;
    return pages;
}

/* Adds to a slot that has blocks; it has none any more where that are too many. */
static void
slot_add_block(const struct word_set *set, struct word_slot *slot, uint64_t pages)
{
    bool listed = set->block != WORD_ANYWHERE;
    uint64_t number = listed ? block_number(set, pages) : 0;
    /* Mostly it is the one that came last. */
    for (uint32_t i = slot->blocks; listed && i-- > 0;) {
        if (slot_block(slot, i) == number)
            return;
    }
    if (listed && slot->blocks < WORDS_BLOCKS_MAX) {
        slot->where |= number << BLOCK_BITS * slot->blocks++;
        return;
    }
    slot->where = slot_pages(slot) | pages;
    slot->blocks = 0;
}

/* Notes where a word is met again. */
static inline void
slot_add(const struct word_set *set, struct word_slot *slot, uint64_t pages)
{
    if (slot->blocks == 0)
        slot->where |= pages;
    else
        slot_add_block(set, slot, pages);
}

/* A word that is met first. */
static struct word_slot
slot_of(const struct word_set *set, uint64_t low, uint64_t high, size_t size, uint64_t pages)
{
    bool listed = set->block != WORD_ANYWHERE;
    return (struct word_slot){
        .low = low,
        .high = high,
        .where = listed ? block_number(set, pages) : pages,
        .size = (uint32_t)size,
        .blocks = listed,
    };
}

/*
 * The table.
 */

static size_t
slot_first(const struct word_set *set, uint64_t low, uint64_t high)
{
    uint64_t hash = (low ^ (high << 31 | high >> 33) * UINT64_C(0xff51afd7ed558ccd)) *
                    UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> (64 - set->bits));
}

static size_t
slot_next(const struct word_set *set, size_t slot)
{
    return (slot + 1) & (((size_t)1 << set->bits) - 1);
}

/* Twice as many slots. A long word's hash alone says where it goes. */
static bool
grow(struct word_set *set)
{
    struct word_set grown = *set;
    grown.bits++;
    grown.slots = calloc((size_t)1 << grown.bits, sizeof *grown.slots);
    if (grown.slots == NULL) {
        set->failed = true;
        return false;
    }
    for (size_t i = 0; i < (size_t)1 << set->bits; i++) {
        const struct word_slot *old = &set->slots[i];
        if (old->size == 0)
            continue;
        size_t slot = slot_first(&grown, old->low, old->size > SHORT_SIZE ? 0 : old->high);
        while (grown.slots[slot].size != 0)
            slot = slot_next(&grown, slot);
        grown.slots[slot] = *old;
    }
    free(set->slots);
    *set = grown;
    return true;
}

/* Whether the list would be too long already: then nothing more need be known. */
static bool
full(const struct word_set *set)
{
    return set->failed || set->count > WORDS_COUNT_MAX || set->size > WORDS_SIZE_MAX;
}

static void
slot_take(struct word_set *set, size_t slot, const struct word_slot *word)
{
    set->slots[slot] = *word;
    set->count++;
    set->size += word->size;
    if (set->count > ((size_t)1 << set->bits) / 2)
        (void)grow(set);
}

static inline void
add_short(struct word_set *set, uint64_t low, uint64_t high, size_t size, uint64_t pages)
{
    size_t slot = slot_first(set, low, high);
    for (;; slot = slot_next(set, slot)) {
        struct word_slot *found = &set->slots[slot];
        if (found->low == low && found->high == high && found->size == size) {
            slot_add(set, found, pages);
            return;
        }
        if (found->size == 0)
            break;
    }
    const struct word_slot word = slot_of(set, low, high, size, pages);
    slot_take(set, slot, &word);
}

static uint64_t
hash_long(struct bytes word)
{
    uint64_t hash = word.size;
    for (size_t i = 0; i + 8 <= word.size; i += 8)
        hash = (hash ^ get_u64(word.data + i)) * UINT64_C(0xff51afd7ed558ccd), hash ^= hash >> 32;
    return hash ^ get_u64(word.data + word.size - 8);
}

static void
add_long(struct word_set *set, struct bytes word, uint64_t pages)
{
    uint64_t hash = hash_long(word);
    size_t slot = slot_first(set, hash, 0);
    for (; set->slots[slot].size != 0; slot = slot_next(set, slot)) {
        struct word_slot *found = &set->slots[slot];
        if (found->low == hash && found->size == word.size &&
            memcmp(set->longer.data + found->high, word.data, word.size) == 0) {
            slot_add(set, found, pages);
            return;
        }
    }
    size_t offset = set->longer.size;
    buffer_bytes(&set->longer, word);
    set->failed |= buffer_failed(&set->longer);
    if (set->failed)
        return;
    const struct word_slot longer = slot_of(set, hash, offset, word.size, pages);
    slot_take(set, slot, &longer);
}

/* A word in folded bytes. */
static void
add_folded(struct word_set *set, struct bytes word, uint64_t pages)
{
    uint8_t padded[SHORT_SIZE] = { 0 };
    if (word.size > SHORT_SIZE) {
        add_long(set, word, pages);
        return;
    }
    memcpy(padded, word.data, word.size);
    add_short(set, get_u64(padded), get_u64(padded + 8), word.size, pages);
}

/*
 * Cutting.
 */

static uint64_t
last_bytes(const uint8_t *at, const uint8_t *limit)
{
    uint8_t padded[8] = { 0 };
    for (size_t i = 0; at + i < limit; i++)
        padded[i] = at[i];
    return get_u64(padded);
}

/* Eight bytes from `at` on, zeros behind the limit. */
static inline uint64_t
eight(const uint8_t *at, const uint8_t *limit)
{
    return limit - at >= 8 ? get_u64(at) : last_bytes(at, limit);
}

/* The high bit of each byte that is a letter (word_letter). Sums of seven bits: at least a, beyond
 * z. */
static inline uint64_t
letters_of(uint64_t bytes)
{
    uint64_t low = (bytes | EVERY(0x20)) & EVERY(0x7f);
    uint64_t at_least_a = low + EVERY(0x80 - 'a');
    uint64_t beyond_z = low + EVERY(0x7f - 'z');
    return ((at_least_a ^ beyond_z) | bytes) & HIGH_BITS;
}

/* How many bytes from the first on are letters. */
static inline unsigned
letters_count(uint64_t letters)
{
    uint64_t others = ~letters & HIGH_BITS;
    return others == 0 ? 8 : (unsigned)__builtin_ctzll(others) / 8;
}

/* The bytes that count, 0 to 8 of them. */
static inline uint64_t
first_bytes(unsigned count)
{
    return count == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * count) - 1;
}

/* A word of more than 15 letters, or with letters beyond ASCII. Returns its end. */
static const uint8_t *
cut_slowly(struct word_set *set, const uint8_t *at, const uint8_t *end, uint64_t pages)
{
    const uint8_t *behind = word_end(at, end);
    size_t size = (size_t)(behind - at);
    buffer_clear(&set->text);
    uint8_t *folded = buffer_reserve(&set->text, size);
    if (folded == NULL) {
        set->failed = true;
        return end;
    }
    fold_text(bytes_of(at, size), folded);
    add_folded(set, bytes_of(folded, size), pages);
    return behind;
}

/* The words of a text that is not in set->text. What stands between it and the limit may be looked
 * at; if there is anything, it begins with no letter. */
static void
cut(struct word_set *set, struct bytes text, const uint8_t *limit, uint64_t pages)
{
    const uint8_t *at = text.data, *end = text.data + text.size;
    while (at < end) {
        uint64_t low = eight(at, limit), high = 0;
        uint64_t letters = letters_of(low);
        unsigned size = letters_count(letters);
        if (size == 0) { /* to the next letter */
            at += letters == 0 ? 8 : (unsigned)__builtin_ctzll(letters) / 8;
            continue;
        }
        low &= first_bytes(size);
        if (size == 8 && end - at > 8) {
            high = eight(at + 8, limit);
            unsigned more = letters_count(letters_of(high));
            high &= first_bytes(more);
            size += more;
        }
        if (((low | high) & HIGH_BITS) != 0 || size == SHORT_SIZE) {
            at = cut_slowly(set, at, end, pages);
            continue;
        }
        /* A letter's bit 0x20 makes it lower; what is no byte of the word stays zero. */
        low |= EVERY(0x20) & first_bytes(size < 8 ? size : 8);
        high |= EVERY(0x20) & first_bytes(size < 8 ? 0 : size - 8);
        add_short(set, low, high, size, pages);
        at += size + 1; /* behind it is no letter */
    }
}

void
word_set_within(struct word_set *set, struct bytes text, const uint8_t *limit, uint64_t pages)
{
    uint8_t id[16], form;
    if ((text.size == 36 || text.size == 32) && id_read(text, id, &form))
        word_set_id(set, pages);
    else if (!full(set))
        cut(set, text, limit, pages);
}

void
word_set_id(struct word_set *set, uint64_t pages)
{
    set->ids |= pages;
}

void
word_set_text(struct word_set *set, struct bytes text, uint64_t pages)
{
    if (text.size > 0)
        word_set_within(set, text, text.data + text.size, pages);
}

void
word_set_escaped(struct word_set *set, struct bytes inside, uint64_t pages)
{
    struct buffer decoded = { 0 };
    uint8_t *room = buffer_reserve(&decoded, inside.size);
    set->failed |= room == NULL;
    size_t size = room == NULL ? SIZE_MAX : json_text_decode(inside, room);
    if (size != SIZE_MAX)
        word_set_text(set, bytes_of(room, size), pages);
    buffer_free(&decoded);
}

/* The high bit of the first byte that is `byte`, if not of all of them; 0 where there is none. */
static inline uint64_t
first_of(uint64_t bytes, uint8_t byte)
{
    uint64_t zero = bytes ^ EVERY(byte);
    return (zero - EVERY(1)) & ~zero & HIGH_BITS;
}

/* The quote that ends a string, from behind the one that begins it; NULL where there is none. */
static const uint8_t *
string_end(const uint8_t *at, const uint8_t *end, bool *escaped)
{
    *escaped = false;
    while (at < end) {
        uint64_t bytes = eight(at, end);
        uint64_t ends = first_of(bytes, '"') | first_of(bytes, '\\');
        if (ends == 0) {
            at += 8;
            continue;
        }
        at += (unsigned)__builtin_ctzll(ends) / 8;
        if (*at == '"')
            return at;
        *escaped = true;
        at += 2;
    }
    return NULL;
}

/* The next string, literal or exponent: a few bytes on. */
static inline const uint8_t *
next_letters(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != '"' && !word_letter(*at))
        at++;
    return at;
}

void
word_set_object(struct word_set *set, struct bytes json, uint64_t pages)
{
    if (json.size == 0)
        return;
    const uint8_t *end = json.data + json.size;
    for (const uint8_t *at = json.data; (at = next_letters(at, end)) < end;) {
        const uint8_t *from = at;
        bool escaped;
        if (*at != '"') {
            while (at < end && word_letter(*at))
                at++;
            word_set_within(set, bytes_of(from, (size_t)(at - from)), end, pages);
            continue;
        }
        at = string_end(from + 1, end, &escaped);
        if (at == NULL)
            return; /* no canonical text: nothing is found behind this */
        struct bytes inside = bytes_of(from + 1, (size_t)(at - from) - 1);
        at++;
        if (at < end && *at == ':')
            continue;
        if (escaped)
            word_set_escaped(set, inside, pages);
        else
            word_set_within(set, inside, end, pages);
    }
}

/*
 * The list.
 */

struct word_entry {
    struct bytes letters;
    const struct word_slot *slot;
};

static int
compare_entries(const void *a, const void *b)
{
    return bytes_compare(((const struct word_entry *)a)->letters,
                         ((const struct word_entry *)b)->letters);
}

static void
put_pages(uint64_t pages, struct buffer *out)
{
    if (__builtin_popcountll(pages) > (int)WORDS_LISTED_MAX) {
        buffer_byte(out, 0x40);
        for (unsigned i = 0; i < 11; i++)
            buffer_byte(out, (uint8_t)(pages >> 6 * i & 0x3f));
        return;
    }
    for (; pages != 0; pages &= pages - 1)
        buffer_byte(out, (uint8_t)__builtin_ctzll(pages));
}

/* Few, in order. */
static void
put_blocks(const struct word_slot *slot, struct buffer *out)
{
    buffer_byte(out, 0x5b);
    uint64_t below = 0;
    for (uint32_t i = 0; i < slot->blocks; i++) {
        uint64_t least = UINT64_MAX;
        for (uint32_t j = 0; j < slot->blocks; j++) {
            uint64_t number = slot_block(slot, j);
            least = number >= below && number < least ? number : least;
        }
        buffer_byte(out, (uint8_t)(least / PLACES_BLOCKS));
        buffer_byte(out, (uint8_t)(least % PLACES_BLOCKS));
        below = least + 1;
    }
}

/* Every slot's word, in any order; short ones are spelled out in `spelled`. */
static void
entries_fill(const struct word_set *set, struct word_entry *entries, uint8_t (*spelled)[SHORT_SIZE])
{
    for (size_t i = 0; i < (size_t)1 << set->bits; i++) {
        const struct word_slot *slot = &set->slots[i];
        if (slot->size == 0)
            continue;
        entries->slot = slot;
        if (slot->size > SHORT_SIZE) {
            entries->letters = bytes_of(set->longer.data + slot->high, slot->size);
        } else {
            put_u64(*spelled, slot->low);
            put_u64(*spelled + 8, slot->high);
            entries->letters = bytes_of(*spelled++, slot->size);
        }
        entries++;
    }
}

tally_status
word_set_list(const struct word_set *set, struct buffer *out, struct tally_error *error)
{
    if (set->failed)
        return memory_fault(error);
    if (full(set))
        return TALLY_ABSENT;
    struct word_entry *entries = malloc((set->count + 1) * (sizeof *entries + SHORT_SIZE));
    if (entries == NULL)
        return memory_fault(error);
    entries_fill(set, entries, (uint8_t(*)[SHORT_SIZE])(entries + set->count));
    qsort(entries, set->count, sizeof *entries, compare_entries);

    if (set->ids != 0)
        put_pages(set->ids, out);
    for (uint32_t i = 0; i < set->count; i++) {
        buffer_bytes(out, entries[i].letters);
        if (entries[i].slot->blocks > 0)
            put_blocks(entries[i].slot, out);
        else
            put_pages(entries[i].slot->where, out);
    }
    free(entries);
    return buffer_failed(out) ? memory_fault(error) : TALLY_OK;
}
