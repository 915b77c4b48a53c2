/*
 * log.h - the operational log: what the server's operator must know. It is no audit trail.
 *
 * One line an event on standard error, as JSON or as text, written whole with one write(), so lines
 * of threads do not mix:
 *
 *     {"time":"2026-01-02T03:04:05.123456Z","level":"error","event":"request","id":"…","status":500}
 *     2026-01-02T03:04:05.123456Z error request id=… status=500
 *
 * Never logged, at any level: keys, bodies, query strings, values of entries. Values are escaped
 * (escape.h) and cut at LOG_VALUE_MAX bytes; as text, those that are no single plain word stand in
 * quotes, as in JSON. Where the line goes to systemd's journal (JOURNAL_STREAM), a text line begins
 * with "<PRIORITY>". Thread-safe.
 */
#ifndef LOG_H
#define LOG_H

#include "bytes.h"

#define LOG_VALUE_MAX 1024

enum log_level {
    LOG_CRITICAL_, /* the store met a fault; somebody must come */
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

enum log_format {
    LOG_JSON,
    LOG_TEXT,
};

/* Before any thread; and again where settings are reloaded. The standard is LOG_TEXT, LOG_INFO,
 * standard error. */
void log_configure(enum log_format format, enum log_level level, int fd);

/* A member of a line. Numbers are written as such. */
struct log_field {
    const char *name; /* NULL ends the list */
    enum log_field_kind {
        LOG_FIELD_TEXT,
        LOG_FIELD_NUMBER,
    } kind;
    struct bytes text;
    int64_t number;
};

#define LOG_TEXT_FIELD(name_, text_) \
    ((struct log_field){ .name = (name_), .kind = LOG_FIELD_TEXT, .text = bytes_text(text_) })
#define LOG_BYTES_FIELD(name_, bytes_) \
    ((struct log_field){ .name = (name_), .kind = LOG_FIELD_TEXT, .text = (bytes_) })
#define LOG_NUMBER_FIELD(name_, number_) \
    ((struct log_field){ .name = (name_), .kind = LOG_FIELD_NUMBER, .number = (int64_t)(number_) })
#define LOG_END ((struct log_field){ .name = NULL })

/* `event` is a static word or two: "start", "request", "store fault". */
void log_write(enum log_level level, const char *event, const struct log_field *members);

/* Writes `event` with these members:
 *     LOG(LOG_INFO, "start", LOG_TEXT_FIELD("address", address)); */
#define LOG(level, event, ...) \
    log_write((level), (event), (const struct log_field[]){ __VA_ARGS__, LOG_END })

/* Whether a line of this level would be written. */
int log_wants(enum log_level level);

#endif
