/* Reading a journal: a visitor that stops it, and a writer that goes on meanwhile. */
#include "journal_fixture.h"

static tally_status
stop_at_three(void *context, const struct journal_record *record, struct tally_error *error)
{
    (void)error;
    ++*(unsigned *)context;
    return record->sequence == 3 ? TALLY_ABSENT : TALLY_OK;
}

/* Whatever a visitor answers is the reader's answer, TALLY_ABSENT too. */
static void
test_a_visitor_stops_the_reading(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    for (unsigned i = 0; i < 6; i++)
        must_work(fixture_append(&fixture, 1, 30000, &error), &error);
    unsigned calls = 0;
    struct journal_tail tail;
    assert_int_equal(journal_read(&(struct trail_place){ fixture.disk, FOLDER, FIXTURE_TAG },
                                  &fixture.from, 0, stop_at_three, &calls, &tail, &error),
                     TALLY_ABSENT);
    assert_int_equal(calls, 3);
    fixture_finish(&fixture);
}

/* A reader without the lock, while the writer appends, trims and recycles in the midst of it. */
struct live {
    struct fixture *fixture;
    struct found found;
    unsigned calls, seals;
};

static tally_status
visit_live(void *context, const struct journal_record *record, struct tally_error *error)
{
    struct live *live = context;
    tally_status status = fixture_visit(&live->found, record, error);
    live->calls++;
    if (live->calls > 20)
        return status;
    for (unsigned i = 0; i < 20; i++)
        must_work(fixture_append(live->fixture, 1, (size_t)(rand() % 60000), error), error);
    if (live->seals > 0 && rand() % 3 == 0) {
        live->seals--;
        must_work(fixture_seal(live->fixture, JOURNAL_KEEP_SPARES, error), error);
    }
    return status;
}

static tally_status
visit_and_append_at_end(void *context, const struct journal_record *record,
                        struct tally_error *error)
{
    struct live *live = context;
    tally_status status = fixture_visit(&live->found, record, error);
    if (live->found.next == live->fixture->entries && live->calls++ < 5)
        for (unsigned i = 0; i < 3; i++)
            must_work(fixture_append(live->fixture, 1, 100, error), error);
    return status;
}

/* Records written after the reader looked for the first of them: it sees the later ones only. */
static void
test_records_written_meanwhile_are_no_damage(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 1, 100, &error), &error);
    struct live live = { .fixture = &fixture };
    struct journal_tail tail;
    must_work(journal_read(&(struct trail_place){ fixture.disk, FOLDER, FIXTURE_TAG },
                           &fixture.from, 0, visit_and_append_at_end, &live, &tail, &error),
              &error);
    assert_false(live.found.wrong);
    assert_int_equal(live.found.next, fixture.entries);
    assert_int_equal(tail.end.index, 16);
    fixture_finish(&fixture);
}

static void
test_reading_while_it_is_written(void **state)
{
    (void)state;
    srand(2);
    unsigned whole = 0, overtaken = 0;
    for (unsigned round = 0; round < 12; round++) {
        struct fixture fixture;
        struct tally_error error;
        fixture_init(&fixture);
        while (fixture_last_file(&fixture) < 5)
            must_work(fixture_append(&fixture, 1, 60000, &error), &error);
        must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
        for (unsigned i = 0; i < 100; i++)
            must_work(fixture_append(&fixture, 1, 60000, &error), &error);

        struct live live = { .fixture = &fixture, .seals = round % 3 * 4 };
        struct journal_position from = fixture.from;
        struct journal_tail tail;
        live.found.next = from.index;
        uint64_t checked = fixture.entries;
        tally_status status =
            journal_read(&(struct trail_place){ fixture.disk, FOLDER, FIXTURE_TAG }, &from,
                         fixture.entries, visit_live, &live, &tail, &error);
        assert_false(live.found.wrong);
        whole += status == TALLY_OK;
        overtaken += status == TALLY_DAMAGED;
        if (status == TALLY_OK)
            assert_true(live.found.next >= checked);
        else
            assert_true(status == TALLY_DAMAGED && from.file < fixture.from.file);
        expect_all(&fixture);
        fixture_finish(&fixture);
    }
    assert_true(whole > 0 && overtaken > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_visitor_stops_the_reading),
        cmocka_unit_test(test_records_written_meanwhile_are_no_damage),
        cmocka_unit_test(test_reading_while_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
