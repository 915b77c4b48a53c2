/*
 * overload_test.c - more than the server can take, for TALLY_OVERLOAD_SECONDS (10), and what is left
 * of it.
 *
 * Many connections record batches, large ones and single events as fast as they can; some are slow,
 * some break off, some search. Meanwhile the server's resident memory is looked at each second and
 * must stay below its limit. At the end, after SIGTERM or SIGKILL under full load, every acknowledged
 * event is in the trail once; one that was not acknowledged is there with its whole batch or not at
 * all; and the trail is intact.
 *
 * An event's id says whose it is: WRITER-BATCH-PLACE. TALLY_KILL_SEED changes the moments of
 * SIGKILL; `make soak` runs it for minutes.
 */
#include "must.h"
#include "served.h"

#include "snapshot.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

#define BATCHES_MAX ((size_t)1 << 20) /* of one writer */

enum kind {
    SINGLES,
    BATCHES, /* of 1,000 */
    LARGE,   /* of 15,000: about 4 MiB */
    SLOW,    /* a batch in drops */
    BREAKS,  /* breaks off somewhere in a batch, or before the answer */
    SEARCHES,
};

/* How many of each. */
static const unsigned crowd[] = {
    [SINGLES] = 24, [BATCHES] = 8, [LARGE] = 3, [SLOW] = 3, [BREAKS] = 6, [SEARCHES] = 2,
};

#define WRITERS_MAX 64

struct batch_note {
    uint32_t count;
    uint32_t found;
    bool acknowledged;
};

struct writer {
    pthread_t thread;
    unsigned number;
    enum kind kind;
    unsigned seed;
    struct batch_note *batches;
    size_t batch_count;
    uint64_t acknowledged, refused; /* events; requests */
    unsigned wrong;                 /* the status that may not be */
};

static struct served served;
static struct writer writers[WRITERS_MAX];
static unsigned writer_count;
static atomic_bool stop;
static atomic_bool begun; /* something was acknowledged */

static void
sleep_ms(long ms)
{
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&pause, NULL);
}

/* ---- the crowd ---- */

