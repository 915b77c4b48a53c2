#include "verifier.h"

#include "clock.h"
#include "condition.h"
#include "fault.h"
#include "json.h"
#include "log.h"
#include "server.h"
#include "verify.h"

#include <pthread.h>
#include <stdlib.h>

/* The first round begins this long after the start at the latest. */
#define FIRST_AFTER (60 * CLOCK_SECOND)

/* What the round before saw of a trail. */
struct sight {
    struct sight *next;
    char name[TRAIL_NAME_MAX + 1];
    struct tally_vkey vkey;
    struct tally_checkpoint checkpoint;
};

struct verifier {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t stop;
    bool stopping;
    struct sight *sights;
    int64_t began; /* monotonic: of the trail that is being verified */
};

/* Whether to go on after waiting for `ns`. */
static bool
pause_for(struct verifier *verifier, int64_t ns)
{
    int64_t until = clock_monotonic() + ns;
    (void)pthread_mutex_lock(&verifier->mutex);
    while (!verifier->stopping && condition_wait(&verifier->stop, &verifier->mutex, until))
        continue;
    bool go_on = !verifier->stopping;
    (void)pthread_mutex_unlock(&verifier->mutex);
    return go_on;
}

/* verify_options.progress: sleeps while it is ahead of the rate. */
static bool
keep_pace(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    struct verifier *verifier = context;
    uint64_t rate = verifier->server->settings.verify_rate;
    int64_t due = verifier->began + (int64_t)(done / rate) * CLOCK_SECOND +
                  (int64_t)(done % rate) * CLOCK_SECOND / (int64_t)rate;
    int64_t ahead = due - clock_monotonic();
    return pause_for(verifier, ahead > 0 ? ahead : 0);
}

/* ---- what was found ---- */

static void
note_finding(struct server *server, const char *name, const struct verify_report *report)
{
    struct buffer details = { 0 };
    buffer_format(&details, "{\"trail\":\"%s\",\"verdict\":\"%s\"", name,
                  report->verdict == VERDICT_TAMPERED ? "tampered" : "index wrong");
    if (report->bad_first != VERIFY_NO_INDEX)
        buffer_format(&details, ",\"bad_first\":%llu,\"bad_last\":%llu",
                      (unsigned long long)report->bad_first, (unsigned long long)report->bad_last);
    if (report->file[0] != '\0') {
        buffer_text(&details, ",\"file\":");
        json_write_string(bytes_text(report->file), &details);
    }
    buffer_byte(&details, '}');
    struct diary_event event = {
        .event_type = "security_violation",
        .resource_type = "trail",
        .resource_id = name,
        .details = buffer_view(&details),
        .message = bytes_text(report->text),
    };
    diary_note(server->diary, &event);
    buffer_free(&details);
}

static void
judge(struct server *server, const char *name, const struct verify_report *report)
{
    switch (report->verdict) {
    case VERDICT_INTACT:
        metrics_add(server->metrics, METRIC_VERIFICATIONS_INTACT, 1);
        LOG(LOG_DEBUG, "verified", LOG_TEXT_FIELD("trail", name),
            LOG_NUMBER_FIELD("entries", report->entries));
        return;
    case VERDICT_UNCHECKABLE:
        metrics_add(server->metrics, METRIC_VERIFICATIONS_FAILED, 1);
        LOG(LOG_ERROR, "cannot be verified", LOG_TEXT_FIELD("trail", name),
            LOG_TEXT_FIELD("problem", report->text));
        return;
    default:
        metrics_add(server->metrics, METRIC_VERIFICATIONS_FAILED, 1);
        LOG(LOG_CRITICAL_, "verification failed", LOG_TEXT_FIELD("trail", name),
            LOG_TEXT_FIELD("file", report->file), LOG_TEXT_FIELD("problem", report->text));
        note_finding(server, name, report);
    }
}

/* ---- a round ---- */

