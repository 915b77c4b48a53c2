/*
 * disk_sim_folders.c - what is done to the folders and names of a simulated disk.
 */
#include "disk_sim_parts.h"

#include <assert.h>
#include <errno.h>

tally_status
sim_make_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    if (sim_is_done(outcome)) {
        const char *leaf;
        uint32_t folder = sim_image_place(&sim->image, name, &leaf);
        if (folder == SIM_NONE)
            return sim_leave_without(sim, ENOENT, "create folder", name, error);
        uint32_t node = sim_image_find(&sim->image, folder, leaf);
        if (node != SIM_NONE && !sim->image.nodes[node].folder)
            return sim_leave_without(sim, ENOTDIR, "create folder", name, error);
        if (node == SIM_NONE)
            (void)sim_make(sim, folder, leaf, true);
    }
    return sim_leave(sim, outcome, "create folder", name, error);
}

tally_status
sim_sync_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    uint32_t node = sim_image_walk(&sim->image, name);
    if (node == SIM_NONE || !sim->image.nodes[node].folder)
        return sim_leave_without(sim, ENOENT, "open folder", name, error);
    struct sim_operation operation = {
        .kind = SIM_SYNC_FOLDER,
        .node = node,
        .failed = outcome != OUTCOME_GOOD,
    };
    sim_log_add(sim->log, &operation, name);
    return sim_leave(sim, outcome, "sync folder", name, error);
}

static void
rename_within(struct sim_disk *sim, uint32_t folder, const char *from, const char *to,
              uint32_t node)
{
    uint32_t replaced = sim_image_find(&sim->image, folder, to);
    sim_image_unlink(&sim->image, folder, from, node);
    sim_image_link(&sim->image, folder, to, node);
    if (replaced != SIM_NONE)
        sim_forget_if_gone(sim, replaced);
    struct sim_operation operation = { .kind = SIM_RENAME, .node = node, .folder = folder };
    memcpy(operation.to, to, strlen(to) + 1);
    sim_log_add(sim->log, &operation, from);
}

tally_status
sim_rename(struct disk *disk, const char *from, const char *to, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    if (sim_is_done(outcome)) {
        const char *leaf, *to_leaf;
        uint32_t folder = sim_image_place(&sim->image, from, &leaf);
        uint32_t to_folder = sim_image_place(&sim->image, to, &to_leaf);
        assert(folder == to_folder);
        uint32_t node = folder == SIM_NONE ? SIM_NONE : sim_image_find(&sim->image, folder, leaf);
        if (node == SIM_NONE)
            return sim_leave_without(sim, ENOENT, "rename", from, error);
        if (strcmp(leaf, to_leaf) != 0)
            rename_within(sim, folder, leaf, to_leaf, node);
    }
    return sim_leave(sim, outcome, "rename", from, error);
}

tally_status
sim_unlink(struct disk *disk, const char *name, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    const char *leaf;
    uint32_t folder = sim_image_place(&sim->image, name, &leaf);
    uint32_t node = folder == SIM_NONE ? SIM_NONE : sim_image_find(&sim->image, folder, leaf);
    if (!sim_is_done(outcome) || (outcome == OUTCOME_LATE && node == SIM_NONE))
        return sim_leave(sim, outcome, "remove", name, error);
    if (node == SIM_NONE) {
        (void)pthread_mutex_unlock(&sim->mutex);
        return TALLY_ABSENT;
    }
    if (sim->image.nodes[node].folder)
        return sim_leave_without(sim, EISDIR, "remove", name, error);
    sim_image_unlink(&sim->image, folder, leaf, node);
    struct sim_operation operation = { .kind = SIM_UNLINK, .node = node, .folder = folder };
    sim_log_add(sim->log, &operation, leaf);
    sim_forget_if_gone(sim, node);
    return sim_leave(sim, outcome, "remove", name, error);
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

tally_status
sim_list(struct disk *disk, const char *folder, disk_name_visitor visitor, void *context,
         struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    if (outcome != OUTCOME_GOOD)
        return sim_leave(sim, outcome, "list folder", folder, error);
    uint32_t node = sim_image_walk(&sim->image, folder);
    if (node == SIM_NONE || !sim->image.nodes[node].folder) {
        (void)pthread_mutex_unlock(&sim->mutex);
        return TALLY_ABSENT;
    }
    char(*names)[SIM_NAME_SIZE] = must(malloc((sim->image.entry_count + 1) * sizeof *names));
    size_t count = 0;
    for (uint32_t i = 0; i < sim->image.entry_count; i++)
        if (sim->image.entries[i].folder == node)
            memcpy(names[count++], sim->image.entries[i].name, sizeof *names);
    (void)pthread_mutex_unlock(&sim->mutex);

    qsort(names, count, sizeof *names, by_bytes);
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < count && status == TALLY_OK; i++)
        status = visitor(context, names[i], error);
    free(names);
    return status;
}

tally_status
sim_space(struct disk *disk, uint64_t *free_out, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    uint64_t space = sim->space;
    tally_status status = sim_leave(sim, outcome, "ask for the space of", "the disk", error);
    if (status == TALLY_OK)
        *free_out = space;
    return status;
}
