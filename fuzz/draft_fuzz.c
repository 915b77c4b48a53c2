/*
 * draft_fuzz.c - the laws of drafts, on any bytes as an event's JSON.
 *
 * What a draft accepts the trail's reader accepts, and what it refuses that reader refuses in the
 * same words. The line is one line, and the event in it is the one that was given but for what was
 * added and what was masked: with nothing to mask it is the same; and a second draft of a line masks
 * what stands under masked names again, and nothing else.
 */
#include "draft.h"
#include "event.h"

#include <stdlib.h>

#define NOW INT64_C(1795232270123456789)

static const char *const no_names[] = { NULL };
static const char *const patterns[] = { "sk_[a-z]+", "..@..", NULL };
static struct draft *plain;      /* only card numbers are masked */
static struct draft *masking;    /* names, too */
static struct draft *expressing; /* and expressions */
static struct event_reader *reader;
static struct tally_context *context;

static void
require(bool law)
{
    if (!law)
        abort();
}

static struct draft *
make(const char *const *names, const char *const *expressions)
{
    struct mask *mask;
    struct draft *draft;
    require(mask_create(names, expressions, &mask, NULL) == TALLY_OK);
    require(draft_create(mask, &draft, NULL) == TALLY_OK);
    return draft;
}

static void
start(void)
{
    plain = make(no_names, NULL);
    masking = make(NULL, NULL);
    expressing = make(NULL, patterns);
    require(event_reader_create(catalogue_none(), &reader, NULL) == TALLY_OK);
    require(tally_context_create(TALLY_EVENT(.event_type = "t", .user_id = "u", .method = "sk_x",
                                             .status_code = 200),
                                 NULL, &context, NULL) == TALLY_OK);
}

static void
read_line(const struct draft *draft, struct event *event)
{
    struct bytes line = draft_line(draft);
    for (size_t i = 0; i < line.size; i++)
        require(line.data[i] >= 0x20);
    require(event_read(reader, line, NOW, event, NULL) == TALLY_OK);
    require(bytes_equal(event->values[FIELD_ID], draft_id(draft)));
    require((event->sent & FIELD_BIT(FIELD_TIMESTAMP)) != 0);
}

/* The same values, but for id and time where there were none. */
static void
check_equal(const struct event *given, const struct event *drafted)
{
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        bool stamped = field == FIELD_ID || field == FIELD_TIMESTAMP;
        if (stamped && (given->sent & FIELD_BIT(field)) == 0)
            continue;
        require((given->values[field].data == NULL) == (drafted->values[field].data == NULL));
        require(bytes_equal(given->values[field], drafted->values[field]));
    }
}

static void
check_alone(struct bytes json)
{
    struct event given, drafted;
    struct tally_error wanted, error;
    tally_status status = event_read(reader, json, NOW, &given, &wanted);
    require(draft_write_json(plain, json, NULL, NULL, &error) == status);
    if (status != TALLY_OK) {
        require(strcmp(error.text, wanted.text) == 0);
        require(strcmp(error.pointer, wanted.pointer) == 0);
        require(error.line == wanted.line && error.column == wanted.column);
        return;
    }
    read_line(plain, &drafted);
    if (draft_masked(plain) == 0)
        check_equal(&given, &drafted);
}

/* With a context and a service, which an event may have them from. */
static bool
check_added(struct draft *draft, struct bytes json)
{
    struct event event;
    if (draft_write_json(draft, json, context, "sk_service", NULL) != TALLY_OK)
        return false;
    read_line(draft, &event);
    uint64_t wanted = FIELD_BIT(FIELD_USER_ID) | FIELD_BIT(FIELD_SERVICE) | FIELD_BIT(FIELD_METHOD);
    require((event.sent & wanted) == wanted);
    return true;
}

static void
check_again(void)
{
    struct buffer line = { 0 };
    buffer_bytes(&line, draft_line(masking));
    uint64_t masked = draft_masked(masking);
    require(draft_write_json(masking, buffer_view(&line), context, NULL, NULL) == TALLY_OK);
    require(bytes_equal(buffer_view(&line), draft_line(masking)));
    require(draft_masked(masking) <= masked);
    buffer_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (plain == NULL)
        start();
    check_alone(bytes_of(data, size));
    event_reader_reset(reader);
    if (check_added(masking, bytes_of(data, size)))
        check_again();
    (void)check_added(expressing, bytes_of(data, size));
    event_reader_reset(reader);
    return 0;
}
