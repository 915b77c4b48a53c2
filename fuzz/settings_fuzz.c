/*
 * settings_fuzz.c - anything at all as a tally.conf.
 *
 * What settings_read() refuses is the first thing that settings_check() tells of, with the same line
 * and sentence, and changes no setting; what it takes has nothing wrong but what contradicts itself.
 */
#include "settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern char **environ;

static char folder[64];
static char path[96];

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
clean_up(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void
begin(void)
{
    environ = (char *[]){ NULL };
    (void)snprintf(folder, sizeof folder, "/dev/shm/tally-fuzz-XXXXXX");
    must(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/tally.conf", folder);
    must(atexit(clean_up) == 0);
}

struct found {
    struct tally_error first;
    size_t count;
};

static void
visit(void *context, const struct tally_error *problem)
{
    struct found *found = context;
    must(problem->status == TALLY_INVALID && problem->text[0] != '\0');
    if (found->count++ == 0)
        found->first = *problem;
}

static void
ignore(void *context, const struct tally_error *problem)
{
    (void)context;
    (void)problem;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (folder[0] == '\0')
        begin();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)close(fd);

    struct settings settings, before;
    struct tally_error error;
    struct found found = { 0 };
    memset(&settings, 0, sizeof settings);
    settings_init(&settings);
    memcpy(&before, &settings, sizeof settings);
    must(settings_check(folder, visit, &found, NULL) == TALLY_OK);
    tally_status status = settings_read(folder, &settings, &error);
    if (status != TALLY_OK) {
        must(status == TALLY_INVALID && found.count > 0);
        must(found.first.line == error.line && strcmp(found.first.text, error.text) == 0);
        must(memcmp(&before, &settings, sizeof settings) == 0);
    } else {
        must(found.count == settings_contradictions(&settings, ignore, NULL));
    }
    return 0;
}
