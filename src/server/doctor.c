#include "doctor.h"

#include "clock.h"
#include "key_finding.h"
#include "settings.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Less free space than this is short, or about to be. */
#define SPACE_SHORT (UINT64_C(256) << 20)
#define SPACE_LOW   (UINT64_C(2) << 30)

/* How often a sync is timed, and what the middle one of them may take. */
#define SYNCS     5
#define SYNC_SLOW (50 * CLOCK_SECOND / 1000)

const char *
doctor_grade_name(enum doctor_grade grade)
{
    static const char *const names[DOCTOR_GRADES] = { "note", "warning", "fault" };
    return names[grade];
}

void
doctor_report(struct doctor *doctor, enum doctor_grade grade, const char *place, const char *cure,
              const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text[utf8_valid_size(bytes_text(text))] = '\0'; /* it may have been cut within a character */
    const struct doctor_finding finding = {
        .grade = grade,
        .place = place,
        .text = text,
        .cure = cure,
    };
    doctor->found(doctor->context, &finding);
}

/* A full disk is no damage. */
#define CURE_OF_FULL "free some space, then ask again"

void
doctor_report_unopened(struct doctor *doctor, const char *trail, const struct tally_error *error)
{
    doctor_report(doctor, DOCTOR_FAULT, trail,
                  error->status == TALLY_FULL ? CURE_OF_FULL
                                              : "run `tally verify`; restore from a backup",
                  "%s", error->text);
}

/* ---- rights ---- */

void
doctor_check_rights(struct doctor *doctor, const char *name)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", doctor->path, name) >= (int)sizeof path)
        return;
    struct stat stat_;
    if (lstat(path, &stat_) < 0) {
        if (errno == ENOENT)
            doctor_report(doctor, DOCTOR_FAULT, name, "restore it from a backup",
                          "the file is missing");
        return;
    }
    if ((stat_.st_mode & 077) != 0)
        doctor_report(doctor, DOCTOR_WARNING, name, "chmod go= it", "others may use it (mode %04o)",
                      (unsigned)stat_.st_mode & 07777u);
    if (stat_.st_uid != geteuid())
        doctor_report(doctor, DOCTOR_NOTE, name, NULL, "it belongs to user %lu, not to you (%lu)",
                      (unsigned long)stat_.st_uid, (unsigned long)geteuid());
}

