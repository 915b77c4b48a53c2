/* The journal: what was appended is read; what is wrong on disk is seen; what is trimmed is gone.
 */
#include "journal_fixture.h"

static tally_status
count_name(void *context, const char *name, struct tally_error *error)
{
    (void)name;
    (void)error;
    ++*(unsigned *)context;
    return TALLY_OK;
}

static unsigned
count_files(struct disk *disk)
{
    unsigned count = 0;
    assert_int_equal(disk_list(disk, FOLDER "/journal", count_name, &count, NULL), TALLY_OK);
    return count;
}

static void
reopen(struct fixture *fixture)
{
    uint64_t entries = fixture->entries;
    struct found found;
    struct journal_tail tail;
    struct tally_error error;
    fixture_close(fixture);
    must_work(fixture_open(fixture, &found, &tail, &error), &error);
    assert_false(found.wrong);
    assert_int_equal(fixture->entries, entries);
    assert_false(tail.torn);
}

static void
test_an_empty_journal_is_empty(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct journal_tail tail = expect_all(&fixture);
    assert_int_equal(tail.offset, JOURNAL_HEADER_SIZE);
    assert_int_equal(tail.last_offset, 0);
    assert_false(tail.torn);
    assert_int_equal(fixture_last_file(&fixture), 1);
    assert_int_equal(disk_sim_size(fixture.disk, fixture_file(1)), JOURNAL_FILE_FIRST);
    fixture_finish(&fixture);
}

static void
test_what_is_appended_is_read(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20; round++) {
        struct fixture fixture;
        struct tally_error error;
        fixture_init(&fixture);
        for (unsigned step = 0; step < 150; step++) {
            int what = rand() % 40;
            if (what == 0)
                reopen(&fixture);
            else if (what == 1)
                must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
            else if (what == 2)
                must_work(fixture_seal(&fixture, JOURNAL_WIPE_SPARES, &error), &error);
            else
                must_work(fixture_append(&fixture, 1 + (uint32_t)rand() % 5,
                                         (size_t)1 << rand() % 16, &error),
                          &error);
            if (step % 8 == 0)
                assert_false(expect_all(&fixture).torn);
        }
        expect_all(&fixture);
        fixture_finish(&fixture);
    }
}

static void
test_files_grow_fourfold(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    while (fixture_last_file(&fixture) < 6)
        must_work(fixture_append(&fixture, 1, 50000, &error), &error);
    static const uint64_t sizes[] = { 64 << 10, 256 << 10, 1 << 20, 4 << 20, 4 << 20, 4 << 20 };
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(disk_sim_size(fixture.disk, fixture_file(i + 1)), sizes[i]);
    assert_true(journal_size(fixture.journal) > 9u << 20);

    /* A record larger than that gets a file of its own size, and the next is as before. */
    must_work(fixture_append(&fixture, 6, 1 << 20, &error), &error);
    assert_int_equal(fixture_last_file(&fixture), 7);
    assert_in_range(disk_sim_size(fixture.disk, fixture_file(7)), 6 << 20, (6 << 20) + 8192);
    must_work(fixture_append(&fixture, 1, 50000, &error), &error);
    assert_int_equal(disk_sim_size(fixture.disk, fixture_file(8)), 4 << 20);
    expect_all(&fixture);
    reopen(&fixture);
    fixture_finish(&fixture);
}

/* Between large records, no zeros are written; a crash test of theirs is in journal_crash_test.c.
 */
static void
test_large_records_are_written_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    while (fixture_last_file(&fixture) < 5)
        must_work(fixture_append(&fixture, 3, 150000, &error), &error);
    uint64_t before = fixture.disk->counters.written_bytes;
    while (fixture_last_file(&fixture) < 7)
        must_work(fixture_append(&fixture, 3, 150000, &error), &error);
    uint64_t written = fixture.disk->counters.written_bytes - before;
    assert_in_range(written, 2 * JOURNAL_FILE_FULL - (2 << 20), 2 * JOURNAL_FILE_FULL + (1 << 20));
    expect_all(&fixture);

    disk_sim_set_space(fixture.disk, JOURNAL_FILE_FULL / 2);
    tally_status status;
    while ((status = fixture_append(&fixture, 3, 150000, &error)) == TALLY_OK)
        continue;
    assert_int_equal(status, TALLY_FULL);
    disk_sim_set_space(fixture.disk, UINT64_MAX);
    must_work(fixture_append(&fixture, 3, 150000, &error), &error);
    expect_all(&fixture);
    reopen(&fixture);
    fixture_finish(&fixture);
}

