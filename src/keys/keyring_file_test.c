/*
 * keyring_file_test.c - the file of a ring, opened again, of an older version, and of others.
 */
#include "keyring_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void
the_version_tells_of_others(void **state)
{
    struct ring *ring = *state;
    int64_t first, second;
    assert_int_equal(keyring_version(ring->keyring, &first, NULL), TALLY_OK);
    assert_int_equal(keyring_version(ring->keyring, &second, NULL), TALLY_OK);
    assert_int_equal(first, second);
    struct keyring *other;
    assert_int_equal(keyring_open(ring->folder, &other, NULL), TALLY_OK);
    struct keyring_request request = { .name = "x", .role = ROLE_ADMIN };
    struct new_key key;
    assert_int_equal(keyring_add(other, &request, &key, NULL), TALLY_OK);
    keyring_close(other);
    assert_int_equal(keyring_version(ring->keyring, &second, NULL), TALLY_OK);
    assert_int_not_equal(first, second);
}

static void
opened_again_it_is_the_same(void **state)
{
    struct ring *ring = *state;
    struct new_key key = add_key(ring, "admin", ROLE_ADMIN, NULL, 0);
    keyring_close(ring->keyring);
    ring->keyring = NULL;
    struct keyring *other;
    assert_int_equal(keyring_create(ring->folder, &other, NULL), TALLY_IO); /* it exists */
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_OK);
    assert_true(key_is_good(ring, key.id));
    assert_int_equal(keyring_open("/nonexistent", &other, NULL), TALLY_ABSENT);
}

/* As version 1 made it. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE keys ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " role TEXT NOT NULL CHECK (role IN ('admin', 'auditor', 'writer')),"
    " trails TEXT,"
    " hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
    " created INTEGER NOT NULL,"
    " expires INTEGER,"
    " last_used INTEGER"
    ") STRICT;"
    "PRAGMA user_version = 1;"
    "INSERT INTO keys VALUES"
    " (1, 'admin', 'admin', NULL, randomblob(32), 11, NULL, NULL),"
    " (7, 'portal', 'writer', 'main,audit', zeroblob(32), 12, 13, 14);";

static void
a_file_of_version_1_is_brought_up(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    ring_remove_files(ring);
    run_sql(ring, version_1);
    struct tally_error error = { 0 };
    if (keyring_open(ring->folder, &ring->keyring, &error) != TALLY_OK)
        fail_msg("%s", error.text);

    struct keyring_entry entry = get_key(ring, 7);
    static const struct tally_hash zero;
    assert_memory_equal(&entry.hash, &zero, sizeof zero);
    assert_string_equal(entry.name, "portal");
    assert_int_equal(entry.role, ROLE_WRITER);
    assert_string_equal(entry.trails, "main,audit");
    assert_int_equal(entry.created, 12);
    assert_int_equal(entry.expires, 13);
    assert_int_equal(entry.last_used, 14);
    assert_int_equal(entry.revoked, 0);
    assert_true(key_is_good(ring, 1));
    assert_int_equal(get_key(ring, 1).expires, 0);

    /* It works as one made today, and the ids go on where they were. */
    assert_int_equal(add_key(ring, "next", ROLE_WRITER, NULL, 0).id, 8);
    struct keyring_use one = use_of(1, 100, "10.0.0.1");
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_OK);
    run_sql(ring, "DELETE FROM keys WHERE id = 8");
    assert_int_equal(add_key(ring, "next", ROLE_WRITER, NULL, 0).id, 9);

    keyring_close(ring->keyring);
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_OK);
    assert_string_equal(key_ids(ring, KEYRING_ALL), "179");
}

static void
other_versions_are_refused(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    ring->keyring = NULL;
    run_sql(ring, "PRAGMA user_version = 3");
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_UNSUPPORTED);
    run_sql(ring, "PRAGMA user_version = 0");
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_DAMAGED);

    char path[128];
    ring_file(ring, "", path);
    FILE *file = fopen(path, "wb");
    (void)fputs("this is no database, whatever its name says; it is only a text\n", file);
    (void)fclose(file);
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_DAMAGED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RING(the_version_tells_of_others),
        WITH_RING(opened_again_it_is_the_same),
        WITH_RING(a_file_of_version_1_is_brought_up),
        WITH_RING(other_versions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
