#include "map_function.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *function;
    const char *first;
    const char *second;
    const char *result; /* "": no value */
    const char *why;
};

static const struct row rows[] = {
    { "lower", "CREATE-Über 1", NULL, "create-Über 1", "ASCII only" },
    { "snake", "ConsoleLogin", NULL, "console_login", "" },
    { "snake", "AwsApiCall", NULL, "aws_api_call", "" },
    { "snake", "GetEC2Instance", NULL, "get_ec2_instance", "a word behind a digit" },
    { "snake", "SAMLUser", NULL, "saml_user", "an abbreviation" },
    { "snake", "  Registry value--Set!", NULL, "registry_value_set", "signs join words" },
    { "snake", "already_snake", NULL, "already_snake", "" },
    { "snake", "été À", NULL, "été_À", "other scripts are letters" },
    { "snake", "--", NULL, "", "nothing left" },
    { "before", "s3.amazonaws.com", ".amazonaws.com", "s3", "" },
    { "before", "s3.example.com", ".amazonaws.com", "", "not there" },
    { "before", ".x.x", ".x", "", "nothing before it" },
    { "before", "a.b.c", ".", "a", "the first" },
    { "before", "abc", "", "", "the empty text is nowhere" },
    { "after", "user:a:b", ":", "a:b", "the first" },
    { "after", "user", ":", "", "not there" },
    { "after", "user:", ":", "", "nothing behind it" },
    { "last", "a/b/c", "/", "c", "" },
    { "last", "abc", "/", "abc", "without it, all" },
    { "last", "abc/", "/", "", "nothing behind it" },
    { "last", "aXXXb", "XX", "Xb", "from the left" },
    { "email", "alice@example.com", NULL, "alice@example.com", "" },
    { "email", "a.b+c@x-y.example", NULL, "a.b+c@x-y.example", "" },
    { "email", "alice", NULL, "", "no @" },
    { "email", "@example.com", NULL, "", "nobody" },
    { "email", "alice@", NULL, "", "nowhere" },
    { "email", "alice@localhost", NULL, "", "no domain" },
    { "email", "alice@.com", NULL, "", "no domain before the point" },
    { "email", "alice@example.", NULL, "", "nothing behind the point" },
    { "email", "a@b@example.com", NULL, "", "two" },
    { "email", "user:alice@example.com", NULL, "", "a principal's name" },
    { "email", "alice @example.com", NULL, "", "a blank" },
    { "email", "<alice@example.com>", NULL, "", "brackets" },
    { "unix", "0", NULL, "1970-01-01T00:00:00Z", "" },
    { "unix", "1591743060", NULL, "2020-06-09T22:51:00Z", "" },
    { "unix", "1591743060.5", NULL, "2020-06-09T22:51:00.5Z", "its digits" },
    { "unix", "1591743060.120000000999", NULL, "2020-06-09T22:51:00.120000000Z", "nine of them" },
    { "unix", "-1", NULL, "1969-12-31T23:59:59Z", "before 1970" },
    { "unix", "-0.5", NULL, "1969-12-31T23:59:59.5Z", "half a second before" },
    { "unix", "1591743060.", NULL, "", "no digits" },
    { "unix", ".5", NULL, "", "no second" },
    { "unix", "-.5", NULL, "", "no second but a sign" },
    { "unix", "1.5.5", NULL, "", "two points" },
    { "unix", "1.59e9", NULL, "", "an exponent" },
    { "unix", "soon", NULL, "", "no number" },
    { "unix", "-", NULL, "", "no digits" },
    { "unix", "99999999999999999999", NULL, "", "too large" },
    { "unix", "9223372037", NULL, "", "beyond an int64" },
    { "unix_ms", "1591743060123", NULL, "2020-06-09T22:51:00.123Z", "" },
    { "unix_ms", "-1", NULL, "1969-12-31T23:59:59.999Z", "" },
    { "unix_ms", "1591743060123.5", NULL, "2020-06-09T22:51:00.1235Z",
      "a fraction of a millisecond" },
    { "unix_ms", "1591743060123.0", NULL, "2020-06-09T22:51:00.1230Z", "written as a float" },
    { "unix_ms", "1591743060123.4567891", NULL, "2020-06-09T22:51:00.123456789Z",
      "nine digits at most" },
    { "unix_ms", "1591743060123.5x", NULL, "", "no number" },
    { "unix_us", "1591743060123456.0", NULL, "2020-06-09T22:51:00.1234560Z", "" },
    { "unix_ns", "1591743060123456789.9", NULL, "2020-06-09T22:51:00.123456789Z",
      "no place for a fraction" },
    { "unix_us", "1591743060123456", NULL, "2020-06-09T22:51:00.123456Z", "" },
    { "unix_ns", "1591743060123456789", NULL, "2020-06-09T22:51:00.123456789Z", "" },
    { "unix_ns", "9223372036854775807", NULL, "2262-04-11T23:47:16.854775807Z", "the last" },
    { "unix_ns", "9223372036854775808", NULL, "", "beyond it" },
};

static void
each_function(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const struct map_function *function = map_function_find(bytes_text(row->function));
        assert_non_null(function);
        assert_int_equal(function->arguments, row->second == NULL ? 1 : 2);
        assert_int_equal(function->times, strncmp(row->function, "unix", 4) == 0);
        struct bytes arguments[MAP_ARGUMENTS_MAX] = { bytes_text(row->first) };
        if (row->second != NULL)
            arguments[1] = bytes_text(row->second);

        /* Just the room that is promised, for the sanitizer to guard. */
        size_t room = MAP_RESULT_SIZE_MAX(arguments[0].size);
        uint8_t *out = malloc(room);
        assert_non_null(out);
        struct bytes result = bytes_of(out, function->call(arguments, out));
        if (!bytes_is(result, row->result))
            fail_msg("%s(%s) gave %.*s: %s", row->function, row->first, BYTES_ARG(result),
                     row->why);
        free(out);
    }
}

/* Whatever is said to be a time, can be read as one or is out of its years. */
static void
times_are_times(void **state)
{
    (void)state;
    static const char *const names[] = { "unix", "unix_ms", "unix_us", "unix_ns" };
    uint64_t x = 1;
    for (unsigned round = 0; round < 40000; round++) {
        char text[24];
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        int size = snprintf(text, sizeof text, "%lld", (long long)(int64_t)x >> (round % 60));
        struct bytes argument = bytes_of(text, (size_t)size);
        uint8_t out[128];
        struct instant instant;
        const char *reason = "";
        size_t got = map_function_find(bytes_text(names[round % 4]))->call(&argument, out);
        if (got == 0 || instant_parse(bytes_of(out, got), &instant, &reason))
            continue;
        assert_non_null(strstr(reason, "year"));
    }
}

static void
names_are_found(void **state)
{
    (void)state;
    assert_null(map_function_find(bytes_text("")));
    assert_null(map_function_find(bytes_text("lowe")));
    assert_null(map_function_find(bytes_text("lowers")));
    /* The list for messages names all of them, and no others. */
    char list[128];
    (void)snprintf(list, sizeof list, "%s", map_function_names);
    size_t count = 0;
    for (char *name = strtok(list, ", "); name != NULL; name = strtok(NULL, ", "), count++)
        assert_non_null(map_function_find(bytes_text(name)));
    assert_int_equal(count, 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_function),
        cmocka_unit_test(times_are_times),
        cmocka_unit_test(names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
