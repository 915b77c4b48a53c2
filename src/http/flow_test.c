#include "flow.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* A taker that waits to be woken, as a connection does. */
struct taker {
    struct flow *flow;
    atomic_uint asleep; /* before_wait was called, wake was not */
    atomic_uint woken;
};

static void
fall_asleep(void *context)
{
    struct taker *taker = context;
    assert_int_equal(atomic_exchange(&taker->asleep, 1), 0);
}

static void
wake(void *context)
{
    struct taker *taker = context;
    /* Never woken without having been put to sleep: a resumed connection that was not suspended is
     * an error of libmicrohttpd's caller. */
    assert_int_equal(atomic_exchange(&taker->asleep, 0), 1);
    atomic_fetch_add(&taker->woken, 1);
}

static void
open_flow(struct taker *taker, int64_t stall)
{
    *taker = (struct taker){ 0 };
    struct tally_error error;
    assert_int_equal(flow_create(stall, wake, taker, &taker->flow, &error), TALLY_OK);
}

#define LENGTH ((size_t)5 * 1000 * 1000)

static uint8_t
byte_at(size_t position)
{
    return (uint8_t)(position * 31 + position / 251);
}

struct maker {
    struct flow *flow;
    enum flow_end end;
};

static void *
make(void *context)
{
    struct maker *maker = context;
    uint8_t piece[100003];
    unsigned seed = 1;
    for (size_t at = 0; at < LENGTH;) {
        size_t size = 1 + (size_t)rand_r(&seed) % sizeof piece;
        if (size > LENGTH - at)
            size = LENGTH - at;
        for (size_t i = 0; i < size; i++)
            piece[i] = byte_at(at + i);
        struct tally_error error;
        assert_int_equal(flow_put(maker->flow, bytes_of(piece, size), &error), TALLY_OK);
        at += size;
    }
    flow_finish(maker->flow, maker->end);
    flow_release(maker->flow);
    return NULL;
}

/* Takes everything in pieces of all sizes; how it ended. */
static enum flow_state
take_all(struct taker *taker, size_t *count_out)
{
    uint8_t piece[70001];
    unsigned seed = 2;
    size_t at = 0;
    for (;;) {
        size_t size;
        enum flow_state state = flow_take(
            taker->flow, piece, 1 + (size_t)rand_r(&seed) % sizeof piece, fall_asleep, &size);
        if (state == FLOW_TAKEN) {
            for (size_t i = 0; i < size; i++)
                assert_int_equal(piece[i], byte_at(at + i));
            at += size;
        } else if (state == FLOW_NOTHING) {
            const struct timespec pause = { .tv_nsec = 10000 };
            while (atomic_load(&taker->asleep) == 1)
                (void)nanosleep(&pause, NULL);
        } else {
            *count_out = at;
            return state;
        }
    }
}

static void
every_byte_in_order(void **state)
{
    (void)state;
    static const enum flow_end ends[] = { FLOW_WHOLE, FLOW_BROKEN };
    static const enum flow_state seen[] = { FLOW_ENDED, FLOW_CUT };
    for (unsigned i = 0; i < 2; i++) {
        struct taker taker;
        open_flow(&taker, 3600 * CLOCK_SECOND);
        struct maker maker = { taker.flow, ends[i] };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, make, &maker), 0);
        size_t count;
        assert_int_equal(take_all(&taker, &count), seen[i]);
        assert_int_equal(count, LENGTH);
        (void)pthread_join(thread, NULL);
        flow_release(taker.flow);
    }
}

/* A client that takes nothing is given up; so is one that is gone, at once. */
static void
maker_does_not_wait_for_ever(void **state)
{
    (void)state;
    static const uint8_t zeros[FLOW_SIZE + 1];
    struct tally_error error;
    struct taker taker;
    open_flow(&taker, CLOCK_SECOND / 20);
    assert_int_equal(flow_put(taker.flow, bytes_of(zeros, FLOW_PUT_MAX), &error), TALLY_OK);
    assert_int_equal(flow_put(taker.flow, bytes_of(zeros, 1), &error), TALLY_IO);
    flow_release(taker.flow);
    flow_release(taker.flow);

    open_flow(&taker, 3600 * CLOCK_SECOND);
    flow_leave(taker.flow);
    assert_int_equal(flow_put(taker.flow, bytes_of(zeros, sizeof zeros), &error), TALLY_IO);
    flow_finish(taker.flow, FLOW_BROKEN);
    assert_int_equal(atomic_load(&taker.woken), 0);
    flow_release(taker.flow);
    flow_release(taker.flow);
}