static struct sight *
sight_of(struct verifier *verifier, const char *name)
{
    struct sight *sight = verifier->sights;
    while (sight != NULL && strcmp(sight->name, name) != 0)
        sight = sight->next;
    return sight;
}

/* Without memory for it the next round begins anew with this trail. */
static void
remember(struct verifier *verifier, const char *name, const struct verify_report *report)
{
    struct sight *sight = sight_of(verifier, name);
    if (sight == NULL) {
        sight = calloc(1, sizeof *sight);
        if (sight == NULL)
            return;
        memcpy(sight->name, name, strlen(name) + 1);
        sight->next = verifier->sights;
        verifier->sights = sight;
    }
    sight->vkey = report->vkey;
    sight->checkpoint = report->checkpoint;
    sight->checkpoint.extension = NULL; /* it was lent from the report's note */
    sight->checkpoint.extension_size = 0;
}

/* disk_name_visitor: anything but TALLY_OK ends the round. */
static tally_status
verify_one(void *context, const char *name, struct tally_error *error)
{
    struct verifier *verifier = context;
    struct server *server = verifier->server;
    /* One that is only being made, or a folder of somebody's, is none. */
    if (trail_is_there(server->folder, name, NULL) == TALLY_ABSENT)
        return TALLY_OK;
    const struct sight *sight = sight_of(verifier, name);
    struct verify_options options = {
        .vkey = sight == NULL ? NULL : &sight->vkey,
        .seen = sight == NULL ? NULL : &sight->checkpoint,
        .progress = keep_pace,
        .context = verifier,
    };
    struct verify_report *report = malloc(sizeof *report);
    if (report == NULL)
        return memory_fault(error);
    verifier->began = clock_monotonic();
    tally_status status = verify_trail(server->folder, name, &options, report, error);
    if (!pause_for(verifier, 0)) {
        status = TALLY_ABSENT; /* it was broken off: no verdict */
    } else if (status == TALLY_OK) {
        judge(server, name, report);
        if (report->verdict == VERDICT_INTACT)
            remember(verifier, name, report);
    }
    free(report);
    return status;
}

static void *
verifier_main(void *context)
{
    struct verifier *verifier = context;
    (void)pthread_setname_np(pthread_self(), "tally-verify");
    int64_t every = verifier->server->settings.verify_every;
    int64_t wait = every < FIRST_AFTER ? every : FIRST_AFTER;
    while (pause_for(verifier, wait)) {
        struct tally_error error = { 0 };
        tally_status status =
            folder_list_trails(verifier->server->folder, verify_one, verifier, &error);
        if (status < 0)
            LOG(LOG_ERROR, "verification broke off", LOG_TEXT_FIELD("problem", error.text));
        wait = every;
    }
    return NULL;
}

tally_status
verifier_start(struct server *server, struct verifier **verifier_out, struct tally_error *error)
{
    if (server->settings.verify_every == 0) {
        *verifier_out = NULL;
        return TALLY_OK;
    }
    struct verifier *verifier = calloc(1, sizeof *verifier);
    if (verifier == NULL)
        return memory_fault(error);
    verifier->server = server;
    (void)pthread_mutex_init(&verifier->mutex, NULL);
    condition_init(&verifier->stop);
    if (pthread_create(&verifier->thread, NULL, verifier_main, verifier) != 0) {
        free(verifier);
        return fault(error, TALLY_NO_MEMORY, "no thread could be started");
    }
    *verifier_out = verifier;
    return TALLY_OK;
}

void
verifier_stop(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    (void)pthread_mutex_lock(&verifier->mutex);
    verifier->stopping = true;
    (void)pthread_cond_broadcast(&verifier->stop);
    (void)pthread_mutex_unlock(&verifier->mutex);
    (void)pthread_join(verifier->thread, NULL);
    for (struct sight *next; verifier->sights != NULL; verifier->sights = next) {
        next = verifier->sights->next;
        free(verifier->sights);
    }
    (void)pthread_mutex_destroy(&verifier->mutex);
    (void)pthread_cond_destroy(&verifier->stop);
    free(verifier);
}
