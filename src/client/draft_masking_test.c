/*
 * draft_masking_test.c - secrets in an event, and what stands in their place.
 */
#include "draft_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct masking_row {
    const char *why;
    const char *json; /* behind the stamp */
    const char *line;
    unsigned count;
};

static void
check_masking(struct draft *with, const struct masking_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char json[1024], line[1024];
        (void)snprintf(json, sizeof json, "{" STAMP ",%s}", rows[i].json);
        (void)snprintf(line, sizeof line, "{" STAMP ",%s}", rows[i].line);
        write_json(with, json, NULL, NULL);
        if (!bytes_is(draft_line(with), line))
            fail_msg("%s:\n%.*s\n%s", rows[i].why, BYTES_ARG(draft_line(with)), line);
        assert_int_equal(draft_masked(with), rows[i].count);
    }
}

static void
masked_by_name(void **state)
{
    (void)state;
    static const struct masking_row rows[] = {
        { "in details", "\"action\":\"a\",\"details\":{\"password\":\"x\",\"user\":\"u\"}",
          "\"action\":\"a\",\"details\":{\"password\":\"[masked]\",\"user\":\"u\"}", 1 },
        { "whatever its type",
          "\"action\":\"a\",\"details\":{\"pin\":1,\"cvc\":true,\"token\":[1,{\"a\":2}],"
          "\"secret\":{\"a\":\"b\"}, \"pwd\" : \"\" }",
          "\"action\":\"a\",\"details\":{\"pin\":\"[masked]\",\"cvc\":\"[masked]\","
          "\"token\":\"[masked]\",\"secret\":\"[masked]\", \"pwd\" : \"[masked]\" }",
          5 },
        { "null says that there is none", "\"action\":\"a\",\"details\":{\"password\":null}",
          "\"action\":\"a\",\"details\":{\"password\":null}", 0 },
        { "at any depth", "\"action\":\"a\",\"details\":{\"a\":[{\"b\":{\"db_password\":\"x\"}}]}",
          "\"action\":\"a\",\"details\":{\"a\":[{\"b\":{\"db_password\":\"[masked]\"}}]}", 1 },
        { "names in escapes", "\"action\":\"a\",\"details\":{\"\\u0070in\":\"x\"}",
          "\"action\":\"a\",\"details\":{\"\\u0070in\":\"[masked]\"}", 1 },
        { "changes keep their shape",
          "\"action\":\"a\",\"changes\":{\"password\":{\"before\":\"x\",\"after\":{\"a\":1}},"
          "\"name\":{\"before\":\"x\",\"after\":{\"pin\":1}},\"token\":7}",
          "\"action\":\"a\",\"changes\":{\"password\":{\"before\":\"[masked]\","
          "\"after\":\"[masked]\"},\"name\":{\"before\":\"x\",\"after\":{\"pin\":\"[masked]\"}},"
          "\"token\":\"[masked]\"}",
          4 },
        { "members that are no field", "\"token\":\"x\",\"action\":\"a\",\"extra\":{\"ssn\":1}",
          "\"token\":\"[masked]\",\"action\":\"a\",\"extra\":{\"ssn\":\"[masked]\"}", 2 },
        { "fields are never secrets by name", "\"action\":\"token\",\"user_id\":\"password\"",
          "\"action\":\"token\",\"user_id\":\"password\"", 0 },
        { "what stands beside it stays", "\"action\":\"a\",\"details\":{\"a\":1,\"pin\":2,\"b\":3}",
          "\"action\":\"a\",\"details\":{\"a\":1,\"pin\":\"[masked]\",\"b\":3}", 1 },
        { "of several, what is no count",
          "\"action\":\"a\",\"details\":{\"tokens\":512,\"cookies\":{\"a\":1},\"pins\":[1],"
          "\"secrets\":true}",
          "\"action\":\"a\",\"details\":{\"tokens\":512,\"cookies\":\"[masked]\","
          "\"pins\":\"[masked]\",\"secrets\":true}",
          2 },
        { "pairs in an array",
          "\"action\":\"a\",\"details\":{\"h\":[[\"Authorization\",\"x\"],[\"Host\",\"h\"],"
          "[\"pin\"],[\"pin\",\"a\",\"b\"],[]],\"f\":[\"password\",\"email\"]}",
          "\"action\":\"a\",\"details\":{\"h\":[[\"Authorization\",\"[masked]\"],[\"Host\",\"h\"],"
          "[\"pin\"],[\"pin\",\"a\",\"b\"],[]],\"f\":[\"password\",\"email\"]}",
          1 },
        { "members called name and value",
          "\"action\":\"a\",\"details\":{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"x\"},"
          "{\"name\":\"A\",\"value\":\"y\"},{\"new_value\":2,\"old_value\":1,\"field\":\"pin\"},"
          "{\"ParameterKey\":\"Token\",\"ParameterValue\":{}},{\"value\":\"z\",\"name\":1}]}",
          "\"action\":\"a\",\"details\":{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"[masked]\"}"
          ","
          "{\"name\":\"A\",\"value\":\"y\"},{\"new_value\":\"[masked]\","
          "\"old_value\":\"[masked]\",\"field\":\"pin\"},"
          "{\"ParameterKey\":\"Token\",\"ParameterValue\":\"[masked]\"},"
          "{\"value\":\"z\",\"name\":1}]}",
          4 },
        { "in texts",
          "\"action\":\"a\",\"endpoint\":\"/r?token=x\",\"message\":\"{\\\"pin\\\":1}\","
          "\"error_message\":\"https://u:p@h\",\"details\":{\"q\":[\"cvv=1\"]},"
          "\"user_id\":\"pin=1\"",
          "\"action\":\"a\",\"endpoint\":\"/r?token=[masked]\","
          "\"message\":\"{\\\"pin\\\":[masked]}\","
          "\"error_message\":\"https://u:[masked]@h\",\"details\":{\"q\":[\"cvv=[masked]\"]},"
          "\"user_id\":\"pin=1\"",
          4 },
        { "beside a null that goes", "\"crud\":null,\"token\":1,\"action\":\"a\"",
          "\"token\":\"[masked]\",\"action\":\"a\"", 1 },
    };
    check_masking(draft, rows, sizeof rows / sizeof *rows);
}

