#include "disk_sim.h"

#include "buffer.h"
#include "fault.h"
#include "sim_log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* What the next call is to meet. */
enum outcome {
    OUTCOME_GOOD,
    OUTCOME_IO,
    OUTCOME_FULL,
    OUTCOME_SHORT,
    OUTCOME_LATE,
};

struct sim_file {
    struct disk_file file;
    uint32_t node;
    bool writable;
    bool locked;
    char name[];
};

struct sim_disk {
    struct disk disk;
    pthread_mutex_t mutex;
    struct sim_image image;
    struct sim_file **files; /* open ones */
    size_t file_count, file_capacity;
    struct sim_log *log; /* NULL: not recording */

    uint64_t calls;
    uint64_t fail_at; /* UINT64_MAX: never */
    enum sim_fault fault;
    bool failed;
    bool dead;
    uint64_t space;
    unsigned permissions;
};

static void *
must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static struct sim_disk *
sim_of(struct disk *disk)
{
    return (struct sim_disk *)disk;
}

/* Begins a call. */
static enum outcome
enter(struct sim_disk *sim)
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

/* Ends it. */
static tally_status
leave(struct sim_disk *sim, enum outcome outcome, const char *what, const char *name,
      struct tally_error *error)
{
    (void)pthread_mutex_unlock(&sim->mutex);
    if (outcome == OUTCOME_GOOD)
        return TALLY_OK;
    errno = outcome == OUTCOME_FULL ? ENOSPC : EIO;
    return io_fault(error, "cannot %s %s", what, name);
}

static tally_status
leave_without(struct sim_disk *sim, int os, const char *what, const char *name,
              struct tally_error *error)
{
    (void)pthread_mutex_unlock(&sim->mutex);
    errno = os;
    return io_fault(error, "cannot %s %s", what, name);
}

/* Whether the call takes effect. */
static bool
is_done(enum outcome outcome)
{
    return outcome == OUTCOME_GOOD || outcome == OUTCOME_LATE;
}

/* Gives back what a file took when neither a name nor an open file leads to it. */
static void
forget_if_gone(struct sim_disk *sim, uint32_t node)
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

/* Makes a file or folder. */
static uint32_t
create(struct sim_disk *sim, uint32_t folder, const char *leaf, bool is_folder)
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

static tally_status
sim_open(struct disk *disk, const char *name, enum disk_mode mode, struct disk_file **file_out,
         struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    const char *leaf;
    uint32_t folder = sim_image_place(&sim->image, name, &leaf);
    uint32_t node = folder == SIM_NONE ? SIM_NONE : sim_image_find(&sim->image, folder, leaf);
    const char *what = mode == DISK_CREATE ? "create" : "open";
    if (!is_done(outcome) || (outcome == OUTCOME_LATE && mode != DISK_CREATE))
        return leave(sim, outcome, what, name, error);

    if (mode == DISK_CREATE) {
        if (folder == SIM_NONE || node != SIM_NONE)
            return leave_without(sim, folder == SIM_NONE ? ENOENT : EEXIST, what, name, error);
        node = create(sim, folder, leaf, false);
    } else if (node == SIM_NONE) {
        (void)pthread_mutex_unlock(&sim->mutex);
        return TALLY_ABSENT;
    } else if (sim->image.nodes[node].folder) {
        return leave_without(sim, EISDIR, what, name, error);
    }
    struct disk_file *file = NULL;
    if (outcome == OUTCOME_GOOD)
        file = add_file(sim, node, name, mode);
    tally_status status = leave(sim, outcome, what, name, error);
    if (status == TALLY_OK)
        *file_out = file;
    return status;
}

static void
sim_close(struct disk_file *disk_file)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    (void)pthread_mutex_lock(&sim->mutex);
    size_t i = 0;
    while (sim->files[i] != file)
        i++;
    sim->files[i] = sim->files[--sim->file_count];
    forget_if_gone(sim, file->node);
    (void)pthread_mutex_unlock(&sim->mutex);
    free(file);
}

static tally_status
sim_read(struct disk_file *disk_file, uint64_t offset, void *data, size_t size, size_t *size_out,
         struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = enter(sim);
    size_t got = 0;
    if (outcome == OUTCOME_GOOD)
        got = sim_image_read(&sim->image, file->node, offset, data, size);
    tally_status status = leave(sim, outcome, "read", file->name, error);
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

static tally_status
sim_write(struct disk_file *disk_file, uint64_t offset, const void *data, size_t size,
          struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    assert(file->writable);
    enum outcome outcome = enter(sim);
    size_t done = writable_size(sim, file->node, offset, size, &outcome);
    if (done > 0)
        write_and_log(sim, file, offset, data, done);
    return leave(sim, outcome, "write", file->name, error);
}

/* A crash may leave of it what it may leave of writing zeros: any part. */
static tally_status
sim_reserve(struct disk_file *disk_file, uint64_t size, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    assert(file->writable && sim_image_size(&sim->image, file->node) == 0);
    enum outcome outcome = enter(sim);
    size_t done = writable_size(sim, file->node, 0, (size_t)size, &outcome);
    if (done > 0) {
        void *zeros = must(calloc(1, done));
        write_and_log(sim, file, 0, zeros, done);
        free(zeros);
    }
    return leave(sim, outcome, "reserve space for", file->name, error);
}

static tally_status
sim_sync(struct disk_file *disk_file, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = enter(sim);
    struct sim_operation operation = {
        .kind = SIM_SYNC,
        .node = file->node,
        .failed = outcome != OUTCOME_GOOD,
    };
    sim_log_add(sim->log, &operation, file->name);
    return leave(sim, outcome, "sync", file->name, error);
}

static tally_status
sim_size(struct disk_file *disk_file, uint64_t *size_out, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = enter(sim);
    uint64_t size = sim_image_size(&sim->image, file->node);
    tally_status status = leave(sim, outcome, "look at", file->name, error);
    if (status == TALLY_OK)
        *size_out = size;
    return status;
}

static tally_status
sim_permissions(struct disk_file *disk_file, unsigned *out, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = enter(sim);
    unsigned permissions = sim->permissions;
    tally_status status = leave(sim, outcome, "look at", disk_file->name, error);
    if (status == TALLY_OK)
        *out = permissions;
    return status;
}

static tally_status
sim_make_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    if (is_done(outcome)) {
        const char *leaf;
        uint32_t folder = sim_image_place(&sim->image, name, &leaf);
        if (folder == SIM_NONE)
            return leave_without(sim, ENOENT, "create folder", name, error);
        uint32_t node = sim_image_find(&sim->image, folder, leaf);
        if (node != SIM_NONE && !sim->image.nodes[node].folder)
            return leave_without(sim, ENOTDIR, "create folder", name, error);
        if (node == SIM_NONE)
            (void)create(sim, folder, leaf, true);
    }
    return leave(sim, outcome, "create folder", name, error);
}

