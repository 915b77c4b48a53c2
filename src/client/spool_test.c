#include "spool.h"

#include "clock.h"
#include "spool_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DESTINATION "http://127.0.0.1:7878 main"
#define FILE_SIZE   16384u
#define LONG_WAIT   (clock_monotonic() + 600 * CLOCK_SECOND)

static char scratch[SCRATCH_SIZE];
static char root[SCRATCH_SIZE + 8];

static int
set_up(void **state)
{
    (void)state;
    scratch_make(scratch);
    (void)snprintf(root, sizeof root, "%s/spool", scratch);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    scratch_remove(scratch);
    return 0;
}

static struct spool *
create(const char *where, unsigned files)
{
    struct spool *spool;
    struct tally_error error;
    struct spool_options options = { where, DESTINATION, (uint64_t)files * FILE_SIZE, FILE_SIZE };
    assert_int_equal(spool_create(&options, &spool, &error), TALLY_OK);
    return spool;
}

static struct spool *
adopt(void)
{
    struct spool *spool;
    struct tally_error error;
    assert_int_equal(spool_adopt(root, DESTINATION, &spool, &error), TALLY_OK);
    return spool;
}

static tally_status
append(struct spool *spool, uint64_t number)
{
    uint8_t room[STAMP_SIZE_MAX];
    return spool_append(spool, stamp_event(0, number, room), NULL);
}

static void
append_range(struct spool *spool, uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number < to; number++)
        assert_int_equal(append(spool, number), TALLY_OK);
}

static uint64_t
fill(struct spool *spool)
{
    uint64_t count = 0;
    tally_status status;
    while ((status = append(spool, count)) == TALLY_OK)
        count++;
    assert_int_equal(status, TALLY_FULL);
    return count;
}

static uint64_t
number_of(struct bytes event)
{
    unsigned thread;
    uint64_t number = UINT64_MAX;
    assert_true(stamp_read(event, &thread, &number));
    return number;
}

static struct spool_state
state_of(struct spool *spool)
{
    struct spool_state state;
    spool_get_state(spool, &state);
    return state;
}

/* Takes everything out; it is the numbers from..to-1. */
static void
expect_range(struct spool *spool, uint64_t from, uint64_t to)
{
    struct spool_run run;
    while (spool_read(spool, 100, SIZE_MAX, &run) == TALLY_OK) {
        for (size_t i = 0; i < run.count; i++)
            assert_int_equal(number_of(run.events[i]), from++);
        spool_done(spool, run.count);
    }
    assert_int_equal(from, to);
    assert_int_equal(state_of(spool).queued, 0);
}

/*
 * The model: events that are not done, oldest first, and whether each may have been sent.
 */
#define MODEL_MAX 20000u
struct model {
    uint64_t numbers[MODEL_MAX];
    bool again[MODEL_MAX];
    size_t begin;
    size_t end;
};

static uint64_t
draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % below;
}

static void
model_read(struct spool *spool, struct model *model, uint64_t *seed)
{
    struct spool_run run;
    size_t count_max = 1 + draw(seed, 60);
    size_t size_max = draw(seed, 3) == 0 ? SIZE_MAX : draw(seed, 5000);
    tally_status status = spool_read(spool, count_max, size_max, &run);
    if (model->begin == model->end) {
        assert_int_equal(status, TALLY_ABSENT);
        return;
    }
    assert_int_equal(status, TALLY_OK);
    assert_true(run.count >= 1 && run.count <= count_max);
    assert_true(run.count == 1 || run.size <= size_max);
    size_t size = 0;
    for (size_t i = 0; i < run.count; i++) {
        assert_int_equal(number_of(run.events[i]), model->numbers[model->begin + i]);
        assert_int_equal(run.again, model->again[model->begin + i]);
        size += run.events[i].size;
    }
    assert_int_equal(run.size, size);
    /* It is as long as it may be. */
    size_t next = model->begin + run.count;
    uint8_t room[STAMP_SIZE_MAX];
    if (next < model->end && run.count < count_max && model->again[next] == run.again)
        assert_true(size + stamp_event(0, model->numbers[next], room).size > size_max);

    if (draw(seed, 4) != 0) {
        size_t sending = 1 + draw(seed, run.count);
        spool_sending(spool, sending);
        for (size_t i = 0; i < sending; i++)
            model->again[model->begin + i] = true;
    }
    if (draw(seed, 4) != 0) {
        size_t done = draw(seed, run.count + 1);
        spool_done(spool, done);
        model->begin += done;
    }
}