static void
masked_card_numbers(void **state)
{
    (void)state;
    static const struct masking_row rows[] = {
        { "in free text", "\"action\":\"a\",\"message\":\"card 4111111111111111, \\\"ok\\\"\"",
          "\"action\":\"a\",\"message\":\"card [masked], \\\"ok\\\"\"", 1 },
        { "in an error", "\"action\":\"a\",\"error_message\":\"4111 1111 1111 1111\"",
          "\"action\":\"a\",\"error_message\":\"[masked]\"", 1 },
        { "in details, as text and as number",
          "\"action\":\"a\",\"details\":{\"n\":4111111111111111,\"t\":[\"4111111111111111\"],"
          "\"m\":4111111111111112}",
          "\"action\":\"a\",\"details\":{\"n\":\"[masked]\",\"t\":[\"[masked]\"],"
          "\"m\":4111111111111112}",
          2 },
        { "in changes and what is no field",
          "\"action\":\"a\",\"changes\":{\"x\":{\"after\":\"4111111111111111\"}},"
          "\"y\":\"4111111111111111\"",
          "\"action\":\"a\",\"changes\":{\"x\":{\"after\":\"[masked]\"}},\"y\":\"[masked]\"", 2 },
        { "with digits in escapes", "\"action\":\"a\",\"message\":\"\\u0034111111111111111\\n\"",
          "\"action\":\"a\",\"message\":\"[masked]\\n\"", 1 },
        { "two in one text are one value",
          "\"action\":\"a\",\"message\":\"4111111111111111 5500005555555559\"",
          "\"action\":\"a\",\"message\":\"[masked] [masked]\"", 1 },
        { "not in other fields", "\"action\":\"4111111111111111\",\"user_id\":\"4111111111111111\"",
          "\"action\":\"4111111111111111\",\"user_id\":\"4111111111111111\"", 0 },
    };
    check_masking(draft, rows, sizeof rows / sizeof *rows);
}

