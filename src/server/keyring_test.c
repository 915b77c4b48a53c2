#include "keyring.h"

#include "clock.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct ring {
    char folder[64];
    struct keyring *keyring;
};

static int
begin(void **state)
{
    static struct ring ring;
    (void)snprintf(ring.folder, sizeof ring.folder, P_tmpdir "/tally-keyring.XXXXXX");
    if (mkdtemp(ring.folder) == NULL ||
        keyring_create(ring.folder, &ring.keyring, NULL) != TALLY_OK)
        return -1;
    *state = &ring;
    return 0;
}

static void
file_of(const struct ring *ring, const char *suffix, char path[128])
{
    (void)snprintf(path, 128, "%s/tally.db%s", ring->folder, suffix);
}

static int
end(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        file_of(ring, suffixes[i], path);
        (void)unlink(path);
    }
    return rmdir(ring->folder);
}

static void
add(struct ring *ring, const char *name, enum role role, const char *trails, int64_t expires,
    char key[KEYRING_KEY_SIZE + 1])
{
    struct keyring_request request = { name, role, trails, expires };
    struct tally_error error = { 0 };
    if (keyring_add(ring->keyring, &request, key, &error) != TALLY_OK)
        fail_msg("%s", error.text);
}

static void
a_key_opens_what_it_is_for(void **state)
{
    struct ring *ring = *state;
    int64_t now = clock_now();
    char admin[KEYRING_KEY_SIZE + 1];
    char writer[KEYRING_KEY_SIZE + 1];
    char brief[KEYRING_KEY_SIZE + 1];
    add(ring, "admin", ROLE_ADMIN, NULL, 0, admin);
    add(ring, "portal", ROLE_WRITER, "main,audit", 0, writer);
    add(ring, "visitor", ROLE_AUDITOR, NULL, now + CLOCK_SECOND, brief);

    struct {
        const char *key;
        const char *trail;
        int64_t now;
        tally_status status;
        const char *why;
    } rows[] = {
        { admin, "main", now, TALLY_OK, "all trails" },
        { admin, "any-other", now, TALLY_OK, "all trails, later ones too" },
        { writer, "main", now, TALLY_OK, "the first of its trails" },
        { writer, "audit", now, TALLY_OK, "the last of its trails" },
        { writer, "other", now, TALLY_ABSENT, "not one of its trails" },
        { writer, "mai", now, TALLY_ABSENT, "the beginning of one" },
        { writer, "main,audit", now, TALLY_ABSENT, "the list is no name" },
        { brief, "main", now, TALLY_OK, "not expired yet" },
        { brief, "main", now + CLOCK_SECOND, TALLY_ABSENT, "expired" },
        { "", "main", now, TALLY_ABSENT, "no key" },
        { "tally_", "main", now, TALLY_ABSENT, "only the prefix" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct keyring_entry entry;
        tally_status status =
            keyring_find(ring->keyring, rows[i].key, rows[i].trail, rows[i].now, &entry, NULL);
        if (status != rows[i].status)
            fail_msg("%s", rows[i].why);
    }
}

static void
every_character_of_a_key_counts(void **state)
{
    struct ring *ring = *state;
    char key[KEYRING_KEY_SIZE + 1];
    add(ring, "admin", ROLE_ADMIN, NULL, 0, key);
    assert_int_equal(strlen(key), KEYRING_KEY_SIZE);
    assert_memory_equal(key, "tally_", 6);
    assert_int_equal(
        strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
        KEYRING_KEY_SIZE);
    for (size_t i = 0; i < KEYRING_KEY_SIZE; i++) {
        key[i] ^= 1;
        struct keyring_entry entry;
        assert_int_equal(keyring_find(ring->keyring, key, "main", 0, &entry, NULL), TALLY_ABSENT);
        key[i] ^= 1;
    }
}

static void
what_is_kept_of_a_key(void **state)
{
    struct ring *ring = *state;
    char key[KEYRING_KEY_SIZE + 1];
    add(ring, "Ann's laptop", ROLE_AUDITOR, NULL, 12345, key);
    struct keyring_entry entry;
    assert_int_equal(keyring_find(ring->keyring, key, "main", 100, &entry, NULL), TALLY_OK);
    assert_string_equal(entry.name, "Ann's laptop");
    assert_int_equal(entry.role, ROLE_AUDITOR);
    assert_int_equal(entry.expires, 12345);
    assert_int_equal(entry.last_used, 0);
    assert_int_equal(keyring_find(ring->keyring, key, "main", 200, &entry, NULL), TALLY_OK);
    assert_int_equal(entry.last_used, 100);
}

/* The key itself is in no file of the folder, and nobody else may read what is. */
static void
the_key_is_nowhere(void **state)
{
    struct ring *ring = *state;
    char key[KEYRING_KEY_SIZE + 1];
    add(ring, "admin", ROLE_ADMIN, NULL, 0, key);
    static const char *const suffixes[] = { "", "-wal" };
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        file_of(ring, suffixes[i], path);
        struct stat stat_;
        assert_int_equal(stat(path, &stat_), 0);
        assert_int_equal(stat_.st_mode & 0777, 0600);
        FILE *file = fopen(path, "rb");
        char *bytes = malloc((size_t)stat_.st_size + 1);
        size_t size = fread(bytes, 1, (size_t)stat_.st_size, file);
        assert_null(memmem(bytes, size, key + 6, KEYRING_KEY_SIZE - 6));
        free(bytes);
        (void)fclose(file);
    }
}

