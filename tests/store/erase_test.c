/*
 * erase_test.c - invariant 7: erased means gone. And 2 and 4: proofs hold, neighbours are
 * untouched.
 *
 * After an erasure no file of the folder holds the bytes, in whatever place they were: head, frozen
 * head, segments, journal files in use and idle ones. The disk dies at every call of an erasure,
 * and crashes after every write of one: then it was never on record, or the next opening finishes
 * it.
 */
#include "crash_iterator.h"
#include "fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD_MAX 40u
#define ENTRIES  100u

/* What is known of a trail whose entry i, from 1 on, is the event i - 1. */
struct known {
    uint64_t size;
    struct tally_hash leaves[6000];
    uint8_t salts[6000][16];
};
static struct known known;

static void
take_entries(struct trail *trail)
{
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    known.size = snapshot_size(snapshot);
    for (uint64_t i = 0; i < known.size; i++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &known.leaves[i]);
        memcpy(known.salts[i], entry.salt, sizeof entry.salt);
    }
    snapshot_close(snapshot);
}

static bool
is_listed(uint64_t index, const uint64_t *erased, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (erased[i] == index)
            return true;
    return false;
}

/* Whether any file holds the salt of an entry, which stands as it is in journal and segments, or
 * what was private in its event: as text, or as a column of UUIDs has it. */
static bool
is_anywhere(struct disk *disk, uint64_t index)
{
    uint8_t secret[16];
    char text[FIXTURE_SECRET_TEXT], note[40];
    fixture_secret(index - 1, secret, text);
    int size = snprintf(note, sizeof note, "secret-%" PRIu64 ".", index - 1);
    return disk_sim_contains(disk, known.salts[index], sizeof known.salts[index]) ||
           disk_sim_contains(disk, secret, sizeof secret) ||
           disk_sim_contains(disk, text, sizeof text - 1) ||
           disk_sim_contains(disk, note, (size_t)size);
}

/* Whether a dictionary of a segment, which is stored compressed, still has a value. */
static bool
is_in_dictionary(struct trail *trail, enum field_id field, struct bytes value)
{
    struct snapshot *snapshot;
    bool found = false;
    MUST(snapshot_open(trail, &snapshot, &why));
    for (size_t i = 0; i < snapshot_run_count(snapshot); i++) {
        struct run_reader *reader;
        struct dictionary dictionary;
        MUST(snapshot_reader(snapshot, i, &reader, &why));
        MUST(run_dictionary(reader, field, &dictionary, &why));
        for (uint32_t code = 1; code <= dictionary.count; code++)
            found = found || bytes_equal(dictionary_value(&dictionary, code), value);
    }
    snapshot_close(snapshot);
    return found;
}

/* Every entry: its leaf, and its private half exactly where it was not erased. */
static void
check_entries(struct trail *trail, const uint64_t *erased, size_t count)
{
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    assert_true(snapshot_size(snapshot) >= known.size);
    for (uint64_t i = 0; i < known.size; i++) {
        struct run_entry entry;
        struct tally_hash leaf;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        assert_true(tally_hash_equal(&leaf, &known.leaves[i]));
        bool gone = is_listed(i, erased, count);
        assert_int_equal(entry.erased, gone);
        assert_int_equal(entry.private_part.size == 0, gone);
        if (entry.control)
            continue;
        assert_int_equal(entry.values[FIELD_DETAILS].data == NULL, gone);
        assert_int_equal(entry.values[FIELD_SESSION_ID].data == NULL, gone);
        assert_non_null(entry.values[FIELD_ACTION].data);
        assert_non_null(entry.values[FIELD_ID].data);
    }
    snapshot_close(snapshot);
}

static void
check_bytes(struct disk *disk, const uint64_t *erased, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_anywhere(disk, erased[i]))
            fail_msg("bytes of entry %" PRIu64 " are still in a file", erased[i]);
}

/* Where the entries are when they are erased. */
enum place {
    IN_HEAD,
    IN_FROZEN_HEAD,
    IN_SEGMENTS,
    REPLAYED,
    PLACES,
};

