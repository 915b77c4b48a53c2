#include "uses.h"

#include "keyring_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int
set_up(void **state)
{
    if (ring_set_up(state) != 0)
        return -1;
    return add_key(*state, "portal", ROLE_WRITER, NULL, 0).id == 1 ? 0 : -1;
}

static struct uses *
read_back(const struct ring *ring)
{
    struct uses *uses;
    assert_int_equal(uses_read(ring->keyring, 1, &uses, NULL), TALLY_OK);
    return uses;
}

static struct keyring_use pending[KEYRING_ADDRESSES_MAX];

static void
what_is_settled_is_not_collected_again(void **state)
{
    struct uses *uses = read_back(*state);
    assert_int_equal(uses_collect(uses, pending), 0);
    assert_true(uses_add(uses, "10.0.0.1", 100));
    assert_true(uses_add(uses, "10.0.0.2", 101));
    assert_int_equal(uses_collect(uses, pending), 2);
    assert_int_equal(uses_collect(uses, pending), 2); /* nobody said that it was written */

    /* One is used once more while both are being written. */
    assert_false(uses_add(uses, "10.0.0.1", 102));
    uses_settle(uses, pending, 2);
    assert_int_equal(uses_collect(uses, pending), 1);
    assert_int_equal(pending[0].id, 1);
    assert_int_equal(pending[0].used, 102);
    assert_string_equal(pending[0].address, "10.0.0.1");
    uses_settle(uses, pending, 1);
    assert_int_equal(uses_collect(uses, pending), 0);
    uses_free(uses);
}

static void
what_the_ring_knows_is_settled(void **state)
{
    const struct ring *ring = *state;
    struct uses *uses = read_back(ring);
    assert_true(uses_add(uses, "10.0.0.1", 100));
    assert_true(uses_add(uses, "::1", 101));
    size_t count = uses_collect(uses, pending);
    assert_int_equal(keyring_note(ring->keyring, pending, count, 0, NULL), TALLY_OK);
    uses_free(uses);

    uses = read_back(ring);
    assert_int_equal(uses_collect(uses, pending), 0);
    assert_false(uses_add(uses, "::1", 200));
    assert_true(uses_add(uses, "::2", 201));
    assert_int_equal(uses_collect(uses, pending), 2);
    uses_free(uses);
}

static void
the_address_unused_for_longest_gives_way(void **state)
{
    struct uses *uses = read_back(*state);
    for (int i = 0; i < KEYRING_ADDRESSES_MAX; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "10.0.0.%d", i);
        assert_true(uses_add(uses, address, 1000 + i));
    }
    assert_int_equal(uses_collect(uses, pending), KEYRING_ADDRESSES_MAX);
    assert_false(uses_add(uses, "10.0.0.0", 2000)); /* now 10.0.0.1 is the one */
    assert_true(uses_add(uses, "::1", 2001));
    assert_false(uses_add(uses, "10.0.0.0", 2002));
    assert_false(uses_add(uses, "10.0.0.2", 2003));
    assert_true(uses_add(uses, "10.0.0.1", 2004));

    /* What was collected of one that gave way settles nothing else. */
    uses_settle(uses, pending, KEYRING_ADDRESSES_MAX);
    assert_int_equal(uses_collect(uses, pending), 4);
    uses_free(uses);
}

static void
a_long_address_is_cut(void **state)
{
    struct uses *uses = read_back(*state);
    char address[2 * KEYRING_ADDRESS_MAX];
    memset(address, 'a', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    assert_true(uses_add(uses, address, 100));
    assert_false(uses_add(uses, address, 101));
    assert_int_equal(uses_collect(uses, pending), 1);
    assert_int_equal(strlen(pending[0].address), KEYRING_ADDRESS_MAX);
    uses_free(uses);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_settled_is_not_collected_again, set_up,
                                        ring_tear_down),
        cmocka_unit_test_setup_teardown(what_the_ring_knows_is_settled, set_up, ring_tear_down),
        cmocka_unit_test_setup_teardown(the_address_unused_for_longest_gives_way, set_up,
                                        ring_tear_down),
        cmocka_unit_test_setup_teardown(a_long_address_is_cut, set_up, ring_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
