#include "rate.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND CLOCK_SECOND
#define MINUTE (60 * SECOND)

static struct rate_state state;

static struct rate *
make(uint64_t limit, int64_t window, uint32_t buckets)
{
    struct rate *rate;
    assert_int_equal(rate_create(limit, window, buckets, &rate, NULL), TALLY_OK);
    return rate;
}

static void
the_limit_holds_and_comes_back_evenly(void **state_)
{
    (void)state_;
    struct rate *rate = make(20, MINUTE, 8);
    int64_t now = 1000 * SECOND;
    for (unsigned i = 0; i < 20; i++) {
        assert_true(rate_take(rate, "a", now, &state));
        assert_int_equal(state.limit, 20);
        assert_int_equal(state.remaining, 19 - i);
        assert_int_equal(state.reset_s, 3 * (i + 1));
        assert_int_equal(state.retry_s, i == 19 ? 3 : 0);
    }
    assert_false(rate_take(rate, "a", now, &state));
    assert_int_equal(state.retry_s, 3);
    assert_false(rate_take(rate, "a", now + 2999999999, &state));
    assert_int_equal(state.retry_s, 1);
    assert_true(rate_take(rate, "a", now + 3 * SECOND, &state));
    assert_int_equal(state.remaining, 0);
    assert_int_equal(state.retry_s, 3);
    assert_false(rate_take(rate, "a", now + 3 * SECOND, &state));
    assert_true(rate_take(rate, "b", now, &state)); /* others have their own */
    assert_int_equal(state.remaining, 19);

    assert_true(rate_take(rate, "a", now + 3 * MINUTE, &state)); /* never more than whole */
    assert_int_equal(state.remaining, 19);
    rate_destroy(rate);
    rate_destroy(NULL);
}

/* Against the obvious: a number of tokens that grows with time up to the limit. */
static void
as_counting_tokens_says(void **state_)
{
    (void)state_;
    srand(7);
    for (int64_t limit = 1; limit <= 6; limit++) {
        int64_t window = 720 * SECOND; /* divisible by all of them */
        struct rate *rate = make((uint64_t)limit, window, 2);
        int64_t now = 0;
        int64_t tokens = limit * window; /* in parts of a window */
        for (unsigned i = 0; i < 2000; i++) {
            int64_t step = rand() % 4 == 0 ? 0 : rand() % 300 * SECOND;
            now += step;
            tokens += step * limit;
            if (tokens > limit * window)
                tokens = limit * window;
            bool allowed = tokens >= window;
            assert_int_equal(rate_take(rate, "a", now, &state), allowed);
            if (allowed)
                tokens -= window;
            assert_int_equal(state.remaining, tokens / window);
        }
        rate_destroy(rate);
    }
}

static void
no_limit_allows_everything(void **state_)
{
    (void)state_;
    struct rate *rate = make(0, MINUTE, 1);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(rate_take(rate, "a", 0, &state));
    assert_int_equal(state.limit, 0);
    rate_configure(rate, 2, MINUTE);
    assert_true(rate_take(rate, "a", 0, &state));
    rate_destroy(rate);
}

static void
a_lower_limit_counts_what_was_taken(void **state_)
{
    (void)state_;
    struct rate *rate = make(100, 100 * MINUTE, 4);
    for (unsigned i = 0; i < 100; i++)
        assert_true(rate_take(rate, "a", 0, &state));
    rate_configure(rate, 2, MINUTE);
    assert_false(rate_take(rate, "a", 0, &state));
    assert_int_equal(state.retry_s, 30); /* and not 100 minutes */
    assert_true(rate_take(rate, "a", 30 * SECOND, &state));
    rate_destroy(rate);
}

/* Threads read the clock before they take the lock. */
static void
a_clock_that_is_a_little_behind_gives_nothing_back(void **state_)
{
    (void)state_;
    struct rate *rate = make(2, MINUTE, 4);
    assert_true(rate_take(rate, "a", 100, &state));
    assert_true(rate_take(rate, "a", 90, &state));
    assert_false(rate_take(rate, "a", 80, &state));
    assert_false(rate_take(rate, "a", 100, &state));
    rate_destroy(rate);
}

/* Against a list that is searched and moved: who is known is who was used last. */
static void
the_bucket_not_used_for_longest_goes(void **state_)
{
    (void)state_;
    enum {
        SIZE = 7,
        NAMES = 20
    };
    unsigned order[SIZE]; /* names, the newest first */
    size_t known = 0;
    srand(11);
    struct rate *rate = make(1, MINUTE, SIZE);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned name = (unsigned)(rand() % NAMES);
        size_t at = 0;
        while (at < known && order[at] != name)
            at++;
        char who[8];
        (void)snprintf(who, sizeof who, "n%u", name);
        assert_int_equal(rate_take(rate, who, 0, &state), at == known);
        if (at == known && known < SIZE)
            known++;
        if (at == SIZE)
            at = SIZE - 1;
        memmove(order + 1, order, at * sizeof order[0]);
        order[0] = name;
    }
    rate_destroy(rate);
}

static void
what_an_address_counts_by(void **state_)
{
    (void)state_;
    static const struct {
        const char *address;
        const char *who;
    } rows[] = {
        { "192.0.2.7", "192.0.2.7" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
        { "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64" },
        { "2001:db8:1:3::1", "2001:db8:1:3::/64" },
        { "::1", "::/64" },
        { "unix", "unix" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char who[RATE_WHO_SIZE];
        rate_address(rows[i].address, who);
        assert_string_equal(who, rows[i].who);
    }
    char address[200], who[RATE_WHO_SIZE];
    memset(address, 'x', sizeof address);
    address[sizeof address - 1] = '\0';
    rate_address(address, who);
    assert_int_equal(strlen(who), RATE_WHO_SIZE - 1);
}

#define TAKERS 4

static struct rate *shared;
static atomic_uint taken;

static void *
take(void *context)
{
    (void)context;
    for (unsigned i = 0; i < 5000; i++) {
        struct rate_state own;
        char who[16];
        (void)snprintf(who, sizeof who, "w%u", i % 8);
        if (rate_take(shared, who, 0, &own))
            atomic_fetch_add(&taken, 1);
        (void)rate_take(shared, "other", 0, &own);
    }
    return NULL;
}

static void
threads_together_take_the_limit(void **state_)
{
    (void)state_;
    shared = make(1000, MINUTE, 16);
    pthread_t threads[TAKERS];
    for (size_t i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take, NULL), 0);
    rate_configure(shared, 1000, MINUTE);
    for (size_t i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(taken, 8 * 1000);
    rate_destroy(shared);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds_and_comes_back_evenly),
        cmocka_unit_test(as_counting_tokens_says),
        cmocka_unit_test(no_limit_allows_everything),
        cmocka_unit_test(a_lower_limit_counts_what_was_taken),
        cmocka_unit_test(a_clock_that_is_a_little_behind_gives_nothing_back),
        cmocka_unit_test(the_bucket_not_used_for_longest_goes),
        cmocka_unit_test(what_an_address_counts_by),
        cmocka_unit_test(threads_together_take_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
