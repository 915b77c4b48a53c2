/*
 * stop_test.c - a server under load that is told to end, and what its service manager hears.
 */
#include "base64.h"
#include "must.h"
#include "stage.h"
#include "tally/hash.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS      8
#define RECEIPTS_MAX 100000

static struct stage stage;

static int
begin(void **state)
{
    (void)state;
    stage_make(&stage);
    return setenv("XDG_STATE_HOME", stage.scratch, 1);
}

static int
end(void **state)
{
    (void)state;
    stage_remove(&stage);
    return 0;
}

static void
pause_ms(unsigned ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

/* ---- under load ---- */

/* Leaves that were acknowledged, by index; "" where none was. */
static char leaves[RECEIPTS_MAX][2 * TALLY_HASH_SIZE + 1];
static atomic_uint acknowledged, wrong;

static void
note_receipt(struct bytes body)
{
    json_t *reply = json_loadb((const char *)body.data, body.size, 0, NULL);
    json_t *receipt = json_array_get(json_object_get(reply, "receipts"), 0);
    json_int_t index = json_integer_value(json_object_get(receipt, "index"));
    const char *leaf = json_string_value(json_object_get(receipt, "leaf"));
    if (leaf == NULL || index <= 0 || index >= RECEIPTS_MAX || leaves[index][0] != '\0') {
        atomic_fetch_add(&wrong, 1);
    } else {
        (void)snprintf(leaves[index], sizeof leaves[index], "%s", leaf);
        atomic_fetch_add(&acknowledged, 1);
    }
    json_decref(reply);
}

/* Records one event after another until the connection ends. An answer is whole or none. */
static void *
record_on(void *context)
{
    struct http *http = http_connect(*(const uint16_t *)context);
    const struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = stage.admin,
        .headers = "Content-Type: application/json\r\n",
        .body = bytes_text("{\"action\":\"under.load\"}"),
    };
    struct http_answer answer = { 0 };
    enum http_result result = HTTP_OK;
    while (result == HTTP_OK && !answer.closing) {
        result = http_ask(http, &request, PATIENCE_MS, &answer);
        if (result == HTTP_OK && answer.status == 201)
            note_receipt(answer.body);
        else if (result == HTTP_OK && answer.status != 503)
            atomic_fetch_add(&wrong, 1);
        else if (result == HTTP_WRONG || result == HTTP_TIMEOUT)
            atomic_fetch_add(&wrong, 1);
    }
    http_close(http);
    return NULL;
}

/* Every acknowledged leaf is in the trail at its index; how many there are. */
static unsigned
find_acknowledged(void)
{
    struct buffer out = { 0 };
    const char *words[] = {
        "export", stage.data, "action:under.load", "--format", "evidence", NULL
    };
    assert_int_equal(child_run(words, &out), 0);
    unsigned found = 0;
    struct bytes lines = buffer_view(&out);
    while (lines.size > 0) {
        const uint8_t *stop = memchr(lines.data, '\n', lines.size);
        if (stop == NULL)
            break;
        json_t *line = json_loadb((const char *)lines.data, (size_t)(stop - lines.data), 0, NULL);
        lines = bytes_of(stop + 1, lines.size - (size_t)(stop - lines.data) - 1);
        const char *public_part = json_string_value(json_object_get(line, "public"));
        json_int_t index = json_integer_value(json_object_get(line, "index"));
        if (public_part != NULL && index < RECEIPTS_MAX && leaves[index][0] != '\0') {
            struct tally_hash leaf;
            char text[2 * TALLY_HASH_SIZE + 1] = "";
            tally_hash_leaf((const uint8_t *)public_part, strlen(public_part), &leaf);
            hex_encode(leaf.bytes, TALLY_HASH_SIZE, text);
            assert_string_equal(text, leaves[index]);
            found++;
        }
        json_decref(line);
    }
    buffer_free(&out);
    return found;
}

static void
nothing_acknowledged_is_lost(int signal, int status)
{
    memset(leaves, 0, sizeof leaves);
    atomic_store(&acknowledged, 0);
    stage_start(&stage, NULL);
    pthread_t threads[THREADS];
    uint16_t port = child_port(stage.child);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_on, &port), 0);
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (atomic_load(&acknowledged) < 500 && now_ms() < deadline)
        pause_ms(100);
    assert_int_equal(stage_stop(&stage, signal), status);
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&acknowledged) > 100);
    if (signal != SIGKILL) {
        /* Before anything opens the trail for writing: all is signed already. */
        struct buffer out = { 0 };
        const char *words[] = { "verify", stage.data, "--format", "ndjson", NULL };
        assert_int_equal(child_run(words, &out), 0);
        buffer_byte(&out, 0);
        assert_non_null(strstr((char *)out.data, "\"verdict\":\"intact\""));
        if (strstr((char *)out.data, "\"unsigned\":") != NULL)
            assert_non_null(strstr((char *)out.data, "\"unsigned\":0"));
        buffer_free(&out);
    }
    assert_int_equal(find_acknowledged(), atomic_load(&acknowledged));
    stage_run((const char *const[]){ "verify", stage.data, NULL });
}

static void
told_to_end(void **state)
{
    (void)state;
    nothing_acknowledged_is_lost(SIGTERM, 0);
}

static void
interrupted(void **state)
{
    (void)state;
    nothing_acknowledged_is_lost(SIGINT, 0);
}

static void
killed(void **state)
{
    (void)state;
    nothing_acknowledged_is_lost(SIGKILL, -SIGKILL);
}

/* ---- an export that nobody takes ---- */

