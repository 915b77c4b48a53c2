/*
 * tally serve - a data folder as a service, until it is told to end.
 */
#include "command.h"
#include "establish.h"
#include "listener.h"
#include "out.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_STANDARD "tally-data"

/* Where the first key goes when nobody sits at a terminal to read it. */
#define FIRST_RUN_NAME "first-run"

static const struct command_option options[] = {
    { "data", "DIR", "the data folder (default: ./" FOLDER_STANDARD "); a new one is made" },
    { "listen", "ADDRESS:PORT",
      "where to listen (default: 127.0.0.1:7878; port 0: any free one), or none" },
    { "socket", "PATH", "a unix socket to listen at, too" },
    { "insecure-http", NULL, "plain HTTP beyond loopback: only where something else encrypts" },
    { "check", NULL, "say what is wrong with the settings, and end" },
    { NULL, NULL, NULL },
};

/* ---- a fresh folder ---- */

static int
write_first_run(const char *folder, const char *key, const char *vkey)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" FIRST_RUN_NAME, folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(UNABLE, "cannot write %s: %s", path, strerror(errno));
    bool written = dprintf(fd, "admin key: %s\nvkey: %s\n", key, vkey) > 0 && fsync(fd) == 0;
    if (close(fd) < 0 || !written)
        return fail(UNABLE, "cannot write %s: %s", path, strerror(errno));
    say("its admin key is in %s: move it to where keys are kept", path);
    return DONE;
}

/* The admin key is seen once: at the terminal, or in a file that only its owner reads. */
static int
hand_out_key(const char *folder, const char *key, const struct tally_vkey *vkey)
{
    char text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, text);
    if (isatty(STDERR_FILENO) != 1)
        return write_first_run(folder, key, text);
    say("its admin key is shown this once:");
    (void)fprintf(stderr, "admin key: %s\nvkey: %s\n", key, text);
    return DONE;
}

static bool
is_missing(const char *folder)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/trails", folder);
    return access(path, F_OK) < 0 && errno == ENOENT;
}

/* With the whole path: a slip in it, or another working folder than was meant, makes one, too. */
static void
say_made(const char *folder)
{
    char *path = realpath(folder, NULL);
    say("there was no data folder %s: a new one was made", path == NULL ? folder : path);
    free(path);
}

static int
make_folder(const char *folder)
{
    const struct trail_config config = { 0 };
    struct new_key key;
    struct tally_vkey vkey;
    struct tally_error error = { 0 };
    tally_status status = establish(folder, &config, &key, &vkey, &error);
    if (status == TALLY_CONFLICT)
        return fail(UNABLE, "%s is no data folder, and not empty: name another one", folder);
    if (status != TALLY_OK)
        return (void)fail_with(&error, NULL), UNABLE;
    say_made(folder);
    int outcome = hand_out_key(folder, key.text, &vkey);
    sodium_memzero(&key, sizeof key);
    return outcome;
}

/* ---- settings ---- */

static void
say_problem(void *context, const struct tally_error *problem)
{
    unsigned *count = context;
    (*count)++;
    (void)fail_with(problem, NULL);
}

static int
check_settings(const char *folder)
{
    unsigned count = 0;
    struct tally_error error = { 0 };
    if (access(folder, F_OK) < 0)
        return fail(UNABLE, "no data folder at %s: `tally serve` without --check makes it", folder);
    if (settings_check(folder, say_problem, &count, &error) != TALLY_OK)
        return (void)fail_with(&error, NULL), UNABLE;
    if (count > 0)
        return MISUSED;
    struct out out;
    out_open(&out);
    buffer_format(&out.stream.buffer, "the settings of %s are good\n", folder);
    return out_finish(&out, DONE);
}

static int
read_settings(const struct invocation *invocation, const char *folder, struct settings *settings)
{
    struct tally_error error = { 0 };
    settings_init(settings);
    if (settings_read(folder, settings, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    const char *listen = option_value(invocation, "listen");
    if (listen != NULL && snprintf(settings->listen, sizeof settings->listen, "%s", listen) >=
                              (int)sizeof settings->listen)
        return fail(MISUSED, "--listen takes ADDRESS:PORT");
    const char *socket = option_value(invocation, "socket");
    if (socket != NULL && snprintf(settings->socket, sizeof settings->socket, "%s", socket) >=
                              (int)sizeof settings->socket)
        return fail(MISUSED, "--socket takes a path of at most %d bytes, and %s has %zu",
                    SETTINGS_SOCKET_MAX, socket, strlen(socket));
    if (option_given(invocation, "insecure-http"))
        settings->insecure_http = true;
    return DONE;
}

static bool
is_within(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/')
        size--;
    return strncmp(path, folder, size) == 0 && path[size] == '/';
}

/* What cannot be listened at is refused before there is a folder. A socket in the folder has to wait
 * until it is there. */
static int
check_before(const char *folder, const struct settings *settings)
{
    struct settings tried = *settings;
    if (is_within(tried.socket, folder)) {
        if (strcmp(tried.listen, SETTINGS_LISTEN_NONE) == 0)
            return DONE;
        tried.socket[0] = '\0';
    }
    struct tally_error error = { 0 };
    return listener_try(&tried, &error) == TALLY_OK ? DONE : fail_with(&error, NULL);
}

/* ---- the command ---- */

static void
say_ready(void *context, const char *url)
{
    (void)context;
    (void)printf("listening on %s\n", url);
    (void)fflush(stdout);
}

static int
run(const struct invocation *invocation)
{
    int outcome = operands_expect(invocation, NULL, 0);
    if (outcome != DONE)
        return outcome;
    const char *folder = option_value(invocation, "data");
    if (folder == NULL)
        folder = FOLDER_STANDARD;
    if (option_given(invocation, "check"))
        return check_settings(folder);
    struct server_options server_options = { .path = folder, .ready = say_ready };
    outcome = read_settings(invocation, folder, &server_options.settings);
    if (outcome == DONE && is_missing(folder)) {
        outcome = check_before(folder, &server_options.settings);
        if (outcome == DONE)
            outcome = make_folder(folder);
    }
    if (outcome != DONE)
        return outcome;

    struct tally_error error = { 0 };
    if (server_run(&server_options, &error) == TALLY_OK)
        return DONE;
    return fail_with(&error, NULL);
}

const struct command command_serve = {
    .name = "serve",
    .operands = "[OPTION…]",
    .summary = "serve a data folder over HTTP",
    .text = "Prints a line `listening on http://ADDRESS:PORT` when it is ready, and `listening on "
            "unix:PATH` for a unix socket. A folder that does not exist is made; its admin key is "
            "shown "
            "at the terminal or, without one, written to the file " FIRST_RUN_NAME
            " in it. SIGHUP reads "
            "the log's settings, rates, timeouts and certificate anew; SIGTERM answers what was "
            "accepted, "
            "signs and ends.",
    .options = options,
    .run = run,
};