/* Full files are kept when they are trimmed and used again; others go. */
static void
test_full_files_are_used_again(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    while (fixture_last_file(&fixture) < 6)
        must_work(fixture_append(&fixture, 1, 200000, &error), &error);
    must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
    assert_int_equal(count_files(fixture.disk), 4); /* 4, 5 and 6 kept, 7 to go on */
    for (unsigned i = 0; i < 100; i++) {
        must_work(fixture_append(&fixture, 1, 200000, &error), &error);
        if (i % 20 == 19) {
            assert_false(expect_all(&fixture).torn);
            reopen(&fixture); /* forgets the spares */
            must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
        }
        assert_true(count_files(fixture.disk) <= 6);
    }
    assert_false(expect_all(&fixture).torn);
    fixture_finish(&fixture);
}

/* Spares in use: nothing is created any more, and remains of old records are not taken for new
 * ones. */
static void
test_remains_are_told_from_records(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    for (unsigned i = 0; i < 400; i++) {
        must_work(fixture_append(&fixture, 1, 50000 + 3 * i, &error), &error);
        if (i % 80 == 79)
            must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
        struct journal_tail tail = expect_all(&fixture);
        assert_false(tail.torn);
        if (i > 250)
            assert_true(tail.used_before);
    }
    fixture_finish(&fixture);
}

static void
test_wiped_means_gone(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    for (unsigned i = 0; i < 300; i++) {
        must_work(fixture_append(&fixture, 2, 60000, &error), &error);
        if (i % 100 == 99)
            must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
    }
    struct journal_position position;
    must_work(journal_rotate(fixture.journal, &position, &error), &error);
    uint64_t first = fixture.entries;
    /* These come in while it is sealed, and leave a file whose rest holds remains. */
    must_work(fixture_append(&fixture, 1, 1000, &error), &error);
    must_work(fixture_append(&fixture, 4, 1 << 20, &error), &error);
    assert_true(disk_sim_contains(fixture.disk, ENTRY_MARK "555;", strlen(ENTRY_MARK "555;")));

    must_work(fixture_write_manifest(fixture.disk, &position, &error), &error);
    fixture.from = position;
    must_work(journal_trim(fixture.journal, position.file, JOURNAL_WIPE_SPARES, &error), &error);
    for (uint64_t i = 0; i < first; i++) {
        char mark[64];
        int size = snprintf(mark, sizeof mark, ENTRY_MARK "%" PRIu64 ";", i);
        if (i % 37 == 0)
            assert_false(disk_sim_contains(fixture.disk, mark, (size_t)size));
    }
    expect_all(&fixture);
    for (unsigned i = 0; i < 200; i++)
        must_work(fixture_append(&fixture, 2, 60000, &error), &error);
    assert_false(expect_all(&fixture).used_before);
    reopen(&fixture);
    fixture_finish(&fixture);
}

static void
test_claiming_removes_what_is_not_in_use(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    while (fixture_last_file(&fixture) < 6)
        must_work(fixture_append(&fixture, 1, 200000, &error), &error);
    must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
    struct disk_file *file;
    must_work(disk_open(fixture.disk, FOLDER "/journal/new", DISK_CREATE, &file, &error), &error);
    disk_close(file);
    assert_int_equal(count_files(fixture.disk), 5);
    reopen(&fixture);
    assert_int_equal(count_files(fixture.disk), 1);
    fixture_finish(&fixture);
}

/* A body in pieces is the record it would be in one, wherever it is cut: within what is written
 * with the header, at its end, and behind it. */
