/*
 * settings.c - tally.conf as text: written for a new folder, and read.
 *
 * The reader is our own. A library for INI files (inih) was used before: it cuts lines at 199
 * bytes, which paths exceed, takes an indented line as more of the value above it, and names the
 * first bad line only.
 */
#include "settings.h"

#include "fault.h"
#include "json.h"
#include "settings_table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Comments are wrapped at this column. */
#define COMMENT_WIDTH 100

void
settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &settings_table[i];
        tally_status status =
            setting_set(setting, "", setting->name, setting->standard, settings, NULL);
        assert(status == TALLY_OK);
        (void)status;
    }
}

/* ---- writing ---- */

/* Appends `text` as comment lines. */
static void
write_comment(const char *text, struct buffer *out)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column == 0 || column + 1 + word > COMMENT_WIDTH) {
            buffer_text(out, column == 0 ? "#" : "\n#");
            column = 1;
        }
        buffer_format(out, " %.*s", (int)word, text);
        column += 1 + word;
        text += word + strspn(text + word, " ");
    }
    buffer_byte(out, '\n');
}

void
settings_format(struct buffer *out)
{
    write_comment("Settings of this data folder. What is commented out is the default. A change "
                  "holds from the next opening on. Each can be given by the environment instead, "
                  "which wins: TALLY_SERVER_LISTEN is `listen` of [server].",
                  out);
    const char *section = "";
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &settings_table[i];
        if (strcmp(section, setting->section) != 0)
            buffer_format(out, "\n[%s]\n", setting->section);
        else
            buffer_byte(out, '\n');
        section = setting->section;
        write_comment(setting->help, out);
        buffer_format(out, "# %s =%s%s\n", setting->name, setting->standard[0] == '\0' ? "" : " ",
                      setting->standard);
    }
}

/* FOLDER/tally.conf, on the heap; NULL when memory is short. */
static char *
file_path(const char *folder)
{
    char *path;
    return asprintf(&path, "%s/" SETTINGS_FILE_NAME, folder) < 0 ? NULL : path;
}

static tally_status
write_file(const char *path, struct bytes text, struct tally_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(error, "cannot create %s", path);
    tally_status status = TALLY_OK;
    if (write(fd, text.data, text.size) != (ssize_t)text.size || fsync(fd) < 0)
        status = io_fault(error, "cannot write %s", path);
    (void)close(fd);
    return status;
}

tally_status
settings_write(const char *folder, struct tally_error *error)
{
    struct buffer text = { 0 };
    settings_format(&text);
    char *path = file_path(folder);
    tally_status status = path == NULL || buffer_failed(&text)
                              ? memory_fault(error)
                              : write_file(path, buffer_view(&text), error);
    free(path);
    buffer_free(&text);
    return status;
}

/* ---- reading ---- */

/* The file under way. */
struct conf {
    struct settings_reading *reading;
    const char *path;
    uint64_t line;
    struct bytes section; /* lent from the text; empty before the first one */
    bool section_known;
};

static void
tell(struct settings_reading *reading, uint64_t line, struct tally_error *problem)
{
    problem->line = line;
    reading->problems++;
    reading->visitor(reading->context, problem);
}

__attribute__((format(printf, 2, 3))) static void
refuse_line(struct conf *conf, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct tally_error problem;
    (void)fault(&problem, TALLY_INVALID, "%s: %s", conf->path, text);
    tell(conf->reading, conf->line, &problem);
}

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Without the comment, which begins at a # or ; that begins the line or has a blank before it. */
static struct bytes
strip_comment(struct bytes line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((line.data[i] == '#' || line.data[i] == ';') && (i == 0 || is_blank(line.data[i - 1])))
            line.size = i;
    return bytes_trim(line, is_blank);
}

static void
read_section(struct conf *conf, struct bytes name)
{
    conf->section = name;
    conf->section_known = settings_section_known(name);
    if (!conf->section_known)
        refuse_line(conf, "there is no section \"%.*s\"", BYTES_ARG(name));
}

static void
read_value(struct conf *conf, const struct setting *setting, struct bytes value)
{
    struct settings_reading *reading = conf->reading;
    uint64_t *first = &reading->lines[setting - settings_table];
    if (*first != 0) {
        refuse_line(conf, "%s is set in line %llu already: remove one of the two", setting->name,
                    (unsigned long long)*first);
        return;
    }
    *first = conf->line;

    char text[SETTINGS_TEXT_MAX + 1];
    if (value.size >= sizeof text) {
        refuse_line(conf, "the value of %s is longer than %d bytes", setting->name,
                    SETTINGS_TEXT_MAX);
        return;
    }
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    char called[sizeof((struct tally_error *)NULL)->text];
    (void)snprintf(called, sizeof called, "%s: %s", conf->path, setting->name);
    struct tally_error problem;
    if (setting_set(setting, reading->folder, called, text, &reading->settings, &problem) !=
        TALLY_OK)
        tell(reading, conf->line, &problem);
}

static void
read_line(struct conf *conf, struct bytes line)
{
    line = strip_comment(bytes_trim(line, is_blank));
    if (line.size == 0)
        return;
    if (memchr(line.data, '\0', line.size) != NULL) {
        refuse_line(conf, "a NUL byte stands in it");
        return;
    }
    if (line.data[0] == '[' && line.data[line.size - 1] == ']') {
        read_section(conf, bytes_trim(bytes_of(line.data + 1, line.size - 2), is_blank));
        return;
    }
    const uint8_t *sign = memchr(line.data, '=', line.size);
    if (sign == NULL || line.data[0] == '[') {
        refuse_line(conf, "this is no section, setting or comment");
        return;
    }
    if (conf->section.size > 0 && !conf->section_known)
        return; /* which has been said */

    size_t name_size = (size_t)(sign - line.data);
    struct bytes name = bytes_trim(bytes_of(line.data, name_size), is_blank);
    struct bytes value = bytes_trim(bytes_of(sign + 1, line.size - name_size - 1), is_blank);
    const struct setting *setting = setting_find(conf->section, name);
    if (setting != NULL)
        read_value(conf, setting, value);
    else
        refuse_line(conf, "there is no setting \"%.*s\" in section \"%.*s\"", BYTES_ARG(name),
                    BYTES_ARG(conf->section));
}

