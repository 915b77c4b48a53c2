/*
 * lockfile.h - FOLDER/lock: one process writes a trail at a time.
 *
 * The lock is on the open file (disk_lock()), so that a dead process holds none; what is written in
 * the file is for people:
 *
 *     tally lock 1
 *     pid 4711
 *     command tally serve
 *     since 2026-11-21T03:44:00Z
 *
 * It stays when the lock is released and means nothing then.
 */
#ifndef LOCKFILE_H
#define LOCKFILE_H

#include "disk.h"

/* Takes the lock of the trail's folder `folder`; `command` is what others are told. The caller owns
 * *lock_out; disk_close() releases it. TALLY_BUSY names the process that holds it and what to do;
 * TALLY_DENIED where the folder may not be written. */
TALLY_MUST_CHECK tally_status lockfile_take(struct disk *disk, const char *folder,
                                            const char *command, struct disk_file **lock_out,
                                            struct tally_error *error);

#endif
