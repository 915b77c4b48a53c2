#include "sim_image.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BLOCK_SIZE 4096u

/* Zeros are no block at all: journal files are mostly zeros. */
struct block {
    atomic_uint refs;
    bool hashed;
    uint64_t hash;
    uint8_t bytes[BLOCK_SIZE];
};

struct sim_content {
    atomic_uint refs;
    uint64_t size;
    size_t block_count;
    struct block **blocks;
};

/* Room for one more member of an array. */
static void *
grown(void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return must(realloc(array, *capacity * size));
}

static uint64_t
mix(uint64_t a)
{
    a = (a ^ (a >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    a = (a ^ (a >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return a ^ (a >> 32);
}

static bool
all_zeros(const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

static void
block_release(struct block *block)
{
    if (block != NULL && atomic_fetch_sub(&block->refs, 1) == 1)
        free(block);
}

static void
content_release(struct sim_content *content)
{
    if (content == NULL || atomic_fetch_sub(&content->refs, 1) > 1)
        return;
    for (size_t i = 0; i < content->block_count; i++)
        block_release(content->blocks[i]);
    free(content->blocks);
    free(content);
}

/* The content of a file that is about to be written: its own, with `block_count` blocks at
 * least. */
static struct sim_content *
content_own(struct sim_node *node, size_t block_count)
{
    struct sim_content *content = node->content;
    if (content == NULL || content->refs > 1) {
        struct sim_content *own = must(calloc(1, sizeof *own));
        own->refs = 1;
        if (content != NULL) {
            own->size = content->size;
            own->block_count = content->block_count;
            own->blocks = must(malloc((own->block_count + 1) * sizeof(struct block *)));
            for (size_t i = 0; i < own->block_count; i++) {
                own->blocks[i] = content->blocks[i];
                if (own->blocks[i] != NULL)
                    own->blocks[i]->refs++;
            }
            content_release(content);
        }
        node->content = content = own;
    }
    if (block_count > content->block_count) {
        content->blocks = must(realloc(content->blocks, block_count * sizeof(struct block *)));
        for (size_t i = content->block_count; i < block_count; i++)
            content->blocks[i] = NULL;
        content->block_count = block_count;
    }
    return content;
}

/* Block `i`, to be written: not shared. */
static struct block *
block_own(struct sim_content *content, size_t i)
{
    struct block *block = content->blocks[i];
    if (block == NULL || block->refs > 1) {
        struct block *own = must(malloc(sizeof *own));
        if (block == NULL)
            memset(own->bytes, 0, BLOCK_SIZE);
        else
            memcpy(own->bytes, block->bytes, BLOCK_SIZE);
        own->refs = 1;
        block_release(block);
        content->blocks[i] = block = own;
    }
    block->hashed = false;
    return block;
}

static uint64_t
block_hash(struct block *block)
{
    if (block == NULL)
        return 0;
    if (!block->hashed) {
        block->hash = 0;
        for (size_t at = 0; at < BLOCK_SIZE; at += 8) {
            uint64_t word = get_u64(block->bytes + at);
            if (word != 0)
                block->hash += mix(word + mix(at + 1));
        }
        block->hashed = true;
    }
    return block->hash;
}

/* A sum over what is not zero: absent blocks and blocks of zeros count the same. */
static uint64_t
content_hash(const struct sim_content *content)
{
    if (content == NULL)
        return 0;
    uint64_t hash = mix(content->size);
    for (size_t i = 0; i < content->block_count; i++) {
        uint64_t block = block_hash(content->blocks[i]);
        if (block != 0)
            hash += mix(block + mix(i + 1));
    }
    return hash;
}

void
sim_image_init(struct sim_image *image)
{
    *image = (struct sim_image){ 0 };
    uint32_t root = sim_image_add(image, true);
    assert(root == SIM_ROOT);
    image->nodes[root].links = 1;
}

void
sim_image_finish(struct sim_image *image)
{
    for (uint32_t i = 0; i < image->node_count; i++)
        content_release(image->nodes[i].content);
    free(image->nodes);
    free(image->entries);
    *image = (struct sim_image){ 0 };
}

void
sim_image_copy_names(const struct sim_image *from, struct sim_image *image_out)
{
    struct sim_image image = {
        .node_count = from->node_count,
        .node_capacity = from->node_count,
        .entry_count = from->entry_count,
        .entry_capacity = from->entry_count + 16,
    };
    image.nodes = must(calloc(image.node_capacity, sizeof *image.nodes));
    for (uint32_t i = 0; i < image.node_count; i++)
        image.nodes[i].folder = from->nodes[i].folder;
    image.entries = must(malloc(image.entry_capacity * sizeof *image.entries));
    if (from->entry_count > 0)
        memcpy(image.entries, from->entries, from->entry_count * sizeof *image.entries);
    *image_out = image;
}

/* Counts the names of every node that can be reached from the root, level by level. */
static void
count_links(struct sim_image *image)
{
    for (uint32_t i = 0; i < image->node_count; i++)
        image->nodes[i].links = 0;
    image->nodes[SIM_ROOT].links = 1;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < image->entry_count; i++) {
            const struct sim_entry *entry = &image->entries[i];
            struct sim_node *node = &image->nodes[entry->node];
            if (node->links == 0 && image->nodes[entry->folder].links > 0) {
                node->links = 1;
                more = true;
            }
        }
    }
}

void
sim_image_copy_contents(const struct sim_image *from, struct sim_image *image)
{
    count_links(image);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < image->entry_count; i++) {
        const struct sim_entry *entry = &image->entries[i];
        if (image->nodes[entry->folder].links == 0)
            continue;
        if (kept < i)
            image->entries[kept] = *entry;
        kept++;
    }
    image->entry_count = kept;

    for (uint32_t i = 0; i < image->node_count; i++)
        image->nodes[i].links = i == SIM_ROOT;
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t number = image->entries[i].node;
        struct sim_node *node = &image->nodes[number];
        node->links++;
        if (node->content == NULL && from->nodes[number].content != NULL) {
            node->content = from->nodes[number].content;
            node->content->refs++;
        }
    }
}

uint32_t
sim_image_add(struct sim_image *image, bool folder)
{
    image->nodes =
        grown(image->nodes, image->node_count, &image->node_capacity, sizeof *image->nodes);
    image->nodes[image->node_count] = (struct sim_node){ .folder = folder };
    return image->node_count++;
}

static struct sim_entry *
find_entry(const struct sim_image *image, uint32_t folder, const char *name)
{
    for (uint32_t i = 0; i < image->entry_count; i++) {
        struct sim_entry *entry = &image->entries[i];
        if (entry->folder == folder && strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

uint32_t
sim_image_find(const struct sim_image *image, uint32_t folder, const char *name)
{
    const struct sim_entry *entry = find_entry(image, folder, name);
    return entry == NULL ? SIM_NONE : entry->node;
}

uint32_t
sim_image_place(const struct sim_image *image, const char *path, const char **leaf_out)
{
    uint32_t folder = SIM_ROOT;
    const char *slash;
    while ((slash = strchr(path, '/')) != NULL) {
        char component[SIM_NAME_SIZE];
        size_t size = (size_t)(slash - path);
        assert(size < sizeof component);
        memcpy(component, path, size);
        component[size] = '\0';
        folder = sim_image_find(image, folder, component);
        if (folder == SIM_NONE || !image->nodes[folder].folder)
            return SIM_NONE;
        path = slash + 1;
    }
    *leaf_out = path;
    return folder;
}

uint32_t
sim_image_walk(const struct sim_image *image, const char *path)
{
    if (path[0] == '\0')
        return SIM_ROOT;
    const char *leaf;
    uint32_t folder = sim_image_place(image, path, &leaf);
    return folder == SIM_NONE ? SIM_NONE : sim_image_find(image, folder, leaf);
}

void
sim_image_link(struct sim_image *image, uint32_t folder, const char *name, uint32_t node)
{
    struct sim_entry *entry = find_entry(image, folder, name);
    if (entry == NULL) {
        image->entries = grown(image->entries, image->entry_count, &image->entry_capacity,
                               sizeof *image->entries);
        entry = &image->entries[image->entry_count++];
        size_t size = strlen(name) + 1;
        assert(size <= sizeof entry->name);
        entry->folder = folder;
        memcpy(entry->name, name, size);
    } else {
        image->nodes[entry->node].links--;
    }
    entry->node = node;
    image->nodes[node].links++;
}

void
sim_image_unlink(struct sim_image *image, uint32_t folder, const char *name, uint32_t node)
{
    struct sim_entry *entry = find_entry(image, folder, name);
    if (entry == NULL || entry->node != node)
        return;
    image->nodes[node].links--;
    *entry = image->entries[--image->entry_count];
}

void
sim_image_clear(struct sim_image *image, uint32_t node)
{
    content_release(image->nodes[node].content);
    image->nodes[node].content = NULL;
}

uint64_t
sim_image_size(const struct sim_image *image, uint32_t node)
{
    const struct sim_content *content = image->nodes[node].content;
    return content == NULL ? 0 : content->size;
}

size_t
sim_image_read(const struct sim_image *image, uint32_t node, uint64_t offset, void *data,
               size_t size)
{
    const struct sim_content *content = image->nodes[node].content;
    uint64_t end = sim_image_size(image, node);
    if (offset >= end)
        return 0;
    if (size > end - offset)
        size = (size_t)(end - offset);
    uint8_t *to = data;
    for (size_t done = 0; done < size;) {
        size_t within = (size_t)((offset + done) % BLOCK_SIZE);
        size_t piece = size - done < BLOCK_SIZE - within ? size - done : BLOCK_SIZE - within;
        const struct block *block = content->blocks[(offset + done) / BLOCK_SIZE];
        if (block == NULL)
            memset(to + done, 0, piece);
        else
            memcpy(to + done, block->bytes + within, piece);
        done += piece;
    }
    return size;
}

void
sim_image_grow(struct sim_image *image, uint32_t node, uint64_t size)
{
    if (size <= sim_image_size(image, node))
        return;
    content_own(&image->nodes[node], (size_t)((size + BLOCK_SIZE - 1) / BLOCK_SIZE))->size = size;
}

void
sim_image_write(struct sim_image *image, uint32_t node, uint64_t offset, const void *data,
                size_t size)
{
    if (size == 0)
        return;
    sim_image_grow(image, node, offset + size);
    struct sim_content *content = content_own(&image->nodes[node], 0);
    const uint8_t *from = data;
    for (size_t done = 0; done < size;) {
        size_t within = (size_t)((offset + done) % BLOCK_SIZE);
        size_t piece = size - done < BLOCK_SIZE - within ? size - done : BLOCK_SIZE - within;
        size_t i = (size_t)((offset + done) / BLOCK_SIZE);
        if (content->blocks[i] != NULL || !all_zeros(from + done, piece))
            memcpy(block_own(content, i)->bytes + within, from + done, piece);
        done += piece;
    }
}

/* A number for the path of a folder's node: the root's is 1. */
static uint64_t
path_hash(const struct sim_image *image, uint32_t folder, const char *name)
{
    uint64_t hash = 1;
    if (folder != SIM_ROOT) {
        for (uint32_t i = 0; i < image->entry_count; i++) {
            const struct sim_entry *entry = &image->entries[i];
            if (entry->node == folder)
                hash = path_hash(image, entry->folder, entry->name);
        }
    }
    for (const char *at = name; *at != '\0'; at++)
        hash = mix(hash + (uint8_t)*at);
    return mix(hash + '/');
}

uint64_t
sim_image_hash(struct sim_image *image)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < image->entry_count; i++) {
        const struct sim_entry *entry = &image->entries[i];
        const struct sim_node *node = &image->nodes[entry->node];
        uint64_t path = path_hash(image, entry->folder, entry->name);
        hash += mix(path + (node->folder ? 1 : mix(content_hash(node->content) + 2)));
    }
    return hash;
}
