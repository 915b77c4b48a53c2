/* The real disk in a scratch folder; and what disk.c does on either, on both. */
#include "buffer.h"
#include "disk_sim.h"
#include "fault.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch[64];

static int
remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk)
{
    (void)stat;
    (void)flag;
    (void)walk;
    return remove(path);
}

static void
must_work(tally_status status, const struct tally_error *error)
{
    if (status != TALLY_OK)
        fail_msg("%s: %s", tally_status_text(status), error->text);
}

/* A fresh disk: in memory, or the scratch folder. */
static struct disk *
make_disk(bool real)
{
    if (!real)
        return disk_sim_create();
    (void)snprintf(scratch, sizeof scratch, "%s", "tally-disk-test-XXXXXX");
    assert_non_null(mkdtemp(scratch));
    struct disk *disk;
    struct tally_error error;
    must_work(disk_open_folder(scratch, &disk, &error), &error);
    return disk;
}

static void
drop_disk(struct disk *disk, bool real)
{
    disk_close_folder(disk);
    if (real)
        assert_int_equal(nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void
put_file(struct disk *disk, const char *name, const char *text)
{
    struct disk_file *file;
    struct tally_error error;
    must_work(disk_open(disk, name, DISK_CREATE, &file, &error), &error);
    must_work(disk_write(file, 0, text, strlen(text), &error), &error);
    must_work(disk_sync(file, &error), &error);
    disk_close(file);
}

static void
expect_file(struct disk *disk, const char *name, const char *text)
{
    struct buffer content = { 0 };
    struct tally_error error;
    must_work(disk_read_file(disk, name, 1000, &content, &error), &error);
    assert_true(bytes_is(buffer_view(&content), text));
    buffer_free(&content);
}

static void
test_files_keep_what_is_written(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        put_file(disk, "a", "hello");
        struct disk_file *file;
        must_work(disk_open(disk, "a", DISK_WRITE, &file, &error), &error);
        must_work(disk_write(file, 3, "p me", 4, &error), &error);
        uint64_t size;
        must_work(disk_size(file, &size, &error), &error);
        assert_int_equal(size, 7);
        unsigned permissions;
        must_work(disk_permissions(file, &permissions, &error), &error);
        assert_int_equal(permissions, 0600);

        char data[8];
        size_t got;
        must_work(disk_read(file, 5, data, sizeof data, &got, &error), &error);
        assert_int_equal(got, 2);
        assert_memory_equal(data, "me", 2);
        must_work(disk_read(file, 9, data, sizeof data, &got, &error), &error);
        assert_int_equal(got, 0);
        assert_int_equal(disk_read_all(file, 5, data, 3, &error), TALLY_DAMAGED);
        assert_string_equal(error.text,
                            "a ends at byte 7, in the midst of what should go on to byte 8");
        disk_close(file);
        expect_file(disk, "a", "help me");
        drop_disk(disk, real);
    }
}

/* More than is written at once, within what stands and beyond its end. */
static void
test_clearing_writes_zeros_and_no_more(void **state)
{
    (void)state;
    static uint8_t before[200003], data[sizeof before + 1];
    memset(before, 0x5a, sizeof before);
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        struct disk_file *file;
        must_work(disk_open(disk, "a", DISK_CREATE, &file, &error), &error);
        must_work(disk_write(file, 0, before, 150000, &error), &error);
        must_work(disk_clear(file, 7, 0, &error), &error);
        must_work(disk_clear(file, 7, 140000, &error), &error);
        must_work(disk_clear(file, 150000, 50003, &error), &error);
        size_t got;
        must_work(disk_read(file, 0, data, sizeof data, &got, &error), &error);
        assert_int_equal(got, 200003);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(data[i], i < 7 || (i >= 140007 && i < 150000) ? 0x5a : 0);
        disk_close(file);
        drop_disk(disk, real);
    }
}

