/*
 * The stages of `tally bench`:
 *
 *     steps      one thread, what an event costs on its way: read, read and write, all of a batch
 *     record     batches of 1,000, durable, one thread, until everything is sealed
 *     verify     everything recomputed
 *     kill       half a head more, then SIGKILL in the middle of recording
 *     open       the killed trail
 *     sizes      bytes per entry, by column
 *
 * Making the events is not counted.
 */
#include "batch.h"
#include "bench.h"
#include "clock.h"
#include "columns.h"
#include "entry.h"
#include "fault.h"
#include "folder.h"
#include "generate.h"
#include "snapshot.h"
#include "trail.h"
#include "verify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH       1000u
#define STEP_EVENTS 50000u
#define KILL_EVENTS 131072u

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

static void
add_cost(struct results *results, const char *name, uint64_t count, int64_t ns)
{
    results_add(results, name, (double)ns / (double)count, "ns/entry");
}

static void
give_up(struct results *results, const struct tally_error *error)
{
    results->failed = true;
    (void)snprintf(results->text, sizeof results->text, "%s", error->text);
}

/* ---- the steps of an event's way ---- */

/* Generated events, one after another in a buffer. */
struct events {
    struct buffer text;
    size_t ends[STEP_EVENTS];
    uint32_t count;
};

