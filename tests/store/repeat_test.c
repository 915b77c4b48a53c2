/*
 * repeat_test.c - what makes sending again safe: a known id is a repeat or a conflict, wherever the
 * first one is kept.
 *
 * Part of invariant 1: after a doubtful answer a program sends again, and must get the first
 * receipt if the entry is there.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD_MAX 40u

/* Where the first of two events is when the second comes. */
enum place {
    IN_HEAD,
    IN_FROZEN_HEAD,
    IN_SEGMENT,
    IN_OLD_SEGMENT, /* others were sealed after it */
    REPLAYED,       /* in the journal, and the trail was opened again */
    SEALED_REOPENED,
    PLACES,
};

static const char *const place_names[PLACES] = {
    "in the head",         "in a frozen head",          "in a segment",
    "in an older segment", "replayed from the journal", "in a segment, reopened",
};

struct ground {
    struct disk *disk;
    struct folder *folder;
    struct trail *trail;
    struct receipt first[10]; /* of the events 0 to 9 */
};

static void
begin(struct ground *ground, enum place place)
{
    ground->disk = fixture_disk();
    ground->folder = fixture_folder(ground->disk, HEAD_MAX);
    ground->trail = fixture_create(ground->folder, "main", FIXTURE_ORIGIN);
    fixture_record(ground->trail, 0, 10, ground->first);
    if (place == IN_FROZEN_HEAD) {
        fixture_record(ground->trail, 1000, HEAD_MAX, NULL);
        fixture_record(ground->trail, 2000, 1, NULL);
    }
    if (place == IN_SEGMENT || place == IN_OLD_SEGMENT || place == SEALED_REOPENED)
        MUST(trail_seal(ground->trail, SEAL_ALL, &why));
    if (place == IN_OLD_SEGMENT)
        for (unsigned i = 0; i < 3; i++) {
            fixture_record(ground->trail, 1000 + i * 100, 30, NULL);
            MUST(trail_seal(ground->trail, SEAL_ALL, &why));
        }
    if (place == REPLAYED || place == SEALED_REOPENED) {
        MUST(trail_close(ground->trail, &why));
        ground->trail = fixture_open(ground->folder, "main", TRAIL_WRITE);
    }
}

static void
end(struct ground *ground)
{
    uint64_t size = trail_size(ground->trail);
    MUST(trail_close(ground->trail, &why));
    fixture_intact(ground->folder, "main", size, 0);
    folder_close(ground->folder);
    disk_close_folder(ground->disk);
}

static void
same_receipt(const struct receipt *receipt, const struct receipt *first)
{
    assert_true(receipt->repeated);
    assert_int_equal(receipt->index, first->index);
    assert_true(tally_hash_equal(&receipt->leaf, &first->leaf));
}

static void
repeats_get_the_first_receipt(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        print_message("# %s\n", place_names[place]);
        struct ground ground;
        begin(&ground, (enum place)place);
        uint64_t size = trail_size(ground.trail);
        struct receipt receipts[10];
        struct append_result result;
        struct batch *batch = fixture_batch(ground.trail, 0, 10);
        assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                         TALLY_REPEATED);
        assert_int_equal(result.count, 0);
        assert_int_equal(trail_size(ground.trail), size);
        for (unsigned i = 0; i < 10; i++)
            same_receipt(&receipts[i], &ground.first[i]);
        batch_destroy(batch);

        /* Half old, half new: the new ones are contiguous. */
        batch = fixture_batch(ground.trail, 5, 10);
        MUST(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why));
        assert_int_equal(result.count, 5);
        assert_int_equal(result.first, size);
        assert_int_equal(result.size, size + 5);
        for (unsigned i = 0; i < 5; i++) {
            same_receipt(&receipts[i], &ground.first[5 + i]);
            assert_false(receipts[5 + i].repeated);
            assert_int_equal(receipts[5 + i].index, size + i);
        }
        batch_destroy(batch);
        end(&ground);
    }
}

static void
add(struct batch *batch, const char *json)
{
    MUST(batch_add(batch, bytes_text(json), &why));
}

