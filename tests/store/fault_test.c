/*
 * fault_test.c - each call to the disk fails in turn, in each way that it can.
 *
 * Whatever the trail answered, what it acknowledged must be there when the disk is well again: as
 * the process left it, and as a crash right then would have left it.
 *
 * fault_test [WAY] tries one way, so that processors share the work. TALLY_FAULT_BATCHES changes
 * the life.
 */
#include "crash_iterator.h"
#include "scenario.h"

#include <assert.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct scenario scenario = { .head_entries_max = 30, .batches = 30, .seed = 7 };
static struct ledger ledger;

/* What a crash at the very end of the recording leaves. */
static void
check_crashes(struct disk *disk, uint64_t call, int way)
{
    struct crash_iterator *iterator =
        crash_iterator_create(disk, &(struct crash_plan){ .first = SIZE_MAX, .last = SIZE_MAX });
    struct crash crash;
    while (crash_iterator_next(iterator, &crash)) {
        const char *wrong = scenario_check(crash.disk, &scenario, &ledger);
        if (wrong != NULL)
            fail_msg("call %" PRIu64 ", fault %d, %s: %s", call, way, crash.text, wrong);
    }
    crash_iterator_destroy(iterator);
}

static void
each_call_fails(void **state)
{
    int way = *(int *)*state;
    struct disk *disk = scenario_disk();
    uint64_t before = disk_sim_calls(disk);
    memset(&ledger, 0, sizeof ledger);
    scenario_run(disk, &scenario, &ledger);
    uint64_t calls = disk_sim_calls(disk) - before;
    assert_int_equal(ledger.faults, 0);
    disk_close_folder(disk);

    for (uint64_t call = 0; call < calls; call++) {
        disk = scenario_disk();
        disk_sim_record(disk);
        disk_sim_fail(disk, call, (enum sim_fault)way);
        memset(&ledger, 0, sizeof ledger);
        scenario_run(disk, &scenario, &ledger);
        disk_sim_heal(disk);
        struct disk *left = disk_sim_copy(disk);
        const char *wrong = scenario_check(left, &scenario, &ledger);
        if (wrong != NULL)
            fail_msg("call %" PRIu64 ", fault %d: %s", call, way, wrong);
        disk_close_folder(left);
        check_crashes(disk, call, way);
        disk_close_folder(disk);
    }
    print_message("# %" PRIu64 " calls\n", calls);
}

int
main(int argc, char **argv)
{
    static int ways[SIM_FAULTS] = { SIM_FAULT_IO, SIM_FAULT_FULL, SIM_FAULT_SHORT, SIM_FAULT_LATE,
                                    SIM_FAULT_DEAD };
    const struct CMUnitTest tests[] = {
        { "EIO, nothing done", each_call_fails, NULL, NULL, &ways[0] },
        { "ENOSPC, nothing done", each_call_fails, NULL, NULL, &ways[1] },
        { "a short write", each_call_fails, NULL, NULL, &ways[2] },
        { "done, but EIO", each_call_fails, NULL, NULL, &ways[3] },
        { "the disk dies", each_call_fails, NULL, NULL, &ways[4] },
    };
    const char *batches = getenv("TALLY_FAULT_BATCHES");
    if (batches != NULL)
        scenario.batches = (unsigned)strtoul(batches, NULL, 10);
    if (argc < 2)
        return cmocka_run_group_tests(tests, NULL, NULL);
    size_t way = strtoul(argv[1], NULL, 10);
    assert(way < SIM_FAULTS);
    const struct CMUnitTest one[] = { tests[way] };
    return cmocka_run_group_tests(one, NULL, NULL);
}