static struct trail *
make_trail(struct folder *folder, enum place place)
{
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (uint32_t i = 0; i < ENTRIES; i += 10) {
        if (place == IN_SEGMENTS && i % 30 == 20)
            MUST(trail_seal(trail, SEAL_ALL, &why));
        if (place == IN_FROZEN_HEAD && i == 50)
            MUST(trail_seal(trail, SEAL_ALL, &why));
        fixture_record(trail, i, 10, NULL);
    }
    if (place == REPLAYED) {
        MUST(trail_close(trail, &why));
        trail = fixture_open(folder, "main", TRAIL_WRITE);
    }
    return trail;
}

static void
gone_from_everywhere(void **state)
{
    (void)state;
    static const uint64_t erased[] = { 1, 17, 18, 19, 33, 64, 99, 100 };
    static const size_t count = sizeof erased / sizeof erased[0];
    for (int place = 0; place < PLACES; place++) {
        struct disk *disk = fixture_disk();
        struct folder *folder = fixture_folder(disk, place == IN_FROZEN_HEAD ? HEAD_MAX : 1000);
        struct trail *trail = make_trail(folder, (enum place)place);
        take_entries(trail);
        for (size_t i = 0; i < count; i++)
            assert_true(is_anywhere(disk, erased[i]));
        MUST(trail_erase(trail, erased, count, "asked for", &why));
        check_bytes(disk, erased, count);
        for (size_t i = 0; i < count; i++) {
            char text[FIXTURE_SECRET_TEXT];
            uint8_t secret[16];
            fixture_secret(erased[i] - 1, secret, text);
            assert_false(is_in_dictionary(trail, FIELD_SESSION_ID, bytes_text(text)));
        }
        for (uint64_t i = 1; i <= ENTRIES; i++)
            if (!is_listed(i, erased, count) && !is_anywhere(disk, i))
                fail_msg("place %d: the bytes of entry %" PRIu64 " are gone too", place, i);
        check_entries(trail, erased, count);
        fixture_record(trail, 500, 20, NULL); /* the trail goes on */
        MUST(trail_close(trail, &why));
        fixture_intact(folder, "main", ENTRIES + 1 + 1 + 20, count);
        trail = fixture_open(folder, "main", TRAIL_READ);
        check_entries(trail, erased, count);
        MUST(trail_close(trail, &why));
        check_bytes(disk, erased, count);
        folder_close(folder);
        disk_close_folder(disk);
    }
}

/* The control entry says what went and why. */
static void
on_record(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = make_trail(folder, IN_HEAD);
    MUST(trail_erase(trail, (uint64_t[]){ 4, 5, 6, 9 }, 4, "Art. 17 \"request\"", &why));
    struct snapshot *snapshot;
    struct run_entry entry;
    MUST(snapshot_open(trail, &snapshot, &why));
    assert_int_equal(snapshot_size(snapshot), ENTRIES + 2);
    MUST(snapshot_entry(snapshot, ENTRIES + 1, RUN_PARTS, &entry, &why));
    assert_true(entry.control);
    assert_true(bytes_is(entry.values[FIELD_CONTROL],
                         "{\"entries\":[[4,6],[9,9]],\"reason\":\"Art. 17 \\\"request\\\"\","
                         "\"type\":\"erased\"}"));
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

static void
what_is_refused(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = make_trail(folder, IN_SEGMENTS);
    static char reason[1002];
    memset(reason, 'x', 1001);
    assert_int_equal(trail_erase(trail, (uint64_t[]){ 1 }, 1, reason, &why), TALLY_INVALID);
    assert_int_equal(trail_erase(trail, (uint64_t[]){ 1, ENTRIES + 1 }, 2, "", &why), TALLY_ABSENT);
    assert_int_equal(trail_erase(trail, (uint64_t[]){ 0, 1 }, 2, "", &why), TALLY_INVALID);
    assert_int_equal(trail_size(trail), ENTRIES + 1); /* nothing was put on record */
    reason[1000] = '\0';
    MUST(trail_erase(trail, (uint64_t[]){ 1 }, 1, reason, &why));
    MUST(trail_erase(trail, (uint64_t[]){ 1, 2 }, 2, "again, and one more", &why));
    assert_int_equal(trail_erase(trail, (uint64_t[]){ ENTRIES + 1 }, 1, "a control entry", &why),
                     TALLY_INVALID);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", ENTRIES + 3, 2);
    folder_close(folder);
    disk_close_folder(disk);
}

/* More ranges than one control entry names. */
static void
many_ranges(void **state)
{
    (void)state;
    enum {
        COUNT = 2500
    };
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1500);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    for (uint32_t i = 0; i < 2 * COUNT; i += 500)
        fixture_record(trail, i, 500, NULL);
    static uint64_t indexes[COUNT];
    for (uint64_t i = 0; i < COUNT; i++)
        indexes[i] = 1 + 2 * i;
    take_entries(trail);
    MUST(trail_erase(trail, indexes, COUNT, "every second", &why));
    check_bytes(disk, indexes, COUNT);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", 2 * COUNT + 1 + 3, COUNT);
    folder_close(folder);
    disk_close_folder(disk);
}

