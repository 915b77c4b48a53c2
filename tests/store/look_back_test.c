/*
 * look_back_test.c - with a look back an event is stored exactly once, however long ago that was.
 *
 * The trail knows few of its newest ids, so that what is sent again is out of reach at once: without a
 * look back it is stored a second time, which each test shows first.
 */
#include "fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WINDOW   5u
#define HEAD_MAX 40u
#define SEGMENT  6u
#define SEGMENTS 75u /* with the first: a group of 64, one of 8, four of 1 */
#define GROUPS   6u
#define OLD      10u /* events that are sent again: the numbers 0 to 9 */
#define LATER    1000u

/* Where they are by then. */
enum place {
    IN_HEAD,
    IN_FROZEN_HEAD,
    IN_SEGMENT, /* the only one */
    IN_OLD_SEGMENT,
    REOPENED,
    WITHOUT_INDEX,
    WITHOUT_GROUPS,
    WITHOUT_BOTH,
    PLACES,
};

static const char *const place_names[PLACES] = {
    "in the head",
    "in a frozen head",
    "in a segment",
    "in an old segment",
    "in an old segment, reopened",
    "without index files",
    "without groups",
    "without index files and groups",
};

struct ground {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    struct receipt first[OLD];
};

static struct folder *
open_folder(struct disk *disk, bool manual)
{
    struct folder_options options = {
        .head_entries_max = HEAD_MAX,
        .checkpoint_interval = 2000000,
        .id_window = WINDOW,
        .manual = manual,
        .disk = disk,
        .command = "test",
    };
    struct folder *folder;
    MUST(folder_open("simulated", &options, &folder, &why));
    return folder;
}

struct removal {
    struct disk *disk;
    const char *part;
    unsigned count;
};

static tally_status
remove_if_so(void *context, const char *name, struct tally_error *error)
{
    struct removal *removal = context;
    char path[128];
    if (strstr(name, removal->part) == NULL)
        return TALLY_OK;
    removal->count++;
    (void)snprintf(path, sizeof path, "trails/main/segments/%s", name);
    return disk_unlink(removal->disk, path, error);
}

static void
remove_files(struct ground *ground, const char *part)
{
    struct removal removal = { .disk = ground->disk, .part = part };
    MUST(disk_list(ground->disk, "trails/main/segments", remove_if_so, &removal, &why));
    assert_true(removal.count > 0);
}

static void
seal_more(struct ground *ground)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        fixture_record(ground->trail, LATER + i * SEGMENT, SEGMENT, NULL);
        MUST(trail_seal(ground->trail, SEAL_ALL, &why));
    }
}

static void
begin(struct ground *ground, enum place place)
{
    ground->disk = fixture_disk();
    ground->folder = open_folder(ground->disk, true);
    ground->trail = fixture_create(ground->folder, "main", FIXTURE_ORIGIN);
    fixture_record(ground->trail, 0, OLD, ground->first);
    if (place == IN_FROZEN_HEAD) {
        fixture_record(ground->trail, LATER, HEAD_MAX, NULL);
        fixture_record(ground->trail, LATER + HEAD_MAX, 1, NULL);
    }
    if (place >= IN_SEGMENT)
        MUST(trail_seal(ground->trail, SEAL_ALL, &why));
    if (place >= IN_OLD_SEGMENT)
        seal_more(ground);
    if (place >= REOPENED) {
        MUST(trail_close(ground->trail, &why));
        if (place == WITHOUT_INDEX || place == WITHOUT_BOTH)
            remove_files(ground, ".index.");
        if (place == WITHOUT_GROUPS || place == WITHOUT_BOTH)
            remove_files(ground, ".group.");
        ground->trail = fixture_open(ground->folder, "main", TRAIL_WRITE);
    }
}

static void
end(struct ground *ground)
{
    MUST(trail_close(ground->trail, &why));
    folder_close(ground->folder);
    disk_close_folder(ground->disk);
}

static void
add(struct batch *batch, const char *json)
{
    MUST(batch_add(batch, bytes_text(json), &why));
}

static void
look_back(struct ground *ground, struct batch *batch)
{
    MUST(trail_look_back(ground->trail, batch, NULL, NULL, &why));
}

