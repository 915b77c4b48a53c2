/*
 * hash_many.c - SHA-256 of many texts by lanes, or by OpenSSL one after the other.
 *
 * A text is three runs of blocks: the first block, where its prefix ends; those that stand whole in
 * the data; and the last one or two, with the padding (FIPS 180-4, section 5.1.1). A lane takes a
 * run at a time; both go on together for as many blocks as the shorter run has, and whichever ends
 * goes on to its next run or the next text. Only where the last text is alone does it go by itself.
 *
 * Where there are sixteen lanes and as many texts, each takes a block, and those that have ended
 * take the next text. When so few are left that two by two are faster, they go on so.
 *
 * What is hashed by lanes is the same as what OpenSSL makes of it: hash_many_test.c holds every
 * size around the borders of blocks against it.
 */
#include "hash_many.h"

#include "bytes.h"
#include "hash_lanes.h"

#include <assert.h>
#include <string.h>

#define RUNS       3
#define LENGTH_END 8 /* bytes of the length, at the end of the padding */

#define PAIRS_AT_ONCE 32

#define WIDE_LEAST 10u /* so many go faster sixteen at once than two by two */

/* A text in a lane. */
struct work {
    struct hash_lane lane;
    struct tally_hash *out; /* NULL: the lane is idle */
    const uint8_t *runs[RUNS];
    size_t counts[RUNS]; /* blocks left in them */
    unsigned run;
    /* What is copied there has a fixed size, most often, and so may reach beyond: behind the first
     * block, and before and behind the last ones. */
    uint8_t first[2 * HASH_BLOCK_SIZE];
    uint8_t around_last[(1 + 2 + 1) * HASH_BLOCK_SIZE];
};

struct queue {
    const struct hash_text *texts;
    struct tally_hash *out;
    size_t count;
    size_t next;
};

static uint8_t *
last_blocks(struct work *work)
{
    return work->around_last + HASH_BLOCK_SIZE;
}

/* Copies the begin of the data into the first block and its end into the last ones. */
static void
copy_ends(const struct hash_text *text, uint8_t *begin, size_t begin_size, uint8_t *end,
          size_t end_size)
{
    if (text->size >= HASH_BLOCK_SIZE) {
        memcpy(begin, text->data, HASH_BLOCK_SIZE);
        memcpy(end + end_size - HASH_BLOCK_SIZE, text->data + text->size - HASH_BLOCK_SIZE,
               HASH_BLOCK_SIZE);
        return;
    }
    if (begin_size > 0)
        memcpy(begin, text->data, begin_size);
    if (end_size > 0)
        memcpy(end, text->data + text->size - end_size, end_size);
}

/* Cuts a text into its runs. A text that is shorter than a block has only the last. */
static void
cut(struct work *work, const struct hash_text *text)
{
    assert(text->prefix_size <= HASH_PREFIX_MAX);
    size_t whole = text->prefix_size + text->size;
    size_t blocks = whole / HASH_BLOCK_SIZE;
    size_t rest = whole % HASH_BLOCK_SIZE;
    size_t in_first = HASH_BLOCK_SIZE - text->prefix_size; /* of the data */

    uint8_t *last = last_blocks(work);
    uint8_t *start = blocks > 0 ? work->first : last;
    size_t data_rest = blocks > 0 ? rest : text->size;
    size_t at = blocks > 0 ? 0 : text->prefix_size;
    copy_ends(text, start + text->prefix_size, blocks > 0 ? in_first : 0, last + at, data_rest);
    if (text->prefix_size > 0)
        memcpy(start, text->prefix, text->prefix_size);

    size_t padded = rest + 1 + LENGTH_END <= HASH_BLOCK_SIZE ? 1 : 2;
    memset(last + rest, 0, 2 * HASH_BLOCK_SIZE);
    last[rest] = 0x80;
    put_u64(last + padded * HASH_BLOCK_SIZE - LENGTH_END, __builtin_bswap64((uint64_t)whole * 8));

    work->runs[0] = work->first;
    work->counts[0] = blocks > 0 ? 1 : 0;
    work->runs[1] = blocks > 1 ? text->data + in_first : NULL;
    work->counts[1] = blocks > 1 ? blocks - 1 : 0;
    work->runs[2] = last;
    work->counts[2] = padded;
}

static void
begin_run(struct work *work)
{
    while (work->run < RUNS && work->counts[work->run] == 0)
        work->run++;
    if (work->run < RUNS)
        work->lane.blocks = work->runs[work->run];
}

/* Gives an idle lane the next text, if there is one. */
static void
take_next(struct work *work, struct queue *queue)
{
    /* FIPS 180-4, section 5.3.3. */
    static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    work->out = NULL;
    if (queue->next == queue->count)
        return;
    cut(work, &queue->texts[queue->next]);
    memcpy(work->lane.state, initial, sizeof initial);
    work->out = &queue->out[queue->next++];
    work->run = 0;
    begin_run(work);
}

