/*
 * tally bench - how fast, how small: the embedded store measured with generated events.
 *
 * Each stage (bench_stages.c) runs in a process of its own, so that its peak of memory is its own
 * and so that one of them can be killed. `--emit` only prints the events.
 */
#include "bench.h"
#include "command.h"
#include "folder.h"
#include "generate.h"
#include "interruption.h"
#include "out.h"
#include "scratch.h"
#include "trail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_STANDARD 1000000
#define EVENTS_MAX      UINT64_C(10000000000)

static const struct command_option options[] = {
    { "events", "N", "entries to record (default: 1000000)" },
    { "folder", "DIR", "where to make the scratch folder (default: TMPDIR)" },
    { "format", "FORMAT", "measurements as table, json, ndjson or csv (default: table)" },
    { "emit", "N", "only print N generated events, a line each" },
    { NULL, NULL, NULL },
};

/* ---- interruptions ---- */

/* One ends the stage under way, so that the folder can be removed: that it came is told by what it
 * interrupts. In a stage itself it does what it always does. */
static void
interrupt(int signal)
{
    (void)signal;
}

/* ---- stages ---- */

/* Reads what the child wrote; false where that is not all of it, and errno is EINTR if that is because
 * of an interruption. */
static bool
read_results(int fd, struct results *results)
{
    size_t size = 0;
    while (size < sizeof *results) {
        ssize_t got = read(fd, (char *)results + size, sizeof *results - size);
        if (got == 0)
            errno = 0;
        if (got <= 0)
            return false;
        size += (size_t)got;
    }
    return true;
}

_Noreturn static void
be_stage(const struct bench *bench, const struct bench_stage *stage, int fd)
{
    struct results *results = calloc(1, sizeof *results);
    if (results == NULL)
        _exit(UNABLE);
    stage->run(bench, results);
    ssize_t size = write(fd, results, sizeof *results);
    _exit(size == (ssize_t)sizeof *results ? DONE : UNABLE);
}

static int
run_stage(const struct bench *bench, const struct bench_stage *stage, struct results *results)
{
    int ends[2];
    if (pipe(ends) < 0)
        return fail(UNABLE, "cannot make a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        interruption_set(SIG_DFL, 0);
        (void)close(ends[0]);
        be_stage(bench, stage, ends[1]);
    }
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return fail(UNABLE, "cannot make a process: %s", strerror(errno));
    }
    bool whole = read_results(ends[0], results);
    bool interrupted = !whole && errno == EINTR;
    if (interrupted)
        (void)kill(child, SIGKILL);
    (void)close(ends[0]);
    int status;
    struct rusage usage = { 0 };
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return fail(UNABLE, "cannot wait for a process: %s", strerror(errno));
    if (interrupted || (WIFSIGNALED(status) && interruption_is(WTERMSIG(status))))
        return fail(UNABLE, "interrupted");
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (stage->dies && killed && !whole)
        return DONE;
    if (!whole)
        return fail(UNABLE, "a stage ended with status %d", status);
    if (results->failed)
        return fail(UNABLE, "%s", results->text);
    if (stage->memory != NULL)
        results_add(results, stage->memory, (double)usage.ru_maxrss / 1024, "MiB");
    return DONE;
}

