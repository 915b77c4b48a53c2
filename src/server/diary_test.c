#include "diary.h"

#include "clock.h"
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* However slow the machine is. */
#define PATIENCE (60 * CLOCK_SECOND)

static char path[64];
static struct folder *folder;
static struct roster *roster;
static struct diary *diary;
static struct tally_error error;

static int
open_diary(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/diary-XXXXXX");
    const struct roster_options options = { .open_max = 4 };
    if (mkdtemp(path) == NULL || folder_create(path, &error) != TALLY_OK ||
        folder_open(path, NULL, &folder, &error) != TALLY_OK ||
        roster_create(folder, &options, &roster, &error) != TALLY_OK ||
        diary_open(folder, roster, &diary, &error) != TALLY_OK)
        return -1;
    return 0;
}

static int
close_diary(void **state)
{
    (void)state;
    diary_close(diary);
    if (roster_close(roster, &error) != TALLY_OK)
        return -1;
    folder_close(folder);
    char command[96];
    (void)snprintf(command, sizeof command, "rm -r %s", path);
    return system(command);
}

/* Closes the diary, so that its queue is written, and opens it again. */
static void
settle(void)
{
    diary_close(diary);
    assert_int_equal(diary_open(folder, roster, &diary, &error), TALLY_OK);
}

static uint64_t
size(void)
{
    struct open_trail *open;
    assert_int_equal(roster_take(roster, DIARY_TRAIL, &open, &error), TALLY_OK);
    uint64_t count = trail_size(open->trail);
    roster_release(roster, open);
    return count;
}

/* Whether a field of the entry `back` places before the newest is `value`. */
static bool
entry_is(uint64_t back, enum field_id field, const char *value)
{
    struct open_trail *open;
    struct snapshot *snapshot;
    struct run_entry entry;
    assert_int_equal(roster_take(roster, DIARY_TRAIL, &open, &error), TALLY_OK);
    assert_int_equal(snapshot_open(open->trail, &snapshot, &error), TALLY_OK);
    assert_int_equal(
        snapshot_entry(snapshot, snapshot_size(snapshot) - 1 - back, RUN_VALUES, &entry, &error),
        TALLY_OK);
    bool same =
        value == NULL ? entry.values[field].data == NULL : bytes_is(entry.values[field], value);
    snapshot_close(snapshot);
    roster_release(roster, open);
    return same;
}

static const struct principal alice = {
    .role = ROLE_AUDITOR,
    .key = 7,
    .name = "alice \"a\"",
    .writer = "key:7",
};

static void
written_before_it_returns(void **state)
{
    (void)state;
    uint64_t before = size();
    struct diary_event event = {
        .event_type = "audit_export",
        .principal = &alice,
        .address = "192.0.2.1",
        .request_id = "r-1",
        .resource_type = "trail",
        .resource_id = "main",
        .details = bytes_text("{\"rows\":3}"),
    };
    assert_int_equal(diary_write(diary, &event, &error), TALLY_OK);
    assert_int_equal(size(), before + 1);
    assert_true(entry_is(0, FIELD_ACTION, "audit.export")); /* the catalogue filled it in */
    assert_true(entry_is(0, FIELD_USER_ID, "alice \"a\""));
    assert_true(entry_is(0, FIELD_SESSION_ID, "key:7"));
    assert_true(entry_is(0, FIELD_DETAILS, "{\"rows\":3}"));
    assert_true(entry_is(0, FIELD_WRITER, "tally"));
    assert_true(entry_is(0, FIELD_IP_ADDRESS, "192.0.2.1"));

    struct diary_event own = { .action = "server.start", .resource_type = "server" };
    assert_int_equal(diary_write(diary, &own, &error), TALLY_OK);
    assert_true(entry_is(0, FIELD_ACTOR_TYPE, "system"));
    assert_true(entry_is(0, FIELD_USER_ID, NULL));
}

static void
notes_are_written_in_order(void **state)
{
    (void)state;
    uint64_t before = size();
    for (unsigned i = 0; i < 1000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "n-%u", i);
        struct diary_event event = { .action = "test.note", .request_id = id };
        diary_note(diary, &event);
    }
    settle();
    assert_int_equal(size(), before + 1000);
    assert_true(entry_is(0, FIELD_REQUEST_ID, "n-999"));
    assert_true(entry_is(999, FIELD_REQUEST_ID, "n-0"));
    assert_int_equal(diary_dropped(diary), 0);
}

