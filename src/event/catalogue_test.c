#include "catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct bytes
text(const char *value)
{
    return value == NULL ? (struct bytes){ 0 } : bytes_text(value);
}

static int
create(void **state)
{
    struct catalogue *catalogue;
    assert_int_equal(catalogue_create(NULL, 0, &catalogue, NULL), TALLY_OK);
    *state = catalogue;
    return 0;
}

static int
destroy(void **state)
{
    catalogue_destroy(*state);
    return 0;
}

static void
every_type_is_found(void **state)
{
    const struct catalogue *catalogue = *state;
    for (size_t i = 0; i < CATALOGUE_STANDARD; i++) {
        const struct catalogue_row *row =
            catalogue_by_type(catalogue, catalogue_standard[i].event_type);
        assert_non_null(row);
        assert_true(bytes_equal(row->action, catalogue_standard[i].action));
    }
    assert_null(catalogue_by_type(catalogue, text("login")));
    assert_null(catalogue_by_type(catalogue, text("")));
}

static void
actions_imply_types(void **state)
{
    static const struct {
        const char *action;
        const char *status;
        const char *event_type;
    } rows[] = {
        { "user.logout", NULL, "logout" },                         /* the only row */
        { "security.violation", "success", "security_violation" }, /* whatever the status */
        { "user.login", "success", "login_success" },              /* the status decides */
        { "user.login", "failure", "login_failure" },
        { "user.login", "error", NULL }, /* no row has it */
        { "user.login", NULL, NULL },    /* not known: nothing is implied */
        { "access.check", "failure", "access_denied" },
        { "login", NULL, NULL }, /* no such action */
        { "", NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct catalogue_row *row =
            catalogue_by_action(*state, text(rows[i].action), text(rows[i].status));
        assert_int_equal(row != NULL, rows[i].event_type != NULL);
        if (row != NULL)
            assert_true(bytes_is(row->event_type, rows[i].event_type));
    }
}

static void
applications_add_rows(void **state)
{
    (void)state;
    char name[] = "invoice_void";
    const struct catalogue_row added[] = {
        { text(name), text("high"), text("invoice.void"), text("D"), text(NULL) },
        { text("login_locked"), text("high"), text("user.login"), text(NULL), text("error") },
        { text("logout_forced"), text("low"), text("user.logout"), text(NULL), text("success") },
    };
    struct catalogue *catalogue;
    assert_int_equal(catalogue_create(added, 3, &catalogue, NULL), TALLY_OK);
    memset(name, 'x', sizeof name - 1); /* rows are copied */

    const struct catalogue_row *row = catalogue_by_type(catalogue, text("invoice_void"));
    assert_non_null(row);
    assert_true(bytes_is(row->action, "invoice.void"));
    assert_ptr_equal(catalogue_by_action(catalogue, text("invoice.void"), text(NULL)), row);

    /* A third row with an action: its status decides too. */
    row = catalogue_by_action(catalogue, text("user.login"), text("error"));
    assert_true(bytes_is(row->event_type, "login_locked"));
    /* Two rows with one action and one status: nothing decides. */
    assert_null(catalogue_by_action(catalogue, text("user.logout"), text("success")));
    catalogue_destroy(catalogue);
}

static void
wrong_rows_are_refused(void **state)
{
    static const struct {
        const char *why;
        const char *event_type, *severity, *crud, *status;
    } rows[] = {
        { "no type", NULL, "low", NULL, NULL },
        { "empty type", "", "low", NULL, NULL },
        { "a standard type", "logout", "low", NULL, NULL },
        { "severity", "a", "lowest", NULL, NULL },
        { "severity spelled otherwise", "a", "Low", NULL, NULL },
        { "crud", "a", NULL, "X", NULL },
        { "crud spelled otherwise", "a", NULL, "c", NULL },
        { "status", "a", NULL, NULL, "ok" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct catalogue_row row = { text(rows[i].event_type), text(rows[i].severity),
                                           text(NULL), text(rows[i].crud), text(rows[i].status) };
        struct catalogue *catalogue = NULL;
        struct tally_error error;
        if (catalogue_create(&row, 1, &catalogue, &error) != TALLY_INVALID)
            fail_msg("accepted: %s", rows[i].why);
        assert_null(catalogue);
        assert_true(error.text[0] != '\0');
    }
}

/* As many rows as there may be: none is lost among the slots. */
static void
many_rows_are_found(void **state)
{
    (void)state;
    static char names[CATALOGUE_ADDED_MAX + 1][16];
    static struct catalogue_row rows[CATALOGUE_ADDED_MAX + 1];
    for (size_t i = 0; i <= CATALOGUE_ADDED_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "type_%zu", i);
        rows[i] = (struct catalogue_row){ .event_type = text(names[i]), .action = text(names[i]) };
    }
    struct catalogue *catalogue;
    assert_int_equal(catalogue_create(rows, CATALOGUE_ADDED_MAX + 1, &catalogue, NULL),
                     TALLY_INVALID);
    assert_int_equal(catalogue_create(rows, CATALOGUE_ADDED_MAX, &catalogue, NULL), TALLY_OK);
    for (size_t i = 0; i < CATALOGUE_ADDED_MAX; i++) {
        const struct catalogue_row *row = catalogue_by_type(catalogue, text(names[i]));
        assert_non_null(row);
        assert_ptr_equal(catalogue_by_action(catalogue, text(names[i]), text(NULL)), row);
    }
    catalogue_destroy(catalogue);
}

static void
methods_and_codes(void **state)
{
    static const char *const methods[][2] = {
        { "POST", "C" },  { "GET", "R" },    { "HEAD", "R" },   { "PUT", "U" },
        { "PATCH", "U" }, { "DELETE", "D" }, { "delete", "D" }, { "OPTIONS", NULL },
        { "", NULL },     { "POSTS", NULL },
    };
    static const char *const codes[][2] = {
        { "100", NULL },      { "200", NULL },    { "399", NULL },    { "400", "failure" },
        { "499", "failure" }, { "500", "error" }, { "999", "error" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        assert_true(
            bytes_equal(catalogue_crud_of_method(text(methods[i][0])), text(methods[i][1])));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_true(bytes_equal(catalogue_status_of_code(text(codes[i][0])), text(codes[i][1])));
}

static void
the_catalogue_that_fills_in_nothing(void **state)
{
    (void)state;
    assert_null(catalogue_by_type(catalogue_none(), text("logout")));
    assert_null(catalogue_by_action(catalogue_none(), text("user.logout"), text(NULL)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_found),
        cmocka_unit_test(actions_imply_types),
        cmocka_unit_test(applications_add_rows),
        cmocka_unit_test(wrong_rows_are_refused),
        cmocka_unit_test(many_rows_are_found),
        cmocka_unit_test(methods_and_codes),
        cmocka_unit_test(the_catalogue_that_fills_in_nothing),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
