/* What is wrong with a journal on disk is seen, and told from what a crash leaves. */
#include "journal_fixture.h"

/* Three records in a fresh file, and what is done to it; what a reader says who knows a checkpoint
 * of `checked` entries, one to a record. */
struct harm {
    const char *why;
    enum {
        HARM_FLIP,
        HARM_ZERO,
        HARM_CUT
    } kind;
    int record;          /* -1: the file's header */
    unsigned from, size; /* bytes of the record, its header first */
    uint64_t checked;
    tally_status status;
    uint64_t left; /* entries read */
    bool torn;
};

static void
harm_file(struct disk *disk, const struct harm *harm, const uint64_t offsets[4])
{
    uint64_t offset = harm->record < 0 ? 0 : offsets[harm->record];
    for (unsigned i = harm->from; i < harm->from + harm->size; i++) {
        uint8_t byte = 0;
        if (harm->kind == HARM_FLIP) {
            disk_sim_peek(disk, fixture_file(1), offset + i, &byte, 1);
            byte ^= 0x10;
        }
        disk_sim_poke(disk, fixture_file(1), offset + i, &byte, 1);
    }
}

static void
test_harm_is_told_from_a_crash(void **state)
{
    (void)state;
    static const struct harm rows[] = {
        { "nothing was done", HARM_FLIP, 0, 0, 0, 3, TALLY_OK, 3, false },
        { "the last record's body is bad: torn", HARM_FLIP, 2, 60, 1, 0, TALLY_OK, 2, true },
        { "its header is bad: torn", HARM_FLIP, 2, 20, 1, 0, TALLY_OK, 2, true },
        { "its header is gone: torn all the same", HARM_ZERO, 2, 0, 48, 0, TALLY_OK, 2, true },
        { "it is gone without a trace", HARM_ZERO, 2, 0, 2000, 0, TALLY_OK, 2, false },
        { "a checkpoint covers it", HARM_FLIP, 2, 60, 1, 3, TALLY_DAMAGED, 0, false },
        { "a checkpoint covers it", HARM_ZERO, 2, 0, 2000, 3, TALLY_DAMAGED, 0, false },
        { "one in the middle is bad", HARM_FLIP, 1, 60, 1, 0, TALLY_DAMAGED, 0, false },
        { "one in the middle is gone", HARM_ZERO, 1, 0, 1000, 0, TALLY_DAMAGED, 0, false },
        { "the first is bad", HARM_FLIP, 0, 60, 1, 0, TALLY_DAMAGED, 0, false },
        { "the file's magic", HARM_FLIP, -1, 3, 1, 0, TALLY_DAMAGED, 0, false },
        { "the file's tag", HARM_FLIP, -1, 15, 1, 0, TALLY_DAMAGED, 0, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct harm *harm = &rows[i];
        struct fixture fixture;
        struct tally_error error;
        fixture_init(&fixture);
        uint64_t offsets[4];
        for (unsigned record = 0; record < 3; record++) {
            offsets[record] = journal_size(fixture.journal);
            must_work(fixture_append(&fixture, 1, 1000, &error), &error);
        }
        fixture_close(&fixture);
        harm_file(fixture.disk, harm, offsets);
        uint64_t hash = disk_sim_hash(fixture.disk);

        struct found found;
        struct journal_tail tail;
        tally_status status =
            fixture_read(fixture.disk, &fixture.from, harm->checked, &found, &tail, &error);
        if (status != harm->status)
            fail_msg("row %zu (%s): %s", i, harm->why, tally_status_text(status));
        assert_false(found.wrong);
        assert_int_equal(disk_sim_hash(fixture.disk), hash);
        if (status == TALLY_DAMAGED) {
            assert_non_null(strstr(error.text, fixture_file(1)));
        } else {
            assert_int_equal(found.next, harm->left);
            assert_int_equal(tail.torn, harm->torn);
            assert_true(!tail.torn || tail.torn_offset == offsets[2]);
        }

        /* What was torn is cut by claiming, and another takes its place. */
        if (status == TALLY_OK) {
            must_work(fixture_open(&fixture, &found, &tail, &error), &error);
            assert_false(expect_all(&fixture).torn);
            must_work(fixture_append(&fixture, 1, 400, &error), &error);
            assert_false(expect_all(&fixture).torn);
        }
        fixture_finish(&fixture);
    }
}

/* In a file that was used before, what is torn is seen by its header, and remains are not torn. */
static void
test_torn_among_remains(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    while (fixture_last_file(&fixture) < 6)
        must_work(fixture_append(&fixture, 1, 100000, &error), &error);
    for (unsigned records = 0; records < 3; records++) {
        must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
        must_work(fixture_append(&fixture, 1, 1000, &error), &error);
        must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
        for (unsigned i = 0; i < records; i++)
            must_work(fixture_append(&fixture, 1, 1000, &error), &error);
        struct journal_tail before = expect_all(&fixture);
        assert_true(before.used_before);
        assert_false(before.torn);
        uint64_t file = fixture_last_file(&fixture);
        must_work(fixture_append(&fixture, 1, 5000, &error), &error);
        fixture_close(&fixture);
        uint8_t byte = 0xff;
        disk_sim_poke(fixture.disk, fixture_file(file), before.offset + 3000, &byte, 1);

        struct found found;
        struct journal_tail tail;
        must_work(fixture_open(&fixture, &found, &tail, &error), &error);
        assert_true(tail.torn);
        assert_int_equal(tail.torn_file, file);
        assert_int_equal(tail.torn_offset, before.offset);
        assert_false(expect_all(&fixture).torn);
        while (fixture_last_file(&fixture) < file + 4)
            must_work(fixture_append(&fixture, 1, 100000, &error), &error);
        expect_all(&fixture);
    }
    fixture_finish(&fixture);
}

/* One bit of every used byte, one at a time: damage, or a torn last record; never other content. */
static void
test_every_flipped_byte_is_seen(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    uint64_t last = 0;
    for (unsigned i = 0; i < 6; i++) {
        last = journal_size(fixture.journal);
        must_work(fixture_append(&fixture, 1 + i % 3, 100 + 3 * i, &error), &error);
    }
    uint64_t used = journal_size(fixture.journal);
    uint64_t before_last = fixture.entries - 3;
    fixture_close(&fixture);

    unsigned unseen = 0;
    for (uint64_t at = 0; at < used; at++) {
        uint8_t byte, flipped;
        disk_sim_peek(fixture.disk, fixture_file(1), at, &byte, 1);
        flipped = byte ^ (uint8_t)(1 << at % 8);
        disk_sim_poke(fixture.disk, fixture_file(1), at, &flipped, 1);
        struct found found;
        struct journal_tail tail;
        tally_status status = fixture_read(fixture.disk, &fixture.from, 0, &found, &tail, &error);
        tally_status checked =
            fixture_read(fixture.disk, &fixture.from, fixture.entries, &(struct found){ 0 },
                         &(struct journal_tail){ 0 }, NULL);
        assert_false(found.wrong);
        if (status == TALLY_OK && found.next == fixture.entries) {
            unseen++; /* the bytes between records */
            assert_int_equal(checked, TALLY_OK);
        } else if (status == TALLY_OK) {
            assert_true(tail.torn && found.next == before_last && at >= last);
            assert_int_equal(checked, TALLY_DAMAGED);
        } else {
            assert_int_equal(status, TALLY_DAMAGED);
            assert_true(at < last);
        }
        disk_sim_poke(fixture.disk, fixture_file(1), at, &byte, 1);
    }
    assert_true(unseen < 6 * RECORD_ALIGNMENT);
    fixture_finish(&fixture);
}

/* Files in each other's place. */
static void
test_files_are_bound_to_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint64_t from, to; /* renamed; 0: removed */
        bool cut;          /* instead, half of it cut off */
    } rows[] = {
        { "the first is gone", 1, 0, false },
        { "one in the middle is gone", 2, 0, false },
        { "a later one in an earlier one's place", 3, 2, false },
        { "an earlier one in a later one's place", 1, 3, false },
        { "a number out of order", 2, 9, false },
        { "half a file", 2, 2, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        struct tally_error error;
        fixture_init(&fixture);
        while (fixture_last_file(&fixture) < 4)
            must_work(fixture_append(&fixture, 1, 30000, &error), &error);
        fixture_close(&fixture);
        char from[DISK_NAME_SIZE], to[DISK_NAME_SIZE];
        strcpy(from, fixture_file(rows[i].from));
        strcpy(to, fixture_file(rows[i].to));
        if (rows[i].cut) {
            struct buffer half = { 0 };
            must_work(disk_read_file(fixture.disk, from, 1 << 20, &half, &error), &error);
            half.size /= 2;
            must_work(disk_replace_file(fixture.disk, FOLDER "/journal", from, buffer_view(&half),
                                        &error),
                      &error);
            buffer_free(&half);
        } else if (rows[i].to == 0) {
            must_work(disk_unlink(fixture.disk, from, &error), &error);
        } else {
            must_work(disk_rename(fixture.disk, from, to, &error), &error);
        }
        struct found found;
        struct journal_tail tail;
        tally_status status = fixture_read(fixture.disk, &fixture.from, 0, &found, &tail, &error);
        if (status != TALLY_DAMAGED)
            fail_msg("%s: %s", rows[i].why, tally_status_text(status));
        assert_false(found.wrong);
        fixture_finish(&fixture);
    }
}

