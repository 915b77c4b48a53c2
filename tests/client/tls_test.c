/*
 * Over TLS: events arrive, and where the server's certificate is not to be trusted nothing is sent,
 * the reason is told, and events wait until somebody mends it.
 */
#include "certificate.h"
#include "recording.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct recording recording;
static char *folder; /* of certificates */
static char known[256], another[256], namesake[256], certificate[256], key[256];
static struct authority *authority;
static char url[64];

static void
issue(const char *host, int from_days, int to_days)
{
    const struct certificate_wish wish = { host, from_days, to_days, certificate, key };
    authority_issue(authority, &wish);
}

static int
begin(void **state)
{
    (void)state;
    folder = child_folder();
    (void)snprintf(known, sizeof known, "%s/known.pem", folder);
    (void)snprintf(another, sizeof another, "%s/another.pem", folder);
    (void)snprintf(namesake, sizeof namesake, "%s/namesake.pem", folder);
    (void)snprintf(certificate, sizeof certificate, "%s/tls.pem", folder);
    (void)snprintf(key, sizeof key, "%s/tls.key", folder);
    authority = authority_create("An authority", known);
    authority_destroy(authority_create("Another authority", another));
    authority_destroy(authority_create("An authority", namesake));
    (void)unsetenv("TALLY_CACERT");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    authority_destroy(authority);
    child_remove(folder);
    return 0;
}

/* A server with the certificate that there is; its log says which requests come. */
static void
serve(void)
{
    char certificate_setting[320], key_setting[320];
    (void)snprintf(certificate_setting, sizeof certificate_setting,
                   "TALLY_SERVER_TLS_CERTIFICATE=%s", certificate);
    (void)snprintf(key_setting, sizeof key_setting, "TALLY_SERVER_TLS_KEY=%s", key);
    recording_begin(&recording, (const char *const[]){ certificate_setting, key_setting,
                                                       "TALLY_LOG_LEVEL=debug", NULL });
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)recording.served.port);
}

/* How often the server's log has this text. */
static unsigned
logged(const char *text)
{
    struct buffer log = { 0 };
    unsigned count = 0;
    child_output(recording.served.child, &log);
    buffer_byte(&log, '\0');
    for (const char *at = (const char *)log.data; (at = strstr(at, text)) != NULL; at++)
        count++;
    buffer_free(&log);
    return count;
}

/* How many of the series are stored, asked without TLS. The server is another one from then on. */
static unsigned
stored(const char *series)
{
    served_stop(&recording.served);
    served_start(&recording.served, NULL);
    return recording_count(&recording, series);
}

static void
wait_sent(struct tally_client *client, uint64_t count)
{
    struct tally_client_statistics statistics;
    recording_wait_sent(client, count);
    tally_client_statistics(client, &statistics);
    assert_int_equal(statistics.repeated, 0);
}

/* An event waits, and one whose caller waits is denied: both times it is said that the certificate is
 * the reason, in these words of libcurl's too, what is at the other end, and where events are. */
