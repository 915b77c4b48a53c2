/*
 * spool_folder.h - the folder of one process's spool: whose it is, and what becomes of it when that
 * process is dead.
 *
 * A folder is owned by who holds the lock on its file `owner`. The lock is an open file's
 * (F_OFD_SETLK), so that it keeps out others in the same process too, whether they use this copy of
 * the library or another; it ends with the process however that ends, wherever it ran: in another
 * container, under a number that is somebody else's now. A child after fork() has to abandon its
 * copy, because it has the open file as well.
 */
#ifndef SPOOL_FOLDER_H
#define SPOOL_FOLDER_H

#include "tally/status.h"

#include <stdbool.h>

struct spool_folder;

/* Makes a folder below `root`, which is made where it is not there. `destination` is one line of at
 * most SPOOL_DESTINATION_MAX bytes. Caller owns. */
#define SPOOL_DESTINATION_MAX 4096
TALLY_MUST_CHECK tally_status spool_folder_create(const char *root, const char *destination,
                                                  struct spool_folder **folder_out,
                                                  struct tally_error *error);

/* Takes a folder of a dead process, for this destination. TALLY_ABSENT: there is none now. What
 * processes left that died while they made or removed one is removed. */
TALLY_MUST_CHECK tally_status spool_folder_adopt(const char *root, const char *destination,
                                                 struct spool_folder **folder_out,
                                                 struct tally_error *error);

/* Leaves it to whoever adopts it next, of this process too. NULL is allowed. */
void spool_folder_leave(struct spool_folder *folder);
/* Removes it; what is in it was removed by the caller. */
void spool_folder_remove(struct spool_folder *folder);
/* In a child: frees it without a trace. NULL is allowed. */
void spool_folder_abandon(struct spool_folder *folder);

const char *spool_folder_path(const struct spool_folder *folder); /* absolute */
bool spool_folder_is_volatile(const struct spool_folder *folder); /* tmpfs */
/* The system was started anew since the folder was made (or it cannot be told): what had not been
 * synced then is gone, also notes of what was sent. */
bool spool_folder_is_older_than_boot(const struct spool_folder *folder);

/* Puts the names of files made in it since the last call, and its own, on stable storage. */
TALLY_MUST_CHECK tally_status spool_folder_sync(struct spool_folder *folder,
                                                struct tally_error *error);

#endif
