/*
 * child_test.c - children that are shell scripts instead of the program.
 */
#include "child.h"

#include "must.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;
static char program[256];

static int
begin(void **state)
{
    (void)state;
    folder = child_folder();
    (void)snprintf(program, sizeof program, "%s/program", folder);
    return setenv("TALLY", program, 1);
}

static int
end(void **state)
{
    (void)state;
    child_remove(folder);
    return 0;
}

/* Makes the program: a script. */
static void
program_does(const char *script)
{
    FILE *file = fopen(program, "we");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", script);
    (void)fclose(file);
    assert_int_equal(chmod(program, 0700), 0);
}

static void
a_server_is_started_and_stopped(void **state)
{
    (void)state;
    program_does("trap 'echo stopping >&2; exit 3' TERM\n"
                 "echo \"asked: $*; $A\"\n"
                 "echo 'admin key: k1' >&2\n"
                 "echo 'listening on http://127.0.0.1:4711'\n"
                 "echo 'a line that has no end yet' | tr -d '\\n'\n"
                 "while :; do sleep 0.01; done");
    struct child_options options = {
        .data = "/some/where",
        .arguments = (const char *const[]){ "--more", NULL },
        .settings = (const char *const[]){ "A=b", NULL },
    };
    struct child *child = child_serve(&options);
    assert_non_null(child);
    assert_int_equal(child_port(child), 4711);
    char *line = child_wait_line(child, "asked: ", 0);
    assert_string_equal(line, "serve --data /some/where --listen 127.0.0.1:0 --more; b");
    free(line);
    line = child_wait_line(child, "admin key: ", 0);
    assert_string_equal(line, "k1");
    free(line);
    assert_null(child_wait_line(child, "a line", 20));
    assert_null(child_wait_line(child, "key", 20));
    assert_int_equal(kill(child_pid(child), 0), 0);
    assert_int_equal(child_stop(child, SIGTERM, PATIENCE_MS), 3);
}

static void
a_server_with_tls_is_ready_too(void **state)
{
    (void)state;
    struct child_options options = { .data = "x" };
    program_does("echo 'listening on https://127.0.0.1:4712'; exec sleep 60");
    struct child *child = child_serve(&options);
    assert_non_null(child);
    assert_int_equal(child_port(child), 4712);
    assert_int_equal(child_stop(child, SIGTERM, PATIENCE_MS), -SIGTERM);
}

static void
ends_are_told_apart(void **state)
{
    (void)state;
    static const char ready[] = "echo 'listening on http://127.0.0.1:1'\n";
    struct child_options options = { .data = "x" };
    char script[256];

    (void)snprintf(script, sizeof script, "%sexec sleep 60", ready);
    program_does(script);
    assert_int_equal(child_stop(child_serve(&options), SIGTERM, PATIENCE_MS), -SIGTERM);
    assert_int_equal(child_stop(child_serve(&options), SIGKILL, PATIENCE_MS), -SIGKILL);
    assert_int_equal(child_stop(child_serve(&options), 0, 50), CHILD_STUCK);

    (void)snprintf(script, sizeof script, "%sexit 7", ready);
    program_does(script);
    assert_int_equal(child_stop(child_serve(&options), 0, PATIENCE_MS), 7);
}

static void
one_that_does_not_come_up_is_none(void **state)
{
    (void)state;
    struct child_options options = { .data = "x", .timeout_ms = 50 };
    program_does("echo 'this is for the test'; exit 3");
    assert_null(child_serve(&options));
    program_does("exec sleep 60");
    assert_null(child_serve(&options));
    program_does("echo 'not listening on http://127.0.0.1:1'; exec sleep 60");
    assert_null(child_serve(&options));
}

static void
a_command_runs_to_its_end(void **state)
{
    (void)state;
    program_does("echo \"$1\"; echo more >&2; yes | head -c 1000000; exit 4");
    struct buffer out = { 0 };
    assert_int_equal(child_run((const char *const[]){ "init", NULL }, &out), 4);
    assert_int_equal(out.size, 1000000 + 10);
    assert_memory_equal(out.data, "init\nmore\ny\n", 12);
    buffer_free(&out);
    assert_int_equal(child_run((const char *const[]){ NULL }, NULL), 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_is_started_and_stopped, begin, end),
        cmocka_unit_test_setup_teardown(a_server_with_tls_is_ready_too, begin, end),
        cmocka_unit_test_setup_teardown(ends_are_told_apart, begin, end),
        cmocka_unit_test_setup_teardown(one_that_does_not_come_up_is_none, begin, end),
        cmocka_unit_test_setup_teardown(a_command_runs_to_its_end, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