static void
check_refused(struct tally_client *client, const char *reason)
{
    struct tally_error error = { 0 };
    assert_int_equal(recording_event(client, "tls", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    assert_int_equal(recording_event(client, "denied", 0, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_DENY);
    if (strstr(error.text, reason) == NULL || strstr(error.text, "ca_file") == NULL)
        fail_msg("no \"%s\" or cure: %s", reason, error.text);
    recording_wait_said(&recording, "does not take events");
    assert_int_equal(recording_said(&recording, "does not take events"), 1);
    const char *const wanted[] = { url, reason, "ca_file", tally_client_spool(client) };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (recording_said(&recording, wanted[i]) == 0)
            fail_msg("no \"%s\" in: %s", wanted[i], recording.notices);

    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.queued, 1);
    assert_int_equal(statistics.denied, 1);
    assert_int_equal(statistics.sent, 0);
    assert_int_equal(logged("route="), 0);
}

static void
events_arrive(void **state)
{
    (void)state;
    enum {
        COUNT = 1000
    };
    issue("127.0.0.1", -1, 1);
    serve();
    struct tally_client_options options = recording_options(&recording);
    options.ca_file = known;
    struct tally_client *client = recording_client(&recording, url, &options);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(recording_event(client, "tls", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
    recording_flush(client);
    struct tally_receipt receipt;
    assert_int_equal(recording_event(client, "tls", COUNT, TALLY_MODE_SYNC, &receipt, NULL),
                     TALLY_OK);
    assert_true(receipt.index != TALLY_INDEX_UNKNOWN);
    char *text;
    size_t size;
    assert_int_equal(
        tally_client_get(client, "/api/events?correlation_id=tls&limit=1", &text, &size, NULL),
        TALLY_OK);
    assert_non_null(strstr(text, "\"resource_id\":\"1000\""));
    tally_text_free(text);
    assert_int_equal(recording_statistics(client).sent, COUNT + 1);
    tally_client_close(client, 0);
    assert_int_equal(recording_said(&recording, "does not take events"), 0);
    assert_true(logged("route=") > 0); /* so where there is none nothing was asked */
    assert_int_equal(stored("tls"), COUNT + 1);
    recording_end(&recording);
}

/* ---- at exit ---- */

static struct tally_client *last;

/* Runs after what OpenSSL would register once it is first used. */
static void
record_at_exit(void)
{
    if (recording_event(last, "exit", 1, TALLY_MODE_SYNC, NULL, NULL) != TALLY_OK)
        _exit(1);
    if (recording_event(last, "exit", 2, TALLY_MODE_SPOOL, NULL, NULL) != TALLY_OK)
        _exit(2);
    _exit(tally_client_flush(last, 60000, NULL) == TALLY_OK ? 0 : 3);
}

/* In a child, where OpenSSL has not been used yet. */
__attribute__((noreturn)) static void
end_with_a_handler(void)
{
    struct tally_client_options options = recording_options(&recording);
    options.ca_file = known;
    if (atexit(record_at_exit) != 0)
        _exit(4);
    last = recording_client(&recording, url, &options);
    if (recording_event(last, "exit", 0, TALLY_MODE_SYNC, NULL, NULL) != TALLY_OK)
        _exit(5);
    exit(6);
}

static void
events_arrive_at_exit(void **state)
{
    (void)state;
    int status;
    issue("127.0.0.1", -1, 1);
    serve();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        end_with_a_handler();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(stored("exit"), 3);
    recording_end(&recording);
}

/* ---- not to be trusted ---- */

/* A client that trusts whom it should not, then one that has the right authority from the environment:
 * it ships what the first has left, too. */
static void
check_trusted_later(const char *ca_file)
{
    issue("127.0.0.1", -1, 1);
    serve();
    struct tally_client_options options = recording_options(&recording);
    options.ca_file = ca_file;
    struct tally_client *client = recording_client(&recording, url, &options);
    check_refused(client, "authority");
    tally_client_close(client, 0);
    assert_false(recording_spools_empty(&recording));

    options.ca_file = NULL;
    assert_int_equal(setenv("TALLY_CACERT", known, 1), 0);
    client = recording_client(&recording, url, &options);
    (void)unsetenv("TALLY_CACERT");
    assert_int_equal(recording_event(client, "heir", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    wait_sent(client, 2);
    tally_client_close(client, 0);
    assert_true(recording_spools_empty(&recording));
    assert_int_equal(stored("tls"), 1);
    assert_int_equal(recording_count(&recording, "heir"), 1);
    assert_int_equal(recording_count(&recording, "denied"), 0);
    recording_end(&recording);
}

static void
an_authority_the_system_does_not_know(void **state)
{
    (void)state;
    check_trusted_later(NULL);
}

static void
another_authority(void **state)
{
    (void)state;
    check_trusted_later(another);
}

/* As where somebody has made the authority anew. */
static void
an_authority_of_the_same_name(void **state)
{
    (void)state;
    check_trusted_later(namesake);
}

/* The server gets a right certificate: the same client goes on by itself. */
static void
check_mended(const char *host, int from_days, int to_days, const char *reason)
{
    issue(host, from_days, to_days);
    serve();
    struct tally_client_options options = recording_options(&recording);
    options.ca_file = known;
    struct tally_client *client = recording_client(&recording, url, &options);
    check_refused(client, reason);

    issue("127.0.0.1", -1, 1);
    assert_int_equal(kill(child_pid(recording.served.child), SIGHUP), 0);
    wait_sent(client, 1);
    recording_wait_said(&recording, "takes events again");
    tally_client_close(client, 0);
    assert_true(recording_spools_empty(&recording));
    assert_int_equal(stored("tls"), 1);
    assert_int_equal(recording_count(&recording, "denied"), 0);
    recording_end(&recording);
}

static void
another_host(void **state)
{
    (void)state;
    check_mended("tally.example", -1, 1, "127.0.0.1'");
}

static void
an_expired_certificate(void **state)
{
    (void)state;
    check_mended("127.0.0.1", -2, -1, "expired");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: see end_with_a_handler(). */
        cmocka_unit_test(events_arrive_at_exit),
        cmocka_unit_test(events_arrive),
        cmocka_unit_test(an_authority_the_system_does_not_know),
        cmocka_unit_test(another_authority),
        cmocka_unit_test(an_authority_of_the_same_name),
        cmocka_unit_test(another_host),
        cmocka_unit_test(an_expired_certificate),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