static tally_status
make_events(struct generator *generator, uint32_t count, struct events *events,
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

static struct bytes
event_at(const struct events *events, uint32_t i)
{
    size_t start = i == 0 ? 0 : events->ends[i - 1];
    return bytes_of(events->text.data + start, events->ends[i] - start);
}

static tally_status
measure_reading(const struct events *events, struct event_reader *reader, struct results *results,
                struct tally_error *error)
{
    int64_t start = clock_monotonic();
    for (uint32_t i = 0; i < events->count; i++) {
        struct event event;
        if (i % BATCH == 0)
            event_reader_reset(reader);
        tally_status status = event_read(reader, event_at(events, i), start, &event, error);
        if (status != TALLY_OK)
            return status;
    }
    add_cost(results, "step: read and fill in", events->count, clock_monotonic() - start);
    return TALLY_OK;
}

/* Also the salts' and the hashes' cost: commitment and leaf. */
static tally_status
measure_writing(const struct events *events, struct event_reader *reader, struct results *results,
                struct tally_error *error)
{
    struct entry_stamp stamp = {
        .received = clock_now(),
        .writer = bytes_text("local:0"),
        .private_fields = FIELDS_PRIVATE_DEFAULT,
    };
    static const uint8_t salt[ENTRY_SALT_SIZE];
    struct buffer parts = { 0 };
    tally_status status = TALLY_OK;
    int64_t start = clock_monotonic();
    for (uint32_t i = 0; i < events->count && status == TALLY_OK; i++) {
        struct event event;
        struct entry_parts places;
        if (i % BATCH == 0) {
            event_reader_reset(reader);
            buffer_clear(&parts);
        }
        status = event_read(reader, event_at(events, i), start, &event, error);
        if (status == TALLY_OK)
            status = entry_write(&event, &stamp, salt, &parts, &parts, &places, error);
    }
    int64_t taken = clock_monotonic() - start;
    buffer_free(&parts);
    if (status == TALLY_OK)
        add_cost(results, "step: the same, written canonically and hashed", events->count, taken);
    return status;
}

static tally_status
measure_steps(struct events *events, struct results *results, struct tally_error *error)
{
    struct generator generator;
    tally_status status = generator_init(&generator, BENCH_SEED, error);
    if (status != TALLY_OK)
        return status;
    int64_t start = clock_monotonic();
    status = make_events(&generator, STEP_EVENTS, events, error);
    add_cost(results, "making an event (not counted)", STEP_EVENTS, clock_monotonic() - start);
    results_add(results, "bytes of an event", (double)events->text.size / STEP_EVENTS, "bytes");
    generator_finish(&generator);

    struct catalogue *catalogue = NULL;
    struct event_reader *reader = NULL;
    if (status == TALLY_OK)
        status = catalogue_create(NULL, 0, &catalogue, error);
    if (status == TALLY_OK)
        status = event_reader_create(catalogue, &reader, error);
    if (status == TALLY_OK)
        status = measure_reading(events, reader, results, error);
    if (status == TALLY_OK)
        status = measure_writing(events, reader, results, error);
    event_reader_destroy(reader);
    catalogue_destroy(catalogue);
    return status;
}

static void
stage_steps(const struct bench *bench, struct results *results)
{
    (void)bench;
    struct events *events = calloc(1, sizeof *events);
    struct tally_error error = { .text = "out of memory" };
    if (events == NULL || measure_steps(events, results, &error) != TALLY_OK)
        give_up(results, &error);
    if (events != NULL)
        buffer_free(&events->text);
    free(events);
}

/* ---- recording ---- */

struct recorder {
    struct folder *folder;
    struct trail *trail;
    struct batch *batch;
    struct generator generator;
    struct events events;
    struct receipt receipts[BATCH];
    int64_t preparing; /* ns */
    int64_t appending;
};

static tally_status
open_folder(const struct bench *bench, struct folder **folder_out, struct tally_error *error)
{
    struct folder_options folder_options = { .command = "bench" };
    return folder_open(bench->path, &folder_options, folder_out, error);
}

static tally_status
open_recorder(const struct bench *bench, struct recorder *recorder, uint64_t seed,
              struct tally_error *error)
{
    struct trail_recovery recovery;
    tally_status status = open_folder(bench, &recorder->folder, error);
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
record_batch(struct recorder *recorder, uint32_t count, struct tally_error *error)
{
    tally_status status = make_events(&recorder->generator, count, &recorder->events, error);
    int64_t start = clock_monotonic();
    batch_clear(recorder->batch);
    for (uint32_t i = 0; i < count && status == TALLY_OK; i++)
        status = batch_add(recorder->batch, event_at(&recorder->events, i), error);
    int64_t prepared = clock_monotonic();
    struct append_result result;
    if (status == TALLY_OK)
        status = trail_append(recorder->trail, recorder->batch, APPEND_WAIT, recorder->receipts,
                              &result, error);
    recorder->preparing += prepared - start;
    recorder->appending += clock_monotonic() - prepared;
    return status;
}

static tally_status
record_all(struct recorder *recorder, uint64_t events, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (uint64_t done = 0; done < events && status == TALLY_OK; done += BATCH) {
        uint64_t left = events - done;
        status = record_batch(recorder, left < BATCH ? (uint32_t)left : BATCH, error);
    }
    return status;
}

static tally_status
measure_recording(const struct bench *bench, struct recorder *recorder, struct results *results,
                  struct tally_error *error)
{
    tally_status status = open_recorder(bench, recorder, BENCH_SEED, error);
    if (status == TALLY_OK)
        status = record_all(recorder, bench->events, error);
    if (status != TALLY_OK)
        return status;

    int64_t start = clock_monotonic();
    status = trail_seal(recorder->trail, SEAL_ALL, error);
    int64_t sealing = clock_monotonic() - start;
    int64_t recording = recorder->preparing + recorder->appending;
    add_cost(results, "step: all of a batch made ready", bench->events, recorder->preparing);
    add_cost(results, "step: ordered, durable, in the head", bench->events, recorder->appending);
    add_rate(results, "recording, durable", bench->events, recording);
    add_rate(results, "recording, everything sealed", bench->events, recording + sealing);
    return status;
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
        give_up(results, &error);
    recorder_destroy(recorder);
}

/* Never returns: dies in the middle of work, as a machine might. */
static void
stage_kill(const struct bench *bench, struct results *results)
{
    struct recorder *recorder = recorder_create();
    struct tally_error error = { .text = "out of memory" };
    tally_status status = TALLY_NO_MEMORY;
    if (recorder != NULL)
        status = open_recorder(bench, recorder, BENCH_SEED + 1, &error);
    if (status == TALLY_OK)
        status = record_all(recorder, KILL_EVENTS, &error);
    if (status == TALLY_OK)
        (void)raise(SIGKILL);
    give_up(results, &error);
    recorder_destroy(recorder);
}

/* ---- reading ---- */

static void
stage_verify(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder *folder;
    if (open_folder(bench, &folder, &error) != TALLY_OK) {
        give_up(results, &error);
        return;
    }
    struct verify_options verify_options = { 0 };
    struct verify_report report;
    int64_t start = clock_monotonic();
    if (verify_trail(folder, "main", &verify_options, &report, &error) != TALLY_OK) {
        give_up(results, &error);
    } else if (report.verdict != VERDICT_INTACT) {
        results->failed = true;
        memcpy(results->text, report.text, sizeof results->text);
    } else {
        add_rate(results, "verification", report.entries, clock_monotonic() - start);
    }
    folder_close(folder);
}

static void
stage_open(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder *folder;
    if (open_folder(bench, &folder, &error) != TALLY_OK) {
        give_up(results, &error);
        return;
    }
    struct trail_recovery recovery;
    struct trail *trail = NULL;
    int64_t start = clock_monotonic();
    if (trail_open(folder, "main", TRAIL_WRITE, &trail, &recovery, &error) != TALLY_OK) {
        give_up(results, &error);
    } else {
        results_add(results, "opening after a kill", seconds(clock_monotonic() - start) * 1000,
                    "ms");
        results_add(results, "… entries read back from the journal", (double)recovery.replayed,
                    "entries");
        if (trail_size(trail) < bench->events + KILL_EVENTS) {
            results->failed = true;
            (void)snprintf(results->text, sizeof results->text,
                           "acknowledged entries are missing after the kill");
        }
    }
    (void)trail_close(trail, NULL);
    folder_close(folder);
}

/* ---- sizes ---- */

static void
add_sizes(const struct column_sums *sums, struct results *results)
{
    double entries = (double)sums->entries;
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
measure_sizes(struct trail *trail, struct results *results, struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    struct column_sums sums = { 0 };
    status = columns_sum(snapshot, &sums, error);
    snapshot_close(snapshot);
    if (status == TALLY_OK && sums.entries > 0)
        add_sizes(&sums, results);
    return status;
}

static void
stage_sizes(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder *folder;
    if (open_folder(bench, &folder, &error) != TALLY_OK) {
        give_up(results, &error);
        return;
    }
    struct trail_recovery recovery;
    struct trail *trail = NULL;
    if (trail_open(folder, "main", TRAIL_READ, &trail, &recovery, &error) != TALLY_OK ||
        measure_sizes(trail, results, &error) != TALLY_OK)
        give_up(results, &error);
    (void)trail_close(trail, NULL);
    folder_close(folder);
}

const struct bench_stage bench_stages[] = {
    { NULL, false, stage_steps },
    { "memory, recording", false, stage_record },
    { "memory, verification", false, stage_verify },
    { NULL, true, stage_kill },
    { "memory, opening after a kill", false, stage_open },
    { NULL, false, stage_sizes },
    { NULL, false, NULL },
};
