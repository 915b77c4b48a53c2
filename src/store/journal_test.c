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

static const char *
file_name(uint64_t number)
{
    static char name[DISK_NAME_SIZE];
    journal_file_name(&(struct journal_place){ .folder = FOLDER }, number, name);
    return name;
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
    struct journal_position position = journal_end(fixture.journal);
    assert_int_equal(position.file, 1);
    assert_int_equal(position.sequence, 1);
    assert_int_equal(disk_sim_size(fixture.disk, file_name(1)), JOURNAL_FILE_FIRST);
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
    while (journal_end(fixture.journal).file < 6)
        must_work(fixture_append(&fixture, 1, 50000, &error), &error);
    static const uint64_t sizes[] = { 64 << 10, 256 << 10, 1 << 20, 4 << 20, 4 << 20, 4 << 20 };
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(disk_sim_size(fixture.disk, file_name(i + 1)), sizes[i]);
    assert_true(journal_size(fixture.journal) > 9u << 20);

    /* A record larger than that gets a file of its own size, and the next is as before. */
    must_work(fixture_append(&fixture, 6, 1 << 20, &error), &error);
    assert_int_equal(journal_end(fixture.journal).file, 7);
    assert_in_range(disk_sim_size(fixture.disk, file_name(7)), 6 << 20, (6 << 20) + 8192);
    must_work(fixture_append(&fixture, 1, 50000, &error), &error);
    assert_int_equal(disk_sim_size(fixture.disk, file_name(8)), 4 << 20);
    expect_all(&fixture);
    reopen(&fixture);
    fixture_finish(&fixture);
}

