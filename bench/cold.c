#include "cold.h"

#include "quit.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <unistd.h>

static void
drop(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        quit("cannot open %s: %s", path, strerror(errno));
    /* Pages that are to be written stay. */
    if (fdatasync(file) < 0)
        quit("cannot sync %s: %s", path, strerror(errno));
    int refused = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    if (refused != 0)
        quit("cannot drop the pages of %s: %s", path, strerror(refused));
    (void)close(file);
}

void
cold_drop(const char *path)
{
    char *const paths[] = { (char *)path, NULL };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL)
        quit("cannot walk %s: %s", path, strerror(errno));
    const FTSENT *file;
    while ((file = fts_read(walk)) != NULL)
        if (file->fts_info == FTS_F)
            drop(file->fts_path);
    (void)fts_close(walk);
}
