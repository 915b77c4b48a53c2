/*
 * tally verify - recompute what a trail claims, and hold it against what was seen before.
 */
#include "command.h"
#include "out.h"
#include "progress.h"
#include "seen.h"
#include "since.h"
#include "verdict.h"
#include "where.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option options[] = {
    { "trail", "NAME", "only this trail (default: all of the folder)" },
    { "vkey", "KEY", "the verification key to trust, not the one seen last" },
    { "since", "FILE", "a checkpoint of the trail kept elsewhere, to have grown out of" },
    { "format", "FORMAT", "verdicts as table, json, ndjson or csv (default: sentences)" },
    { NULL, NULL, NULL },
};

/* One trail: what came of it, and what was seen of it before. */
struct inspection {
    struct finding finding;
    char origin[TALLY_ORIGIN_MAX + 1]; /* that its checkpoint names; "" where it cannot be read */
    bool remembered;                   /* `seen` holds something */
    struct seen seen;
};

/* What is asked, the same for each trail. */
struct audit {
    const struct where *where;
    struct out *out;
    struct listing *listing;       /* NULL: sentences */
    const struct tally_vkey *vkey; /* NULL: not given */
    const struct since *since;     /* NULL: not given */
    uint64_t vkey_trails;          /* of the folder's trails: whose origin is the key's name */
    uint64_t since_trails;         /* … and the checkpoint's origin */
    uint64_t trails;
    int outcome; /* the worst so far */
};

static int
outcome_of_verdict(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_INTACT:
        return DONE;
    case VERDICT_UNCHECKABLE:
        return UNABLE;
    default:
        return DISPROVED;
    }
}

/* Of two trails' outcomes the one that the command ends with: a proof of tampering above all. */
static int
worse(int a, int b)
{
    if (a == DISPROVED || b == DISPROVED)
        return DISPROVED;
    return a > b ? a : b;
}

/* ---- one trail ---- */

/* disk_name_visitor: counts the trails that a key or a checkpoint given is for. Where there is one,
 * it is for that one only; where there is none, it is for all, which it then disproves. */
static tally_status
count_origin(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    struct audit *audit = context;
    struct tally_checkpoint stored;
    if (!since_stored(audit->where->folder, name, &stored))
        return TALLY_OK;
    if (audit->vkey != NULL && strcmp(audit->vkey->name, stored.origin) == 0)
        audit->vkey_trails++;
    if (audit->since != NULL && strcmp(audit->since->checkpoint.origin, stored.origin) == 0)
        audit->since_trails++;
    return TALLY_OK;
}

static const struct tally_vkey *
vkey_for(const struct audit *audit, const struct inspection *inspection)
{
    if (audit->vkey == NULL || audit->vkey_trails == 0)
        return audit->vkey;
    return strcmp(audit->vkey->name, inspection->origin) == 0 ? audit->vkey : NULL;
}

static const struct since *
since_for(const struct audit *audit, const struct inspection *inspection)
{
    if (audit->since == NULL || audit->since_trails == 0)
        return audit->since;
    return strcmp(audit->since->checkpoint.origin, inspection->origin) == 0 ? audit->since : NULL;
}

/* What was seen of the origin that the trail's checkpoint names, which is taken at its word here:
 * verification does not. False where the memory itself is damaged; that is the verdict then. */
static bool
recall(const struct audit *audit, struct inspection *inspection)
{
    struct tally_checkpoint stored;
    if (!since_stored(audit->where->folder, inspection->finding.name, &stored))
        return true;
    memcpy(inspection->origin, stored.origin, sizeof stored.origin);
    char place[PATH_MAX];
    if (!seen_folder(place, sizeof place))
        return true;
    struct tally_error error = { 0 };
    tally_status status = seen_read(inspection->origin, &inspection->seen, &error);
    inspection->remembered = status == TALLY_OK;
    if (status == TALLY_OK || status == TALLY_ABSENT)
        return true;
    if (vkey_for(audit, inspection) != NULL) {
        say("%s", error.text);
        return true;
    }
    inspection->finding.report = (struct verify_report){ .bad_first = VERIFY_NO_INDEX };
    since_overrule(&inspection->finding.report, VERDICT_UNCHECKABLE, error.text);
    return false;
}