static void
test_bodies_in_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100, 3000, 8000, 40000 };
    static const size_t cuts[] = { 1, 24, 8192, 16335, 16336, 16337, 16384, 50000 };
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (size_t cut = 0; cut < sizeof cuts / sizeof *cuts; cut++) {
            struct buffer body = { 0 };
            for (uint32_t i = 0; i < 3; i++)
                fixture_entry(fixture.entries + i, sizes[k], &body);
            struct bytes pieces[3], rest = buffer_view(&body);
            size_t count = 0;
            while (count < 2 && rest.size > cuts[cut]) {
                pieces[count++] = bytes_of(rest.data, cuts[cut]);
                rest = bytes_of(rest.data + cuts[cut], rest.size - cuts[cut]);
            }
            pieces[count++] = rest;
            must_work(journal_append_pieces(fixture.journal, fixture.epoch, fixture.entries, 3,
                                            pieces, count, &error),
                      &error);
            fixture.entries += 3;
            buffer_free(&body);
        }
    }
    reopen(&fixture);
    fixture_finish(&fixture);
}

static void
test_appends_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 3, 10, &error), &error);
    uint64_t hash = disk_sim_hash(fixture.disk);
    struct buffer body = { 0 };
    fixture_entry(3, 10, &body);
    struct bytes view = buffer_view(&body);
    assert_int_equal(journal_append(fixture.journal, fixture.epoch, 2, 1, view, &error),
                     TALLY_CONFLICT);
    assert_int_equal(journal_append(fixture.journal, fixture.epoch, 4, 1, view, &error),
                     TALLY_CONFLICT);
    assert_int_equal(journal_append(fixture.journal, fixture.epoch + 1, 3, 1, view, &error),
                     TALLY_DENIED);
    buffer_free(&body);
    while (body.size <= JOURNAL_RECORD_MAX - 48)
        fixture_entry(3, 8 << 20, &body);
    assert_int_equal(
        journal_append(fixture.journal, fixture.epoch, 3, 8, buffer_view(&body), &error),
        TALLY_INVALID);
    buffer_free(&body);
    assert_int_equal(disk_sim_hash(fixture.disk), hash);
    must_work(fixture_append(&fixture, 1, 10, &error), &error);
    expect_all(&fixture);
    fixture_finish(&fixture);
}

static void
test_no_space_changes_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    for (unsigned round = 0; round < 5; round++) {
        disk_sim_set_space(fixture.disk, 100000);
        tally_status status;
        while ((status = fixture_append(&fixture, 1, 20000, &error)) == TALLY_OK)
            continue;
        assert_int_equal(status, TALLY_FULL);
        uint64_t hash = disk_sim_hash(fixture.disk);
        struct journal_position position;
        assert_int_equal(fixture_append(&fixture, 1, 20000, &error), TALLY_FULL);
        assert_int_equal(journal_rotate(fixture.journal, &position, &error), TALLY_FULL);
        assert_int_equal(disk_sim_hash(fixture.disk), hash);
        expect_all(&fixture);
        must_work(fixture_append(&fixture, 1, 20, &error), &error); /* there is room for this */

        disk_sim_set_space(fixture.disk, UINT64_MAX);
        must_work(fixture_append(&fixture, 1, 20000, &error), &error);
        expect_all(&fixture);
    }
    fixture_finish(&fixture);
}

static void
test_checkpoints_are_published_up_to_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 3, 10, &error), &error);
    struct bytes note = BYTES("note of three"), other = BYTES("note of four");
    must_work(journal_publish(fixture.journal, note, 3, &error), &error);
    assert_int_equal(journal_publish(fixture.journal, other, 4, &error), TALLY_CONFLICT);
    struct buffer file = { 0 };
    must_work(disk_read_file(fixture.disk, FOLDER "/checkpoint", 100, &file, &error), &error);
    assert_true(bytes_equal(buffer_view(&file), note));
    buffer_free(&file);
    fixture_finish(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_journal_is_empty),
        cmocka_unit_test(test_what_is_appended_is_read),
        cmocka_unit_test(test_files_grow_fourfold),
        cmocka_unit_test(test_large_records_are_written_once),
        cmocka_unit_test(test_full_files_are_used_again),
        cmocka_unit_test(test_remains_are_told_from_records),
        cmocka_unit_test(test_wiped_means_gone),
        cmocka_unit_test(test_claiming_removes_what_is_not_in_use),
        cmocka_unit_test(test_bodies_in_pieces),
        cmocka_unit_test(test_appends_are_refused),
        cmocka_unit_test(test_no_space_changes_nothing),
        cmocka_unit_test(test_checkpoints_are_published_up_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