static void
test_reserved_space_reads_as_zeros(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        struct disk_file *file;
        must_work(disk_open(disk, "a", DISK_CREATE, &file, &error), &error);
        tally_status status = disk_reserve(file, 10000, &error);
        if (status == TALLY_UNSUPPORTED) {
            disk_close(file);
            drop_disk(disk, real);
            continue;
        }
        must_work(status, &error);
        must_work(disk_write(file, 5000, "x", 1, &error), &error);
        uint64_t size;
        must_work(disk_size(file, &size, &error), &error);
        assert_int_equal(size, 10000);
        uint8_t data[10000];
        must_work(disk_read_all(file, 0, data, sizeof data, &error), &error);
        for (size_t i = 0; i < sizeof data; i++)
            assert_int_equal(data[i], i == 5000 ? 'x' : 0);
        assert_int_equal(disk->counters.written_bytes, 1);
        disk_close(file);
        drop_disk(disk, real);
    }
}

static void
test_calls_are_counted(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        put_file(disk, "a", "hello");
        expect_file(disk, "a", "hello");
        must_work(disk_sync_folder(disk, "", &error), &error);
        assert_int_equal(disk->counters.writes, 1);
        assert_int_equal(disk->counters.written_bytes, 5);
        assert_int_equal(disk->counters.reads, 1);
        assert_int_equal(disk->counters.read_bytes, 5);
        assert_int_equal(disk->counters.syncs, 2);
        drop_disk(disk, real);
    }
}

static void
test_names_stay_within_the_folder(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "/", "/etc/passwd", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a//b", "a/", "/a",
    };
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        must_work(disk_make_folder(disk, "a", &error), &error);
        struct disk_file *file;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            const char *name = names[i];
            assert_int_equal(disk_open(disk, name, DISK_READ, &file, &error), TALLY_INVALID);
            assert_int_equal(disk_open(disk, name, DISK_CREATE, &file, &error), TALLY_INVALID);
            assert_int_equal(disk_make_folder(disk, name, &error), TALLY_INVALID);
            assert_int_equal(disk_unlink(disk, name, &error), TALLY_INVALID);
            assert_int_equal(disk_rename(disk, name, name, &error), TALLY_INVALID);
            if (name[0] == '\0')
                continue; /* the disk's own folder */
            assert_int_equal(disk_sync_folder(disk, name, &error), TALLY_INVALID);
            assert_int_equal(disk_list(disk, name, NULL, NULL, &error), TALLY_INVALID);
        }
        put_file(disk, "a/..b", "dots within a name are harmless");
        drop_disk(disk, real);
    }
}

static void
test_what_is_absent(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        struct disk_file *file;
        assert_int_equal(disk_open(disk, "a", DISK_READ, &file, &error), TALLY_ABSENT);
        assert_int_equal(disk_open(disk, "a", DISK_WRITE, &file, &error), TALLY_ABSENT);
        assert_int_equal(disk_open(disk, "x/a", DISK_READ, &file, &error), TALLY_ABSENT);
        assert_int_equal(disk_unlink(disk, "a", &error), TALLY_ABSENT);
        assert_int_equal(disk_unlink(disk, "x/a", &error), TALLY_ABSENT);
        assert_int_equal(disk_list(disk, "x", NULL, NULL, &error), TALLY_ABSENT);
        assert_int_equal(disk_open(disk, "x/a", DISK_CREATE, &file, &error), TALLY_IO);
        assert_int_equal(error.os, ENOENT);
        assert_int_equal(disk_rename(disk, "a", "b", &error), TALLY_IO);
        assert_int_equal(disk_sync_folder(disk, "x", &error), TALLY_IO);

        put_file(disk, "a", "1");
        assert_int_equal(disk_open(disk, "a", DISK_CREATE, &file, &error), TALLY_IO);
        assert_int_equal(error.os, EEXIST);
        assert_int_equal(disk_make_folder(disk, "a", &error), TALLY_IO);
        must_work(disk_make_folder(disk, "x", &error), &error);
        must_work(disk_make_folder(disk, "x", &error), &error);
        assert_int_equal(disk_open(disk, "x", DISK_READ, &file, &error), TALLY_IO);
        drop_disk(disk, real);
    }
}

static tally_status
add_name(void *context, const char *name, struct tally_error *error)
{
    buffer_text(context, name);
    buffer_byte(context, ' ');
    return strcmp(name, "stop") == 0 ? fault(error, TALLY_CONFLICT, "stopped") : TALLY_OK;
}

