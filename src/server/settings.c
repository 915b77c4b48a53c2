#include "settings.h"

#include "clock.h"
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "tally.conf"

static const char template[] =
    "# Settings of this data folder. What is commented out is the default. A change holds from "
    "the\n"
    "# next opening on.\n"
    "\n"
    "[storage]\n"
    "# The newest entries of a trail stand in memory until there are this many, or they take this\n"
    "# much memory; then they are sealed into a segment.\n"
    "# head_entries = 262144\n"
    "# head_memory_mib = 64\n"
    "\n"
    "# What the newest entries of all trails may take together.\n"
    "# heads_memory_mib = 256\n"
    "\n"
    "# How long after a commit a checkpoint is signed, at most.\n"
    "# checkpoint_interval_ms = 100\n";

/* One setting: what it may be, and how it gets into the options. */
struct setting {
    const char *section;
    const char *name;
    unsigned long long least;
    unsigned long long most;
    void (*set)(struct folder_options *options, unsigned long long value);
};

static void
set_head_entries(struct folder_options *options, unsigned long long value)
{
    options->head_entries_max = (uint32_t)value;
}

static void
set_head_memory(struct folder_options *options, unsigned long long value)
{
    options->head_memory_max = (size_t)value << 20;
}

static void
set_heads_memory(struct folder_options *options, unsigned long long value)
{
    options->heads_memory_max = (size_t)value << 20;
}

static void
set_checkpoint_interval(struct folder_options *options, unsigned long long value)
{
    options->checkpoint_interval = (int64_t)value * (CLOCK_SECOND / 1000);
}

static const struct setting settings[] = {
    { "storage", "head_entries", 1, HEAD_ENTRIES_MAX, set_head_entries },
    { "storage", "head_memory_mib", 1, 4096, set_head_memory },
    { "storage", "heads_memory_mib", 1, 1048576, set_heads_memory },
    { "storage", "checkpoint_interval_ms", 1, 60000, set_checkpoint_interval },
};

static const struct setting *
find_setting(const char *section, const char *name)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

struct reading {
    struct folder_options options;
    char problem[256]; /* of the first line refused */
};

/* inih's handler: 0 refuses the line. */
static int
read_setting(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    if (reading->problem[0] != '\0')
        return 0;

    const struct setting *setting = find_setting(section, name);
    if (setting == NULL) {
        (void)snprintf(reading->problem, sizeof reading->problem,
                       "there is no setting \"%s\" in section \"%s\"", name, section);
        return 0;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < setting->least ||
        number > setting->most) {
        (void)snprintf(reading->problem, sizeof reading->problem,
                       "%s takes a number from %llu to %llu, not \"%s\"", name, setting->least,
                       setting->most, value);
        return 0;
    }
    setting->set(&reading->options, number);
    return 1;
}

/* FOLDER/tally.conf, on the heap; NULL when memory is short. */
static char *
file_path(const char *folder)
{
    char *path;
    return asprintf(&path, "%s/" FILE_NAME, folder) < 0 ? NULL : path;
}

static tally_status
write_template(int fd, const char *path, struct tally_error *error)
{
    ssize_t size = write(fd, template, sizeof template - 1);
    if (size != (ssize_t)sizeof template - 1 || fsync(fd) < 0)
        return io_fault(error, "cannot write %s", path);
    return TALLY_OK;
}

tally_status
settings_write(const char *folder, struct tally_error *error)
{
    char *path = file_path(folder);
    if (path == NULL)
        return memory_fault(error);

    tally_status status;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        status = io_fault(error, "cannot create %s", path);
    } else {
        status = write_template(fd, path, error);
        (void)close(fd);
    }
    free(path);
    return status;
}

/* Reads the open file. */
static tally_status
parse(FILE *file, const char *path, struct folder_options *options, struct tally_error *error)
{
    struct reading reading = { .options = *options };
    int line = ini_parse_file(file, read_setting, &reading);
    if (line < 0)
        return fault(error, TALLY_IO, "cannot read %s", path);
    if (line > 0) {
        tally_status status =
            fault(error, TALLY_INVALID, "%s: %s", path,
                  reading.problem[0] != '\0' ? reading.problem
                                             : "this is no section, setting or comment");
        fault_at_line(error, (uint64_t)line);
        return status;
    }
    *options = reading.options;
    return TALLY_OK;
}

tally_status
settings_read(const char *folder, struct folder_options *options, struct tally_error *error)
{
    char *path = file_path(folder);
    if (path == NULL)
        return memory_fault(error);

    tally_status status;
    FILE *file = fopen(path, "re");
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR)) {
        status = TALLY_ABSENT;
    } else if (file == NULL) {
        status = io_fault(error, "cannot open %s", path);
    } else {
        status = parse(file, path, options, error);
        (void)fclose(file);
    }
    free(path);
    return status;
}
