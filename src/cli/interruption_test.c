#include "interruption.h"

#include "scratch.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch[PATH_MAX], file[PATH_MAX + 8], first[PATH_MAX + 8];

static int
begin(void **state)
{
    (void)state;
    if (scratch_make(NULL, "interruption-test", scratch, sizeof scratch) != DONE)
        return -1;
    (void)snprintf(file, sizeof file, "%s/file", scratch);
    (void)snprintf(first, sizeof first, "%s/first", scratch);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    scratch_remove(scratch);
    return 0;
}

static void
begin_file(const char *path)
{
    interruption_remove(path);
    (void)fclose(fopen(path, "w"));
}

/* ---- what a child does ---- */

static void
is_interrupted(int signal)
{
    begin_file(file);
    (void)raise(signal);
}

static void
is_done_before(int signal)
{
    begin_file(file);
    interruption_keep();
    (void)raise(signal);
}

static void
is_interrupted_at_the_second(int signal)
{
    begin_file(first);
    interruption_keep();
    is_interrupted(signal);
}

static void
ignores_it(int number)
{
    (void)signal(number, SIG_IGN);
    is_interrupted(number);
}

/* ---- and what becomes of it ---- */

/* How a child ends that does so; -SIGNAL, or its exit status. */
static int
end_of(void (*act)(int), int signal)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        act(signal);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static bool
is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void
a_beginning_goes_when_the_program_does(void **state)
{
    (void)state;
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_true(signal(signals[i], SIG_DFL) != SIG_ERR); /* nohup ignores one */
        assert_true(interruption_is(signals[i]));
        assert_int_equal(end_of(is_interrupted, signals[i]), -signals[i]);
        assert_false(is_there(file));
        assert_int_equal(end_of(is_interrupted_at_the_second, signals[i]), -signals[i]);
        assert_false(is_there(file));
        assert_true(is_there(first));
        assert_int_equal(end_of(is_done_before, signals[i]), -signals[i]);
        assert_true(is_there(file));
        assert_int_equal(end_of(ignores_it, signals[i]), 0);
        assert_true(is_there(file));
    }
    assert_false(interruption_is(SIGKILL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_beginning_goes_when_the_program_does, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
