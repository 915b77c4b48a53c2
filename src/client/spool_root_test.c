#include "spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
the_default_root_is_of_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *spool, *state, *home, *root;
    } rows[] = {
        { "/a", "/b", "/c", "/a" },
        { "", "/b", "/c", "/b/tally/spool" },
        { NULL, "relative", "/c", "/c/.local/state/tally/spool" },
        { NULL, NULL, "/c", "/c/.local/state/tally/spool" },
        { NULL, NULL, "", NULL },
        { NULL, NULL, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const names[] = { "TALLY_SPOOL", "XDG_STATE_HOME", "HOME" };
        const char *const values[] = { rows[i].spool, rows[i].state, rows[i].home };
        for (size_t v = 0; v < 3; v++)
            (void)(values[v] == NULL ? unsetenv(names[v]) : setenv(names[v], values[v], 1));
        char *found = NULL;
        tally_status status = spool_root_default(&found, NULL);
        assert_int_equal(status, rows[i].root == NULL ? TALLY_ABSENT : TALLY_OK);
        if (rows[i].root != NULL)
            assert_string_equal(found, rows[i].root);
        free(found);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_root_is_of_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
