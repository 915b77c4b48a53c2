/* The simulated disk against its own promises. */
#include "disk_sim_fixture.h"

#include <errno.h>

static void
test_what_was_written_is_read(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    assert_int_equal(disk_make_folder(disk, "x", NULL), TALLY_OK);
    assert_int_equal(disk_make_folder(disk, "x", NULL), TALLY_OK);
    struct disk_file *file = open_file(disk, "x/a", DISK_CREATE);
    assert_int_equal(disk_write(file, 5000, "hello", 5, NULL), TALLY_OK);

    uint64_t size;
    assert_int_equal(disk_size(file, &size, NULL), TALLY_OK);
    assert_int_equal(size, 5005);
    uint8_t data[10];
    size_t got;
    assert_int_equal(disk_read(file, 4998, data, sizeof data, &got, NULL), TALLY_OK);
    assert_int_equal(got, 7);
    assert_memory_equal(data, "\0\0hello", 7);
    struct tally_error error;
    assert_int_equal(disk_read_all(file, 4998, data, sizeof data, &error), TALLY_DAMAGED);
    assert_non_null(strstr(error.text, "x/a ends at byte 5005"));

    struct disk_file *other;
    assert_int_equal(disk_open(disk, "x/a", DISK_CREATE, &other, NULL), TALLY_IO);
    assert_int_equal(disk_open(disk, "x/b", DISK_READ, &other, NULL), TALLY_ABSENT);
    assert_int_equal(disk_open(disk, "y/b", DISK_CREATE, &other, NULL), TALLY_IO);
    assert_int_equal(disk_open(disk, "x", DISK_READ, &other, NULL), TALLY_IO);
    assert_int_equal(disk_open(disk, "x/../x/a", DISK_READ, &other, NULL), TALLY_INVALID);

    /* An unlinked file lives on while it is open. */
    assert_int_equal(disk_unlink(disk, "x/a", NULL), TALLY_OK);
    assert_int_equal(disk_unlink(disk, "x/a", NULL), TALLY_ABSENT);
    assert_int_equal(disk_read_all(file, 5000, data, 5, NULL), TALLY_OK);
    disk_close(file);
    disk_close_folder(disk);
}

static void
test_locks_exclude(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "lock", 1, 1);
    struct disk_file *a = open_file(disk, "lock", DISK_WRITE);
    struct disk_file *b = open_file(disk, "lock", DISK_WRITE);
    assert_int_equal(disk_lock(a, NULL), TALLY_OK);
    assert_int_equal(disk_lock(a, NULL), TALLY_OK);
    assert_int_equal(disk_lock(b, NULL), TALLY_BUSY);
    disk_close(a);
    assert_int_equal(disk_lock(b, NULL), TALLY_OK);
    disk_close(b);
    disk_close_folder(disk);
}

static void
test_space_ends(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 1000);
    disk_sim_set_space(disk, 500);
    write_bytes(disk, "a", 0, 2, 1000); /* overwriting costs nothing */
    write_bytes(disk, "a", 900, 3, 300);
    uint64_t space;
    assert_int_equal(disk_space(disk, &space, NULL), TALLY_OK);
    assert_int_equal(space, 300);

    struct disk_file *file = open_file(disk, "a", DISK_WRITE);
    char data[400] = { 4 };
    assert_int_equal(disk_write(file, 1200, data, sizeof data, NULL), TALLY_FULL);
    disk_close(file);
    assert_int_equal(disk_sim_size(disk, "a"), 1500); /* what fits is written */
    assert_int_equal(disk_unlink(disk, "a", NULL), TALLY_OK);
    assert_int_equal(disk_space(disk, &space, NULL), TALLY_OK);
    assert_int_equal(space, 1500);

    assert_int_equal(disk_open(disk, "b", DISK_CREATE, &file, NULL), TALLY_OK);
    assert_int_equal(disk_reserve(file, 1501, NULL), TALLY_FULL);
    disk_close(file);
    assert_int_equal(disk_unlink(disk, "b", NULL), TALLY_OK);
    assert_int_equal(disk_space(disk, &space, NULL), TALLY_OK);
    assert_int_equal(space, 1500);
    disk_close_folder(disk);
}