/* Its connection is cut in the end, and the rest goes as always. */
static void
a_slow_reader_does_not_keep_it(void **state)
{
    (void)state;
    stage_start(&stage, (const char *const[]){ "TALLY_SERVER_SEND_TIMEOUT_S=2", NULL });
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 60000; i++)
        buffer_text(&body,
                    "{\"action\":\"of.many\",\"message\":\"a text that takes some room\"}\n");
    struct talk exchange;
    talk_begin(&stage,
               &(struct http_request){ .method = "POST",
                                       .target = "/api/events",
                                       .key = stage.admin,
                                       .headers = "Content-Type: application/x-ndjson\r\n",
                                       .body = buffer_view(&body) },
               &exchange);
    assert_int_equal(exchange.answer.status, 201);
    talk_end(&exchange);
    buffer_free(&body);

    struct http *http = http_connect(child_port(stage.child));
    struct buffer request = { 0 };
    buffer_format(&request,
                  "GET /api/export?format=evidence HTTP/1.1\r\nHost: localhost\r\n"
                  "Authorization: Bearer %s\r\n\r\n",
                  stage.admin);
    assert_true(http_send(http, buffer_view(&request)));
    buffer_free(&request);
    assert_false(http_is_silent(http, PATIENCE_MS)); /* the export has begun */
    /* While it waits for the reader, it is told again, and something else. */
    (void)kill(child_pid(stage.child), SIGTERM);
    pause_ms(300);
    (void)kill(child_pid(stage.child), SIGHUP);
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    struct http_answer answer;
    assert_int_equal(http_read(http, HTTP_BODY, PATIENCE_MS, &answer), HTTP_CUT);
    http_close(http);
    stage_run((const char *const[]){ "verify", stage.data, NULL });
}

/* ---- what the service manager hears ---- */

static int manager;

/* Waits for a message that has this line; others may come before it only if they are life signs. */
static void
hear(const char *line)
{
    char text[1024];
    for (;;) {
        struct pollfd ready = { .fd = manager, .events = POLLIN };
        if (poll(&ready, 1, PATIENCE_MS) != 1)
            fail_msg("\"%s\" is not said", line);
        ssize_t size = recv(manager, text, sizeof text - 1, 0);
        assert_true(size > 0);
        text[size] = '\0';
        if (strstr(text, line) != NULL)
            return;
        if (strcmp(text, "WATCHDOG=1") != 0)
            fail_msg("\"%s\" is said, not \"%s\"", text, line);
    }
}

/* The server with a manager's socket and a watchdog. */
static void
start_managed(const struct sockaddr_un *address)
{
    char socket_setting[200];
    (void)snprintf(socket_setting, sizeof socket_setting, "NOTIFY_SOCKET=%s", address->sun_path);
    stage_start(&stage, (const char *const[]){ socket_setting, "WATCHDOG_USEC=1800000", NULL });
}

static void
begin_to_manage(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    (void)snprintf(address->sun_path, sizeof address->sun_path, "%s/manager", stage.scratch);
    (void)unlink(address->sun_path);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(manager >= 0);
    assert_int_equal(bind(manager, (struct sockaddr *)address, sizeof *address), 0);
}

static void
the_manager_is_told(void **state)
{
    (void)state;
    struct sockaddr_un address;
    begin_to_manage(&address);
    start_managed(&address);
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    (void)kill(child_pid(stage.child), SIGHUP);
    hear("RELOADING=1\nMONOTONIC_USEC=");
    hear("READY=1");
    hear("WATCHDOG=1");
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    hear("STOPPING=1");
    (void)close(manager);
}

/* Sends until its queue has no room; each time from another socket, which has room for few. */
static void
fill_queue(const struct sockaddr_un *address)
{
    ssize_t sent;
    do {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        sent = sendto(fd, "WATCHDOG=1", 10, 0, (const struct sockaddr *)address, sizeof *address);
        assert_true(sent == 10 || errno == EAGAIN);
        (void)close(fd);
    } while (sent == 10);
}

static void
a_manager_that_does_not_listen_keeps_nothing(void **state)
{
    (void)state;
    struct sockaddr_un address;
    begin_to_manage(&address);
    fill_queue(&address);
    start_managed(&address);
    struct talk exchange;
    talk_begin(&stage, &(struct http_request){ .target = "/readyz" }, &exchange);
    assert_int_equal(exchange.answer.status, 200);
    talk_end(&exchange);
    hear("READY=1");
    fill_queue(&address);
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    (void)close(manager);
}

/* ---- readiness ---- */

static void
ready_until_it_stops(void **state)
{
    (void)state;
    stage_start(&stage, NULL);
    struct talk exchange;
    for (const char *const *path = (const char *const[]){ "/livez", "/readyz", NULL }; *path;
         path++) {
        talk_begin(&stage, &(struct http_request){ .target = *path }, &exchange);
        assert_int_equal(exchange.answer.status, 200);
        talk_end(&exchange);
    }
    /* A connection that was there before is ended, and no request on it is half done. */
    struct http *idle = http_connect(child_port(stage.child));
    struct http_answer answer;
    assert_int_equal(
        http_ask(idle, &(struct http_request){ .target = "/readyz" }, PATIENCE_MS, &answer),
        HTTP_OK);
    assert_false(answer.closing);
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    assert_true(http_is_closed(idle, PATIENCE_MS));
    http_close(idle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_until_it_stops),
        cmocka_unit_test(told_to_end),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(killed),
        cmocka_unit_test(a_slow_reader_does_not_keep_it),
        cmocka_unit_test(the_manager_is_told),
        cmocka_unit_test(a_manager_that_does_not_listen_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
