#include "server.h"

#include "buffer.h"
#include "catalogue.h"
#include "clock.h"
#include "documents.h"
#include "fault.h"
#include "json.h"
#include "listener.h"
#include "log.h"
#include "notify.h"
#include "processors.h"
#include "random.h"
#include "recordings.h"
#include "resident.h"
#include "verifier.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* How often what takes too long is looked for, in milliseconds. */
#define TICK_MS 100
/* So many streams at once leave enough behind that it is given back when the last one ends. */
#define STREAMS_MANY 8u

/* How long a stop waits for answers. */
#define DRAIN_MAX (30 * CLOCK_SECOND)

/* Addresses and keys whose rates are known at once. */
#define RATE_BUCKETS 16384

#define MINUTE (60 * CLOCK_SECOND)

/* ---- what is noted ---- */

static void
note(struct server *server, const char *action, const char *status, struct buffer *details)
{
    struct diary_event event = {
        .action = action,
        .status = status,
        .resource_type = "server",
        .details = buffer_view(details),
    };
    diary_note(server->diary, &event);
    buffer_free(details);
}

/* Opening a trail found what a crash had left. The trail `tally` is opened before there is a diary:
 * then the log alone has it. */
static void
recovered(void *context, const char *name, const struct trail_recovery *recovery)
{
    struct server *server = context;
    LOG(LOG_WARNING, "recovery", LOG_TEXT_FIELD("trail", name),
        LOG_NUMBER_FIELD("replayed", recovery->replayed),
        LOG_NUMBER_FIELD("unsigned", recovery->unsigned_),
        LOG_NUMBER_FIELD("cut_bytes", recovery->tail.torn ? recovery->tail.torn_bytes : 0),
        LOG_NUMBER_FIELD("erasures", recovery->erasures));
    struct buffer details = { 0 };
    buffer_format(&details,
                  "{\"trail\":\"%s\",\"replayed\":%llu,\"unsigned\":%llu,\"cut_bytes\":%llu,"
                  "\"erasures\":%llu}",
                  name, (unsigned long long)recovery->replayed,
                  (unsigned long long)recovery->unsigned_,
                  (unsigned long long)(recovery->tail.torn ? recovery->tail.torn_bytes : 0),
                  (unsigned long long)recovery->erasures);
    if (server->diary != NULL)
        note(server, "trail.recover", "success", &details);
    else
        server->recovery = details;
}

static void
note_start(struct server *server, const char *url)
{
    LOG(LOG_INFO, "start", LOG_TEXT_FIELD("version", TALLY_VERSION), LOG_TEXT_FIELD("url", url),
        LOG_TEXT_FIELD("data", server->path));
    struct settings standard;
    settings_init(&standard);
    struct buffer details = { 0 };
    buffer_text(&details, "{\"version\":\"" TALLY_VERSION "\",\"url\":");
    json_write_string(bytes_text(url), &details);
    buffer_text(&details, ",\"settings\":");
    (void)settings_changes(&standard, &server->settings, &details);
    buffer_byte(&details, '}');
    note(server, "server.start", "success", &details);
    if (server->recovery.size > 0)
        note(server, "trail.recover", "success", &server->recovery);
}

/* A head of a trail has become a segment. */
static void
sealed(void *context, const char *name, int64_t took)
{
    struct server *server = context;
    metrics_observe(server->metrics, HISTOGRAM_SEAL, took);
    LOG(LOG_DEBUG, "seal", LOG_TEXT_FIELD("trail", name),
        LOG_NUMBER_FIELD("milliseconds", took / 1000000));
}

/* ---- opening ---- */

static unsigned
readers_wanted(const struct settings *settings)
{
    unsigned processors = processors_usable();
    if (settings->readers > 0)
        return (unsigned)settings->readers;
    return processors < 2 ? 2 : processors;
}