static void
model_drop(struct spool *spool, struct model *model)
{
    uint64_t count;
    int64_t since;
    struct spool_run run;
    /* Nothing is lent behind a read of which nothing is kept. */
    if (spool_read(spool, 1, 0, &run) == TALLY_OK)
        spool_done(spool, 0);
    if (spool_drop_oldest(spool, &count, &since) != TALLY_OK) {
        assert_int_equal(model->begin, model->end);
        return;
    }
    assert_true(count > 0 && count <= model->end - model->begin);
    model->begin += count;
}

/* Random operations, of which now and then the spool is closed and adopted, and another one begun
 * when that is empty. */
static void
run_model(const char *where, uint64_t seed)
{
    static struct model model;
    memset(&model, 0, sizeof model);
    struct spool *spool = create(where, 6);
    bool adopted = false;
    uint64_t number = 0;
    for (unsigned step = 0; step < 3000 && model.end < MODEL_MAX - 100; step++) {
        uint64_t what = draw(&seed, 100);
        if (what < 50 && !adopted) {
            for (uint64_t count = draw(&seed, 40); count > 0; count--, number++) {
                if (append(spool, number) != TALLY_OK)
                    continue;
                model.numbers[model.end] = number;
                model.again[model.end++] = false;
            }
        } else if (what < 90) {
            model_read(spool, &model, &seed);
        } else if (what == 90 && step % 8 == 0) {
            assert_int_equal(spool_sync(spool, NULL), TALLY_OK);
        } else if (what < 93) {
            model_drop(spool, &model);
        } else if (what < 95 && where != NULL) {
            bool empty = model.begin == model.end;
            spool_close(spool);
            adopted = !empty;
            if (empty)
                assert_int_equal(spool_adopt(where, DESTINATION, &spool, NULL), TALLY_ABSENT);
            spool = empty ? create(where, 6) : adopt();
        }
        struct spool_state now = state_of(spool);
        assert_int_equal(now.queued, model.end - model.begin);
        assert_int_equal(now.damaged, 0);
        assert_true(now.size <= 6 * FILE_SIZE);
        bool ready = model.begin != model.end;
        assert_int_equal(spool_wait(spool, 0), ready);
        if (adopted && !ready) {
            spool_close(spool);
            spool = create(where, 6);
            adopted = false;
        }
    }
    spool_close(spool);
}

static void
random_operations_agree_with_a_list(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run_model(root, seed);
        scratch_remove(root);
    }
}

static void
so_do_they_in_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed <= 112; seed++)
        run_model(NULL, seed);
}

static void
a_full_spool_keeps_what_it_has(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = create(places[i], 3);
        uint64_t count = fill(spool);
        struct tally_error error;
        uint8_t room[STAMP_SIZE_MAX];
        assert_true(count > 3 * FILE_SIZE / 300);
        assert_int_equal(state_of(spool).size, 3 * FILE_SIZE);
        while (spool_append(spool, stamp_event(0, 7, room), &error) == TALLY_OK)
            fail();
        assert_non_null(strstr(error.text, "full"));
        assert_false(spool_wait_room(spool, clock_monotonic()));
        expect_range(spool, 0, count);
        assert_true(spool_wait_room(spool, 0));
        append_range(spool, 0, 10);
        expect_range(spool, 0, 10);
        spool_close(spool);
    }
    assert_int_equal(scratch_count(root), 0);
}

/* With room for one file only, it is used again and again. */
static void
one_file_is_enough(void **state)
{
    (void)state;
    struct spool *spool = create(root, 1);
    for (unsigned round = 0; round < 20; round++) {
        uint64_t count = fill(spool);
        expect_range(spool, 0, count);
        assert_true(spool_wait_room(spool, 0));
    }
    assert_int_equal(state_of(spool).size, FILE_SIZE);
    spool_close(spool);
}

