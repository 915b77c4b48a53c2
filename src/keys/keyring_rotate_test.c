#include "keyring_fixture.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
a_rotated_key_overlaps(void **state)
{
    struct ring *ring = *state;
    struct new_key old = add_key(ring, "portal", ROLE_WRITER, "main", 0);
    int64_t before = clock_now();
    struct new_key fresh = rotate_key(ring, old.id, 3600 * CLOCK_SECOND);
    assert_int_equal(fresh.id, 2);
    assert_string_not_equal(fresh.text, old.text);

    struct keyring_entry entry = get_key(ring, old.id);
    assert_int_equal(entry.replaced_by, fresh.id);
    assert_true(entry.expires >= before + 3600 * CLOCK_SECOND);
    assert_true(entry.expires <= clock_now() + 3600 * CLOCK_SECOND);
    assert_true(key_is_good(ring, old.id));

    entry = get_key(ring, fresh.id);
    assert_string_equal(entry.name, "portal");
    assert_int_equal(entry.role, ROLE_WRITER);
    assert_string_equal(entry.trails, "main");
    assert_int_equal(entry.expires, 0);
    assert_int_equal(entry.replaced_by, 0);
    assert_string_equal(key_ids(ring, KEYRING_IN_SERVICE), "12");
}

static void
a_rotated_key_may_end_at_once(void **state)
{
    struct ring *ring = *state;
    struct new_key old = add_key(ring, "admin", ROLE_ADMIN, NULL, 0);
    struct new_key fresh = rotate_key(ring, old.id, 0);
    assert_false(key_is_good(ring, old.id));
    assert_true(key_is_good(ring, fresh.id));
    assert_string_equal(get_key(ring, fresh.id).trails, "");
    assert_string_equal(key_ids(ring, KEYRING_IN_SERVICE),
                        "2"); /* nobody needs to see the old one */
    assert_string_equal(key_ids(ring, KEYRING_ALL), "12");
}

static void
a_rotation_keeps_the_term_and_never_adds_to_it(void **state)
{
    struct ring *ring = *state;
    int64_t expires = clock_now() + CLOCK_DAY;
    struct new_key old = add_key(ring, "visitor", ROLE_AUDITOR, NULL, expires);
    int64_t term = expires - get_key(ring, old.id).created;
    struct new_key fresh = rotate_key(ring, old.id, 7 * CLOCK_DAY);
    assert_int_equal(get_key(ring, old.id).expires, expires);
    assert_int_equal(get_key(ring, fresh.id).expires, get_key(ring, fresh.id).created + term);

    struct new_key last = add_key(ring, "for good", ROLE_AUDITOR, NULL, INT64_MAX);
    run_sql(ring, "UPDATE keys SET created = 1 WHERE name = 'for good'");
    fresh = rotate_key(ring, last.id, INT64_MAX);
    assert_int_equal(get_key(ring, last.id).expires, INT64_MAX);
    assert_int_equal(get_key(ring, fresh.id).expires, INT64_MAX);
}

static void
what_cannot_be_rotated(void **state)
{
    struct ring *ring = *state;
    struct new_key replaced = add_key(ring, "replaced", ROLE_WRITER, NULL, 0);
    struct new_key revoked = add_key(ring, "revoked", ROLE_WRITER, NULL, 0);
    struct new_key expired = add_key(ring, "expired", ROLE_WRITER, NULL, 0);
    (void)rotate_key(ring, replaced.id, CLOCK_DAY);
    revoke_key(ring, revoked.id);
    run_sql(ring, "UPDATE keys SET expires = 1 WHERE name = 'expired'");

    const struct {
        int64_t id;
        tally_status status;
        const char *text;
    } rows[] = {
        { replaced.id, TALLY_CONFLICT, "key 4" },
        { revoked.id, TALLY_CONFLICT, "revoked" },
        { expired.id, TALLY_CONFLICT, "run out" },
        { 99, TALLY_ABSENT, "" },
        { 0, TALLY_ABSENT, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_error error = { 0 };
        struct new_key key;
        assert_int_equal(keyring_rotate(ring->keyring, rows[i].id, 0, &key, &error),
                         rows[i].status);
        assert_non_null(strstr(error.text, rows[i].text));
    }
    assert_string_equal(key_ids(ring, KEYRING_ALL), "1234"); /* nothing half done is left */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RING(a_rotated_key_overlaps),
        WITH_RING(a_rotated_key_may_end_at_once),
        WITH_RING(a_rotation_keeps_the_term_and_never_adds_to_it),
        WITH_RING(what_cannot_be_rotated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
