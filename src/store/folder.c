/*
 * folder.c - the data folder, and what all of its trails share.
 *
 * The heads' memory is bounded twice. While it is short, a trail that appends may not grow beyond
 * its share, so that heads that grow stay below the budget together; and the sealer seals the
 * largest ones, growing or idle, until the budget is kept again. So for moments they may take twice
 * as much, if one idle trail had it all.
 */
#include "folder_core.h"

#include "clock.h"
#include "condition.h"
#include "fault.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MEBIBYTE ((size_t)1 << 20)

/* Segments kept open between queries, of all trails: some five hundred, which is a hundred million
 * entries, without the dictionaries that were loaded whole; a third of a mebibyte each, most of it
 * primers. They may hold a part of the descriptors that there may be, three each. */
#define SEGMENTS_MEMORY_MAX (160 * MEBIBYTE)
#define SEGMENTS_FILES_MAX  4096u
#define SEGMENTS_FILES_MIN  16u
#define SEGMENTS_FILES_PART 4u

/* Records of several batches have half of it at most. */
#define SPARE_MAX (4 * MEBIBYTE)

tally_status
folder_create(const char *path, struct tally_error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return io_fault(error, "cannot make the folder %s", path);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return io_fault(error, "cannot open the folder %s", path);
    bool empty = true;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        empty = empty && entry->d_name[0] == '.' &&
                (entry->d_name[1] == '\0' || strcmp(entry->d_name, "..") == 0);
    (void)closedir(folder);
    if (!empty)
        return fault(error, TALLY_CONFLICT,
                     "%s is not empty: name a folder that does not exist yet, or an empty one",
                     path);
    if (chmod(path, 0700) != 0)
        return io_fault(error, "cannot close %s to others", path);

    struct disk *disk;
    tally_status status = disk_open_folder(path, &disk, error);
    if (status != TALLY_OK)
        return status;
    status = disk_make_folder(disk, "keys", error);
    if (status == TALLY_OK)
        status = disk_make_folder(disk, "trails", error);
    if (status == TALLY_OK)
        status = disk_sync_folder(disk, "", error);
    disk_close_folder(disk);
    return status;
}

static void
fill_defaults(struct folder_options *options)
{
    if (options->head_entries_max == 0 || options->head_entries_max > HEAD_ENTRIES_MAX)
        options->head_entries_max = HEAD_ENTRIES_MAX;
    if (options->head_memory_max == 0)
        options->head_memory_max = 88 * MEBIBYTE;
    if (options->heads_memory_max == 0)
        options->heads_memory_max = 256 * MEBIBYTE;
    if (options->close_journal_max == 0)
        options->close_journal_max = 8 * MEBIBYTE;
    if (options->checkpoint_interval == 0)
        options->checkpoint_interval = CLOCK_SECOND / 10;
    if (options->id_window == 0)
        options->id_window = 4000000;
    if (options->command == NULL)
        options->command = "a program with libtally";
}

static tally_status
any_name(void *context, const char *name, struct tally_error *error)
{
    (void)context, (void)name, (void)error;
    return TALLY_OK;
}

/* A data folder has a folder of trails, if an empty one. */
static tally_status
check_folder(struct disk *disk, const char *path, struct tally_error *error)
{
    tally_status status = disk_list(disk, "trails", any_name, NULL, error);
    if (status == TALLY_ABSENT)
        return fault(error, TALLY_ABSENT, "%s is no data folder: make one with `tally init %s`",
                     path, path);
    return status;
}

static unsigned
limit_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return SEGMENTS_FILES_MIN;
    rlim_t part = limit.rlim_cur / SEGMENTS_FILES_PART;
    if (part > SEGMENTS_FILES_MAX)
        return SEGMENTS_FILES_MAX;
    return part < SEGMENTS_FILES_MIN ? SEGMENTS_FILES_MIN : (unsigned)part;
}

tally_status
folder_open(const char *path, const struct folder_options *options, struct folder **folder_out,
            struct tally_error *error)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return memory_fault(error);
    if (options != NULL)
        folder->options = *options;
    fill_defaults(&folder->options);
    (void)pthread_mutex_init(&folder->mutex, NULL);
    condition_init(&folder->to_sign);
    condition_init(&folder->to_seal);
    (void)pthread_cond_init(&folder->idle, NULL);
    segment_cache_init(&folder->segments, SEGMENTS_MEMORY_MAX, limit_files());

    tally_status status = TALLY_OK;
    folder->disk = folder->options.disk;
    if (folder->disk == NULL) {
        status = disk_open_folder(path, &folder->disk, error);
        folder->disk_owned = status == TALLY_OK;
        if (status == TALLY_ABSENT)
            status = fault(error, TALLY_ABSENT,
                           "there is no data folder %s: make one with `tally init %s`", path, path);
    }
    if (status == TALLY_OK)
        status = check_folder(folder->disk, path, error);
    if (status != TALLY_OK) {
        folder_close(folder);
        return status;
    }
    *folder_out = folder;
    return TALLY_OK;
}

void
folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    assert(folder->trails == NULL);
    background_end(folder);
    segment_cache_finish(&folder->segments);
    buffer_free(&folder->spare);
    if (folder->disk_owned)
        disk_close_folder(folder->disk);
    (void)pthread_mutex_destroy(&folder->mutex);
    (void)pthread_cond_destroy(&folder->to_sign);
    (void)pthread_cond_destroy(&folder->to_seal);
    (void)pthread_cond_destroy(&folder->idle);
    free(folder);
}

struct segment_cache *
folder_segments(struct folder *folder)
{
    return &folder->segments;
}

unsigned
folder_files_max(const struct folder *folder)
{
    return folder->segments.files_max;
}

struct disk *
folder_disk(struct folder *folder)
{
    return folder->disk;
}

const struct folder_options *
folder_get_options(const struct folder *folder)
{
    return &folder->options;
}

tally_status
folder_list_trails(struct folder *folder, disk_name_visitor visitor, void *context,
                   struct tally_error *error)
{
    return disk_list(folder->disk, "trails", visitor, context, error);
}

struct buffer
folder_lend_buffer(struct folder *folder)
{
    (void)pthread_mutex_lock(&folder->mutex);
    struct buffer buffer = folder->spare;
    folder->spare = (struct buffer){ 0 };
    (void)pthread_mutex_unlock(&folder->mutex);
    return buffer;
}

void
folder_return_buffer(struct folder *folder, struct buffer *buffer)
{
    buffer_clear(buffer);
    (void)pthread_mutex_lock(&folder->mutex);
    if (buffer->capacity > folder->spare.capacity && buffer->capacity <= SPARE_MAX) {
        struct buffer smaller = folder->spare;
        folder->spare = *buffer;
        *buffer = smaller;
    }
    (void)pthread_mutex_unlock(&folder->mutex);
    buffer_free(buffer);
}

void
folder_count_memory(struct folder *folder, ptrdiff_t change)
{
    atomic_fetch_add_explicit(&folder->heads_memory, (size_t)change, memory_order_relaxed);
}

size_t
folder_heads_memory(const struct folder *folder)
{
    return atomic_load_explicit(&folder->heads_memory, memory_order_relaxed);
}

bool
folder_memory_short(const struct folder *folder)
{
    return folder_heads_memory(folder) >= folder->options.heads_memory_max;
}

size_t
folder_memory_share(const struct folder *folder)
{
    size_t count = atomic_load_explicit(&folder->trail_count, memory_order_relaxed);
    return folder->options.heads_memory_max / (count == 0 ? 1 : count);
}