/* NULL where the server is gone. */
static struct http *
connect_or_leave(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(served.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return http_attach(fd);
    if (fd >= 0)
        (void)close(fd);
    return NULL;
}

static uint32_t
size_of_batch(enum kind kind)
{
    return kind == SINGLES ? 1 : kind == LARGE ? 15000 : 1000;
}

/* The next batch's request into `text`; where it is noted. */
static struct batch_note *
write_batch(struct writer *writer, struct buffer *body, struct buffer *text)
{
    assert_true(writer->batch_count < BATCHES_MAX);
    struct batch_note *note = &writer->batches[writer->batch_count];
    *note = (struct batch_note){ .count = size_of_batch(writer->kind) };
    buffer_clear(body);
    for (uint32_t i = 0; i < note->count; i++)
        buffer_format(body,
                      "{\"id\":\"%u-%zu-%u\",\"action\":\"record.update\",\"user_id\":\"user-%u\","
                      "\"resource_type\":\"invoice\",\"resource_id\":\"%08x\",\"message\":\"the "
                      "amount of line %u was changed from %u to %u after a review\"}\n",
                      writer->number, writer->batch_count, i, i % 500, i * 2654435761u, i % 17, i,
                      i + 1);
    buffer_clear(text);
    buffer_format(text,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
                  served.key, body->size);
    buffer_bytes(text, buffer_view(body));
    writer->batch_count++;
    return note;
}

/* Takes the answer; whether the connection goes on. */
static bool
take_answer(struct writer *writer, struct http *http, struct batch_note *note)
{
    struct http_answer answer;
    enum http_result result = http_read(http, HTTP_BODY, 2 * PATIENCE_MS, &answer);
    if (result == HTTP_CLOSED || result == HTTP_CUT)
        return false;
    if (result != HTTP_OK) {
        writer->wrong = 1;
        return false;
    }
    if (note == NULL ? answer.status == 200 : answer.status == 201) {
        if (note != NULL) {
            note->acknowledged = true;
            atomic_store(&begun, true);
            writer->acknowledged += note->count;
        }
    } else if (answer.status == 429 || answer.status == 503) {
        writer->refused++;
        if (http_header(&answer, "Retry-After").data == NULL)
            writer->wrong = answer.status;
    } else {
        writer->wrong = answer.status;
    }
    return !answer.closing;
}

static bool
ask_once(struct writer *writer, struct http *http, struct buffer *body, struct buffer *text)
{
    if (writer->kind == SEARCHES) {
        buffer_clear(text);
        buffer_format(text,
                      "GET /api/events?user_id=user-%d&q=message:*review*&limit=1000 HTTP/1.1\r\n"
                      "Host: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                      rand_r(&writer->seed) % 500, served.key);
        (void)http_send(http, buffer_view(text));
        return take_answer(writer, http, NULL);
    }
    struct batch_note *note = write_batch(writer, body, text);
    if (writer->kind == BREAKS) {
        size_t size = (size_t)rand_r(&writer->seed) % (text->size + text->size / 4);
        (void)http_send(http, bytes_of(text->data, size < text->size ? size : text->size));
        sleep_ms(rand_r(&writer->seed) % 20);
        return false;
    }
    if (writer->kind == SLOW)
        (void)http_send_slowly(http, buffer_view(text), text->size / 20, 50);
    else
        (void)http_send(http, buffer_view(text));
    return take_answer(writer, http, note);
}

static void *
write_on(void *context)
{
    struct writer *writer = context;
    struct buffer body = { 0 }, text = { 0 };
    struct http *http = NULL;
    while (!atomic_load(&stop)) {
        if (http == NULL)
            http = connect_or_leave();
        if (http == NULL)
            break;
        if (!ask_once(writer, http, &body, &text)) {
            http_close(http);
            http = NULL;
        }
    }
    http_close(http);
    buffer_free(&body);
    buffer_free(&text);
    return NULL;
}

/* ---- the load ---- */

static void
make_crowd(void)
{
    writer_count = 0;
    for (unsigned kind = 0; kind < sizeof crowd / sizeof crowd[0]; kind++)
        for (unsigned i = 0; i < crowd[kind]; i++) {
            struct writer *writer = &writers[writer_count];
            *writer = (struct writer){ .number = writer_count, .kind = kind, .seed = writer_count };
            writer->batches = calloc(BATCHES_MAX, sizeof *writer->batches);
            assert_non_null(writer->batches);
            writer_count++;
        }
}

static void
free_crowd(void)
{
    for (unsigned i = 0; i < writer_count; i++)
        free(writers[i].batches);
}

static void
start_crowd(void)
{
    atomic_store(&stop, false);
    atomic_store(&begun, false);
    for (unsigned i = 0; i < writer_count; i++)
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
}

/* A slow machine has nothing to lose before. */
static void
await_first(void)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (!atomic_load(&begun) && now_ms() < deadline)
        sleep_ms(10);
}

static void
join_crowd(void)
{
    atomic_store(&stop, true);
    uint64_t acknowledged = 0, refused = 0;
    for (unsigned i = 0; i < writer_count; i++) {
        (void)pthread_join(writers[i].thread, NULL);
        if (writers[i].wrong != 0)
            fail_msg("writer %u of kind %d met %u", i, (int)writers[i].kind, writers[i].wrong);
        acknowledged += writers[i].acknowledged;
        refused += writers[i].refused;
    }
    print_message("# %llu events were acknowledged, %llu requests refused\n",
                  (unsigned long long)acknowledged, (unsigned long long)refused);
    assert_true(acknowledged > 0);
}

/* ---- what is left ---- */

/* Finds the batch that an id belongs to. */
static void
note_found(struct bytes id)
{
    char text[64];
    unsigned number, place;
    size_t batch;
    (void)snprintf(text, sizeof text, "%.*s", BYTES_ARG(id));
    if (sscanf(text, "%u-%zu-%u", &number, &batch, &place) != 3)
        return; /* made by the server */
    assert_true(number < writer_count && batch < writers[number].batch_count);
    assert_true(place < writers[number].batches[batch].count);
    writers[number].batches[batch].found++;
}

static void
find_all(struct snapshot *snapshot)
{
    struct tally_error error;
    for (size_t i = 0; i < snapshot_run_count(snapshot); i++) {
        struct run_reader *reader;
        assert_int_equal(snapshot_reader(snapshot, i, &reader, &error), TALLY_OK);
        for (uint32_t row = 0; row < snapshot_run(snapshot, i)->count; row++) {
            struct bytes id;
            assert_int_equal(run_value(reader, FIELD_ID, row, &id, &error), TALLY_OK);
            if (id.data != NULL)
                note_found(id);
        }
    }
}

static void
read_trail(void)
{
    struct folder *folder;
    struct trail *trail;
    struct snapshot *snapshot;
    struct tally_error error;
    struct folder_options options = { .command = "test" };
    assert_int_equal(folder_open(served.folder, &options, &folder, &error), TALLY_OK);
    assert_int_equal(trail_open(folder, "main", TRAIL_WRITE, &trail, NULL, &error), TALLY_OK);
    assert_int_equal(snapshot_open(trail, &snapshot, &error), TALLY_OK);
    for (unsigned i = 0; i < writer_count; i++)
        for (size_t batch = 0; batch < writers[i].batch_count; batch++)
            writers[i].batches[batch].found = 0;
    find_all(snapshot);
    snapshot_close(snapshot);
    assert_int_equal(trail_close(trail, &error), TALLY_OK);
    folder_close(folder);
}

static void
check_nothing_is_lost(void)
{
    struct buffer out = { 0 };
    int verdict = child_run((const char *const[]){ "verify", served.folder, NULL }, &out);
    if (verdict != 0)
        fail_msg("verify: %d: %.*s", verdict, BYTES_ARG(buffer_view(&out)));
    buffer_free(&out);
    read_trail();
    for (unsigned i = 0; i < writer_count; i++)
        for (size_t batch = 0; batch < writers[i].batch_count; batch++) {
            const struct batch_note *note = &writers[i].batches[batch];
            if (note->found != note->count && (note->acknowledged || note->found != 0))
                fail_msg("of batch %zu of writer %u, %s, %u of %u events are there", batch, i,
                         note->acknowledged ? "acknowledged" : "not acknowledged", note->found,
                         note->count);
        }
}

static unsigned
seconds_wanted(void)
{
    const char *text = getenv("TALLY_OVERLOAD_SECONDS");
    return text == NULL ? 10 : (unsigned)strtoul(text, NULL, 10);
}

static void
overload(const char *const *settings, size_t memory_max)
{
    size_t most = 0;
    served_begin(&served, settings);
    make_crowd();
    start_crowd();
    for (unsigned second = 0; second < seconds_wanted(); second++) {
        sleep_ms(1000);
        size_t now = served_memory(&served);
        most = now > most ? now : most;
    }
    await_first();
    served_stop(&served);
    join_crowd();
    print_message("# %zu of %zu MiB at most\n", most / MIB, memory_max / MIB);
    if (getenv("TALLY_SANITIZED") == NULL)
        assert_true(most < memory_max);
    check_nothing_is_lost();
    free_crowd();
    served_end(&served);
}

/* A sanitizer takes memory for itself. */
static const char *
memory_setting(const char *setting)
{
    return getenv("TALLY_SANITIZED") == NULL ? setting : "TALLY_SERVER_MEMORY_MIB=16384";
}

static void
with_little_memory(void **state)
{
    (void)state;
    overload((const char *const[]){ memory_setting("TALLY_SERVER_MEMORY_MIB=256"),
                                    "TALLY_SERVER_BODIES_MIB=48",
                                    "TALLY_STORAGE_HEAD_MEMORY_MIB=24",
                                    "TALLY_STORAGE_HEADS_MEMORY_MIB=96", NULL },
             256 * MIB);
}

static void
as_it_is_set_by_default(void **state)
{
    (void)state;
    overload((const char *const[]){ memory_setting("TALLY_SERVER_MEMORY_MIB=512"), NULL },
             512 * MIB);
}

/* Half a second to two and a half. */
static long
moment_to_kill(unsigned round)
{
    const char *seed = getenv("TALLY_KILL_SEED");
    unsigned drawn = (seed == NULL ? 1 : (unsigned)strtoul(seed, NULL, 10)) * 2654435761u;
    return 500 + (drawn / 64 + round * 661) % 2000;
}

static void
killed_in_the_middle(void **state)
{
    (void)state;
    const char *const settings[] = { memory_setting("TALLY_SERVER_MEMORY_MIB=512"), NULL };
    served_begin(&served, settings);
    make_crowd();
    for (unsigned round = 0; round < 3; round++) {
        start_crowd();
        sleep_ms(moment_to_kill(round));
        await_first();
        assert_int_equal(child_stop(served.child, SIGKILL, 60000), -SIGKILL);
        served.child = NULL;
        join_crowd();
        check_nothing_is_lost();
        served_start(&served, settings);
    }
    free_crowd();
    served_end(&served);
}

/* What `tally verify` remembers of a trail is of no use behind this test. */
static char *memories;

static int
begin(void **state)
{
    (void)state;
    memories = child_folder();
    return setenv("XDG_STATE_HOME", memories, 1);
}

static int
end(void **state)
{
    (void)state;
    child_remove(memories);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_little_memory),
        cmocka_unit_test(as_it_is_set_by_default),
        cmocka_unit_test(killed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
