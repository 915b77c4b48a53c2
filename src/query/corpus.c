#include "corpus.h"

#include "clock.h"
#include "disk_sim.h"
#include "segment.h"
#include "segment_fixture.h"
#include "segment_half.h"
#include "uuid.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NOON INT64_C(1773576000000000000) /* 2026-03-15T12:00:00Z */

static const uint8_t tag[16] = "a trail's tag...";

uint64_t
corpus_random(uint64_t *state, uint64_t below)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static void
must(bool done, const char *what)
{
    if (!done) {
        (void)fprintf(stderr, "fixture: %s\n", what);
        abort();
    }
}

static struct bytes
keep(struct corpus *corpus, const char *text, size_t size)
{
    struct bytes copy = arena_copy(&corpus->arena, bytes_of(text, size));
    must(copy.data != NULL, "memory");
    return copy;
}

__attribute__((format(printf, 2, 3))) static struct bytes
keep_text(struct corpus *corpus, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    must(size >= 0 && (size_t)size < sizeof text, "text");
    return keep(corpus, text, (size_t)size);
}

static struct bytes
keep_instant(struct corpus *corpus, int64_t instant, unsigned digits)
{
    char text[INSTANT_TEXT_MAX];
    return keep(corpus, text, instant_format(instant, digits, text));
}

#define PICK(state, list) (list)[corpus_random(state, sizeof(list) / sizeof *(list))]

/* One of a list of literals; NULL is absent. */
static struct bytes
literal(const char *text)
{
    return text == NULL ? (struct bytes){ NULL, 0 } : bytes_text(text);
}

static const char *const actions[] = { "user.login",     "user.logout", "report.create",
                                       "report.approve", "User.Login",  NULL };
static const char *const users[] = { "u1", "u2", "u3", "Zoë", "", "a*b", NULL };
static const char *const statuses[] = { "success", "success", "failure", "error", NULL };
static const char *const severities[] = { "low", "medium", "high", "critical", NULL };
static const char *const addresses[] = { "10.0.0.1",    "10.1.2.3",        "192.168.0.9",
                                         "2001:db8::1", "::ffff:10.0.0.1", "gateway",
                                         NULL };
static const char *const durations[] = {
    "0", "1.5", "1.50", "12", "99.99", "1000", "0.000000000000000000001", "123456789012345678901",
    NULL
};
static const char *const messages[] = {
    "Login refused", "login OK", "Report \"Q1\" approved", "ÜBERWEISUNG nach Köln", NULL, NULL
};
static const char *const details[] = {
    "{\"n\":1,\"tags\":[\"red\",\"blue\"]}",
    "{\"n\":1.0,\"s\":\"1\",\"user_email\":\"1\"}",
    "{\"n\":-5,\"at\":\"2026-03-15T12:00:00Z\"}",
    "{\"n\":\"1\",\"deep\":{\"x\":[{\"y\":\"Q1\"}]}}",
    "{\"s\":\"say \\\"hi\\\"\",\"n\":1e3}",
    NULL,
    NULL,
};
static const char *const changes[] = { "{\"role\":{\"after\":\"admin\",\"before\":\"user\"}}",
                                       "{\"n\":{\"after\":2,\"before\":1}}", NULL, NULL, NULL };

/* A time near `received`: mostly a little before, sometimes late by days, sometimes of the future,
 * often equal to others. */
static struct bytes
random_timestamp(struct corpus *corpus, uint64_t *state, int64_t received, int64_t *time_out)
{
    int64_t instant = received - (int64_t)corpus_random(state, 3) * CLOCK_SECOND;
    switch (corpus_random(state, 40)) {
    case 0:
        instant = received - (int64_t)corpus_random(state, 5) * CLOCK_DAY;
        break;
    case 1:
        instant = received + (int64_t)corpus_random(state, 400) * CLOCK_DAY;
        break;
    case 2:
        instant = NOON;
        break;
    default:
        break;
    }
    if (corpus->on_time && instant > received)
        instant = received;
    if (corpus_random(state, 50) == 0) {
        /* More digits than a key has: an exception of the column. */
        *time_out = NOON;
        return keep_text(corpus, "2026-03-15T12:00:00.0000000000%uZ",
                         (unsigned)corpus_random(state, 2));
    }
    unsigned digits = (unsigned)corpus_random(state, 2) * 3;
    instant -= instant % (digits == 0 ? CLOCK_SECOND : CLOCK_SECOND / 1000);
    *time_out = instant;
    return keep_instant(corpus, instant, digits);
}

