/*
 * crash_test.c - invariants 1, 2, 3 and 4: a crash after every single write of a recorded life,
 * with every choice of what the disk kept that crash_iterator.h makes.
 *
 * TALLY_CRASH_BATCHES and TALLY_CRASH_SEED change the life; TALLY_CRASH_POINT gives one point
 * again.
 */
#include "crash_iterator.h"
#include "scenario.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned
setting(const char *name, unsigned normal)
{
    const char *text = getenv(name);
    return text == NULL ? normal : (unsigned)strtoul(text, NULL, 10);
}

static void
crash_anywhere(void **state)
{
    (void)state;
    struct scenario scenario = {
        .head_entries_max = 40,
        .batches = setting("TALLY_CRASH_BATCHES", 80),
        .seed = setting("TALLY_CRASH_SEED", 1),
    };
    static struct ledger lived, ledger;
    struct disk *disk = scenario_disk();
    disk_sim_record(disk);
    scenario_run(disk, &scenario, &lived);
    assert_int_equal(lived.faults, 0);
    assert_true(lived.size > scenario.batches);

    size_t point = setting("TALLY_CRASH_POINT", 0);
    struct crash_plan plan = { .seed = scenario.seed, .first = point, .last = point };
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    while (crash_iterator_next(iterator, &crash)) {
        ledger_from_notes(crash.notes, crash.note_count, &ledger);
        const char *wrong = scenario_check(crash.disk, &scenario, &ledger);
        if (wrong != NULL)
            fail_msg("%s: %s", crash.text, wrong);
    }
    struct crash_counters counters = crash_iterator_counters(iterator);
    print_message("# %" PRIu64 " points, %" PRIu64 " crashes, %" PRIu64 " of them different\n",
                  counters.points, counters.variants, counters.different);
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(crash_anywhere) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
