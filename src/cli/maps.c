#include "maps.h"

#include "outcome.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SUFFIX ".map"

/* Reads at most MAP_SIZE_MAX + 1 bytes, one too many of a file that is too large. */
static int
read_file(FILE *file, const char *path, struct buffer *text)
{
    uint8_t *room = buffer_reserve(text, MAP_SIZE_MAX + 1);
    if (room == NULL)
        return fail(UNABLE, "out of memory");
    size_t size = fread(room, 1, MAP_SIZE_MAX + 1, file);
    if (ferror(file) != 0)
        return fail(UNABLE, "cannot read %s: %s", path, strerror(errno));
    text->size += size;
    return DONE;
}

/* The map's name: the file's, without folder and suffix. */
static int
parse_file(const char *path, struct bytes text, struct map **map_out)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t size = strlen(base);
    if (size > strlen(SUFFIX) && strcmp(base + size - strlen(SUFFIX), SUFFIX) == 0)
        size -= strlen(SUFFIX);
    char name[MAP_NAME_SIZE_MAX + 2];
    (void)snprintf(name, sizeof name, "%.*s", (int)size, base);

    struct tally_error error = { 0 };
    if (map_parse(text, name, map_out, &error) != TALLY_OK)
        return fail_with(&error, path);
    return DONE;
}

static int
open_map(FILE *file, const char *path, struct map **map_out)
{
    struct buffer text = { 0 };
    int outcome = read_file(file, path, &text);
    if (outcome == DONE)
        outcome = parse_file(path, buffer_view(&text), map_out);
    buffer_free(&text);
    return outcome;
}

/* The folders to look in, joined by colons, on the heap; NULL when memory is short. */
static char *
map_folders(void)
{
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    program[size < 0 ? 0 : size] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';

    const char *own = getenv("TALLY_MAPS");
    bool has_own = own != NULL && own[0] != '\0';
    char *folders;
    int result = asprintf(&folders, "%s%s%s/../share/tallystick/maps:%s/../share/maps:%s",
                          has_own ? own : "", has_own ? ":" : "", program, program, TALLY_MAPS_DIR);
    return result < 0 ? NULL : folders;
}

/* Appends the names of the maps in a folder, for a message. */
static void
list_maps(const char *folder, struct buffer *names)
{
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return;
    for (struct dirent *file; (file = readdir(handle)) != NULL;) {
        size_t size = strlen(file->d_name);
        if (size <= strlen(SUFFIX) || strcmp(file->d_name + size - strlen(SUFFIX), SUFFIX) != 0)
            continue;
        buffer_text(names, names->size == 0 ? "" : ", ");
        buffer_append(names, file->d_name, size - strlen(SUFFIX));
    }
    (void)closedir(handle);
}

/* Opens NAME.map in the first of the folders (cut in pieces meanwhile) that has it. */
static int
search(const char *name, char *folders, struct map **map_out)
{
    struct buffer names = { 0 };
    char *rest = NULL;
    for (char *folder = strtok_r(folders, ":", &rest); folder != NULL;
         folder = strtok_r(NULL, ":", &rest)) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%s/%s" SUFFIX, folder, name);
        FILE *file = size < (int)sizeof path ? fopen(path, "re") : NULL;
        if (file != NULL) {
            int outcome = open_map(file, path, map_out);
            (void)fclose(file);
            buffer_free(&names);
            return outcome;
        }
        if (names.size == 0)
            list_maps(folder, &names);
    }
    int outcome = fail(MISUSED,
                       "there is no map \"%s\"; there are: %.*s; a file of your own is "
                       "named by its path, or its folder by TALLY_MAPS",
                       name, names.size == 0 ? 4 : (int)names.size,
                       names.size == 0 ? "none" : (const char *)names.data);
    buffer_free(&names);
    return outcome;
}

int
maps_find(const char *name, struct map **map_out)
{
    size_t size = strlen(name);
    bool is_path = strchr(name, '/') != NULL ||
                   (size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0);
    if (is_path) {
        FILE *file = fopen(name, "re");
        if (file == NULL)
            return fail(UNABLE, "cannot open the map %s: %s", name, strerror(errno));
        int outcome = open_map(file, name, map_out);
        (void)fclose(file);
        return outcome;
    }
    char *folders = map_folders();
    if (folders == NULL)
        return fail(UNABLE, "out of memory");
    int outcome = search(name, folders, map_out);
    free(folders);
    return outcome;
}
