#include "clock.h"
#include "doctor.h"
#include "field.h"
#include "segment.h"
#include "snapshot.h"
#include "trail_state.h"

#include <stdio.h>

/* How far the newest entry may be ahead of the clock before the clock is doubted. */
#define CLOCK_SLACK (2 * CLOCK_SECOND)

/* Entries looked at for personal data in public fields. */
#define SAMPLE_SIZE 500

/* How long an entry may wait for its checkpoint. */
#define UNSIGNED_LONG (10 * CLOCK_SECOND)

/* ---- the newest entries ---- */

/* Whether a text has the form of an e-mail address, roughly. */
static bool
looks_like_address(struct bytes text)
{
    const uint8_t *at = text.size == 0 ? NULL : memchr(text.data, '@', text.size);
    if (at == NULL || at == text.data)
        return false;
    size_t left = text.size - (size_t)(at - text.data) - 1;
    return left > 2 && memchr(at + 1, '.', left) != NULL && memchr(at + 1, ' ', left) == NULL;
}

/* Fields by which the sampled entries show persons, though they are public. */
static uint64_t
public_addresses(const struct run_entry *entry, uint64_t private_fields)
{
    uint64_t found = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if ((private_fields & FIELD_BIT(i)) != 0 || fields[i].type != TYPE_TEXT ||
            (fields[i].flags & FIELD_SERVER_SET) != 0)
            continue;
        if (looks_like_address(entry->values[i]))
            found |= FIELD_BIT(i);
    }
    return found;
}

static void
check_public_fields(struct doctor *doctor, const struct trail *trail, uint64_t found)
{
    const char *name = trail_name(trail);
    uint64_t moved = FIELDS_PRIVATE_DEFAULT & ~trail_fields_private(trail);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *field = (const char *)fields[i].name.data;
        if ((moved & FIELD_BIT(i)) != 0)
            doctor_report(doctor, DOCTOR_NOTE, name,
                          "if that was not meant, record into a new trail",
                          "%s, which may name a person, is public in this trail and can never be "
                          "erased",
                          field);
        else if ((found & FIELD_BIT(i)) != 0)
            doctor_report(doctor, DOCTOR_WARNING, name,
                          "send it in a private field, or make a trail with --private for this one",
                          "the public field %s holds e-mail addresses, which can never be erased",
                          field);
    }
}

/* The newest entries: is the clock behind them, and do public fields name persons? */
static tally_status
sample(struct doctor *doctor, const struct trail *trail, struct snapshot *snapshot,
       struct tally_error *error)
{
    uint64_t size = snapshot_size(snapshot);
    uint64_t first = size > SAMPLE_SIZE ? size - SAMPLE_SIZE : 0;
    uint64_t private_fields = trail_fields_private(trail);
    uint64_t found = 0;
    int64_t newest = INT64_MIN;
    for (uint64_t index = first; index < size; index++) {
        struct run_entry entry;
        tally_status status = snapshot_entry(snapshot, index, RUN_VALUES, &entry, error);
        if (status != TALLY_OK)
            return status;
        found |= public_addresses(&entry, private_fields);
        struct instant received;
        const char *reason;
        if (instant_parse(entry.values[FIELD_RECEIVED], &received, &reason) && received.ns > newest)
            newest = received.ns;
    }
    check_public_fields(doctor, trail, found);
    int64_t now = clock_now();
    if (newest > now + CLOCK_SLACK)
        doctor_report(doctor, DOCTOR_WARNING, trail_name(trail),
                      "set the clock; entries keep the times they have",
                      "the newest entries are %lld s ahead of this machine's clock",
                      (long long)((newest - now) / CLOCK_SECOND));
    return TALLY_OK;
}

/* ---- segments ---- */

static void
check_segment(struct doctor *doctor, const char *name, const struct run *run)
{
    struct tally_error error = { 0 };
    bool index_only = false;
    if (segment_check(run->segment, SEGMENT_CHECK_ALL, &index_only, &error) != TALLY_OK)
        doctor_report(doctor, DOCTOR_FAULT, name,
                      index_only ? "run `tally trail … rebuild`" : "run `tally verify`", "%s",
                      error.text);
}

static void
check_segments(struct doctor *doctor, const char *name, const struct snapshot *snapshot)
{
    size_t left_out = 0;
    uint64_t done = 0;
    for (size_t i = snapshot_run_count(snapshot); i > 0; i--) {
        const struct run *run = snapshot_run(snapshot, i - 1);
        bool late = doctor->deadline != 0 && clock_monotonic() >= doctor->deadline;
        if (run->segment != NULL && !late)
            check_segment(doctor, name, run);
        left_out += run->segment != NULL && late;
        done += run->count;
        if (doctor->checked != NULL)
            doctor->checked(doctor->context, name, done, snapshot_size(snapshot));
    }
    if (left_out > 0)
        doctor_report(doctor, DOCTOR_NOTE, name, "run `tally verify`, which checks all",
                      "the %zu oldest segments were not checked, which would take long", left_out);
}

/* Entries that no checkpoint covers. Those of an open trail are covered in a moment. */
static void
check_checkpoint(struct doctor *doctor, struct trail *trail, const struct snapshot *snapshot)
{
    struct trail_state state;
    struct bytes note;
    uint64_t beyond = snapshot_size(snapshot) - snapshot_checkpoint(snapshot, &note)->size;
    trail_state_read(trail, &state);
    int64_t waited = state.unsigned_since == 0 ? 0 : clock_monotonic() - state.unsigned_since;
    if (!state.writing && beyond > 0)
        doctor_report(doctor, DOCTOR_NOTE, trail_name(trail),
                      "open it once as a user who may write it",
                      "%llu entries are not covered by a checkpoint", (unsigned long long)beyond);
    else if (state.writing && waited > UNSIGNED_LONG)
        doctor_report(doctor, DOCTOR_WARNING, trail_name(trail), "look at the log, and at the disk",
                      "entries have waited %lld s for a checkpoint",
                      (long long)(waited / CLOCK_SECOND));
    if (state.behind)
        doctor_report(doctor, DOCTOR_WARNING, trail_name(trail),
                      "if it stays so: fewer writers, or a machine with more processors",
                      "sealing does not keep up, and writers wait for it");
}

static tally_status
check_snapshot(struct doctor *doctor, struct trail *trail, struct tally_error *error)
{
    const char *name = trail_name(trail);
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    check_checkpoint(doctor, trail, snapshot);
    check_segments(doctor, name, snapshot);
    status = sample(doctor, trail, snapshot, error);
    snapshot_close(snapshot);
    return status;
}

void
doctor_examine_trail(struct doctor *doctor, struct trail *trail)
{
    const char *name = trail_name(trail);
    char key[TRAIL_NAME_MAX + 8];
    (void)snprintf(key, sizeof key, "keys/%s", name);
    doctor_check_rights(doctor, key);
    struct tally_error error = { 0 };
    if (check_snapshot(doctor, trail, &error) != TALLY_OK)
        doctor_report(doctor, DOCTOR_FAULT, name, "run `tally verify`", "%s", error.text);
    const char *poisoned = trail_poisoned(trail);
    if (poisoned != NULL)
        doctor_report(doctor, DOCTOR_FAULT, name, "mend the cause and open it again", "%s",
                      poisoned);
}
