#include "lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static tally_status
keep(void *context, struct reply *reply, struct tally_error *error)
{
    (void)error;
    struct buffer *seen = context;
    buffer_bytes(seen, reply->tape.text);
    buffer_byte(seen, '|');
    return TALLY_OK;
}

/* However a stream is cut, its lines come out. */
static void
cuts_do_not_matter(void **state)
{
    (void)state;
    static const struct bytes text =
        BYTES("{\"a\":1}\n[]\n\"\xc3\xbc\"\n{\"done\":17,\"total\":4}\n");
    for (size_t i = 0; i <= text.size; i++) {
        for (size_t j = i; j <= text.size; j++) {
            struct buffer seen = { 0 };
            struct lines lines = { .line = keep, .context = &seen };
            const struct bytes parts[] = {
                bytes_of(text.data, i),
                bytes_of(text.data + i, j - i),
                bytes_of(text.data + j, text.size - j),
            };
            for (size_t k = 0; k < 3; k++)
                assert_int_equal(lines_take(&lines, parts[k], NULL), TALLY_OK);
            assert_int_equal(lines_end(&lines, NULL), TALLY_OK);
            assert_true(bytes_is(buffer_view(&seen),
                                 "{\"a\":1}|[]|\"\xc3\xbc\"|{\"done\":17,\"total\":4}|"));
            lines_finish(&lines);
            buffer_free(&seen);
        }
    }
}

static void
what_is_no_line_of_json_is_a_fault(void **state)
{
    (void)state;
    static const char *const texts[] = { "<html>\n", "{}\n\n", "{\"a\":1}{}\n", "{\"a\":1\n}\n" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer seen = { 0 };
        struct lines lines = { .line = keep, .context = &seen };
        assert_int_equal(lines_take(&lines, bytes_text(texts[i]), NULL), TALLY_IO);
        lines_finish(&lines);
        buffer_free(&seen);
    }
}

static void
an_end_within_a_line_is_a_fault(void **state)
{
    (void)state;
    struct buffer seen = { 0 };
    struct lines lines = { .line = keep, .context = &seen };
    assert_int_equal(lines_take(&lines, bytes_text("{}\n{}"), NULL), TALLY_OK);
    assert_int_equal(lines_end(&lines, NULL), TALLY_IO);
    assert_true(bytes_is(buffer_view(&seen), "{}|"));
    lines_finish(&lines);
    buffer_free(&seen);
}

static tally_status
refuse(void *context, struct reply *reply, struct tally_error *error)
{
    (void)reply;
    (void)error;
    return ++*(unsigned *)context == 2 ? TALLY_ABSENT : TALLY_OK;
}

static void
a_refusal_ends_it(void **state)
{
    (void)state;
    unsigned count = 0;
    struct lines lines = { .line = refuse, .context = &count };
    assert_int_equal(lines_take(&lines, bytes_text("1\n2\n3\n"), NULL), TALLY_ABSENT);
    assert_int_equal(count, 2);
    lines_finish(&lines);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(what_is_no_line_of_json_is_a_fault),
        cmocka_unit_test(an_end_within_a_line_is_a_fault),
        cmocka_unit_test(a_refusal_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
