#include "filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Whether it is a filter at all. */
static void
assert_parses(struct bytes text, const struct filter_options *options)
{
    struct filter *filter;
    struct tally_error error = { 0 };
    if (filter_parse(text, options, &filter, &error) != TALLY_OK)
        fail_msg("%.*s: column %u: %s", BYTES_ARG(text), error.column, error.text);
    filter_destroy(filter);
}

/* What other languages would have written so. "" where it is as good as it stands. */
static const struct {
    const char *text, *meant;
} foreign[] = {
    { "user=bob", "user:bob" },
    { "user_id==bob status=500", "user_id:bob status_code:500" },
    { "status>=500 OR status!=200", "status_code:>=500 OR -status_code:200" },
    { "status=failure", "status:failure" },
    { "-user=bob (ip<>10.0.0.0/8 OR -method!=GET)", "-user:bob (-ip:10.0.0.0/8 OR method:GET)" },
    { "user=\"bob smith\" timeout", "user:\"bob smith\" timeout" },
    { "user=Bob", "user:Bob" },
    { "details.port>1024", "details.port:>1024" },
    { "resource=report/r7 success=false", "resource:report/r7 success:false" },
    { "timestamp>=-7d", "timestamp:>=-7d" },
    { "user:bob and status:failure", "user:bob status:failure" },
    { "user:bob && not (status:failure or status>=500)",
      "user:bob -(status:failure OR status_code:>=500)" },
    { "user:bob || ! status:failure", "user:bob OR -status:failure" },
    { "user:bob Or user:ann", "user:bob OR user:ann" },
    { "terms and conditions", "terms conditions" },
    { "\"and\" user:bob", "" },
    { "-and -or", "" },
    { "user:and,or", "" },
    { "and", "" },
    { "", "" },
    { "user:bob", "" },
    { "\"user=bob\"", "" },
    { "details.q:user=bob", "" },
    { "details.q:a,user=bob", "" },
    { "id=", "" },
    { "=5", "" },
    { "colour=red", "" },
    { "status=lost", "" },
    { "a=b=c", "" },
};

static void
what_is_written_as_elsewhere_is_understood(void **state)
{
    (void)state;
    const struct filter_options options = { .now = 1 };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct buffer meant = { 0 };
        assert_parses(bytes_text(foreign[i].text), &options);
        bool any = filter_meant(bytes_text(foreign[i].text), &options, &meant);
        if (any != (foreign[i].meant[0] != '\0'))
            fail_msg("%s: %d", foreign[i].text, any);
        if (any && !bytes_is(buffer_view(&meant), foreign[i].meant))
            fail_msg("%s: %.*s", foreign[i].text, BYTES_ARG(buffer_view(&meant)));
        if (any)
            assert_parses(buffer_view(&meant), &options);
        buffer_free(&meant);
    }
}

/* What belongs together is for whoever asks to say: a filter that is refused says so. */
static void
parentheses_are_not_guessed(void **state)
{
    (void)state;
    const struct filter_options options = { .now = 1 };
    struct buffer meant = { 0 };
    assert_true(filter_meant(bytes_text("user:a and user:b or user:c"), &options, &meant));
    assert_true(bytes_is(buffer_view(&meant), "user:a user:b OR user:c"));
    buffer_free(&meant);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_as_elsewhere_is_understood),
        cmocka_unit_test(parentheses_are_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
