/*
 * tally verify - recompute what a trail claims, and hold it against what was seen before.
 */
#include "audit.h"

#include "fault.h"
#include "processors.h"
#include "progress.h"
#include "remote.h"
#include "where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option options[] = {
    { "trail", "NAME", "only this trail (default: all there are)" },
    { "vkey", "KEY", "the verification key to trust, not the one seen last" },
    { "since", "FILE", "a checkpoint of the trail kept elsewhere, to have grown out of" },
    { "no-indexes", NULL, "entries, tree and signatures only; an index may be wrong unseen" },
    { "format", "FORMAT", "verdicts as table, json, ndjson or csv (default: sentences)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

/* ---- one trail ---- */

/* The trails of a folder. */
struct folder_audit {
    struct audit *audit;
    const struct where *where;
};

/* disk_name_visitor. What a trail's stored checkpoint says of its origin is taken at its word. */
static tally_status
count_trail(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    const struct folder_audit *self = context;
    struct tally_checkpoint stored;
    if (since_stored(self->where->folder, name, &stored))
        audit_count(self->audit, stored.origin);
    return TALLY_OK;
}

/* What verification itself cannot know. */
static void
check_more(const struct folder_audit *self, struct inspection *inspection)
{
    struct verify_report *report = &inspection->finding.report;
    const struct since *since = audit_since(self->audit, inspection);
    if (since == NULL || report->verdict != VERDICT_INTACT)
        return;
    char text[sizeof report->text];
    enum verdict verdict = since_signed(since, &report->vkey, text, sizeof text);
    if (verdict == VERDICT_INTACT && inspection->remembered)
        verdict = since_grown(self->where->folder, inspection->finding.name,
                              &inspection->seen.checkpoint, text, sizeof text);
    if (verdict != VERDICT_INTACT)
        since_overrule(report, verdict, text);
}

/* verify_options.progress */
static bool
show_progress(void *context, uint64_t done, uint64_t total)
{
    progress_show(context, done, total);
    return true;
}

static tally_status
examine(const struct folder_audit *self, struct inspection *inspection, struct tally_error *error)
{
    char what[TRAIL_NAME_MAX + 16];
    (void)snprintf(what, sizeof what, "verifying %s", inspection->finding.name);
    struct progress progress;
    progress_init(&progress, what);

    struct verify_options verify_options = {
        .scope = self->audit->scope,
        .vkey = audit_vkey(self->audit, inspection),
        .progress = show_progress,
        .context = &progress,
        .threads = processors_usable(),
    };
    const struct since *since = audit_since(self->audit, inspection);
    if (since != NULL)
        verify_options.seen = &since->checkpoint;
    else if (inspection->remembered)
        verify_options.seen = &inspection->seen.checkpoint;
    tally_status status = verify_trail(self->where->folder, inspection->finding.name,
                                       &verify_options, &inspection->finding.report, error);
    progress_clear(&progress);
    return status;
}

/* disk_name_visitor: `name` is a trail. */
static tally_status
audit_trail(void *context, const char *name, struct tally_error *error)
{
    const struct folder_audit *self = context;
    struct inspection *inspection = calloc(1, sizeof *inspection);
    if (inspection == NULL)
        return memory_fault(error);
    struct tally_checkpoint stored = { .origin = "" };
    (void)since_stored(self->where->folder, name, &stored);
    tally_status status = TALLY_OK;
    if (audit_begin(self->audit, name, stored.origin, inspection))
        status = examine(self, inspection, error);
    if (status == TALLY_OK) {
        check_more(self, inspection);
        status = audit_end(self->audit, inspection, error);
    }
    free(inspection);
    return status;
}

static int
audit_folder(const struct invocation *invocation, const struct where *where, struct audit *audit)
{
    struct folder_audit self = { .audit = audit, .where = where };
    struct tally_error error = { 0 };
    const char *name = option_value(invocation, "trail");
    tally_status status = TALLY_OK;
    if (name != NULL)
        status = audit_trail(&self, name, &error);
    else
        status = folder_list_trails(where->folder, count_trail, &self, &error);
    if (name == NULL && status == TALLY_OK)
        status = folder_list_trails(where->folder, audit_trail, &self, &error);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

/* ---- the command ---- */

/* `where` is NULL for a server. */
static int
audit_all(const struct invocation *invocation, const struct where *where, struct audit *audit)
{
    int outcome =
        where == NULL ? audit_remote(invocation, audit) : audit_folder(invocation, where, audit);
    struct tally_error error = { 0 };
    if (outcome == DONE && audit->listing != NULL &&
        listing_end(audit->listing, (struct bytes){ NULL, 0 }, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    if (outcome != DONE)
        return outcome;
    if (audit->trails == 0)
        return fail(UNABLE, "%s has no trail: there is nothing to check", invocation->operands[0]);
    return audit->outcome;
}

static int
audit_to(const struct invocation *invocation, const struct where *where, struct audit *audit)
{
    struct listing_style style;
    enum listing_format format;
    struct tally_error error = { 0 };
    struct out out;
    out_open(&out);
    audit->out = &out;
    int outcome = out_style(invocation, &out, &format, &style);
    if (outcome != DONE)
        return out_finish(&out, outcome);
    if (option_given(invocation, "format") &&
        listing_create(format, &style, verdict_columns, VERDICT_COLUMN_COUNT - 1, &out.stream,
                       &audit->listing, &error) != TALLY_OK)
        return out_finish(&out, fail_with(&error, NULL));
    outcome = audit_all(invocation, where, audit);
    listing_destroy(audit->listing);
    int written = out_finish(&out, DONE);
    return outcome == DONE ? written : outcome;
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

    if (option_given(invocation, "no-indexes"))
        audit->scope = VERIFY_HISTORY;
    if (where_is_url(invocation->operands[0]) && audit->scope == VERIFY_HISTORY)
        return fail(MISUSED, "--no-indexes is for a data folder: a server compares everything");
    if (where_is_url(invocation->operands[0]))
        return audit_to(invocation, NULL, audit);
    struct where where;
    outcome = where_open(invocation, &where);
    if (outcome != DONE)
        return outcome;
    return where_close(&where, audit_to(invocation, &where, audit));
}

static int
run(const struct invocation *invocation)
{
    static const char *const missing[] = { WHERE_MISSING, NULL };
    int outcome = operands_expect(invocation, missing, 1);
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
            "what is derived from them, and holds key and size against those seen last. Exit "
            "status: 0 intact (also with erasures on record), 1 tampered or an index wrong, 3 "
            "cannot be checked.",
    .options = options,
    .run = run,
};
