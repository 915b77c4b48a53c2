#include "codec_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_remap(void **unused)
{
    (void)unused;
    static const uint32_t remap[] = { 0, 3, 1, 2 };
    static const uint32_t codes[] = { 1, 2, 3, 0, 1 };
    static const uint32_t expected[] = { 3, 1, 2, 0, 3 };
    const struct page page = { .kind = PAGE_CODES, .rows = 5, .codes = codes };
    const struct page_source source = { &page, NULL, remap };
    struct buffer out = { 0 };
    struct page_summary summary;
    struct page back;

    assert_int_equal(
        codec_encode_page(workspace, CODEC_CODES, COLUMN_HINT_CODES, &source, &out, &summary, NULL),
        TALLY_OK);
    assert_int_equal(summary.minimum, 0);
    assert_int_equal(summary.maximum, 3);
    assert_int_equal(codec_decode_page(decoder, CODEC_CODES, COLUMN_HINT_CODES, 5, 3,
                                       buffer_view(&out), &back, NULL),
                     TALLY_OK);
    assert_memory_equal(back.codes, expected, sizeof expected);
    /* The same bytes for a dictionary of two values: one code is beyond it. */
    assert_int_equal(codec_decode_page(decoder, CODEC_CODES, COLUMN_HINT_CODES, 5, 2,
                                       buffer_view(&out), &back, NULL),
                     TALLY_DAMAGED);
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remap),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
