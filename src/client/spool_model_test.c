/*
 * spool_model_test.c - random operations on a spool, held against a list of what must be in it.
 */
#include "spool_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
    assert_int_equal(run.all, run.count == model->end - model->begin);
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
    struct spool *spool = make_spool(where, 6);
    bool adopted = false;
    uint64_t number = 0;
    for (unsigned step = 0; step < 3000 && model.end < MODEL_MAX - 100; step++) {
        uint64_t what = draw(&seed, 100);
        if (what < 50 && !adopted) {
            for (uint64_t count = draw(&seed, 40); count > 0; count--, number++) {
                if (append_number(spool, number) != TALLY_OK)
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
            spool = empty ? make_spool(where, 6) : adopt_spool();
        }
        struct spool_state now = state_of(spool);
        assert_int_equal(now.queued, model.end - model.begin);
        assert_int_equal(now.damaged, 0);
        assert_true(now.size <= 6 * FILE_SIZE);
        bool ready = model.begin != model.end;
        assert_int_equal(spool_wait(spool, 0), ready);
        if (adopted && !ready) {
            spool_close(spool);
            spool = make_spool(where, 6);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(random_operations_agree_with_a_list),
        WITH_ROOT(so_do_they_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
