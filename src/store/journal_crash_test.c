/* The journal on a disk that fails and crashes: nothing acknowledged is lost, nothing lost is
 * acknowledged, and it goes on afterwards. */
#include "crash_iterator.h"
#include "journal_fixture.h"

/* Notes in the recording. */
enum {
    NOTE_CREATED,      /* the manifest is durable: from here on there is a journal */
    NOTE_ACKNOWLEDGED, /* value: entries that a caller was told of */
    NOTE_SEALED,       /* value: the index that a durable manifest begins at */
};

/* One step of a run; each is a place where a process may stop and another go on. */
enum step {
    STEP_SMALL,  /* a record of two entries, less than a sector */
    STEP_MIDDLE, /* over a few sectors */
    STEP_LARGE,  /* written in two pieces */
    STEP_HUGE,   /* needs a file of its own, whose space is reserved only */
    STEP_SEAL,
    STEP_WIPE,
    STEP_REOPEN,
};

static tally_status
take_step(struct fixture *fixture, enum step step, struct tally_error *error)
{
    static const size_t sizes[] = { 20, 1500, 18000, 300000 };
    tally_status status;
    struct found found;
    struct journal_tail tail;
    switch (step) {
    case STEP_SMALL:
    case STEP_MIDDLE:
    case STEP_LARGE:
    case STEP_HUGE:
        status = fixture_append(fixture, step == STEP_SMALL ? 2 : 1, sizes[step], error);
        if (status == TALLY_OK)
            disk_sim_note(fixture->disk, NOTE_ACKNOWLEDGED, fixture->entries, NULL, 0);
        return status;
    case STEP_SEAL:
    case STEP_WIPE:
        status = fixture_seal(fixture,
                              step == STEP_SEAL ? JOURNAL_KEEP_SPARES : JOURNAL_WIPE_SPARES, error);
        if (status == TALLY_OK)
            disk_sim_note(fixture->disk, NOTE_SEALED, fixture->from.index, NULL, 0);
        return status;
    case STEP_REOPEN:
        break;
    }
    fixture_close(fixture);
    return fixture_open(fixture, &found, &tail, error);
}