static void
test_copies_are_apart(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 10000);
    struct disk *copy = disk_sim_copy(disk);
    assert_int_equal(disk_sim_hash(disk), disk_sim_hash(copy));
    write_bytes(disk, "a", 5000, 2, 1);
    uint8_t byte;
    disk_sim_peek(copy, "a", 5000, &byte, 1);
    assert_int_equal(byte, 1);
    assert_true(disk_sim_hash(disk) != disk_sim_hash(copy));
    write_bytes(copy, "a", 5000, 2, 1);
    assert_int_equal(disk_sim_hash(disk), disk_sim_hash(copy));
    assert_int_equal(disk_rename(copy, "a", "b", NULL), TALLY_OK);
    assert_true(disk_sim_hash(disk) != disk_sim_hash(copy));
    assert_true(disk_sim_contains(copy, "\1\2\1", 3));
    assert_false(disk_sim_contains(copy, "\2\2", 2));
    disk_close_folder(disk);
    disk_close_folder(copy);
}

/* Each way to fail, at a write of 4 bytes over "....". */
static void
test_calls_fail_as_asked(void **state)
{
    (void)state;
    static const struct {
        enum sim_fault fault;
        tally_status status;
        const char *after;
        const char *why;
    } rows[] = {
        { SIM_FAULT_IO, TALLY_IO, "....", "nothing was written" },
        { SIM_FAULT_FULL, TALLY_FULL, "....", "nothing was written" },
        { SIM_FAULT_SHORT, TALLY_IO, "ab..", "half of it was" },
        { SIM_FAULT_LATE, TALLY_IO, "abcd", "all of it, but the caller does not know" },
        { SIM_FAULT_DEAD, TALLY_IO, "....", "nothing was written" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct disk *disk = disk_sim_create();
        make_file(disk, "a", '.', 4);
        struct disk_file *file = open_file(disk, "a", DISK_WRITE);
        disk_sim_fail(disk, 1, rows[i].fault);
        uint64_t size;
        assert_int_equal(disk_size(file, &size, NULL), TALLY_OK);
        assert_false(disk_sim_failed(disk));
        struct tally_error error;
        assert_int_equal(disk_write(file, 0, "abcd", 4, &error), rows[i].status);
        assert_int_equal(error.os, rows[i].fault == SIM_FAULT_FULL ? ENOSPC : EIO);
        assert_true(disk_sim_failed(disk));
        char data[4];
        disk_sim_peek(disk, "a", 0, data, 4);
        assert_memory_equal(data, rows[i].after, 4);
        tally_status next = disk_size(file, &size, NULL);
        assert_int_equal(next, rows[i].fault == SIM_FAULT_DEAD ? TALLY_IO : TALLY_OK);
        disk_sim_heal(disk);
        assert_int_equal(disk_size(file, &size, NULL), TALLY_OK);
        disk_close(file);
        disk_close_folder(disk);
    }
}

static void
test_late_names_take_effect(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    struct disk_file *file;
    disk_sim_fail(disk, 0, SIM_FAULT_LATE);
    assert_int_equal(disk_open(disk, "a", DISK_CREATE, &file, NULL), TALLY_IO);
    assert_true(exists(disk, "a"));
    disk_sim_fail(disk, 0, SIM_FAULT_LATE);
    assert_int_equal(disk_rename(disk, "a", "b", NULL), TALLY_IO);
    assert_true(exists(disk, "b"));
    disk_sim_fail(disk, 0, SIM_FAULT_IO);
    assert_int_equal(disk_unlink(disk, "b", NULL), TALLY_IO);
    assert_true(exists(disk, "b"));
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_locks_exclude),
        cmocka_unit_test(test_space_ends),
        cmocka_unit_test(test_copies_are_apart),
        cmocka_unit_test(test_calls_fail_as_asked),
        cmocka_unit_test(test_late_names_take_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
