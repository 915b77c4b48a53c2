#include "audit_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void
check_row(const struct bytes values[FIELD_COUNT], const char *expected)
{
    struct buffer row = { 0 };
    audit_row_write(values, &row);
    if (!bytes_is(buffer_view(&row), expected))
        fail_msg("%.*s", BYTES_ARG(buffer_view(&row)));
    buffer_free(&row);
}

static void
rows_have_all_eight_members(void **state)
{
    (void)state;
    struct bytes values[FIELD_COUNT] = { 0 };
    check_row(values, "{\"id\":null,\"user_id\":null,\"action\":null,\"resource_type\":null,"
                      "\"resource_id\":null,\"timestamp\":null,\"status\":null,"
                      "\"ip_address\":null}");
    for (size_t i = 0; i < FIELD_COUNT; i++)
        values[i] = fields[i].name;
    check_row(values, "{\"id\":\"id\",\"user_id\":\"user_id\",\"action\":\"action\","
                      "\"resource_type\":\"resource_type\",\"resource_id\":\"resource_id\","
                      "\"timestamp\":\"timestamp\",\"status\":\"status\","
                      "\"ip_address\":\"ip_address\"}");
}

static void
texts_are_texts_whatever_they_hold(void **state)
{
    (void)state;
    struct bytes values[FIELD_COUNT] = { 0 };
    values[FIELD_USER_ID] = bytes_of("", 0); /* is there, and says nothing */
    values[FIELD_RESOURCE_ID] = bytes_text("a\"\\\n\x1b");
    values[FIELD_STATUS] = bytes_text("null");
    check_row(values, "{\"id\":null,\"user_id\":\"\",\"action\":null,\"resource_type\":null,"
                      "\"resource_id\":\"a\\\"\\\\\\n\\u001b\",\"timestamp\":null,"
                      "\"status\":\"null\",\"ip_address\":null}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_all_eight_members),
        cmocka_unit_test(texts_are_texts_whatever_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
