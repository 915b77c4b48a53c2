/*
 * spool_test.c - what a spool holds, how much of it there may be, and what is dropped. Other tests of spools:
 * against a list (spool_model_test.c), of processes that are gone (spool_adopt_test.c), of waiting
 * (spool_wait_test.c) and of threads (spool_threads_test.c).
 */
#include "spool_numbers.h"

#include "clock.h"

#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

static void
a_full_spool_keeps_what_it_has(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = make_spool(places[i], 3);
        uint64_t count = fill_spool(spool);
        struct tally_error error;
        uint8_t room[STAMP_SIZE_MAX];
        assert_true(count > 3 * FILE_SIZE / 300);
        assert_int_equal(state_of(spool).size, 3 * FILE_SIZE);
        while (spool_append(spool, stamp_event(0, 7, room), &error) == TALLY_OK)
            fail();
        assert_non_null(strstr(error.text, "full"));
        assert_false(spool_wait_room(spool, clock_monotonic()));
        expect_range(spool, 0, count);
        assert_true(spool_wait_room(spool, 0));
        append_range(spool, 0, 10);
        expect_range(spool, 0, 10);
        spool_close(spool);
    }
    assert_int_equal(scratch_count(root), 0);
}

/* With room for one file only, it is used again and again. */
static void
one_file_is_enough(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 1);
    for (unsigned round = 0; round < 20; round++) {
        uint64_t count = fill_spool(spool);
        expect_range(spool, 0, count);
        assert_true(spool_wait_room(spool, 0));
    }
    assert_int_equal(state_of(spool).size, FILE_SIZE);
    spool_close(spool);
}

/* Appends events until the last file is full to its half at least. */
static void
append_half(struct spool *spool, uint64_t *number)
{
    uint8_t room[STAMP_SIZE_MAX];
    for (size_t size = 0; size <= FILE_SIZE / 2; (*number)++) {
        size += stamp_event(0, *number, room).size + 24;
        assert_int_equal(append_number(spool, *number), TALLY_OK);
    }
}

static void
where_events_gather_a_file_is_made_ahead(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = make_spool(places[i], 3);
        uint64_t number = 0;
        append_range(spool, number, number + 1);
        assert_int_equal(state_of(spool).size, FILE_SIZE);
        number++;
        append_half(spool, &number);
        assert_int_equal(state_of(spool).size, 2 * FILE_SIZE);
        append_half(spool, &number);
        append_half(spool, &number);
        assert_int_equal(state_of(spool).size, 3 * FILE_SIZE);
        append_half(spool, &number);
        expect_range(spool, 0, number);
        spool_close(spool);
    }
    assert_int_equal(scratch_count(root), 0);
}

static void
where_events_leave_as_they_come_none_is(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 3);
    for (uint64_t number = 0; number < 2000; number++) {
        append_range(spool, number, number + 1);
        expect_range(spool, number, number + 1);
    }
    assert_int_equal(state_of(spool).size, FILE_SIZE);
    spool_close(spool);
}

static void
impossible_events_are_refused(void **state)
{
    (void)state;
    struct spool *spool;
    struct spool_options options = { root, DESTINATION, 16u << 20, 0 };
    assert_int_equal(spool_create(&options, &spool, NULL), TALLY_OK);
    uint8_t *event = malloc(SPOOL_EVENT_MAX + 1);
    memset(event, 'x', SPOOL_EVENT_MAX + 1);
    assert_int_equal(spool_append(spool, bytes_of(event, 0), NULL), TALLY_INVALID);
    assert_int_equal(spool_append(spool, bytes_of(event, SPOOL_EVENT_MAX + 1), NULL),
                     TALLY_INVALID);
    assert_int_equal(state_of(spool).queued, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(spool_append(spool, bytes_of(event, SPOOL_EVENT_MAX), NULL), TALLY_OK);
    struct spool_run run;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(spool_read(spool, 10, 100, &run), TALLY_OK);
        assert_int_equal(run.count, 1);
        assert_true(bytes_equal(run.events[0], bytes_of(event, SPOOL_EVENT_MAX)));
        spool_done(spool, 1);
    }
    free(event);
    spool_close(spool);
}

static void
no_file_at_all_is_full(void **state)
{
    (void)state;
    struct spool *spool;
    struct tally_error error;
    struct spool_options options = { root, DESTINATION, FILE_SIZE - 1, FILE_SIZE };
    assert_int_equal(spool_create(&options, &spool, &error), TALLY_FULL);
    assert_int_equal(scratch_count(root), 0);
    options.destination = "two\nlines";
    assert_int_equal(spool_create(&options, &spool, &error), TALLY_INVALID);
    assert_int_equal(scratch_count(root), 0);
}

