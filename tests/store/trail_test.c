/*
 * trail_test.c - making, opening, appending and reading, as trail.h and snapshot.h promise.
 *
 * Invariant 1 as a program sees it: what was acknowledged is read back, wherever it is kept, before
 * and after opening again.
 */
#include "fixture.h"
#include "segment_cache.h"
#include "trail_core.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD_MAX 50u

static void
names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool valid;
        const char *why;
    } table[] = {
        { "main", true, "the default" },
        { "a", true, "one character" },
        { "0", true, "a digit may stand first" },
        { "tenant-7-eu", true, "hyphens within" },
        { "", false, "empty" },
        { "-a", false, "would look like an option" },
        { "Main", false, "capitals differ on some file systems only" },
        { "a.b", false, "no dots, so neither . nor .." },
        { "a/b", false, "no folders" },
        { "a b", false, "no blanks" },
        { "caf\xc3\xa9", false, "ASCII only" },
        { "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123", true, "63 bytes" },
        { "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234", false, "64 bytes" },
    };
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct trail_config config = { 0 };
        struct tally_vkey vkey;
        tally_status status = trail_create(folder, table[i].name, &config, &vkey, &why);
        if (trail_name_valid(table[i].name) != table[i].valid ||
            status != (table[i].valid ? TALLY_OK : TALLY_INVALID))
            fail_msg("\"%s\" (%s): %s", table[i].name, table[i].why, why.text);
    }
    folder_close(folder);
    disk_close_folder(disk);
}

