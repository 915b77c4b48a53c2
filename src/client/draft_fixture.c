#include "draft_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct draft *draft;
struct event_reader *reader;
struct tally_error error;
static struct mask *mask;

int
draft_set_up(void **state)
{
    (void)state;
    assert_int_equal(mask_create(NULL, NULL, &mask, &error), TALLY_OK);
    assert_int_equal(draft_create(mask, &draft, &error), TALLY_OK);
    assert_int_equal(event_reader_create(catalogue_none(), &reader, &error), TALLY_OK);
    return 0;
}

int
draft_tear_down(void **state)
{
    (void)state;
    draft_destroy(draft);
    draft_destroy(NULL);
    mask_destroy(mask);
    event_reader_destroy(reader);
    return 0;
}

static struct tally_context *
context_of(const char *json)
{
    struct tally_context *context = NULL;
    if (json != NULL &&
        tally_context_create_json(json, strlen(json), NULL, &context, &error) != TALLY_OK)
        fail_msg("%s: %s", error.pointer, error.text);
    return context;
}

void
read_line(const struct draft *of, struct event *event)
{
    struct bytes line = draft_line(of);
    for (size_t i = 0; i < line.size; i++)
        assert_true(line.data[i] >= 0x20);
    event_reader_reset(reader);
    if (event_read(reader, line, NOW, event, &error) != TALLY_OK)
        fail_msg("%.*s\n%s: %s", BYTES_ARG(line), error.pointer, error.text);
    assert_true(bytes_equal(event->values[FIELD_ID], draft_id(of)));
    assert_true((event->sent & FIELD_BIT(FIELD_TIMESTAMP)) != 0);
}

void
write_json(struct draft *to, const char *json, const char *context_json, const char *service)
{
    struct event event;
    struct tally_context *context = context_of(context_json);
    if (draft_write_json(to, bytes_text(json), context, service, &error) != TALLY_OK)
        fail_msg("%s\n%s: %s", json, error.pointer, error.text);
    tally_context_release(context);
    read_line(to, &event);
}
