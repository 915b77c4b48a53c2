#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a child without standard descriptors: 0 where all is well, else what was not. */
static int
standard_ones_stay_free(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)close(fd);
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (first != STDIN_FILENO)
        return 1;
    int beyond = descriptors_beyond_standard(first);
    if (beyond <= STDERR_FILENO || fcntl(beyond, F_GETFD) != FD_CLOEXEC)
        return 2;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return 3;
    if (descriptors_beyond_standard(beyond) != beyond)
        return 4;

    /* There is no other number. */
    const struct rlimit three = { 3, 3 };
    first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setrlimit(RLIMIT_NOFILE, &three) != 0)
        return 5;
    errno = 0;
    if (descriptors_beyond_standard(first) != -1 || errno == 0)
        return 6;
    return fcntl(first, F_GETFD) < 0 ? 0 : 7;
}

static void
a_file_has_no_standard_number(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(standard_ones_stay_free());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void
what_failed_has_failed(void **state)
{
    (void)state;
    errno = ENOENT;
    assert_int_equal(descriptors_beyond_standard(-1), -1);
    assert_int_equal(errno, ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_no_standard_number),
        cmocka_unit_test(what_failed_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