/* Appends events until the last file is full to its half at least. */
static void
append_half(struct spool *spool, uint64_t *number)
{
    uint8_t room[STAMP_SIZE_MAX];
    for (size_t size = 0; size <= FILE_SIZE / 2; (*number)++) {
        size += stamp_event(0, *number, room).size + 24;
        assert_int_equal(append(spool, *number), TALLY_OK);
    }
}

static void
where_events_gather_a_file_is_made_ahead(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = create(places[i], 3);
        uint64_t number = 0;
        append_range(spool, number, number + 1);
        assert_int_equal(state_of(spool).size, FILE_SIZE);
        number++;
        append_half(spool, &number);
        assert_int_equal(state_of(spool).size, 2 * FILE_SIZE);
        append_half(spool, &number);
        append_half(spool, &number);
        assert_int_equal(state_of(spool).size, 3 * FILE_SIZE);
        append_half(spool, &number);
        expect_range(spool, 0, number);
        spool_close(spool);
    }
    assert_int_equal(scratch_count(root), 0);
}

static void
where_events_leave_as_they_come_none_is(void **state)
{
    (void)state;
    struct spool *spool = create(root, 3);
    for (uint64_t number = 0; number < 2000; number++) {
        append_range(spool, number, number + 1);
        expect_range(spool, number, number + 1);
    }
    assert_int_equal(state_of(spool).size, FILE_SIZE);
    spool_close(spool);
}

static void
impossible_events_are_refused(void **state)
{
    (void)state;
    struct spool *spool;
    struct spool_options options = { root, DESTINATION, 16u << 20, 0 };
    assert_int_equal(spool_create(&options, &spool, NULL), TALLY_OK);
    uint8_t *event = malloc(SPOOL_EVENT_MAX + 1);
    memset(event, 'x', SPOOL_EVENT_MAX + 1);
    assert_int_equal(spool_append(spool, bytes_of(event, 0), NULL), TALLY_INVALID);
    assert_int_equal(spool_append(spool, bytes_of(event, SPOOL_EVENT_MAX + 1), NULL),
                     TALLY_INVALID);
    assert_int_equal(state_of(spool).queued, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(spool_append(spool, bytes_of(event, SPOOL_EVENT_MAX), NULL), TALLY_OK);
    struct spool_run run;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(spool_read(spool, 10, 100, &run), TALLY_OK);
        assert_int_equal(run.count, 1);
        assert_true(bytes_equal(run.events[0], bytes_of(event, SPOOL_EVENT_MAX)));
        spool_done(spool, 1);
    }
    free(event);
    spool_close(spool);
}

static void
no_file_at_all_is_full(void **state)
{
    (void)state;
    struct spool *spool;
    struct tally_error error;
    struct spool_options options = { root, DESTINATION, FILE_SIZE - 1, FILE_SIZE };
    assert_int_equal(spool_create(&options, &spool, &error), TALLY_FULL);
    assert_int_equal(scratch_count(root), 0);
    options.destination = "two\nlines";
    assert_int_equal(spool_create(&options, &spool, &error), TALLY_INVALID);
    assert_int_equal(scratch_count(root), 0);
}