/* A snapshot from before goes on reading: what it holds open, or what is left. */
static void
snapshots_from_before(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = make_trail(folder, IN_SEGMENTS);
    struct snapshot *untouched, *begun;
    struct run_entry entry;
    MUST(snapshot_open(trail, &untouched, &why));
    MUST(snapshot_open(trail, &begun, &why));
    MUST(snapshot_entry(begun, 3, RUN_PARTS, &entry, &why));
    MUST(trail_erase(trail, (uint64_t[]){ 5, 50, 95 }, 3, "asked for", &why));
    take_entries(trail);
    struct snapshot *both[] = { untouched, begun };
    for (unsigned s = 0; s < 2; s++) {
        assert_int_equal(snapshot_size(both[s]), ENTRIES + 1);
        for (uint64_t i = 0; i <= ENTRIES; i++) {
            struct tally_hash leaf;
            MUST(snapshot_entry(both[s], i, RUN_PARTS, &entry, &why));
            tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
            assert_true(tally_hash_equal(&leaf, &known.leaves[i]));
        }
        snapshot_close(both[s]);
    }
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

/* Journal files that were recycled hold remains of older records behind the newer ones. */
static void
gone_from_recycled_journal_files(void **state)
{
    (void)state;
    enum {
        COUNT = 400,
        PAD = 100000
    };
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 20);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct batch *batch;
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    static char text[PAD + 200];
    for (unsigned i = 0; i < COUNT; i++) {
        uint8_t secret[16];
        char session[FIXTURE_SECRET_TEXT];
        fixture_secret(i, secret, session);
        int size = snprintf(text, sizeof text,
                            "{\"id\":\"big-%u\",\"session_id\":\"%s\",\"action\":"
                            "\"a.b\",\"details\":{\"pad\":\"",
                            i, session);
        memset(text + size, 'a' + (int)(i % 26), PAD);
        memcpy(text + size + PAD, "\"}}", 4);
        batch_clear(batch);
        MUST(batch_add(batch, bytes_text(text), &why));
        struct receipt receipt;
        struct append_result result;
        MUST(trail_append(trail, batch, APPEND_WAIT, &receipt, &result, &why));
        assert_int_equal(receipt.index, i + 1);
    }
    batch_destroy(batch);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    take_entries(trail);
    /* Everything is sealed, but idle files remember many of the records, with their text. */
    unsigned remembered = 0;
    static uint64_t indexes[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        uint8_t secret[16];
        char session[FIXTURE_SECRET_TEXT];
        fixture_secret(i, secret, session);
        remembered += disk_sim_contains(disk, session, sizeof session - 1);
        indexes[i] = i + 1;
    }
    assert_true(remembered > 10);
    MUST(trail_erase(trail, indexes, COUNT, "all of them", &why));
    check_bytes(disk, indexes, COUNT);
    MUST(trail_close(trail, &why));
    check_bytes(disk, indexes, COUNT);
    fixture_intact(folder, "main", COUNT + 2, COUNT);
    folder_close(folder);
    disk_close_folder(disk);
}

