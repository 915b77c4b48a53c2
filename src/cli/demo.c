/*
 * tally demo - the whole story in a scratch folder: record, import, find, verify, tamper, verify.
 *
 * Each step is a line of shell that is printed and then run as it stands, so that it can be copied.
 * The folder stays until the next `rm`, which the last line names, to be looked around in.
 */
#include "command.h"
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct command_option options[] = {
    { "events", "N", "how many events to generate where there are no real ones (default: 5000)" },
    { NULL, NULL, NULL },
};

#define EVENTS_STANDARD 5000
#define EVENTS_MAX      1000000

struct demo {
    const char *tally;          /* how this program is called, for a shell */
    char folder[PATH_MAX - 64]; /* scratch; holds data/ and state/ */
    const char *shared;         /* where real records may lie; NULL: nowhere */
    unsigned steps;
};

/* ---- telling and doing ---- */

static void
tell(const char *text)
{
    (void)printf("\n# %s\n", text);
}

static int
run_shell(const char *line)
{
    (void)printf("$ %s\n", line);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Prints and runs a line. DONE where its exit status is the one that the story needs. */
__attribute__((format(printf, 3, 4))) static int
step(struct demo *demo, int expected, const char *format, ...)
{
    char line[2 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0 || size >= (int)sizeof line)
        return fail(UNABLE, "a path is too long");
    demo->steps++;
    int status = run_shell(line);
    if (status != expected)
        return fail(UNABLE, "the demo did not go as it should: this ended with %d, not %d", status,
                    expected);
    return DONE;
}

/* ---- the steps ---- */

static int
show_recording(struct demo *demo)
{
    tell("A data folder with an admin key and a trail, `main`. The vkey is what others check by.");
    int outcome = step(demo, DONE, "%s init %s/data", demo->tally, demo->folder);
    if (outcome != DONE)
        return outcome;
    tell("An event, by hand. The receipt is its place in the trail and its hash.");
    outcome = step(demo, DONE,
                   "%s record %s/data --event-type report_approve --user-id approver456 "
                   "--resource-type report --resource-id rep789 "
                   "--details '{\"comments\":\"Approved after review\"}'",
                   demo->tally, demo->folder);
    if (outcome != DONE)
        return outcome;
    tell("Or many, as JSON. What is known of an event type is filled in.");
    return step(demo, DONE,
                "printf '%%s\\n' '{\"event_type\":\"login_failure\",\"user_id\":\"mallory\"}' "
                "'{\"action\":\"user.login\",\"status\":\"success\",\"user_id\":\"mallory\"}' "
                "| %s record %s/data",
                demo->tally, demo->folder);
}

static bool
exists(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

/* Real records of four products, those that are there. */
static int
import_real(struct demo *demo)
{
    static const struct {
        const char *map;
        const char *files;
        const char *probe;
    } sources[] = {
        { "cloudtrail", "data/cloudtrail-invictus/events.jsonl.gz",
          "data/cloudtrail-invictus/events.jsonl.gz" },
        { "cloudtrail", "data/cloudtrail-stratus/events.jsonl.gz",
          "data/cloudtrail-stratus/events.jsonl.gz" },
        { "kubernetes", "data/k8s-audit/*/*.log", "data/k8s-audit" },
        { "gcp", "data/gcp-audit/fixtures/*.json", "data/gcp-audit/fixtures" },
        { "windows", "data/windows-otrf/security-sample.jsonl.gz",
          "data/windows-otrf/security-sample.jsonl.gz" },
    };
    tell("Real audit records of other products, each by a small map. Importing twice changes "
         "nothing.");
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (!exists(demo->shared, sources[i].probe))
            continue;
        int outcome = step(demo, DONE, "%s import %s/data --map %s %s/%s", demo->tally,
                           demo->folder, sources[i].map, demo->shared, sources[i].files);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

static int
import_generated(struct demo *demo, unsigned long long count)
{
    tell("Some thousand realistic events, made up.");
    return step(demo, DONE, "%s bench --emit %llu | %s record %s/data --format ndjson | tail -n 1",
                demo->tally, count, demo->tally, demo->folder);
}

static int
show_finding(struct demo *demo)
{
    tell("Find: newest first, in a table. tally-filter(7) has the language.");
    int outcome = step(demo, DONE, "%s query %s/data user:mallory", demo->tally, demo->folder);
    if (outcome != DONE)
        return outcome;
    outcome = step(demo, DONE, "%s query %s/data status:failure,error --limit 5", demo->tally,
                   demo->folder);
    if (outcome != DONE)
        return outcome;
    tell("An entry with everything that proves it, and a proof checked without the trail.");
    outcome = step(demo, DONE, "%s prove %s/data 1 --output %s/entry-1.proof", demo->tally,
                   demo->folder, demo->folder);
    if (outcome != DONE)
        return outcome;
    return step(demo, DONE,
                "%s prove --check %s/entry-1.proof --vkey \"$(%s trail %s/data info | "
                "sed -n 's/^vkey: //p')\"",
                demo->tally, demo->folder, demo->tally, demo->folder);
}

/* ---- tampering ---- */

struct victim {
    char path[PATH_MAX];
    off_t size;
};

/* The largest file of a folder: a segment's columns, or the journal. */
static void
find_largest(const char *folder, struct victim *victim)
{
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return;
    for (struct dirent *file; (file = readdir(handle)) != NULL;) {
        char path[PATH_MAX];
        struct stat stat_;
        if (snprintf(path, sizeof path, "%s/%s", folder, file->d_name) >= (int)sizeof path ||
            stat(path, &stat_) < 0 || !S_ISREG(stat_.st_mode) || stat_.st_size <= victim->size)
            continue;
        memcpy(victim->path, path, sizeof path);
        victim->size = stat_.st_size;
    }
    (void)closedir(handle);
}

/* A byte in use near a third of the file: one that is not zero. False where there is none. */
static bool
find_byte(const struct victim *victim, long *offset_out, unsigned *byte_out)
{
    FILE *file = fopen(victim->path, "re");
    if (file == NULL)
        return false;
    long start = (long)(victim->size / 3);
    bool found = false;
    for (long offset = start; offset >= 0 && !found; offset -= offset > 512 ? 512 : offset + 1) {
        if (fseek(file, offset, SEEK_SET) < 0)
            break;
        int byte = fgetc(file);
        found = byte > 0;
        *offset_out = offset;
        *byte_out = (unsigned)byte;
    }
    (void)fclose(file);
    return found;
}

static int
show_tampering(struct demo *demo)
{
    tell("Verify: every leaf, commitment, root and signature is computed again.");
    int outcome = step(demo, DONE, "%s verify %s/data", demo->tally, demo->folder);
    if (outcome != DONE)
        return outcome;

    struct victim victim = { .size = 0 };
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s/data/trails/main/segments", demo->folder);
    find_largest(folder, &victim);
    (void)snprintf(folder, sizeof folder, "%s/data/trails/main/journal", demo->folder);
    if (victim.size == 0)
        find_largest(folder, &victim);
    long offset;
    unsigned byte;
    if (victim.size == 0 || !find_byte(&victim, &offset, &byte))
        return fail(UNABLE, "there is no file of the trail to tamper with");

    tell("Now somebody with all rights on the disk flips one bit of what is on record…");
    outcome = step(demo, DONE, "printf '\\%03o' | dd of=%s bs=1 seek=%ld conv=notrunc status=none",
                   byte ^ 1u, victim.path, offset);
    if (outcome != DONE)
        return outcome;
    tell("… and it is found, with its place. Exit status 1.");
    outcome = step(demo, DISPROVED, "%s verify %s/data", demo->tally, demo->folder);
    if (outcome != DONE)
        return outcome;
    tell("The bit put back, all is well again.");
    outcome = step(demo, DONE, "printf '\\%03o' | dd of=%s bs=1 seek=%ld conv=notrunc status=none",
                   byte, victim.path, offset);
    return outcome != DONE ? outcome
                           : step(demo, DONE, "%s verify %s/data", demo->tally, demo->folder);
}

/* ---- the command ---- */

/* A scratch folder, and verification's memory in it, so that the demo leaves nothing elsewhere. */
static int
prepare(struct demo *demo)
{
    int outcome = scratch_make(NULL, "demo", demo->folder, sizeof demo->folder);
    if (outcome != DONE)
        return outcome;
    char state[PATH_MAX];
    (void)snprintf(state, sizeof state, "%s/state", demo->folder);
    /* Tables that fit a page where the output is no terminal. */
    if (setenv("XDG_STATE_HOME", state, 1) < 0 ||
        (isatty(STDOUT_FILENO) != 1 && setenv("COLUMNS", "120", 0) < 0))
        return fail(UNABLE, "out of memory");

    const char *shared = getenv("TALLY_SHARED");
    if (shared == NULL)
        shared = "../shared";
    demo->shared = exists(shared, "data/cloudtrail-invictus/events.jsonl.gz") ? shared : NULL;
    return DONE;
}

static int
show(struct demo *demo, unsigned long long count)
{
    int outcome = show_recording(demo);
    if (outcome == DONE)
        outcome = demo->shared != NULL ? import_real(demo) : import_generated(demo, count);
    if (outcome == DONE)
        outcome = show_finding(demo);
    if (outcome == DONE)
        outcome = show_tampering(demo);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    unsigned long long count;
    int outcome = operands_expect(invocation, 0, 0);
    if (outcome == DONE)
        outcome = option_number(invocation, "events", EVENTS_STANDARD, EVENTS_MAX, &count);
    if (outcome != DONE)
        return outcome;

    struct demo demo = { .tally = invocation->program };
    outcome = prepare(&demo);
    if (outcome != DONE)
        return outcome;
    outcome = show(&demo, count);
    (void)printf("\n# Look around in %s; afterwards:\n$ rm -r %s\n", demo.folder, demo.folder);
    return fflush(stdout) == 0 ? outcome : UNABLE;
}

const struct command command_demo = {
    .name = "demo",
    .operands = "",
    .summary = "show it: record, import, find, verify, flip a bit, see it found",
    .text = "Works in a scratch folder and prints each command as it goes, ready to copy. Real "
            "records are\nimported where TALLY_SHARED (default ../shared) has some, generated ones "
            "otherwise.",
    .options = options,
    .run = run,
};
