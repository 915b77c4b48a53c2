#include "percentile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
ranks_are_read_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed, *why;
    } rows[] = {
        { "50", "50", "one" },
        { "99,50", "50,99", "in order" },
        { "50,50.0,50", "50", "once" },
        { "0.001,99.999,100", "0.001,99.999,100", "the limits" },
        { "99.90,12.05,0.5", "0.5,12.05,99.9", "zeros at the end, and within" },
        { "050", "50", "zeros before" },
        { "", NULL, "nothing" },
        { "50,", NULL, "nothing behind a comma" },
        { ",50", NULL, "nor before it" },
        { "0", NULL, "no number is at place 0" },
        { "0.0", NULL, "nor here" },
        { "100.001", NULL, "beyond all" },
        { "1000", NULL, "four digits" },
        { "99.9999", NULL, "finer than thousandths" },
        { "99.", NULL, "no digit behind the point" },
        { ".5", NULL, "none before it" },
        { "-5", NULL, "a sign" },
        { "p50", NULL, "a letter" },
        { "50 ,90", NULL, "a blank" },
        { "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
          "as many as there may be" },
        { "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", NULL, "one more" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct percentile_ranks ranks = { .count = 99 };
        struct buffer out = { 0 };
        bool read = percentile_read(bytes_text(rows[i].text), &ranks);
        if (read != (rows[i].printed != NULL))
            fail_msg("%s: %s", rows[i].text, rows[i].why);
        if (!read) {
            assert_int_equal(ranks.count, 99);
            continue;
        }
        for (size_t j = 0; j < ranks.count; j++) {
            if (j > 0)
                buffer_byte(&out, ',');
            percentile_print(ranks.ranks[j], &out);
        }
        if (!bytes_equal(buffer_view(&out), bytes_text(rows[i].printed)))
            fail_msg("%s: %.*s", rows[i].text, BYTES_ARG(buffer_view(&out)));
        buffer_free(&out);
    }
}

static void
every_rank_comes_back(void **state)
{
    (void)state;
    for (uint32_t rank = 1; rank <= PERCENTILE_WHOLE; rank++) {
        struct percentile_ranks ranks;
        struct buffer out = { 0 };
        percentile_print(rank, &out);
        assert_true(percentile_read(buffer_view(&out), &ranks));
        assert_int_equal(ranks.count, 1);
        assert_int_equal(ranks.ranks[0], rank);
        buffer_free(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_read_and_printed),
        cmocka_unit_test(every_rank_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
