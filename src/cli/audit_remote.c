/*
 * Verification by a server, and what is not left to it.
 *
 * The server recomputes the trail; that an entry was changed only it can see. What it shows for it
 * is a signed checkpoint, and that is checked here: by the key that is known, for the origin that
 * was asked, never smaller than or another than what was seen before. A server that contradicts
 * itself has shown nothing, and the verdict is that the trail cannot be checked.
 */
#include "audit.h"

#include "fault.h"
#include "lines.h"
#include "progress.h"
#include "remote.h"
#include "where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One verification as it is streamed. */
struct verification {
    struct progress progress;
    struct verify_report report;
    bool keyed; /* the report has a key and a checkpoint, neither of them checked */
    bool decided;
};

/* ---- what the server says ---- */

static void
copy_text(struct reply *reply, const char *name, char *out, size_t capacity)
{
    struct bytes text = reply_text(reply, 0, name);
    size_t size = text.size < capacity ? text.size : capacity - 1;
    if (size > 0)
        memcpy(out, text.data, size);
    out[size] = '\0';
}

/* The key that it names and the checkpoint that it shows. */
static bool
read_claim(struct reply *reply, struct verify_report *report)
{
    struct bytes vkey = reply_text(reply, 0, "vkey");
    struct bytes note = reply_text(reply, 0, "checkpoint");
    struct since shown;
    if (vkey.data == NULL || note.data == NULL)
        return false;
    if (tally_vkey_parse((const char *)vkey.data, vkey.size, &report->vkey, NULL) != TALLY_OK ||
        since_read(note, "the answer", &shown, NULL) != TALLY_OK)
        return false;
    report->checkpoint = shown.checkpoint;
    report->checkpoint.extension = NULL;
    report->checkpoint.extension_size = 0;
    memcpy(report->note, shown.note, shown.note_size);
    report->note_size = shown.note_size;
    return true;
}

static bool
read_report(struct reply *reply, struct verification *verification)
{
    struct verify_report report = { .bad_first = VERIFY_NO_INDEX, .bad_last = VERIFY_NO_INDEX };
    if (!verdict_find(reply_text(reply, 0, "verdict"), &report.verdict) ||
        !reply_number(reply, 0, "entries", &report.entries))
        return false;
    (void)reply_number(reply, 0, "erased", &report.erased);
    (void)reply_number(reply, 0, "unsigned", &report.unsigned_);
    if (reply_number(reply, 0, "bad_first", &report.bad_first) !=
        reply_number(reply, 0, "bad_last", &report.bad_last))
        return false;
    copy_text(reply, "file", report.file, sizeof report.file);
    copy_text(reply, "text", report.text, sizeof report.text);
    verification->keyed = read_claim(reply, &report);
    verification->report = report;
    verification->decided = true;
    return true;
}

/* struct lines' line: progress, and at the end the verdict. */
static tally_status
receive(void *context, struct reply *reply, struct tally_error *error)
{
    struct verification *verification = context;
    uint64_t done;
    uint64_t total;
    bool good = !verification->decided;
    if (good && reply_number(reply, 0, "done", &done) && reply_number(reply, 0, "total", &total))
        progress_show(&verification->progress, done, total);
    else
        good = good && read_report(reply, verification);
    return good ? TALLY_OK : reply_fault(error, "a verdict");
}

static tally_status
ask(struct remote *remote, const struct buffer *target, struct verification *verification,
    struct refusal *refusal)
{
    struct lines lines = { .line = receive, .context = verification };
    struct remote_request request = {
        .target = buffer_view(target),
        .again = REMOTE_IF_BUSY,
        .take = lines_take,
        .context = &lines,
    };
    tally_status status = remote_ask(remote, &request, NULL, refusal);
    if (status == TALLY_OK && !verification->decided)
        status = reply_fault(&refusal->error, "a verdict");
    lines_finish(&lines);
    return status;
}

/* Has the server verify the trail, with the key to trust and a checkpoint that it must have grown
 * out of; both may be NULL. */
static tally_status
examine(struct remote *remote, const char *name, const struct tally_vkey *vkey,
        const struct bytes *since, struct verification *verification, struct refusal *refusal)
{
    struct buffer target = { 0 };
    buffer_text(&target, "/api/verify");
    remote_parameter(&target, "trail", bytes_text(name));
    char text[TALLY_VKEY_TEXT_SIZE];
    if (vkey != NULL) {
        tally_vkey_format(vkey, text);
        remote_parameter(&target, "vkey", bytes_text(text));
    }
    if (since != NULL)
        remote_parameter(&target, "since", *since);

    char what[TRAIL_NAME_MAX + 16];
    (void)snprintf(what, sizeof what, "verifying %s", name);
    *verification = (struct verification){ .decided = false };
    progress_init(&verification->progress, what);
    tally_status status = buffer_failed(&target) ? memory_fault(&refusal->error)
                                                 : ask(remote, &target, verification, refusal);
    progress_clear(&verification->progress);
    buffer_free(&target);
    return status;
}