static void
requests_that_are_none(void **state)
{
    struct ring *ring = *state;
    static const struct keyring_request rows[] = {
        { .name = "" },
        { .name = "12345678901234567890123456789012345678901234567890123456789012345" },
        { .name = "\xff" },
        { .name = "x", .trails = "" },
        { .name = "x", .trails = "main," },
        { .name = "x", .trails = "Main" },
        { .name = "x", .trails = "main;audit" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[KEYRING_KEY_SIZE + 1] = "untouched";
        assert_int_equal(keyring_add(ring->keyring, &rows[i], key, NULL), TALLY_INVALID);
        assert_string_equal(key, "untouched");
    }
}

static void
opened_again_it_is_the_same(void **state)
{
    struct ring *ring = *state;
    char key[KEYRING_KEY_SIZE + 1];
    add(ring, "admin", ROLE_ADMIN, NULL, 0, key);
    keyring_close(ring->keyring);
    ring->keyring = NULL;
    struct keyring *other;
    assert_int_equal(keyring_create(ring->folder, &other, NULL), TALLY_IO); /* it exists */
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_OK);
    struct keyring_entry entry;
    assert_int_equal(keyring_find(ring->keyring, key, "main", 0, &entry, NULL), TALLY_OK);
    assert_int_equal(keyring_open("/nonexistent", &other, NULL), TALLY_ABSENT);
}

static void
set_version(const struct ring *ring, const char *sql)
{
    char path[128];
    file_of(ring, "", path);
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(database);
}

static void
other_versions_are_refused(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    ring->keyring = NULL;
    set_version(ring, "PRAGMA user_version = 2");
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_UNSUPPORTED);
    set_version(ring, "PRAGMA user_version = 0");
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_DAMAGED);

    char path[128];
    file_of(ring, "", path);
    FILE *file = fopen(path, "wb");
    (void)fputs("this is no database, whatever its name says; it is only a text\n", file);
    (void)fclose(file);
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_DAMAGED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_opens_what_it_is_for, begin, end),
        cmocka_unit_test_setup_teardown(every_character_of_a_key_counts, begin, end),
        cmocka_unit_test_setup_teardown(what_is_kept_of_a_key, begin, end),
        cmocka_unit_test_setup_teardown(the_key_is_nowhere, begin, end),
        cmocka_unit_test_setup_teardown(requests_that_are_none, begin, end),
        cmocka_unit_test_setup_teardown(opened_again_it_is_the_same, begin, end),
        cmocka_unit_test_setup_teardown(other_versions_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
