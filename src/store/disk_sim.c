#include "disk_sim_parts.h"

#include "fault.h"

#include <assert.h>
#include <errno.h>

enum outcome
sim_enter(struct sim_disk *sim)
{
    (void)pthread_mutex_lock(&sim->mutex);
    bool hit = sim->calls++ == sim->fail_at;
    if (sim->dead)
        return OUTCOME_IO;
    if (!hit)
        return OUTCOME_GOOD;
    sim->failed = true;
    switch (sim->fault) {
    case SIM_FAULT_FULL:
        return OUTCOME_FULL;
    case SIM_FAULT_SHORT:
        return OUTCOME_SHORT;
    case SIM_FAULT_LATE:
        return OUTCOME_LATE;
    case SIM_FAULT_DEAD:
        sim->dead = true;
        break;
    case SIM_FAULT_IO:
        break;
    }
    return OUTCOME_IO;
}

tally_status
sim_leave(struct sim_disk *sim, enum outcome outcome, const char *what, const char *name,
          struct tally_error *error)
{
    (void)pthread_mutex_unlock(&sim->mutex);
    if (outcome == OUTCOME_GOOD)
        return TALLY_OK;
    errno = outcome == OUTCOME_FULL ? ENOSPC : EIO;
    return io_fault(error, "cannot %s %s", what, name);
}

tally_status
sim_leave_without(struct sim_disk *sim, int os, const char *what, const char *name,
                  struct tally_error *error)
{
    (void)pthread_mutex_unlock(&sim->mutex);
    errno = os;
    return io_fault(error, "cannot %s %s", what, name);
}

void
sim_forget_if_gone(struct sim_disk *sim, uint32_t node)
{
    if (sim->image.nodes[node].links > 0)
        return;
    for (size_t i = 0; i < sim->file_count; i++)
        if (sim->files[i]->node == node)
            return;
    if (sim->space != UINT64_MAX)
        sim->space += sim_image_size(&sim->image, node);
    sim_image_clear(&sim->image, node);
}

uint32_t
sim_make(struct sim_disk *sim, uint32_t folder, const char *leaf, bool is_folder)
{
    uint32_t node = sim_image_add(&sim->image, is_folder);
    sim_image_link(&sim->image, folder, leaf, node);
    struct sim_operation operation = {
        .kind = SIM_LINK,
        .folder_made = is_folder,
        .node = node,
        .folder = folder,
    };
    sim_log_add(sim->log, &operation, leaf);
    return node;
}

static void
sim_destroy(struct disk *disk)
{
    struct sim_disk *sim = sim_of(disk);
    assert(sim->file_count == 0);
    sim_log_destroy(sim->log);
    sim_image_finish(&sim->image);
    free(sim->files);
    (void)pthread_mutex_destroy(&sim->mutex);
    free(sim);
}

static const struct disk_operations operations = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .clear = sim_clear,
    .reserve = sim_reserve,
    .sync = sim_sync,
    .size = sim_size,
    .permissions = sim_permissions,
    .make_folder = sim_make_folder,
    .sync_folder = sim_sync_folder,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .list = sim_list,
    .space = sim_space,
    .lock = sim_lock,
    .destroy = sim_destroy,
};

struct disk *
disk_sim_adopt(struct sim_image *image)
{
    struct sim_disk *sim = must(calloc(1, sizeof *sim));
    sim->disk.operations = &operations;
    if (pthread_mutex_init(&sim->mutex, NULL) != 0)
        abort();
    sim->image = *image;
    sim->fail_at = UINT64_MAX;
    sim->space = UINT64_MAX;
    sim->permissions = 0600;
    *image = (struct sim_image){ 0 };
    return &sim->disk;
}

struct disk *
disk_sim_create(void)
{
    struct sim_image image;
    sim_image_init(&image);
    return disk_sim_adopt(&image);
}

struct disk *
disk_sim_copy(struct disk *disk)
{
    struct sim_image image;
    sim_image_copy_names(&sim_of(disk)->image, &image);
    sim_image_copy_contents(&sim_of(disk)->image, &image);
    return disk_sim_adopt(&image);
}

void
disk_sim_record(struct disk *disk)
{
    struct sim_disk *sim = sim_of(disk);
    sim_log_destroy(sim->log);
    sim->log = must(calloc(1, sizeof *sim->log));
    sim_image_copy_names(&sim->image, &sim->log->start);
    sim_image_copy_contents(&sim->image, &sim->log->start);
}

struct sim_image *
disk_sim_image(struct disk *disk)
{
    return &sim_of(disk)->image;
}

const struct sim_log *
disk_sim_log(struct disk *disk)
{
    return sim_of(disk)->log;
}

size_t
disk_sim_operations(const struct disk *disk)
{
    const struct sim_log *log = ((const struct sim_disk *)disk)->log;
    return log == NULL ? 0 : log->operation_count;
}

void
disk_sim_note(struct disk *disk, int kind, uint64_t value, const void *data, size_t size)
{
    struct sim_disk *sim = sim_of(disk);
    (void)pthread_mutex_lock(&sim->mutex);
    sim_log_note(sim->log, kind, value, bytes_of(data, size));
    (void)pthread_mutex_unlock(&sim->mutex);
}

void
disk_sim_fail(struct disk *disk, uint64_t n, enum sim_fault fault)
{
    struct sim_disk *sim = sim_of(disk);
    sim->fail_at = sim->calls + n;
    sim->fault = fault;
    sim->failed = false;
}

void
disk_sim_heal(struct disk *disk)
{
    sim_of(disk)->fail_at = UINT64_MAX;
    sim_of(disk)->dead = false;
}

bool
disk_sim_failed(const struct disk *disk)
{
    return ((const struct sim_disk *)disk)->failed;
}

uint64_t
disk_sim_calls(const struct disk *disk)
{
    return ((const struct sim_disk *)disk)->calls;
}

void
disk_sim_set_space(struct disk *disk, uint64_t size)
{
    sim_of(disk)->space = size;
}

void
disk_sim_set_permissions(struct disk *disk, unsigned permissions)
{
    sim_of(disk)->permissions = permissions;
}