/* A record of the right sequence and index, from another life of the same trail: a restored backup
 * that went on differently. */
static void
test_another_history_is_refused(void **state)
{
    (void)state;
    struct fixture fixture, other;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 1, 1000, &error), &error);
    uint64_t offset = journal_size(fixture.journal);
    other = (struct fixture){ .disk = disk_sim_copy(fixture.disk) };
    struct found found;
    struct journal_tail tail;
    must_work(fixture_open(&other, &found, &tail, &error), &error);
    must_work(fixture_append(&other, 1, 1001, &error), &error);
    must_work(fixture_append(&fixture, 1, 1000, &error), &error);
    size_t size = (size_t)(journal_size(fixture.journal) - offset);
    assert_int_equal(journal_size(other.journal), offset + size);
    must_work(fixture_append(&fixture, 1, 1000, &error), &error);

    uint8_t *record = test_malloc(size);
    disk_sim_peek(other.disk, fixture_file(1), offset, record, size);
    disk_sim_poke(fixture.disk, fixture_file(1), offset, record, size);
    test_free(record);
    assert_int_equal(fixture_read(fixture.disk, &fixture.from, 0, &found, &tail, &error),
                     TALLY_DAMAGED);
    fixture_finish(&other);
    fixture_finish(&fixture);
}

