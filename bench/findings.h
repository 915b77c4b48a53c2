/*
 * findings.h - what was measured, of all engines and sizes, to be made into tables and a picture.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stddef.h>
#include <stdint.h>

enum engine {
    ENGINE_TRAIL,
    ENGINE_HTTP,
    ENGINE_POSTGRES,
    ENGINE_SQLITE,
};
#define ENGINES (ENGINE_SQLITE + 1)
extern const char *const engine_titles[ENGINES];

struct finding {
    enum engine engine;
    uint64_t size; /* entries */
    char label[96];
    char measure[32];
    double value;
};

#define FINDINGS_SIZES_MAX 16

struct findings {
    struct finding *list;
    size_t count;
    size_t capacity;
    uint64_t sizes[FINDINGS_SIZES_MAX]; /* ascending */
    size_t size_count;
};

/* Reads ENGINE:SIZE:FILE for each argument, as find_run.c prints it. Ends the program where one
 * cannot be read. */
void findings_read(int count, char **arguments, struct findings *findings_out);
void findings_free(struct findings *findings);

/* A measure, or -1 where there is none. */
double findings_value(const struct findings *findings, enum engine engine, uint64_t size,
                      const char *label, const char *measure);

/* "200,000" or "10 million". */
#define FINDINGS_NUMBER_SIZE 32
void findings_number(uint64_t number, char text_out[FINDINGS_NUMBER_SIZE]);

#endif