static const uint64_t interrupted[] = { 3, 15 }; /* one is sealed, one in the head */
#define INTERRUPTED (sizeof interrupted / sizeof interrupted[0])

/* Opens what an interrupted erasure left: it is done, or was never on record. Returns whether. */
static bool
check_interrupted(struct disk *disk, const char *text)
{
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail;
    struct trail_recovery recovery;
    if (trail_open(folder, "main", TRAIL_WRITE, &trail, &recovery, &why) != TALLY_OK)
        fail_msg("%s: %s", text, why.text);
    bool recorded = trail_size(trail) > known.size;
    check_entries(trail, interrupted, recorded ? INTERRUPTED : 0);
    /* The salt stands for the rest: journal and segments hold it as it is. */
    for (size_t i = 0; i < INTERRUPTED; i++)
        if (disk_sim_contains(disk, known.salts[interrupted[i]], 16) == recorded)
            fail_msg("%s: entry %" PRIu64 " is %s", text, interrupted[i],
                     recorded ? "still in a file" : "lost");
    assert_true(recorded || recovery.erasures == 0);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", known.size + recorded, recorded ? INTERRUPTED : 0);
    folder_close(folder);
    return recorded;
}

/* A trail with sealed entries and a head, closed. */
static struct disk *
make_ground(void)
{
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    fixture_record(trail, 0, 10, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    fixture_record(trail, 10, 10, NULL);
    take_entries(trail);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    return disk;
}

static void
the_disk_dies_at_every_call(void **state)
{
    (void)state;
    struct disk *ground = make_ground();
    unsigned finished = 0, never = 0;
    bool met = true;
    for (uint64_t call = 0; met; call++) {
        struct disk *disk = disk_sim_copy(ground);
        struct folder *folder = fixture_folder(disk, 1000);
        struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
        disk_sim_fail(disk, call, SIM_FAULT_DEAD);
        tally_status status = trail_erase(trail, interrupted, INTERRUPTED, "asked for", &why);
        met = disk_sim_failed(disk);
        assert_true(status == TALLY_OK || met);
        tally_status closed = trail_close(trail, NULL);
        (void)closed;
        folder_close(folder);
        disk_sim_heal(disk);
        char text[64];
        (void)snprintf(text, sizeof text, "dead at call %" PRIu64, call);
        if (check_interrupted(disk, text))
            finished++;
        else
            never++;
        disk_close_folder(disk);
    }
    print_message("# %u never on record, %u finished\n", never, finished);
    assert_true(finished > 20 && never > 0);
    disk_close_folder(ground);
}

static void
a_crash_after_every_write(void **state)
{
    (void)state;
    struct disk *disk = make_ground();
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    disk_sim_record(disk);
    MUST(trail_erase(trail, interrupted, INTERRUPTED, "asked for", &why));
    disk_sim_note(disk, 1, 0, NULL, 0); /* acknowledged */
    MUST(trail_close(trail, &why));
    folder_close(folder);

    unsigned finished = 0, never = 0;
    struct crash_iterator *iterator =
        crash_iterator_create(disk, &(struct crash_plan){ .seed = 1 });
    struct crash crash;
    while (crash_iterator_next(iterator, &crash)) {
        bool recorded = check_interrupted(crash.disk, crash.text);
        assert_true(recorded || crash.note_count == 0);
        finished += recorded;
        never += !recorded;
    }
    print_message("# %u never on record, %u finished\n", never, finished);
    assert_true(finished > 100 && never > 0);
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gone_from_everywhere),
        cmocka_unit_test(on_record),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(many_ranges),
        cmocka_unit_test(snapshots_from_before),
        cmocka_unit_test(gone_from_recycled_journal_files),
        cmocka_unit_test(the_disk_dies_at_every_call),
        cmocka_unit_test(a_crash_after_every_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
