#include "recorder_fixture.h"

#include "client_parts.h"
#include "draft.h"
#include "entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mask *mask;
static struct draft *draft;
static struct event_reader *reader;
static char nobody;

struct tally_client *const recorder_client = (struct tally_client *)(void *)&nobody;
tally_status recorder_answer;
struct recorded recorded;

int
recorder_create(void **state)
{
    (void)state;
    assert_int_equal(mask_create(NULL, NULL, &mask, NULL), TALLY_OK);
    assert_int_equal(draft_create(mask, &draft, NULL), TALLY_OK);
    assert_int_equal(event_reader_create(catalogue_none(), &reader, NULL), TALLY_OK);
    return 0;
}

int
recorder_destroy(void **state)
{
    (void)state;
    draft_destroy(draft);
    mask_destroy(mask);
    event_reader_destroy(reader);
    return 0;
}

void
recorder_forget(void)
{
    recorded = (struct recorded){ .calls = 0 };
    recorder_answer = TALLY_OK;
}

static void
keep(const struct event *event)
{
    const uint64_t apart =
        FIELDS_FIXED | FIELD_BIT(FIELD_RESPONSE_TIME_MS) | FIELD_BIT(FIELD_CORRELATION_ID);
    struct buffer out = { 0 };
    struct bytes duration = event->values[FIELD_RESPONSE_TIME_MS];
    part_write(event->values, event->present & ~apart, &out);
    (void)snprintf(recorded.members, sizeof recorded.members, "%.*s", BYTES_ARG(buffer_view(&out)));
    (void)snprintf(recorded.correlation_id, sizeof recorded.correlation_id, "%.*s",
                   BYTES_ARG(event->values[FIELD_CORRELATION_ID]));
    recorded.response_time_ms = duration.size == 0 ? -1 : strtod((const char *)duration.data, NULL);
    buffer_free(&out);
}

tally_status
tally_client_record(struct tally_client *client, const struct tally_event *given,
                    enum tally_mode mode, struct tally_receipt *receipt_out,
                    struct tally_error *error)
{
    struct event event;
    assert_ptr_equal(client, recorder_client);
    recorded.calls++;
    recorded.mode = mode;
    tally_status status = draft_write(draft, given, tally_context_current(), NULL, error);
    if (status != TALLY_OK)
        return status;
    event_reader_reset(reader);
    assert_int_equal(event_read(reader, draft_line(draft), 0, &event, error), TALLY_OK);
    keep(&event);
    if (receipt_out != NULL)
        (void)snprintf(receipt_out->id, sizeof receipt_out->id, "%.*s", BYTES_ARG(draft_id(draft)));
    return recorder_answer;
}

tally_status
client_count_undrafted(struct tally_client *client, size_t count, tally_status status)
{
    assert_ptr_equal(client, recorder_client);
    recorded.undrafted += count;
    return status;
}
