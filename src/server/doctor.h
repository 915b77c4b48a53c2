/*
 * doctor.h - what puts a data folder at risk, each finding with its cure.
 *
 * For the command on a folder and for the server that has it open: the caller opens the trails, for
 * the server must not open its own a second time. Nothing is repaired, and nothing of what entries
 * say is in a finding.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "trail.h"

enum doctor_grade {
    DOCTOR_NOTE,    /* worth knowing */
    DOCTOR_WARNING, /* a risk */
    DOCTOR_FAULT,   /* something is wrong */
};
#define DOCTOR_GRADES 3

/* "note", "warning", "fault". Static. */
const char *doctor_grade_name(enum doctor_grade grade);

/* Lent for the call. */
struct doctor_finding {
    enum doctor_grade grade;
    const char *place; /* "space", "tally.conf, line 3", a trail's name */
    const char *text;  /* UTF-8, not escaped */
    const char *cure;  /* NULL: nothing is to be done */
};

struct doctor {
    const char *path; /* of the data folder */
    void (*found)(void *context, const struct doctor_finding *finding);
    /* How far the segments of a trail are checked, in entries; NULL is allowed. */
    void (*checked)(void *context, const char *trail, uint64_t done, uint64_t total);
    void *context;
    /* Segments that are not checked by then (monotonic) are left out, and a note says how many; 0:
     * all are checked, the newest first. */
    int64_t deadline;
};

/* The folder's surroundings: rights, space, file system, how fast the disk syncs, clock, settings,
 * keys. Writes a small file without a name to the disk. */
void doctor_examine_folder(struct doctor *doctor);

/* A trail, open for reading or writing: its key's file, poison, segments, newest entries. */
void doctor_examine_trail(struct doctor *doctor, struct trail *trail);

/* The caller's own finding. */
__attribute__((format(printf, 5, 6))) void doctor_report(struct doctor *doctor,
                                                         enum doctor_grade grade, const char *place,
                                                         const char *cure, const char *format, ...);

/* A trail that cannot be opened, and why. */
void doctor_report_unopened(struct doctor *doctor, const char *trail,
                            const struct tally_error *error);

/* The rights of one file or folder of the data folder, which others may not use. */
void doctor_check_rights(struct doctor *doctor, const char *name);

#endif
