#include "notify.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int manager;

/* The service manager's end: a socket that the variable names. */
static int
begin(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char folder[] = P_tmpdir "/tally-notify.XXXXXX";
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (manager < 0 || bind(manager, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    (void)setenv("NOTIFY_SOCKET", address.sun_path, 1);
    (void)unsetenv("WATCHDOG_USEC"); /* of whoever runs the test */
    (void)unsetenv("WATCHDOG_PID");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s", getenv("NOTIFY_SOCKET"));
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)close(manager);
    (void)unlink(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

/* The oldest message not looked at yet; "" where there is none. */
static const char *
heard(void)
{
    static char message[256];
    ssize_t size = recv(manager, message, sizeof message - 1, 0);
    message[size < 0 ? 0 : size] = '\0';
    return message;
}

static void
states_are_told(void **state)
{
    (void)state;
    notify_ready();
    assert_string_equal(heard(), "READY=1");
    notify_stopping();
    assert_string_equal(heard(), "STOPPING=1");
    int64_t before = clock_monotonic() / 1000;
    notify_reloading();
    static const char reloading[] = "RELOADING=1\nMONOTONIC_USEC=";
    const char *message = heard();
    assert_memory_equal(message, reloading, sizeof reloading - 1);
    int64_t time = strtoll(message + sizeof reloading - 1, NULL, 10);
    assert_true(time >= before && time <= clock_monotonic() / 1000);
    assert_string_equal(heard(), "");
}

static void
the_watchdog_hears_as_often_as_it_wants(void **state)
{
    (void)state;
    notify_alive(); /* there is none */
    assert_string_equal(heard(), "");
    (void)setenv("WATCHDOG_USEC", "1", 1);
    notify_alive();
    int64_t told = clock_monotonic() / 1000;
    assert_string_equal(heard(), "WATCHDOG=1");
    (void)setenv("WATCHDOG_USEC", "3600000000", 1);
    notify_alive(); /* a third of an hour has not passed */
    assert_string_equal(heard(), "");
    (void)setenv("WATCHDOG_USEC", "3", 1);
    while (clock_monotonic() / 1000 < told + 1)
        continue;
    notify_alive(); /* a third of three microseconds has */
    assert_string_equal(heard(), "WATCHDOG=1");
}

static void
without_a_manager_nothing_happens(void **state)
{
    (void)state;
    notify_ready();
    notify_reloading();
    notify_stopping();
    notify_alive();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(states_are_told, begin, end),
        cmocka_unit_test_setup_teardown(the_watchdog_hears_as_often_as_it_wants, begin, end),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