static void
created_once(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    struct trail_config config = { .origin = "example.org/one" };
    struct tally_vkey vkey, other;
    MUST(trail_create(folder, "main", &config, &vkey, &why));
    assert_string_equal(vkey.name, "example.org/one");
    assert_int_equal(trail_create(folder, "main", &config, &other, &why), TALLY_CONFLICT);
    assert_non_null(strstr(why.text, "main"));
    config.origin = "example.org/two words";
    assert_int_equal(trail_create(folder, "second", &config, &other, &why), TALLY_INVALID);
    /* What failed left nothing in the way. */
    config.origin = NULL;
    MUST(trail_create(folder, "second", &config, &other, &why));
    struct trail *trail;
    assert_int_equal(trail_open(folder, "third", TRAIL_WRITE, &trail, NULL, &why), TALLY_ABSENT);
    assert_int_equal(trail_open(folder, "third", TRAIL_READ, &trail, NULL, &why), TALLY_ABSENT);
    fixture_intact(folder, "main", 1, 0);
    fixture_intact(folder, "second", 1, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

static void
kept_over_reopening(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    uint64_t private_fields = FIELDS_PRIVATE_DEFAULT & ~FIELD_BIT(FIELD_ENDPOINT);
    struct trail_config config = { .origin = FIXTURE_ORIGIN, .fields_private = private_fields };
    struct tally_vkey vkey;
    MUST(trail_create(folder, "main", &config, &vkey, &why));
    for (unsigned i = 0; i < 3; i++) {
        struct trail *trail = fixture_open(folder, "main", i == 2 ? TRAIL_READ : TRAIL_WRITE);
        assert_string_equal(trail_name(trail), "main");
        assert_string_equal(trail_origin(trail), FIXTURE_ORIGIN);
        assert_true(tally_vkey_equal(trail_vkey(trail), &vkey));
        assert_true(trail_fields_private(trail) == private_fields);
        assert_int_equal(trail_size(trail), 1 + i * 100);
        if (i < 2)
            fixture_record(trail, i * 100, 100, NULL);
        MUST(trail_close(trail, &why));
    }
    fixture_intact(folder, "main", 201, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

/* One entry against the event it was made of and its receipt. */
static void
check_entry(struct snapshot *snapshot, uint64_t number, const struct receipt *receipt)
{
    char id[32], note[64];
    uint64_t index;
    struct run_entry entry;
    (void)snprintf(id, sizeof id, "event-%" PRIu64, number);
    (void)snprintf(note, sizeof note, "{\"n\":%" PRIu64 ",\"note\":\"secret-%" PRIu64 ".\"}",
                   number, number);
    MUST(snapshot_find_id(snapshot, bytes_text(id), &index, &why));
    assert_int_equal(index, receipt->index);
    MUST(snapshot_entry(snapshot, index, RUN_PARTS, &entry, &why));
    struct tally_hash leaf;
    tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
    assert_true(tally_hash_equal(&leaf, &receipt->leaf));
    assert_int_equal(entry.index, index);
    assert_true(bytes_is(entry.values[FIELD_ID], id));
    assert_true(bytes_is(entry.values[FIELD_DETAILS], note));
    assert_true(bytes_is(entry.values[FIELD_WRITER], "test"));
    assert_false(entry.control);
    assert_false(entry.erased);
}

/* Sealed, frozen and in the head; then all of it after opening again. */
static void
read_back(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct receipt receipts[300];
    for (unsigned i = 0; i < 300; i += 20) {
        fixture_record(trail, i, 20, receipts + i);
        if (i == 100 || i == 200)
            MUST(trail_seal(trail, SEAL_FULL, &why));
    }
    for (unsigned round = 0; round < 3; round++) {
        struct snapshot *snapshot;
        MUST(snapshot_open(trail, &snapshot, &why));
        assert_int_equal(snapshot_size(snapshot), 301);
        assert_true(snapshot_run_count(snapshot) >= (round == 2 ? 2 : 3));
        uint64_t next = 0;
        for (size_t i = 0; i < snapshot_run_count(snapshot); i++) {
            assert_int_equal(snapshot_run(snapshot, i)->first, next);
            next += snapshot_run(snapshot, i)->count;
        }
        assert_int_equal(next, 301);
        for (unsigned i = 0; i < 300; i++) {
            assert_int_equal(receipts[i].index, i + 1);
            assert_false(receipts[i].repeated);
            check_entry(snapshot, i, &receipts[i]);
        }
        struct run_entry entry;
        uint64_t index;
        assert_int_equal(snapshot_entry(snapshot, 301, RUN_PARTS, &entry, &why), TALLY_ABSENT);
        assert_int_equal(snapshot_find_id(snapshot, bytes_text("event-300"), &index, &why),
                         TALLY_ABSENT);
        MUST(snapshot_entry(snapshot, 0, RUN_PARTS, &entry, &why));
        assert_true(entry.control);
        snapshot_close(snapshot);
        MUST(trail_close(trail, &why));
        trail = fixture_open(folder, "main", round == 0 ? TRAIL_WRITE : TRAIL_READ);
    }
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", 301, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

/* A snapshot stays as it was while the trail grows and seals behind it. */
/* The events of one request have one time; those that are added one by one, each its own. */
static void
received_together(void **state)
{
    (void)state;
    enum {
        COUNT = 100
    };
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 2 * COUNT);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct batch *batch;
    struct append_result result;
    struct receipt receipts[COUNT + 1];
    char text[FIXTURE_EVENT_SIZE];
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    batch_receive_at(batch, INT64_C(1795232270123456789));
    for (unsigned i = 0; i < COUNT; i++)
        MUST(batch_add(batch, fixture_event(i, text), &why));
    MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
    batch_clear(batch);
    MUST(batch_add(batch, fixture_event(COUNT, text), &why));
    MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
    batch_destroy(batch);
    for (unsigned round = 0; round < 2; round++) {
        struct snapshot *snapshot;
        struct run_entry entry;
        MUST(snapshot_open(trail, &snapshot, &why));
        for (unsigned i = 0; i <= COUNT; i++) {
            MUST(snapshot_entry(snapshot, i + 1, RUN_VALUES, &entry, &why));
            assert_int_equal(bytes_is(entry.values[FIELD_RECEIVED], "2026-11-21T03:37:50.123456Z"),
                             i < COUNT);
        }
        snapshot_close(snapshot);
        MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", COUNT + 2, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

static void
snapshots_stay(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct receipt receipts[200];
    struct snapshot *early[10], *late;
    for (unsigned i = 0; i < 10; i++) {
        MUST(snapshot_open(trail, &early[i], &why));
        fixture_record(trail, i * 20, 20, receipts + i * 20);
        if (i % 3 == 2)
            MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(snapshot_size(early[i]), 1 + i * 20);
        for (unsigned k = 0; k < i * 20; k++)
            check_entry(early[i], k, &receipts[k]);
        struct run_entry entry;
        assert_int_equal(snapshot_entry(early[i], 1 + i * 20, RUN_VALUES, &entry, &why),
                         TALLY_ABSENT);
        snapshot_close(early[i]);
    }
    MUST(snapshot_open_at(trail, 133, &late, &why));
    assert_int_equal(snapshot_size(late), 133);
    check_entry(late, 131, &receipts[131]);
    uint64_t index;
    assert_int_equal(snapshot_find_id(late, bytes_text("event-132"), &index, &why), TALLY_ABSENT);
    snapshot_close(late);
    assert_int_equal(snapshot_open_at(trail, 202, &late, &why), TALLY_ABSENT);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

/* While both heads are full, a writer that does not want to wait is told so. */
static void
refused_while_sealing(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    fixture_record(trail, 0, HEAD_MAX, NULL);
    fixture_record(trail, 100, HEAD_MAX, NULL); /* the first head is frozen */
    struct batch *batch = fixture_batch(trail, 200, 1);
    struct receipt receipt;
    struct append_result result;
    assert_int_equal(trail_append(trail, batch, APPEND_REFUSE, &receipt, &result, &why),
                     TALLY_BUSY);
    assert_int_equal(trail_size(trail), 1 + 2 * HEAD_MAX);
    MUST(trail_seal(trail, SEAL_FULL, &why));
    MUST(trail_append(trail, batch, APPEND_REFUSE, &receipt, &result, &why));
    assert_int_equal(receipt.index, 1 + 2 * HEAD_MAX);
    batch_destroy(batch);
    /* Who waits seals himself where nobody else does. */
    fixture_record(trail, 300, HEAD_MAX, NULL);
    fixture_record(trail, 400, HEAD_MAX, NULL);
    fixture_record(trail, 500, HEAD_MAX, NULL);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", 2 + 5 * HEAD_MAX, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

/* A trail that is recorded into for a year takes no more memory than one of today: what a segment has
 * in memory is only of those who asked it. */
static void
sealing_keeps_nothing_open(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    const struct segment_cache *kept = folder_segments(folder);
    for (unsigned i = 0; i < 3; i++) {
        fixture_record(trail, i * 20, 20, NULL);
        MUST(trail_seal(trail, SEAL_ALL, &why));
    }
    assert_int_equal(kept->count, 0);
    assert_int_equal(kept->weight.memory, 0);
    assert_int_equal(kept->weight.files, 0);

    struct snapshot *snapshot;
    struct run_entry entry;
    MUST(snapshot_open(trail, &snapshot, &why));
    MUST(snapshot_entry(snapshot, 5, RUN_VALUES, &entry, &why));
    snapshot_close(snapshot);
    assert_int_equal(kept->count, 1);
    assert_true(kept->weight.memory > 0);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

/* The lock: one writer, who is named to the next one; readers beside it. */
static void
one_writer(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, HEAD_MAX);
    struct folder *other = fixture_folder(disk, HEAD_MAX);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct trail *second;
    fixture_record(trail, 0, 10, NULL);
    MUST(trail_sign(trail, &why));
    fixture_record(trail, 10, 10, NULL);
    assert_int_equal(trail_open(other, "main", TRAIL_WRITE, &second, NULL, &why), TALLY_BUSY);
    assert_non_null(strstr(why.text, "test"));
    /* Beside a writer, what it has signed: the ten that came later could still be lost. */
    second = fixture_open(other, "main", TRAIL_READ);
    assert_int_equal(trail_size(second), 11);
    MUST(trail_close(second, &why));
    MUST(trail_close(trail, &why));
    second = fixture_open(other, "main", TRAIL_WRITE);
    assert_int_equal(trail_size(second), 21);
    MUST(trail_close(second, &why));
    folder_close(other);
    folder_close(folder);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(created_once),
        cmocka_unit_test(kept_over_reopening),
        cmocka_unit_test(read_back),
        cmocka_unit_test(received_together),
        cmocka_unit_test(snapshots_stay),
        cmocka_unit_test(refused_while_sealing),
        cmocka_unit_test(sealing_keeps_nothing_open),
        cmocka_unit_test(one_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