static void
random_ids(struct corpus *corpus, uint64_t *state, uint64_t index, struct bytes *values)
{
    uint8_t id[16];
    char text[UUID_TEXT_SIZE];
    for (unsigned i = 0; i < 16; i++)
        id[i] = (uint8_t)corpus_random(state, 256);
    uuid_format(id, text);
    values[FIELD_ID] = keep(corpus, text, sizeof text);
    switch (corpus_random(state, 4)) {
    case 0:
        values[FIELD_REQUEST_ID] =
            keep_text(corpus, "00000000-0000-4000-8000-%012" PRIu64, corpus_random(state, 9));
        break;
    case 1:
        values[FIELD_REQUEST_ID] = keep_text(corpus, "%032" PRIu64, corpus_random(state, 9));
        break;
    case 2:
        values[FIELD_REQUEST_ID] = keep_text(corpus, "req-%" PRIu64, corpus_random(state, 9));
        break;
    default:
        break;
    }
    values[FIELD_ENDPOINT] = keep_text(corpus, "/api/items/%" PRIu64, index % 6000);
    values[FIELD_RESOURCE_TYPE] = literal(index % 3 == 0 ? "report" : "user");
    values[FIELD_RESOURCE_ID] = keep_text(corpus, "r%" PRIu64, corpus_random(state, 50));
}

static void
random_entry(struct corpus *corpus, uint64_t *state, uint64_t index, struct corpus_entry *entry)
{
    struct bytes *values = entry->values;
    int64_t received = NOON + (int64_t)(index / 3) * CLOCK_SECOND / 8, timestamp;

    random_ids(corpus, state, index, values);
    values[FIELD_TIMESTAMP] = random_timestamp(corpus, state, received, &timestamp);
    values[FIELD_RECEIVED] = keep_instant(corpus, received, 6);
    values[FIELD_V] = literal("1");
    values[FIELD_WRITER] = literal("local:1");
    entry->time = timestamp < received ? timestamp : received;
    if (corpus_random(state, 100) == 0) {
        values[FIELD_CONTROL] =
            literal(corpus_random(state, 2) == 0 ? "{\"type\":\"gap\"}" : "{\"type\":\"erased\"}");
        return;
    }
    values[FIELD_ACTION] = literal(PICK(state, actions));
    values[FIELD_USER_ID] = literal(PICK(state, users));
    values[FIELD_STATUS] = literal(PICK(state, statuses));
    values[FIELD_SEVERITY] = literal(PICK(state, severities));
    values[FIELD_IP_ADDRESS] = literal(PICK(state, addresses));
    values[FIELD_RESPONSE_TIME_MS] = literal(PICK(state, durations));
    values[FIELD_MESSAGE] = literal(PICK(state, messages));
    values[FIELD_DETAILS] = literal(PICK(state, details));
    if (index % 3 == 0) { /* what stands in a page or two only */
        values[FIELD_SESSION_ID] = keep_text(corpus, "session-%" PRIu64, index / 300);
        values[FIELD_DETAILS] =
            keep_text(corpus, "{\"n\":%" PRIu64 ".50,\"of\":[{\"rare\":\"k\\u002d%" PRIu64 "\"}]}",
                      index / 500, index / 200);
    }
    values[FIELD_CHANGES] = literal(PICK(state, changes));
    if (index / 512 % 2 == 0) /* whole blocks and pages without it */
        values[FIELD_STATUS_CODE] =
            keep_text(corpus, "%u", 200 + (unsigned)corpus_random(state, 304));
    if (index / 5000 % 2 == 0)
        values[FIELD_SERVICE] = literal("api");
}

static struct head *
fill_head(struct corpus *corpus, uint64_t first, uint32_t count)
{
    struct head *head;
    must(head_create(first, FIELDS_PRIVATE_DEFAULT, &head, NULL) == TALLY_OK, "head");
    for (uint64_t i = first; i < first + count; i++) {
        uint8_t salt[16] = { (uint8_t)i };
        struct head_entry given = { .values = corpus->entries[i].values, .salt = salt };
        must(head_append(head, &given, 1, NULL) == TALLY_OK, "append");
    }
    head_publish(head);
    return head;
}

static void
add_run(struct corpus *corpus, uint64_t first, uint32_t count, bool sealed)
{
    struct head *head = fill_head(corpus, first, count);
    struct run *run = &corpus->runs[corpus->run_count];
    struct tally_error error;

    *run = (struct run){ .first = first, .count = count, .head = head };
    head_time_range(head, &run->time_min, &run->time_max);
    if (sealed) {
        const struct trail_place place = { corpus->disk, "t", tag };
        struct segment_info info;
        must(segment_write_head(&place, head, &info, &error) == TALLY_OK, "segment");
        head_release(head);
        run->head = NULL;
        must(segment_open(&place, &info, &run->segment, &error) == TALLY_OK, "segment");
    }
    corpus->run_count++;
}

