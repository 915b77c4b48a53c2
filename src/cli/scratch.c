#include "scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDERS_OPEN_MAX 16

int
scratch_make(const char *parent, const char *what, char *path, size_t size)
{
    if (parent == NULL)
        parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0')
        parent = P_tmpdir;
    int length = snprintf(path, size, "%s/tally-%s.XXXXXX", parent, what);
    if (length < 0 || (size_t)length >= size)
        return fail(UNABLE, "the path %s is too long", parent);
    if (mkdtemp(path) == NULL)
        return fail(UNABLE, "cannot make a scratch folder in %s: %s", parent, strerror(errno));
    return DONE;
}

static int
remove_one(const char *path, const struct stat *stat_, int kind, struct FTW *place)
{
    (void)stat_;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void
scratch_remove(const char *path)
{
    /* Depth first and without following links out of it. */
    (void)nftw(path, remove_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}