/* Appends a batch with the events of OLD first: all of them must be repeats. */
static void
must_repeat(struct ground *ground, struct batch *batch)
{
    uint64_t size = trail_size(ground->trail);
    struct receipt receipts[OLD];
    struct append_result result;
    assert_int_equal(batch_count(batch), OLD);
    assert_int_equal(trail_append(ground->trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_REPEATED);
    assert_int_equal(trail_size(ground->trail), size);
    for (unsigned i = 0; i < OLD; i++) {
        assert_true(receipts[i].repeated && !receipts[i].conflict);
        assert_int_equal(receipts[i].index, ground->first[i].index);
        assert_true(tally_hash_equal(&receipts[i].leaf, &ground->first[i].leaf));
    }
}

static void
once_wherever_it_is(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        print_message("# %s\n", place_names[place]);
        struct ground ground;
        begin(&ground, (enum place)place);
        struct batch *batch = fixture_batch(ground.trail, 0, OLD);
        look_back(&ground, batch);
        must_repeat(&ground, batch);
        must_repeat(&ground, batch); /* it may be appended again */

        /* New ones beside them, in any order. */
        batch_clear(batch);
        static const uint64_t numbers[] = { 7, 500, 0, 501, 9 };
        for (unsigned i = 0; i < 5; i++) {
            char text[FIXTURE_EVENT_SIZE];
            MUST(batch_add(batch, fixture_event(numbers[i], text), &why));
        }
        look_back(&ground, batch);
        uint64_t size = trail_size(ground.trail);
        struct receipt receipts[5];
        struct append_result result;
        MUST(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why));
        assert_int_equal(result.count, 2);
        assert_int_equal(result.first, size);
        assert_int_equal(receipts[0].index, ground.first[7].index);
        assert_int_equal(receipts[1].index, size);
        assert_int_equal(receipts[2].index, ground.first[0].index);
        assert_int_equal(receipts[3].index, size + 1);
        assert_int_equal(receipts[4].index, ground.first[9].index);
        batch_destroy(batch);

        /* And without: what is out of the window is stored a second time. */
        batch = fixture_batch(ground.trail, 0, OLD);
        struct receipt again[OLD];
        tally_status status = trail_append(ground.trail, batch, APPEND_WAIT, again, &result, &why);
        assert_int_equal(status, place >= IN_OLD_SEGMENT ? TALLY_OK : TALLY_REPEATED);
        batch_destroy(batch);
        end(&ground);
    }
}

static void
conflicts_are_found(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct ground ground;
        begin(&ground, (enum place)place);
        uint64_t size = trail_size(ground.trail);
        struct batch *batch = fixture_batch(ground.trail, 500, 2);
        add(batch, "{\"id\":\"event-7\",\"action\":\"something.else\"}");
        add(batch, "{\"id\":\"event-3\",\"action\":\"something.else\"}");
        look_back(&ground, batch);
        struct receipt receipts[4];
        struct append_result result;
        assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                         TALLY_CONFLICT);
        assert_int_equal(result.conflicts, 2);
        assert_int_equal(result.position, 2);
        assert_int_equal(result.conflict, ground.first[7].index);
        assert_true(receipts[2].conflict && receipts[3].conflict && !receipts[0].conflict);
        assert_int_equal(receipts[3].index, ground.first[3].index);
        assert_non_null(strstr(why.text, "event-7"));
        assert_int_equal(trail_size(ground.trail), size);
        batch_destroy(batch);
        end(&ground);
    }
}

static void
twins_of_old_ones(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_OLD_SEGMENT);
    struct batch *batch;
    struct receipt receipts[3];
    struct append_result result;
    char text[FIXTURE_EVENT_SIZE];
    MUST(batch_create(ground.trail, "test", NULL, &batch, &why));
    MUST(batch_add(batch, fixture_event(4, text), &why));
    MUST(batch_add(batch, fixture_event(4, text), &why));
    look_back(&ground, batch);
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_REPEATED);
    assert_int_equal(receipts[0].index, ground.first[4].index);
    assert_int_equal(receipts[1].index, ground.first[4].index);

    add(batch, "{\"id\":\"event-4\",\"action\":\"something.else\"}");
    look_back(&ground, batch);
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_CONFLICT);
    assert_int_equal(result.position, 2);
    assert_true(result.conflict == UINT64_MAX); /* it stands in the batch already */
    batch_destroy(batch);
    end(&ground);
}

