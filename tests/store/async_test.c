/*
 * async_test.c - appends that do not wait for their place: trail_append_begin().
 *
 * Many are begun from few threads, beside others that wait. Each is called back once; what it was
 * told holds; one thread's batches keep their order. What is taken back leaves no trace, and what is
 * not taken back is called. To be run under the thread sanitizer.
 */
#include "fixture.h"

#include "trail_core.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define WRITERS 4u
#define APPENDS 60u
#define EVENTS  7u

struct entrance {
    struct append append; /* first: what is called back is it */
    struct receipt receipts[EVENTS];
    atomic_uint called;
};

struct writer {
    struct trail *trail;
    unsigned number;
    pthread_t thread;
    struct entrance entrances[APPENDS];
};

static void
count_call(struct append *append)
{
    atomic_fetch_add(&((struct entrance *)append)->called, 1);
}

static void
begin(struct trail *trail, struct entrance *entrance, uint64_t first)
{
    entrance->append = (struct append){
        .batch = fixture_batch(trail, first, EVENTS),
        .receipts = entrance->receipts,
        .done = count_call,
    };
    trail_append_begin(trail, &entrance->append);
}

static void
await_call(struct entrance *entrance)
{
    const struct timespec pause = { .tv_nsec = 200000 };
    for (unsigned i = 0; i < 500000 && atomic_load(&entrance->called) == 0; i++)
        (void)nanosleep(&pause, NULL);
    if (atomic_load(&entrance->called) != 1)
        fixture_fail("called back %u times", atomic_load(&entrance->called));
}

static uint64_t
first_number(unsigned writer, unsigned append)
{
    return ((uint64_t)writer * APPENDS + append) * EVENTS;
}

static void *
write_all(void *context)
{
    struct writer *writer = context;
    for (unsigned i = 0; i < APPENDS; i++) {
        /* Some wait, as threads of a program do that links the store. */
        if (i % 10 == 9)
            fixture_record(writer->trail, first_number(writer->number, i), EVENTS,
                           writer->entrances[i].receipts);
        else
            begin(writer->trail, &writer->entrances[i], first_number(writer->number, i));
    }
    for (unsigned i = 0; i < APPENDS; i++)
        if (i % 10 != 9)
            await_call(&writer->entrances[i]);
    return NULL;
}

/* Every receipt is in order, and the entry there is the event that was sent. */
static void
check_writer(struct snapshot *snapshot, const struct writer *writer)
{
    uint64_t next = 0;
    for (unsigned i = 0; i < APPENDS; i++) {
        const struct entrance *entrance = &writer->entrances[i];
        assert_int_equal(entrance->append.status, TALLY_OK);
        for (unsigned k = 0; k < EVENTS; k++) {
            const struct receipt *receipt = &entrance->receipts[k];
            assert_true(receipt->index >= next && !receipt->repeated);
            next = receipt->index + 1;
            struct run_entry entry;
            MUST(snapshot_entry(snapshot, receipt->index, RUN_PARTS, &entry, &why));
            struct tally_hash leaf;
            tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
            assert_true(tally_hash_equal(&leaf, &receipt->leaf));
            char id[32];
            (void)snprintf(id, sizeof id, "event-%llu",
                           (unsigned long long)(first_number(writer->number, i) + k));
            assert_true(bytes_is(entry.values[FIELD_ID], id));
        }
    }
}

static struct folder *
open_folder(struct disk *disk)
{
    struct folder_options options = {
        .head_entries_max = 200,
        .checkpoint_interval = 2000000,
        .disk = disk,
        .command = "async test",
    };
    struct folder *folder;
    MUST(folder_open("simulated", &options, &folder, &why));
    return folder;
}

