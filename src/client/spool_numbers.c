#include "spool_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

char root[SCRATCH_SIZE + 8];
static char scratch[SCRATCH_SIZE];

int
root_set_up(void **state)
{
    (void)state;
    scratch_make(scratch);
    (void)snprintf(root, sizeof root, "%s/spool", scratch);
    return 0;
}

int
root_tear_down(void **state)
{
    (void)state;
    scratch_remove(scratch);
    return 0;
}

struct spool *
make_spool(const char *where, unsigned files)
{
    struct spool *spool;
    struct tally_error error;
    struct spool_options options = { where, DESTINATION, (uint64_t)files * FILE_SIZE, FILE_SIZE };
    assert_int_equal(spool_create(&options, &spool, &error), TALLY_OK);
    return spool;
}

struct spool *
adopt_spool(void)
{
    struct spool *spool;
    struct tally_error error;
    assert_int_equal(spool_adopt(root, DESTINATION, &spool, &error), TALLY_OK);
    return spool;
}

tally_status
append_number(struct spool *spool, uint64_t number)
{
    uint8_t room[STAMP_SIZE_MAX];
    return spool_append(spool, stamp_event(0, number, room), NULL);
}

void
append_range(struct spool *spool, uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number < to; number++)
        assert_int_equal(append_number(spool, number), TALLY_OK);
}

uint64_t
fill_spool(struct spool *spool)
{
    uint64_t count = 0;
    tally_status status;
    while ((status = append_number(spool, count)) == TALLY_OK)
        count++;
    assert_int_equal(status, TALLY_FULL);
    return count;
}

uint64_t
number_of(struct bytes event)
{
    unsigned thread;
    uint64_t number = UINT64_MAX;
    assert_true(stamp_read(event, &thread, &number));
    return number;
}

struct spool_state
state_of(struct spool *spool)
{
    struct spool_state state;
    spool_get_state(spool, &state);
    return state;
}

void
expect_range(struct spool *spool, uint64_t from, uint64_t to)
{
    struct spool_run run;
    while (spool_read(spool, 100, SIZE_MAX, &run) == TALLY_OK) {
        for (size_t i = 0; i < run.count; i++)
            assert_int_equal(number_of(run.events[i]), from++);
        spool_done(spool, run.count);
    }
    assert_int_equal(from, to);
    assert_int_equal(state_of(spool).queued, 0);
}