/* While the disk refuses, appending does; everything else goes on, and so does appending later. */
static void
a_full_disk_is_got_over(void **state)
{
    (void)state;
    struct rlimit before, low;
    struct spool *spool = create(root, 100);
    append_range(spool, 0, 10);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = (struct rlimit){ FILE_SIZE - 1, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    uint64_t count = 10;
    tally_status status;
    while ((status = append(spool, count)) == TALLY_OK)
        count++;
    struct spool_run run;
    tally_status read = spool_read(spool, 5, SIZE_MAX, &run);
    /* There may be room at any time, but not at once: who waits does not run in circles. */
    bool may_be = spool_wait_room(spool, LONG_WAIT);
    bool at_once = spool_wait_room(spool, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, TALLY_FULL);
    assert_int_equal(read, TALLY_OK);
    assert_true(may_be);
    assert_false(at_once);
    append_range(spool, count, count + 500);
    expect_range(spool, 0, count + 500);
    spool_close(spool);
}

static void
what_is_lent_is_not_dropped(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = create(places[i], 4);
        int64_t began = clock_now();
        uint64_t all = fill(spool);
        int64_t ended = clock_now();
        struct spool_run run;
        assert_int_equal(spool_read(spool, 3, SIZE_MAX, &run), TALLY_OK);
        spool_sending(spool, 3);

        /* The second, the third and the fourth file go, the one that is appended to last. */
        uint64_t dropped = 0, count;
        int64_t since, last = began;
        while (spool_drop_oldest(spool, &count, &since) == TALLY_OK) {
            assert_true(count > 0);
            assert_true(since >= last && since <= ended);
            last = since;
            dropped += count;
        }
        assert_int_equal(state_of(spool).queued, all - dropped);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(number_of(run.events[k]), k);
        uint64_t first = all - dropped;
        spool_done(spool, 3);
        assert_true(spool_wait_room(spool, 0));
        append_range(spool, first, first + 20);
        expect_range(spool, 3, first + 20);
        assert_int_equal(spool_drop_oldest(spool, &count, &since), TALLY_ABSENT);
        spool_close(spool);
    }
}

/* What was dropped is gone for whoever adopts, too. */
static void
what_was_dropped_stays_so(void **state)
{
    (void)state;
    struct spool *spool = create(root, 4);
    uint64_t all = fill(spool), first, second;
    int64_t since;
    assert_int_equal(spool_drop_oldest(spool, &first, &since), TALLY_OK);
    assert_int_equal(spool_drop_oldest(spool, &second, &since), TALLY_OK);
    spool_close(spool);
    spool = adopt();
    expect_range(spool, first + second, all);
    spool_close(spool);
    assert_int_equal(scratch_count(root), 0);
}