/* Something, or the end, wakes once; nothing wakes a taker that does not wait. */
static void
woken_once(void **state)
{
    (void)state;
    struct tally_error error;
    struct taker taker;
    uint8_t out[8];
    size_t size;
    open_flow(&taker, CLOCK_SECOND);
    assert_int_equal(flow_take(taker.flow, out, sizeof out, fall_asleep, &size), FLOW_NOTHING);
    assert_int_equal(flow_put(taker.flow, bytes_of("ab", 2), &error), TALLY_OK);
    assert_int_equal(flow_put(taker.flow, bytes_of("cd", 2), &error), TALLY_OK);
    assert_int_equal(atomic_load(&taker.woken), 1);
    assert_int_equal(flow_take(taker.flow, out, 3, fall_asleep, &size), FLOW_TAKEN);
    assert_int_equal(size, 3);
    assert_int_equal(flow_take(taker.flow, out, 3, fall_asleep, &size), FLOW_TAKEN);
    assert_int_equal(size, 1);
    assert_int_equal(flow_take(taker.flow, out, 3, fall_asleep, &size), FLOW_NOTHING);
    flow_finish(taker.flow, FLOW_WHOLE);
    assert_int_equal(atomic_load(&taker.woken), 2);
    assert_int_equal(flow_take(taker.flow, out, 3, fall_asleep, &size), FLOW_ENDED);
    flow_release(taker.flow);
    flow_release(taker.flow);
}

/* Whoever waits on either side goes on at once, and what was not taken is not given out. */
static void
cut_from_outside(void **state)
{
    (void)state;
    struct tally_error error;
    struct taker taker;
    uint8_t out[8];
    size_t size;
    open_flow(&taker, 3600 * CLOCK_SECOND);
    assert_int_equal(flow_take(taker.flow, out, sizeof out, fall_asleep, &size), FLOW_NOTHING);
    flow_cut(taker.flow);
    assert_int_equal(atomic_load(&taker.woken), 1);
    assert_int_equal(flow_take(taker.flow, out, sizeof out, fall_asleep, &size), FLOW_CUT);
    assert_int_equal(flow_put(taker.flow, bytes_of("ab", 2), &error), TALLY_IO);
    flow_finish(taker.flow, FLOW_WHOLE);
    assert_int_equal(flow_take(taker.flow, out, sizeof out, fall_asleep, &size), FLOW_CUT);
    assert_int_equal(atomic_load(&taker.woken), 1);
    flow_release(taker.flow);
    flow_release(taker.flow);

    open_flow(&taker, CLOCK_SECOND);
    assert_int_equal(flow_put(taker.flow, bytes_of("ab", 2), &error), TALLY_OK);
    flow_cut(taker.flow);
    assert_int_equal(flow_take(taker.flow, out, sizeof out, fall_asleep, &size), FLOW_CUT);
    flow_release(taker.flow);
    flow_release(taker.flow);
}

static bool
is_awake(void *context)
{
    struct taker *taker = context;
    return atomic_load(&taker->asleep) == 0;
}

static bool
is_never_asked(void *context)
{
    (void)context;
    fail_msg("%s", "the taker has let go, and what it lent is gone");
    return false;
}

static void
wanted_until_the_taker_is_gone(void **state)
{
    (void)state;
    struct taker taker;
    open_flow(&taker, CLOCK_SECOND);
    atomic_store(&taker.asleep, 1);
    assert_true(flow_is_wanted(taker.flow, is_awake));
    atomic_store(&taker.asleep, 0);
    assert_false(flow_is_wanted(taker.flow, is_awake));
    flow_leave(taker.flow);
    assert_false(flow_is_wanted(taker.flow, is_never_asked));
    flow_release(taker.flow);
    flow_release(taker.flow);
}

/* A maker that gives up has put nothing of what there was no room for, so that last words stand
 * behind a whole; behind a part they are not put. */
static void
last_words(void **state)
{
    (void)state;
    static const struct {
        size_t size; /* of what comes while nothing is taken */
        size_t left; /* of it, afterwards */
        bool said;
        const char *why;
    } rows[] = {
        { 1000, 0, true, "there is no room for it" },
        { FLOW_PUT_MAX, 0, true, "the most that is put whole" },
        { FLOW_PUT_MAX + 1, FLOW_PUT_MAX - 200000, false, "a part of it was put" },
    };
    static uint8_t many[FLOW_PUT_MAX + 1], taken[FLOW_SIZE + 1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct taker taker;
        struct tally_error error;
        open_flow(&taker, 1000000);
        size_t first = rows[i].size == 1000 ? FLOW_PUT_MAX : 200000;
        assert_int_equal(flow_put(taker.flow, bytes_of(many, first), &error), TALLY_OK);
        assert_int_equal(flow_put(taker.flow, bytes_of(many, rows[i].size), &error), TALLY_IO);
        flow_farewell(taker.flow, bytes_text("good bye"));
        flow_finish(taker.flow, FLOW_WHOLE);
        size_t size;
        assert_int_equal(flow_take(taker.flow, taken, sizeof taken, fall_asleep, &size),
                         FLOW_TAKEN);
        assert_int_equal(size, first + rows[i].left + (rows[i].said ? 8 : 0));
        if (rows[i].said)
            assert_memory_equal(taken + size - 8, "good bye", 8);
        assert_int_equal(flow_take(taker.flow, taken, sizeof taken, fall_asleep, &size),
                         FLOW_ENDED);
        flow_release(taker.flow);
        flow_release(taker.flow);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_in_order),
        cmocka_unit_test(maker_does_not_wait_for_ever),
        cmocka_unit_test(woken_once),
        cmocka_unit_test(cut_from_outside),
        cmocka_unit_test(wanted_until_the_taker_is_gone),
        cmocka_unit_test(last_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
