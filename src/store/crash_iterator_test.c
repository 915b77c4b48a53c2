/* What a crash may leave of a few operations, disk by disk. */
#include "disk_sim_fixture.h"

static void
expect_crashes(struct disk *disk, size_t point, const char *const *texts, size_t count)
{
    struct set set = { .count = 0 };
    crashes_at(disk, point, &set);
    for (size_t i = 0; i < set.count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known |= strcmp(set.texts[i], texts[j]) == 0;
        if (!known)
            fail_msg("point %zu gives \"%s\"", point, set.texts[i]);
    }
    for (size_t j = 0; j < count; j++)
        if (!set_has(&set, texts[j]))
            fail_msg("point %zu does not give \"%s\"", point, texts[j]);
    set_free(&set);
}

#define EXPECT_CRASHES(disk, point, ...)                                              \
    do {                                                                              \
        static const char *const expected_[] = { __VA_ARGS__ };                       \
        expect_crashes(disk, point, expected_, sizeof expected_ / sizeof *expected_); \
    } while (0)

static void
test_unsynced_bytes_may_be_lost_or_torn(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 1024);
    disk_sim_record(disk);
    write_bytes(disk, "a", 0, 2, 1024);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 0, "a=1111 ");
    EXPECT_CRASHES(disk, 1, "a=1111 ", "a=2222 ", "a=2211 ", "a=1122 ");
    EXPECT_CRASHES(disk, 2, "a=2222 ");
    disk_close_folder(disk);
}

static void
test_unsynced_size_may_be_lost(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 256);
    disk_sim_record(disk);
    write_bytes(disk, "a", 256, 2, 768);
    EXPECT_CRASHES(disk, 1, "a=1 ", "a=1222 ", "a=12 ", "a=1022 ", "a=1000 ");
    disk_close_folder(disk);
}

static void
test_unsynced_names_may_be_lost(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    disk_sim_record(disk);
    make_file(disk, "a", 1, 256);                                  /* 1 create, 2 write */
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);              /* 3 */
    assert_int_equal(disk_sync_folder(disk, "", NULL), TALLY_OK);  /* 4 */
    assert_int_equal(disk_rename(disk, "a", "b", NULL), TALLY_OK); /* 5 */
    make_file(disk, "a", 2, 256);                                  /* 6, 7 */
    assert_int_equal(disk_unlink(disk, "b", NULL), TALLY_OK);      /* 8 */
    assert_int_equal(disk_sync_folder(disk, "", NULL), TALLY_OK);  /* 9 */
    EXPECT_CRASHES(disk, 1, "a= ", "");
    EXPECT_CRASHES(disk, 2, "a=1 ", "a= ", "a=0 ", "");
    EXPECT_CRASHES(disk, 3, "a=1 ", "");
    EXPECT_CRASHES(disk, 4, "a=1 ");
    EXPECT_CRASHES(disk, 5, "a=1 ", "b=1 ");
    EXPECT_CRASHES(disk, 6, "a=1 ", "b=1 ", "a= ", "a= b=1 ");
    EXPECT_CRASHES(disk, 8, "a=1 ", "b=1 ", "a= ", "a= b=1 ", "a=2 ", "a=2 b=1 ", "a=0 ", "");
    EXPECT_CRASHES(disk, 9, "a= ", "a=2 ", "a=0 ");
    disk_close_folder(disk);
}

static void
test_a_lost_folder_takes_its_names_along(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    disk_sim_record(disk);
    assert_int_equal(disk_make_folder(disk, "x", NULL), TALLY_OK);
    make_file(disk, "x/a", 1, 256);
    assert_int_equal(sync_file(disk, "x/a"), TALLY_OK);
    assert_int_equal(disk_sync_folder(disk, "x", NULL), TALLY_OK);

    struct crash_plan plan = { .first = 5, .last = 5 };
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    assert_true(crash_iterator_next(iterator, &crash));
    assert_true(exists(crash.disk, "x/a"));
    assert_true(crash_iterator_next(iterator, &crash));
    assert_false(exists(crash.disk, "x/a"));
    assert_int_equal(disk_list(crash.disk, "x", add_name, NULL, NULL), TALLY_ABSENT);
    assert_false(crash_iterator_next(iterator, &crash));
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

static void
test_a_failed_sync_leaves_it_open_for_ever(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 512);
    disk_sim_record(disk);
    write_bytes(disk, "a", 0, 2, 256);
    disk_sim_fail(disk, 1, SIM_FAULT_IO);
    assert_int_equal(sync_file(disk, "a"), TALLY_IO);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 3, "a=11 ", "a=21 ");

    /* A later write that is synced holds, whatever came of the earlier one below it. */
    write_bytes(disk, "a", 128, 3, 256);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 5, "a=13 ", "a=23 ");
    write_bytes(disk, "a", 0, 4, 256);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 7, "a=43 ");
    disk_close_folder(disk);
}

