/*
 * paging_test.c - pages joined give each entry exactly once, in every order, while a writer writes,
 * the background seals, and others page, too.
 *
 * TALLY_PAGING_LISTS (60) says how many lists each reader goes through.
 */
#include "excerpt.h"

#include "clock.h"
#include "fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define HEAD_MAX 400
#define READERS  2

/* Reading begins when there are so many entries. */
#define READ_FROM 2000

static const uint8_t key[CURSOR_KEY_SIZE] = "the key of a test";

struct stage {
    struct trail *trail;
    atomic_uint readers;
};

/* Small batches until the readers are done; the trail does not grow for ever. */
static void *
write_on(void *context)
{
    struct stage *stage = context;
    uint64_t number = 0, random = 3;
    while (atomic_load(&stage->readers) > 0 && number < 60000) {
        uint32_t count = 1 + (uint32_t)(fixture_random(&random) % 40);
        fixture_record(stage->trail, number, count, NULL);
        number += count;
    }
    return NULL;
}

/* Entries that were there when the list began, a bit each. */
struct seen {
    uint8_t *bits;
    uint64_t size, count;
    struct scan_hit last;
    bool begun;
};

static void
check_hit(struct seen *seen, enum scan_order order, const struct scan_hit *hit)
{
    if (hit->index >= seen->size)
        fixture_fail("entry %" PRIu64 " in a list of %" PRIu64, hit->index, seen->size);
    if (seen->bits[hit->index / 8] >> hit->index % 8 & 1)
        fixture_fail("entry %" PRIu64 " twice", hit->index);
    seen->bits[hit->index / 8] |= (uint8_t)(1 << hit->index % 8);
    seen->count++;
    const struct scan_hit *before = &seen->last;
    bool later = hit->time != before->time ? hit->time > before->time : hit->index > before->index;
    if (order == ORDER_INDEX || order == ORDER_INDEX_DOWN)
        later = hit->index > before->index;
    bool up = order == ORDER_TIME || order == ORDER_INDEX;
    if (seen->begun && later != up)
        fixture_fail("entry %" PRIu64 " out of order", hit->index);
    seen->begun = true;
    seen->last = *hit;
}

/* One list from its first page to its last. */
static void
page_through(struct trail *trail, enum scan_order order, size_t limit)
{
    char cursor[CURSOR_TEXT_SIZE];
    struct seen seen = { 0 };
    struct excerpt_request request = {
        .order = order,
        .limit = limit,
        .role = bytes_text("auditor"),
        .key = key,
    };
    bool more = true;
    while (more) {
        struct cursor start;
        struct excerpt excerpt;
        MUST(excerpt_start(trail, &request, &start, &why));
        MUST(excerpt_open(trail, &request, &start, &excerpt, &why));
        if (seen.bits == NULL) {
            seen.size = snapshot_size(excerpt.selection.snapshot);
            seen.bits = calloc((size_t)seen.size / 8 + 1, 1);
        }
        for (size_t i = 0; i < excerpt.count; i++)
            check_hit(&seen, order, &excerpt.hits[i]);
        more = excerpt_next(&excerpt, cursor, &why) == TALLY_OK;
        excerpt_close(&excerpt);
        request.cursor = bytes_of(cursor, sizeof cursor);
    }
    if (seen.count + 1 != seen.size) /* all but entry 0 */
        fixture_fail("%" PRIu64 " of %" PRIu64 " entries", seen.count, seen.size);
    free(seen.bits);
}

static void *
read_on(void *context)
{
    struct stage *stage = context;
    uint64_t random = (uint64_t)(uintptr_t)&random; /* another for each thread */
    unsigned lists = (unsigned)fixture_setting("TALLY_PAGING_LISTS", 60);
    if (!trail_wait(stage->trail, READ_FROM, clock_monotonic() + 600 * CLOCK_SECOND))
        fixture_fail("the writer does not get on");
    for (unsigned i = 0; i < lists; i++) {
        enum scan_order order = (enum scan_order)(1 + i % 4);
        uint64_t size = trail_size(stage->trail);
        page_through(stage->trail, order, (size_t)(size / 100 + 1 + fixture_random(&random) % 60));
    }
    atomic_fetch_sub(&stage->readers, 1);
    return NULL;
}

int
main(void)
{
    char *path = fixture_path();
    const struct folder_options options = { .head_entries_max = HEAD_MAX,
                                            .checkpoint_interval = CLOCK_SECOND / 50,
                                            .command = "paging test" };
    struct folder *folder;
    MUST(folder_open(path, &options, &folder, &why));
    struct stage stage = { .trail = fixture_create(folder, "main", FIXTURE_ORIGIN) };
    atomic_store(&stage.readers, READERS);

    pthread_t writer, readers[READERS];
    (void)pthread_create(&writer, NULL, write_on, &stage);
    for (unsigned i = 0; i < READERS; i++)
        (void)pthread_create(&readers[i], NULL, read_on, &stage);
    for (unsigned i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    (void)pthread_join(writer, NULL);
    printf("1..1\nok 1 - pages joined gave each entry once while %" PRIu64 " were written\n",
           trail_size(stage.trail));
    MUST(trail_close(stage.trail, &why));
    folder_close(folder);
    fixture_remove(path);
    return 0;
}
