/*
 * spool_file_test.c - frames of one file of a spool: what is put in comes back, whoever reads it
 * and whenever.
 */
#include "spool_file_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct spool_file *
reopen(struct spool_file *file)
{
    struct tally_error error;
    spool_file_destroy(file);
    assert_int_equal(spool_file_open(folder, 1, &file, &error), TALLY_OK);
    return file;
}

/* Goes through a file; its whole events are numbers in `expected`, in that order. */
static void
expect(const struct spool_file *file, const uint64_t *expected, size_t count, unsigned damaged)
{
    struct spool_frame frame;
    size_t found = 0;
    for (uint32_t at = file->done;; at = frame.next) {
        spool_file_look(file, at, &frame);
        if (frame.kind == SPOOL_FRAME_NONE)
            break;
        unsigned thread;
        uint64_t number;
        if (frame.kind == SPOOL_FRAME_DAMAGED) {
            assert_true(damaged > 0);
            damaged--;
        } else if (frame.kind == SPOOL_FRAME_WHOLE) {
            assert_true(stamp_read(frame.event, &thread, &number));
            assert_true(found < count);
            assert_int_equal(number, expected[found++]);
            assert_int_equal(frame.time, 1000 + at);
        }
    }
    assert_int_equal(found, count);
    assert_int_equal(damaged, 0);
}

/* Every size that fits comes back, also where the file is filled to its last byte. */
static void
sizes_come_back(void **state)
{
    (void)state;
    uint32_t max = spool_file_event_max(SIZE);
    uint8_t *event = malloc(max + 1);
    for (uint32_t i = 0; i <= max; i++)
        event[i] = (uint8_t)('a' + i % 26);
    struct spool_file *file = make_file(NULL, SIZE);
    for (uint32_t size = 1; size <= max; size++) {
        struct spool_frame frame;
        assert_true(spool_file_fits(file, size));
        assert_true(put_event(file, bytes_of(event, size)));
        spool_file_look(file, SPOOL_FILE_START, &frame);
        assert_int_equal(frame.kind, SPOOL_FRAME_WHOLE);
        assert_true(bytes_equal(frame.event, bytes_of(event, size)));
        spool_file_clear(file);
        spool_file_begin(file, size + 1);
        spool_file_look(file, SPOOL_FILE_START, &frame);
        assert_int_equal(frame.kind, SPOOL_FRAME_NONE);
    }
    assert_int_equal(reserve_frame(file, max + 1), 0);
    assert_false(spool_file_fits(file, max + 1));
    assert_true(put_event(file, bytes_of(event, max)));
    assert_int_equal(reserve_frame(file, 1), 0);
    spool_file_destroy(file);
    free(event);
}

static void
a_slow_thread_is_waited_for_while_it_lives(void **state)
{
    (void)state;
    uint8_t room[STAMP_SIZE_MAX];
    struct spool_file *file = make_file(folder, SIZE);
    struct spool_frame frame;
    struct bytes slow = stamp_event(0, 0, room);
    uint32_t at = reserve_frame(file, (uint32_t)slow.size);
    put_stamped(file, 1);
    spool_file_look(file, SPOOL_FILE_START, &frame);
    assert_int_equal(frame.kind, SPOOL_FRAME_PENDING);
    assert_int_equal(spool_file_filled(file, SPOOL_FILE_START), SPOOL_FILE_START);
    (void)stamp_event(0, 0, room);
    spool_file_fill(file, at, slow, 1000 + at);
    expect(file, (const uint64_t[]){ 0, 1 }, 2, 0);
    assert_int_equal(spool_file_filled(file, SPOOL_FILE_START), atomic_load(&file->tail));
    spool_file_destroy(file);
}

/* Frames that a dead process had reserved are passed over, wherever they stand, and are no damage. */
static void
unfinished_frames_are_passed_over(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "1", "0", "01", "10", "0110", "1001", "00100", "11011"
    };
    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        struct spool_file *file = make_file(folder, SIZE);
        uint64_t expected[8];
        size_t count = 0;
        for (uint64_t i = 0; patterns[p][i] != '\0'; i++) {
            if (patterns[p][i] == '1') {
                put_stamped(file, i);
                expected[count++] = i;
            } else {
                uint32_t at = reserve_frame(file, 100 + (uint32_t)i);
                memset(file->base + at + SPOOL_FRAME_HEAD, 'x', 40);
            }
        }
        file = reopen(file);
        expect(file, expected, count, 0);
        spool_file_destroy(file);
        spool_file_remove(folder, 1);
    }
}