/* What verification itself cannot know. */
static void
check_more(const struct audit *audit, struct inspection *inspection)
{
    struct verify_report *report = &inspection->finding.report;
    const struct since *since = since_for(audit, inspection);
    if (since == NULL || report->verdict != VERDICT_INTACT)
        return;
    char text[sizeof report->text];
    enum verdict verdict = since_signed(since, &report->vkey, text, sizeof text);
    if (verdict == VERDICT_INTACT && inspection->remembered)
        verdict = since_grown(audit->where->folder, inspection->finding.name,
                              &inspection->seen.checkpoint, text, sizeof text);
    if (verdict != VERDICT_INTACT)
        since_overrule(report, verdict, text);
}

/* Remembers an intact trail. That it cannot be remembered is worth a word, but no verdict. */
static void
remember(struct inspection *inspection)
{
    const struct verify_report *report = &inspection->finding.report;
    if (report->verdict != VERDICT_INTACT)
        return;
    inspection->finding.sight = inspection->remembered ? SIGHT_KNOWN : SIGHT_FIRST;

    struct seen seen = { .vkey = report->vkey, .checkpoint = report->checkpoint };
    memcpy(seen.note, report->note, report->note_size);
    seen.note_size = report->note_size;
    struct tally_error error = { 0 };
    if (seen_write(&seen, &error) != TALLY_OK)
        say("what was seen of %s cannot be remembered: %s", inspection->finding.name, error.text);
}

/* verify_options.progress */
static bool
show_progress(void *context, uint64_t done, uint64_t total)
{
    progress_show(context, done, total);
    return true;
}

static tally_status
examine(const struct audit *audit, struct inspection *inspection, struct tally_error *error)
{
    char what[TRAIL_NAME_MAX + 16];
    (void)snprintf(what, sizeof what, "verifying %s", inspection->finding.name);
    struct progress progress;
    progress_init(&progress, what);

    struct verify_options verify_options = {
        .vkey = vkey_for(audit, inspection),
        .progress = show_progress,
        .context = &progress,
    };
    if (inspection->remembered && verify_options.vkey == NULL)
        verify_options.vkey = &inspection->seen.vkey;
    const struct since *since = since_for(audit, inspection);
    if (since != NULL)
        verify_options.seen = &since->checkpoint;
    else if (inspection->remembered)
        verify_options.seen = &inspection->seen.checkpoint;
    tally_status status = verify_trail(audit->where->folder, inspection->finding.name,
                                       &verify_options, &inspection->finding.report, error);
    progress_clear(&progress);
    return status;
}

/* disk_name_visitor: `name` is a trail. */
static tally_status
audit_trail(void *context, const char *name, struct tally_error *error)
{
    struct audit *audit = context;
    audit->trails++;
    struct inspection *inspection = calloc(1, sizeof *inspection);
    if (inspection == NULL)
        return TALLY_NO_MEMORY;
    inspection->finding = (struct finding){ .name = name, .sight = SIGHT_KNOWN };

    tally_status status = TALLY_OK;
    if (recall(audit, inspection))
        status = examine(audit, inspection, error);
    if (status == TALLY_OK) {
        check_more(audit, inspection);
        remember(inspection);
        audit->outcome =
            worse(audit->outcome, outcome_of_verdict(inspection->finding.report.verdict));
        if (audit->listing != NULL) {
            status = verdict_row(audit->listing, &inspection->finding, error);
        } else {
            verdict_sentence(&inspection->finding, &audit->out->stream.buffer);
            status = stream_flush(&audit->out->stream, error);
        }
    }
    free(inspection);
    return status;
}

/* ---- the command ---- */