static void
conflicts_store_nothing(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        print_message("# %s\n", place_names[place]);
        struct ground ground;
        begin(&ground, (enum place)place);
        uint64_t size = trail_size(ground.trail);
        struct receipt receipts[10];
        struct append_result result;
        struct batch *batch = fixture_batch(ground.trail, 100, 3);
        add(batch, "{\"id\":\"event-7\",\"action\":\"something.else\"}");
        assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                         TALLY_CONFLICT);
        assert_int_equal(result.position, 3);
        assert_int_equal(result.conflict, ground.first[7].index);
        assert_non_null(strstr(why.text, "event-7"));
        assert_int_equal(trail_size(ground.trail), size);
        /* What stood beside it was not stored, so it is new now. */
        fixture_record(ground.trail, 100, 3, NULL);
        batch_destroy(batch);
        end(&ground);
    }
}

static void
twins_in_one_batch(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_HEAD);
    struct batch *batch;
    struct receipt receipts[4];
    struct append_result result;
    MUST(batch_create(ground.trail, "test", NULL, &batch, &why));
    add(batch, "{\"id\":\"twin\",\"action\":\"a.b\",\"details\":{\"x\":1,\"y\":[true,null]}}");
    add(batch, "{\"action\":\"without.id\"}");
    add(batch, "{\"details\":{\"y\":[true,null],\"x\":1},\"action\":\"a.b\",\"id\":\"twin\"}");
    add(batch, "{\"action\":\"without.id\"}");
    MUST(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why));
    assert_int_equal(result.count, 3);
    assert_true(receipts[2].repeated);
    assert_int_equal(receipts[2].index, receipts[0].index);
    assert_true(tally_hash_equal(&receipts[2].leaf, &receipts[0].leaf));
    /* Without an id there is nothing to recognise an event by. */
    assert_false(receipts[1].repeated);
    assert_false(receipts[3].repeated);
    assert_int_equal(receipts[3].index, receipts[1].index + 1);

    uint64_t size = trail_size(ground.trail);
    batch_clear(batch);
    add(batch, "{\"id\":\"pair\",\"action\":\"a.b\",\"details\":{\"x\":1}}");
    add(batch, "{\"id\":\"pair\",\"action\":\"a.b\",\"details\":{\"x\":1.0}}");
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_CONFLICT);
    assert_int_equal(result.position, 1);
    assert_true(result.conflict == UINT64_MAX);
    assert_int_equal(trail_size(ground.trail), size);
    batch_destroy(batch);
    end(&ground);
}

static void
an_empty_batch_is_refused(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_HEAD);
    struct batch *batch;
    struct receipt receipt;
    struct append_result result;
    MUST(batch_create(ground.trail, "test", NULL, &batch, &why));
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, &receipt, &result, &why),
                     TALLY_INVALID);
    /* An event that is refused leaves the batch as it was. */
    add(batch, "{\"action\":\"a.b\"}");
    assert_int_equal(batch_add(batch, bytes_text("{\"action\":\"a.b\",\"leaf\":\"x\"}"), &why),
                     TALLY_INVALID);
    assert_string_equal(why.pointer, "/leaf");
    assert_int_equal(batch_count(batch), 1);
    MUST(trail_append(ground.trail, batch, APPEND_WAIT, &receipt, &result, &why));
    batch_destroy(batch);
    end(&ground);
}

/* Of an erased entry only the public half is left to compare. */
static void
an_erased_entry_is_still_known(void **state)
{
    (void)state;
    struct ground ground;
    begin(&ground, IN_SEGMENT);
    MUST(trail_erase(ground.trail, &ground.first[4].index, 1, "asked for", &why));
    struct receipt receipts[10];
    struct append_result result;
    struct batch *batch = fixture_batch(ground.trail, 0, 10);
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_REPEATED);
    for (unsigned i = 0; i < 10; i++)
        same_receipt(&receipts[i], &ground.first[i]);
    batch_clear(batch);
    add(batch, "{\"id\":\"event-4\",\"action\":\"another.action\"}");
    assert_int_equal(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                     TALLY_CONFLICT);
    assert_int_equal(result.conflict, ground.first[4].index);
    batch_destroy(batch);
    MUST(trail_close(ground.trail, &why));
    folder_close(ground.folder);
    disk_close_folder(ground.disk);
}

