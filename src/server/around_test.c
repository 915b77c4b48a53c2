#include "around.h"

#include "filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void
check_filter(const struct bytes values[FIELD_COUNT], const char *expected)
{
    struct buffer text = { 0 };
    around_filter(values, &text);
    if (!bytes_is(buffer_view(&text), expected))
        fail_msg("%.*s", BYTES_ARG(buffer_view(&text)));
    buffer_free(&text);
}

static void
what_is_shared_is_asked_for(void **state)
{
    (void)state;
    struct bytes values[FIELD_COUNT] = { 0 };
    check_filter(values, "");
    values[FIELD_USER_ID] = bytes_text("u1");
    check_filter(values, "user_id:\"u1\"");
    values[FIELD_ACTION] = bytes_text("user.login"); /* many do the same thing */
    values[FIELD_REQUEST_ID] = bytes_text("r1");
    check_filter(values, "request_id:\"r1\" OR user_id:\"u1\"");
    values[FIELD_SESSION_ID] = bytes_of("", 0); /* no session is nobody's */
    check_filter(values, "request_id:\"r1\" OR user_id:\"u1\"");
}

/* Whatever stands in a value, the filter is one, and the entry belongs to itself and no other. */
static void
values_are_taken_as_they_are(void **state)
{
    (void)state;
    static const struct bytes texts[] = {
        BYTES("*"),           BYTES("a\"b"), BYTES("\\"),  BYTES("\\\""), BYTES("a OR b"),
        BYTES("u1\" OR \"x"), BYTES("a,b"),  BYTES("(a)"), BYTES("a\0b"), BYTES("\n\x1b"),
        BYTES("\xc3\xa9"),    BYTES("a..b"), BYTES(">=5"), BYTES(" "),    BYTES("-x:y"),
    };
    const struct filter_options options = { .now = 0 };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct bytes values[FIELD_COUNT] = { 0 };
        values[FIELD_USER_ID] = texts[i];
        values[FIELD_SESSION_ID] = texts[i];
        struct buffer text = { 0 };
        around_filter(values, &text);
        struct filter *filter;
        struct tally_error error = { 0 };
        if (filter_parse(buffer_view(&text), &options, &filter, &error) != TALLY_OK)
            fail_msg("%.*s: %s", BYTES_ARG(buffer_view(&text)), error.text);
        assert_int_equal(filter->root->kind, FILTER_OR);
        for (const struct filter_node *node = filter->root->first; node != NULL;
             node = node->next) {
            assert_int_equal(node->term.value_count, 1);
            assert_int_equal(node->term.values[0].kind, VALUE_TEXT);
            assert_true(pattern_exact(&node->term.values[0].pattern));
            assert_true(bytes_equal(node->term.values[0].pattern.parts[0], texts[i]));
        }
        filter_destroy(filter);
        buffer_free(&text);
    }
}

static void
a_limit_is_shared_out(void **state)
{
    (void)state;
    static const struct {
        size_t limit, before, after;
    } rows[] = { { 1, 0, 0 }, { 2, 1, 0 }, { 3, 1, 1 }, { 50, 25, 24 }, { 1000, 500, 499 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct around_share share = around_share(rows[i].limit);
        assert_int_equal(share.before, rows[i].before);
        assert_int_equal(share.after, rows[i].after);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shared_is_asked_for),
        cmocka_unit_test(values_are_taken_as_they_are),
        cmocka_unit_test(a_limit_is_shared_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
