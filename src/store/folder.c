/*
 * folder.c - the data folder and the two threads that serve its open trails.
 *
 * The signer wakes when a trail has something to sign, waits three quarters of the checkpoint interval
 * so that one signature covers what comes together, and signs; the sealer wakes when a head is frozen.
 * Each walks the list of trails; a trail that is being worked on (busy) waits in folder_remove() until it
 * is let go.
 *
 * The heads' memory is bounded twice. While it is short, a trail that appends may not grow beyond
 * its share, so that heads that grow stay below the budget together; and the sealer seals the
 * largest ones, growing or idle, until the budget is kept again. So for moments they may take twice
 * as much, if one idle trail had it all.
 */
#include "folder.h"

#include "buffer.h"
#include "clock.h"
#include "condition.h"
#include "fault.h"
#include "segment_cache.h"
#include "trail_core.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define MEBIBYTE ((size_t)1 << 20)

/* Segments kept open between queries, of all trails: some five hundred, which is a hundred million
 * entries, without the dictionaries that were loaded whole; a third of a mebibyte each, most of it primers.
 * They may hold a part of the descriptors that there may be, three each. */
#define SEGMENTS_MEMORY_MAX (160 * MEBIBYTE)
#define SEGMENTS_FILES_MAX  4096u
#define SEGMENTS_FILES_MIN  16u
#define SEGMENTS_FILES_PART 4u

/* Records of several batches have half of it at most. */
#define SPARE_MAX (4 * MEBIBYTE)

struct folder {
    struct folder_options options;
    struct disk *disk;
    struct segment_cache segments;
    bool disk_owned;
    atomic_size_t heads_memory; /* of all trails open for writing */
    atomic_size_t trail_count;  /* of those in the list; written under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t to_sign; /* a trail has something to sign, or the folder closes */
    pthread_cond_t to_seal; /* a trail froze a head, memory is short, or the folder closes */
    pthread_cond_t idle;    /* a thread let go of a trail */
    struct trail *trails;
    struct buffer spare; /* nobody has it now */
    uint64_t woken;      /* counts folder_wake_sealer() */
    bool closing;
    bool threads;
    pthread_t signer, sealer;
};

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

/* What the background threads do. */
enum work {
    WORK_SIGN,
    WORK_SEAL,    /* frozen heads */
    WORK_RELIEVE, /* the head too, though it is not full */
};

/* Whether there is some, that was there at `began` (monotonic): a trail that is written to all the
 * time would else be signed all the time. */
static bool
has_work(struct trail *trail, enum work work, int64_t began)
{
    (void)pthread_mutex_lock(&trail->mutex);
    bool due = !is_poisoned(trail);
    if (work == WORK_SIGN)
        due = due && trail->unsigned_since != 0 && trail->unsigned_since <= began;
    else if (work == WORK_SEAL)
        due = due && trail->frozen_count > 0;
    else
        due = due && head_count(trail->head) > 0;
    (void)pthread_mutex_unlock(&trail->mutex);
    return due;
}

/* Does one trail's work without the folder's mutex. A fault has poisoned the trail or will be met
 * again; whoever appends next is told. */
static bool
serve(struct folder *folder, struct trail *trail, enum work work)
{
    trail->busy++;
    (void)pthread_mutex_unlock(&folder->mutex);
    tally_status status;
    if (work == WORK_SIGN) {
        status = trail_sign(trail, NULL);
    } else if (work == WORK_RELIEVE) {
        status = trail_seal(trail, SEAL_ALL, NULL);
    } else {
        sealing_take(trail);
        status = seal_frozen(trail, NULL);
        sealing_release(trail);
    }
    (void)pthread_mutex_lock(&folder->mutex);
    trail->busy--;
    (void)pthread_cond_broadcast(&folder->idle);
    return status == TALLY_OK;
}

/* Waits under the mutex until something may be due, or for a second. */
static void
wait_for_work(struct folder *folder, pthread_cond_t *work)
{
    (void)condition_wait(work, &folder->mutex, clock_monotonic() + CLOCK_SECOND);
}

/* Serves every trail that has work. Because the list may change while one is served, it starts over
 * after each, but for trails that failed, which wait for the next round. */
static void
serve_all(struct folder *folder, enum work work)
{
    int64_t began = clock_monotonic();
    for (struct trail *trail = folder->trails; trail != NULL;) {
        if (!has_work(trail, work, began)) {
            trail = trail->next;
            continue;
        }
        if (!serve(folder, trail, work))
            return;
        trail = folder->trails;
    }
}

/* The trail with rows in its head whose heads take the most. */
static struct trail *
largest(struct folder *folder)
{
    struct trail *found = NULL;
    size_t most = 0;
    for (struct trail *trail = folder->trails; trail != NULL; trail = trail->next) {
        (void)pthread_mutex_lock(&trail->mutex);
        size_t memory = trail->heads_memory;
        (void)pthread_mutex_unlock(&trail->mutex);
        if (memory > most && has_work(trail, WORK_RELIEVE, INT64_MAX)) {
            most = memory;
            found = trail;
        }
    }
    return found;
}