/* ---- what is not left to it ---- */

/* The signature on what it shows. */
static enum verdict
check_signature(const struct audit *audit, const struct inspection *inspection,
                struct verify_report *report, char *text, size_t text_size)
{
    const struct tally_vkey *known = audit_vkey(audit, inspection);
    if (known != NULL)
        report->vkey = *known;
    struct tally_checkpoint checkpoint;
    struct tally_error error = { 0 };
    tally_status status = tally_checkpoint_open(report->note, report->note_size, &report->vkey,
                                                NULL, &checkpoint, &error);
    if (status == TALLY_OK)
        return VERDICT_INTACT;
    if (known == NULL || status == TALLY_INVALID) {
        (void)snprintf(text, text_size, "the server shows a checkpoint that nobody signed: %.400s",
                       error.text);
        return VERDICT_UNCHECKABLE;
    }
    (void)snprintf(text, text_size,
                   "the server's checkpoint is not signed by %s+%08x, the key known", known->name,
                   known->id);
    return VERDICT_TAMPERED;
}

/* What it shows against what was seen before and what was given. */
static enum verdict
check_history(const struct audit *audit, const struct inspection *inspection,
              const struct verify_report *report, char *text, size_t text_size)
{
    enum verdict verdict = VERDICT_INTACT;
    const struct since *since = audit_since(audit, inspection);
    if (inspection->remembered)
        verdict = since_follows(&report->checkpoint, &inspection->seen.checkpoint, text, text_size);
    if (verdict == VERDICT_INTACT && since != NULL)
        verdict = since_signed(since, &report->vkey, text, text_size);
    if (verdict == VERDICT_INTACT && since != NULL)
        verdict = since_follows(&report->checkpoint, &since->checkpoint, text, text_size);
    return verdict;
}

/* Believes an intact verdict as far as it is shown. */
static void
hold(const struct audit *audit, const struct inspection *inspection,
     struct verification *verification)
{
    struct verify_report *report = &verification->report;
    if (report->verdict != VERDICT_INTACT)
        return;
    char text[sizeof report->text] = "the server shows no checkpoint for its verdict";
    enum verdict verdict = VERDICT_UNCHECKABLE;
    if (verification->keyed)
        verdict = check_signature(audit, inspection, report, text, sizeof text);
    if (verdict == VERDICT_INTACT && (strcmp(report->checkpoint.origin, inspection->origin) != 0 ||
                                      report->entries < report->checkpoint.size)) {
        verdict = VERDICT_UNCHECKABLE;
        (void)snprintf(text, sizeof text,
                       "the server's checkpoint is of another trail or size "
                       "than it says");
    }
    if (verdict == VERDICT_INTACT)
        verdict = check_history(audit, inspection, report, text, sizeof text);
    if (verdict != VERDICT_INTACT)
        since_overrule(report, verdict, text);
}

/* ---- the trails ---- */

/* Where a checkpoint was given and another one is remembered, the trail must have grown out of
 * both; the server is asked twice then, because it takes one. */
static tally_status
inspect(struct remote *remote, const struct audit *audit, struct inspection *inspection,
        struct verification *verification, struct refusal *refusal)
{
    const char *name = inspection->finding.name;
    const struct tally_vkey *vkey = audit_vkey(audit, inspection);
    const struct since *since = audit_since(audit, inspection);
    struct bytes given = { NULL, 0 };
    struct bytes seen = bytes_of(inspection->seen.note, inspection->seen.note_size);
    if (since != NULL)
        given = bytes_of(since->note, since->note_size);
    else if (inspection->remembered)
        given = seen;
    tally_status status =
        examine(remote, name, vkey, given.data == NULL ? NULL : &given, verification, refusal);
    if (status == TALLY_OK)
        hold(audit, inspection, verification);
    if (status == TALLY_OK && since != NULL && inspection->remembered &&
        verification->report.verdict == VERDICT_INTACT) {
        status = examine(remote, name, vkey, &seen, verification, refusal);
        if (status == TALLY_OK)
            hold(audit, inspection, verification);
    }
    inspection->finding.report = verification->report;
    return status;
}