static void
read_text(struct settings_reading *reading, const char *path, struct bytes text)
{
    struct conf conf = { .reading = reading, .path = path };
    while (text.size > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        size_t size = newline == NULL ? text.size : (size_t)(newline - text.data);
        conf.line++;
        read_line(&conf, bytes_of(text.data, size));
        size_t past = newline == NULL ? size : size + 1;
        text = bytes_of(text.data + past, text.size - past);
    }
}

/* Opens it for reading. A folder may come from a stranger, and a pipe in it would be waited for.
 * TALLY_ABSENT without a file. */
static tally_status
open_plain(const char *path, FILE **file_out, struct tally_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return TALLY_ABSENT;
    if (fd < 0)
        return io_fault(error, "cannot open %s", path);
    struct stat stat;
    tally_status status = TALLY_OK;
    FILE *file = NULL;
    if (fstat(fd, &stat) == 0 && !S_ISREG(stat.st_mode))
        status = fault(error, TALLY_IO, "%s is not a plain file: put one of settings there", path);
    else if (file = fdopen(fd, "r"), file == NULL)
        status = io_fault(error, "cannot read %s", path);
    if (status == TALLY_OK)
        *file_out = file;
    else
        (void)close(fd);
    return status;
}

/* The file's text; empty where there is no file. */
static tally_status
load_file(const char *path, struct buffer *text, struct tally_error *error)
{
    FILE *file = NULL;
    tally_status status = open_plain(path, &file, error);
    if (status != TALLY_OK)
        return status == TALLY_ABSENT ? TALLY_OK : status;

    uint8_t *to = buffer_reserve(text, SETTINGS_FILE_MAX + 1);
    if (to == NULL)
        status = memory_fault(error);
    else
        text->size = fread(to, 1, SETTINGS_FILE_MAX + 1, file);
    if (status == TALLY_OK && ferror(file))
        status = io_fault(error, "cannot read %s", path);
    else if (text->size > SETTINGS_FILE_MAX)
        status =
            fault(error, TALLY_INVALID, "%s is larger than %u KiB: this is no file of settings",
                  path, SETTINGS_FILE_MAX >> 10);
    (void)fclose(file);
    return status;
}

/* Other variables that begin like ours are somebody else's: orchestrators set TALLY_SERVER_PORT for
 * a service that is called tally-server. */
static void
read_environment(struct settings_reading *reading)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        char variable[SETTING_VARIABLE_SIZE];
        setting_variable(&settings_table[i], variable);
        const char *value = getenv(variable);
        if (value == NULL)
            continue;
        struct tally_error problem;
        if (setting_set(&settings_table[i], reading->folder, variable, value, &reading->settings,
                        &problem) == TALLY_OK)
            reading->lines[i] = 0;
        else
            tell(reading, 0, &problem);
    }
}

tally_status
settings_collect(struct settings_reading *reading, struct tally_error *error)
{
    char *path = file_path(reading->folder);
    if (path == NULL)
        return memory_fault(error);
    struct buffer text = { 0 };
    tally_status status = load_file(path, &text, error);
    if (status == TALLY_OK) {
        read_text(reading, path, buffer_view(&text));
        read_environment(reading);
    }
    buffer_free(&text);
    free(path);
    return status;
}

/* settings_visitor; context is a struct tally_error. */
static void
keep_first(void *context, const struct tally_error *problem)
{
    struct tally_error *first = context;
    if (first->status == TALLY_OK)
        *first = *problem;
}

tally_status
settings_read(const char *folder, struct settings *settings, struct tally_error *error)
{
    struct tally_error first = { .status = TALLY_OK };
    struct settings_reading reading = {
        .folder = folder, .settings = *settings, .visitor = keep_first, .context = &first
    };
    tally_status status = settings_collect(&reading, error);
    if (status != TALLY_OK)
        return status;
    if (reading.problems > 0) {
        if (error != NULL)
            *error = first;
        return TALLY_INVALID;
    }
    *settings = reading.settings;
    return TALLY_OK;
}

static bool
put_change(const struct setting *setting, const struct settings *before,
           const struct settings *after, const char *separator, struct buffer *out)
{
    struct buffer old = { 0 }, new = { 0 };
    setting_write(setting, before, &old);
    setting_write(setting, after, &new);
    bool changed = !bytes_equal(buffer_view(&old), buffer_view(&new));
    if (changed) {
        buffer_format(out, "%s\"%s.%s\":{\"before\":", separator, setting->section, setting->name);
        json_write_string(buffer_view(&old), out);
        buffer_text(out, ",\"after\":");
        json_write_string(buffer_view(&new), out);
        buffer_byte(out, '}');
    }
    out->failed = out->failed || buffer_failed(&old) || buffer_failed(&new);
    buffer_free(&old);
    buffer_free(&new);
    return changed;
}

size_t
settings_changes(const struct settings *before, const struct settings *after, struct buffer *out)
{
    size_t count = 0;
    buffer_byte(out, '{');
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        count += put_change(&settings_table[i], before, after, count == 0 ? "" : ",", out);
    buffer_byte(out, '}');
    return count;
}
