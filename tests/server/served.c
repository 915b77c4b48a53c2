#include "served.h"

#include "must.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Copies what stands behind `start`, to the end of its line. */
static bool
copy_line(const char *text, const char *start, char *out, size_t size)
{
    const char *at = strstr(text, start);
    if (at == NULL)
        return false;
    at += strlen(start);
    int length = (int)strcspn(at, "\n");
    return snprintf(out, size, "%.*s", length, at) < (int)size;
}

void
served_start(struct served *served, const char *const *settings)
{
    struct child_options options = {
        .data = served->folder,
        .settings = settings,
    };
    served->child = child_serve(&options);
    must(served->child != NULL, "the server does not start");
    served->port = child_port(served->child);
}

void
served_stop(struct served *served)
{
    struct buffer log = { 0 };
    child_output(served->child, &log);
    int end = child_stop(served->child, SIGTERM, CHILD_STOP_MS);
    served->child = NULL;
    if (end != 0) {
        (void)fprintf(stderr, "the server ended with %d; it wrote:\n%.*s\n", end,
                      BYTES_ARG(buffer_view(&log)));
        abort();
    }
    buffer_free(&log);
}

void
served_begin(struct served *served, const char *const *settings)
{
    *served = (struct served){ .folder = child_folder() };
    struct buffer out = { 0 };
    must(child_run((const char *const[]){ "init", served->folder, NULL }, &out) == 0, "init fails");
    buffer_byte(&out, 0);
    must(copy_line((const char *)out.data, "admin key: ", served->key, sizeof served->key),
         "init prints no key");
    buffer_free(&out);
    served_start(served, settings);
}

void
served_end(struct served *served)
{
    if (served->child != NULL)
        served_stop(served);
    child_remove(served->folder);
}

unsigned
served_ask(struct served *served, const struct http_request *request, struct buffer *out)
{
    struct http *http = http_connect(served->port);
    struct http_answer answer = { 0 };
    enum http_result result = http_ask(http, request, PATIENCE_MS, &answer);
    bool answered = result == HTTP_OK;
    if (!answered)
        (void)fprintf(stderr, "%s: no answer (%d) %s\n", request->target, (int)result,
                      http_why(http));
    if (answered && out != NULL)
        buffer_bytes(out, answer.body);
    http_close(http);
    return answered ? answer.status : 0;
}

/* The body of a good answer, ended with NUL; ends the process where there is none. */
static void
fetch(struct served *served, const char *target, struct buffer *out)
{
    struct http_request request = { .target = target, .key = served->key };
    unsigned status = served_ask(served, &request, out);
    if (status != 200) {
        struct buffer log = { 0 };
        child_output(served->child, &log);
        (void)fprintf(stderr, "%s: %u\n%.*s\nthe server wrote:\n%.*s\n", target, status,
                      BYTES_ARG(buffer_view(out)), BYTES_ARG(buffer_view(&log)));
        abort();
    }
    buffer_byte(out, 0);
}

uint64_t
served_size(struct served *served)
{
    struct buffer body = { 0 };
    fetch(served, "/api/trails/main", &body);
    const char *size = strstr((const char *)body.data, "\"size\":");
    must(size != NULL, "the trail has no size");
    uint64_t number = strtoull(size + 7, NULL, 10);
    buffer_free(&body);
    return number;
}

double
served_metric(struct served *served, const char *name)
{
    struct buffer body = { 0 };
    char line[128], value[64];
    fetch(served, "/metrics", &body);
    (void)snprintf(line, sizeof line, "\n%s ", name);
    bool found = copy_line((const char *)body.data, line, value, sizeof value);
    buffer_free(&body);
    return found ? strtod(value, NULL) : -1;
}

void
served_await(struct served *served, const char *name, double value)
{
    const struct timespec pause = { .tv_nsec = 10000000 };
    int64_t deadline = now_ms() + PATIENCE_MS;
    double now;
    while ((now = served_metric(served, name)) != value && now_ms() < deadline)
        (void)nanosleep(&pause, NULL);
    if (now != value) {
        (void)fprintf(stderr, "%s stays %g and does not become %g\n", name, now, value);
        abort();
    }
}

size_t
served_memory(const struct served *served)
{
    char path[64], text[128] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)child_pid(served->child));
    FILE *file = fopen(path, "re");
    must(file != NULL && fgets(text, sizeof text, file) != NULL, "no memory of the server");
    (void)fclose(file);
    unsigned long pages = 0;
    must(sscanf(text, "%*u %lu", &pages) == 1, "statm");
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}
