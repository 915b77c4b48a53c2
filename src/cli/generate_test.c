#include "generate.h"

#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define EVENTS 20000

struct world {
    struct generator generator;
    struct event_reader *reader;
    struct catalogue *catalogue;
};

static void
begin(struct world *world, uint64_t seed)
{
    assert_int_equal(generator_init(&world->generator, seed, NULL), TALLY_OK);
    assert_int_equal(catalogue_create(NULL, 0, &world->catalogue, NULL), TALLY_OK);
    assert_int_equal(event_reader_create(world->catalogue, &world->reader, NULL), TALLY_OK);
}

static void
end(struct world *world)
{
    event_reader_destroy(world->reader);
    catalogue_destroy(world->catalogue);
    generator_finish(&world->generator);
}

/* A set of short texts, to count distinct ones. */
struct distinct {
    char texts[1024][160];
    size_t count;
};

static void
add_distinct(struct distinct *set, struct bytes text)
{
    for (size_t i = 0; i < set->count; i++)
        if (bytes_is(text, set->texts[i]))
            return;
    assert_true(set->count < 1024 && text.size < 160);
    memcpy(set->texts[set->count], text.data, text.size);
    set->texts[set->count++][text.size] = '\0';
}

static void
events_are_what_was_asked_for(void **state)
{
    (void)state;
    static struct distinct actions, types, endpoints, agents;
    struct world world;
    begin(&world, 1);
    size_t bytes = 0;
    unsigned changes = 0;
    unsigned of_first_user = 0;
    unsigned rare = 0;
    int64_t last = 0;
    for (unsigned i = 0; i < EVENTS; i++) {
        struct buffer text = { 0 };
        generator_event(&world.generator, &text);
        bytes += text.size;
        struct event event;
        struct tally_error error;
        if (event_read(world.reader, buffer_view(&text), 0, &event, &error) != TALLY_OK)
            fail_msg("%s: %s", error.pointer, error.text);
        add_distinct(&actions, event.values[FIELD_ACTION]);
        add_distinct(&types, event.values[FIELD_RESOURCE_TYPE]);
        add_distinct(&endpoints, event.values[FIELD_ENDPOINT]);
        add_distinct(&agents, event.values[FIELD_USER_AGENT]);
        assert_int_equal(event.values[FIELD_ID].size, 36);
        assert_int_equal(event.values[FIELD_REQUEST_ID].size, 36);
        assert_true(event.timestamp > last);
        last = event.timestamp;
        changes += event.values[FIELD_CHANGES].data != NULL;
        of_first_user += bytes_is(event.values[FIELD_USER_ID], "user-000000");
        rare += memmem(text.data, text.size, GENERATE_RARE, sizeof GENERATE_RARE - 1) != NULL;
        event_reader_reset(world.reader);
        buffer_free(&text);
    }
    assert_int_equal(rare, 1);
    assert_int_equal(actions.count, 40);
    assert_int_equal(types.count, 20);
    assert_int_equal(agents.count, 200);
    assert_int_equal(endpoints.count, 300);
    assert_in_range(bytes / EVENTS, 590, 650);
    assert_in_range(changes, EVENTS / 4, EVENTS / 2);
    /* Zipf: the first of 100,000 has 1 / (ln 100000 + 0.577) of all, about 8.3 %. */
    assert_in_range(of_first_user, EVENTS * 7 / 100, EVENTS * 10 / 100);
    end(&world);
}

static void
a_seed_gives_the_same_events(void **state)
{
    (void)state;
    struct buffer texts[3] = { 0 };
    static const uint64_t seeds[3] = { 7, 7, 8 };
    for (size_t i = 0; i < 3; i++) {
        struct generator generator;
        assert_int_equal(generator_init(&generator, seeds[i], NULL), TALLY_OK);
        for (unsigned j = 0; j < 100; j++)
            generator_event(&generator, &texts[i]);
        generator_finish(&generator);
    }
    assert_true(bytes_equal(buffer_view(&texts[0]), buffer_view(&texts[1])));
    assert_false(bytes_equal(buffer_view(&texts[0]), buffer_view(&texts[2])));
    for (size_t i = 0; i < 3; i++)
        buffer_free(&texts[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_what_was_asked_for),
        cmocka_unit_test(a_seed_gives_the_same_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
