/*
 * child.c - see child.h.
 *
 * A child writes to a file in memory: nobody has to read along for it to go on, and nothing is lost
 * when it is killed.
 */
#include "child.h"

#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_TIMEOUT_MS 240000
#define POLL_MS        2
#define ARGUMENTS_MAX  64
#define READY_LINE     "listening on http" /* … or https */

struct child {
    pid_t pid;
    int output;
    uint16_t port;
    bool ended;
    int end; /* as waitpid() says it */
};

static void
pause_shortly(void)
{
    (void)nanosleep(&(struct timespec){ 0, POLL_MS * 1000000L }, NULL);
}

/* In the child, between fork() and exec. */
__attribute__((noreturn)) static void
become(const char *program, char *const *arguments, const char *const *settings, int output,
       pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    int nothing = open("/dev/null", O_RDONLY);
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    for (; settings != NULL && *settings != NULL; settings++)
        (void)putenv((char *)*settings);
    (void)execv(program, arguments);
    perror(program);
    _exit(127);
}

static struct child *
start(const char *const *arguments, const char *const *settings)
{
    const char *program = getenv("TALLY");
    if (program == NULL) {
        (void)fputs("TALLY does not name the program under test\n", stderr);
        abort();
    }
    char *all[ARGUMENTS_MAX + 2] = { (char *)program };
    size_t count = 1;
    for (; *arguments != NULL; arguments++) {
        must(count <= ARGUMENTS_MAX, "too many arguments");
        all[count++] = (char *)*arguments;
    }

    struct child *child = calloc(1, sizeof *child);
    must(child != NULL, "calloc");
    child->output = memfd_create("output", MFD_CLOEXEC);
    must(child->output >= 0, "memfd_create");
    /* Both ends share its place: what is written is appended. */
    pid_t parent = getpid();
    child->pid = fork();
    must(child->pid >= 0, "fork");
    if (child->pid == 0)
        become(program, all, settings, child->output, parent);
    return child;
}

/* Whether it has ended; reaps it then. */
static bool
has_ended(struct child *child)
{
    if (!child->ended) {
        pid_t got = waitpid(child->pid, &child->end, WNOHANG);
        must(got >= 0 || errno == EINTR, "waitpid");
        child->ended = got == child->pid;
    }
    return child->ended;
}

void
child_output(struct child *child, struct buffer *out)
{
    off_t at = 0;
    for (;;) {
        uint8_t *to = buffer_reserve(out, 65536);
        must(to != NULL, "realloc");
        ssize_t got = pread(child->output, to, 65536, at);
        must(got >= 0, "pread");
        if (got == 0)
            return;
        out->size += (size_t)got;
        at += got;
    }
}

/* The rest of the first whole line that begins so, or NULL. */
static char *
find_line(struct child *child, const char *start)
{
    struct buffer text = { 0 };
    child_output(child, &text);
    buffer_byte(&text, 0);
    char *found = NULL;
    for (const char *line = (const char *)text.data, *end; found == NULL; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL)
            break;
        if (strncmp(line, start, strlen(start)) == 0)
            found = strndup(line + strlen(start), (size_t)(end - line) - strlen(start));
    }
    buffer_free(&text);
    return found;
}

char *
child_wait_line(struct child *child, const char *start, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        /* Asked before the last look, so that nothing is missed. */
        bool last = has_ended(child) || now_ms() >= deadline;
        char *line = find_line(child, start);
        if (line != NULL || last)
            return line;
        pause_shortly();
    }
}

int
child_stop(struct child *child, int signal, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    bool stuck = false;
    if (!has_ended(child) && signal != 0)
        (void)kill(child->pid, signal);
    while (!has_ended(child)) {
        if (!stuck && now_ms() >= deadline) {
            stuck = true;
            (void)kill(child->pid, SIGKILL);
        }
        pause_shortly();
    }
    int end = WIFSIGNALED(child->end) ? -WTERMSIG(child->end) : WEXITSTATUS(child->end);
    (void)close(child->output);
    free(child);
    return stuck ? CHILD_STUCK : end;
}

int
child_run(const char *const *arguments, struct buffer *out)
{
    struct child *child = start(arguments, NULL);
    int64_t deadline = now_ms() + RUN_TIMEOUT_MS;
    while (!has_ended(child) && now_ms() < deadline)
        pause_shortly();
    if (out != NULL)
        child_output(child, out);
    return child_stop(child, 0, 0);
}

/* Tells what a server wrote that did not come up. */
static void
show(struct child *child)
{
    struct buffer text = { 0 };
    child_output(child, &text);
    (void)fprintf(stderr, "the server is not ready; it wrote:\n%.*s\n",
                  BYTES_ARG(buffer_view(&text)));
    buffer_free(&text);
}

struct child *
child_serve(const struct child_options *options)
{
    const char *arguments[ARGUMENTS_MAX + 1] = {
        "serve", "--data", options->data, "--listen", "127.0.0.1:0",
    };
    size_t count = 5;
    for (const char *const *more = options->arguments; more != NULL && *more != NULL; more++) {
        must(count < ARGUMENTS_MAX, "too many arguments");
        arguments[count++] = *more;
    }

    struct child *child = start(arguments, options->settings);
    char *where = child_wait_line(child, READY_LINE,
                                  options->timeout_ms > 0 ? options->timeout_ms : PATIENCE_MS);
    if (where == NULL) {
        show(child);
        (void)child_stop(child, SIGKILL, 0);
        return NULL;
    }
    child->port = (uint16_t)strtoul(strrchr(where, ':') + 1, NULL, 10);
    free(where);
    return child;
}

uint16_t
child_port(const struct child *child)
{
    return child->port;
}

pid_t
child_pid(const struct child *child)
{
    return child->pid;
}

char *
child_folder(void)
{
    const char *place = getenv("TMPDIR");
    char *path = NULL;
    must(asprintf(&path, "%s/tally-test-XXXXXX", place == NULL ? P_tmpdir : place) > 0, "asprintf");
    must(mkdtemp(path) != NULL, "mkdtemp");
    return path;
}

static int
remove_one(const char *path, const struct stat *stat_, int kind, struct FTW *place)
{
    (void)stat_;
    (void)kind;
    (void)place;
    return remove(path);
}

void
child_remove(char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}
