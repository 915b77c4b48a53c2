/*
 * hashes.c - the stored part of the tree.
 *
 * A file of tree/ is written once, when its segment is sealed, and never changed:
 *
 *     0   8  magic "TALLYTRE"
 *     8   4  version, 1
 *     12  4  level, 8
 *     16  16 tag of the trail
 *     32  8  number of the first hash (it spans entries [256 n, 256 n + 256))
 *     40  8  count of hashes, may be 0
 *     48     the hashes, 32 bytes each
 *     …   4  CRC-32C of everything before
 *
 * A segment of entries [first, end) completes the hashes [first / 256, end / 256), so the files
 * join without gaps whatever the segments' sizes.
 *
 * In memory: `levels[k]` are the hashes of level 8 + k. Until a proof asks, only those appended
 * since the trail was opened are held (`pending`); then all files are read, and every append goes
 * up the levels at once. 100 million entries take 25 MiB.
 */
#include "hashes.h"

#include "buffer.h"
#include "crc32c.h"
#include "fault.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC       "TALLYTRE"
#define VERSION     1u
#define HEADER_SIZE 48u
#define LEVELS      (TALLY_TREE_LEVELS - HASHES_LEVEL)
#define NAME_SIZE   160

struct hash_list {
    struct tally_hash *items;
    size_t count;
    size_t capacity;
};

struct hashes {
    pthread_mutex_t mutex;
    struct trail_place place;
    uint64_t *firsts; /* of the sealed segments, ascending */
    size_t first_count;
    uint64_t sealed;          /* entries in segments */
    struct hash_list pending; /* level 8 from number sealed / 256; empty once loaded */
    bool loaded;
    struct hash_list levels[LEVELS];
};

static bool
list_push(struct hash_list *list, const struct tally_hash *hash)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct tally_hash *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *hash;
    return true;
}

static void
list_free(struct hash_list *list)
{
    free(list->items);
    *list = (struct hash_list){ 0 };
}

static void
file_name(const char *folder, uint64_t first, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s/tree/%016" PRIx64, folder, first);
}

tally_status
hashes_create(const struct trail_place *place, const uint64_t *firsts, size_t count,
              uint64_t sealed, struct hashes **hashes_out, struct tally_error *error)
{
    struct hashes *hashes = calloc(1, sizeof *hashes);
    if (hashes == NULL)
        return memory_fault(error);
    hashes->firsts = malloc((count + 1) * sizeof *firsts);
    if (hashes->firsts == NULL) {
        free(hashes);
        return memory_fault(error);
    }
    if (count > 0)
        memcpy(hashes->firsts, firsts, count * sizeof *firsts);
    hashes->first_count = count;
    hashes->sealed = sealed;
    hashes->place = *place;
    (void)pthread_mutex_init(&hashes->mutex, NULL);
    *hashes_out = hashes;
    return TALLY_OK;
}

void
hashes_destroy(struct hashes *hashes)
{
    if (hashes == NULL)
        return;
    list_free(&hashes->pending);
    for (unsigned i = 0; i < LEVELS; i++)
        list_free(&hashes->levels[i]);
    free(hashes->firsts);
    (void)pthread_mutex_destroy(&hashes->mutex);
    free(hashes);
}

/* Adds a hash of level 8 and every hash above it that is complete now. Memory for the level is
 * taken first, so that a shortage leaves level 8 as it was; a parent that is missing is made up for
 * by the next push, because each level knows its own count. */
static bool
push_up(struct hashes *hashes, const struct tally_hash *hash)
{
    if (!list_push(&hashes->levels[0], hash))
        return false;
    for (unsigned i = 0; i + 1 < LEVELS; i++) {
        struct hash_list *level = &hashes->levels[i];
        struct hash_list *above = &hashes->levels[i + 1];
        while (above->count < level->count / 2) {
            struct tally_hash node;
            tally_hash_node(&level->items[above->count * 2], &level->items[above->count * 2 + 1],
                            &node);
            if (!list_push(above, &node))
                return true;
        }
    }
    return true;
}

bool
hashes_complete(const struct tally_tree *tree, const struct tally_hash *leaf,
                struct tally_hash *hash_out)
{
    if (tree->size % HASHES_SPAN != HASHES_SPAN - 1)
        return false;
    /* The last leaf of 256: all eight peaks below level 8 are there. */
    struct tally_hash node = *leaf;
    for (unsigned level = 0; level < HASHES_LEVEL; level++)
        tally_hash_node(&tree->peaks[level], &node, &node);
    *hash_out = node;
    return true;
}

