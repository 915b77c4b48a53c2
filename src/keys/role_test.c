#include "role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
roles_have_names(void **state)
{
    (void)state;
    enum role role;
    for (int i = ROLE_ADMIN; i < ROLE_NONE; i++) {
        assert_true(role_find(role_name((enum role)i), &role));
        assert_int_equal(role, i);
    }
    assert_string_equal(role_name(ROLE_NONE), "none");
    assert_false(role_find("none", &role)); /* nobody's key may have it */
    assert_false(role_find("", &role));
    assert_false(role_find("Admin", &role));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