static int
audit_all(const struct invocation *invocation, struct audit *audit)
{
    struct tally_error error = { 0 };
    const char *name = option_value(invocation, "trail");
    struct folder *folder = audit->where->folder;
    tally_status status = TALLY_OK;
    if (name != NULL)
        status = audit_trail(audit, name, &error);
    else
        status = folder_list_trails(folder, count_origin, audit, &error);
    if (name == NULL && status == TALLY_OK)
        status = folder_list_trails(folder, audit_trail, audit, &error);
    if (status == TALLY_OK && audit->listing != NULL)
        status = listing_end(audit->listing, (struct bytes){ NULL, 0 }, &error);
    if (status != TALLY_OK)
        return fail_with(&error, NULL);
    if (audit->trails == 0)
        return fail(UNABLE, "%s has no trail: there is nothing to check", audit->where->path);
    return audit->outcome;
}

static int
audit_to(const struct invocation *invocation, struct audit *audit)
{
    struct listing_style style;
    enum listing_format format;
    struct tally_error error = { 0 };
    int outcome = out_style(invocation, audit->out, LISTING_TABLE, &format, &style);
    if (outcome != DONE)
        return outcome;
    if (option_given(invocation, "format") &&
        listing_create(format, &style, verdict_columns, VERDICT_COLUMN_COUNT - 1,
                       &audit->out->stream, &audit->listing, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    outcome = audit_all(invocation, audit);
    listing_destroy(audit->listing);
    return outcome;
}

static int
check_name(const struct invocation *invocation)
{
    const char *name = option_value(invocation, "trail");
    return name == NULL ? DONE : where_check_name(name);
}

static int
read_vkey(const struct invocation *invocation, struct tally_vkey *vkey, struct audit *audit)
{
    const char *text = option_value(invocation, "vkey");
    if (text == NULL)
        return DONE;
    struct tally_error error = { 0 };
    if (tally_vkey_parse(text, strlen(text), vkey, &error) != TALLY_OK)
        return (void)fail_with(&error, "--vkey"), MISUSED;
    audit->vkey = vkey;
    return DONE;
}

/* Reads what is there of a file, up to a little more than a checkpoint may have. */
static int
read_file(const char *path, char *text, size_t capacity, size_t *size_out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fail(UNABLE, "cannot open %s: %s", path, strerror(errno));
    *size_out = fread(text, 1, capacity, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    return failed ? fail(UNABLE, "cannot read %s", path) : DONE;
}

static int
read_since(const struct invocation *invocation, struct since *since, struct audit *audit)
{
    const char *path = option_value(invocation, "since");
    if (path == NULL)
        return DONE;
    char note[TALLY_CHECKPOINT_NOTE_MAX + 1];
    size_t size = 0;
    int outcome = read_file(path, note, sizeof note, &size);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    if (since_read(bytes_of(note, size), path, since, &error) != TALLY_OK) {
        (void)fail_with(&error, path);
        return fail(MISUSED, "%s is no checkpoint", path);
    }
    audit->since = since;
    return DONE;
}

static int
run_audit(const struct invocation *invocation, struct audit *audit, struct since *since)
{
    struct tally_vkey vkey;
    int outcome = read_vkey(invocation, &vkey, audit);
    if (outcome == DONE)
        outcome = read_since(invocation, since, audit);
    if (outcome != DONE)
        return outcome;

    struct where where;
    outcome = where_open(invocation, &where);
    if (outcome != DONE)
        return outcome;
    audit->where = &where;
    struct out out;
    out_open(&out);
    audit->out = &out;
    outcome = audit_to(invocation, audit);
    int written = out_finish(&out, DONE);
    return where_close(&where, outcome == DONE ? written : outcome);
}

static int
run(const struct invocation *invocation)
{
    int outcome = operands_expect(invocation, 1, 1);
    if (outcome == DONE)
        outcome = check_name(invocation);
    if (outcome != DONE)
        return outcome;
    struct since *since = calloc(1, sizeof *since);
    if (since == NULL)
        return fail(UNABLE, "out of memory");
    struct audit audit = { 0 };
    outcome = run_audit(invocation, &audit, since);
    free(since);
    return outcome;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "WHERE",
    .summary = "check that nothing was changed, dropped or slipped in",
    .text = "Recomputes every leaf, commitment, root and signature from the stored bytes, compares "
            "what is\nderived from them, and holds key and size against those seen last. Exit "
            "status: 0 intact\n(also with erasures on record), 1 tampered or an index wrong, 3 "
            "cannot be checked.",
    .options = options,
    .run = run,
};