static tally_status
list_results(struct listing *listing, const struct results *results, struct tally_error *error)
{
    for (uint32_t i = 0; i < results->count; i++) {
        const struct measure *measure = &results->measures[i];
        char value[32];
        int size =
            snprintf(value, sizeof value, measure->value < 1000 ? "%.2f" : "%.0f", measure->value);
        struct bytes cells[3] = { bytes_text(measure->name), bytes_of(value, (size_t)size),
                                  bytes_text(measure->unit) };
        tally_status status = listing_row(listing, cells, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static int
run_stages(const struct bench *bench, struct listing *listing)
{
    struct results *results = calloc(1, sizeof *results);
    if (results == NULL)
        return fail(UNABLE, "out of memory");
    int outcome = DONE;
    for (size_t i = 0; bench_stages[i].run != NULL && outcome == DONE; i++) {
        memset(results, 0, sizeof *results);
        outcome = run_stage(bench, &bench_stages[i], results);
        struct tally_error error = { 0 };
        if (outcome == DONE && list_results(listing, results, &error) != TALLY_OK)
            outcome = fail_with(&error, NULL);
    }
    free(results);
    return outcome;
}

/* ---- the command ---- */

static int
make_trail(const struct bench *bench)
{
    struct tally_error error = { 0 };
    struct folder *folder = NULL;
    struct folder_options folder_options = { .command = "bench" };
    struct trail_config config = { .origin = "bench.example/main" };
    struct tally_vkey vkey;
    tally_status status = folder_create(bench->path, &error);
    if (status == TALLY_OK)
        status = folder_open(bench->path, &folder_options, &folder, &error);
    if (status == TALLY_OK)
        status = trail_create(folder, "main", &config, &vkey, &error);
    folder_close(folder);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

static int
measure_all(const struct bench *bench, const struct invocation *invocation, struct out *out)
{
    static const struct listing_column columns[3] = {
        { .name = "measure", .cut = CELL_WHOLE },
        { .name = "value", .kind = CELL_NUMBER },
        { .name = "unit" },
    };
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, &format, &style);
    if (outcome == DONE)
        outcome = make_trail(bench);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    struct listing *listing;
    if (listing_create(format, &style, columns, 3, &out->stream, &listing, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    outcome = run_stages(bench, listing);
    if (listing_end(listing, (struct bytes){ NULL, 0 }, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    listing_destroy(listing);
    return outcome;
}

static int
run_bench(const struct invocation *invocation, uint64_t events)
{
    struct bench bench = { .events = events };
    /* Shared with the stages, whatever becomes of their processes. */
    bench.acknowledged = mmap(NULL, sizeof *bench.acknowledged, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bench.acknowledged == MAP_FAILED)
        return fail(UNABLE, "cannot share memory: %s", strerror(errno));
    int outcome =
        scratch_make(option_value(invocation, "folder"), "bench", bench.path, sizeof bench.path);
    if (outcome != DONE)
        return outcome;
    interruption_set(interrupt, 0);
    struct out out;
    out_open(&out);
    outcome = out_finish(&out, measure_all(&bench, invocation, &out));
    scratch_remove(bench.path);
    return outcome;
}

static int
emit(uint64_t count)
{
    struct generator generator;
    struct tally_error error = { 0 };
    if (generator_init(&generator, BENCH_SEED, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    struct out out;
    out_open(&out);
    tally_status status = TALLY_OK;
    for (uint64_t i = 0; i < count && status == TALLY_OK && !out_closed(&out); i++) {
        generator_event(&generator, &out.stream.buffer);
        buffer_byte(&out.stream.buffer, '\n');
        status = stream_commit(&out.stream, &error);
    }
    generator_finish(&generator);
    return out_finish(&out, status == TALLY_OK ? DONE : fail_with(&error, NULL));
}

static int
run(const struct invocation *invocation)
{
    unsigned long long events;
    unsigned long long count;
    int outcome = operands_expect(invocation, NULL, 0);
    if (outcome == DONE)
        outcome = option_number(invocation, "events", EVENTS_STANDARD, EVENTS_MAX, &events);
    if (outcome == DONE)
        outcome = option_number(invocation, "emit", 0, EVENTS_MAX, &count);
    if (outcome != DONE)
        return outcome;
    if (option_given(invocation, "emit"))
        return emit(count);
    if (events == 0)
        return fail(MISUSED, "--events takes a number from 1 up");
    return run_bench(invocation, events);
}

const struct command command_bench = {
    .name = "bench",
    .operands = "[OPTION…]",
    .summary = "measure on this machine: recording, verifying, opening, size",
    .text = "Records generated events into a trail in a scratch folder, one thread, batches of "
            "1,000, verifies it, kills a recording process and opens the trail again. The folder "
            "is removed.",
    .options = options,
    .run = run,
};