static void
test_notes_count_and_make_disks_new(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 256);
    disk_sim_record(disk);
    disk_sim_note(disk, 7, 0, "begun", 5);
    write_bytes(disk, "a", 0, 2, 256);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    disk_sim_note(disk, 8, 99, NULL, 0);

    struct crash_iterator *iterator = crash_iterator_create(disk, &(struct crash_plan){ 0 });
    static const struct {
        size_t point, notes;
    } rows[] = { { 0, 1 }, { 1, 1 }, { 2, 2 } };
    struct crash crash;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(crash_iterator_next(iterator, &crash));
        assert_int_equal(crash.point, rows[i].point);
        assert_int_equal(crash.note_count, rows[i].notes);
    }
    assert_int_equal(crash.notes[0].kind, 7);
    assert_memory_equal(crash.notes[0].data.data, "begun", 5);
    assert_int_equal(crash.notes[1].value, 99);
    assert_false(crash_iterator_next(iterator, &crash));
    assert_int_equal(crash_iterator_counters(iterator).points, 3);
    assert_int_equal(crash_iterator_counters(iterator).different, 3);
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

static void
test_points_beyond_the_end_mean_the_end(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 256);
    disk_sim_record(disk);
    write_bytes(disk, "a", 0, 2, 256);
    assert_int_equal(disk_sim_operations(disk), 1);
    struct crash_plan plan = { .first = SIZE_MAX, .last = SIZE_MAX };
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    assert_true(crash_iterator_next(iterator, &crash));
    assert_int_equal(crash.point, 1);
    assert_true(crash_iterator_next(iterator, &crash));
    assert_int_equal(crash.point, 1);
    assert_false(crash_iterator_next(iterator, &crash));
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

/* More than eight open: none, all, each one lost, and random ones that a seed gives again. */
static void
test_many_open_operations(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 20 * 256);
    disk_sim_record(disk);
    for (unsigned i = 0; i < 20; i++)
        write_bytes(disk, "a", (uint64_t)i * 256, 2, 256);
    struct set first = { .count = 0 }, again = { .count = 0 };
    crashes_at(disk, 20, &first);
    crashes_at(disk, 20, &again);
    assert_true(first.count > 2 + 20 + CRASH_SUBSETS_RANDOM / 2);
    assert_true(first.count <= 2 + 20 + CRASH_SUBSETS_RANDOM);
    assert_int_equal(first.count, again.count);
    for (size_t i = 0; i < first.count; i++)
        assert_true(set_has(&again, first.texts[i]));
    char text[64] = "a=22222222222222222222 ";
    assert_true(set_has(&first, text));
    for (unsigned i = 0; i < 20; i++) {
        text[2 + i] = '1';
        assert_true(set_has(&first, text));
        text[2 + i] = '2';
    }
    assert_true(set_has(&first, "a=11111111111111111111 "));
    set_free(&first);
    set_free(&again);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsynced_bytes_may_be_lost_or_torn),
        cmocka_unit_test(test_unsynced_size_may_be_lost),
        cmocka_unit_test(test_unsynced_names_may_be_lost),
        cmocka_unit_test(test_a_lost_folder_takes_its_names_along),
        cmocka_unit_test(test_a_failed_sync_leaves_it_open_for_ever),
        cmocka_unit_test(test_notes_count_and_make_disks_new),
        cmocka_unit_test(test_points_beyond_the_end_mean_the_end),
        cmocka_unit_test(test_many_open_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
