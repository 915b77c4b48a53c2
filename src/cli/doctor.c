/*
 * tally doctor - what puts a data folder at risk, each with its cure.
 *
 * Checks that look at the folder's surroundings (rights, space, file system, clock) come first,
 * then those of each trail. It repairs nothing but what opening a trail repairs.
 */
#include "doctor_remote.h"

#include "clock.h"
#include "field.h"
#include "key_finding.h"
#include "out.h"
#include "progress.h"
#include "remote.h"
#include "seen.h"
#include "segment.h"
#include "settings.h"
#include "snapshot.h"
#include "where.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

static const struct command_option options[] = {
    { "format", "FORMAT", "findings as table, json, ndjson or csv (default: table)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

/* Less free space than this is short, or about to be. */
#define SPACE_SHORT (UINT64_C(256) << 20)
#define SPACE_LOW   (UINT64_C(2) << 30)

/* How far the newest entry may be ahead of the clock before the clock is doubted. */
#define CLOCK_SLACK (2 * CLOCK_SECOND)

/* Entries looked at for personal data in public fields. */
#define SAMPLE_SIZE 500

enum grade {
    GRADE_NOTE,    /* worth knowing */
    GRADE_WARNING, /* a risk */
    GRADE_FAULT,   /* something is wrong */
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

struct doctor {
    struct where where;
    struct listing *listing;
    uint64_t found[GRADE_FAULT + 1];
    struct tally_error error; /* of the listing */
    tally_status status;
};

/* Reports a finding; `cure` may be NULL. */
__attribute__((format(printf, 5, 6))) static void
report(struct doctor *doctor, enum grade grade, const char *place, const char *cure,
       const char *format, ...)
{
    static const char *const names[] = { "note", "warning", "fault" };
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    const struct bytes cells[FINDING_COLUMNS] = {
        [FINDING_GRADE] = bytes_text(names[grade]),
        [FINDING_WHERE] = bytes_text(place),
        [FINDING_TEXT] = bytes_text(text),
        [FINDING_CURE] = cure == NULL ? (struct bytes){ NULL, 0 } : bytes_text(cure),
    };
    doctor->found[grade]++;
    if (doctor->status == TALLY_OK)
        doctor->status = listing_row(doctor->listing, cells, &doctor->error);
}

/* ---- the folder ---- */

/* Rights of one file or folder of the data folder, which others may not read. */
static void
check_rights(struct doctor *doctor, const char *name)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", doctor->where.path, name) >= (int)sizeof path)
        return;
    struct stat stat_;
    if (lstat(path, &stat_) < 0) {
        if (errno == ENOENT)
            report(doctor, GRADE_FAULT, name, "restore it from a backup", "the file is missing");
        return;
    }
    if ((stat_.st_mode & 077) != 0)
        report(doctor, GRADE_WARNING, name, "chmod go= it", "others may use it (mode %04o)",
               (unsigned)stat_.st_mode & 07777u);
    if (stat_.st_uid != geteuid())
        report(doctor, GRADE_NOTE, name, NULL, "it belongs to user %lu, not to you",
               (unsigned long)stat_.st_uid);
}

static void
check_folder_rights(struct doctor *doctor)
{
    static const char *const names[] = { "",     "tally.conf", "tally.db",
                                         "keys", "trails",     "keys/cursor.secret" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_rights(doctor, names[i]);
}

static void
check_space(struct doctor *doctor)
{
    struct statvfs space;
    if (statvfs(doctor->where.path, &space) < 0)
        return;
    uint64_t left = (uint64_t)space.f_bavail * space.f_frsize;
    const char *cure = "free some, or move the folder to a larger file system";
    if (left < SPACE_SHORT)
        report(doctor, GRADE_FAULT, "space", cure, "%llu MiB are left; writers are refused soon",
               (unsigned long long)(left >> 20));
    else if (left < SPACE_LOW)
        report(doctor, GRADE_WARNING, "space", cure, "%llu MiB are left",
               (unsigned long long)(left >> 20));
    if (space.f_favail < 100 && space.f_files > 0)
        report(doctor, GRADE_FAULT, "space", "remove some files",
               "the file system has only %llu inodes left", (unsigned long long)space.f_favail);
}

/* File systems on which a lock or a sync may not mean what it should. */
static void
check_file_system(struct doctor *doctor)
{
    static const struct {
        unsigned long type;
        enum grade grade;
        const char *text;
    } kinds[] = {
        { NFS_SUPER_MAGIC, GRADE_WARNING,
          "NFS: another machine's writer may not be seen, and a sync is the server's word" },
        { SMB_SUPER_MAGIC, GRADE_WARNING, "SMB: locks and syncs are the server's word" },
        { 0xff534d42, GRADE_WARNING, "CIFS: locks and syncs are the server's word" },
        { 0xfe534d42, GRADE_WARNING, "SMB2: locks and syncs are the server's word" },
        { V9FS_MAGIC, GRADE_WARNING, "9P: a sync is the host's word" },
        { FUSE_SUPER_MAGIC, GRADE_WARNING, "FUSE: what a sync does is up to its program" },
        { TMPFS_MAGIC, GRADE_WARNING, "tmpfs: everything is gone when the machine restarts" },
        { RAMFS_MAGIC, GRADE_WARNING, "ramfs: everything is gone when the machine restarts" },
        { OVERLAYFS_SUPER_MAGIC, GRADE_NOTE,
          "overlayfs: in a container the folder is gone with it, unless it is a volume" },
    };
    struct statfs info;
    if (statfs(doctor->where.path, &info) < 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((unsigned long)info.f_type == kinds[i].type)
            report(doctor, kinds[i].grade, "file system",
                   "keep the folder on a local file system (ext4, XFS)", "%s", kinds[i].text);
}

static void
check_clock(struct doctor *doctor)
{
    struct timex clock = { .modes = 0 };
    if (adjtimex(&clock) == TIME_ERROR)
        report(doctor, GRADE_NOTE, "clock", "run chrony, ntpd or systemd-timesyncd",
               "the kernel does not know its clock to be synchronised");
}

/* settings_visitor */
static void
report_setting(void *context, const struct tally_error *problem)
{
    struct doctor *doctor = context;
    char place[64] = "settings";
    if (problem->line > 0)
        (void)snprintf(place, sizeof place, "tally.conf, line %llu",
                       (unsigned long long)problem->line);
    report(doctor, GRADE_FAULT, place, "change it as it says, and restart what uses the folder",
           "%s", problem->text);
}

static void
check_settings(struct doctor *doctor)
{
    struct tally_error error = { 0 };
    if (settings_check(doctor->where.path, report_setting, doctor, &error) != TALLY_OK)
        report(doctor, GRADE_FAULT, "tally.conf", "let its owner run doctor", "%s", error.text);
}

/* key_finding_visitor */
static tally_status
report_key(void *context, const struct key_finding *finding, struct tally_error *error)
{
    (void)error;
    struct doctor *doctor = context;
    enum grade grade = finding->trouble == KEY_NO_ADMIN ? GRADE_FAULT : GRADE_NOTE;
    report(doctor, grade, "tally.db", finding->cure, "%s", finding->text);
    return doctor->status;
}

static void
check_keyring(struct doctor *doctor)
{
    struct tally_error error = { 0 };
    struct keyring *keyring;
    tally_status status = keyring_open(doctor->where.path, &keyring, &error);
    if (status == TALLY_OK) {
        status = key_findings(keyring, clock_now(), report_key, doctor, &error);
        keyring_close(keyring);
    }
    if (doctor->status != TALLY_OK || status == TALLY_OK || status == TALLY_ABSENT)
        return; /* a missing file is found by its rights */
    if (status == TALLY_DENIED)
        report(doctor, GRADE_NOTE, "tally.db", "run doctor as the folder's owner", "%s",
               error.text);
    else
        report(doctor, GRADE_FAULT, "tally.db", "restore it from a backup", "%s", error.text);
}

static void
check_memory_of_verdicts(struct doctor *doctor)
{
    char path[PATH_MAX];
    if (!seen_folder(path, sizeof path))
        report(doctor, GRADE_WARNING, "verification", "set XDG_STATE_HOME or HOME",
               "what was seen of a trail cannot be remembered: a cut tail would not show");
}

/* ---- a trail ---- */

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
check_public_fields(struct doctor *doctor, const char *name, uint64_t found)
{
    uint64_t moved = FIELDS_PRIVATE_DEFAULT & ~trail_fields_private(doctor->where.trail);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *field = (const char *)fields[i].name.data;
        if ((moved & FIELD_BIT(i)) != 0)
            report(doctor, GRADE_NOTE, name, "if that was not meant, record into a new trail",
                   "%s, which may name a person, is public in this trail and can never be erased",
                   field);
        else if ((found & FIELD_BIT(i)) != 0)
            report(doctor, GRADE_WARNING, name,
                   "send it in a private field, or make a trail with --private for this one",
                   "the public field %s holds e-mail addresses, which can never be erased", field);
    }
}

/* The newest entries: is the clock behind them, and do public fields name persons? */
static tally_status
sample(struct doctor *doctor, const char *name, struct snapshot *snapshot,
       struct tally_error *error)
{
    uint64_t size = snapshot_size(snapshot);
    uint64_t first = size > SAMPLE_SIZE ? size - SAMPLE_SIZE : 0;
    uint64_t private_fields = trail_fields_private(doctor->where.trail);
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
    check_public_fields(doctor, name, found);
    if (newest > clock_now() + CLOCK_SLACK)
        report(doctor, GRADE_WARNING, name, "set the clock; entries keep the times they have",
               "the newest entries are %lld s ahead of this machine's clock",
               (long long)((newest - clock_now()) / CLOCK_SECOND));
    return TALLY_OK;
}

static void
check_segments(struct doctor *doctor, const char *name, const struct snapshot *snapshot)
{
    char what[TRAIL_NAME_MAX + 32];
    (void)snprintf(what, sizeof what, "checking %s", name);
    struct progress progress;
    progress_init(&progress, what);
    for (size_t i = 0; i < snapshot_run_count(snapshot); i++) {
        const struct run *run = snapshot_run(snapshot, i);
        progress_show(&progress, run->first, snapshot_size(snapshot));
        if (run->segment == NULL)
            continue;
        struct tally_error error = { 0 };
        bool index_only = false;
        if (segment_check(run->segment, SEGMENT_CHECK_ALL, &index_only, &error) == TALLY_OK)
            continue;
        progress_clear(&progress);
        report(doctor, GRADE_FAULT, name,
               index_only ? "run `tally trail … rebuild`" : "run `tally verify`", "%s", error.text);
    }
    progress_clear(&progress);
}

static void
check_snapshot(struct doctor *doctor, const char *name)
{
    struct tally_error error = { 0 };
    struct snapshot *snapshot;
    tally_status status = snapshot_open(doctor->where.trail, &snapshot, &error);
    if (status == TALLY_OK) {
        struct bytes note;
        uint64_t beyond = snapshot_size(snapshot) - snapshot_checkpoint(snapshot, &note)->size;
        if (beyond > 0)
            report(doctor, GRADE_NOTE, name, "open it once as a user who may write it",
                   "%llu entries are not covered by a checkpoint", (unsigned long long)beyond);
        check_segments(doctor, name, snapshot);
        status = sample(doctor, name, snapshot, &error);
        snapshot_close(snapshot);
    }
    if (status != TALLY_OK)
        report(doctor, GRADE_FAULT, name, "run `tally verify`", "%s", error.text);
}

/* Opens it for writing, which tells whether another process does; else for reading. */
static tally_status
open_trail(struct doctor *doctor, const char *name, struct tally_error *error)
{
    struct where *where = &doctor->where;
    struct trail_recovery recovery = { 0 };
    tally_status status =
        trail_open(where->folder, name, TRAIL_WRITE, &where->trail, &recovery, error);
    if (status == TALLY_BUSY)
        report(doctor, GRADE_NOTE, name, NULL, "%s", error->text);
    if (status == TALLY_BUSY || status == TALLY_DENIED)
        status = trail_open(where->folder, name, TRAIL_READ, &where->trail, &recovery, error);
    if (status == TALLY_OK && recovery.tail.torn)
        report(doctor, GRADE_NOTE, name, NULL,
               "a batch was being written when its process died; it was never acknowledged and is "
               "cut now");
    return status;
}

/* disk_name_visitor */
static tally_status
check_trail(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    struct doctor *doctor = context;
    char key[TRAIL_NAME_MAX + 8];
    (void)snprintf(key, sizeof key, "keys/%s", name);
    check_rights(doctor, key);

    struct tally_error own = { 0 };
    if (open_trail(doctor, name, &own) != TALLY_OK) {
        report(doctor, GRADE_FAULT, name, "run `tally verify`; restore from a backup", "%s",
               own.text);
        return doctor->status;
    }
    check_snapshot(doctor, name);
    const char *poisoned = trail_poisoned(doctor->where.trail);
    if (poisoned != NULL)
        report(doctor, GRADE_FAULT, name, "mend the cause and open it again", "%s", poisoned);
    if (trail_close(doctor->where.trail, &own) != TALLY_OK)
        report(doctor, GRADE_FAULT, name, NULL, "%s", own.text);
    doctor->where.trail = NULL;
    return doctor->status;
}

/* ---- the command ---- */

static tally_status
check_all(struct doctor *doctor, struct tally_error *error)
{
    check_folder_rights(doctor);
    check_space(doctor);
    check_file_system(doctor);
    check_clock(doctor);
    check_settings(doctor);
    check_keyring(doctor);
    check_memory_of_verdicts(doctor);
    tally_status status = folder_list_trails(doctor->where.folder, check_trail, doctor, error);
    if (doctor->status != TALLY_OK) {
        *error = doctor->error;
        return doctor->status;
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
examine(const struct invocation *invocation, struct doctor *doctor, struct out *out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, LISTING_TABLE, &format, &style);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    tally_status status = listing_create(format, &style, finding_columns, FINDING_COLUMNS,
                                         &out->stream, &doctor->listing, &error);
    if (status != TALLY_OK)
        return fail_with(&error, NULL);
    status = check_all(doctor, &error);
    if (status == TALLY_OK)
        status = listing_end(doctor->listing, (struct bytes){ NULL, 0 }, &error);
    listing_destroy(doctor->listing);
    if (status != TALLY_OK)
        return (void)fail_with(&error, NULL), UNABLE;
    return doctor_conclude(doctor->found[GRADE_NOTE],
                           doctor->found[GRADE_WARNING] + doctor->found[GRADE_FAULT]);
}

static int
run(const struct invocation *invocation)
{
    int outcome = operands_expect(invocation, 1, 1);
    if (outcome != DONE)
        return outcome;
    if (where_is_url(invocation->operands[0]))
        return doctor_remote(invocation);
    struct doctor doctor = { .status = TALLY_OK };
    outcome = where_open_plain(invocation, &doctor.where);
    if (outcome != DONE)
        return outcome;

    struct out out;
    out_open(&out);
    outcome = examine(invocation, &doctor, &out);
    int written = out_finish(&out, DONE);
    return where_close(&doctor.where, outcome == DONE ? written : outcome);
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "WHERE",
    .summary = "name what puts a data folder at risk, and the cure",
    .text =
        "Rights, space, file system, clock, settings, keys, locks, and each trail's segments and\n"
        "newest entries.\nExit status: 0 nothing to cure (notes may be printed), 1 warnings or "
        "faults, "
        "3 could not look.",
    .options = options,
    .run = run,
};
