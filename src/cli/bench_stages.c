/*
 * The stages of `tally bench`:
 *
 *     steps      what an event costs on its way, step by step (bench_steps.c)
 *     record     batches of 1,000, durable, one thread, until everything is sealed
 *     verify     everything recomputed, without the indexes and with them
 *     queries    for information (bench_queries.c)
 *     kill       recording without sealing until both heads are full, then SIGKILL
 *     open       the killed trail
 *     sizes      bytes per entry, by column
 *
 * Rates are by the clock, costs of steps by processor time. Making the events is not counted, but
 * the sealer works on meanwhile; so the rate with it counted stands beside.
 */
#include "batch.h"
#include "bench.h"
#include "clock.h"
#include "columns.h"
#include "fault.h"
#include "folder.h"
#include "generate.h"
#include "processors.h"
#include "snapshot.h"
#include "trail.h"
#include "verify.h"

#include <fts.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

void
results_add(struct results *results, const char *name, double value, const char *unit)
{
    if (results->count == BENCH_MEASURES_MAX)
        return;
    struct measure *measure = &results->measures[results->count++];
    (void)snprintf(measure->name, sizeof measure->name, "%s", name);
    (void)snprintf(measure->unit, sizeof measure->unit, "%s", unit);
    measure->value = value;
}