static void
called_back_once_with_what_holds(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = open_folder(disk);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct writer *writers = calloc(WRITERS, sizeof *writers);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i].trail = trail;
        writers[i].number = i;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        (void)pthread_join(writers[i].thread, NULL);

    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    assert_int_equal(snapshot_size(snapshot), 1 + WRITERS * APPENDS * EVENTS);
    for (unsigned i = 0; i < WRITERS; i++)
        check_writer(snapshot, &writers[i]);
    snapshot_close(snapshot);
    for (unsigned i = 0; i < WRITERS * APPENDS; i++)
        batch_destroy(writers[i / APPENDS].entrances[i % APPENDS].append.batch);
    free(writers);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", 1 + WRITERS * APPENDS * EVENTS, 0);
    folder_close(folder);
    disk_close_folder(disk);
}

/* With the order taken nothing is committed: what waits can be taken back, from any place. */
static void
taken_back_leaves_no_trace(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = open_folder(disk);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    struct entrance *entrances = calloc(4, sizeof *entrances);
    order_take(trail);
    for (unsigned i = 0; i < 4; i++)
        begin(trail, &entrances[i], i * EVENTS);
    assert_true(trail_append_withdraw(trail, &entrances[3].append));
    assert_true(trail_append_withdraw(trail, &entrances[1].append));
    assert_false(trail_append_withdraw(trail, &entrances[1].append));
    order_release(trail);
    await_call(&entrances[0]);
    await_call(&entrances[2]);
    assert_false(trail_append_withdraw(trail, &entrances[0].append));

    /* The queue's end still is where the next one goes. */
    batch_destroy(entrances[3].append.batch);
    entrances[3].called = 0;
    begin(trail, &entrances[3], 3 * EVENTS);
    await_call(&entrances[3]);
    assert_int_equal(entrances[3].receipts[0].index, 1 + 2 * EVENTS);
    assert_int_equal(atomic_load(&entrances[1].called), 0);
    assert_int_equal(trail_size(trail), 1 + 3 * EVENTS);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", 1 + 3 * EVENTS, 0);
    for (unsigned i = 0; i < 4; i++)
        batch_destroy(entrances[i].append.batch);
    free(entrances);
    folder_close(folder);
    disk_close_folder(disk);
}

/* Every event that may not be stored is marked, those before and after it are not. */
static void
marks_every_conflict(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = open_folder(disk);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    fixture_record(trail, 0, 3, NULL);
    static const char *const events[] = {
        "{\"action\":\"a.b\",\"id\":\"new-1\"}",
        "{\"action\":\"a.b\",\"id\":\"event-1\"}", /* entry 2, with other content */
        "{\"action\":\"a.b\",\"id\":\"new-2\"}",
        "{\"action\":\"a.c\",\"id\":\"new-1\"}", /* the first one's id */
        "{\"action\":\"a.b\",\"id\":\"new-1\"}", /* its twin */
    };
    struct batch *batch;
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    for (unsigned i = 0; i < 5; i++)
        MUST(batch_add_lent(batch, bytes_text(events[i]), &why));
    struct receipt receipts[5];
    struct append_result result;
    assert_int_equal(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_CONFLICT);
    assert_int_equal(result.conflicts, 2);
    assert_int_equal(result.position, 1);
    assert_int_equal(result.conflict, 2);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(receipts[i].conflict, i == 1 || i == 3);
    assert_int_equal(receipts[1].index, 2);
    assert_int_equal(receipts[3].index, UINT64_MAX);
    assert_int_equal(trail_size(trail), 4);

    /* Used again, by another writer, and nothing filled in. */
    batch_begin(batch, trail, "other", catalogue_none());
    MUST(batch_add_lent(batch, bytes_text("{\"action\":\"user.login\",\"status\":\"failure\"}"),
                        &why));
    MUST(trail_append(trail, batch, APPEND_WAIT, receipts, &result, &why));
    struct snapshot *snapshot;
    struct run_entry entry;
    MUST(snapshot_open(trail, &snapshot, &why));
    MUST(snapshot_entry(snapshot, 4, RUN_VALUES, &entry, &why));
    assert_true(bytes_is(entry.values[FIELD_WRITER], "other"));
    assert_null(entry.values[FIELD_EVENT_TYPE].data);
    snapshot_close(snapshot);
    batch_destroy(batch);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called_back_once_with_what_holds),
        cmocka_unit_test(taken_back_leaves_no_trace),
        cmocka_unit_test(marks_every_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
