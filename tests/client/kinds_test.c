/*
 * Scopes, contexts, the calls for events of the usual kinds, and masks, as a trail has them in the
 * end.
 */
#include "group.h"
#include "tally/context.h"
#include "tally/record.h"
#include "tally/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned
count_entries(const char *page)
{
    unsigned count = 0;
    for (; (page = strstr(page, "{\"index\":")) != NULL; page++)
        count++;
    return count;
}

/* So many entries of a resource have all these texts in them, and never the last one. */
static void
check(const char *resource, unsigned count, const char *const *texts, const char *never)
{
    char query[128];
    (void)snprintf(query, sizeof query, "resource_id=%s", resource);
    char *page = recording_find(&recording, query);
    assert_int_equal(count_entries(page), count);
    for (; *texts != NULL; texts++) {
        if (strstr(page, *texts) == NULL)
            fail_msg("%s is not in %s", *texts, page);
    }
    if (strstr(page, never) != NULL)
        fail_msg("%s is in %s", never, page);
    tally_text_free(page);
}

static int
withdraw(struct tally_client *client, int amount)
{
    TALLY_SCOPE(scope, client, TALLY_EVENT(.action = "account.withdraw", .resource_id = "scoped"));
    assert_int_equal(tally_scope_before(scope, "{\"balance\":100,\"pin\":1234}", NULL), TALLY_OK);
    if (amount > 100) {
        tally_scope_fail(scope, "not enough money");
        return -1;
    }
    assert_int_equal(tally_record_action(client, "account.check", "inner",
                                         TALLY_EVENT(.resource_id = "scoped"), NULL),
                     TALLY_OK);
    assert_int_equal(tally_scope_after(scope, "{\"balance\":70,\"pin\":4321}", NULL), TALLY_OK);
    tally_scope_succeed(scope);
    return 0;
}

static void
scopes(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    assert_int_equal(
        tally_context_push(TALLY_EVENT(.user_id = "u42", .correlation_id = "c-1"), NULL), TALLY_OK);
    assert_int_equal(withdraw(client, 30), 0);
    assert_int_equal(withdraw(client, 300), -1);
    tally_context_pop();
    recording_flush(client);
    tally_client_close(client, 0);
    static const char *const texts[] = {
        "\"user_id\":\"u42\"",
        "\"user_id\":\"inner\"",
        "\"correlation_id\":\"c-1\"",
        "\"balance\":{\"after\":70,\"before\":100}",
        "\"pin\":{\"after\":\"[masked]\",\"before\":\"[masked]\"}",
        /* What it did change is not known. */
        "\"error_message\":\"not enough money\",\"writer\"",
        "\"status\":\"success\"",
        "\"status\":\"failure\"",
        "\"response_time_ms\":",
        NULL,
    };
    check("scoped", 3, texts, "1234");
}

/* The catalogue fills in what a kind implies. */
static void
kinds(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    const struct tally_event *more = TALLY_EVENT(.resource_id = "kinds");
    assert_int_equal(tally_record_authentication(client, NULL, "u", false, more, NULL), TALLY_OK);
    assert_int_equal(
        tally_record_change(client, "user", "kinds", NULL, "{\"name\":\"n\"}", NULL, NULL),
        TALLY_OK);
    assert_int_equal(tally_record_security(client, "security_violation", NULL,
                                           "card 4111 1111 1111 1111", more, NULL),
                     TALLY_OK);
    assert_int_equal(tally_record_database_timing(client, "kinds", "find", 12.5, NULL, NULL),
                     TALLY_OK);
    assert_int_equal(tally_record_change(client, "user", "kinds", "[]", NULL, NULL, NULL),
                     TALLY_INVALID);
    recording_flush(client);
    struct tally_client_statistics statistics;
    tally_client_statistics(client, &statistics);
    assert_int_equal(statistics.recorded, 4);
    assert_int_equal(statistics.invalid, 1);
    assert_int_equal(statistics.masked, 1);
    tally_client_close(client, 0);
    static const char *const texts[] = {
        "\"event_type\":\"login_failure\",",
        "\"action\":\"user.login\"",
        "\"changes\":{\"name\":{\"after\":\"n\"}}",
        "\"action\":\"resource.create\"",
        "\"severity\":\"critical\"",
        "\"message\":\"card [masked]\"",
        "\"details\":{\"operation\":\"find\"}",
        "\"response_time_ms\":12.5",
        NULL,
    };
    check("kinds", 4, texts, "4111");
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(scopes), cmocka_unit_test(kinds) };
    return cmocka_run_group_tests(tests, recording_set_up, recording_tear_down);
}
