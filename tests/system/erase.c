/*
 * erase FOLDER REASON INDEX...: erases entries of the trail `main`, for tests of what comes after.
 * The store can do it; the command for it comes with retention.
 */
#include "trail.h"

#include <stdio.h>
#include <stdlib.h>

#define INDEXES_MAX 64

static int
complain(const struct tally_error *error)
{
    (void)fprintf(stderr, "erase: %s\n", error->text);
    return 1;
}

int
main(int argc, char **argv)
{
    uint64_t indexes[INDEXES_MAX];
    size_t count = 0;
    if (argc < 4 || argc > 3 + INDEXES_MAX)
        return 2;
    for (int i = 3; i < argc; i++)
        indexes[count++] = strtoull(argv[i], NULL, 10);

    struct tally_error error = { 0 };
    struct folder_options options = { .command = "erase" };
    struct folder *folder;
    if (folder_open(argv[1], &options, &folder, &error) != TALLY_OK)
        return complain(&error);
    struct trail *trail;
    struct trail_recovery recovery;
    tally_status status = trail_open(folder, "main", TRAIL_WRITE, &trail, &recovery, &error);
    if (status == TALLY_OK) {
        status = trail_erase(trail, indexes, count, argv[2], &error);
        tally_status closed = trail_close(trail, status == TALLY_OK ? &error : NULL);
        status = status == TALLY_OK ? closed : status;
    }
    folder_close(folder);
    return status == TALLY_OK ? 0 : complain(&error);
}
