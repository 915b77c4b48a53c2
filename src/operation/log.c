#include "log.h"

#include "clock.h"
#include "escape.h"
#include "utf8.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line written while this changes may have the old format and the new place; it is whole all the
 * same. */
static struct {
    atomic_int format;
    atomic_int level;
    atomic_int fd;
    atomic_bool journal; /* fd is systemd's */
} sink = { LOG_TEXT, LOG_INFO, STDERR_FILENO, false };

static const struct {
    const char *name;
    unsigned priority; /* RFC 5424, section 6.2.1 */
} levels[] = {
    [LOG_CRITICAL_] = { "critical", 2 }, [LOG_ERROR] = { "error", 3 },
    [LOG_WARNING] = { "warning", 4 },    [LOG_INFO] = { "info", 6 },
    [LOG_DEBUG] = { "debug", 7 },
};

/* The variable names the journal's socket; a standard error that was sent elsewhere is not it. */
static bool
is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat stat_;
    if (stream == NULL || fstat(fd, &stat_) < 0)
        return false;
    char own[64];
    (void)snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)stat_.st_dev,
                   (unsigned long long)stat_.st_ino);
    return strcmp(stream, own) == 0;
}

void
log_configure(enum log_format format, enum log_level level, int fd)
{
    atomic_store(&sink.format, (int)format);
    atomic_store(&sink.level, (int)level);
    atomic_store(&sink.fd, fd);
    atomic_store(&sink.journal, is_journal(fd));
}

int
log_wants(enum log_level level)
{
    return (int)level <= atomic_load(&sink.level);
}

/* ---- a line ---- */

static void
write_json_string(struct bytes text, struct buffer *out)
{
    if (utf8_valid_size(text) == text.size) {
        escape_json_string(text, out);
        return;
    }
    struct buffer readable = { 0 };
    escape_text(text, &readable);
    escape_json_string(buffer_view(&readable), out);
    out->failed |= readable.failed;
    buffer_free(&readable);
}

/* Whether it can stand behind a '=' as it is. */
static bool
is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f || strchr("\"=\\", text.data[i]) != NULL)
            return false;
    return text.size > 0;
}

/* No longer than LOG_VALUE_MAX, and no character cut in two. */
static struct bytes
cut(struct bytes text)
{
    if (text.size <= LOG_VALUE_MAX)
        return text;
    size_t size = LOG_VALUE_MAX;
    while (size > LOG_VALUE_MAX - 4 && (text.data[size] & 0xc0) == 0x80)
        size--;
    return bytes_of(text.data, size);
}

static void
write_value(enum log_format format, const struct log_field *member, struct buffer *out)
{
    struct bytes text = cut(member->text);
    if (member->kind == LOG_FIELD_NUMBER)
        buffer_format(out, "%lld", (long long)member->number);
    else if (format == LOG_TEXT && is_plain(text))
        buffer_bytes(out, text);
    else
        write_json_string(text, out);
}

static void
write_json(enum log_level level, const char *event, struct bytes time,
           const struct log_field *members, struct buffer *out)
{
    buffer_format(out, "{\"time\":\"%.*s\",\"level\":\"%s\",\"event\":\"%s\"", BYTES_ARG(time),
                  levels[level].name, event);
    for (; members->name != NULL; members++) {
        buffer_format(out, ",\"%s\":", members->name);
        write_value(LOG_JSON, members, out);
    }
    buffer_text(out, "}\n");
}

static void
write_text(enum log_level level, const char *event, struct bytes time,
           const struct log_field *members, struct buffer *out)
{
    if (atomic_load(&sink.journal))
        buffer_format(out, "<%u>", levels[level].priority);
    buffer_format(out, "%.*s %s %s", BYTES_ARG(time), levels[level].name, event);
    for (; members->name != NULL; members++) {
        buffer_format(out, " %s=", members->name);
        write_value(LOG_TEXT, members, out);
    }
    buffer_byte(out, '\n');
}

/* Where nothing takes the line, there is nobody to tell. */
static void
send_line(struct bytes line)
{
    int fd = atomic_load(&sink.fd);
    while (line.size > 0) {
        ssize_t written = write(fd, line.data, line.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        line = bytes_of(line.data + written, line.size - (size_t)written);
    }
}

void
log_write(enum log_level level, const char *event, const struct log_field *members)
{
    if (!log_wants(level))
        return;
    int os = errno; /* of whoever reports it next */
    char time[INSTANT_TEXT_MAX];
    struct bytes now = bytes_of(time, instant_format(clock_now(), 6, time));
    struct buffer line = { 0 };
    if (atomic_load(&sink.format) == LOG_JSON)
        write_json(level, event, now, members, &line);
    else
        write_text(level, event, now, members, &line);
    if (!buffer_failed(&line))
        send_line(buffer_view(&line));
    buffer_free(&line);
    errno = os;
}