static void
what_is_left_is_adopted_with_its_notes(void **state)
{
    (void)state;
    struct spool *spool = create(root, 8);
    struct spool_run run;
    append_range(spool, 0, 300);
    assert_int_equal(spool_read(spool, 200, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 200);
    assert_false(run.again);
    spool_sending(spool, 150);
    spool_done(spool, 120);
    assert_non_null(strstr(spool_path(spool), root));
    spool_close(spool);

    spool = adopt();
    assert_int_equal(state_of(spool).queued, 180);
    assert_int_equal(spool_read(spool, 1000, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 30);
    assert_true(run.again);
    assert_int_equal(number_of(run.events[0]), 120);
    spool_done(spool, 30);
    assert_int_equal(spool_read(spool, 1000, SIZE_MAX, &run), TALLY_OK);
    assert_false(run.again);
    expect_range(spool, 150, 300);
    spool_close(spool);
    assert_int_equal(scratch_count(root), 0);
}

/* Notes of what was sent are gone with the power, if they were not synced. */
static void
after_another_boot_all_may_have_been_sent(void **state)
{
    (void)state;
    struct spool *spool = create(root, 8);
    char path[PATH_MAX];
    append_range(spool, 0, 300);
    spool_close(spool);
    spool = adopt();
    (void)snprintf(path, sizeof path, "%s/owner", spool_path(spool));
    FILE *owner = fopen(path, "we");
    assert_non_null(owner);
    assert_true(fprintf(owner, "tally spool 1\nboot before\nfor " DESTINATION "\n") > 0);
    (void)fclose(owner);
    spool_close(spool);
    spool = adopt();
    struct spool_run run;
    assert_int_equal(spool_read(spool, 1000, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 300);
    assert_true(run.again);
    spool_close(spool);
}

/* Such a file is left for people, in a folder that nobody owns; the others are read. */
static void
a_file_that_is_none_of_a_spool_is_left(void **state)
{
    (void)state;
    struct spool *spool = create(root, 8);
    char path[PATH_MAX + 32];
    append_range(spool, 0, 100);
    (void)snprintf(path, sizeof path, "%s/0000ffff.spool", spool_path(spool));
    assert_int_equal(mkdir(path, 0700), 0);
    spool_close(spool);
    spool = adopt();
    assert_int_equal(state_of(spool).damaged, 1);
    (void)snprintf(path, sizeof path, "%s", spool_path(spool));
    expect_range(spool, 0, 100);
    spool_close(spool);
    assert_int_equal(scratch_count(path), 1);
    assert_int_equal(spool_adopt(root, DESTINATION, &spool, NULL), TALLY_ABSENT);
    assert_int_equal(scratch_count(path), 1);
}

static void
tmpfs_is_told(void **state)
{
    (void)state;
    static const char *const places[] = { "/dev/shm", "/tmp" };
    for (size_t i = 0; i < 2; i++) {
        char here[] = "/dev/shm/tally-spool-XXXXXX";
        struct statfs system;
        (void)snprintf(here, sizeof here, "%s/tally-spool-XXXXXX", places[i]);
        if (mkdtemp(here) == NULL)
            continue;
        assert_int_equal(statfs(here, &system), 0);
        struct spool *spool = create(here, 2);
        assert_int_equal(state_of(spool).volatile_, system.f_type == TMPFS_MAGIC);
        spool_close(spool);
        assert_int_equal(rmdir(here), 0);
    }
    struct spool *spool = create(NULL, 2);
    assert_false(state_of(spool).volatile_);
    assert_null(spool_path(spool));
    spool_close(spool);
}

/* Whatever is damaged is counted, and the rest is read. */
static void
damage_is_counted(void **state)
{
    (void)state;
    struct spool *spool = create(root, 8);
    append_range(spool, 0, 20);
    spool_close(spool);
    struct spool *other = adopt();
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/00000001.spool", spool_path(other));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    /* In the first event, behind file header and frame head. */
    assert_int_equal(pwrite(fd, "?", 1, 128 + 24 + 8), 1);
    (void)close(fd);
    expect_range(other, 1, 20);
    assert_int_equal(state_of(other).damaged, 1);
    spool_close(other);
    assert_int_equal(scratch_count(root), 0);
}

static void *
wake_later(void *context)
{
    spool_wake(context);
    return NULL;
}

static void *
append_later(void *context)
{
    if (append(context, 0) != TALLY_OK)
        abort();
    return NULL;
}

static void *
wait_for_room(void *context)
{
    return spool_wait_room(context, LONG_WAIT) ? context : NULL;
}

static void
waiting_ends_when_it_should(void **state)
{
    (void)state;
    struct spool *spool = create(NULL, 2);
    pthread_t thread;
    assert_false(spool_wait(spool, clock_monotonic()));
    spool_wake(spool);
    assert_false(spool_wait(spool, LONG_WAIT));
    assert_int_equal(pthread_create(&thread, NULL, wake_later, spool), 0);
    assert_false(spool_wait(spool, LONG_WAIT));
    (void)pthread_join(thread, NULL);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(pthread_create(&thread, NULL, append_later, spool), 0);
        assert_true(spool_wait(spool, LONG_WAIT));
        (void)pthread_join(thread, NULL);
        expect_range(spool, 0, 1);
    }

    void *room;
    uint64_t count = fill(spool);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_room, spool), 0);
    expect_range(spool, 0, count);
    (void)pthread_join(thread, &room);
    assert_non_null(room);
    spool_close(spool);
}

/* With a sync between them, each event is waited for; what is done needs none. */
static void
what_is_not_synced_ends_a_wait(void **state)
{
    (void)state;
    struct spool *spool = create(root, 4);
    pthread_t thread;
    assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(pthread_create(&thread, NULL, append_later, spool), 0);
        assert_true(spool_wait_unsynced(spool, LONG_WAIT));
        (void)pthread_join(thread, NULL);
        assert_true(spool_wait(spool, 0));
        assert_int_equal(spool_sync(spool, NULL), TALLY_OK);
        assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    }
    spool_wake(spool);
    assert_false(spool_wait_unsynced(spool, LONG_WAIT));

    struct spool_run run;
    assert_int_equal(append(spool, 0), TALLY_OK);
    assert_true(spool_wait_unsynced(spool, 0));
    assert_int_equal(spool_read(spool, 100, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 51);
    spool_done(spool, 50);
    assert_true(spool_wait_unsynced(spool, 0));
    assert_int_equal(spool_read(spool, 100, SIZE_MAX, &run), TALLY_OK);
    spool_done(spool, 1);
    assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    spool_close(spool);

    spool = create(NULL, 4);
    assert_int_equal(append(spool, 0), TALLY_OK);
    assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    spool_close(spool);
}