static int64_t
read_time(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

int64_t
bench_thread_time(void)
{
    return read_time(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t
process_time(void)
{
    return read_time(CLOCK_PROCESS_CPUTIME_ID);
}

static double
seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_SECOND;
}

static void
add_rate(struct results *results, const char *name, uint64_t count, int64_t ns)
{
    results_add(results, name, (double)count / seconds(ns), "entries/s");
}

void
results_add_cost(struct results *results, const char *name, uint64_t count, int64_t ns)
{
    results_add(results, name, (double)ns / (double)count, "ns/entry");
}

void
results_fail(struct results *results, const struct tally_error *error)
{
    results->failed = true;
    (void)snprintf(results->text, sizeof results->text, "%s", error->text);
}

/* ---- events ---- */

tally_status
events_make(struct generator *generator, uint32_t count, struct events *events,
            struct tally_error *error)
{
    buffer_clear(&events->text);
    for (uint32_t i = 0; i < count; i++) {
        generator_event(generator, &events->text);
        events->ends[i] = events->text.size;
    }
    events->count = count;
    return buffer_failed(&events->text) ? memory_fault(error) : TALLY_OK;
}

struct bytes
events_at(const struct events *events, uint32_t i)
{
    size_t start = i == 0 ? 0 : events->ends[i - 1];
    return bytes_of(events->text.data + start, events->ends[i] - start);
}

/* ---- recording ---- */

struct recorder {
    struct folder *folder;
    struct trail *trail;
    struct batch *batch;
    struct generator generator;
    struct events events;
    struct receipt receipts[BENCH_BATCH];
    int64_t making, preparing, appending; /* processor time of this thread, ns */
    int64_t clock;                        /* of preparing and appending, ns */
};

enum background {
    BACKGROUND_THREADS,
    BACKGROUND_NONE, /* nothing is sealed */
};

static tally_status
open_folder(const struct bench *bench, enum background background, struct folder **folder_out,
            struct tally_error *error)
{
    struct folder_options folder_options = {
        .command = "bench",
        .manual = background == BACKGROUND_NONE,
    };
    return folder_open(bench->path, &folder_options, folder_out, error);
}

static tally_status
open_recorder(const struct bench *bench, enum background background, uint64_t seed,
              struct recorder *recorder, struct tally_error *error)
{
    struct trail_recovery recovery;
    tally_status status = open_folder(bench, background, &recorder->folder, error);
    if (status == TALLY_OK)
        status =
            trail_open(recorder->folder, "main", TRAIL_WRITE, &recorder->trail, &recovery, error);
    if (status == TALLY_OK)
        status = batch_create(recorder->trail, "local:0", NULL, &recorder->batch, error);
    if (status == TALLY_OK)
        status = generator_init(&recorder->generator, seed, error);
    return status;
}

static tally_status
record_batch(struct recorder *recorder, uint32_t count, enum append_wait wait,
             struct tally_error *error)
{
    int64_t made = bench_thread_time();
    tally_status status = events_make(&recorder->generator, count, &recorder->events, error);
    int64_t begun = bench_thread_time();
    int64_t start = clock_monotonic();
    batch_clear(recorder->batch);
    for (uint32_t i = 0; i < count && status == TALLY_OK; i++)
        status = batch_add(recorder->batch, events_at(&recorder->events, i), error);
    int64_t prepared = bench_thread_time();
    struct append_result result;
    if (status == TALLY_OK)
        status = trail_append(recorder->trail, recorder->batch, wait, recorder->receipts, &result,
                              error);
    recorder->making += begun - made;
    recorder->preparing += prepared - begun;
    recorder->appending += bench_thread_time() - prepared;
    recorder->clock += clock_monotonic() - start;
    return status;
}

static tally_status
record_all(struct recorder *recorder, uint64_t events, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (uint64_t done = 0; done < events && status == TALLY_OK; done += BENCH_BATCH) {
        uint64_t left = events - done;
        uint32_t count = left < BENCH_BATCH ? (uint32_t)left : BENCH_BATCH;
        status = record_batch(recorder, count, APPEND_WAIT, error);
    }
    return status;
}

/* Bytes of all files below a folder. */
static uint64_t
folder_bytes(const char *path)
{
    char *const paths[] = { (char *)path, NULL };
    uint64_t bytes = 0;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *file;
    while (walk != NULL && (file = fts_read(walk)) != NULL)
        if (file->fts_info == FTS_F)
            bytes += (uint64_t)file->fts_statp->st_size;
    if (walk != NULL)
        (void)fts_close(walk);
    return bytes;
}

static tally_status
measure_recording(const struct bench *bench, struct recorder *recorder, struct results *results,
                  struct tally_error *error)
{
    tally_status status = open_recorder(bench, BACKGROUND_THREADS, BENCH_SEED, recorder, error);
    if (status != TALLY_OK)
        return status;
    uint64_t events = bench->events;
    int64_t start = clock_monotonic();
    int64_t processor = process_time();
    status = record_all(recorder, events, error);
    int64_t sealing = clock_monotonic();
    if (status == TALLY_OK)
        status = trail_seal(recorder->trail, SEAL_ALL, error);
    if (status != TALLY_OK)
        return status;
    int64_t end = clock_monotonic();
    int64_t mine = recorder->making + recorder->preparing + recorder->appending;
    *bench->acknowledged = trail_size(recorder->trail);

    results_add_cost(results, "step: all of a batch made ready", events, recorder->preparing);
    results_add_cost(results, "step: all of ordering it", events, recorder->appending);
    results_add_cost(results, "step: sealing and signing, beside", events,
                     process_time() - processor - mine);
    add_rate(results, "recording, durable", events, recorder->clock);
    add_rate(results, "recording, everything sealed", events, recorder->clock + end - sealing);
    add_rate(results, "… making the events counted too", events, end - start);
    results_add(results, "on disk, with idle journal files",
                (double)folder_bytes(bench->path) / (double)events, "bytes/entry");
    return TALLY_OK;
}

static struct recorder *
recorder_create(void)
{
    return calloc(1, sizeof(struct recorder));
}

static void
recorder_destroy(struct recorder *recorder)
{
    if (recorder == NULL)
        return;
    generator_finish(&recorder->generator);
    buffer_free(&recorder->events.text);
    batch_destroy(recorder->batch);
    (void)trail_close(recorder->trail, NULL);
    folder_close(recorder->folder);
    free(recorder);
}

static void
stage_record(const struct bench *bench, struct results *results)
{
    struct recorder *recorder = recorder_create();
    struct tally_error error = { .text = "out of memory" };
    if (recorder == NULL || measure_recording(bench, recorder, results, &error) != TALLY_OK)
        results_fail(results, &error);
    recorder_destroy(recorder);
}

/* Never returns: dies in the middle of work, as a machine might, when there is as much to read back
 * as there can be. */
static void
stage_kill(const struct bench *bench, struct results *results)
{
    struct recorder *recorder = recorder_create();
    struct tally_error error = { .text = "out of memory" };
    tally_status status = TALLY_NO_MEMORY;
    if (recorder != NULL)
        status = open_recorder(bench, BACKGROUND_NONE, BENCH_SEED + 1, recorder, &error);
    while (status == TALLY_OK) {
        status = record_batch(recorder, BENCH_BATCH, APPEND_REFUSE, &error);
        if (status == TALLY_OK)
            *bench->acknowledged += BENCH_BATCH;
    }
    if (status == TALLY_BUSY)
        (void)raise(SIGKILL);
    results_fail(results, &error);
    recorder_destroy(recorder);
}

/* ---- reading ---- */

static void
measure_verification(struct folder *folder, enum verify_scope scope, const char *name,
                     struct results *results)
{
    struct tally_error error = { .text = "" };
    struct verify_options verify_options = { .scope = scope, .threads = processors_usable() };
    struct verify_report report;
    int64_t start = clock_monotonic();
    if (verify_trail(folder, "main", &verify_options, &report, &error) != TALLY_OK) {
        results_fail(results, &error);
    } else if (report.verdict != VERDICT_INTACT) {
        results->failed = true;
        memcpy(results->text, report.text, sizeof results->text);
    } else {
        add_rate(results, name, report.entries, clock_monotonic() - start);
    }
}

static void
stage_verify(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder *folder;
    if (open_folder(bench, BACKGROUND_THREADS, &folder, &error) != TALLY_OK) {
        results_fail(results, &error);
        return;
    }
    measure_verification(folder, VERIFY_HISTORY, "verification: leaves, commitments, tree",
                         results);
    measure_verification(folder, VERIFY_EVERYTHING, "… and every index compared", results);
    folder_close(folder);
}

static void
stage_open(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder *folder;
    if (open_folder(bench, BACKGROUND_THREADS, &folder, &error) != TALLY_OK) {
        results_fail(results, &error);
        return;
    }
    struct trail_recovery recovery;
    struct trail *trail = NULL;
    int64_t start = clock_monotonic();
    if (trail_open(folder, "main", TRAIL_WRITE, &trail, &recovery, &error) != TALLY_OK) {
        results_fail(results, &error);
    } else {
        results_add(results, "opening after a kill", seconds(clock_monotonic() - start) * 1000,
                    "ms");
        results_add(results, "… entries read back from the journal", (double)recovery.replayed,
                    "entries");
        if (trail_size(trail) != *bench->acknowledged) {
            results->failed = true;
            (void)snprintf(results->text, sizeof results->text,
                           "entries are missing after the kill, or too many");
        }
    }
    (void)trail_close(trail, NULL);
    folder_close(folder);
}

/* ---- sizes ---- */

static void
add_sizes(const struct bench *bench, const struct column_sums *sums, struct results *results)
{
    double entries = (double)sums->entries;
    results_add(results, "on disk, everything", (double)folder_bytes(bench->path) / entries,
                "bytes/entry");
    results_add(results, "on disk, segments", (double)sums->files / entries, "bytes/entry");
    uint64_t named = 0;
    for (size_t i = 0; i <= FIELD_COUNT; i++) {
        size_t field = i == FIELD_COUNT ? i : fields_in_reading_order[i];
        if (sums->bytes[field] == 0)
            continue;
        named += sums->bytes[field];
        char name[48];
        (void)snprintf(name, sizeof name, "… %s",
                       i == FIELD_COUNT ? "salt" : (const char *)fields[field].name.data);
        results_add(results, name, (double)sums->bytes[field] / entries, "bytes/entry");
    }
    results_add(results, "… indexes and directories", (double)(sums->files - named) / entries,
                "bytes/entry");
}

static tally_status
measure_sizes(const struct bench *bench, struct trail *trail, struct results *results,
              struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    struct column_sums sums = { 0 };
    status = columns_sum(snapshot, &sums, error);
    snapshot_close(snapshot);
    if (status == TALLY_OK && sums.entries > 0)
        add_sizes(bench, &sums, results);
    return status;
}

static void
stage_sizes(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder *folder;
    if (open_folder(bench, BACKGROUND_THREADS, &folder, &error) != TALLY_OK) {
        results_fail(results, &error);
        return;
    }
    struct trail_recovery recovery;
    struct trail *trail = NULL;
    if (trail_open(folder, "main", TRAIL_READ, &trail, &recovery, &error) != TALLY_OK ||
        measure_sizes(bench, trail, results, &error) != TALLY_OK)
        results_fail(results, &error);
    (void)trail_close(trail, NULL);
    folder_close(folder);
}

const struct bench_stage bench_stages[] = {
    { NULL, false, stage_steps },
    { "memory, recording", false, stage_record },
    { "memory, verification", false, stage_verify },
    { "memory, queries", false, stage_queries },
    { NULL, true, stage_kill },
    { "memory, opening after a kill", false, stage_open },
    { NULL, false, stage_sizes },
    { NULL, false, NULL },
};