static void
test_names_are_listed_in_order(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        struct buffer names = { 0 };
        must_work(disk_make_folder(disk, "f", &error), &error);
        put_file(disk, "f/b", "");
        put_file(disk, "f/a", "");
        put_file(disk, "f/a-", "");
        put_file(disk, "f/\xc3\xa4", "");
        put_file(disk, "f/B", "");
        must_work(disk_make_folder(disk, "f/g", &error), &error);
        must_work(disk_list(disk, "f", add_name, &names, &error), &error);
        assert_true(bytes_is(buffer_view(&names), "B a a- b g \xc3\xa4 "));
        buffer_clear(&names);
        must_work(disk_list(disk, "", add_name, &names, &error), &error);
        assert_true(bytes_is(buffer_view(&names), "f "));
        buffer_clear(&names);
        put_file(disk, "f/stop", "");
        assert_int_equal(disk_list(disk, "f", add_name, &names, &error), TALLY_CONFLICT);
        assert_true(bytes_is(buffer_view(&names), "B a a- b g stop "));
        buffer_free(&names);
        drop_disk(disk, real);
    }
}

static void
test_renaming_replaces(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        must_work(disk_make_folder(disk, "f", &error), &error);
        put_file(disk, "f/a", "old");
        put_file(disk, "f/b", "new");
        must_work(disk_rename(disk, "f/b", "f/a", &error), &error);
        expect_file(disk, "f/a", "new");
        struct disk_file *file;
        assert_int_equal(disk_open(disk, "f/b", DISK_READ, &file, &error), TALLY_ABSENT);
        must_work(disk_sync_folder(disk, "f", &error), &error);
        drop_disk(disk, real);
    }
}

static void
test_locks_go_with_the_open_file(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        put_file(disk, "lock", "");
        struct disk_file *a, *b;
        must_work(disk_open(disk, "lock", DISK_WRITE, &a, &error), &error);
        must_work(disk_open(disk, "lock", DISK_WRITE, &b, &error), &error);
        must_work(disk_lock(a, &error), &error);
        must_work(disk_lock(a, &error), &error);
        assert_int_equal(disk_lock(b, &error), TALLY_BUSY); /* in the same process too */
        disk_close(a);
        must_work(disk_lock(b, &error), &error);
        disk_close(b);
        drop_disk(disk, real);
    }
}

static void
test_small_files_are_read_and_replaced_whole(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct disk *disk = make_disk(real);
        struct tally_error error;
        must_work(disk_make_folder(disk, "f", &error), &error);
        put_file(disk, "f/a.new", "what a crash left");
        static const char *const texts[] = { "one", "", "a longer text" };
        for (size_t i = 0; i < 3; i++) {
            must_work(disk_replace_file(disk, "f", "f/a", bytes_text(texts[i]), &error), &error);
            expect_file(disk, "f/a", texts[i]);
        }
        struct buffer names = { 0 }, content = { 0 };
        must_work(disk_list(disk, "f", add_name, &names, &error), &error);
        assert_true(bytes_is(buffer_view(&names), "a "));
        assert_int_equal(disk_read_file(disk, "f/a", 12, &content, &error), TALLY_INVALID);
        assert_int_equal(disk_read_file(disk, "f/b", 12, &content, &error), TALLY_ABSENT);
        assert_int_equal(content.size, 0);
        buffer_text(&content, "behind: ");
        must_work(disk_read_file(disk, "f/a", 13, &content, &error), &error);
        assert_true(bytes_is(buffer_view(&content), "behind: a longer text"));
        buffer_free(&names);
        buffer_free(&content);
        must_work(disk_replace_file(disk, "", "top", bytes_text("x"), &error), &error);
        drop_disk(disk, real);
    }
}

static void
test_there_is_space(void **state)
{
    (void)state;
    struct disk *disk = make_disk(true);
    struct tally_error error;
    uint64_t space;
    must_work(disk_space(disk, &space, &error), &error);
    assert_true(space > 0);
    drop_disk(disk, true);
}

