/*
 * settings_table.h - the settings as a table, and a reading of them that goes on behind a mistake.
 *
 * Inside settings_*.c and its test. Everything that knows a setting takes it from here: the reader,
 * the environment, the file of a new folder, the table in docs/operations.md.
 */
#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H

#include "buffer.h"
#include "settings.h"

#define SETTINGS_FILE_NAME "tally.conf"
#define SETTINGS_FILE_MAX  (64u << 10)
#define SETTINGS_COUNT     36

/* The longest name of a variable: TALLY_SECTION_NAME. */
#define SETTING_VARIABLE_SIZE 64

/* Which values a setting takes. */
struct setting_type {
    /* Reads `value` into the member of `size` bytes; false, and the member is as it was, where it
     * is not of this type. `folder` is what a relative path counts from. */
    bool (*read)(const struct setting_type *type, const char *folder, const char *value,
                 void *member, size_t size);
    uint64_t least, most;     /* of a number as it is written */
    uint64_t unit;            /* what 1 as it is written is in the member */
    const char *const *words; /* in the order of the member's enum; ends with NULL */
    const char *text;         /* what it takes, for people; NULL: from the numbers or the words */
};

struct setting {
    const char *section;
    const char *name;
    struct setting_type type;
    size_t offset; /* of the member in struct settings */
    size_t size;
    const char *standard; /* as it is written */
    const char *help;     /* a sentence or two, without a '=' */
};

extern const struct setting settings_table[SETTINGS_COUNT];

bool settings_section_known(struct bytes section);

/* NULL where there is none. */
const struct setting *setting_find(struct bytes section, struct bytes name);

/* TALLY_INVALID where the setting does not take `value`; `called` is what the sentence calls it. */
TALLY_MUST_CHECK tally_status setting_set(const struct setting *setting, const char *folder,
                                          const char *called, const char *value,
                                          struct settings *settings, struct tally_error *error);

/* Appends its value as it is written. */
void setting_write(const struct setting *setting, const struct settings *settings,
                   struct buffer *out);

/* Appends what it takes: "1 to 5", "true or false". */
void setting_takes(const struct setting *setting, struct buffer *out);

void setting_variable(const struct setting *setting, char variable_out[SETTING_VARIABLE_SIZE]);

/* A reading under way. */
struct settings_reading {
    const char *folder;
    struct settings settings;       /* as set so far */
    uint64_t lines[SETTINGS_COUNT]; /* where in the file each is set; 0: nowhere */
    settings_visitor visitor;       /* gets each problem */
    void *context;
    size_t problems;
};

/* Reads the file, then the environment, into reading->settings. What is refused goes to the visitor
 * and leaves its member alone; a fault is that the file cannot be read. */
TALLY_MUST_CHECK tally_status settings_collect(struct settings_reading *reading,
                                               struct tally_error *error);

/* Appends the file of a new folder. */
void settings_format(struct buffer *out);

#endif