static void
erased_entries_are_known_by_what_is_left(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_OLD_SEGMENT);
    MUST(trail_erase(ground.trail, &ground.first[4].index, 1, "asked for", &why));
    struct batch *batch = fixture_batch(ground.trail, 0, OLD);
    look_back(&ground, batch);
    must_repeat(&ground, batch);
    /* Also what is erased after it was looked for. */
    look_back(&ground, batch);
    MUST(trail_erase(ground.trail, &ground.first[5].index, 1, "asked for", &why));
    must_repeat(&ground, batch);

    batch_clear(batch);
    add(batch, "{\"id\":\"event-4\",\"action\":\"another.action\"}");
    look_back(&ground, batch);
    struct receipt receipt;
    struct append_result result;
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, &receipt, &result, &why),
                     TALLY_CONFLICT);
    assert_int_equal(result.conflict, ground.first[4].index);
    batch_destroy(batch);
    end(&ground);
}

/* What comes between the look and the append is known, however much that is. */
static void
what_comes_between_is_not_missed(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_SEGMENT);
    struct batch *batch = fixture_batch(ground.trail, 300, OLD);
    look_back(&ground, batch);
    fixture_record(ground.trail, 300, OLD, ground.first); /* somebody else */
    seal_more(&ground);
    must_repeat(&ground, batch);

    /* Of an event that was added after the look only the newest entries are known. */
    batch_clear(batch);
    char text[FIXTURE_EVENT_SIZE];
    MUST(batch_add(batch, fixture_event(301, text), &why));
    look_back(&ground, batch);
    MUST(batch_add(batch, fixture_event(LATER + (SEGMENTS - 1) * SEGMENT, text), &why));
    MUST(batch_add(batch, fixture_event(302, text), &why));
    struct receipt receipts[3];
    struct append_result result;
    MUST(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why));
    assert_int_equal(result.count, 1);
    assert_true(receipts[0].repeated && receipts[1].repeated && !receipts[2].repeated);
    batch_destroy(batch);
    end(&ground);
}

/* trail_check: somebody else is faster. */
static tally_status
record_meanwhile(void *context, struct tally_error *error)
{
    (void)error;
    struct ground *ground = context;
    struct snapshot *snapshot;
    uint64_t index;
    MUST(snapshot_open(ground->trail, &snapshot, &why));
    tally_status found = snapshot_find_id(snapshot, bytes_text("event-300"), &index, &why);
    snapshot_close(snapshot);
    if (found == TALLY_ABSENT) {
        fixture_record(ground->trail, 300, OLD, ground->first);
        seal_more(ground);
    }
    return TALLY_OK;
}

static void
what_comes_meanwhile_is_not_missed(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_SEGMENT);
    struct batch *batch = fixture_batch(ground.trail, 300, OLD);
    MUST(trail_look_back(ground.trail, batch, record_meanwhile, &ground, &why));
    must_repeat(&ground, batch);
    batch_destroy(batch);
    end(&ground);
}

/* trail_check: lets some calls pass. */
static tally_status
pass_some(void *context, struct tally_error *error)
{
    unsigned *left = context;
    if (*left == 0) {
        if (error != NULL)
            error->status = TALLY_BUSY;
        return TALLY_BUSY;
    }
    --*left;
    return TALLY_OK;
}

static void
a_look_that_is_ended_finds_nothing(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, REOPENED);
    struct batch *batch = fixture_batch(ground.trail, 0, OLD);
    unsigned calls = 0;
    for (tally_status status = TALLY_BUSY; status == TALLY_BUSY; calls++) {
        unsigned left = calls;
        status = trail_look_back(ground.trail, batch, pass_some, &left, &why);
        if (status == TALLY_BUSY && calls == 2)
            look_back(&ground, batch); /* a good one, which the next ones then undo */
    }
    assert_true(calls > 3);
    must_repeat(&ground, batch);
    unsigned none = 0;
    assert_int_equal(trail_look_back(ground.trail, batch, pass_some, &none, &why), TALLY_BUSY);
    struct receipt receipts[OLD];
    struct append_result result;
    MUST(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why));
    assert_int_equal(result.count, OLD);
    batch_destroy(batch);
    end(&ground);
}