/* The child lets go of its copy and has a spool of its own; the parent's is untouched. */
static void
a_child_forgets_its_parents_spool(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = create(places[i], 8);
        struct spool_run run;
        append_range(spool, 0, 500);
        assert_int_equal(spool_read(spool, 300, SIZE_MAX, &run), TALLY_OK);
        spool_done(spool, 250);
        pid_t child = fork();
        if (child == 0) {
            struct spool *own, *found;
            struct spool_options options = { places[i], DESTINATION, 1 << 20, FILE_SIZE };
            spool_abandon(spool);
            spool_abandon(NULL);
            if (spool_create(&options, &own, NULL) != TALLY_OK || append(own, 7) != TALLY_OK)
                _exit(1);
            /* Its parent lives. */
            if (places[i] != NULL && spool_adopt(root, DESTINATION, &found, NULL) != TALLY_ABSENT)
                _exit(2);
            spool_close(own);
            _exit(0);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_int_equal(ended, 0);
        append_range(spool, 500, 600);
        expect_range(spool, 250, 600);
        spool_close(spool);
    }
    struct spool *childs = adopt();
    expect_range(childs, 7, 8);
    spool_close(childs);
}

/* Four threads append while one reads, syncs and drops nothing. */
#define THREADS 4u
#define EACH    6000u

struct appender {
    struct spool *spool;
    unsigned thread;
};

static void *
append_all(void *context)
{
    struct appender *appender = context;
    uint8_t room[STAMP_SIZE_MAX];
    for (uint64_t number = 0; number < EACH;) {
        tally_status status =
            spool_append(appender->spool, stamp_event(appender->thread, number, room), NULL);
        if (status == TALLY_OK)
            number++;
        else if (status != TALLY_FULL || !spool_wait_room(appender->spool, LONG_WAIT))
            abort();
    }
    return NULL;
}

static void *
sync_all(void *context)
{
    struct spool_state now;
    for (unsigned i = 0; i < 8; i++) {
        if (spool_sync(context, NULL) != TALLY_OK)
            abort();
        spool_get_state(context, &now);
    }
    return NULL;
}

static void
read_all(struct spool *spool)
{
    uint64_t next[THREADS] = { 0 };
    for (uint64_t left = THREADS * EACH; left > 0;) {
        struct spool_run run;
        assert_true(spool_wait(spool, LONG_WAIT));
        assert_int_equal(spool_read(spool, 100, 20000, &run), TALLY_OK);
        for (size_t i = 0; i < run.count; i++) {
            unsigned thread = 0;
            uint64_t number = 0;
            assert_true(stamp_read(run.events[i], &thread, &number));
            assert_int_equal(number, next[thread]++);
        }
        spool_sending(spool, run.count);
        spool_done(spool, run.count);
        left -= run.count;
    }
}

static void
threads_append_while_one_reads(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = create(places[i], 5);
        struct appender appenders[THREADS];
        pthread_t threads[THREADS], syncer;
        for (unsigned t = 0; t < THREADS; t++) {
            appenders[t] = (struct appender){ spool, t };
            assert_int_equal(pthread_create(&threads[t], NULL, append_all, &appenders[t]), 0);
        }
        assert_int_equal(pthread_create(&syncer, NULL, sync_all, spool), 0);
        read_all(spool);
        for (unsigned t = 0; t < THREADS; t++)
            (void)pthread_join(threads[t], NULL);
        (void)pthread_join(syncer, NULL);
        assert_int_equal(state_of(spool).queued, 0);
        spool_close(spool);
    }
    assert_int_equal(scratch_count(root), 0);
}

/* The same with too little room, where appenders drop: each event is read or counted, in order. */
static _Atomic uint64_t dropped_in_all;

static void *
append_dropping(void *context)
{
    struct appender *appender = context;
    uint8_t room[STAMP_SIZE_MAX];
    for (uint64_t number = 0; number < EACH;) {
        uint64_t count;
        int64_t since;
        if (spool_append(appender->spool, stamp_event(appender->thread, number, room), NULL) ==
            TALLY_OK)
            number++;
        else if (spool_drop_oldest(appender->spool, &count, &since) == TALLY_OK)
            dropped_in_all += count;
        else
            (void)spool_wait_room(appender->spool, clock_monotonic() + CLOCK_SECOND / 1000);
    }
    return NULL;
}