tally_status
hashes_append(struct hashes *hashes, const struct tally_hash *hash, struct tally_error *error)
{
    (void)pthread_mutex_lock(&hashes->mutex);
    bool added = hashes->loaded ? push_up(hashes, hash) : list_push(&hashes->pending, hash);
    (void)pthread_mutex_unlock(&hashes->mutex);
    return added ? TALLY_OK : memory_fault(error);
}

tally_status
hashes_write_file(const struct trail_place *place, uint64_t first, uint64_t first_hash,
                  const struct tally_hash *hashes, size_t count, struct tally_error *error)
{
    struct buffer content = { 0 };
    buffer_append(&content, MAGIC, 8);
    buffer_u32(&content, VERSION);
    buffer_u32(&content, HASHES_LEVEL);
    buffer_append(&content, place->tag, 16);
    buffer_u64(&content, first_hash);
    buffer_u64(&content, count);
    for (size_t i = 0; i < count; i++)
        buffer_append(&content, hashes[i].bytes, TALLY_HASH_SIZE);
    buffer_u32(&content, crc32c(0, content.data, content.size));

    tally_status status = memory_fault(error);
    if (!buffer_failed(&content)) {
        char name[NAME_SIZE], tree[NAME_SIZE];
        file_name(place->folder, first, name);
        (void)snprintf(tree, sizeof tree, "%s/tree", place->folder);
        status = disk_replace_file(place->disk, tree, name, buffer_view(&content), error);
    }
    buffer_free(&content);
    return status;
}

static tally_status
check_file(struct bytes content, const char *name, const uint8_t tag[16], uint64_t first_hash,
           size_t count, struct tally_error *error)
{
    if (content.size < HEADER_SIZE + 4 || memcmp(content.data, MAGIC, 8) != 0)
        return fault(error, TALLY_DAMAGED, "%s: not a file of tree hashes", name);
    if (get_u32(content.data + content.size - 4) != crc32c(0, content.data, content.size - 4))
        return fault(error, TALLY_DAMAGED, "%s: the checksum does not match", name);
    if (get_u32(content.data + 8) != VERSION)
        return fault(error, TALLY_UNSUPPORTED, "%s: version %" PRIu32 " is newer than this program",
                     name, get_u32(content.data + 8));
    if (memcmp(content.data + 16, tag, 16) != 0)
        return fault(error, TALLY_DAMAGED, "%s: belongs to another trail", name);
    if (get_u32(content.data + 12) != HASHES_LEVEL || get_u64(content.data + 32) != first_hash ||
        get_u64(content.data + 40) != count ||
        content.size != HEADER_SIZE + count * TALLY_HASH_SIZE + 4)
        return fault(error, TALLY_DAMAGED, "%s: holds other hashes than its segment completes",
                     name);
    return TALLY_OK;
}

tally_status
hashes_read_file(const struct trail_place *place, uint64_t first, uint64_t first_hash,
                 struct tally_hash *hashes_out, size_t count, struct tally_error *error)
{
    char name[NAME_SIZE];
    file_name(place->folder, first, name);
    struct buffer content = { 0 };
    tally_status status = disk_read_file(
        place->disk, name, HEADER_SIZE + (count + 1) * TALLY_HASH_SIZE, &content, error);
    if (status == TALLY_ABSENT || status == TALLY_INVALID)
        status = fault(error, TALLY_DAMAGED, "%s: %s", name,
                       status == TALLY_ABSENT ? "missing" : "longer than its segment allows");
    if (status == TALLY_OK)
        status = check_file(buffer_view(&content), name, place->tag, first_hash, count, error);
    for (size_t i = 0; status == TALLY_OK && i < count; i++)
        memcpy(hashes_out[i].bytes, content.data + HEADER_SIZE + i * TALLY_HASH_SIZE,
               TALLY_HASH_SIZE);
    buffer_free(&content);
    return status;
}

/* Reads every file into level 8, then goes up. On a fault nothing is kept, so that it is met again.
 */
