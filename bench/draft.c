/*
 * draft.c - what it costs to make an event ready to leave (src/client/draft.h).
 *
 *     draft [ROUNDS]
 *
 * Prints nanoseconds of processor time an event as rows of CSV, the least of so many rounds over
 * 200 events of 620 bytes (src/cli/generate.h): given as JSON, given as structs, and as structs
 * whose id and time are made and whose user, address and request are taken from a context, as they
 * are in a program that serves requests.
 */
#include "draft.h"
#include "event.h"
#include "generate.h"
#include "members.h"
#include "quit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EVENTS         200
#define ROUNDS         200
#define NANOSECONDS    1000000000.0
#define MEMBERS_SHARED 5

struct sample {
    struct bytes json;
    struct tally_event event;
    struct tally_event shorter; /* without what the context gives */
    double duration;
};

static struct sample samples[EVENTS];
static struct mask *mask;
static struct draft *draft;
static struct tally_context *context;

static double
processor_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * NANOSECONDS + (double)now.tv_nsec;
}

static const char *
copy_text(struct bytes bytes)
{
    char *text = malloc(bytes.size + 1);
    if (text == NULL)
        quit("out of memory");
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

static void
make_struct(const struct event *event, struct sample *sample)
{
    static const enum field_id shared[MEMBERS_SHARED] = { FIELD_ID, FIELD_TIMESTAMP, FIELD_USER_ID,
                                                          FIELD_IP_ADDRESS, FIELD_REQUEST_ID };
    sample->event = (struct tally_event)TALLY_EVENT_INIT;
    for (unsigned i = 0; i < MEMBERS_TEXTS; i++) {
        struct bytes value = event->values[members_field(i)];
        if (value.data != NULL)
            members_set_text(&sample->event, i, copy_text(value));
    }
    struct bytes code = event->values[FIELD_STATUS_CODE];
    struct bytes duration = event->values[FIELD_RESPONSE_TIME_MS];
    if (code.data != NULL)
        sample->event.status_code = (int)strtol((const char *)code.data, NULL, 10);
    if (duration.data != NULL) {
        sample->duration = strtod((const char *)duration.data, NULL);
        sample->event.response_time_ms = &sample->duration;
    }
    sample->shorter = sample->event;
    for (unsigned i = 0; i < MEMBERS_TEXTS; i++) {
        for (unsigned s = 0; s < MEMBERS_SHARED; s++) {
            if (members_field(i) == shared[s])
                members_set_text(&sample->shorter, i, NULL);
        }
    }
}

static void
make_samples(void)
{
    struct generator generator;
    struct event_reader *reader;
    struct event event;
    if (generator_init(&generator, 1, NULL) != TALLY_OK ||
        event_reader_create(catalogue_none(), &reader, NULL) != TALLY_OK)
        quit("out of memory");
    for (unsigned i = 0; i < EVENTS; i++) {
        struct buffer json = { 0 };
        generator_event(&generator, &json);
        buffer_byte(&json, '\0');
        if (buffer_failed(&json))
            quit("out of memory");
        samples[i].json = bytes_of(json.data, json.size - 1);
        if (event_read(reader, samples[i].json, 0, &event, NULL) != TALLY_OK)
            quit("a generated event is none");
        make_struct(&event, &samples[i]);
    }
    generator_finish(&generator);
    event_reader_destroy(reader);
}

static void
write_json(const struct sample *sample)
{
    if (draft_write_json(draft, sample->json, NULL, "shop", NULL) != TALLY_OK)
        quit("an event is refused");
}

static void
write_struct(const struct sample *sample)
{
    if (draft_write(draft, &sample->event, NULL, "shop", NULL) != TALLY_OK)
        quit("an event is refused");
}

static void
write_shorter(const struct sample *sample)
{
    if (draft_write(draft, &sample->shorter, context, "shop", NULL) != TALLY_OK)
        quit("an event is refused");
}

static void
measure(const char *name, unsigned rounds, void (*write)(const struct sample *sample))
{
    double least = 0;
    for (unsigned round = 0; round < rounds; round++) {
        double start = processor_time();
        for (unsigned i = 0; i < EVENTS; i++)
            write(&samples[i]);
        double spent = processor_time() - start;
        if (round == 0 || spent < least)
            least = spent;
    }
    (void)printf("\"%s\",%.0f,ns\n", name, least / EVENTS);
}

int
main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS;
    struct tally_error error;
    make_samples();
    if (mask_create(NULL, NULL, &mask, &error) != TALLY_OK ||
        draft_create(mask, &draft, &error) != TALLY_OK ||
        tally_context_create(TALLY_EVENT(.user_id = "user-000002", .ip_address = "10.2.0.2",
                                         .request_id = "b9b501d1-d854-4b71-8002-1590ff0b4dc3"),
                             NULL, &context, &error) != TALLY_OK)
        quit("%s", error.text);
    measure("draft from JSON", rounds, write_json);
    measure("draft from a struct", rounds, write_struct);
    measure("draft from a struct and a context", rounds, write_shorter);
    tally_context_release(context);
    draft_destroy(draft);
    mask_destroy(mask);
    return 0;
}
