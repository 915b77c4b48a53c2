#include "maps.h"

#include "map_standard.h"
#include "outcome.h"

#include <errno.h>
#include <stdio.h>

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

static int
open_file(const char *path, struct map **map_out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fail(UNABLE, "cannot open the map %s: %s", path, strerror(errno));
    int outcome = open_map(file, path, map_out);
    (void)fclose(file);
    return outcome;
}

static int
no_such_map(const char *name)
{
    struct buffer names = { 0 };
    for (size_t i = 0; i < map_standard_count; i++)
        buffer_format(&names, "%s%s", i == 0 ? "" : ", ", map_standards[i].name);
    int outcome = fail(MISUSED, "there is no map \"%s\"; there are %.*s, or a file: ./%s" SUFFIX,
                       name, BYTES_ARG(buffer_view(&names)), name);
    buffer_free(&names);
    return outcome;
}

int
maps_find(const char *name, struct map **map_out)
{
    size_t size = strlen(name);
    bool is_path = strchr(name, '/') != NULL ||
                   (size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0);
    struct bytes text;
    if (is_path)
        return open_file(name, map_out);
    if (!map_standard_find(name, &text))
        return no_such_map(name);
    return parse_file(name, text, map_out);
}