static struct corpus *
create(uint64_t seed, const uint32_t *sizes, bool on_time)
{
    struct corpus *corpus = calloc(1, sizeof *corpus);
    must(corpus != NULL, "memory");
    corpus->on_time = on_time;
    size_t runs = 0;
    while (sizes[runs] > 0)
        corpus->count += sizes[runs++];
    corpus->entries = calloc(corpus->count, sizeof *corpus->entries);
    corpus->scratch = malloc(sizeof *corpus->scratch);
    corpus->disk = disk_sim_create();
    must(corpus->entries != NULL && corpus->scratch != NULL, "memory");
    must(disk_make_folder(corpus->disk, "t", NULL) == TALLY_OK &&
             disk_make_folder(corpus->disk, "t/segments", NULL) == TALLY_OK,
         "folders");

    for (uint64_t i = 0; i < corpus->count; i++)
        random_entry(corpus, &seed, i, &corpus->entries[i]);
    uint64_t first = 0;
    for (size_t i = 0; i < runs; i++) {
        add_run(corpus, first, sizes[i], i + 2 < runs);
        first += sizes[i];
    }
    return corpus;
}

struct corpus *
corpus_create(uint64_t seed, const uint32_t *sizes)
{
    return create(seed, sizes, false);
}

struct corpus *
corpus_create_on_time(uint64_t seed, const uint32_t *sizes)
{
    return create(seed, sizes, true);
}

static void
lose_index(struct corpus *corpus, const struct run *run)
{
    char name[SEGMENT_NAME_MAX];
    struct segment_identity identity =
        segment_identify(segment_get_info(run->segment), SEGMENT_FILE_INDEX);
    segment_file_name("t", &identity, name);
    must(disk_unlink(corpus->disk, name, NULL) == TALLY_OK, "index");
}

static void
erase_some(struct corpus *corpus, struct run *run)
{
    const struct trail_place place = { corpus->disk, "t", tag };
    const struct segment_info info = *segment_get_info(run->segment);
    struct segment_info erased;
    size_t count = 0;
    uint32_t *rows = calloc(info.count, sizeof *rows);
    must(rows != NULL, "memory");
    for (uint32_t row = 0; row < info.count; row += 1 + row % 5) {
        struct bytes *values = corpus->entries[info.first + row].values;
        if (values[FIELD_CONTROL].data != NULL)
            continue;
        rows[count++] = row;
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            if ((FIELDS_PRIVATE_DEFAULT & FIELD_BIT(field)) != 0)
                values[field] = (struct bytes){ NULL, 0 };
    }
    must(segment_erase(&place, &info, rows, count, &erased, NULL) == TALLY_OK, "erasure");
    segment_release(run->segment);
    must(segment_open(&place, &erased, &run->segment, NULL) == TALLY_OK, "segment");
    free(rows);
}

static void
drop_readers(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->run_count; i++) {
        run_reader_destroy(corpus->readers[i]);
        corpus->readers[i] = NULL;
    }
}

void
corpus_change(struct corpus *corpus, enum corpus_change change)
{
    drop_readers(corpus);
    for (size_t i = 0; i < corpus->run_count; i++) {
        struct run *run = &corpus->runs[i];
        if (run->segment != NULL && change == CORPUS_LOSE_INDEXES)
            lose_index(corpus, run);
        if (run->segment != NULL && change == CORPUS_ERASE)
            erase_some(corpus, run);
    }
}

void
corpus_destroy(struct corpus *corpus)
{
    drop_readers(corpus);
    for (size_t i = 0; i < corpus->run_count; i++) {
        head_release(corpus->runs[i].head);
        segment_release(corpus->runs[i].segment);
    }
    disk_close_folder(corpus->disk);
    arena_finish(&corpus->arena);
    free(corpus->scratch);
    free(corpus->entries);
    free(corpus);
}

/*
 * The corpus as a source.
 */

static const struct run *
run_at(void *context, size_t i)
{
    return &((struct corpus *)context)->runs[i];
}

static tally_status
reader_at(void *context, size_t i, struct run_reader **reader_out, struct tally_error *error)
{
    struct corpus *corpus = context;
    /* One reader at a time, as a snapshot keeps few: what was lent by another goes. */
    for (size_t j = 0; j < corpus->run_count; j++) {
        if (j != i) {
            run_reader_destroy(corpus->readers[j]);
            corpus->readers[j] = NULL;
        }
    }
    if (corpus->readers[i] == NULL) {
        tally_status status = run_reader_create(&corpus->runs[i], &corpus->readers[i], error);
        if (status != TALLY_OK)
            return status;
    }
    *reader_out = corpus->readers[i];
    return TALLY_OK;
}

struct scan_source
corpus_source(struct corpus *corpus, uint64_t size)
{
    size_t count = 0;
    drop_readers(corpus);
    for (; count < corpus->run_count && corpus->runs[count].first < size; count++) {
        struct run *run = &corpus->runs[count];
        uint64_t end =
            count + 1 < corpus->run_count ? corpus->runs[count + 1].first : corpus->count;
        run->count = (uint32_t)((end < size ? end : size) - run->first);
    }
    return (struct scan_source){ corpus, count, run_at, reader_at, NULL, 0, NULL, NULL };
}

int64_t
corpus_now(void)
{
    return NOON;
}
