#include "embedded.h"

#include "clock.h"
#include "fault.h"
#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* After so long it is closed although there is more to do, and left alone for a moment: who waits
 * for the lock tries every 20 ms (trail.c). */
#define HOLD_NS  (5 * CLOCK_SECOND)
#define YIELD_NS (CLOCK_SECOND / 10)
#define LOOK_NS  (CLOCK_SECOND / 50)

struct embedded {
    char *path;
    char *name;
    struct folder *folder; /* both NULL while it is closed */
    struct trail *trail;
    unsigned users;   /* who hold it open now */
    unsigned holders; /* who may open it */
    uint64_t openings;
    int64_t opened, yielded; /* monotonic; 0: not */
    bool doubtful;
    struct embedded *next;
};

/* Everything here, and opening and closing, is done under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* somebody left */
static struct embedded *all;

/* ---- who has it ---- */

static struct embedded *
find(const char *path, const char *name)
{
    for (struct embedded *embedded = all; embedded != NULL; embedded = embedded->next)
        if (strcmp(embedded->path, path) == 0 && strcmp(embedded->name, name) == 0)
            return embedded;
    return NULL;
}

static void
embedded_free(struct embedded *embedded)
{
    free(embedded->path);
    free(embedded->name);
    free(embedded);
}

static struct embedded *
add(const char *path, const char *name)
{
    struct embedded *embedded = calloc(1, sizeof *embedded);
    if (embedded == NULL)
        return NULL;
    embedded->path = strdup(path);
    embedded->name = strdup(name);
    if (embedded->path == NULL || embedded->name == NULL) {
        embedded_free(embedded);
        return NULL;
    }
    embedded->next = all;
    all = embedded;
    return embedded;
}

tally_status
embedded_get(const char *path, const char *name, struct embedded **embedded_out,
             struct tally_error *error)
{
    char *whole = realpath(path, NULL);
    if (whole != NULL)
        path = whole;
    (void)pthread_mutex_lock(&lock);
    struct embedded *embedded = find(path, name);
    if (embedded == NULL)
        embedded = add(path, name);
    if (embedded != NULL)
        embedded->holders++;
    (void)pthread_mutex_unlock(&lock);
    free(whole);
    if (embedded == NULL)
        return memory_fault(error);
    *embedded_out = embedded;
    return TALLY_OK;
}

/* ---- opening and closing, under the lock ---- */

static void
shut(struct embedded *embedded)
{
    /* Whatever closing meets, what was acknowledged is in the journal. */
    (void)trail_close(embedded->trail, NULL);
    folder_close(embedded->folder);
    embedded->trail = NULL;
    embedded->folder = NULL;
    embedded->doubtful = false;
}

static tally_status
open_folder(const struct embedded *embedded, struct folder **folder_out, struct tally_error *error)
{
    /* Nobody waits under the lock, for which fork() waits: embedded_enter() does that. */
    const struct folder_options options = { .command = "libtally", .impatient = true };
    struct tally_error own = { 0 };
    tally_status status = folder_open(embedded->path, &options, folder_out, &own);
    if (status == TALLY_ABSENT || own.os == ENOENT || own.os == ENOTDIR)
        return fault(error, TALLY_ABSENT, "no data folder at %s: make one with `tally init %s`",
                     embedded->path, embedded->path);
    if (status != TALLY_OK && error != NULL)
        *error = own;
    return status;
}

/* Folder and trail; neither where one of them cannot be had. */
static tally_status
open_both(const struct embedded *embedded, enum trail_mode mode, struct embedded_reading *both_out,
          struct tally_error *error)
{
    struct embedded_reading both;
    tally_status status = open_folder(embedded, &both.folder, error);
    if (status != TALLY_OK)
        return status;
    status = trail_open(both.folder, embedded->name, mode, &both.trail, NULL, error);
    if (status == TALLY_OK) {
        *both_out = both;
        return TALLY_OK;
    }
    folder_close(both.folder);
    if (status == TALLY_ABSENT)
        return fault(error, status, "no trail %s in %s: make it with `tally trail %s create %s`",
                     embedded->name, embedded->path, embedded->path, embedded->name);
    return status;
}

static tally_status
open_trail(struct embedded *embedded, struct tally_error *error)
{
    struct embedded_reading both;
    tally_status status = open_both(embedded, TRAIL_WRITE, &both, error);
    if (status != TALLY_OK)
        return status;
    embedded->folder = both.folder;
    embedded->trail = both.trail;
    embedded->openings++;
    embedded->opened = clock_monotonic();
    return TALLY_OK;
}