/* Seals the largest heads, whoever has let them grow, until the budget is kept: a trail that only
 * begins must not pay for one that is idle. */
static void
relieve(struct folder *folder)
{
    while (folder_memory_short(folder) && !folder->closing) {
        struct trail *trail = largest(folder);
        if (trail == NULL || !serve(folder, trail, WORK_RELIEVE))
            return;
    }
}

static void *
sealer_main(void *context)
{
    struct folder *folder = context;
    (void)pthread_setname_np(pthread_self(), "tally-seal");
    (void)pthread_mutex_lock(&folder->mutex);
    while (!folder->closing) {
        uint64_t woken = folder->woken;
        serve_all(folder, WORK_SEAL);
        relieve(folder);
        if (woken == folder->woken && !folder->closing)
            wait_for_work(folder, &folder->to_seal);
    }
    (void)pthread_mutex_unlock(&folder->mutex);
    return NULL;
}

static void *
signer_main(void *context)
{
    struct folder *folder = context;
    (void)pthread_setname_np(pthread_self(), "tally-sign");
    int64_t pause = folder->options.checkpoint_interval / 4 * 3;
    (void)pthread_mutex_lock(&folder->mutex);
    while (!folder->closing) {
        bool due = false;
        for (struct trail *trail = folder->trails; trail != NULL && !due; trail = trail->next)
            due = has_work(trail, WORK_SIGN, INT64_MAX);
        if (!due) {
            wait_for_work(folder, &folder->to_sign);
            continue;
        }
        struct timespec nap = { .tv_sec = pause / CLOCK_SECOND, .tv_nsec = pause % CLOCK_SECOND };
        (void)pthread_mutex_unlock(&folder->mutex);
        (void)nanosleep(&nap, NULL);
        (void)pthread_mutex_lock(&folder->mutex);
        serve_all(folder, WORK_SIGN);
    }
    (void)pthread_mutex_unlock(&folder->mutex);
    return NULL;
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
    if (folder->threads) {
        (void)pthread_mutex_lock(&folder->mutex);
        folder->closing = true;
        (void)pthread_cond_signal(&folder->to_sign);
        (void)pthread_cond_signal(&folder->to_seal);
        (void)pthread_mutex_unlock(&folder->mutex);
        (void)pthread_join(folder->signer, NULL);
        (void)pthread_join(folder->sealer, NULL);
    }
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

/* Threads begin with the first trail that is written: readers need none. */
static void
start_threads(struct folder *folder)
{
    if (folder->threads || folder->options.manual)
        return;
    if (pthread_create(&folder->signer, NULL, signer_main, folder) != 0)
        return;
    if (pthread_create(&folder->sealer, NULL, sealer_main, folder) != 0) {
        folder->closing = true;
        (void)pthread_cond_signal(&folder->to_sign);
        (void)pthread_mutex_unlock(&folder->mutex);
        (void)pthread_join(folder->signer, NULL);
        (void)pthread_mutex_lock(&folder->mutex);
        folder->closing = false;
        return;
    }
    folder->threads = true;
}

void
folder_add(struct folder *folder, struct trail *trail)
{
    (void)pthread_mutex_lock(&folder->mutex);
    start_threads(folder);
    trail->next = folder->trails;
    folder->trails = trail;
    atomic_fetch_add_explicit(&folder->trail_count, 1, memory_order_relaxed);
    (void)pthread_cond_signal(&folder->to_sign);
    (void)pthread_cond_signal(&folder->to_seal);
    (void)pthread_mutex_unlock(&folder->mutex);
}

void
folder_remove(struct folder *folder, struct trail *trail)
{
    (void)pthread_mutex_lock(&folder->mutex);
    struct trail **link = &folder->trails;
    while (*link != trail)
        link = &(*link)->next;
    *link = trail->next;
    atomic_fetch_sub_explicit(&folder->trail_count, 1, memory_order_relaxed);
    while (trail->busy > 0)
        (void)pthread_cond_wait(&folder->idle, &folder->mutex);
    (void)pthread_mutex_unlock(&folder->mutex);
}

void
folder_wake_signer(struct folder *folder)
{
    (void)pthread_mutex_lock(&folder->mutex);
    (void)pthread_cond_signal(&folder->to_sign);
    (void)pthread_mutex_unlock(&folder->mutex);
}

void
folder_wake_sealer(struct folder *folder)
{
    (void)pthread_mutex_lock(&folder->mutex);
    folder->woken++;
    (void)pthread_cond_signal(&folder->to_seal);
    (void)pthread_mutex_unlock(&folder->mutex);
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
