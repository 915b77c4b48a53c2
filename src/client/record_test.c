#include "tally/record.h"

#include "recorder_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT recorder_client

static struct tally_error error;

static void
check(tally_status status, const char *members)
{
    if (status != TALLY_OK)
        fail_msg("%s: %s", error.pointer, error.text);
    assert_string_equal(recorded.members, members);
    assert_int_equal(recorded.mode, TALLY_MODE_DEFAULT);
    assert_int_equal(recorded.calls, 1);
    assert_int_equal(recorded.undrafted, 0);
    recorder_forget();
}

static void
what_each_kind_says(void **state)
{
    (void)state;
    check(tally_record_action(CLIENT, "invoice.approve", "u", NULL, &error),
          "{\"action\":\"invoice.approve\",\"user_id\":\"u\"}");
    check(tally_record_authentication(CLIENT, NULL, "u", true, NULL, &error),
          "{\"event_type\":\"login_success\",\"status\":\"success\",\"user_id\":\"u\"}");
    check(tally_record_authentication(CLIENT, NULL, NULL, false, NULL, &error),
          "{\"event_type\":\"login_failure\",\"status\":\"failure\"}");
    check(tally_record_authentication(CLIENT, "logout", "u", true, NULL, &error),
          "{\"event_type\":\"logout\",\"status\":\"success\",\"user_id\":\"u\"}");
    check(tally_record_data_access(CLIENT, "R", "order", "o1", NULL, &error),
          "{\"crud\":\"R\",\"event_type\":\"data_read\",\"resource_id\":\"o1\","
          "\"resource_type\":\"order\"}");
    check(tally_record_data_access(CLIENT, "c", "order", NULL, NULL, &error),
          "{\"crud\":\"C\",\"event_type\":\"data_create\",\"resource_type\":\"order\"}");
    check(tally_record_data_access(CLIENT, "U", NULL, NULL, NULL, &error),
          "{\"crud\":\"U\",\"event_type\":\"data_update\"}");
    check(tally_record_data_access(CLIENT, "D", NULL, NULL, NULL, &error),
          "{\"crud\":\"D\",\"event_type\":\"data_delete\"}");
    check(tally_record_report(CLIENT, "report_approve", "r1", "u", NULL, &error),
          "{\"event_type\":\"report_approve\",\"resource_id\":\"r1\",\"resource_type\":\"report\","
          "\"user_id\":\"u\"}");
    check(tally_record_security(CLIENT, "security_violation", "critical", "m", NULL, &error),
          "{\"event_type\":\"security_violation\",\"message\":\"m\",\"severity\":\"critical\"}");
}

static void
timings(void **state)
{
    (void)state;
    assert_int_equal(
        tally_record_database_timing(CLIENT, "orders", "find \"x\"", 12.5, NULL, &error), TALLY_OK);
    assert_true(recorded.response_time_ms == 12.5);
    check(TALLY_OK, "{\"details\":{\"operation\":\"find \\\"x\\\"\"},"
                    "\"event_type\":\"database_timing\",\"resource_id\":\"orders\","
                    "\"resource_type\":\"collection\"}");
    check(tally_record_database_timing(CLIENT, NULL, NULL, 1, NULL, &error),
          "{\"event_type\":\"database_timing\",\"resource_type\":\"collection\"}");
    assert_int_equal(tally_record_database_timing(CLIENT, "c", "o", -1, NULL, &error),
                     TALLY_INVALID);
    assert_string_equal(error.pointer, "/response_time_ms");
    recorder_forget();
}

static void
changes(void **state)
{
    (void)state;
    check(tally_record_change(CLIENT, "user", "u1", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", NULL,
                              &error),
          "{\"changes\":{\"b\":{\"after\":3,\"before\":2}},\"crud\":\"U\","
          "\"event_type\":\"data_update\",\"resource_id\":\"u1\",\"resource_type\":\"user\"}");
    check(tally_record_change(CLIENT, "user", "u1", NULL, "{\"a\":1}", NULL, &error),
          "{\"changes\":{\"a\":{\"after\":1}},\"crud\":\"C\",\"event_type\":\"data_create\","
          "\"resource_id\":\"u1\",\"resource_type\":\"user\"}");
    check(tally_record_change(CLIENT, "user", "u1", "{\"a\":1}", NULL, NULL, &error),
          "{\"changes\":{\"a\":{\"before\":1}},\"crud\":\"D\",\"event_type\":\"data_delete\","
          "\"resource_id\":\"u1\",\"resource_type\":\"user\"}");
    check(tally_record_change(CLIENT, "user", NULL, "{\"password\":\"x\"}", "{\"password\":\"y\"}",
                              NULL, &error),
          "{\"changes\":{\"password\":{\"after\":\"[masked]\",\"before\":\"[masked]\"}},"
          "\"crud\":\"U\",\"event_type\":\"data_update\",\"resource_type\":\"user\"}");
}

static void
refused_changes(void **state)
{
    (void)state;
    assert_int_equal(tally_record_change(CLIENT, "user", "u", NULL, NULL, NULL, &error),
                     TALLY_INVALID);
    assert_int_equal(tally_record_change(CLIENT, "user", "u", "{}", "[]", NULL, &error),
                     TALLY_INVALID);
    assert_string_equal(error.text, "after: a state is a JSON object, not an array");
    assert_int_equal(tally_record_change(CLIENT, "user", "u", "{", NULL, NULL, NULL),
                     TALLY_INVALID);
    assert_int_equal(recorded.calls, 0);
    assert_int_equal(recorded.undrafted, 3);
    recorder_forget();
}

static void
more_wins(void **state)
{
    (void)state;
    double duration = 3;
    check(tally_record_authentication(CLIENT, "mfa", "u", true,
                                      TALLY_EVENT(.status = "error", .user_id = "v",
                                                  .severity = "high", .status_code = 500,
                                                  .details = "{\"a\":1}"),
                                      &error),
          "{\"details\":{\"a\":1},\"event_type\":\"mfa\",\"severity\":\"high\","
          "\"status\":\"error\",\"status_code\":500,\"user_id\":\"v\"}");
    assert_int_equal(tally_record_database_timing(
                         CLIENT, "c", "o", 1,
                         TALLY_EVENT(.response_time_ms = &duration, .details = "{}"), &error),
                     TALLY_OK);
    assert_true(recorded.response_time_ms == 3);
    recorder_forget();
}

static void
refused(void **state)
{
    (void)state;
    const struct tally_event no_size = { .user_id = "u" };
    assert_int_equal(tally_record_action(CLIENT, "a", NULL, &no_size, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "TALLY_EVENT_INIT"));
    assert_int_equal(tally_record_action(CLIENT, NULL, NULL, NULL, &error), TALLY_INVALID);
    assert_int_equal(tally_record_data_access(CLIENT, "X", NULL, NULL, NULL, &error),
                     TALLY_INVALID);
    assert_string_equal(error.pointer, "/crud");
    assert_int_equal(tally_record_data_access(CLIENT, NULL, NULL, NULL, NULL, &error),
                     TALLY_INVALID);
    recorder_answer = TALLY_DENY;
    assert_int_equal(tally_record_action(CLIENT, "a", NULL, NULL, &error), TALLY_DENY);
    recorder_forget();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_kind_says),
        cmocka_unit_test(timings),
        cmocka_unit_test(changes),
        cmocka_unit_test(refused_changes),
        cmocka_unit_test(more_wins),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, recorder_create, recorder_destroy);
}