void
embedded_put(struct embedded *embedded)
{
    if (embedded == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    if (--embedded->holders == 0) {
        struct embedded **link = &all;
        while (*link != embedded)
            link = &(*link)->next;
        *link = embedded->next;
        if (embedded->trail != NULL)
            shut(embedded);
        embedded_free(embedded);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- using ---- */

/* Whether it has to be closed before it is used again, and can be. */
static bool
is_overdue(const struct embedded *embedded, int64_t now)
{
    return embedded->users == 0 && embedded->trail != NULL &&
           (embedded->doubtful || now - embedded->opened > HOLD_NS);
}

/* One attempt: TALLY_BUSY where it is worth another. */
static tally_status
enter(struct embedded *embedded, struct tally_error *error)
{
    int64_t now = clock_monotonic();
    if (is_overdue(embedded, now)) {
        embedded->yielded = embedded->doubtful ? 0 : now;
        shut(embedded);
    }
    if (embedded->trail != NULL && embedded->doubtful)
        return fault(error, TALLY_BUSY, "%s: a write is in doubt; it is being closed",
                     embedded->path);
    if (embedded->trail == NULL && embedded->yielded != 0 && now - embedded->yielded < YIELD_NS)
        return fault(error, TALLY_BUSY, "%s: others come first", embedded->path);
    return embedded->trail != NULL ? TALLY_OK : open_trail(embedded, error);
}

/* For somebody to leave, or for another process. */
static void
wait_a_little(void)
{
    struct timespec soon;
    (void)clock_gettime(CLOCK_REALTIME, &soon);
    int64_t ns = soon.tv_nsec + LOOK_NS;
    soon.tv_sec += ns / CLOCK_SECOND;
    soon.tv_nsec = ns % CLOCK_SECOND;
    (void)pthread_cond_timedwait(&changed, &lock, &soon);
}

static bool
may_wait(const struct embedded_wait *wait)
{
    return clock_monotonic() < wait->until &&
           (wait->tick == NULL || wait->tick(wait->context) != 0);
}

tally_status
embedded_enter(struct embedded *embedded, const struct embedded_wait *wait,
               struct trail **trail_out, uint64_t *opening_out, struct tally_error *error)
{
    for (;;) {
        (void)pthread_mutex_lock(&lock);
        tally_status status = enter(embedded, error);
        if (status == TALLY_OK) {
            embedded->users++;
            *trail_out = embedded->trail;
            *opening_out = embedded->openings;
        } else if (status == TALLY_BUSY) {
            wait_a_little();
        }
        (void)pthread_mutex_unlock(&lock);
        if (status != TALLY_BUSY || !may_wait(wait))
            return status;
    }
}

tally_status
embedded_read(struct embedded *embedded, struct embedded_reading *reading_out,
              struct tally_error *error)
{
    tally_status status = TALLY_OK;
    /* Opening may take the lock for a moment, so it is not done while somebody forks. */
    (void)pthread_mutex_lock(&lock);
    if (embedded->trail != NULL && !embedded->doubtful) {
        embedded->users++;
        *reading_out = (struct embedded_reading){ .trail = embedded->trail };
    } else {
        status = open_both(embedded, TRAIL_READ, reading_out, error);
    }
    (void)pthread_mutex_unlock(&lock);
    return status;
}

void
embedded_read_end(struct embedded *embedded, struct embedded_reading *reading)
{
    if (reading->folder == NULL) {
        embedded_leave(embedded, EMBEDDED_GOOD);
        return;
    }
    (void)trail_close(reading->trail, NULL);
    folder_close(reading->folder);
}

void
embedded_leave(struct embedded *embedded, enum embedded_state state)
{
    (void)pthread_mutex_lock(&lock);
    embedded->users--;
    if (state == EMBEDDED_DOUBTFUL)
        embedded->doubtful = true;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

void
embedded_rest(struct embedded *embedded)
{
    (void)pthread_mutex_lock(&lock);
    if (embedded->users == 0 && embedded->trail != NULL)
        shut(embedded);
    (void)pthread_mutex_unlock(&lock);
}

/* ---- fork ---- */

void
embedded_fork_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

void
embedded_fork_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* The lock is an open file's: a child that kept its descriptor would hold it when the parent is
 * dead. Everything else of the trail stays in memory, untouched: its threads are not here. */
void
embedded_fork_child(void)
{
    for (struct embedded *embedded = all; embedded != NULL; embedded = embedded->next) {
        if (embedded->trail != NULL)
            trail_abandon(embedded->trail);
        embedded->trail = NULL;
        embedded->folder = NULL;
        embedded->users = 0;
        embedded->doubtful = false;
    }
    (void)pthread_cond_init(&changed, NULL);
    (void)pthread_mutex_init(&lock, NULL);
}
