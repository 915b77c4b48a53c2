#include "spool_fixture.h"

#include <assert.h>
#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
scratch_make(char path[SCRATCH_SIZE])
{
    (void)snprintf(path, SCRATCH_SIZE, "/tmp/tally-spool-XXXXXX");
    if (mkdtemp(path) == NULL)
        abort();
}

static int
remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void
scratch_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

unsigned
scratch_count(const char *path)
{
    unsigned count = 0;
    DIR *names = opendir(path);
    if (names == NULL)
        return 0;
    while (readdir(names) != NULL)
        count++;
    (void)closedir(names);
    return count - 2;
}

struct bytes
stamp_event(unsigned thread, uint64_t number, uint8_t room[STAMP_SIZE_MAX])
{
    uint64_t mixed = (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + thread;
    int size = snprintf((char *)room, STAMP_SIZE_MAX, "{\"t\":%u,\"n\":%" PRIu64 ",\"x\":\"",
                        thread, number);
    size_t padding = (mixed >> 40) % ((mixed >> 32) % 16 == 0 ? 3000 : 100);
    memset(room + size, 'a' + (int)(number % 26), padding);
    memcpy(room + size + padding, "\"}", 2);
    return bytes_of(room, (size_t)size + padding + 2);
}

bool
stamp_read(struct bytes event, unsigned *thread_out, uint64_t *number_out)
{
    char text[64];
    uint8_t room[STAMP_SIZE_MAX];
    unsigned thread;
    uint64_t number;
    (void)snprintf(text, sizeof text, "%.*s", BYTES_ARG(event));
    if (sscanf(text, "{\"t\":%u,\"n\":%" SCNu64, &thread, &number) != 2 ||
        !bytes_equal(event, stamp_event(thread, number, room)))
        return false;
    *thread_out = thread;
    *number_out = number;
    return true;
}
