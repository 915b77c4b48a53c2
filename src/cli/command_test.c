#include "command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The table that main.c has in the program. */
const struct command *const commands[] = { NULL };

static const struct command_option options[] = {
    { "limit", "N", "" },
    { "control", NULL, "" },
    { NULL, NULL, NULL },
};

static const struct command plain = { .name = "plain", .operands = "", .options = options };
static const struct command filtering = {
    .name = "filtering",
    .operands = "",
    .options = options,
    .ways = COMMAND_FILTER,
};
static const struct command recording = {
    .name = "recording",
    .operands = "",
    .options = options,
    .ways = COMMAND_FIELDS,
};

#define WORDS_MAX 8

static int
read_words(const struct command *command, const char *const *words, struct invocation *invocation)
{
    char *copies[WORDS_MAX + 1] = { NULL };
    int count = 0;
    for (; words[count] != NULL; count++)
        copies[count] = (char *)words[count];
    return invocation_read(command, "tally", count, copies, invocation);
}

static void
options_stand_anywhere(void **state)
{
    (void)state;
    static const char *const orders[][WORDS_MAX] = {
        { "--limit", "5", "a", "b" },
        { "a", "--limit", "5", "b" },
        { "a", "b", "--limit=5" },
        { "a", "--limit", "7", "b", "--limit", "5" }, /* the last counts */
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct invocation invocation;
        assert_int_equal(read_words(&plain, orders[i], &invocation), DONE);
        assert_int_equal(invocation.operand_count, 2);
        assert_string_equal(invocation.operands[0], "a");
        assert_string_equal(invocation.operands[1], "b");
        assert_string_equal(option_value(&invocation, "limit"), "5");
        assert_false(option_given(&invocation, "control"));
        assert_null(option_value(&invocation, "control"));
        invocation_finish(&invocation);
    }
}

static void
filter_terms_are_operands(void **state)
{
    (void)state;
    static const char *const words[] = { "WHERE",     "-user_id:u1", "-details.\"a b\".c:x",
                                         "--control", "-\"text\"",   "-(status:error",
                                         NULL };
    struct invocation invocation;
    assert_int_equal(read_words(&filtering, words, &invocation), DONE);
    assert_int_equal(invocation.operand_count, 5);
    assert_string_equal(invocation.operands[1], "-user_id:u1");
    assert_string_equal(invocation.operands[2], "-details.\"a b\".c:x");
    assert_string_equal(invocation.operands[3], "-\"text\"");
    assert_string_equal(invocation.operands[4], "-(status:error");
    assert_true(option_given(&invocation, "control"));
    invocation_finish(&invocation);

    /* What is no term is an option, and there is none of that name. */
    static const char *const slips[][3] = { { "-l" }, { "-limit" }, { "-x", "5" } };
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++)
        assert_int_equal(read_words(&filtering, slips[i], &invocation), MISUSED);
    /* Elsewhere a word like a term is an option. */
    static const char *const elsewhere[] = { "-user_id:u1", NULL };
    assert_int_equal(read_words(&plain, elsewhere, &invocation), MISUSED);
}

static void
two_minuses_end_options(void **state)
{
    (void)state;
    static const char *const words[] = { "a", "--", "--limit", "-x", "-y:z", NULL };
    struct invocation invocation;
    assert_int_equal(read_words(&filtering, words, &invocation), DONE);
    assert_int_equal(invocation.operand_count, 4);
    assert_string_equal(invocation.operands[1], "--limit");
    assert_string_equal(invocation.operands[2], "-x");
    assert_string_equal(invocation.operands[3], "-y:z");
    invocation_finish(&invocation);
}

static void
slips_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        { "--nothing" },      /* no such option */
        { "--limit" },        /* its value is missing */
        { "--control=yes" },  /* it takes none */
        { "--action", "a.b" } /* a field, and this command takes none */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct invocation invocation;
        assert_int_equal(read_words(&plain, rows[i], &invocation), MISUSED);
    }
}

static void
fields_are_options_in_both_spellings(void **state)
{
    (void)state;
    static const char *const words[] = { "--user-id", "u1",  "--user_id", "u2",
                                         "--action",  "a.b", NULL };
    struct invocation invocation;
    assert_int_equal(read_words(&recording, words, &invocation), DONE);
    size_t at = 0;
    assert_string_equal(option_next(&invocation, "user_id", &at), "u1");
    assert_string_equal(option_next(&invocation, "user_id", &at), "u2");
    assert_null(option_next(&invocation, "user_id", &at));
    assert_string_equal(option_value(&invocation, "action"), "a.b");
    invocation_finish(&invocation);

    /* Only the trail itself sets these. */
    static const char *const reserved[][3] = { { "--writer", "x" },
                                               { "--received", "x" },
                                               { "--v", "1" } };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        assert_int_equal(read_words(&recording, reserved[i], &invocation), MISUSED);
}

static void
numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int outcome;
        unsigned long long number;
    } rows[] = {
        { "0", DONE, 0 },
        { "100", DONE, 100 },
        { "101", MISUSED, 0 },
        { "-1", MISUSED, 0 },
        { "+1", MISUSED, 0 },
        { "", MISUSED, 0 },
        { "5x", MISUSED, 0 },
        { " 5", MISUSED, 0 },
        { "0x10", MISUSED, 0 },
        { "1e2", MISUSED, 0 },
        { "99999999999999999999999", MISUSED, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const words[] = { "--limit", rows[i].text, NULL };
        struct invocation invocation;
        assert_int_equal(read_words(&plain, words, &invocation), DONE);
        unsigned long long number = 77;
        assert_int_equal(option_number(&invocation, "limit", 50, 100, &number), rows[i].outcome);
        assert_int_equal(number, rows[i].outcome == DONE ? rows[i].number : 77);
        invocation_finish(&invocation);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(filter_terms_are_operands),
        cmocka_unit_test(two_minuses_end_options),
        cmocka_unit_test(slips_are_refused),
        cmocka_unit_test(fields_are_options_in_both_spellings),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