/* While the disk refuses, appending does; everything else goes on, and so does appending later. */
static void
a_full_disk_is_got_over(void **state)
{
    (void)state;
    struct rlimit before, low;
    struct spool *spool = make_spool(root, 100);
    append_range(spool, 0, 10);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = (struct rlimit){ FILE_SIZE - 1, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    uint64_t count = 10;
    tally_status status;
    while ((status = append_number(spool, count)) == TALLY_OK)
        count++;
    struct spool_run run;
    tally_status read = spool_read(spool, 5, SIZE_MAX, &run);
    /* There may be room at any time, but not at once: who waits does not run in circles. */
    bool may_be = spool_wait_room(spool, LONG_WAIT);
    bool at_once = spool_wait_room(spool, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, TALLY_FULL);
    assert_int_equal(read, TALLY_OK);
    assert_true(may_be);
    assert_false(at_once);
    append_range(spool, count, count + 500);
    expect_range(spool, 0, count + 500);
    spool_close(spool);
}

static void
what_is_lent_is_not_dropped(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = make_spool(places[i], 4);
        int64_t began = clock_now();
        uint64_t all = fill_spool(spool);
        int64_t ended = clock_now();
        struct spool_run run;
        assert_int_equal(spool_read(spool, 3, SIZE_MAX, &run), TALLY_OK);
        spool_sending(spool, 3);

        /* The second, the third and the fourth file go, the one that is appended to last. */
        uint64_t dropped = 0, count;
        int64_t since, last = began;
        while (spool_drop_oldest(spool, &count, &since) == TALLY_OK) {
            assert_true(count > 0);
            assert_true(since >= last && since <= ended);
            last = since;
            dropped += count;
        }
        assert_int_equal(state_of(spool).queued, all - dropped);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(number_of(run.events[k]), k);
        uint64_t first = all - dropped;
        spool_done(spool, 3);
        assert_true(spool_wait_room(spool, 0));
        append_range(spool, first, first + 20);
        expect_range(spool, 3, first + 20);
        assert_int_equal(spool_drop_oldest(spool, &count, &since), TALLY_ABSENT);
        spool_close(spool);
    }
}

/* What was dropped is gone for whoever adopts, too. */
static void
what_was_dropped_stays_so(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 4);
    uint64_t all = fill_spool(spool), first, second;
    int64_t since;
    assert_int_equal(spool_drop_oldest(spool, &first, &since), TALLY_OK);
    assert_int_equal(spool_drop_oldest(spool, &second, &since), TALLY_OK);
    spool_close(spool);
    spool = adopt_spool();
    expect_range(spool, first + second, all);
    spool_close(spool);
    assert_int_equal(scratch_count(root), 0);
}

static void
tmpfs_is_told(void **state)
{
    (void)state;
    static const char *const places[] = { "/dev/shm", "/tmp" };
    for (size_t i = 0; i < 2; i++) {
        char here[] = "/dev/shm/tally-spool-XXXXXX";
        struct statfs system;
        (void)snprintf(here, sizeof here, "%s/tally-spool-XXXXXX", places[i]);
        if (mkdtemp(here) == NULL)
            continue;
        assert_int_equal(statfs(here, &system), 0);
        struct spool *spool = make_spool(here, 2);
        assert_int_equal(state_of(spool).volatile_, system.f_type == TMPFS_MAGIC);
        spool_close(spool);
        assert_int_equal(rmdir(here), 0);
    }
    struct spool *spool = make_spool(NULL, 2);
    assert_false(state_of(spool).volatile_);
    assert_null(spool_path(spool));
    spool_close(spool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(a_full_spool_keeps_what_it_has),
        WITH_ROOT(one_file_is_enough),
        WITH_ROOT(where_events_gather_a_file_is_made_ahead),
        WITH_ROOT(where_events_leave_as_they_come_none_is),
        WITH_ROOT(impossible_events_are_refused),
        WITH_ROOT(no_file_at_all_is_full),
        WITH_ROOT(a_full_disk_is_got_over),
        WITH_ROOT(what_is_lent_is_not_dropped),
        WITH_ROOT(what_was_dropped_stays_so),
        WITH_ROOT(tmpfs_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
