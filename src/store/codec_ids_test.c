#include "codec_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Salts are 16 bytes that are no text, and 32 where an erasure left a commitment. */
static void
test_raw_ids(void **unused)
{
    (void)unused;
    static const uint8_t commitment[32] = { 1, 2, 3 };
    struct made_page *made = calloc(1, sizeof *made);
    for (uint32_t row = 0; row < 1000; row++) {
        made->forms[row] = row == 500 ? ID_EXCEPTION : ID_RAW;
        put_u64(made->ids[row], draw());
        put_u64(made->ids[row] + 8, draw());
    }
    made->exceptions[0] = (struct page_exception){ 500, bytes_of(commitment, 32) };
    made->hint = COLUMN_HINT_ID;
    made->page = (struct page){
        .kind = PAGE_IDS,
        .rows = 1000,
        .ids = (const uint8_t(*)[16])made->ids,
        .forms = made->forms,
        .exceptions = made->exceptions,
        .exception_count = 1,
    };
    check_id_blocks(made);
    size_t size = check_page(made, CODEC_IDS);
    assert_in_range(size, 999 * 16, 999 * 16 + 32 + 140);
    check_blocks(made, NULL, NULL);
    free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_ids),
    };
    return cmocka_run_group_tests(tests, codec_set_up, codec_tear_down);
}
