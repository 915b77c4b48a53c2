/*
 * sim_probe.c - looking into a simulated disk, and changing it, behind its back.
 */
#include "sim_log.h"

#include <assert.h>
#include <stdlib.h>

static uint32_t
file_node(struct disk *disk, const char *name)
{
    uint32_t node = sim_image_walk(disk_sim_image(disk), name);
    assert(node != SIM_NONE && !disk_sim_image(disk)->nodes[node].folder);
    return node;
}

uint64_t
disk_sim_size(struct disk *disk, const char *name)
{
    return sim_image_size(disk_sim_image(disk), file_node(disk, name));
}

void
disk_sim_peek(struct disk *disk, const char *name, uint64_t offset, void *data, size_t size)
{
    size_t got = sim_image_read(disk_sim_image(disk), file_node(disk, name), offset, data, size);
    assert(got == size);
}

void
disk_sim_poke(struct disk *disk, const char *name, uint64_t offset, const void *data, size_t size)
{
    sim_image_write(disk_sim_image(disk), file_node(disk, name), offset, data, size);
}

bool
disk_sim_contains(struct disk *disk, const void *data, size_t size)
{
    const struct sim_image *image = disk_sim_image(disk);
    bool found = false;
    for (uint32_t i = 0; i < image->entry_count && !found; i++) {
        uint32_t node = image->entries[i].node;
        size_t file_size = (size_t)sim_image_size(image, node);
        uint8_t *file = malloc(file_size + 1);
        if (file == NULL)
            abort();
        (void)sim_image_read(image, node, 0, file, file_size);
        found = memmem(file, file_size, data, size) != NULL;
        free(file);
    }
    return found;
}

uint64_t
disk_sim_hash(struct disk *disk)
{
    return sim_image_hash(disk_sim_image(disk));
}
