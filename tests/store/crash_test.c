/*
 * crash_test.c - invariants 1, 2, 3 and 4: a crash after every single write of a recorded life,
 * with every choice of what the disk kept that crash_iterator.h makes.
 *
 * crash_test [PART PARTS] looks at every PARTS-th point from PART on, so that processors share the
 * work. TALLY_CRASH_BATCHES and TALLY_CRASH_SEED change the life; TALLY_CRASH_POINT gives one point
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

/* Points that this process leaves to others. */
struct part {
    size_t number, count;
};

static unsigned
setting(const char *name, unsigned normal)
{
    const char *text = getenv(name);
    return text == NULL ? normal : (unsigned)strtoul(text, NULL, 10);
}

static void
crash_anywhere(void **state)
{
    const struct part *part = *state;
    struct scenario scenario = {
        .head_entries_max = 40,
        .batches = setting("TALLY_CRASH_BATCHES", 90),
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
    uint64_t looked_at = 0;
    while (crash_iterator_next(iterator, &crash)) {
        if (crash.point % part->count != part->number)
            continue;
        looked_at++;
        ledger_from_notes(crash.notes, crash.note_count, &ledger);
        const char *wrong = scenario_check(crash.disk, &scenario, &ledger);
        if (wrong != NULL)
            fail_msg("%s: %s", crash.text, wrong);
    }
    struct crash_counters counters = crash_iterator_counters(iterator);
    print_message("# %" PRIu64 " entries, %" PRIu64 " points, %" PRIu64 " crashes, %" PRIu64
                  " of them different, %" PRIu64 " looked at\n",
                  lived.size, counters.points, counters.variants, counters.different, looked_at);
    assert_true(looked_at > 0);
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

int
main(int argc, char **argv)
{
    struct part part = { .number = 0, .count = 1 };
    if (argc == 3) {
        part.number = strtoul(argv[1], NULL, 10);
        part.count = strtoul(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test_prestate(crash_anywhere, &part) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