/* A folder from a stranger: links, pipes and folders where files should be. */
static void
test_only_plain_files_are_opened(void **state)
{
    (void)state;
    struct disk *disk = make_disk(true);
    struct tally_error error;
    char path[128];
    must_work(disk_make_folder(disk, "f", &error), &error);
    put_file(disk, "f/a", "1");

    (void)snprintf(path, sizeof path, "%s/link", scratch);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    (void)snprintf(path, sizeof path, "%s/inner", scratch);
    assert_int_equal(symlink("f", path), 0);
    (void)snprintf(path, sizeof path, "%s/pipe", scratch);
    assert_int_equal(mkfifo(path, 0600), 0);
    static const char *const names[] = { "link", "inner", "inner/a", "pipe", "f" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct disk_file *file;
        if (disk_open(disk, names[i], DISK_READ, &file, &error) != TALLY_IO)
            fail_msg("%s was opened", names[i]);
        assert_non_null(strstr(error.text, names[i]));
    }
    assert_int_equal(disk_list(disk, "inner", add_name, NULL, &error), TALLY_IO);
    assert_int_equal(disk_unlink(disk, "inner/a", &error), TALLY_IO);
    assert_int_equal(disk_make_folder(disk, "inner", &error), TALLY_IO);
    drop_disk(disk, true);
}

static void
test_permissions_are_narrow(void **state)
{
    (void)state;
    mode_t before = umask(0);
    struct disk *disk = make_disk(true);
    struct tally_error error;
    char path[128];
    struct stat stat_of;
    must_work(disk_make_folder(disk, "f", &error), &error);
    put_file(disk, "f/a", "1");
    (void)snprintf(path, sizeof path, "%s/f", scratch);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0700);
    (void)snprintf(path, sizeof path, "%s/f/a", scratch);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    (void)umask(before);

    struct disk *other;
    assert_int_equal(disk_open_folder("no/such/folder", &other, &error), TALLY_ABSENT);
    assert_int_equal(disk_open_folder(path, &other, &error), TALLY_IO);
    drop_disk(disk, true);
}

/* Whatever call of it fails: the old bytes or the new ones, and space asked for is given back. */
static void
test_replacing_is_all_or_nothing(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < SIM_FAULTS; fault++) {
        for (uint64_t n = 0;; n++) {
            struct disk *disk = disk_sim_create();
            struct tally_error error;
            must_work(disk_replace_file(disk, "", "a", bytes_text("old"), &error), &error);
            uint64_t before = disk_sim_hash(disk);
            disk_sim_fail(disk, n, (enum sim_fault)fault);
            tally_status status = disk_replace_file(disk, "", "a", bytes_text("fresh"), &error);
            bool failed = disk_sim_failed(disk);
            disk_sim_heal(disk);
            struct buffer content = { 0 };
            must_work(disk_read_file(disk, "a", 10, &content, &error), &error);
            bool old = bytes_is(buffer_view(&content), "old");
            assert_true(old || bytes_is(buffer_view(&content), "fresh"));
            assert_true((status == TALLY_OK) == !failed);
            if (status == TALLY_OK)
                assert_false(old);
            if (status == TALLY_FULL)
                assert_int_equal(disk_sim_hash(disk), before);
            buffer_free(&content);
            disk_close_folder(disk);
            if (!failed)
                break;
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_keep_what_is_written),
        cmocka_unit_test(test_clearing_writes_zeros_and_no_more),
        cmocka_unit_test(test_reserved_space_reads_as_zeros),
        cmocka_unit_test(test_calls_are_counted),
        cmocka_unit_test(test_names_stay_within_the_folder),
        cmocka_unit_test(test_what_is_absent),
        cmocka_unit_test(test_names_are_listed_in_order),
        cmocka_unit_test(test_renaming_replaces),
        cmocka_unit_test(test_locks_go_with_the_open_file),
        cmocka_unit_test(test_small_files_are_read_and_replaced_whole),
        cmocka_unit_test(test_there_is_space),
        cmocka_unit_test(test_only_plain_files_are_opened),
        cmocka_unit_test(test_permissions_are_narrow),
        cmocka_unit_test(test_replacing_is_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
