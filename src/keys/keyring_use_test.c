#include "keyring_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void
the_last_use_is_noted(void **state)
{
    struct ring *ring = *state;
    (void)add_key(ring, "a", ROLE_WRITER, NULL, 0);
    (void)add_key(ring, "b", ROLE_WRITER, NULL, 0);
    struct keyring_use uses[] = {
        use_of(1, 100, "10.0.0.1"), use_of(1, 300, "::1"),
        use_of(1, 200, "10.0.0.1"), /* late news are no last use */
        use_of(1, 150, "10.0.0.1"), use_of(2, 50, "10.0.0.2"),
    };
    assert_int_equal(keyring_note(ring->keyring, uses, sizeof uses / sizeof uses[0], 0, NULL),
                     TALLY_OK);
    assert_int_equal(get_key(ring, 1).last_used, 300);
    assert_string_equal(get_key(ring, 1).last_address, "::1");
    assert_int_equal(get_key(ring, 2).last_used, 50);

    struct keyring_use found[KEYRING_ADDRESSES_MAX];
    size_t count = 0;
    assert_int_equal(keyring_addresses(ring->keyring, 1, found, &count, NULL), TALLY_OK);
    assert_int_equal(count, 2);
    assert_string_equal(found[0].address, "::1");
    assert_string_equal(found[1].address, "10.0.0.1");
    assert_int_equal(found[1].used, 200);
    assert_int_equal(keyring_addresses(ring->keyring, 3, found, &count, NULL), TALLY_OK);
    assert_int_equal(count, 0);
}

static void
only_the_newest_addresses_are_kept(void **state)
{
    struct ring *ring = *state;
    (void)add_key(ring, "a", ROLE_WRITER, NULL, 0);
    for (int i = 0; i < KEYRING_ADDRESSES_MAX + 5; i++) {
        char address[16];
        (void)snprintf(address, sizeof address, "10.0.0.%d", i);
        struct keyring_use one = use_of(1, 1000 + i, address);
        assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_OK);
    }
    struct keyring_use found[KEYRING_ADDRESSES_MAX];
    size_t count = 0;
    assert_int_equal(keyring_addresses(ring->keyring, 1, found, &count, NULL), TALLY_OK);
    assert_int_equal(count, KEYRING_ADDRESSES_MAX);
    assert_string_equal(found[0].address, "10.0.0.104");
    assert_string_equal(found[count - 1].address, "10.0.0.5");
    run_sql(ring, "CREATE TABLE t (n INTEGER CHECK (n = 100));"
                  "INSERT INTO t SELECT count(*) FROM addresses; DROP TABLE t;");
}

static unsigned sleeps;

/* In place of SQLite's way to sleep. */
static int
count_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    sleeps++;
    return us;
}

/* Whoever waits for a lock sleeps in between. */
static void
a_note_does_not_wait(void **state)
{
    struct ring *ring = *state;
    (void)add_key(ring, "a", ROLE_WRITER, NULL, 0);
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int (*own_sleep)(sqlite3_vfs *, int) = vfs->xSleep;
    char path[128];
    ring_file(ring, "", path);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct keyring_use one = use_of(1, 100, "10.0.0.1");
    vfs->xSleep = count_sleep;
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_BUSY);
    assert_int_equal(sleeps, 0);
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 20, NULL), TALLY_BUSY);
    assert_true(sleeps > 0);
    vfs->xSleep = own_sleep;
    (void)sqlite3_close(other);
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RING(the_last_use_is_noted),
        WITH_RING(only_the_newest_addresses_are_kept),
        WITH_RING(a_note_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
