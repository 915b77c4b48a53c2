#include "out.h"

#include "csv.h"
#include "interruption.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
name_of(const struct out *out)
{
    return out->path == NULL ? "standard output" : out->path;
}

/* A fault is no business of whoever writes: they stop, and out_finish() says it. */
static tally_status
write_out(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    struct out *out = context;
    while (bytes.size > 0 && !out->closed) {
        ssize_t size = write(out->fd, bytes.data, bytes.size);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EPIPE) {
            out->closed = true;
            return TALLY_OK;
        }
        if (size < 0) {
            out->os = errno;
            out->closed = true;
            return TALLY_OK;
        }
        bytes = bytes_of(bytes.data + size, bytes.size - (size_t)size);
    }
    return TALLY_OK;
}

void
out_open(struct out *out)
{
    *out = (struct out){ .fd = STDOUT_FILENO };
    out->stream.write = write_out;
    out->stream.context = out;
}

/* Nothing, or a file. To rename onto /dev/stdout would take it away from everybody. */
static bool
is_replaceable(const char *path)
{
    struct stat about;
    return lstat(path, &about) < 0 || S_ISREG(about.st_mode);
}

int
out_open_file(struct out *out, const char *path)
{
    out_open(out);
    if (path == NULL || strcmp(path, "-") == 0)
        return DONE;

    bool replaced = is_replaceable(path);
    out->path = strdup(path);
    if (out->path == NULL || (replaced && asprintf(&out->part, "%s.part", path) < 0)) {
        free(out->path);
        return fail(UNABLE, "out of memory");
    }
    const char *name = replaced ? out->part : path;
    if (replaced)
        interruption_remove(name);
    out->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out->fd >= 0)
        return DONE;

    int outcome = fail(UNABLE, "%s: %s", path, strerror(errno));
    interruption_keep();
    free(out->part);
    free(out->path);
    return outcome;
}

bool
out_closed(const struct out *out)
{
    return out->closed;
}

/* Puts a whole file in its place. */
static int
settle_file(const struct out *out)
{
    if (fsync(out->fd) < 0 && errno != EINVAL && errno != EROFS)
        return fail(UNABLE, "%s: %s", out->path, strerror(errno));
    if (rename(out->part, out->path) < 0)
        return fail(UNABLE, "cannot rename %s to %s: %s", out->part, out->path, strerror(errno));
    return DONE;
}

int
out_finish(struct out *out, int outcome)
{
    struct tally_error error;
    if (outcome == DONE && stream_flush(&out->stream, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    stream_finish(&out->stream);
    if (outcome == DONE && out->os != 0)
        outcome = fail(UNABLE, "%s: %s", name_of(out), strerror(out->os));
    if (out->path == NULL)
        return outcome;

    if (outcome == DONE && out->part != NULL)
        outcome = settle_file(out);
    if (outcome != DONE && out->part != NULL)
        (void)unlink(out->part);
    interruption_keep();
    (void)close(out->fd);
    free(out->part);
    free(out->path);
    return outcome;
}

void
out_looks(const struct out *out, struct listing_style *style_out)
{
    bool terminal = isatty(out->fd) == 1;
    *style_out = (struct listing_style){
        .width = terminal_width(out->fd),
        .colour = terminal && terminal_has_colour(),
        .csv_ways = CSV_GUARD | (terminal ? CSV_SHOW : 0),
    };
}

int
out_style(const struct invocation *invocation, const struct out *out,
          enum listing_format *format_out, struct listing_style *style_out)
{
    const char *name = option_value(invocation, "format");
    enum listing_format format = LISTING_TABLE;
    if (name != NULL && !listing_format_find(name, &format))
        return fail(MISUSED, "--format takes table, json, ndjson or csv, not \"%s\"", name);

    *format_out = format;
    out_looks(out, style_out);
    return DONE;
}

int
out_listing(const struct invocation *invocation, struct out *out,
            const struct listing_column *columns, size_t count, struct listing **listing_out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, &format, &style);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    if (listing_create(format, &style, columns, count, &out->stream, listing_out, &error) !=
        TALLY_OK)
        return fail_with(&error, NULL);
    return DONE;
}