static tally_status
load(struct hashes *hashes, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < hashes->first_count && status == TALLY_OK; i++) {
        uint64_t end = i + 1 < hashes->first_count ? hashes->firsts[i + 1] : hashes->sealed;
        uint64_t from = hashes->firsts[i] / HASHES_SPAN;
        size_t count = (size_t)(end / HASHES_SPAN - from);
        struct tally_hash *read = malloc((count + 1) * sizeof *read);
        if (read == NULL)
            return memory_fault(error);
        status = hashes_read_file(&hashes->place, hashes->firsts[i], from, read, count, error);
        for (size_t k = 0; k < count && status == TALLY_OK; k++)
            if (!push_up(hashes, &read[k]))
                status = memory_fault(error);
        free(read);
    }
    for (size_t k = 0; k < hashes->pending.count && status == TALLY_OK; k++)
        if (!push_up(hashes, &hashes->pending.items[k]))
            status = memory_fault(error);
    if (status != TALLY_OK) {
        for (unsigned i = 0; i < LEVELS; i++)
            list_free(&hashes->levels[i]);
        return status;
    }
    hashes->loaded = true;
    list_free(&hashes->pending);
    return TALLY_OK;
}

tally_status
hashes_get(struct hashes *hashes, unsigned level, uint64_t index, struct tally_hash *hash_out,
           struct tally_error *error)
{
    assert(level >= HASHES_LEVEL && level < TALLY_TREE_LEVELS);
    (void)pthread_mutex_lock(&hashes->mutex);
    tally_status status = hashes->loaded ? TALLY_OK : load(hashes, error);
    const struct hash_list *list = &hashes->levels[level - HASHES_LEVEL];
    if (status == TALLY_OK && index >= list->count)
        status = TALLY_ABSENT;
    if (status == TALLY_OK)
        *hash_out = list->items[index];
    (void)pthread_mutex_unlock(&hashes->mutex);
    return status;
}

void
hashes_forget(struct hashes *hashes)
{
    (void)pthread_mutex_lock(&hashes->mutex);
    if (hashes->loaded) {
        /* Level 8 becomes what is pending again: the hashes that stand in no file yet. */
        size_t stored = (size_t)(hashes->sealed / HASHES_SPAN);
        hashes->pending = hashes->levels[0];
        hashes->pending.count -= stored;
        memmove(hashes->pending.items, hashes->pending.items + stored,
                hashes->pending.count * sizeof *hashes->pending.items);
        hashes->levels[0] = (struct hash_list){ 0 };
        for (unsigned i = 1; i < LEVELS; i++)
            list_free(&hashes->levels[i]);
        hashes->loaded = false;
    }
    (void)pthread_mutex_unlock(&hashes->mutex);
}

/* Where the level 8 hashes from `number` on stand in memory; `number` is not in a file yet. */
static const struct tally_hash *
in_memory(const struct hashes *hashes, uint64_t number)
{
    return hashes->loaded ? hashes->levels[0].items + number
                          : hashes->pending.items + (number - hashes->sealed / HASHES_SPAN);
}

void
hashes_unsealed(struct hashes *hashes, uint64_t number, struct tally_hash *hash_out)
{
    (void)pthread_mutex_lock(&hashes->mutex);
    assert(number >= hashes->sealed / HASHES_SPAN);
    *hash_out = *in_memory(hashes, number);
    (void)pthread_mutex_unlock(&hashes->mutex);
}

tally_status
hashes_seal(struct hashes *hashes, uint64_t first, uint64_t end, struct tally_error *error)
{
    uint64_t from = first / HASHES_SPAN;
    size_t count = (size_t)(end / HASHES_SPAN - from);
    struct tally_hash *copy = malloc((count + 1) * sizeof *copy);
    if (copy == NULL)
        return memory_fault(error);
    (void)pthread_mutex_lock(&hashes->mutex);
    assert(first == hashes->sealed && end > first);
    if (count > 0)
        memcpy(copy, in_memory(hashes, from), count * sizeof *copy);
    (void)pthread_mutex_unlock(&hashes->mutex);

    tally_status status = hashes_write_file(&hashes->place, first, from, copy, count, error);
    free(copy);
    return status;
}

tally_status
hashes_sealed(struct hashes *hashes, uint64_t first, uint64_t end, struct tally_error *error)
{
    (void)pthread_mutex_lock(&hashes->mutex);
    uint64_t *firsts = realloc(hashes->firsts, (hashes->first_count + 1) * sizeof *firsts);
    if (firsts != NULL) {
        hashes->firsts = firsts;
        firsts[hashes->first_count++] = first;
        size_t drop =
            hashes->loaded ? 0 : (size_t)(end / HASHES_SPAN - hashes->sealed / HASHES_SPAN);
        struct hash_list *pending = &hashes->pending;
        if (drop > 0) {
            pending->count -= drop;
            memmove(pending->items, pending->items + drop, pending->count * sizeof *pending->items);
        }
        hashes->sealed = end;
    }
    (void)pthread_mutex_unlock(&hashes->mutex);
    return firsts == NULL ? memory_fault(error) : TALLY_OK;
}