/* Between large records, no zeros are written; a crash test of theirs is in journal_crash_test.c. */
static void
test_large_records_are_written_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    while (journal_end(fixture.journal).file < 5)
        must_work(fixture_append(&fixture, 3, 150000, &error), &error);
    uint64_t before = fixture.disk->counters.written_bytes;
    while (journal_end(fixture.journal).file < 7)
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
    while (journal_end(fixture.journal).file < 6)
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
    while (journal_end(fixture.journal).file < 6)
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
            disk_sim_peek(disk, file_name(1), offset + i, &byte, 1);
            byte ^= 0x10;
        }
        disk_sim_poke(disk, file_name(1), offset + i, &byte, 1);
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
        struct journal_position end;
        struct journal_tail tail;
        tally_status status =
            fixture_read(fixture.disk, &fixture.from, harm->checked, &found, &end, &tail, &error);
        if (status != harm->status)
            fail_msg("row %zu (%s): %s", i, harm->why, tally_status_text(status));
        assert_false(found.wrong);
        assert_int_equal(disk_sim_hash(fixture.disk), hash);
        if (status == TALLY_DAMAGED) {
            assert_non_null(strstr(error.text, file_name(1)));
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
    while (journal_end(fixture.journal).file < 6)
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
        uint64_t file = journal_end(fixture.journal).file;
        must_work(fixture_append(&fixture, 1, 5000, &error), &error);
        fixture_close(&fixture);
        uint8_t byte = 0xff;
        disk_sim_poke(fixture.disk, file_name(file), before.offset + 3000, &byte, 1);

        struct found found;
        struct journal_tail tail;
        must_work(fixture_open(&fixture, &found, &tail, &error), &error);
        assert_true(tail.torn);
        assert_int_equal(tail.torn_file, file);
        assert_int_equal(tail.torn_offset, before.offset);
        assert_false(expect_all(&fixture).torn);
        while (journal_end(fixture.journal).file < file + 4)
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
        disk_sim_peek(fixture.disk, file_name(1), at, &byte, 1);
        flipped = byte ^ (uint8_t)(1 << at % 8);
        disk_sim_poke(fixture.disk, file_name(1), at, &flipped, 1);
        struct found found;
        struct journal_position end;
        struct journal_tail tail;
        tally_status status =
            fixture_read(fixture.disk, &fixture.from, 0, &found, &end, &tail, &error);
        tally_status checked =
            fixture_read(fixture.disk, &fixture.from, fixture.entries, &(struct found){ 0 }, &end,
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
        disk_sim_poke(fixture.disk, file_name(1), at, &byte, 1);
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
        while (journal_end(fixture.journal).file < 4)
            must_work(fixture_append(&fixture, 1, 30000, &error), &error);
        fixture_close(&fixture);
        char from[DISK_NAME_SIZE], to[DISK_NAME_SIZE];
        strcpy(from, file_name(rows[i].from));
        strcpy(to, file_name(rows[i].to));
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
        struct journal_position end;
        struct journal_tail tail;
        tally_status status =
            fixture_read(fixture.disk, &fixture.from, 0, &found, &end, &tail, &error);
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
    disk_sim_peek(other.disk, file_name(1), offset, record, size);
    disk_sim_poke(fixture.disk, file_name(1), offset, record, size);
    test_free(record);
    struct journal_position end;
    assert_int_equal(fixture_read(fixture.disk, &fixture.from, 0, &found, &end, &tail, &error),
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
    struct journal_position end;
    struct journal_tail tail;
    assert_int_equal(journal_read(fixture.disk, FOLDER, (const uint8_t *)"another trail's!",
                                  &fixture.from, 0, fixture_visit, &found, &end, &tail, &error),
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
    disk_sim_poke(fixture.disk, file_name(1), offset - 20, &byte, 1);

    struct found found;
    struct journal_tail tail;
    must_work(fixture_open(&fixture, &found, &tail, &error), &error);
    assert_true(tail.torn);
    assert_int_equal(fixture.entries, 1);
    fixture_finish(&fixture);
}

static tally_status
stop_at_three(void *context, const struct journal_record *record, struct tally_error *error)
{
    (void)error;
    ++*(unsigned *)context;
    return record->sequence == 3 ? TALLY_ABSENT : TALLY_OK;
}

/* Whatever a visitor answers is the reader's answer, TALLY_ABSENT too. */
static void
test_a_visitor_stops_the_reading(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    for (unsigned i = 0; i < 6; i++)
        must_work(fixture_append(&fixture, 1, 30000, &error), &error);
    unsigned calls = 0;
    struct journal_position end;
    struct journal_tail tail;
    assert_int_equal(journal_read(fixture.disk, FOLDER, FIXTURE_TAG, &fixture.from, 0,
                                  stop_at_three, &calls, &end, &tail, &error),
                     TALLY_ABSENT);
    assert_int_equal(calls, 3);
    fixture_finish(&fixture);
}

/* A reader without the lock, while the writer appends, trims and recycles in the midst of it. */
struct live {
    struct fixture *fixture;
    struct found found;
    unsigned calls, seals;
};

static tally_status
visit_live(void *context, const struct journal_record *record, struct tally_error *error)
{
    struct live *live = context;
    tally_status status = fixture_visit(&live->found, record, error);
    live->calls++;
    if (live->calls > 20)
        return status;
    for (unsigned i = 0; i < 20; i++)
        must_work(fixture_append(live->fixture, 1, (size_t)(rand() % 60000), error), error);
    if (live->seals > 0 && rand() % 3 == 0) {
        live->seals--;
        must_work(fixture_seal(live->fixture, JOURNAL_KEEP_SPARES, error), error);
    }
    return status;
}

static tally_status
visit_and_append_at_end(void *context, const struct journal_record *record,
                        struct tally_error *error)
{
    struct live *live = context;
    tally_status status = fixture_visit(&live->found, record, error);
    if (live->found.next == live->fixture->entries && live->calls++ < 5)
        for (unsigned i = 0; i < 3; i++)
            must_work(fixture_append(live->fixture, 1, 100, error), error);
    return status;
}

/* Records written after the reader looked for the first of them: it sees the later ones only. */
static void
test_records_written_meanwhile_are_no_damage(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tally_error error;
    fixture_init(&fixture);
    must_work(fixture_append(&fixture, 1, 100, &error), &error);
    struct live live = { .fixture = &fixture };
    struct journal_position end;
    struct journal_tail tail;
    must_work(journal_read(fixture.disk, FOLDER, FIXTURE_TAG, &fixture.from, 0,
                           visit_and_append_at_end, &live, &end, &tail, &error),
              &error);
    assert_false(live.found.wrong);
    assert_int_equal(live.found.next, fixture.entries);
    assert_int_equal(end.index, 16);
    fixture_finish(&fixture);
}

static void
test_reading_while_it_is_written(void **state)
{
    (void)state;
    srand(2);
    unsigned whole = 0, overtaken = 0;
    for (unsigned round = 0; round < 12; round++) {
        struct fixture fixture;
        struct tally_error error;
        fixture_init(&fixture);
        while (journal_end(fixture.journal).file < 5)
            must_work(fixture_append(&fixture, 1, 60000, &error), &error);
        must_work(fixture_seal(&fixture, JOURNAL_KEEP_SPARES, &error), &error);
        for (unsigned i = 0; i < 100; i++)
            must_work(fixture_append(&fixture, 1, 60000, &error), &error);

        struct live live = { .fixture = &fixture, .seals = round % 3 * 4 };
        struct journal_position from = fixture.from, end;
        struct journal_tail tail;
        live.found.next = from.index;
        uint64_t checked = fixture.entries;
        tally_status status = journal_read(fixture.disk, FOLDER, FIXTURE_TAG, &from,
                                           fixture.entries, visit_live, &live, &end, &tail, &error);
        assert_false(live.found.wrong);
        whole += status == TALLY_OK;
        overtaken += status == TALLY_DAMAGED;
        if (status == TALLY_OK)
            assert_true(live.found.next >= checked);
        else
            assert_true(status == TALLY_DAMAGED && from.file < fixture.from.file);
        expect_all(&fixture);
        fixture_finish(&fixture);
    }
    assert_true(whole > 0 && overtaken > 0);
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
        cmocka_unit_test(test_appends_are_refused),
        cmocka_unit_test(test_no_space_changes_nothing),
        cmocka_unit_test(test_checkpoints_are_published_up_to_the_end),
        cmocka_unit_test(test_harm_is_told_from_a_crash),
        cmocka_unit_test(test_torn_among_remains),
        cmocka_unit_test(test_every_flipped_byte_is_seen),
        cmocka_unit_test(test_files_are_bound_to_their_place),
        cmocka_unit_test(test_another_history_is_refused),
        cmocka_unit_test(test_another_trails_file_is_refused),
        cmocka_unit_test(test_salts_are_no_records),
        cmocka_unit_test(test_a_visitor_stops_the_reading),
        cmocka_unit_test(test_records_written_meanwhile_are_no_damage),
        cmocka_unit_test(test_reading_while_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
