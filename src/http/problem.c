#include "problem.h"

#include "escape.h"
#include "utf8.h"

/* "Unknown" for a status that is none of ours. */
static const char *
title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 421, "Misdirected Request" },
        { 429, "Too Many Requests" }, /* RFC 6585 */
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" }, /* RFC 4918 */
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Unknown";
}

/* A sentence may have been cut in the middle of a character. */
static void
put_string(const char *text, struct buffer *out)
{
    struct buffer valid = { 0 };
    struct bytes rest = bytes_text(text);
    while (rest.size > 0) {
        size_t size = utf8_valid_size(rest);
        buffer_append(&valid, rest.data, size);
        if (size < rest.size)
            buffer_text(&valid, "\xef\xbf\xbd"); /* U+FFFD */
        size += size < rest.size;
        rest = bytes_of(rest.data + size, rest.size - size);
    }
    escape_json_string(buffer_view(&valid), out);
    out->failed = out->failed || buffer_failed(&valid);
    buffer_free(&valid);
}

static void
put_text(const char *name, const char *text, struct buffer *out)
{
    if (text == NULL || text[0] == '\0')
        return;
    buffer_format(out, "\"%s\":", name);
    put_string(text, out);
    buffer_byte(out, ',');
}

static void
put_number(const char *name, uint64_t number, struct buffer *out)
{
    buffer_format(out, "\"%s\":", name);
    buffer_decimal(out, number);
    buffer_byte(out, ',');
}

/* Every object's last member is one that is always there, so that no comma is too many. */
static void
put_error(const struct problem_error *error, struct buffer *out)
{
    buffer_byte(out, '{');
    if (error->position != PROBLEM_NO_POSITION)
        put_number("position", error->position, out);
    if (error->line > 0)
        put_number("line", error->line, out);
    if (error->column > 0)
        put_number("column", error->column, out);
    put_text("pointer", error->pointer, out);
    buffer_text(out, "\"detail\":");
    put_string(error->detail, out);
    buffer_byte(out, '}');
}

void
problem_write_errors(const struct problem_error *errors, size_t count, struct buffer *out)
{
    buffer_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_byte(out, ',');
        put_error(&errors[i], out);
    }
    buffer_byte(out, ']');
}

void
problem_write(const struct problem *problem, struct buffer *out)
{
    buffer_text(out, "{\"type\":\"about:blank\",");
    put_text("title", title_of(problem->status), out);
    put_number("status", problem->status, out);
    put_text("request_id", problem->request_id, out);
    put_text("role", problem->role, out);
    put_text("command", problem->command, out);
    if (problem->error_count > 0) {
        buffer_text(out, "\"errors\":");
        problem_write_errors(problem->errors, problem->error_count, out);
        buffer_byte(out, ',');
    }
    buffer_text(out, "\"detail\":");
    put_string(problem->detail, out);
    buffer_text(out, "}\n");
}
