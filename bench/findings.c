#include "findings.h"

#include "quit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const engine_titles[ENGINES] = {
    [ENGINE_TRAIL] = "Tallystick",
    [ENGINE_HTTP] = "over HTTP",
    [ENGINE_POSTGRES] = "PostgreSQL 15",
    [ENGINE_SQLITE] = "SQLite",
};

static const char *const engine_names[ENGINES] = {
    [ENGINE_TRAIL] = "trail",
    [ENGINE_HTTP] = "http",
    [ENGINE_POSTGRES] = "postgres",
    [ENGINE_SQLITE] = "sqlite",
};

static enum engine
find_engine(const char *name)
{
    for (size_t i = 0; i < ENGINES; i++)
        if (strcmp(engine_names[i], name) == 0)
            return (enum engine)i;
    quit("there is no engine %s", name);
}

/* Keeps the sizes ascending and each once. */
static void
add_size(struct findings *findings, uint64_t size)
{
    size_t at = 0;
    while (at < findings->size_count && findings->sizes[at] < size)
        at++;
    if (at < findings->size_count && findings->sizes[at] == size)
        return;
    if (findings->size_count == FINDINGS_SIZES_MAX)
        quit("there are too many sizes");
    memmove(&findings->sizes[at + 1], &findings->sizes[at],
            (findings->size_count - at) * sizeof findings->sizes[0]);
    findings->sizes[at] = size;
    findings->size_count++;
}

static void
add(struct findings *findings, const struct finding *finding)
{
    if (findings->count == findings->capacity) {
        findings->capacity = findings->capacity == 0 ? 256 : findings->capacity * 2;
        findings->list = realloc(findings->list, findings->capacity * sizeof *findings->list);
        if (findings->list == NULL)
            quit("out of memory");
    }
    findings->list[findings->count++] = *finding;
}

static void
read_file(struct findings *findings, const char *path, const struct finding *whose)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        quit("cannot read %s: %s", path, strerror(errno));
    struct finding finding = *whose;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "\"%95[^\"]\",%31[^,],%lf", finding.label, finding.measure,
                   &finding.value) != 3)
            quit("%s has a line that is none: %s", path, line);
        add(findings, &finding);
    }
    (void)fclose(file);
}

void
findings_read(int count, char **arguments, struct findings *findings_out)
{
    struct findings findings = { 0 };
    for (int i = 0; i < count; i++) {
        char engine[16];
        struct finding whose = { 0 };
        int read = 0;
        if (sscanf(arguments[i], "%15[a-z]:%" SCNu64 ":%n", engine, &whose.size, &read) != 2 ||
            read == 0)
            quit("%s is not like ENGINE:SIZE:FILE", arguments[i]);
        whose.engine = find_engine(engine);
        add_size(&findings, whose.size);
        read_file(&findings, arguments[i] + read, &whose);
    }
    if (findings.count == 0)
        quit("nothing was measured");
    *findings_out = findings;
}

void
findings_free(struct findings *findings)
{
    free(findings->list);
    *findings = (struct findings){ 0 };
}

double
findings_value(const struct findings *findings, enum engine engine, uint64_t size,
               const char *label, const char *measure)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        if (finding->engine == engine && finding->size == size &&
            strcmp(finding->label, label) == 0 && strcmp(finding->measure, measure) == 0)
            return finding->value;
    }
    return -1;
}

void
findings_number(uint64_t number, char text_out[FINDINGS_NUMBER_SIZE])
{
    if (number >= 1000000 && number % 1000000 == 0)
        (void)snprintf(text_out, FINDINGS_NUMBER_SIZE, "%" PRIu64 " million", number / 1000000);
    else if (number >= 1000000)
        (void)snprintf(text_out, FINDINGS_NUMBER_SIZE, "%" PRIu64 ",%03u,%03u", number / 1000000,
                       (unsigned)(number / 1000 % 1000), (unsigned)(number % 1000));
    else if (number >= 1000)
        (void)snprintf(text_out, FINDINGS_NUMBER_SIZE, "%u,%03u", (unsigned)(number / 1000),
                       (unsigned)(number % 1000));
    else
        (void)snprintf(text_out, FINDINGS_NUMBER_SIZE, "%u", (unsigned)number);
}
