/*
 * tally doctor - what puts a data folder at risk, each with its cure.
 *
 * What is looked at stands in doctor.h. It repairs nothing but what opening a trail repairs, and with
 * --rebuild what can be derived from the entries.
 */
#include "doctor.h"

#include "doctor_remote.h"
#include "out.h"
#include "progress.h"
#include "remote.h"
#include "seen.h"
#include "where.h"

#include <limits.h>
#include <stdio.h>

static const struct command_option options[] = {
    { "rebuild", NULL, "write each trail's indexes and tree hashes anew from its entries, first" },
    { "format", "FORMAT", "findings as table, json, ndjson or csv (default: table)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

static const char *
paint_grade(struct bytes cell)
{
    if (bytes_is(cell, "fault"))
        return "1;31";
    return bytes_is(cell, "warning") ? "33" : NULL;
}

const struct listing_column finding_columns[FINDING_COLUMNS] = {
    [FINDING_GRADE] = { .name = "grade", .cut = CELL_WHOLE, .paint = paint_grade },
    [FINDING_WHERE] = { .name = "where", .cut = CELL_WHOLE },
    [FINDING_TEXT] = { .name = "finding", .cut = CELL_WHOLE },
    [FINDING_CURE] = { .name = "cure", .cut = CELL_WHOLE },
};

struct examination {
    struct doctor doctor; /* its context is this examination */
    struct where where;
    bool rebuild;
    struct listing *listing;
    struct progress progress;
    char what[TRAIL_NAME_MAX + 32]; /* of the progress */
    uint64_t found[DOCTOR_GRADES];
    tally_status status; /* of the listing */
    struct tally_error error;
};

/* ---- findings and progress ---- */

static void
print_finding(void *context, const struct doctor_finding *finding)
{
    struct examination *examination = context;
    const struct bytes cells[FINDING_COLUMNS] = {
        [FINDING_GRADE] = bytes_text(doctor_grade_name(finding->grade)),
        [FINDING_WHERE] = bytes_text(finding->place),
        [FINDING_TEXT] = bytes_text(finding->text),
        [FINDING_CURE] =
            finding->cure == NULL ? (struct bytes){ NULL, 0 } : bytes_text(finding->cure),
    };
    progress_clear(&examination->progress);
    examination->found[finding->grade]++;
    if (examination->status == TALLY_OK)
        examination->status = listing_row(examination->listing, cells, &examination->error);
}

static void
show_progress(void *context, const char *trail, uint64_t done, uint64_t total)
{
    (void)trail;
    struct examination *examination = context;
    progress_show(&examination->progress, done, total);
}

static void
check_memory_of_verdicts(struct doctor *doctor)
{
    char path[PATH_MAX];
    if (!seen_folder(path, sizeof path))
        doctor_report(doctor, DOCTOR_WARNING, "verification", "set XDG_STATE_HOME or HOME",
                      "what was seen of a trail cannot be remembered: a cut tail would not show");
}

/* ---- trails ---- */

/* Opens it for writing, which tells whether another process does; else for reading. */
static tally_status
open_trail(struct examination *examination, const char *name, struct tally_error *error)
{
    struct doctor *doctor = &examination->doctor;
    struct where *where = &examination->where;
    struct trail_recovery recovery = { 0 };
    tally_status status =
        trail_open(where->folder, name, TRAIL_WRITE, &where->trail, &recovery, error);
    if (status == TALLY_BUSY)
        doctor_report(doctor, DOCTOR_NOTE, name, NULL, "%s", error->text);
    if (status == TALLY_BUSY || status == TALLY_DENIED)
        status = trail_open(where->folder, name, TRAIL_READ, &where->trail, &recovery, error);
    if (status == TALLY_OK && recovery.tail.torn)
        doctor_report(doctor, DOCTOR_NOTE, name, NULL,
                      "a batch was being written when its process died; it was never acknowledged "
                      "and is cut now");
    return status;
}

static void
rebuild_trail(struct examination *examination, const char *name)
{
    struct doctor *doctor = &examination->doctor;
    struct trail *trail = examination->where.trail;
    struct tally_error own = { 0 };
    if (trail_is_writable(trail) && trail_rebuild(trail, &own) == TALLY_OK)
        doctor_report(doctor, DOCTOR_NOTE, name, NULL,
                      "indexes and tree hashes are rebuilt from the entries");
    else if (own.status == TALLY_OK)
        doctor_report(doctor, DOCTOR_WARNING, name, "stop the process that writes to it",
                      "nothing was rebuilt: the trail is not this process's to write");
    else
        doctor_report(doctor, DOCTOR_FAULT, name, "run `tally verify`", "nothing was rebuilt: %s",
                      own.text);
}

/* disk_name_visitor */
static tally_status
check_trail(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    struct examination *examination = context;
    struct doctor *doctor = &examination->doctor;
    struct tally_error own = { 0 };
    if (open_trail(examination, name, &own) != TALLY_OK) {
        doctor_report_unopened(doctor, name, &own);
        return examination->status;
    }
    (void)snprintf(examination->what, sizeof examination->what, "checking %s", name);
    progress_init(&examination->progress, examination->what);
    if (examination->rebuild)
        rebuild_trail(examination, name);
    doctor_examine_trail(doctor, examination->where.trail);
    progress_clear(&examination->progress);
    if (trail_close(examination->where.trail, &own) != TALLY_OK)
        doctor_report(doctor, DOCTOR_FAULT, name, NULL, "%s", own.text);
    examination->where.trail = NULL;
    return examination->status;
}

/* ---- the command ---- */

static tally_status
check_all(struct examination *examination, struct tally_error *error)
{
    doctor_examine_folder(&examination->doctor);
    check_memory_of_verdicts(&examination->doctor);
    tally_status status =
        folder_list_trails(examination->where.folder, check_trail, examination, error);
    if (examination->status != TALLY_OK) {
        *error = examination->error;
        return examination->status;
    }
    return status;
}

int
doctor_conclude(uint64_t notes, uint64_t risks)
{
    if (risks > 0)
        return DISPROVED;
    if (notes == 0)
        say("nothing found");
    return DONE;
}

static int
examine(const struct invocation *invocation, struct examination *examination, struct out *out)
{
    int outcome =
        out_listing(invocation, out, finding_columns, FINDING_COLUMNS, &examination->listing);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    tally_status status = check_all(examination, &error);
    if (status == TALLY_OK)
        status = listing_end(examination->listing, (struct bytes){ NULL, 0 }, &error);
    listing_destroy(examination->listing);
    if (status != TALLY_OK)
        return (void)fail_with(&error, NULL), UNABLE;
    const uint64_t *found = examination->found;
    return doctor_conclude(found[DOCTOR_NOTE], found[DOCTOR_WARNING] + found[DOCTOR_FAULT]);
}

static int
run(const struct invocation *invocation)
{
    static const char *const missing[] = { WHERE_MISSING, NULL };
    int outcome = operands_expect(invocation, missing, 1);
    if (outcome != DONE)
        return outcome;
    bool rebuild = option_given(invocation, "rebuild");
    if (rebuild && where_is_url(invocation->operands[0]))
        return fail(MISUSED, "--rebuild works on the data folder: stop its server, then name it");
    if (where_is_url(invocation->operands[0]))
        return doctor_remote(invocation);
    struct examination examination = { .status = TALLY_OK, .rebuild = rebuild };
    outcome = where_open_plain(invocation, &examination.where);
    if (outcome != DONE)
        return outcome;
    progress_init(&examination.progress, "");
    examination.doctor = (struct doctor){
        .path = examination.where.path,
        .found = print_finding,
        .checked = show_progress,
        .context = &examination,
    };

    struct out out;
    out_open(&out);
    outcome = examine(invocation, &examination, &out);
    int written = out_finish(&out, DONE);
    return where_close(&examination.where, outcome == DONE ? written : outcome);
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "WHERE",
    .summary = "name what puts a data folder at risk, and the cure",
    .text =
        "Rights, space, file system, speed of the disk, clock, settings, keys, locks, and each "
        "trail's segments and newest entries.\n"
        "Exit status: 0 nothing to cure (notes may be printed), 1 warnings or faults, 3 could not "
        "look.",
    .options = options,
    .run = run,
};