static tally_status
read_cursor_key(struct server *server, struct tally_error *error)
{
    struct buffer secret = { 0 };
    tally_status status = disk_read_file(folder_disk(server->folder), "keys/cursor.secret",
                                         CURSOR_KEY_SIZE, &secret, error);
    if (status == TALLY_OK && secret.size == CURSOR_KEY_SIZE)
        memcpy(server->cursor_key, secret.data, CURSOR_KEY_SIZE);
    else
        random_bytes(server->cursor_key, CURSOR_KEY_SIZE); /* cursors are good until we stop */
    buffer_free(&secret);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

/* What does not touch the disk. */
static tally_status
make_parts(struct server *server, struct tally_error *error)
{
    const struct settings *settings = &server->settings;
    server->metrics = metrics_create();
    server->recordings = recordings_create(server);
    if (server->metrics == NULL || server->recordings == NULL)
        return memory_fault(error);
    tally_status status = catalogue_create(NULL, 0, &server->catalogue, error);
    if (status == TALLY_OK)
        status = documents_create(&server->documents, error);
    if (status == TALLY_OK)
        status = rate_create(settings->failures_per_minute, MINUTE, RATE_BUCKETS, &server->failures,
                             error);
    if (status == TALLY_OK)
        status = rate_create(settings->requests_per_minute, MINUTE, RATE_BUCKETS, &server->requests,
                             error);
    if (status == TALLY_OK)
        status = workers_create(readers_wanted(settings), (size_t)settings->reads_waiting,
                                &server->workers, error);
    return status;
}

static tally_status
open_folder(struct server *server, struct tally_error *error)
{
    const struct settings *settings = &server->settings;
    struct folder_options storage = settings->storage;
    storage.command = "serve";
    storage.sealed = sealed;
    storage.sealed_context = server;
    tally_status status = folder_open(server->path, &storage, &server->folder, error);
    if (status == TALLY_OK)
        status = read_cursor_key(server, error);
    if (status == TALLY_OK)
        status = access_open(server->path, &server->access, error);
    if (status == TALLY_ABSENT && server->access == NULL && server->folder != NULL)
        status = fault(error, TALLY_DENIED,
                       "%s has no tally.db: `tally key %s add --role admin --name NAME` makes one",
                       server->path, server->path);
    struct roster_options roster_options = {
        .open_max = settings->trails_open,
        .idle = settings->trail_idle,
        .recovered = recovered,
        .context = server,
    };
    if (status == TALLY_OK)
        status = roster_create(server->folder, &roster_options, &server->roster, error);
    if (status == TALLY_OK)
        status = diary_open(server->folder, server->roster, &server->diary, error);
    return status;
}

/* Opens `main`, if there is one: the first writer is not to wait for its recovery. */
static tally_status
open_main(struct server *server, struct tally_error *error)
{
    struct open_trail *open;
    tally_status status = roster_take(server->roster, "main", &open, error);
    if (status == TALLY_OK)
        roster_release(server->roster, open);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

/* settings_visitor */
static void
warn_of(void *context, const struct tally_error *problem)
{
    (void)context;
    LOG(LOG_WARNING, "settings", LOG_TEXT_FIELD("problem", problem->text));
}

static tally_status
open_all(struct server *server, struct tally_error *error)
{
    (void)settings_contradictions(&server->settings, warn_of, NULL);
    tally_status status = make_parts(server, error);
    if (status == TALLY_OK)
        status = open_folder(server, error);
    if (status == TALLY_OK)
        status = open_main(server, error);
    if (status == TALLY_OK)
        status = listener_open(server, &server->listener, error);
    if (status == TALLY_OK)
        status = verifier_start(server, &server->verifier, error);
    return status;
}

/* Streams outlive their connections: each ends with the next thing it makes, and until then it
 * reads a trail. */
static void
await_streams(const struct server *server)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    while (atomic_load(&server->streaming) > 0 || atomic_load(&server->following) > 0)
        (void)nanosleep(&pause, NULL);
}

/* In the order of what may still use what. */
static tally_status
close_all(struct server *server, struct tally_error *error)
{
    listener_close(server->listener, DRAIN_MAX);
    await_streams(server);
    verifier_stop(server->verifier);
    workers_destroy(server->workers);
    diary_close(server->diary);
    access_close(server->access);
    recordings_destroy(server->recordings);
    tally_status status = roster_close(server->roster, error);
    folder_close(server->folder);
    rate_destroy(server->failures);
    rate_destroy(server->requests);
    catalogue_destroy(server->catalogue);
    documents_destroy(server->documents);
    metrics_destroy(server->metrics);
    return status;
}

/* ---- running ---- */

/* What was freed goes back to the system first, then connections that nobody uses go; only what is
 * still too much keeps bodies out. */
static void
watch_memory(struct server *server)
{
    size_t most = server->settings.memory_max;
    size_t resident = resident_memory();
    if (resident > most / 10 * 9) {
        (void)malloc_trim(0);
        resident = resident_memory();
    }
    if (resident > most / 10 * 9)
        listener_relieve(server->listener);
    bool is_short = resident > most;
    if (is_short != atomic_load(&server->memory_short))
        LOG(LOG_WARNING, "memory", LOG_NUMBER_FIELD("resident", resident),
            LOG_TEXT_FIELD("bodies", is_short ? "refused" : "taken"));
    atomic_store(&server->memory_short, is_short);
}

/* Each stream has a thread and what it reads with; what many of them freed would stay with the
 * process until as many come again. */
static void
give_back(struct server *server)
{
    unsigned streams = atomic_load(&server->streaming) + atomic_load(&server->following);
    if (streams == 0 && server->streams_most >= STREAMS_MANY)
        (void)malloc_trim(0);
    if (streams == 0 || streams > server->streams_most)
        server->streams_most = streams;
}

static void
tidy_job(struct job *job)
{
    struct server *server = (struct server *)((char *)job - offsetof(struct server, tidy));
    roster_tidy(server->roster);
    atomic_store(&server->tidying, false);
}

/* Closing a trail may seal and takes time: not here. */
static void
tidy(struct server *server)
{
    if (atomic_exchange(&server->tidying, true))
        return;
    server->tidy.run = tidy_job;
    if (!workers_submit(server->workers, &server->tidy))
        atomic_store(&server->tidying, false);
}

/* What can change while requests are under way: the log, rates, timeouts of connections, the
 * certificate. The rest holds from the next start on. */
static tally_status
reload_settings(struct server *server, struct buffer *changes, struct tally_error *error)
{
    struct settings settings;
    settings_init(&settings);
    tally_status status = settings_read(server->path, &settings, error);
    if (status != TALLY_OK)
        return status;
    (void)settings_changes(&server->configured, &settings, changes);
    server->configured = settings;
    log_configure(settings.log_format, settings.log_level, STDERR_FILENO);
    rate_configure(server->failures, settings.failures_per_minute, MINUTE);
    rate_configure(server->requests, settings.requests_per_minute, MINUTE);
    return listener_reload(server->listener, &settings, error);
}

static void
reload(struct server *server)
{
    notify_reloading();
    struct tally_error error = { 0 };
    struct buffer changes = { 0 };
    tally_status status = reload_settings(server, &changes, &error);
    roster_reopen(server->roster);
    if (status == TALLY_OK)
        LOG(LOG_INFO, "reload", LOG_TEXT_FIELD("data", server->path));
    else
        LOG(LOG_ERROR, "reload refused", LOG_NUMBER_FIELD("line", error.line),
            LOG_TEXT_FIELD("problem", error.text));
    struct diary_event event = {
        .event_type = "config_change",
        .status = status == TALLY_OK ? "success" : "failure",
        .resource_type = "server",
        .changes = buffer_view(&changes),
        .message = status == TALLY_OK ? (struct bytes){ NULL, 0 } : bytes_text(error.text),
    };
    diary_note(server->diary, &event);
    buffer_free(&changes);
    notify_ready();
}

/* Goes on until a signal says stop, or until `end` (monotonic). */
static void
run(struct server *server, const sigset_t *signals, int64_t end)
{
    for (uint64_t tick = 0; clock_monotonic() < end; tick++) {
        const struct timespec pause = { .tv_nsec = TICK_MS * 1000000L };
        int signal = sigtimedwait(signals, NULL, &pause);
        if (signal == SIGTERM || signal == SIGINT)
            return;
        if (signal == SIGHUP)
            reload(server);
        listener_sweep(server->listener);
        watch_memory(server);
        give_back(server);
        notify_alive();
        if (tick % 10 == 0)
            tidy(server);
    }
}

/* From now on /readyz says no. Whoever spreads requests over servers gets the time to see it that
 * the settings give; a second signal ends that, too. */
static void
stop(struct server *server, const sigset_t *signals)
{
    notify_stopping();
    atomic_store(&server->draining, true);
    LOG(LOG_INFO, "stop", LOG_TEXT_FIELD("data", server->path));
    struct buffer details = { 0 };
    buffer_text(&details, "{}");
    note(server, "server.stop", "success", &details);
    if (server->settings.drain > 0)
        run(server, signals, clock_monotonic() + server->settings.drain);
}

static void
tell_ready(struct server *server, const struct server_options *options)
{
    note_start(server, listener_url(server->listener, 0));
    const char *url;
    for (unsigned i = 0; (url = listener_url(server->listener, i)) != NULL; i++)
        if (options->ready != NULL)
            options->ready(options->context, url);
}

tally_status
server_run(const struct server_options *options, struct tally_error *error)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return memory_fault(error);
    server->path = options->path;
    server->settings = options->settings;
    server->configured = options->settings;
    server->began = clock_now();
    log_configure(server->settings.log_format, server->settings.log_level, STDERR_FILENO);
    /* Many small pieces come and go on many threads: few arenas, or what one frees the others miss. */
    (void)mallopt(M_ARENA_MAX, 4);
    /* What sealing needs for a moment goes back at once: else each thread that seals keeps as much. */
    (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);

    /* Before any thread is made, so that all of them leave these signals to this one. */
    sigset_t signals, before;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &before);

    tally_status status = open_all(server, error);
    if (status == TALLY_OK) {
        tell_ready(server, options);
        notify_ready();
        run(server, &signals, INT64_MAX);
        stop(server, &signals);
    }
    tally_status closed = close_all(server, status == TALLY_OK ? error : NULL);
    buffer_free(&server->recovery);
    free(server);
    /* Who said so twice means nothing more by it, and a reload comes too late. */
    const struct timespec now = { 0 };
    while (sigtimedwait(&signals, NULL, &now) > 0)
        continue;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == TALLY_OK ? closed : status;
}