/* issued_key.h says what one is. */
static void
masked_keys(void **state)
{
    (void)state;
#define KEY "gl" /* in two parts, for scanners of sources */ "pat-a1B2c3D4a1B2c3D4a1B2"
#define AWS "AK" /* in two parts, too */ "IA7Q2W4E6R8T0Y2U4I"
    static const struct masking_row rows[] = {
        { "in free text and anywhere in details",
          "\"action\":\"a\",\"message\":\"by " KEY "\",\"endpoint\":\"/a/" KEY
          "/b\",\"details\":{\"a\":[\"" KEY "\",\"b\"]}",
          "\"action\":\"a\",\"message\":\"by [masked]\",\"endpoint\":\"/a/[masked]/b\","
          "\"details\":{\"a\":[\"[masked]\",\"b\"]}",
          3 },
        { "once with its name, and a card number",
          "\"action\":\"a\",\"message\":\"token=" KEY " 4111111111111111 " KEY "\"",
          "\"action\":\"a\",\"message\":\"token=[masked] [masked] [masked]\"", 1 },
        { "who did it stays",
          "\"action\":\"a\",\"message\":\"by " AWS "\",\"details\":{\"accessKeyId\":\"" AWS "\"}",
          "\"action\":\"a\",\"message\":\"by [masked]\",\"details\":{\"accessKeyId\":\"" AWS "\"}",
          1 },
        { "not in other fields", "\"action\":\"a\",\"session_id\":\"" KEY "\"",
          "\"action\":\"a\",\"session_id\":\"" KEY "\"", 0 },
    };
    check_masking(draft, rows, sizeof rows / sizeof *rows);
}

static void
masked_by_expression(void **state)
{
    (void)state;
    static const char *const patterns[] = { "sk_[a-z0-9]+", "x", NULL };
    static const struct masking_row rows[] = {
        { "in any text", "\"action\":\"sk_1\",\"user_id\":\"a sk_2 b\",\"message\":\"sk_3\"",
          "\"action\":\"[masked]\",\"user_id\":\"a [masked] b\",\"message\":\"[masked]\"", 3 },
        { "in details, values only", "\"action\":\"a\",\"details\":{\"sk_1\":\"sk_1\"}",
          "\"action\":\"a\",\"details\":{\"sk_1\":\"[masked]\"}", 1 },
        { "not what is one of a few words",
          "\"action\":\"a\",\"severity\":\"low\",\"status\":\"success\"",
          "\"action\":\"a\",\"severity\":\"low\",\"status\":\"success\"", 0 },
        { "what becomes too long is masked whole",
          "\"action\":\"xaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxa\"",
          "\"action\":\"[masked]\"", 1 },
    };
    struct mask *with;
    struct draft *masking;
    assert_int_equal(mask_create(NULL, patterns, &with, &error), TALLY_OK);
    assert_int_equal(draft_create(with, &masking, &error), TALLY_OK);
    check_masking(masking, rows, sizeof rows / sizeof *rows);

    write_json(masking, "{\"id\":\"sk_1\",\"timestamp\":\"2026-01-02T03:04:05Z\"}",
               "{\"action\":\"sk_1\",\"status\":\"success\",\"user_id\":\"u\","
               "\"user_agent\":\"a sk_2\",\"status_code\":200}",
               "sk_3");
    if (!bytes_is(draft_line(masking),
                  "{\"action\":\"[masked]\",\"status\":\"success\",\"status_code\":200,"
                  "\"user_agent\":\"a [masked]\",\"user_id\":\"u\",\"service\":\"[masked]\","
                  "\"id\":\"sk_1\",\"timestamp\":\"2026-01-02T03:04:05Z\"}"))
        fail_msg("%.*s", BYTES_ARG(draft_line(masking)));
    assert_int_equal(draft_masked(masking), 3);
    draft_destroy(masking);
    mask_destroy(with);
}

/* A context's message is looked through for card numbers without expressions too. */
static void
masked_in_contexts(void **state)
{
    (void)state;
    write_json(draft, "{" STAMP ",\"action\":\"a\"}",
               "{\"message\":\"4111111111111111\",\"user_id\":\"u\"}", NULL);
    if (!bytes_is(draft_line(draft),
                  "{\"message\":\"[masked]\",\"user_id\":\"u\"," STAMP ",\"action\":\"a\"}"))
        fail_msg("%.*s", BYTES_ARG(draft_line(draft)));
    assert_int_equal(draft_masked(draft), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_by_name),     cmocka_unit_test(masked_card_numbers),
        cmocka_unit_test(masked_keys),        cmocka_unit_test(masked_by_expression),
        cmocka_unit_test(masked_in_contexts),
    };
    return cmocka_run_group_tests(tests, draft_set_up, draft_tear_down);
}
