#include "nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
the_name_that_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *meant; /* NULL: none */
        const char *why;
    } rows[] = {
        { "limit", "limit", "the name itself" },
        { "LIMIT", "limit", "in another case" },
        { "limt", "limit", "a letter is missing" },
        { "limmit", "limit", "a letter too many" },
        { "limot", "limit", "another letter" },
        { "liimt", "limit", "two letters that changed places" },
        { "lmt", "limit", "two letters are missing" },
        { "lt", NULL, "three are missing" },
        { "lxyit", "limit", "two other letters" },
        { "xyzit", NULL, "three" },
        { "usr", "user_id", "another name of it" },
        { "by", "by", "a short one as it is" },
        { "bz", NULL, "a short one that is not" },
        { "", NULL, "nothing" },
        { "limi@", "limit", "no letter" },
        { "l\xc4\xb0mit", "limit", "bytes beyond ASCII" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nearest nearest;
        nearest_init(&nearest, bytes_text(rows[i].typed));
        nearest_offer(&nearest, bytes_text("by"), bytes_text("by"));
        nearest_offer(&nearest, bytes_text("limit"), bytes_text("limit"));
        nearest_offer(&nearest, bytes_text("user"), bytes_text("user_id"));
        bool right = rows[i].meant == NULL
                         ? nearest.name.data == NULL
                         : bytes_compare(nearest.name, bytes_text(rows[i].meant)) == 0;
        if (!right)
            fail_msg("%s: \"%.*s\"", rows[i].why, BYTES_ARG(nearest.name));
    }
}

static void
of_two_the_nearer_and_the_first(void **state)
{
    (void)state;
    struct nearest nearest;
    nearest_init(&nearest, bytes_text("stat"));
    nearest_offer(&nearest, bytes_text("state2"), bytes_text("two away"));
    nearest_offer(&nearest, bytes_text("stats"), bytes_text("one away"));
    nearest_offer(&nearest, bytes_text("state"), bytes_text("one away, too"));
    assert_true(bytes_compare(nearest.name, bytes_text("one away")) == 0);
}

static void
long_names_resemble_none(void **state)
{
    (void)state;
    static const uint8_t text[NEAREST_NAME_MAX + 1] = { 0 };
    struct bytes fits = bytes_of(text, NEAREST_NAME_MAX), longer = bytes_of(text, sizeof text);
    struct nearest nearest;
    nearest_init(&nearest, fits);
    nearest_offer(&nearest, longer, longer);
    assert_null(nearest.name.data);
    nearest_offer(&nearest, fits, fits);
    assert_non_null(nearest.name.data);
    nearest_init(&nearest, longer);
    nearest_offer(&nearest, fits, fits);
    assert_null(nearest.name.data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_that_was_meant),
        cmocka_unit_test(of_two_the_nearer_and_the_first),
        cmocka_unit_test(long_names_resemble_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