static void
nothing_to_look_for(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_OLD_SEGMENT);
    struct batch *batch;
    struct receipt receipt;
    struct append_result result;
    MUST(batch_create(ground.trail, "test", NULL, &batch, &why));
    look_back(&ground, batch);
    uint64_t reads = atomic_load(&ground.disk->counters.reads);
    add(batch, "{\"action\":\"without.id\"}");
    look_back(&ground, batch);
    assert_int_equal(atomic_load(&ground.disk->counters.reads), reads);
    MUST(trail_append(ground.trail, batch, APPEND_WAIT, &receipt, &result, &why));
    assert_false(receipt.repeated);
    batch_destroy(batch);
    end(&ground);
}

/* For an id that is nowhere a block of each group is read, and of segments hardly any. */
static void
few_reads_for_what_is_not_there(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_OLD_SEGMENT);
    struct batch *batch = fixture_batch(ground.trail, 5000, 200);
    look_back(&ground, batch); /* opens what is to be open */
    uint64_t before = atomic_load(&ground.disk->counters.reads);
    look_back(&ground, batch);
    uint64_t reads = atomic_load(&ground.disk->counters.reads) - before;
    print_message("# %" PRIu64 " reads for 200 ids\n", reads);
    assert_true(reads < 200 * GROUPS + 400);
    batch_destroy(batch);
    end(&ground);
}

/* ---- at once ---- */

#define WRITERS 3u
#define TURNS   150u
#define CHOICES 60u /* batches of OLD events each */

struct hall {
    struct ground ground;
    atomic_ullong indexes[CHOICES * OLD]; /* where each event is, as whoever came first was told */
};

struct writer {
    struct hall *hall;
    unsigned number;
    pthread_t thread;
};

static void
check_receipts(struct hall *hall, uint64_t choice, const struct receipt *receipts)
{
    for (unsigned i = 0; i < OLD; i++) {
        unsigned long long unknown = 0;
        atomic_ullong *index = &hall->indexes[choice * OLD + i];
        if (!atomic_compare_exchange_strong(index, &unknown, receipts[i].index) &&
            unknown != receipts[i].index)
            fixture_fail("event %" PRIu64 " is entry %llu and %" PRIu64, choice * OLD + i, unknown,
                         receipts[i].index);
    }
}

static void *
send_again_and_again(void *context)
{
    struct writer *writer = context;
    struct hall *hall = writer->hall;
    uint64_t random = writer->number;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        uint64_t choice = fixture_random(&random) % CHOICES;
        struct batch *batch = fixture_batch(hall->ground.trail, choice * OLD, OLD);
        struct receipt receipts[OLD];
        struct append_result result;
        look_back(&hall->ground, batch);
        tally_status status =
            trail_append(hall->ground.trail, batch, APPEND_WAIT, receipts, &result, &why);
        if (status != TALLY_REPEATED)
            MUST(status);
        check_receipts(hall, choice, receipts);
        batch_destroy(batch);
    }
    return NULL;
}

/* While heads fill and are sealed in the background. */
static void
once_whoever_sends_it(void **state)
{
    (void)state;
    struct hall *hall = calloc(1, sizeof *hall);
    assert_non_null(hall);
    hall->ground.disk = fixture_disk();
    hall->ground.folder = open_folder(hall->ground.disk, false);
    hall->ground.trail = fixture_create(hall->ground.folder, "main", FIXTURE_ORIGIN);
    struct writer writers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .hall = hall, .number = i };
        assert_int_equal(
            pthread_create(&writers[i].thread, NULL, send_again_and_again, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        (void)pthread_join(writers[i].thread, NULL);
    uint64_t stored = 0;
    for (unsigned i = 0; i < CHOICES * OLD; i++)
        stored += atomic_load(&hall->indexes[i]) != 0;
    assert_int_equal(trail_size(hall->ground.trail), stored + 1);
    end(&hall->ground);
    free(hall);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_wherever_it_is),
        cmocka_unit_test(conflicts_are_found),
        cmocka_unit_test(twins_of_old_ones),
        cmocka_unit_test(erased_entries_are_known_by_what_is_left),
        cmocka_unit_test(what_comes_between_is_not_missed),
        cmocka_unit_test(what_comes_meanwhile_is_not_missed),
        cmocka_unit_test(a_look_that_is_ended_finds_nothing),
        cmocka_unit_test(nothing_to_look_for),
        cmocka_unit_test(few_reads_for_what_is_not_there),
        cmocka_unit_test(once_whoever_sends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
