#include "random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DRAWS 20000

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void
draws_differ(void **state)
{
    (void)state;
    static uint8_t salts[DRAWS][16];
    for (size_t i = 0; i < DRAWS; i++)
        random_bytes(salts[i], 16);
    qsort(salts, DRAWS, 16, compare);
    for (size_t i = 1; i < DRAWS; i++)
        assert_memory_not_equal(salts[i - 1], salts[i], 16);
}

/* Of n bits about half are set: with n = 8 million, half a percent off is 28 standard deviations.
 */
static void
bits_are_balanced(void **state)
{
    (void)state;
    static uint8_t data[1000];
    uint64_t set = 0;
    for (unsigned round = 0; round < 1000; round++) {
        random_bytes(data, sizeof data);
        for (size_t i = 0; i < sizeof data; i++)
            set += (unsigned)__builtin_popcount(data[i]);
    }
    assert_in_range(set, 3980000, 4020000);
}

/* Every size, also beyond the pool: all of it is written and nothing after it. */
static void
fills_exactly(void **state)
{
    (void)state;
    static uint8_t data[20000];
    for (size_t size = 0; size < sizeof data - 1; size += size < 40 ? 1 : 977) {
        /* Each byte is non-zero in some of 12 rounds but for a chance of 2^-96. */
        static uint8_t seen[20000];
        memset(seen, 0, sizeof seen);
        for (unsigned round = 0; round < 12; round++) {
            memset(data, 0, sizeof data);
            random_bytes(data, size);
            for (size_t i = 0; i < sizeof data; i++)
                seen[i] |= data[i];
        }
        for (size_t i = 0; i < sizeof seen; i++)
            assert_int_equal(seen[i] != 0, i < size);
    }
}

/* Parent and child draw from the same point of the same pool, and twice over (a fork of a fork). */
static void
a_child_draws_its_own(void **state)
{
    (void)state;
    uint8_t mine[16];
    uint8_t theirs[2][16];
    int ends[2];
    random_bytes(mine, 16);
    assert_int_equal(pipe(ends), 0);

    pid_t child = fork();
    if (child == 0) {
        random_bytes(theirs[0], 16);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            random_bytes(theirs[1], 16);
            _exit(write(ends[1], theirs[1], 16) == 16 ? 0 : 1);
        }
        (void)waitpid(grandchild, NULL, 0);
        random_bytes(theirs[0], 16);
        _exit(write(ends[1], theirs[0], 16) == 16 ? 0 : 1);
    }
    random_bytes(mine, 16);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], theirs, 32), 32);
    assert_memory_not_equal(mine, theirs[0], 16);
    assert_memory_not_equal(mine, theirs[1], 16);
    assert_memory_not_equal(theirs[0], theirs[1], 16);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void *
draw_in_thread(void *out)
{
    random_bytes(out, 16);
    return NULL;
}

static void
threads_differ(void **state)
{
    (void)state;
    uint8_t drawn[4][16];
    for (unsigned i = 0; i < 4; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, draw_in_thread, drawn[i]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(drawn[i], drawn[j], 16);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_differ),   cmocka_unit_test(bits_are_balanced),
        cmocka_unit_test(fills_exactly),  cmocka_unit_test(a_child_draws_its_own),
        cmocka_unit_test(threads_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
