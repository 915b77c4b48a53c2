#include "audit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

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

void
audit_count(struct audit *audit, const char *origin)
{
    if (audit->vkey != NULL && strcmp(audit->vkey->name, origin) == 0)
        audit->vkey_trails++;
    if (audit->since != NULL && strcmp(audit->since->checkpoint.origin, origin) == 0)
        audit->since_trails++;
}

static const struct tally_vkey *
given_vkey(const struct audit *audit, const struct inspection *inspection)
{
    if (audit->vkey == NULL || audit->vkey_trails == 0)
        return audit->vkey;
    return strcmp(audit->vkey->name, inspection->origin) == 0 ? audit->vkey : NULL;
}

const struct tally_vkey *
audit_vkey(const struct audit *audit, const struct inspection *inspection)
{
    const struct tally_vkey *given = given_vkey(audit, inspection);
    return given == NULL && inspection->remembered ? &inspection->seen.vkey : given;
}

const struct since *
audit_since(const struct audit *audit, const struct inspection *inspection)
{
    if (audit->since == NULL || audit->since_trails == 0)
        return audit->since;
    return strcmp(audit->since->checkpoint.origin, inspection->origin) == 0 ? audit->since : NULL;
}

bool
audit_begin(struct audit *audit, const char *name, const char *origin,
            struct inspection *inspection)
{
    audit->trails++;
    *inspection = (struct inspection){ .finding = { .name = name, .sight = SIGHT_KNOWN } };
    (void)snprintf(inspection->origin, sizeof inspection->origin, "%s", origin);
    char place[PATH_MAX];
    if (origin[0] == '\0' || !seen_folder(place, sizeof place))
        return true;
    struct tally_error error = { 0 };
    tally_status status = seen_read(inspection->origin, &inspection->seen, &error);
    inspection->remembered = status == TALLY_OK;
    if (status == TALLY_OK || status == TALLY_ABSENT)
        return true;
    if (given_vkey(audit, inspection) != NULL) {
        say("%s", error.text);
        return true;
    }
    inspection->finding.report = (struct verify_report){ .bad_first = VERIFY_NO_INDEX };
    since_overrule(&inspection->finding.report, VERDICT_UNCHECKABLE, error.text);
    return false;
}

/* That it cannot be remembered is worth a word, but no verdict. */
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

void
audit_break(struct audit *audit, int outcome)
{
    audit->outcome = worse(audit->outcome, outcome);
}

tally_status
audit_end(struct audit *audit, struct inspection *inspection, struct tally_error *error)
{
    remember(inspection);
    audit_break(audit, outcome_of_verdict(inspection->finding.report.verdict));
    if (audit->listing != NULL)
        return verdict_row(audit->listing, &inspection->finding, error);
    verdict_sentence(&inspection->finding, &audit->out->stream.buffer);
    return stream_flush(&audit->out->stream, error);
}