/* What the entries from index `first` on say was dropped, in all. */
static uint64_t
told_dropped(uint64_t first)
{
    struct open_trail *open;
    struct snapshot *snapshot;
    uint64_t sum = 0;
    assert_int_equal(roster_take(roster, DIARY_TRAIL, &open, &error), TALLY_OK);
    assert_int_equal(snapshot_open(open->trail, &snapshot, &error), TALLY_OK);
    for (uint64_t index = first; index < snapshot_size(snapshot); index++) {
        struct run_entry entry;
        assert_int_equal(snapshot_entry(snapshot, index, RUN_VALUES, &entry, &error), TALLY_OK);
        unsigned long long dropped;
        if (bytes_is(entry.values[FIELD_ACTION], "audit.gap") &&
            sscanf((const char *)entry.values[FIELD_DETAILS].data, "{\"dropped\":%llu", &dropped) ==
                1)
            sum += dropped;
    }
    snapshot_close(snapshot);
    roster_release(roster, open);
    return sum;
}

/* What the queue cannot hold is counted, and the counts go on record: with them nothing is missing.
 */
static void
a_flood_leaves_gaps_that_are_told(void **state)
{
    (void)state;
    uint64_t before = size();
    struct diary_event event = { .action = "test.flood" };
    const int64_t deadline = clock_monotonic() + PATIENCE;
    unsigned count = 0;
    do {
        for (unsigned i = 0; i < 4 * DIARY_QUEUE_MAX; i++, count++)
            diary_note(diary, &event);
    } while (diary_dropped(diary) == 0 && clock_monotonic() < deadline);
    uint64_t dropped = diary_dropped(diary);
    settle();
    assert_true(dropped > 0);
    assert_int_equal(told_dropped(before), dropped);
    assert_true(size() > before + count - dropped);
}

/* One that the trail refuses takes no other with it, and is told like what found no room. */
static void
a_note_that_is_no_event(void **state)
{
    (void)state;
    uint64_t before = size();
    struct diary_event good = { .action = "test.good" };
    struct diary_event bad = { .action = "test.bad", .message = bytes_text("\xff") };
    for (unsigned i = 0; i < 10; i++) {
        diary_note(diary, &good);
        diary_note(diary, i == 5 ? &bad : &good);
    }
    /* Of this diary, not of the one that settle() opens. */
    const int64_t deadline = clock_monotonic() + PATIENCE;
    while (diary_dropped(diary) == 0 && clock_monotonic() < deadline)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    assert_int_equal(diary_dropped(diary), 1);
    settle();
    assert_int_equal(told_dropped(before), 1);
    assert_int_equal(size(), before + 19 + 1);
}

/* Once for a principal, trail and filter; anything else is another read. */
static void
reads_are_written_once(void **state)
{
    (void)state;
    struct principal bob = alice;
    bob.key = 8;
    const struct {
        const struct principal *who;
        const char *trail;
        const char *filter;
        unsigned more;
    } reads[] = {
        { &alice, "main", "user:u1", 1 }, { &alice, "main", "user:u1", 0 },
        { &alice, "main", "user:u2", 1 }, { &alice, "other", "user:u1", 1 },
        { &bob, "main", "user:u1", 1 },   { &alice, "main", "user:u1", 0 },
        { &alice, "main", "", 1 },        { &bob, "main", "user:u1", 0 },
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        uint64_t before = size();
        struct diary_event event = { .event_type = "audit_read", .principal = reads[i].who };
        assert_int_equal(
            diary_read(diary, &event, reads[i].trail, bytes_text(reads[i].filter), &error),
            TALLY_OK);
        assert_int_equal(size() - before, reads[i].more);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_before_it_returns),
        cmocka_unit_test(notes_are_written_in_order),
        cmocka_unit_test(a_flood_leaves_gaps_that_are_told),
        cmocka_unit_test(a_note_that_is_no_event),
        cmocka_unit_test(reads_are_written_once),
    };
    return cmocka_run_group_tests(tests, open_diary, close_diary);
}
