/*
 * burst_test.c - many clients ask at the very same moment, and then wait: all of them are answered,
 * though nothing else happens that might wake the server.
 *
 * A stopped server finds all that came meanwhile at once when it goes on.
 */
#include "must.h"
#include "served.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#define CLIENTS_MAX 256

static struct served served;

/* All connections are one thread's. */
static int
begin(void **state)
{
    (void)state;
    served_begin(&served, (const char *const[]){ "TALLY_SERVER_THREADS=1", NULL });
    return 0;
}

static int
end(void **state)
{
    (void)state;
    served_end(&served);
    return 0;
}

static void
send_all(struct http *clients[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_true(
            http_send(clients[i], bytes_text("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")));
}

static void
read_all(struct http *clients[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct http_answer answer;
        enum http_result result = http_read(clients[i], HTTP_BODY, PATIENCE_MS, &answer);
        if (result != HTTP_OK || answer.status != 200)
            fail_msg("of %u clients, number %u: no answer (%d)", count, i, (int)result);
    }
}

static void
stop_server(void)
{
    pid_t server = child_pid(served.child);
    siginfo_t info;
    assert_int_equal(kill(server, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)server, &info, WSTOPPED), 0);
}

static void
let_server_go_on(void)
{
    assert_int_equal(kill(child_pid(served.child), SIGCONT), 0);
}

/* Around the number of events that libmicrohttpd takes at once, and twice that. */
static void
all_at_once(void **state)
{
    (void)state;
    static const unsigned counts[] = { 126, 127, 128, 129, 254, 255, 256 };
    struct http *clients[CLIENTS_MAX];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (unsigned j = 0; j < counts[i]; j++)
            clients[j] = http_connect(served.port);
        send_all(clients, counts[i]);
        read_all(clients, counts[i]); /* from here on the server knows each of them */
        stop_server();
        send_all(clients, counts[i]);
        let_server_go_on();
        read_all(clients, counts[i]);
        for (unsigned j = 0; j < counts[i]; j++)
            http_close(clients[j]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_at_once),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
