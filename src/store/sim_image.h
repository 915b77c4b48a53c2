/*
 * sim_image.h - folders and files in memory that are cheap to copy: what the simulated disk holds.
 *
 * Files are tables of blocks; tables and blocks are counted and shared by copies until one of them
 * writes. A copy costs a few microseconds, whatever the files' size. One thread at a time may use
 * an image; images that share blocks may be used at once. Memory being short ends the process: this
 * is for tests.
 */
#ifndef SIM_IMAGE_H
#define SIM_IMAGE_H

#include "disk_sim.h"

#include <stdlib.h>

#define SIM_ROOT 0u
#define SIM_NONE UINT32_MAX

/* Memory that there must be. */
static inline void *
must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

struct sim_content;

/* A file or folder; its number lasts for the image's life and is the same in its copies. */
struct sim_node {
    struct sim_content *content; /* NULL: an empty file, or a folder */
    uint32_t links;              /* names that lead to it */
    bool folder;
};

struct sim_entry {
    uint32_t folder; /* the node of the folder that holds the name */
    uint32_t node;
    char name[SIM_NAME_SIZE];
};

struct sim_image {
    struct sim_node *nodes;
    uint32_t node_count, node_capacity;
    struct sim_entry *entries;
    uint32_t entry_count, entry_capacity;
};

/* An image of an empty folder, SIM_ROOT. */
void sim_image_init(struct sim_image *image);
void sim_image_finish(struct sim_image *image);

/* A copy in two steps, between which names may be changed: first all names, then the contents of
 * what can be reached by them. Names that cannot be reached, and what they lead to, are left out.
 */
void sim_image_copy_names(const struct sim_image *from, struct sim_image *image_out);
void sim_image_copy_contents(const struct sim_image *from, struct sim_image *image);

uint32_t sim_image_add(struct sim_image *image, bool folder);

/* The node of a name, or SIM_NONE. */
uint32_t sim_image_find(const struct sim_image *image, uint32_t folder, const char *name);

/* The folder that holds what a path leads to, and what it is called there; SIM_NONE where there is
 * no such folder. */
uint32_t sim_image_place(const struct sim_image *image, const char *path, const char **leaf_out);

/* The node that a path leads to, "" being the root; or SIM_NONE. */
uint32_t sim_image_walk(const struct sim_image *image, const char *path);

/* Makes `name` lead to `node`, and no longer to what it led to before. */
void sim_image_link(struct sim_image *image, uint32_t folder, const char *name, uint32_t node);

/* Takes `name` away if it leads to `node`. */
void sim_image_unlink(struct sim_image *image, uint32_t folder, const char *name, uint32_t node);

/* Lets go of a file's bytes. */
void sim_image_clear(struct sim_image *image, uint32_t node);

uint64_t sim_image_size(const struct sim_image *image, uint32_t node);
/* Up to `size` bytes; how many there were. */
size_t sim_image_read(const struct sim_image *image, uint32_t node, uint64_t offset, void *data,
                      size_t size);
void sim_image_write(struct sim_image *image, uint32_t node, uint64_t offset, const void *data,
                     size_t size);
/* Makes the file at least so large, with zeros. */
void sim_image_grow(struct sim_image *image, uint32_t node, uint64_t size);

/* Of all that can be reached: names and bytes. */
uint64_t sim_image_hash(struct sim_image *image);

#endif
