#include "meanwhile.h"

#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

struct work {
    pthread_t thread; /* that did it */
    unsigned times;
    tally_status status;
};

static tally_status
do_work(void *context, struct tally_error *error)
{
    struct work *work = context;
    work->thread = pthread_self();
    work->times++;
    return work->status == TALLY_OK ? TALLY_OK : fault(error, work->status, "it went wrong there");
}

/* Begun or not, here or there: it is done once, and its fault is told of. */
static void
it_is_done_once(void **state)
{
    (void)state;
    for (unsigned begun = 0; begun < 2; begun++) {
        for (unsigned good = 0; good < 2; good++) {
            struct work work = { .status = good ? TALLY_OK : TALLY_IO };
            struct meanwhile meanwhile = { .run = do_work, .context = &work };
            struct tally_error error = { 0 };
            if (begun)
                meanwhile_begin(&meanwhile);
            assert_int_equal(meanwhile_end(&meanwhile, TALLY_OK, &error), work.status);
            assert_int_equal(work.times, 1);
            assert_int_equal(pthread_equal(work.thread, pthread_self()) == 0, begun);
            assert_string_equal(error.text, good ? "" : "it went wrong there");
        }
    }
}

/* What went wrong here counts, and what was not begun is not done any more. */
static void
a_fault_here_counts(void **state)
{
    (void)state;
    for (unsigned begun = 0; begun < 2; begun++) {
        struct work work = { .status = TALLY_IO };
        struct meanwhile meanwhile = { .run = do_work, .context = &work };
        struct tally_error error = { .text = "it went wrong here" };
        if (begun)
            meanwhile_begin(&meanwhile);
        assert_int_equal(meanwhile_end(&meanwhile, TALLY_DAMAGED, &error), TALLY_DAMAGED);
        assert_int_equal(work.times, begun);
        assert_string_equal(error.text, "it went wrong here");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_done_once),
        cmocka_unit_test(a_fault_here_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
