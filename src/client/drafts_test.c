#include "drafts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Each thread has secrets of its own, and every one is masked in every event. */
struct masker {
    struct drafts *drafts;
    unsigned number;
    bool right;
};

static void *
mask_many(void *context)
{
    struct masker *masker = context;
    struct draft_pair *pair;
    if (drafts_mine(masker->drafts, &pair, NULL) != TALLY_OK)
        return NULL;
    masker->right = true;
    for (unsigned i = 0; i < 500 && masker->right; i++) {
        char message[64];
        (void)snprintf(message, sizeof message, "t%u sk_%u_%u ok", masker->number, masker->number,
                       i);
        const struct tally_event *event = TALLY_EVENT(.action = "a", .message = message);
        char expected[64];
        (void)snprintf(expected, sizeof expected, "\"t%u [masked] ok\"", masker->number);
        struct draft *draft = i % 2 == 0 ? pair->draft : pair->aside;
        masker->right =
            draft_write(draft, event, NULL, NULL, NULL) == TALLY_OK && draft_masked(draft) == 1 &&
            memmem(draft_line(draft).data, draft_line(draft).size, expected, strlen(expected)) !=
                NULL;
    }
    return NULL;
}

static void
threads_mask_at_once(void **state)
{
    (void)state;
    enum {
        THREADS = 4
    };
    static const char *const patterns[] = { "sk_[0-9_]+", "never|so", NULL };
    struct mask *with;
    struct drafts *drafts;
    struct masker maskers[THREADS];
    pthread_t threads[THREADS];
    assert_int_equal(mask_create(NULL, patterns, &with, NULL), TALLY_OK);
    assert_int_equal(drafts_create(with, &drafts, NULL), TALLY_OK);
    /* Twice, so that the second threads get the drafts of the first. */
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < THREADS; i++) {
            maskers[i] = (struct masker){ drafts, i + round * THREADS, false };
            assert_int_equal(pthread_create(&threads[i], NULL, mask_many, &maskers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_true(maskers[i].right);
        }
    }
    drafts_destroy(drafts);
    mask_destroy(with);
}

/* glibc locks an expression while it is executed: two threads with the same one would wait. */
static void
each_thread_has_expressions_of_its_own(void **state)
{
    (void)state;
    static const char *const patterns[] = { "sk_[0-9_]+", NULL };
    struct mask *with;
    struct drafts *drafts;
    assert_int_equal(mask_create(NULL, patterns, &with, NULL), TALLY_OK);
    assert_int_equal(drafts_create(with, &drafts, NULL), TALLY_OK);
    struct draft_pair *pair = mine(drafts), *other = in_a_thread(drafts);
    assert_non_null(pair->mask);
    assert_non_null(other->mask);
    assert_ptr_not_equal(pair->mask, other->mask);
    drafts_destroy(drafts);
    mask_destroy(with);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_keeps_its_drafts),
        cmocka_unit_test(the_next_thread_gets_what_an_ended_one_had),
        cmocka_unit_test(drafts_that_are_gone_are_forgotten),
        cmocka_unit_test(threads_mask_at_once),
        cmocka_unit_test(each_thread_has_expressions_of_its_own),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
