/*
 * keyring_test.c - keys are added, kept and revoked. How they are rotated, noted as used and stored is
 * tested beside it.
 */
#include "keyring_fixture.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void
lists_of_trails(void **state)
{
    (void)state;
    static const struct {
        const char *trails;
        const char *name;
        bool has;
        const char *why;
    } rows[] = {
        { "", "main", true, "the empty list is for all" },
        { "main,audit", "main", true, "the first" },
        { "main,audit", "audit", true, "the last" },
        { "main,audit", "other", false, "none of them" },
        { "main,audit", "mai", false, "the beginning of one" },
        { "main,audit", "udit", false, "the end of one" },
        { "main,audit", "main,audit", false, "the list is no name" },
        { "main", "", false, "no name" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (keyring_trails_have(rows[i].trails, rows[i].name) != rows[i].has)
            fail_msg("%s", rows[i].why);
}

static void
what_is_kept_of_a_key(void **state)
{
    struct ring *ring = *state;
    int64_t before = clock_now();
    int64_t expires = before + CLOCK_DAY;
    struct new_key key = add_key(ring, "Ann's laptop", ROLE_AUDITOR, "main,audit", expires);
    assert_int_equal(key.id, 1);
    assert_int_equal(strlen(key.text), KEYRING_KEY_SIZE);
    assert_memory_equal(key.text, "tally_", 6);
    assert_int_equal(
        strspn(key.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
        KEYRING_KEY_SIZE);

    struct keyring_entry entry = get_key(ring, key.id);
    struct tally_hash hash;
    tally_hash_pieces(&(struct tally_piece){ key.text, KEYRING_KEY_SIZE }, 1, &hash);
    assert_memory_equal(&entry.hash, &hash, sizeof hash);
    assert_int_equal(entry.id, key.id);
    assert_string_equal(entry.name, "Ann's laptop");
    assert_int_equal(entry.role, ROLE_AUDITOR);
    assert_string_equal(entry.trails, "main,audit");
    assert_true(entry.created >= before && entry.created <= clock_now());
    assert_int_equal(entry.expires, expires);
    assert_int_equal(entry.revoked, 0);
    assert_int_equal(entry.replaced_by, 0);
    assert_int_equal(entry.last_used, 0);
    assert_string_equal(entry.last_address, "");
    assert_true(keyring_entry_good(&entry, expires - 1));
    assert_false(keyring_entry_good(&entry, expires));

    struct new_key other = add_key(ring, "Ann's laptop", ROLE_WRITER, NULL, 0);
    assert_int_equal(other.id, 2);
    assert_string_not_equal(other.text, key.text);
    assert_string_equal(get_key(ring, 2).trails, "");
    assert_int_equal(keyring_get(ring->keyring, 3, &entry, NULL), TALLY_ABSENT);
}

/* The key itself is in no file of the folder, and nobody else may read what is. */
static void
the_key_is_nowhere(void **state)
{
    struct ring *ring = *state;
    struct new_key key = add_key(ring, "admin", ROLE_ADMIN, NULL, 0);
    static const char *const suffixes[] = { "", "-wal" };
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        ring_file(ring, suffixes[i], path);
        struct stat stat_;
        assert_int_equal(stat(path, &stat_), 0);
        assert_int_equal(stat_.st_mode & 0777, 0600);
        FILE *file = fopen(path, "rb");
        char *bytes = malloc((size_t)stat_.st_size + 1);
        size_t size = fread(bytes, 1, (size_t)stat_.st_size, file);
        assert_null(memmem(bytes, size, key.text + 6, KEYRING_KEY_SIZE - 6));
        free(bytes);
        (void)fclose(file);
    }
}

static void
requests_that_are_none(void **state)
{
    struct ring *ring = *state;
    static char many[KEYRING_TRAILS_MAX + 2];
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    many[sizeof many - 2] = 'a';
    const struct keyring_request rows[] = {
        { .name = "", .role = ROLE_WRITER },
        { .name = "12345678901234567890123456789012345678901234567890123456789012345" },
        { .name = "\xff", .role = ROLE_WRITER },
        { .name = "x", .role = ROLE_WRITER, .trails = "" },
        { .name = "x", .role = ROLE_WRITER, .trails = "main," },
        { .name = "x", .role = ROLE_WRITER, .trails = "Main" },
        { .name = "x", .role = ROLE_WRITER, .trails = "main;audit" },
        { .name = "x", .role = ROLE_WRITER, .trails = many },
        { .name = "x", .role = ROLE_ADMIN, .trails = "main" },
        { .name = "x", .role = ROLE_WRITER, .expires = clock_now() },
        { .name = "x", .role = ROLE_WRITER, .expires = -1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct new_key key = { .id = 77 };
        assert_int_equal(keyring_add(ring->keyring, &rows[i], &key, NULL), TALLY_INVALID);
        assert_int_equal(key.id, 77);
    }
    assert_string_equal(key_ids(ring, KEYRING_ALL), "");
}

static void
the_ring_has_room_for_so_many(void **state)
{
    struct ring *ring = *state;
    struct new_key first = add_key(ring, "first", ROLE_WRITER, NULL, 0);
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO keys (name, role, hash, created)"
                   " SELECT 'n', 'writer', randomblob(32), 1 FROM n",
                   KEYRING_KEYS_MAX);
    run_sql(ring, sql);
    struct keyring_request request = { .name = "one too many", .role = ROLE_WRITER };
    struct new_key key;
    struct tally_error error = { 0 };
    assert_int_equal(keyring_add(ring->keyring, &request, &key, &error), TALLY_CONFLICT);
    assert_non_null(strstr(error.text, "revoke"));
    revoke_key(ring, first.id);
    (void)add_key(ring, "in its place", ROLE_WRITER, NULL, 0);
}

static void
a_revoked_key_opens_nothing_and_stays(void **state)
{
    struct ring *ring = *state;
    (void)add_key(ring, "admin", ROLE_ADMIN, NULL, 0);
    struct new_key key = add_key(ring, "portal", ROLE_WRITER, NULL, 0);
    int64_t before = clock_now();
    revoke_key(ring, key.id);
    struct keyring_entry entry = get_key(ring, key.id);
    assert_true(entry.revoked >= before);
    assert_false(keyring_entry_good(&entry, 0));
    assert_string_equal(entry.name, "portal");
    assert_string_equal(key_ids(ring, KEYRING_IN_SERVICE), "1");
    assert_string_equal(key_ids(ring, KEYRING_ALL), "12");

    revoke_key(ring, key.id); /* again: the first time counts */
    assert_int_equal(get_key(ring, key.id).revoked, entry.revoked);
    assert_int_equal(keyring_revoke(ring->keyring, 3, NULL), TALLY_ABSENT);
}

static void
an_id_is_never_given_twice(void **state)
{
    struct ring *ring = *state;
    (void)add_key(ring, "admin", ROLE_ADMIN, NULL, 0);
    assert_int_equal(add_key(ring, "a", ROLE_WRITER, NULL, 0).id, 2);
    run_sql(ring, "DELETE FROM keys WHERE id = 2"); /* not even where somebody removes a row */
    assert_int_equal(add_key(ring, "b", ROLE_WRITER, NULL, 0).id, 3);
}

static void
the_last_admin_key_stays(void **state)
{
    struct ring *ring = *state;
    struct new_key first = add_key(ring, "admin", ROLE_ADMIN, NULL, 0);
    (void)add_key(ring, "auditor", ROLE_AUDITOR, NULL, 0); /* no help */
    struct tally_error error = { 0 };
    assert_int_equal(keyring_revoke(ring->keyring, first.id, &error), TALLY_CONFLICT);
    assert_non_null(strstr(error.text, "make another one first"));
    assert_true(key_is_good(ring, first.id));

    /* One that has run out is none; it may go, though it was an admin's. */
    struct new_key brief = add_key(ring, "brief", ROLE_ADMIN, NULL, clock_now() + CLOCK_DAY);
    run_sql(ring, "UPDATE keys SET expires = 1 WHERE name = 'brief'");
    assert_int_equal(keyring_revoke(ring->keyring, first.id, NULL), TALLY_CONFLICT);
    revoke_key(ring, brief.id);

    struct new_key second = add_key(ring, "second", ROLE_ADMIN, NULL, 0);
    revoke_key(ring, first.id);
    assert_false(key_is_good(ring, first.id));
    assert_int_equal(keyring_revoke(ring->keyring, second.id, NULL), TALLY_CONFLICT);

    /* The one it replaces is good for a while, but does not count. */
    struct new_key third = rotate_key(ring, second.id, CLOCK_DAY);
    assert_true(key_is_good(ring, second.id));
    assert_int_equal(keyring_revoke(ring->keyring, third.id, NULL), TALLY_CONFLICT);
    revoke_key(ring, second.id);
    assert_true(key_is_good(ring, third.id));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_trails),
        WITH_RING(what_is_kept_of_a_key),
        WITH_RING(the_key_is_nowhere),
        WITH_RING(requests_that_are_none),
        WITH_RING(the_ring_has_room_for_so_many),
        WITH_RING(a_revoked_key_opens_nothing_and_stays),
        WITH_RING(an_id_is_never_given_twice),
        WITH_RING(the_last_admin_key_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
