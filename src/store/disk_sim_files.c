/*
 * disk_sim_files.c - what is done to the files of a simulated disk.
 */
#include "disk_sim_parts.h"

#include "fault.h"

#include <assert.h>
#include <errno.h>

static struct disk_file *
add_file(struct sim_disk *sim, uint32_t node, const char *name, enum disk_mode mode)
{
    size_t size = strlen(name) + 1;
    struct sim_file *file = must(calloc(1, sizeof *file + size));
    memcpy(file->name, name, size);
    file->file = (struct disk_file){ .disk = &sim->disk, .name = file->name };
    file->node = node;
    file->writable = mode != DISK_READ;
    if (sim->file_count == sim->file_capacity) {
        sim->file_capacity = sim->file_capacity * 2 + 8;
        sim->files = must(realloc(sim->files, sim->file_capacity * sizeof(struct sim_file *)));
    }
    sim->files[sim->file_count++] = file;
    return &file->file;
}

tally_status
sim_open(struct disk *disk, const char *name, enum disk_mode mode, struct disk_file **file_out,
         struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = sim_enter(sim);
    const char *leaf;
    uint32_t folder = sim_image_place(&sim->image, name, &leaf);
    uint32_t node = folder == SIM_NONE ? SIM_NONE : sim_image_find(&sim->image, folder, leaf);
    const char *what = mode == DISK_CREATE ? "create" : "open";
    if (!sim_is_done(outcome) || (outcome == OUTCOME_LATE && mode != DISK_CREATE))
        return sim_leave(sim, outcome, what, name, error);

    if (mode == DISK_CREATE) {
        if (folder == SIM_NONE || node != SIM_NONE)
            return sim_leave_without(sim, folder == SIM_NONE ? ENOENT : EEXIST, what, name, error);
        node = sim_make(sim, folder, leaf, false);
    } else if (node == SIM_NONE) {
        (void)pthread_mutex_unlock(&sim->mutex);
        return TALLY_ABSENT;
    } else if (sim->image.nodes[node].folder) {
        return sim_leave_without(sim, EISDIR, what, name, error);
    }
    struct disk_file *file = NULL;
    if (outcome == OUTCOME_GOOD)
        file = add_file(sim, node, name, mode);
    tally_status status = sim_leave(sim, outcome, what, name, error);
    if (status == TALLY_OK)
        *file_out = file;
    return status;
}

void
sim_close(struct disk_file *disk_file)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    (void)pthread_mutex_lock(&sim->mutex);
    size_t i = 0;
    while (sim->files[i] != file)
        i++;
    sim->files[i] = sim->files[--sim->file_count];
    sim_forget_if_gone(sim, file->node);
    (void)pthread_mutex_unlock(&sim->mutex);
    free(file);
}

tally_status
sim_read(struct disk_file *disk_file, uint64_t offset, void *data, size_t size, size_t *size_out,
         struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = sim_enter(sim);
    size_t got = 0;
    if (outcome == OUTCOME_GOOD)
        got = sim_image_read(&sim->image, file->node, offset, data, size);
    tally_status status = sim_leave(sim, outcome, "read", file->name, error);
    if (status == TALLY_OK)
        *size_out = got;
    return status;
}

/* How many of `size` bytes the outcome and the free space let through. */
static size_t
writable_size(struct sim_disk *sim, uint32_t node, uint64_t offset, size_t size,
              enum outcome *outcome)
{
    if (*outcome == OUTCOME_IO || *outcome == OUTCOME_FULL)
        return 0;
    if (*outcome == OUTCOME_SHORT)
        size /= 2;
    uint64_t end = sim_image_size(&sim->image, node);
    uint64_t growth = offset + size > end ? offset + size - end : 0;
    if (sim->space == UINT64_MAX || growth == 0)
        return size;
    if (growth <= sim->space) {
        sim->space -= growth;
        return size;
    }
    *outcome = OUTCOME_FULL;
    uint64_t fits = growth - sim->space < size ? size - (growth - sim->space) : 0;
    if (fits > 0)
        sim->space = 0;
    return (size_t)fits;
}

static void
write_and_log(struct sim_disk *sim, const struct sim_file *file, uint64_t offset, const void *data,
              size_t size)
{
    sim_image_write(&sim->image, file->node, offset, data, size);
    struct sim_operation operation = {
        .kind = SIM_WRITE,
        .node = file->node,
        .offset = offset,
        .size = size,
        .data = (uint8_t *)(uintptr_t)data,
    };
    sim_log_add(sim->log, &operation, file->name);
}

tally_status
sim_write(struct disk_file *disk_file, uint64_t offset, const void *data, size_t size,
          struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    assert(file->writable);
    enum outcome outcome = sim_enter(sim);
    size_t done = writable_size(sim, file->node, offset, size, &outcome);
    if (done > 0)
        write_and_log(sim, file, offset, data, done);
    return sim_leave(sim, outcome, "write", file->name, error);
}

/* One write of zeros, under the name of what is done. */
static tally_status
write_zeros(struct disk_file *disk_file, uint64_t offset, uint64_t size, const char *what,
            struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    assert(file->writable);
    enum outcome outcome = sim_enter(sim);
    size_t done = writable_size(sim, file->node, offset, (size_t)size, &outcome);
    if (done > 0) {
        void *zeros = must(calloc(1, done));
        write_and_log(sim, file, offset, zeros, done);
        free(zeros);
    }
    return sim_leave(sim, outcome, what, file->name, error);
}

tally_status
sim_clear(struct disk_file *disk_file, uint64_t offset, uint64_t size, struct tally_error *error)
{
    return write_zeros(disk_file, offset, size, "write", error);
}

/* A crash may leave of it what it may leave of writing zeros: any part. */
tally_status
sim_reserve(struct disk_file *disk_file, uint64_t size, struct tally_error *error)
{
    const struct sim_file *file = (const struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    assert(sim_image_size(&sim->image, file->node) == 0);
    return write_zeros(disk_file, 0, size, "reserve space for", error);
}

tally_status
sim_sync(struct disk_file *disk_file, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = sim_enter(sim);
    struct sim_operation operation = {
        .kind = SIM_SYNC,
        .node = file->node,
        .failed = outcome != OUTCOME_GOOD,
    };
    sim_log_add(sim->log, &operation, file->name);
    return sim_leave(sim, outcome, "sync", file->name, error);
}

tally_status
sim_size(struct disk_file *disk_file, uint64_t *size_out, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = sim_enter(sim);
    uint64_t size = sim_image_size(&sim->image, file->node);
    tally_status status = sim_leave(sim, outcome, "look at", file->name, error);
    if (status == TALLY_OK)
        *size_out = size;
    return status;
}

tally_status
sim_permissions(struct disk_file *disk_file, unsigned *out, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = sim_enter(sim);
    unsigned permissions = sim->permissions;
    tally_status status = sim_leave(sim, outcome, "look at", disk_file->name, error);
    if (status == TALLY_OK)
        *out = permissions;
    return status;
}

tally_status
sim_lock(struct disk_file *disk_file, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = sim_enter(sim);
    bool held = false;
    for (size_t i = 0; i < sim->file_count; i++)
        held |= sim->files[i] != file && sim->files[i]->node == file->node && sim->files[i]->locked;
    if (outcome == OUTCOME_GOOD && !held)
        file->locked = true;
    tally_status status = sim_leave(sim, outcome, "lock", file->name, error);
    if (status != TALLY_OK || !held)
        return status;
    return fault(error, TALLY_BUSY, "%s is locked by another process", file->name);
}
