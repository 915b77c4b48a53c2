#include "notify.h"

#include "clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

/* Sends until the manager's queue has no room; each time from another socket, which has room for
 * few. */
static void
fill_queue(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", getenv("NOTIFY_SOCKET"));
    ssize_t sent;
    do {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        sent = sendto(fd, "full", 4, 0, (struct sockaddr *)&address, sizeof address);
        assert_true(sent == 4 || errno == EAGAIN);
        (void)close(fd);
    } while (sent == 4);
}

/* Hears what fill_queue() sent. */
static void
hear_queue(void)
{
    for (;;) {
        char message[8];
        if (recv(manager, message, sizeof message, MSG_PEEK) != 4)
            return;
        assert_string_equal(heard(), "full");
    }
}

static void
a_manager_that_does_not_listen_hears_it_later(void **state)
{
    (void)state;
    fill_queue();
    (void)setenv("WATCHDOG_USEC", "1", 1);
    notify_ready();
    notify_alive();
    hear_queue();
    assert_string_equal(heard(), "");
    notify_alive();
    assert_string_equal(heard(), "READY=1");
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_string_equal(heard(), "");
    (void)unsetenv("WATCHDOG_USEC");

    /* Of two reloads the second. */
    fill_queue();
    notify_reloading();
    notify_ready();
    int64_t second = clock_monotonic() / 1000;
    notify_reloading();
    notify_ready();
    hear_queue();
    notify_alive();
    const char *time = strchr(heard(), '\n');
    assert_non_null(time);
    assert_true(strtoll(time + sizeof "\nMONOTONIC_USEC=" - 1, NULL, 10) >= second);
    assert_string_equal(heard(), "READY=1");

    /* Who stops is not ready any more. */
    fill_queue();
    notify_reloading();
    notify_ready();
    notify_stopping();
    hear_queue();
    notify_alive();
    assert_string_equal(heard(), "STOPPING=1");
    assert_string_equal(heard(), "");
}

static void
a_manager_may_have_a_name_in_no_folder(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[64];
    int size = snprintf(name, sizeof name, "@tally-notify-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)size - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager >= 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)size)),
                     0);
    (void)setenv("NOTIFY_SOCKET", name, 1);
    notify_ready();
    assert_string_equal(heard(), "READY=1");
    (void)close(manager);
    notify_stopping(); /* nobody listens any more */
    (void)unsetenv("NOTIFY_SOCKET");
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
        cmocka_unit_test_setup_teardown(a_manager_that_does_not_listen_hears_it_later, begin, end),
        cmocka_unit_test(a_manager_may_have_a_name_in_no_folder),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