static tally_status
sim_sync_folder(struct disk *disk, const char *name, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    uint32_t node = sim_image_walk(&sim->image, name);
    if (node == SIM_NONE || !sim->image.nodes[node].folder)
        return leave_without(sim, ENOENT, "open folder", name, error);
    struct sim_operation operation = {
        .kind = SIM_SYNC_FOLDER,
        .node = node,
        .failed = outcome != OUTCOME_GOOD,
    };
    sim_log_add(sim->log, &operation, name);
    return leave(sim, outcome, "sync folder", name, error);
}

static void
rename_within(struct sim_disk *sim, uint32_t folder, const char *from, const char *to,
              uint32_t node)
{
    uint32_t replaced = sim_image_find(&sim->image, folder, to);
    sim_image_unlink(&sim->image, folder, from, node);
    sim_image_link(&sim->image, folder, to, node);
    if (replaced != SIM_NONE)
        forget_if_gone(sim, replaced);
    struct sim_operation operation = { .kind = SIM_RENAME, .node = node, .folder = folder };
    memcpy(operation.to, to, strlen(to) + 1);
    sim_log_add(sim->log, &operation, from);
}

static tally_status
sim_rename(struct disk *disk, const char *from, const char *to, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    if (is_done(outcome)) {
        const char *leaf, *to_leaf;
        uint32_t folder = sim_image_place(&sim->image, from, &leaf);
        uint32_t to_folder = sim_image_place(&sim->image, to, &to_leaf);
        assert(folder == to_folder);
        uint32_t node = folder == SIM_NONE ? SIM_NONE : sim_image_find(&sim->image, folder, leaf);
        if (node == SIM_NONE)
            return leave_without(sim, ENOENT, "rename", from, error);
        if (strcmp(leaf, to_leaf) != 0)
            rename_within(sim, folder, leaf, to_leaf, node);
    }
    return leave(sim, outcome, "rename", from, error);
}

static tally_status
sim_unlink(struct disk *disk, const char *name, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    const char *leaf;
    uint32_t folder = sim_image_place(&sim->image, name, &leaf);
    uint32_t node = folder == SIM_NONE ? SIM_NONE : sim_image_find(&sim->image, folder, leaf);
    if (!is_done(outcome) || (outcome == OUTCOME_LATE && node == SIM_NONE))
        return leave(sim, outcome, "remove", name, error);
    if (node == SIM_NONE) {
        (void)pthread_mutex_unlock(&sim->mutex);
        return TALLY_ABSENT;
    }
    if (sim->image.nodes[node].folder)
        return leave_without(sim, EISDIR, "remove", name, error);
    sim_image_unlink(&sim->image, folder, leaf, node);
    struct sim_operation operation = { .kind = SIM_UNLINK, .node = node, .folder = folder };
    sim_log_add(sim->log, &operation, leaf);
    forget_if_gone(sim, node);
    return leave(sim, outcome, "remove", name, error);
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static tally_status
sim_list(struct disk *disk, const char *folder, disk_name_visitor visitor, void *context,
         struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    if (outcome != OUTCOME_GOOD)
        return leave(sim, outcome, "list folder", folder, error);
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

static tally_status
sim_space(struct disk *disk, uint64_t *free_out, struct tally_error *error)
{
    struct sim_disk *sim = sim_of(disk);
    enum outcome outcome = enter(sim);
    uint64_t space = sim->space;
    tally_status status = leave(sim, outcome, "ask for the space of", "the disk", error);
    if (status == TALLY_OK)
        *free_out = space;
    return status;
}

static tally_status
sim_lock(struct disk_file *disk_file, struct tally_error *error)
{
    struct sim_file *file = (struct sim_file *)disk_file;
    struct sim_disk *sim = sim_of(disk_file->disk);
    enum outcome outcome = enter(sim);
    bool held = false;
    for (size_t i = 0; i < sim->file_count; i++)
        held |= sim->files[i] != file && sim->files[i]->node == file->node && sim->files[i]->locked;
    if (outcome == OUTCOME_GOOD && !held)
        file->locked = true;
    tally_status status = leave(sim, outcome, "lock", file->name, error);
    if (status != TALLY_OK || !held)
        return status;
    return fault(error, TALLY_BUSY, "%s is locked by another process", file->name);
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
