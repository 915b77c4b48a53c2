#include "tally/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static void
traceparents(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *text;
        tally_status status;
    } rows[] = {
        { "the standard's example", "00-" TRACE "-" PARENT "-01", TALLY_OK },
        { "not sampled", "00-" TRACE "-" PARENT "-00", TALLY_OK },
        { "a later version", "01-" TRACE "-" PARENT "-01", TALLY_OK },
        { "a later version with more", "cc-" TRACE "-" PARENT "-01-what-else", TALLY_OK },
        { "a later version that goes on", "cc-" TRACE "-" PARENT "-01x", TALLY_INVALID },
        { "version 0 with more", "00-" TRACE "-" PARENT "-01-what-else", TALLY_INVALID },
        { "version ff", "ff-" TRACE "-" PARENT "-01", TALLY_INVALID },
        { "no trace", "00-00000000000000000000000000000000-" PARENT "-01", TALLY_INVALID },
        { "no parent", "00-" TRACE "-0000000000000000-01", TALLY_INVALID },
        { "upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", TALLY_INVALID },
        { "cut short", "00-" TRACE "-" PARENT "-0", TALLY_INVALID },
        { "no digit", "00-" TRACE "-" PARENT "-0g", TALLY_INVALID },
        { "other dashes", "00_" TRACE "-" PARENT "-01", TALLY_INVALID },
        { "the trace alone", TRACE, TALLY_INVALID },
        { "empty", "", TALLY_INVALID },
        { "absent", NULL, TALLY_INVALID },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[TALLY_TRACE_ID_SIZE] = "untouched";
        if (tally_trace_id(rows[i].text, id) != rows[i].status)
            fail_msg("%s", rows[i].why);
        assert_string_equal(id, rows[i].status == TALLY_OK ? TRACE : "untouched");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(traceparents) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
