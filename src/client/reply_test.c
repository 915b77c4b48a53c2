#include "reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
members_are_what_they_are_asked_for_as(void **state)
{
    (void)state;
    struct reply reply = { 0 };
    assert_int_equal(
        reply_read(&reply,
                   bytes_text("{\"text\":\"a\\u0062\",\"none\":null,\"most\":18446744073709551615,"
                              "\"more\":18446744073709551616,\"part\":1.0,\"less\":-1,\"yes\":true,"
                              "\"list\":[1,[2,3],4],\"\":\"empty\"}"),
                   NULL),
        TALLY_OK);
    assert_true(bytes_is(reply_text(&reply, 0, "text"), "ab"));
    assert_true(bytes_is(reply_text(&reply, 0, ""), "empty"));
    assert_null(reply_text(&reply, 0, "none").data);
    assert_null(reply_text(&reply, 0, "most").data);
    assert_null(reply_text(&reply, 0, "absent").data);
    assert_int_equal(reply_member(&reply, 0, "none"), 0);

    uint64_t number = 7;
    assert_true(reply_number(&reply, 0, "most", &number));
    assert_true(number == UINT64_MAX);
    number = 7;
    static const char *const no_numbers[] = { "more", "part", "less", "text", "yes", "absent" };
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++)
        assert_false(reply_number(&reply, 0, no_numbers[i], &number));
    assert_int_equal(number, 7);

    assert_true(reply_is_true(&reply, 0, "yes"));
    assert_false(reply_is_true(&reply, 0, "text"));
    uint32_t list = reply_array(&reply, 0, "list");
    assert_int_not_equal(list, 0);
    assert_int_equal(reply_array(&reply, 0, "text"), 0);
    unsigned count = 0;
    for (uint32_t i = list + 1; i < reply.tape.nodes[list].next; i = reply.tape.nodes[i].next)
        count++;
    assert_int_equal(count, 3);
    reply_finish(&reply);
}

static void
rows_take_what_their_columns_hold(void **state)
{
    (void)state;
    static const struct listing_column columns[] = {
        { .name = "text" },
        { .name = "number", .kind = CELL_NUMBER },
        { .name = "json", .kind = CELL_JSON },
        { .name = "absent" },
    };
    struct bytes cells[4];
    struct reply reply = { 0 };
    assert_int_equal(reply_read(&reply,
                                bytes_text("{\"json\":[true,{}],\"number\":1e-7,\"text\":\"\\n\"}"),
                                NULL),
                     TALLY_OK);
    reply_cells(&reply, 0, columns, 4, cells);
    assert_true(bytes_is(cells[0], "\n"));
    assert_true(bytes_is(cells[1], "1e-7"));
    assert_true(bytes_is(cells[2], "[true,{}]"));
    assert_null(cells[3].data);

    /* What is of another kind is absent: nothing else may stand where a number is printed. */
    assert_int_equal(
        reply_read(&reply, bytes_text("{\"number\":\"1\",\"text\":1,\"json\":null}"), NULL),
        TALLY_OK);
    reply_cells(&reply, 0, columns, 4, cells);
    for (size_t i = 0; i < 4; i++)
        assert_null(cells[i].data);
    reply_finish(&reply);
}

static void
one_reply_reads_many(void **state)
{
    (void)state;
    struct reply reply = { 0 };
    struct tally_error error;
    struct buffer large = { 0 };
    buffer_text(&large, "[0");
    for (unsigned i = 0; i < 10000; i++)
        buffer_text(&large, ",1");
    buffer_byte(&large, ']');
    assert_int_equal(reply_read(&reply, bytes_text("1"), &error), TALLY_OK);
    assert_int_equal(reply_read(&reply, buffer_view(&large), &error), TALLY_OK);
    assert_int_equal(reply.tape.count, 10002);
    assert_int_equal(reply_read(&reply, bytes_text("<html>"), &error), TALLY_IO);
    assert_int_equal(reply_read(&reply, bytes_text(""), &error), TALLY_IO);
    assert_int_equal(reply_read(&reply, bytes_text("{}"), &error), TALLY_OK);
    assert_int_equal(reply_member(&reply, 0, "a"), 0);
    reply_finish(&reply);
    buffer_free(&large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_what_they_are_asked_for_as),
        cmocka_unit_test(rows_take_what_their_columns_hold),
        cmocka_unit_test(one_reply_reads_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
