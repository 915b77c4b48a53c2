#include "connections.h"

#include "clock.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct request {
    unsigned expired;
};

static void
count_expiry(struct request *request)
{
    request->expired++;
}

/* A connection over one end of a pair; the other end sees when it is shut down. */
struct line {
    int far;
    struct connection *connection;
};

static void
open_line(struct connections *connections, struct line *line)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &address.sin_addr), 1);
    line->far = fds[1];
    line->connection = connection_open(connections, fds[0], &address);
    assert_non_null(line->connection);
}

static void
close_line(struct connections *connections, struct line *line)
{
    int fd = line->connection->fd;
    connection_close(connections, line->connection);
    (void)close(fd);
    (void)close(line->far);
}

static bool
is_cut(const struct line *line)
{
    char byte;
    return recv(line->far, &byte, 1, MSG_DONTWAIT) == 0;
}

/* What it is doing it has been doing for two hours. */
static void
age(struct line *line)
{
    line->connection->since -= 7200 * CLOCK_SECOND;
}

/* Its deadline, which must be one, has come. */
static void
run_late(struct line *line)
{
    assert_true(line->connection->deadline > clock_monotonic());
    line->connection->deadline = clock_monotonic();
}

static void
addresses_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        const char *text;
        bool loopback;
    } cases[] = {
        { "::1", "::1", true },
        { "::ffff:127.0.0.1", "127.0.0.1", true }, /* IPv4 on an IPv6 socket counts as itself */
        { "::ffff:192.0.2.1", "192.0.2.1", false },
        { "2001:db8::1", "2001:db8::1", false },
    };
    struct connections connections;
    connections_init(&connections);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
        assert_int_equal(inet_pton(AF_INET6, cases[i].address, &address.sin6_addr), 1);
        struct connection *connection = connection_open(&connections, -1, &address);
        assert_string_equal(connection->address, cases[i].text);
        assert_int_equal(connection->loopback, cases[i].loopback);
        connection_close(&connections, connection);
    }
    connections_finish(&connections);
}

/* Of a client at a unix socket the kernel knows whose process it is. */
static void
a_user_in_place_of_an_address(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct connections connections;
    connections_init(&connections);
    const struct sockaddr address = { .sa_family = AF_UNIX };
    struct connection *connection = connection_open(&connections, ends[0], &address);
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "unix:%u", (unsigned)getuid());
    assert_string_equal(connection->address, wanted);
    assert_true(connection->local && connection->loopback);
    connection_close(&connections, connection);
    connections_finish(&connections);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
ended_when_idle_or_reading_for_too_long(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    connections.idle_max = 3600 * CLOCK_SECOND;
    connections.reading_max = 10800 * CLOCK_SECOND;
    struct line idle, fresh, reading, busy;
    open_line(&connections, &idle);
    open_line(&connections, &fresh);
    open_line(&connections, &reading);
    open_line(&connections, &busy);
    connection_enter(&connections, reading.connection, CONNECTION_READING);
    connection_enter(&connections, busy.connection, CONNECTION_BUSY);
    connections_sweep(&connections);
    assert_false(is_cut(&idle));
    age(&idle);
    age(&reading);
    age(&busy);
    connections_sweep(&connections);
    assert_true(is_cut(&idle));
    assert_false(is_cut(&fresh));
    assert_false(is_cut(&reading));
    connections.reading_max = 3600 * CLOCK_SECOND;
    connections_sweep(&connections);
    assert_true(is_cut(&reading));
    assert_false(is_cut(&busy)); /* what takes long is its own deadline's matter */
    close_line(&connections, &idle);
    close_line(&connections, &fresh);
    close_line(&connections, &reading);
    close_line(&connections, &busy);
    assert_int_equal(connections.count, 0);
    assert_int_equal(connections.busy, 0);
    connections_finish(&connections);
}

static void
ended_when_the_client_is_gone_within_a_request(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    connections.idle_max = connections.reading_max = 3600 * CLOCK_SECOND;
    struct line gone, pending, there;
    open_line(&connections, &gone);
    open_line(&connections, &pending);
    open_line(&connections, &there);
    connection_enter(&connections, gone.connection, CONNECTION_READING);
    connection_enter(&connections, pending.connection, CONNECTION_READING);
    connection_enter(&connections, there.connection, CONNECTION_READING);
    assert_int_equal(shutdown(gone.far, SHUT_WR), 0);
    assert_int_equal(send(pending.far, "x", 1, 0), 1); /* which is yet to be read */
    assert_int_equal(shutdown(pending.far, SHUT_WR), 0);
    connections_sweep(&connections);
    assert_true(is_cut(&gone));
    assert_false(is_cut(&pending));
    assert_false(is_cut(&there));
    close_line(&connections, &gone);
    close_line(&connections, &pending);
    close_line(&connections, &there);
    connections_finish(&connections);
}

