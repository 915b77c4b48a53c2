#include "drafts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mask *mask;

static int
begin(void **state)
{
    (void)state;
    return mask_create(NULL, NULL, &mask, NULL) == TALLY_OK ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    mask_destroy(mask);
    return 0;
}

static struct draft_pair *
mine(struct drafts *drafts)
{
    struct draft_pair *pair = NULL;
    assert_int_equal(drafts_mine(drafts, &pair, NULL), TALLY_OK);
    assert_ptr_not_equal(pair->draft, pair->aside);
    return pair;
}

struct errand {
    struct drafts *drafts;
    struct draft_pair *pair;
};

static void *
take(void *context)
{
    struct errand *errand = context;
    return drafts_mine(errand->drafts, &errand->pair, NULL) == TALLY_OK ? errand : NULL;
}

static struct draft_pair *
in_a_thread(struct drafts *drafts)
{
    struct errand errand = { drafts, NULL };
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, take, &errand), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &errand);
    return errand.pair;
}

static void
a_thread_keeps_its_drafts(void **state)
{
    (void)state;
    struct drafts *one, *two;
    assert_int_equal(drafts_create(mask, &one, NULL), TALLY_OK);
    assert_int_equal(drafts_create(mask, &two, NULL), TALLY_OK);
    struct draft_pair *first = mine(one), *second = mine(two);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(mine(one), first);
    assert_ptr_equal(mine(two), second);
    assert_ptr_not_equal(in_a_thread(one), first);
    drafts_destroy(one);
    assert_ptr_equal(mine(two), second);
    drafts_destroy(two);
}

static void
the_next_thread_gets_what_an_ended_one_had(void **state)
{
    (void)state;
    struct drafts *drafts;
    assert_int_equal(drafts_create(mask, &drafts, NULL), TALLY_OK);
    struct draft_pair *pair = in_a_thread(drafts);
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(in_a_thread(drafts), pair);
    drafts_destroy(drafts);
}

/* In the same memory, perhaps: what the thread has of the ones that are gone is not theirs. */
static void
drafts_that_are_gone_are_forgotten(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct drafts *drafts;
        assert_int_equal(drafts_create(mask, &drafts, NULL), TALLY_OK);
        struct draft_pair *pair = mine(drafts);
        assert_int_equal(draft_write(pair->draft, TALLY_EVENT(.action = "a"), NULL, NULL, NULL),
                         TALLY_OK);
        drafts_destroy(drafts);
    }
    drafts_destroy(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_keeps_its_drafts),
        cmocka_unit_test(the_next_thread_gets_what_an_ended_one_had),
        cmocka_unit_test(drafts_that_are_gone_are_forgotten),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
