#include "codec_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_extreme_keys(void **unused)
{
    (void)unused;
    static const int64_t keys[] = { INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1 };
    struct made_page *made = calloc(1, sizeof *made);
    for (unsigned round = 0; round < 50; round++) {
        uint32_t rows = 1 + draw_below(600);
        for (uint32_t row = 0; row < rows; row++) {
            made->forms[row] = (uint8_t)draw_below(10);
            made->keys[row] =
                round % 2 == 0 ? keys[draw_below(7)] : (int64_t)(draw() >> draw_below(64));
        }
        made->page = (struct page){
            .kind = PAGE_NUMBERS, .rows = rows, .keys = made->keys, .forms = made->forms
        };
        made->hint = round % 3 == 0 ? COLUMN_HINT_TIME : COLUMN_HINT_NUMBER;
        check_page(made, CODEC_NUMBERS);
    }
    free(made);
}

/* The bounds of a page of numbers: the example of docs/format.md, and where they are not known. */
static void
test_bounds(void **unused)
{
    (void)unused;
    static const struct {
        const char *values[3];
        bool bounded;
        uint8_t digits;
        int64_t minimum, maximum;
    } rows[] = {
        { { "12.5", "3", NULL }, true, 1, 30, 125 },
        { { "-3", "-3.00", "0" }, true, 2, -300, 0 },
        { { "0.5", "99999999999999999", NULL }, true, 1, 5, 999999999999999990 },
        { { "0.5", "100000000000000000", NULL }, false, 0, 0, 0 }, /* 19 digits */
        { { "1", "1e3", NULL }, false, 0, 0, 0 },                  /* an exception */
    };
    struct made_page *made = calloc(1, sizeof *made);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out = { 0 };
        struct page_summary summary;
        for (unsigned row = 0; row < 3; row++)
            made->values[row] =
                rows[i].values[row] == NULL ? bytes_of(NULL, 0) : bytes_text(rows[i].values[row]);
        lay_out(made, PAGE_NUMBERS, COLUMN_HINT_NUMBER, 3);
        const struct page_source source = { &made->page, NULL, NULL };
        assert_int_equal(codec_encode_page(workspace, CODEC_NUMBERS, COLUMN_HINT_NUMBER, &source,
                                           &out, &summary, NULL),
                         TALLY_OK);
        assert_int_equal(summary.bounded, rows[i].bounded);
        assert_int_equal(summary.digits, rows[i].digits);
        assert_true(summary.minimum == rows[i].minimum && summary.maximum == rows[i].maximum);
        buffer_free(&out);
    }
    free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extreme_keys),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
