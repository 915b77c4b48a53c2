#include "findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
make_file(char path[32], const char *text)
{
    (void)strcpy(path, "/tmp/findings-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(file), 0);
}

static void
reads_all_engines_and_sizes(void **state)
{
    (void)state;
    char large[32];
    char small[32];
    char large_argument[64];
    char small_argument[64];
    make_file(large, "\"count, all\",p50,2.5\n\"count, all\",p99,1e+02\n");
    make_file(small, "\"count, all\",p50,0.25\n");
    (void)snprintf(large_argument, sizeof large_argument, "trail:1000000:%s", large);
    (void)snprintf(small_argument, sizeof small_argument, "sqlite:20000:%s", small);
    char *arguments[] = { large_argument, small_argument, small_argument };
    struct findings findings;
    findings_read(3, arguments, &findings);
    assert_int_equal(findings.size_count, 2);
    assert_int_equal(findings.sizes[0], 20000);
    assert_int_equal(findings.sizes[1], 1000000);
    assert_true(findings_value(&findings, ENGINE_TRAIL, 1000000, "count, all", "p99") == 100);
    assert_true(findings_value(&findings, ENGINE_SQLITE, 20000, "count, all", "p50") == 0.25);
    /* Neither that engine's, nor of that size, nor that measure. */
    assert_true(findings_value(&findings, ENGINE_TRAIL, 20000, "count, all", "p50") == -1);
    assert_true(findings_value(&findings, ENGINE_SQLITE, 1000000, "count, all", "p50") == -1);
    assert_true(findings_value(&findings, ENGINE_SQLITE, 20000, "count, all", "p99") == -1);
    assert_true(findings_value(&findings, ENGINE_SQLITE, 20000, "count", "p50") == -1);
    findings_free(&findings);
    (void)unlink(large);
    (void)unlink(small);
}

static void
numbers_are_spelled_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { 999, "999" },
        { 1000, "1,000" },
        { 200005, "200,005" },
        { 1000000, "1 million" },
        { 100000000, "100 million" },
        { 1002003, "1,002,003" }, /* not "1 million" */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[FINDINGS_NUMBER_SIZE];
        findings_number(rows[i].number, text);
        assert_string_equal(text, rows[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_engines_and_sizes),
        cmocka_unit_test(numbers_are_spelled_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
