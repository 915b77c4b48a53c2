/*
 * state_test.c - what an operator sees of a trail: trail_state_read() and folder_options.sealed.
 */
#include "fixture.h"
#include "trail_state.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD_MAX 40

struct seals {
    unsigned count;
    int64_t took;
    char trail[TRAIL_NAME_MAX + 1];
};

static void
note_seal(void *context, const char *trail, int64_t took)
{
    struct seals *seals = context;
    seals->count++;
    seals->took = took;
    (void)snprintf(seals->trail, sizeof seals->trail, "%s", trail);
}

static struct trail_state
state_of(struct trail *trail)
{
    struct trail_state state;
    memset(&state, 0xa5, sizeof state);
    trail_state_read(trail, &state);
    return state;
}

static void
a_trail_from_new_to_sealed(void **cmocka_state)
{
    (void)cmocka_state;
    struct seals seals = { 0 };
    struct disk *disk = fixture_disk();
    const struct folder_options options = {
        .head_entries_max = HEAD_MAX,
        .manual = true,
        .disk = disk,
        .sealed = note_seal,
        .sealed_context = &seals,
    };
    struct folder *folder;
    MUST(folder_open("", &options, &folder, &why));
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);

    struct trail_state state = state_of(trail);
    assert_int_equal(state.size, 1);
    assert_int_equal(state.signed_size, 1);
    assert_int_equal(state.unsigned_since, 0);
    assert_int_equal(state.segments, 0);
    assert_int_equal(state.heads_frozen, 0);
    assert_false(state.behind);
    assert_false(state.poisoned);
    uint64_t empty = state.journal_size;
    assert_true(empty > 0);

    fixture_record(trail, 0, 10, NULL);
    state = state_of(trail);
    assert_int_equal(state.size, 11);
    assert_int_equal(state.signed_size, 1);
    assert_true(state.unsigned_since > 0 && state.unsigned_since <= clock_monotonic());
    assert_int_equal(state.head_entries, 11);
    assert_true(state.heads_memory > 0);
    assert_true(state.journal_size > empty + 10 * 100);

    MUST(trail_sign(trail, &why));
    state = state_of(trail);
    assert_int_equal(state.signed_size, 11);
    assert_int_equal(state.unsigned_since, 0);

    /* The first head is full and frozen, the second fills beside it. */
    fixture_record(trail, 10, HEAD_MAX, NULL);
    assert_false(state_of(trail).behind);
    fixture_record(trail, 10 + HEAD_MAX, HEAD_MAX, NULL);
    state = state_of(trail);
    assert_int_equal(state.heads_frozen, 1);
    assert_int_equal(state.head_entries, HEAD_MAX);
    assert_true(state.behind);
    assert_int_equal(seals.count, 0);
    uint64_t both = state.journal_size;

    MUST(trail_seal(trail, SEAL_ALL, &why));
    state = state_of(trail);
    assert_int_equal(state.segments, 2);
    assert_int_equal(state.heads_frozen, 0);
    assert_int_equal(state.head_entries, 0);
    assert_true(state.journal_size < both / 2);
    assert_false(state.behind);
    assert_int_equal(seals.count, 2);
    assert_string_equal(seals.trail, "main");
    assert_true(seals.took > 0);

    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trail_from_new_to_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