static void
threads_drop_while_one_reads(void **state)
{
    (void)state;
    struct spool *spool = create(root, 3);
    struct appender appenders[THREADS];
    pthread_t threads[THREADS], syncer;
    dropped_in_all = 0;
    for (unsigned t = 0; t < THREADS; t++) {
        appenders[t] = (struct appender){ spool, t };
        assert_int_equal(pthread_create(&threads[t], NULL, append_dropping, &appenders[t]), 0);
    }
    assert_int_equal(pthread_create(&syncer, NULL, sync_all, spool), 0);
    uint64_t next[THREADS] = { 0 }, seen = 0;
    while (seen + dropped_in_all < THREADS * EACH) {
        struct spool_run run;
        (void)spool_wait(spool, clock_monotonic() + CLOCK_SECOND / 100);
        if (spool_read(spool, 10, SIZE_MAX, &run) != TALLY_OK)
            continue;
        for (size_t i = 0; i < run.count; i++) {
            unsigned thread = 0;
            uint64_t number = 0;
            assert_true(stamp_read(run.events[i], &thread, &number));
            assert_true(number >= next[thread]);
            next[thread] = number + 1;
        }
        spool_done(spool, run.count);
        seen += run.count;
    }
    for (unsigned t = 0; t < THREADS; t++)
        (void)pthread_join(threads[t], NULL);
    (void)pthread_join(syncer, NULL);
    assert_int_equal(seen + dropped_in_all, THREADS * EACH);
    assert_int_equal(state_of(spool).queued, 0);
    spool_close(spool);
}

static void
the_default_root_is_of_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *spool, *state, *home, *root;
    } rows[] = {
        { "/a", "/b", "/c", "/a" },
        { "", "/b", "/c", "/b/tally/spool" },
        { NULL, "relative", "/c", "/c/.local/state/tally/spool" },
        { NULL, NULL, "/c", "/c/.local/state/tally/spool" },
        { NULL, NULL, "", NULL },
        { NULL, NULL, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const names[] = { "TALLY_SPOOL", "XDG_STATE_HOME", "HOME" };
        const char *const values[] = { rows[i].spool, rows[i].state, rows[i].home };
        for (size_t v = 0; v < 3; v++)
            (void)(values[v] == NULL ? unsetenv(names[v]) : setenv(names[v], values[v], 1));
        char *found = NULL;
        tally_status status = spool_root_default(&found, NULL);
        assert_int_equal(status, rows[i].root == NULL ? TALLY_ABSENT : TALLY_OK);
        if (rows[i].root != NULL)
            assert_string_equal(found, rows[i].root);
        free(found);
    }
}

int
main(void)
{
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_DISK(random_operations_agree_with_a_list),
        ON_DISK(so_do_they_in_memory),
        ON_DISK(a_full_spool_keeps_what_it_has),
        ON_DISK(one_file_is_enough),
        ON_DISK(where_events_gather_a_file_is_made_ahead),
        ON_DISK(where_events_leave_as_they_come_none_is),
        ON_DISK(impossible_events_are_refused),
        ON_DISK(no_file_at_all_is_full),
        ON_DISK(a_full_disk_is_got_over),
        ON_DISK(what_is_lent_is_not_dropped),
        ON_DISK(what_was_dropped_stays_so),
        ON_DISK(what_is_left_is_adopted_with_its_notes),
        ON_DISK(after_another_boot_all_may_have_been_sent),
        ON_DISK(a_file_that_is_none_of_a_spool_is_left),
        ON_DISK(tmpfs_is_told),
        ON_DISK(damage_is_counted),
        ON_DISK(waiting_ends_when_it_should),
        ON_DISK(what_is_not_synced_ends_a_wait),
        ON_DISK(a_child_forgets_its_parents_spool),
        ON_DISK(threads_append_while_one_reads),
        ON_DISK(threads_drop_while_one_reads),
        ON_DISK(the_default_root_is_of_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
