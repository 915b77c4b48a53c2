#include "roster.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char path[64];
static struct folder *folder;
static struct tally_error error;

static void
create(const char *name)
{
    const struct trail_config config = { 0 };
    struct tally_vkey vkey;
    assert_int_equal(trail_create(folder, name, &config, &vkey, &error), TALLY_OK);
}

static int
open_folder(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/roster-XXXXXX");
    if (mkdtemp(path) == NULL || folder_create(path, &error) != TALLY_OK ||
        folder_open(path, NULL, &folder, &error) != TALLY_OK)
        return -1;
    create("main");
    create("tally");
    create("a");
    create("b");
    create("c");
    return 0;
}

static int
close_folder(void **state)
{
    (void)state;
    folder_close(folder);
    char command[96];
    (void)snprintf(command, sizeof command, "rm -r %s", path);
    return system(command);
}

static struct roster *
open_roster(uint64_t open_max, int64_t idle)
{
    struct roster_options options = { .open_max = open_max, .idle = idle };
    struct roster *roster;
    assert_int_equal(roster_create(folder, &options, &roster, &error), TALLY_OK);
    return roster;
}

static struct open_trail *
take(struct roster *roster, const char *name)
{
    struct open_trail *open;
    assert_int_equal(roster_take(roster, name, &open, &error), TALLY_OK);
    assert_string_equal(open->name, name);
    return open;
}

static bool
is_open(struct roster *roster, const char *name)
{
    struct open_trail *open;
    if (roster_try(roster, name, &open) != TALLY_OK)
        return false;
    roster_release(roster, open);
    return true;
}

static void
opened_when_asked_for(void **state)
{
    (void)state;
    struct roster *roster = open_roster(8, 3600 * CLOCK_SECOND);
    assert_false(is_open(roster, "a"));
    struct open_trail *first = take(roster, "a");
    struct open_trail *second = take(roster, "a");
    assert_ptr_equal(first, second);
    assert_true(is_open(roster, "a"));
    struct open_trail *none;
    assert_int_equal(roster_take(roster, "nothing", &none, &error), TALLY_ABSENT);
    assert_int_equal(roster_take(roster, "../main", &none, &error), TALLY_ABSENT);
    roster_release(roster, first);
    roster_release(roster, second);
    assert_int_equal(roster_close(roster, &error), TALLY_OK);
}

/* Used trails are never closed for others; the server's own never at all. */
static void
closed_for_others(void **state)
{
    (void)state;
    struct roster *roster = open_roster(3, 3600 * CLOCK_SECOND);
    roster_release(roster, take(roster, "main"));
    roster_release(roster, take(roster, "a"));
    struct open_trail *b = take(roster, "b");
    roster_release(roster, take(roster, "c")); /* in place of a */
    assert_false(is_open(roster, "a"));
    assert_true(is_open(roster, "main") && is_open(roster, "b") && is_open(roster, "c"));

    struct open_trail *c = take(roster, "c");
    struct open_trail *none;
    assert_int_equal(roster_take(roster, "a", &none, &error), TALLY_BUSY);
    roster_release(roster, b);
    roster_release(roster, c);
    assert_int_equal(roster_close(roster, &error), TALLY_OK);
}

static void
closed_when_idle(void **state)
{
    (void)state;
    struct roster *roster = open_roster(8, 0);
    roster_release(roster, take(roster, "main"));
    struct open_trail *a = take(roster, "a");
    roster_release(roster, take(roster, "b"));
    roster_tidy(roster);
    assert_true(is_open(roster, "main") && is_open(roster, "a"));
    assert_false(is_open(roster, "b"));
    roster_release(roster, a);
    roster_tidy(roster);
    assert_false(is_open(roster, "a"));
    assert_int_equal(roster_close(roster, &error), TALLY_OK);
}

/* Names that nobody has are no reason to close what somebody may want. */
static void
not_closed_for_what_is_not_there(void **state)
{
    (void)state;
    struct roster *roster = open_roster(2, 3600 * CLOCK_SECOND);
    roster_release(roster, take(roster, "a"));
    roster_release(roster, take(roster, "b"));
    struct open_trail *none;
    assert_int_equal(roster_take(roster, "nothing", &none, &error), TALLY_ABSENT);
    assert_true(is_open(roster, "a") && is_open(roster, "b"));
    assert_int_equal(roster_close(roster, &error), TALLY_OK);
}

/* Threads ask for more trails than may be open, and each finds the one it asked for. */
struct guest {
    struct roster *roster;
    unsigned number;
    pthread_t thread;
};

static void *
come_and_go(void *context)
{
    struct guest *guest = context;
    static const char *const names[] = { "a", "b", "c", "main" };
    unsigned seed = guest->number;
    for (unsigned i = 0; i < 25; i++) {
        const char *name = names[(unsigned)rand_r(&seed) % 4];
        struct open_trail *open;
        struct tally_error own;
        tally_status status = roster_take(guest->roster, name, &open, &own);
        if (status == TALLY_BUSY)
            continue;
        if (status != TALLY_OK || strcmp(trail_name(open->trail), name) != 0)
            return guest;
        roster_retain(guest->roster, open);
        roster_release(guest->roster, open);
        roster_tidy(guest->roster);
        roster_release(guest->roster, open);
    }
    return NULL;
}

static void
many_at_once(void **state)
{
    (void)state;
    struct roster *roster = open_roster(3, 0);
    struct guest guests[4];
    for (unsigned i = 0; i < 4; i++) {
        guests[i] = (struct guest){ .roster = roster, .number = i + 1 };
        assert_int_equal(pthread_create(&guests[i].thread, NULL, come_and_go, &guests[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        void *failed;
        (void)pthread_join(guests[i].thread, &failed);
        assert_null(failed);
    }
    assert_int_equal(roster_close(roster, &error), TALLY_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened_when_asked_for),
        cmocka_unit_test(closed_for_others),
        cmocka_unit_test(not_closed_for_what_is_not_there),
        cmocka_unit_test(closed_when_idle),
        cmocka_unit_test(many_at_once),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