static void
check_folder_rights(struct doctor *doctor)
{
    static const char *const names[] = { "",     "tally.conf", "tally.db",
                                         "keys", "trails",     "keys/cursor.secret" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        doctor_check_rights(doctor, names[i]);
}

/* ---- the disk ---- */

static void
check_space(struct doctor *doctor)
{
    struct statvfs space;
    if (statvfs(doctor->path, &space) < 0)
        return;
    uint64_t left = (uint64_t)space.f_bavail * space.f_frsize;
    const char *cure = "free some, or move the folder to a larger file system";
    if (left < SPACE_SHORT)
        doctor_report(doctor, DOCTOR_FAULT, "space", cure,
                      "%llu MiB are left; writers are refused soon",
                      (unsigned long long)(left >> 20));
    else if (left < SPACE_LOW)
        doctor_report(doctor, DOCTOR_WARNING, "space", cure, "%llu MiB are left",
                      (unsigned long long)(left >> 20));
    if (space.f_favail < 100 && space.f_files > 0)
        doctor_report(doctor, DOCTOR_FAULT, "space", "remove some files",
                      "the file system has only %llu inodes left",
                      (unsigned long long)space.f_favail);
}

/* File systems on which a lock or a sync may not mean what it should. */
static void
check_file_system(struct doctor *doctor)
{
    static const struct {
        unsigned long type;
        enum doctor_grade grade;
        const char *text;
    } kinds[] = {
        { NFS_SUPER_MAGIC, DOCTOR_WARNING,
          "NFS: another machine's writer may not be seen, and a sync is the server's word" },
        { SMB_SUPER_MAGIC, DOCTOR_WARNING, "SMB: locks and syncs are the server's word" },
        { 0xff534d42, DOCTOR_WARNING, "CIFS: locks and syncs are the server's word" },
        { 0xfe534d42, DOCTOR_WARNING, "SMB2: locks and syncs are the server's word" },
        { V9FS_MAGIC, DOCTOR_WARNING, "9P: a sync is the host's word" },
        { FUSE_SUPER_MAGIC, DOCTOR_WARNING, "FUSE: what a sync does is up to its program" },
        { TMPFS_MAGIC, DOCTOR_WARNING, "tmpfs: everything is gone when the machine restarts" },
        { RAMFS_MAGIC, DOCTOR_WARNING, "ramfs: everything is gone when the machine restarts" },
        { OVERLAYFS_SUPER_MAGIC, DOCTOR_NOTE,
          "overlayfs: in a container the folder is gone with it, unless it is a volume" },
    };
    struct statfs info;
    if (statfs(doctor->path, &info) < 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((unsigned long)info.f_type == kinds[i].type)
            doctor_report(doctor, kinds[i].grade, "file system",
                          "keep the folder on a local file system (ext4, XFS)", "%s",
                          kinds[i].text);
}

/* Writes a little and has it synced; how long that took, or -1. */
static int64_t
time_sync(int fd)
{
    static const char block[4096];
    int64_t began = clock_monotonic();
    if (pwrite(fd, block, sizeof block, 0) != (ssize_t)sizeof block || fdatasync(fd) < 0)
        return -1;
    return clock_monotonic() - began;
}

static int
compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void
judge_syncs(struct doctor *doctor, int fd)
{
    int64_t times[SYNCS];
    for (size_t i = 0; i < SYNCS; i++) {
        times[i] = time_sync(fd);
        if (times[i] < 0 && errno != ENOSPC && errno != EDQUOT)
            doctor_report(doctor, DOCTOR_FAULT, "disk", "look at the kernel's log",
                          "a file could not be synced: %s", strerror(errno));
        if (times[i] < 0)
            return; /* want of space has a finding of its own */
    }
    qsort(times, SYNCS, sizeof times[0], compare_times);
    if (times[SYNCS / 2] > SYNC_SLOW)
        doctor_report(doctor, DOCTOR_WARNING, "disk", "use a faster disk, or one that does less",
                      "a sync takes %lld ms, and so does every acknowledgement at least",
                      (long long)(times[SYNCS / 2] / 1000000));
}

/* Every acknowledgement waits for a sync. */
static void
check_syncs(struct doctor *doctor)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/doctor.XXXXXX", doctor->path) >= (int)sizeof path)
        return;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return; /* who may not write here does not need the disk's speed */
    (void)unlink(path);
    judge_syncs(doctor, fd);
    (void)close(fd);
}

static void
check_clock(struct doctor *doctor)
{
    struct timex clock = { .modes = 0 };
    if (adjtimex(&clock) == TIME_ERROR)
        doctor_report(doctor, DOCTOR_NOTE, "clock", "run chrony, ntpd or systemd-timesyncd",
                      "the kernel does not know its clock to be synchronised");
}

/* ---- settings and keys ---- */

/* settings_visitor */
static void
report_setting(void *context, const struct tally_error *problem)
{
    char place[64] = "settings";
    if (problem->line > 0)
        (void)snprintf(place, sizeof place, "tally.conf, line %llu",
                       (unsigned long long)problem->line);
    doctor_report(context, DOCTOR_FAULT, place,
                  "change it as it says, and restart what uses the folder", "%s", problem->text);
}

static void
check_settings(struct doctor *doctor)
{
    struct tally_error error = { 0 };
    if (settings_check(doctor->path, report_setting, doctor, &error) != TALLY_OK)
        doctor_report(doctor, DOCTOR_FAULT, "tally.conf",
                      "see that it can be read, and run doctor again", "%s", error.text);
}

/* key_finding_visitor */
static tally_status
report_key(void *context, const struct key_finding *finding, struct tally_error *error)
{
    (void)error;
    enum doctor_grade grade = finding->trouble == KEY_NO_ADMIN ? DOCTOR_FAULT : DOCTOR_NOTE;
    doctor_report(context, grade, "tally.db", finding->cure, "%s", finding->text);
    return TALLY_OK;
}

static void
check_keyring(struct doctor *doctor)
{
    struct tally_error error = { 0 };
    struct keyring *keyring;
    tally_status status = keyring_open(doctor->path, &keyring, &error);
    if (status == TALLY_OK) {
        status = key_findings(keyring, clock_now(), report_key, doctor, &error);
        keyring_close(keyring);
    }
    if (status == TALLY_OK || status == TALLY_ABSENT)
        return; /* a missing file is found by its rights */
    if (status == TALLY_DENIED)
        doctor_report(doctor, DOCTOR_NOTE, "tally.db", "run doctor as the folder's owner", "%s",
                      error.text);
    else
        doctor_report(doctor, DOCTOR_FAULT, "tally.db",
                      status == TALLY_FULL ? CURE_OF_FULL : "restore it from a backup", "%s",
                      error.text);
}

void
doctor_examine_folder(struct doctor *doctor)
{
    check_folder_rights(doctor);
    check_space(doctor);
    check_file_system(doctor);
    check_syncs(doctor);
    check_clock(doctor);
    check_settings(doctor);
    check_keyring(doctor);
}