/* Notes that `count` blocks of the run are done. True where they were the text's last. */
static bool
pass_blocks(struct work *work, size_t count)
{
    work->counts[work->run] -= count;
    if (work->counts[work->run] > 0)
        return false;
    begin_run(work);
    return work->run == RUNS;
}

static void
put_hash(const struct work *work)
{
    for (size_t i = 0; i < 8; i++)
        put_u32(work->out->bytes + 4 * i, __builtin_bswap32(work->lane.state[i]));
}

static void
advance(struct work *work, size_t count, struct queue *queue)
{
    if (!pass_blocks(work, count))
        return;
    put_hash(work);
    take_next(work, queue);
}

/* Until nothing is left: of both lanes and of the queue. */
static void
hash_by_two(struct work *a, struct work *b, struct queue *queue)
{
    while (a->out != NULL && b->out != NULL) {
        size_t left_a = a->counts[a->run], left_b = b->counts[b->run];
        size_t count = left_a < left_b ? left_a : left_b;
        hash_two_lanes(&a->lane, &b->lane, count);
        advance(a, count, queue);
        advance(b, count, queue);
    }
    struct work *last = a->out != NULL ? a : b;
    while (last->out != NULL) {
        size_t count = last->counts[last->run];
        hash_one_lane(&last->lane, count);
        advance(last, count, queue);
    }
}

static void
hash_by_lanes(struct queue *queue)
{
    struct work a, b;
    take_next(&a, queue);
    take_next(&b, queue);
    hash_by_two(&a, &b, queue);
}

/* Puts a text that begins into a lane, and takes one out that ends. */
static void
wide_load(struct hash_wide *wide, unsigned lane, const struct work *work)
{
    for (unsigned i = 0; i < 8; i++)
        wide->state[i][lane] = work->lane.state[i];
}

static void
wide_store(const struct hash_wide *wide, unsigned lane, struct work *work)
{
    for (unsigned i = 0; i < 8; i++)
        work->lane.state[i] = wide->state[i][lane];
}

/* A block was taken into each lane. Returns how many go on. */
static unsigned
wide_advance(struct hash_wide *wide, struct work works[HASH_WIDTH], struct queue *queue)
{
    unsigned busy = 0;
    for (unsigned lane = 0; lane < HASH_WIDTH; lane++) {
        struct work *work = &works[lane];
        if (work->out == NULL)
            continue;
        work->lane.blocks += HASH_BLOCK_SIZE;
        if (pass_blocks(work, 1)) {
            wide_store(wide, lane, work);
            put_hash(work);
            take_next(work, queue);
            if (work->out == NULL)
                continue;
            wide_load(wide, lane, work);
        }
        wide->blocks[lane] = work->lane.blocks;
        busy++;
    }
    return busy;
}

static void
hash_by_sixteen(struct queue *queue)
{
    struct hash_wide wide;
    struct work works[HASH_WIDTH];
    unsigned busy = HASH_WIDTH;
    for (unsigned lane = 0; lane < HASH_WIDTH; lane++) {
        take_next(&works[lane], queue);
        wide_load(&wide, lane, &works[lane]);
        wide.blocks[lane] = works[lane].lane.blocks;
    }
    while (busy >= WIDE_LEAST) {
        hash_sixteen_lanes(&wide);
        busy = wide_advance(&wide, works, queue);
    }
    struct work *left[HASH_WIDTH];
    unsigned count = 0;
    for (unsigned lane = 0; lane < HASH_WIDTH; lane++) {
        if (works[lane].out == NULL)
            continue;
        wide_store(&wide, lane, &works[lane]);
        left[count++] = &works[lane];
    }
    struct work none = { .out = NULL };
    for (unsigned i = 0; i < count; i += 2)
        hash_by_two(left[i], i + 1 < count ? left[i + 1] : &none, queue);
}

void
hash_many(const struct hash_text *texts, size_t count, struct tally_hash *hashes_out)
{
    if (count == 0)
        return;
    if (hash_lanes_usable()) {
        struct queue queue = { .texts = texts, .out = hashes_out, .count = count };
        if (count >= HASH_WIDTH && hash_wide_usable())
            hash_by_sixteen(&queue);
        else
            hash_by_lanes(&queue);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct tally_piece pieces[] = { { texts[i].prefix, texts[i].prefix_size },
                                              { texts[i].data, texts[i].size } };
        tally_hash_pieces(pieces, 2, &hashes_out[i]);
    }
}

void
hash_pairs(const struct tally_hash *hashes, size_t count, struct tally_hash *nodes_out)
{
    static const uint8_t node = 0x01;
    struct hash_text texts[PAIRS_AT_ONCE];
    for (size_t at = 0; at < count; at += PAIRS_AT_ONCE) {
        size_t some = count - at < PAIRS_AT_ONCE ? count - at : PAIRS_AT_ONCE;
        for (size_t i = 0; i < some; i++)
            texts[i] =
                (struct hash_text){ &node, 1, hashes[2 * (at + i)].bytes, 2 * TALLY_HASH_SIZE };
        hash_many(texts, some, nodes_out + at);
    }
}