/* What was in a file before it was begun anew is never seen, however little was written since. */
static void
remains_are_not_seen(void **state)
{
    (void)state;
    struct spool_file *file = make_file(folder, SIZE);
    uint8_t room[STAMP_SIZE_MAX];
    uint64_t number = 0;
    for (uint32_t round = 1; round < 200; round++) {
        while (put_event(file, stamp_event(0, number, room)))
            number++;
        spool_file_set_done(file, atomic_load(&file->tail));
        spool_file_clear(file);
        spool_file_begin(file, round + 1);
        uint64_t written = round % 4;
        for (uint64_t i = 0; i < written && put_event(file, stamp_event(0, i, room)); i++)
            continue;
        /* As another process sees it, that opens it now. */
        struct spool_file *seen;
        assert_int_equal(spool_file_open(folder, 1, &seen, NULL), TALLY_OK);
        assert_int_equal(seen->number, round + 1);
        expect(seen, (const uint64_t[]){ 0, 1, 2, 3 }, written, 0);
        spool_file_destroy(seen);
    }
    spool_file_destroy(file);
}

static void
positions_survive(void **state)
{
    (void)state;
    struct spool_file *file = make_file(folder, SIZE);
    for (uint64_t i = 0; i < 4; i++)
        put_stamped(file, i);
    struct spool_frame frame;
    spool_file_look(file, SPOOL_FILE_START, &frame);
    uint32_t second = frame.next;
    spool_file_look(file, second, &frame);
    spool_file_set_done(file, second);
    spool_file_set_sending(file, frame.next);
    spool_file_set_sending(file, second);
    uint32_t third = frame.next;
    file = reopen(file);
    assert_int_equal(file->done, second);
    assert_int_equal(file->sending, third);
    expect(file, (const uint64_t[]){ 1, 2, 3 }, 3, 0);
    spool_file_destroy(file);
}

/* Whatever a process was about to do with a file that holds nothing: it is not to be opened. */
static void
files_that_hold_nothing_are_absent(void **state)
{
    (void)state;
    struct spool_file *file = make_file(folder, SIZE);
    put_stamped(file, 0);
    spool_file_clear(file);
    spool_file_destroy(file);
    assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_ABSENT);

    static const off_t sizes[] = { 0, 1, SPOOL_FILE_START, SIZE };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        (void)close(fd);
        assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_ABSENT);
    }
    spool_file_remove(folder, 1);
    assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_IO);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_DAMAGED);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_DAMAGED);
}

static void
files_are_for_their_owner_alone_and_allocated(void **state)
{
    (void)state;
    struct stat about;
    struct spool_file *file = make_file(folder, 1u << 20);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_true(about.st_blocks * 512 >= 1 << 20);
    struct spool_file *twice;
    assert_int_equal(spool_file_create(folder, 1, SIZE, &twice, NULL), TALLY_IO);
    spool_file_destroy(file);
}

/* How many of the file's pages are in memory. */
static size_t
resident(const struct spool_file *file)
{
    static unsigned char pages[64];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t count = (file->size + page - 1) / page;
    size_t found = 0;
    assert_true(count <= sizeof pages);
    assert_int_equal(mincore(file->base, file->size, pages), 0);
    for (size_t i = 0; i < count; i++)
        found += pages[i] & 1;
    return found;
}

static void
a_prepared_file_is_in_memory_and_holds_nothing(void **state)
{
    (void)state;
    const uint64_t expected[] = { 0, 1, 2 };
    for (unsigned in_memory = 0; in_memory < 2; in_memory++) {
        const char *where = in_memory ? NULL : folder;
        struct spool_file *file;
        assert_int_equal(spool_file_create(where, 1, 128 << 10, &file, NULL), TALLY_OK);
        size_t before = resident(file);
        spool_file_prepare(where, file);
        assert_true(resident(file) > before || in_memory);
        spool_file_begin(file, 7);
        for (uint64_t number = 0; number < 3; number++)
            put_stamped(file, number);
        expect(file, expected, 3, 0);
        if (!in_memory) {
            file = reopen(file);
            assert_int_equal(file->number, 7);
            expect(file, expected, 3, 0);
            spool_file_clear(file);
        }
        spool_file_destroy(file);
    }
    struct spool_file *file;
    assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_ABSENT);
}