/* The segment is read in its own order, whatever the batch's: each event gets its own answer, new ones
 * and conflicts among them. */
static void
in_any_order(void **state)
{
    (void)state;
    static const unsigned orders[][10] = {
        { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 },
        { 3, 9, 0, 5, 1, 8, 2, 7, 4, 6 },
        { 5, 4, 6, 3, 7, 2, 8, 1, 9, 0 },
    };
    for (unsigned place = 0; place < PLACES; place++) {
        for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
            struct ground ground;
            begin(&ground, place);
            struct batch *batch;
            MUST(batch_create(ground.trail, "test", NULL, &batch, &why));
            char text[FIXTURE_EVENT_SIZE];
            for (unsigned i = 0; i < 10; i++)
                MUST(batch_add(batch, fixture_event(orders[k][i], text), &why));
            struct receipt receipts[12];
            struct append_result result;
            assert_int_equal(
                trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                TALLY_REPEATED);
            for (unsigned i = 0; i < 10; i++)
                same_receipt(&receipts[i], &ground.first[orders[k][i]]);

            /* Not the first, because its row is the last: the one that stands first in the batch. */
            batch_clear(batch);
            add(batch, "{\"id\":\"event-8\",\"action\":\"another.action\"}");
            add(batch, "{\"id\":\"event-77\",\"action\":\"another.action\"}");
            add(batch, "{\"id\":\"event-2\",\"action\":\"another.action\"}");
            assert_int_equal(
                trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why),
                TALLY_CONFLICT);
            assert_int_equal(result.position, 0);
            assert_int_equal(result.conflict, ground.first[8].index);
            assert_int_equal(result.conflicts, 2);
            assert_true(receipts[0].conflict && !receipts[1].conflict && receipts[2].conflict);
            batch_destroy(batch);
            MUST(trail_close(ground.trail, &why));
            folder_close(ground.folder);
            disk_close_folder(ground.disk);
        }
    }
}

/* Every entry of many segments is known, of those that were sealed before the trail was opened and of
 * those after: in one batch with as many that are new. */
static void
in_many_segments(void **state)
{
    (void)state;
    enum {
        SEGMENTS = 12,
        EACH = 7,
        ALL = SEGMENTS * EACH
    };
    struct ground ground;
    static struct receipt first[ALL], receipts[2 * ALL];
    begin(&ground, IN_SEGMENT);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        fixture_record(ground.trail, 1000 + i * EACH, EACH, first + i * EACH);
        MUST(trail_seal(ground.trail, SEAL_ALL, &why));
        if (i != SEGMENTS / 2)
            continue;
        MUST(trail_close(ground.trail, &why));
        ground.trail = fixture_open(ground.folder, "main", TRAIL_WRITE);
    }
    struct batch *batch;
    MUST(batch_create(ground.trail, "test", NULL, &batch, &why));
    char text[FIXTURE_EVENT_SIZE];
    for (unsigned i = 0; i < ALL; i++) {
        MUST(batch_add(batch, fixture_event(5000 + i, text), &why));
        MUST(batch_add(batch, fixture_event(1000 + i, text), &why));
    }
    struct append_result result;
    MUST(trail_append(ground.trail, batch, APPEND_WAIT, receipts, &result, &why));
    assert_int_equal(result.count, ALL);
    for (unsigned i = 0; i < ALL; i++) {
        assert_false(receipts[2 * i].repeated);
        same_receipt(&receipts[2 * i + 1], &first[i]);
    }
    batch_destroy(batch);
    end(&ground);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_get_the_first_receipt),
        cmocka_unit_test(conflicts_store_nothing),
        cmocka_unit_test(in_any_order),
        cmocka_unit_test(in_many_segments),
        cmocka_unit_test(twins_in_one_batch),
        cmocka_unit_test(an_empty_batch_is_refused),
        cmocka_unit_test(an_erased_entry_is_still_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