static int
audit_trail(struct remote *remote, struct audit *audit, const char *name, const char *origin)
{
    struct inspection *inspection = calloc(1, sizeof *inspection);
    struct verification *verification = calloc(1, sizeof *verification);
    struct refusal refusal = { 0 };
    struct tally_error error = { 0 };
    int outcome = DONE;
    if (inspection == NULL || verification == NULL)
        outcome = fail(UNABLE, "out of memory");
    else if (audit_begin(audit, name, origin, inspection) &&
             inspect(remote, audit, inspection, verification, &refusal) != TALLY_OK)
        outcome = refusal.error.status == TALLY_ABSENT ? where_no_trail(remote_where(remote), name)
                                                       : remote_fail(remote, &refusal);
    else if (audit_end(audit, inspection, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    free(verification);
    free(inspection);
    return outcome;
}

/* The trail that was asked for is not there: that is no pass, and the verdict on a folder too. */
static int
audit_nothing(struct audit *audit, const char *name)
{
    struct inspection *inspection = calloc(1, sizeof *inspection);
    if (inspection == NULL)
        return fail(UNABLE, "out of memory");
    char text[TRAIL_NAME_MAX + 64];
    (void)snprintf(text, sizeof text, "there is no trail \"%s\": nothing was checked", name);
    (void)audit_begin(audit, name, "", inspection);
    since_overrule(&inspection->finding.report, VERDICT_UNCHECKABLE, text);
    struct tally_error error = { 0 };
    tally_status status = audit_end(audit, inspection, &error);
    free(inspection);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

/* A row of the server's list. False where it is none. */
static bool
read_row(struct reply *reply, uint32_t node, char name[TRAIL_NAME_MAX + 1],
         char origin[TALLY_ORIGIN_MAX + 1])
{
    struct bytes named = reply_text(reply, node, "name");
    struct bytes claimed = reply_text(reply, node, "origin");
    if (named.data == NULL || named.size > TRAIL_NAME_MAX || claimed.size > TALLY_ORIGIN_MAX)
        return false;
    (void)snprintf(name, TRAIL_NAME_MAX + 1, "%.*s", BYTES_ARG(named));
    (void)snprintf(origin, TALLY_ORIGIN_MAX + 1, "%.*s", BYTES_ARG(claimed));
    return trail_name_valid(name);
}

/* Goes through the list: once to count origins, once to inspect. */
static int
audit_rows(const struct invocation *invocation, struct remote *remote, struct reply *reply,
           struct audit *audit)
{
    const char *only = option_value(invocation, "trail");
    uint32_t data = reply_array(reply, 0, "data");
    const struct json_node *nodes = reply->tape.nodes;
    char name[TRAIL_NAME_MAX + 1];
    char origin[TALLY_ORIGIN_MAX + 1];
    for (uint32_t i = data + 1; i < nodes[data].next; i = nodes[i].next) {
        if (!read_row(reply, i, name, origin)) {
            struct tally_error error = { 0 };
            (void)reply_fault(&error, "a list of trails");
            (void)fail_with(&error, remote_where(remote));
            return UNABLE;
        }
        if (only == NULL)
            audit_count(audit, origin);
    }
    int outcome = DONE;
    for (uint32_t i = data + 1; i < nodes[data].next && outcome == DONE; i = nodes[i].next)
        if (read_row(reply, i, name, origin) && (only == NULL || strcmp(only, name) == 0))
            outcome = audit_trail(remote, audit, name, origin);
    return outcome == DONE && only != NULL && audit->trails == 0 ? audit_nothing(audit, only)
                                                                 : outcome;
}

static int
audit_server(const struct invocation *invocation, struct remote *remote, struct audit *audit)
{
    struct buffer target = { 0 };
    struct buffer list = { 0 };
    struct reply reply = { 0 };
    struct refusal refusal = { 0 };
    buffer_text(&target, "/api/trails");
    tally_status status = remote_get(remote, &target, &list, &refusal);
    if (status == TALLY_OK)
        status = reply_read(&reply, buffer_view(&list), &refusal.error);
    if (status == TALLY_OK && reply_array(&reply, 0, "data") == 0)
        status = reply_fault(&refusal.error, "a list of trails");
    int outcome = status == TALLY_OK ? audit_rows(invocation, remote, &reply, audit)
                                     : remote_fail(remote, &refusal);
    reply_finish(&reply);
    buffer_free(&list);
    buffer_free(&target);
    return outcome;
}

int
audit_remote(const struct invocation *invocation, struct audit *audit)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    outcome = audit_server(invocation, remote, audit);
    remote_close(remote);
    /* What was found before the server broke off counts. */
    if (audit->trails == 0)
        return outcome;
    audit_break(audit, outcome);
    return DONE;
}