/* Some frames are synced, others are filled, and so on: none of them is lost to the reader. */
static void
what_is_synced_stays_readable(void **state)
{
    (void)state;
    enum {
        PARTS = 20,
        EACH = 37
    };
    uint64_t expected[PARTS * EACH];
    struct spool_file *file = make_file(folder, 256 << 10);
    uint32_t from = SPOOL_FILE_START;
    for (uint64_t number = 0; number < PARTS * EACH; number++) {
        expected[number] = number;
        put_stamped(file, number);
        if (number % EACH != EACH - 1)
            continue;
        uint32_t to = spool_file_filled(file, from);
        assert_true(to > from);
        assert_int_equal(spool_file_sync(file, from, to, NULL), TALLY_OK);
        expect(file, expected, (size_t)number + 1, 0);
        from = to;
    }
    file = reopen(file);
    expect(file, expected, PARTS * EACH, 0);
    spool_file_destroy(file);
}

static void
a_limit_of_sizes_is_a_full_disk_and_no_signal(void **state)
{
    (void)state;
    struct rlimit before, low;
    struct spool_file *file;
    struct tally_error error;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = (struct rlimit){ SIZE - 1, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    tally_status status = spool_file_create(folder, 1, SIZE, &file, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, TALLY_FULL);
    assert_int_equal(scratch_count(folder), 0);
}

static void
names_and_slots_are_inverses(void **state)
{
    (void)state;
    uint32_t slot;
    assert_true(spool_file_slot("00000001.spool", &slot));
    assert_int_equal(slot, 1);
    assert_true(spool_file_slot("fedcba98.spool", &slot));
    assert_int_equal(slot, 0xfedcba98);
    static const char *const others[] = { "",
                                          "owner",
                                          "1.spool",
                                          "00000001.spoo",
                                          "00000001.spoolx",
                                          "0000000A.spool",
                                          " 0000001.spool",
                                          "-0000001.spool",
                                          "0x000001.spool",
                                          "000000001.spool" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(spool_file_slot(others[i], &slot));
}

/* The example of docs/format.md. */
static void
bytes_are_as_documented(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        const char *bytes;
    } parts[] = {
        { 0, "TALLYSPL\1\0\0\0\0\4\0\0" },
        { 60, "\x27\xf2\x8c\x0a\1\0\0\0\xfe\xff\xff\xff" },
        { 72, "\x80\0\0\0\x7f\xff\xff\xff\xb0\0\0\0\x4f\xff\xff\xff" },
        { 128, "\x17\0\0\0\1\0\0\xf5\0\0\xbd\xf1\x92\xa9\xec\x18" },
        { 144, "\xd9\x2f\x66\xed\1\0\0\xf6{\"action" },
        { 160, "\":\"user.login\"}" },
    };
    static const size_t sizes[] = { 16, 12, 16, 16, 16, 16 };
    uint8_t expected[1024] = { 0 };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        memcpy(expected + parts[i].at, parts[i].bytes, sizes[i]);
    struct spool_file *file = make_file(folder, sizeof expected);
    struct bytes event = bytes_text("{\"action\":\"user.login\"}");
    uint32_t at = reserve_frame(file, (uint32_t)event.size);
    spool_file_fill(file, at, event, INT64_C(1795996800000000000));
    spool_file_set_sending(file, atomic_load(&file->tail));
    assert_memory_equal(file->base, expected, sizeof expected);
    spool_file_destroy(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(sizes_come_back),
        WITH_FOLDER(a_slow_thread_is_waited_for_while_it_lives),
        WITH_FOLDER(unfinished_frames_are_passed_over),
        WITH_FOLDER(remains_are_not_seen),
        WITH_FOLDER(positions_survive),
        WITH_FOLDER(files_that_hold_nothing_are_absent),
        WITH_FOLDER(files_are_for_their_owner_alone_and_allocated),
        WITH_FOLDER(a_prepared_file_is_in_memory_and_holds_nothing),
        WITH_FOLDER(what_is_synced_stays_readable),
        WITH_FOLDER(a_limit_of_sizes_is_a_full_disk_and_no_signal),
        WITH_FOLDER(names_and_slots_are_inverses),
        WITH_FOLDER(bytes_are_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