static tally_status
take_steps(struct fixture *fixture, const enum step *steps, size_t count, struct tally_error *error)
{
    for (size_t i = 0; i < count; i++) {
        tally_status status = take_step(fixture, steps[i], error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
start(struct fixture *fixture, struct tally_error *error)
{
    struct found found;
    struct journal_tail tail;
    tally_status status = fixture_create(fixture, error);
    if (status != TALLY_OK)
        return status;
    disk_sim_note(fixture->disk, NOTE_CREATED, 0, NULL, 0);
    return fixture_open(fixture, &found, &tail, error);
}

/* What must hold of a disk found after a crash or a fault: it opens, what was acknowledged is there
 * and as it was, and appending goes on. `maximum` is what can be there at most. */
static void
check_disk(struct disk *disk, bool created, uint64_t acknowledged, uint64_t sealed,
           uint64_t maximum, const char *text)
{
    struct fixture fixture = { .disk = disk };
    struct tally_error error;
    struct found found;
    struct journal_tail tail;
    tally_status status = fixture_open(&fixture, &found, &tail, &error);
    if (status == TALLY_ABSENT && !created)
        return; /* a crash before there was anything */
    if (status != TALLY_OK)
        fail_msg("%s: does not open: %s", text, error.text);
    if (found.wrong)
        fail_msg("%s: an entry is not what was appended", text);
    if (fixture.entries < acknowledged || fixture.entries > maximum)
        fail_msg("%s: %" PRIu64 " entries, %" PRIu64 " were acknowledged, %" PRIu64 " begun", text,
                 fixture.entries, acknowledged, maximum);
    if (fixture.from.index < sealed)
        fail_msg("%s: begins at %" PRIu64 ", sealed up to %" PRIu64, text, fixture.from.index,
                 sealed);
    status = fixture_append(&fixture, 1, 700, &error);
    if (status == TALLY_OK)
        status = fixture_append(&fixture, 1, 70, &error);
    if (status != TALLY_OK)
        fail_msg("%s: does not go on: %s", text, error.text);
    tail = expect_all(&fixture);
    if (tail.torn)
        fail_msg("%s: a tail that was cut is there again", text);
    fixture_close(&fixture);
}

/* What the notes before a crash say. */
static void
read_notes(const struct crash *crash, bool *created_out, uint64_t *acknowledged_out,
           uint64_t *sealed_out)
{
    *created_out = false;
    *acknowledged_out = 0;
    *sealed_out = 0;
    for (size_t i = 0; i < crash->note_count; i++) {
        const struct sim_note *note = &crash->notes[i];
        if (note->kind == NOTE_CREATED)
            *created_out = true;
        else if (note->kind == NOTE_ACKNOWLEDGED)
            *acknowledged_out = note->value;
        else
            *sealed_out = note->value;
    }
}

/* Checks every crash of a recorded run from a point on; returns how many there were. */
static uint64_t
check_crashes(struct disk *disk, size_t first_point, size_t tears, uint64_t maximum,
              const char *what)
{
    struct crash_plan plan = { .seed = 42, .first = first_point, .tears = tears };
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    while (crash_iterator_next(iterator, &crash)) {
        bool created;
        uint64_t acknowledged, sealed;
        read_notes(&crash, &created, &acknowledged, &sealed);
        char text[2 * CRASH_TEXT_SIZE];
        (void)snprintf(text, sizeof text, "%s, %s", what, crash.text);
        check_disk(crash.disk, created, acknowledged, sealed, maximum, text);
    }
    uint64_t different = crash_iterator_counters(iterator).different;
    crash_iterator_destroy(iterator);
    return different;
}

static void
test_every_crash_of_a_run(void **state)
{
    (void)state;
    struct fixture fixture = { .disk = disk_sim_create() };
    struct tally_error error;
    disk_sim_record(fixture.disk);
    must_work(start(&fixture, &error), &error);
    srand(3);
    for (unsigned i = 0; i < 120; i++) {
        static const enum step steps[] = { STEP_SMALL,  STEP_SMALL, STEP_SMALL, STEP_MIDDLE,
                                           STEP_MIDDLE, STEP_LARGE, STEP_SEAL,  STEP_REOPEN };
        must_work(take_step(&fixture, steps[(unsigned)rand() % 8], &error), &error);
    }
    fixture_close(&fixture);
    uint64_t crashes = check_crashes(fixture.disk, 0, 100, fixture.entries, "run");
    assert_true(crashes > 3000);
    disk_close_folder(fixture.disk);
}

/* Large records: new files whose zeros were never written. */
static void
test_every_crash_between_large_records(void **state)
{
    (void)state;
    struct fixture fixture = { .disk = disk_sim_create() };
    struct tally_error error;
    disk_sim_record(fixture.disk);
    must_work(start(&fixture, &error), &error);
    const enum step steps[] = { STEP_SMALL, STEP_HUGE,  STEP_HUGE,   STEP_SEAL, STEP_SMALL,
                                STEP_HUGE,  STEP_SMALL, STEP_REOPEN, STEP_HUGE, STEP_SMALL };
    must_work(take_steps(&fixture, steps, 10, &error), &error);
    fixture_close(&fixture);
    assert_true(check_crashes(fixture.disk, 0, 20, fixture.entries, "large records") > 100);
    disk_close_folder(fixture.disk);
}

/* Spares: a journal of full files, sealed so that they come round again. */
static void
test_every_crash_while_recycling(void **state)
{
    (void)state;
    for (unsigned wipe = 0; wipe < 2; wipe++) {
        struct fixture fixture;
        struct tally_error error;
        fixture_init(&fixture);
        while (fixture_last_file(&fixture) < 5)
            must_work(fixture_append(&fixture, 1, 60000, &error), &error);
        must_work(take_step(&fixture, STEP_SEAL, &error), &error);
        for (unsigned i = 0; i < 80; i++)
            must_work(fixture_append(&fixture, 1, 60000, &error), &error);

        disk_sim_record(fixture.disk);
        disk_sim_note(fixture.disk, NOTE_CREATED, 0, NULL, 0);
        disk_sim_note(fixture.disk, NOTE_ACKNOWLEDGED, fixture.entries, NULL, 0);
        must_work(take_step(&fixture, STEP_SEAL, &error), &error); /* into a spare */
        const enum step steps[] = { STEP_SMALL,  wipe ? STEP_WIPE : STEP_SEAL,
                                    STEP_MIDDLE, STEP_SMALL,
                                    STEP_REOPEN, STEP_SMALL };
        must_work(take_steps(&fixture, steps, 6, &error), &error);
        fixture_close(&fixture);
        assert_true(check_crashes(fixture.disk, 0, 8, fixture.entries, "recycling") > 20);
        disk_close_folder(fixture.disk);
    }
}

static const enum step failing_run[] = {
    STEP_SMALL,  STEP_LARGE, STEP_LARGE, STEP_MIDDLE, STEP_LARGE,
    STEP_LARGE,  STEP_SMALL, STEP_SEAL,  STEP_SMALL,  STEP_LARGE,
    STEP_REOPEN, STEP_HUGE,  STEP_SMALL, STEP_WIPE,   STEP_MIDDLE,
};
#define FAILING_STEPS (sizeof failing_run / sizeof *failing_run)

/* A run in which the n-th call fails. Returns whether one did. */
static bool
run_failing(struct fixture *fixture, uint64_t n, enum sim_fault fault, uint64_t *size_out)
{
    struct tally_error error;
    *fixture = (struct fixture){ .disk = disk_sim_create() };
    disk_sim_record(fixture->disk);
    disk_sim_fail(fixture->disk, n, fault);
    tally_status status = start(fixture, &error);
    size_t step = 0;
    while (status == TALLY_OK && step < FAILING_STEPS)
        status = take_step(fixture, failing_run[step++], &error);
    if (status == TALLY_OK) {
        fixture_close(fixture);
        return disk_sim_failed(fixture->disk);
    }
    assert_true(disk_sim_failed(fixture->disk));
    assert_true(status == TALLY_IO || status == TALLY_FULL);
    assert_true(error.text[0] != '\0');
    *size_out = fixture->entries;

    /* What did not answer TALLY_FULL and touched a record takes no more; what did can be done
     * again. */
    disk_sim_heal(fixture->disk);
    enum step last = failing_run[step == 0 ? 0 : step - 1];
    if (fixture->journal != NULL && last <= STEP_HUGE) {
        tally_status again = take_step(fixture, last, &error);
        if (status == TALLY_FULL)
            must_work(again, &error);
        else if (again != TALLY_POISONED)
            fail_msg("call %" PRIu64 ", fault %d: not poisoned", n, (int)fault);
    }
    fixture_close(fixture);
    return true;
}

/* What was begun may be there: one step more than was acknowledged. */
#define BEGUN 2

static void
test_every_call_fails_once(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < SIM_FAULTS; fault++) {
        uint64_t calls = 0;
        for (uint64_t n = 0;; n++) {
            struct fixture fixture;
            uint64_t size;
            bool failed = run_failing(&fixture, n, (enum sim_fault)fault, &size);
            char text[64];
            (void)snprintf(text, sizeof text, "call %" PRIu64 ", fault %u", n, fault);
            disk_sim_heal(fixture.disk);
            check_disk(fixture.disk, false, fixture.entries, 0, fixture.entries + BEGUN, text);
            disk_close_folder(fixture.disk);
            if (!failed)
                break;
            calls++;
        }
        assert_true(calls > 100);
    }
}

/* The process goes on after the fault without a crash, believing what it reads; then the machine
 * stops. What was acknowledged since must not have been in the cache only. */
static void
test_a_crash_after_a_fault(void **state)
{
    (void)state;
    static const enum step after[] = { STEP_SMALL, STEP_MIDDLE, STEP_SEAL, STEP_SMALL };
    uint64_t crashes = 0;
    for (unsigned late = 0; late < 2; late++) {
        for (uint64_t n = 0;; n++) {
            struct fixture fixture;
            uint64_t size;
            if (!run_failing(&fixture, n, late ? SIM_FAULT_LATE : SIM_FAULT_IO, &size)) {
                disk_close_folder(fixture.disk);
                break;
            }
            disk_sim_heal(fixture.disk);
            struct tally_error error;
            struct found found;
            struct journal_tail tail;
            tally_status status = fixture_open(&fixture, &found, &tail, &error);
            if (status != TALLY_ABSENT) {
                must_work(status, &error);
                size_t point = disk_sim_operations(fixture.disk);
                disk_sim_note(fixture.disk, NOTE_CREATED, 0, NULL, 0);
                disk_sim_note(fixture.disk, NOTE_ACKNOWLEDGED, fixture.entries, NULL, 0);
                must_work(take_steps(&fixture, after, 4, &error), &error);
                fixture_close(&fixture);
                char text[64];
                (void)snprintf(text, sizeof text, "call %" PRIu64 " failed", n);
                crashes += check_crashes(fixture.disk, point, 8, fixture.entries, text);
            }
            disk_close_folder(fixture.disk);
        }
    }
    assert_true(crashes > 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_crash_of_a_run),
        cmocka_unit_test(test_every_crash_between_large_records),
        cmocka_unit_test(test_every_crash_while_recycling),
        cmocka_unit_test(test_every_call_fails_once),
        cmocka_unit_test(test_a_crash_after_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