static void
late_requests_are_told_once(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    connections.idle_max = connections.reading_max = 3600 * CLOCK_SECOND;
    struct line line;
    struct request request = { 0 };
    open_line(&connections, &line);
    line.connection->request = &request;
    connection_enter(&connections, line.connection, CONNECTION_BUSY);
    connection_expect(&connections, line.connection, 3600 * CLOCK_SECOND, count_expiry);
    connections_sweep(&connections);
    assert_int_equal(request.expired, 0);
    run_late(&line);
    connections_sweep(&connections);
    connections_sweep(&connections);
    assert_int_equal(request.expired, 1);

    /* One that was answered in time is not told. */
    connection_expect(&connections, line.connection, 1, count_expiry);
    connection_enter(&connections, line.connection, CONNECTION_SENDING);
    while (clock_monotonic() <= line.connection->since)
        continue;
    connections_sweep(&connections);
    assert_int_equal(request.expired, 1);
    close_line(&connections, &line);
    connections_finish(&connections);
}

static void
idle_ones_are_given_up_where_memory_is_short(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    struct line idle, fresh, reading;
    open_line(&connections, &idle);
    open_line(&connections, &fresh);
    open_line(&connections, &reading);
    connection_enter(&connections, reading.connection, CONNECTION_READING);
    age(&idle);
    age(&reading);
    fresh.connection->since += 3600 * CLOCK_SECOND; /* so that it stays fresh on any machine */
    connections_relieve(&connections);
    assert_true(is_cut(&idle));
    assert_false(is_cut(&fresh));
    assert_false(is_cut(&reading));
    close_line(&connections, &idle);
    close_line(&connections, &fresh);
    close_line(&connections, &reading);
    connections_finish(&connections);
}

static void
draining_waits_for_what_is_worked_on(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    struct line idle, busy;
    open_line(&connections, &idle);
    open_line(&connections, &busy);
    connection_enter(&connections, busy.connection, CONNECTION_BUSY);
    assert_false(connections_drain(&connections, 0));
    assert_true(is_cut(&idle));
    assert_false(is_cut(&busy));
    connection_enter(&connections, busy.connection, CONNECTION_IDLE);
    assert_true(connections_drain(&connections, 0));
    assert_true(is_cut(&busy));
    close_line(&connections, &idle);
    close_line(&connections, &busy);
    connections_finish(&connections);
}

static void
nothing_begins_while_draining(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    struct line line;
    open_line(&connections, &line);
    assert_true(connection_begin_work(&connections, line.connection));
    assert_int_equal(line.connection->phase, CONNECTION_BUSY);
    connection_enter(&connections, line.connection, CONNECTION_READING);
    assert_true(connections_drain(&connections, 0));
    assert_false(connection_begin_work(&connections, line.connection));
    assert_int_equal(line.connection->phase, CONNECTION_READING);
    assert_int_equal(connections.busy, 0);
    close_line(&connections, &line);
    connections_finish(&connections);
}

static void
what_is_left_is_told_and_cut(void **state)
{
    (void)state;
    struct connections connections;
    connections_init(&connections);
    struct line busy, sending, streaming;
    struct request requests[2] = { { 0 } };
    open_line(&connections, &busy);
    open_line(&connections, &sending);
    open_line(&connections, &streaming);
    busy.connection->request = &requests[0];
    streaming.connection->request = &requests[1];
    connection_enter(&connections, busy.connection, CONNECTION_BUSY);
    connection_expect(&connections, busy.connection, 3600 * CLOCK_SECOND, count_expiry);
    connection_enter(&connections, sending.connection, CONNECTION_SENDING);
    connection_enter(&connections, streaming.connection, CONNECTION_SENDING);
    connection_expect(&connections, streaming.connection, CONNECTION_PATIENT, count_expiry);
    connections_sweep(&connections);
    assert_int_equal(requests[1].expired, 0);

    connections_cut(&connections);
    connections_cut(&connections);
    assert_int_equal(requests[0].expired, 1);
    assert_int_equal(requests[1].expired, 1);
    assert_false(is_cut(&busy)); /* its answer is yet to come */
    assert_true(is_cut(&sending));
    assert_true(is_cut(&streaming));
    close_line(&connections, &busy);
    close_line(&connections, &sending);
    close_line(&connections, &streaming);
    connections_finish(&connections);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_as_text),
        cmocka_unit_test(a_user_in_place_of_an_address),
        cmocka_unit_test(ended_when_idle_or_reading_for_too_long),
        cmocka_unit_test(ended_when_the_client_is_gone_within_a_request),
        cmocka_unit_test(late_requests_are_told_once),
        cmocka_unit_test(idle_ones_are_given_up_where_memory_is_short),
        cmocka_unit_test(draining_waits_for_what_is_worked_on),
        cmocka_unit_test(nothing_begins_while_draining),
        cmocka_unit_test(what_is_left_is_told_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