static void
test_another_trails_file_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 1, 100, &error), &error);
    fixture_close(&fixture);
    struct found found;
    struct journal_tail tail;
    assert_int_equal(journal_read(&(struct trail_place){ fixture.disk, FOLDER,
                                                         (const uint8_t *)"another trail's!" },
                                  &fixture.from, 0, fixture_visit, &found, &tail, &error),
                     TALLY_DAMAGED);
    assert_non_null(strstr(error.text, "belongs to another trail"));
    fixture_finish(&fixture);
}

/* A salt that looks like the beginning of a record, in a torn record: it is no successor. */
static void
test_salts_are_no_records(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 1, 100, &error), &error);
    struct record_header header = { .count = 1, .sequence = 7, .first = 1, .body_size = 100 };
    uint8_t fake[RECORD_HEADER_SIZE];
    record_header_encode(&header, record_seed(FIXTURE_TAG), fake);
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 16; i++) {
        /* Every position modulo 8; as much of the header as a salt has room for. */
        uint8_t salt[JOURNAL_SALT_SIZE] = { 0 };
        memcpy(salt + i % 8, fake, sizeof salt - i % 8);
        char public_part[64];
        (void)snprintf(public_part, sizeof public_part, "{\"v\":1,\"private\":\"%0*d\"}", 20 + i,
                       1);
        journal_entry_append(&body, bytes_text(public_part), salt, (struct bytes)BYTES("{}"));
    }
    must_work(journal_append(fixture.journal, fixture.epoch, 1, 16, buffer_view(&body), &error),
              &error);
    buffer_free(&body);
    uint64_t offset = journal_size(fixture.journal);
    fixture_close(&fixture);
    uint8_t byte = 0xff;
    disk_sim_poke(fixture.disk, fixture_file(1), offset - 20, &byte, 1);

    struct found found;
    struct journal_tail tail;
    must_work(fixture_open(&fixture, &found, &tail, &error), &error);
    assert_true(tail.torn);
    assert_int_equal(fixture.entries, 1);
    fixture_finish(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harm_is_told_from_a_crash),
        cmocka_unit_test(test_torn_among_remains),
        cmocka_unit_test(test_every_flipped_byte_is_seen),
        cmocka_unit_test(test_files_are_bound_to_their_place),
        cmocka_unit_test(test_another_history_is_refused),
        cmocka_unit_test(test_another_trails_file_is_refused),
        cmocka_unit_test(test_salts_are_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
