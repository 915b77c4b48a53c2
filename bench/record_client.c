/*
 * record_client.c - what recording an event costs the program that does it: tally_client_record() in
 * spool mode, with an event of about 620 bytes.
 *
 *     record_client [WHERE] [THREADS] [EVENTS]
 *
 * Prints the median and the 99th percentile of single calls, in nanoseconds, the mean and how much of
 * it was spent on a processor, and how many events a second all threads recorded together; then the
 * mean where recording is disabled. WHERE is a server or a data folder; without one
 * nobody listens, and the spool only fills. The spool is made below the current folder and removed.
 */
#include "clock.h"
#include "tally/client.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define NOBODY      "http://127.0.0.1:1"

static struct tally_client *client;
static size_t events_each;

struct recorder {
    pthread_t thread;
    uint32_t *took; /* nanoseconds of each call */
    int64_t whole;
    int64_t worked; /* of that on a processor */
};

static void
record_one(size_t i)
{
    static const char details[] =
        "{\"cart\":\"9f1c2a34-77aa-4b0e-9a51-1f2e3d4c5b6a\",\"items\":[{\"sku\":\"A-1001\","
        "\"count\":2},"
        "{\"sku\":\"B-2002\",\"count\":1}],\"total\":149.90,\"currency\":\"EUR\",\"coupon\":null}";
    char user[32];
    const double took = 12.5;
    (void)snprintf(user, sizeof user, "user-%zu", i % 10000);
    if (tally_client_record(
            client,
            TALLY_EVENT(.action = "order.checkout", .severity = "medium", .resource_type = "order",
                        .resource_id = "c0a80101-5b6a-4c3d-8e7f-123456789abc",
                        .endpoint = "/api/shop/checkout", .method = "POST", .user_id = user,
                        .ip_address = "203.0.113.77",
                        .user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0",
                        .status_code = 201, .response_time_ms = &took,
                        .request_id = "0af7651916cd43dd8448eb211c80319c", .details = details),
            TALLY_MODE_DEFAULT, NULL, NULL) != TALLY_OK)
        abort();
}

static int64_t
processor_time(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * CLOCK_SECOND + time.tv_nsec;
}

static void *
record(void *context)
{
    struct recorder *recorder = context;
    int64_t worked = processor_time();
    int64_t began = clock_monotonic(), before = began;
    for (size_t i = 0; i < events_each; i++) {
        record_one(i);
        int64_t now = clock_monotonic();
        recorder->took[i] = (uint32_t)(now - before);
        before = now;
    }
    recorder->whole = clock_monotonic() - began;
    recorder->worked = processor_time() - worked;
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void
open_client(const char *where, const char *spools, bool disabled)
{
    const struct tally_client_options options = {
        .size = sizeof options,
        .spool_folder = spools,
        .spool_size_max = UINT64_C(8) << 30,
        .disabled = disabled,
    };
    struct tally_error error;
    if (tally_client_open(where, &options, &client, &error) == TALLY_OK)
        return;
    (void)fprintf(stderr, "record_client: %s\n", error.text);
    exit(1);
}

static void
measure(unsigned threads)
{
    struct recorder recorders[THREADS_MAX];
    uint32_t *all = malloc(threads * events_each * sizeof *all);
    if (all == NULL)
        abort();
    int64_t began = clock_monotonic();
    for (unsigned i = 0; i < threads; i++) {
        recorders[i] = (struct recorder){ .took = all + i * events_each };
        if (pthread_create(&recorders[i].thread, NULL, record, &recorders[i]) != 0)
            abort();
    }
    int64_t whole = 0, worked = 0;
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(recorders[i].thread, NULL);
        whole += recorders[i].whole;
        worked += recorders[i].worked;
    }
    double took = (double)(clock_monotonic() - began) / (double)CLOCK_SECOND;
    size_t count = threads * events_each;
    qsort(all, count, sizeof *all, compare);
    (void)printf(
        "%u threads: median %" PRIu32 " ns, 99th percentile %" PRIu32 " ns, mean %.0f ns a call, "
        "%.0f of them on a processor; %.0f events/s\n",
        threads, all[count / 2], all[count - 1 - count / 100], (double)whole / (double)count,
        (double)worked / (double)count, (double)count / took);
    free(all);
}

int
main(int argc, char **argv)
{
    const char *where = argc > 1 ? argv[1] : NOBODY;
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    events_each = argc > 3 ? strtoul(argv[3], NULL, 10) : 200000;
    char spools[] = "record-client-XXXXXX", command[64];
    if (threads == 0 || threads > THREADS_MAX || events_each == 0 || mkdtemp(spools) == NULL)
        return 2;
    open_client(where, spools, false);
    measure(threads);
    tally_client_close(client, strcmp(where, NOBODY) == 0 ? 0 : 600000);

    open_client(where, spools, true);
    int64_t began = clock_monotonic();
    for (size_t i = 0; i < events_each; i++)
        if (tally_client_record(client, TALLY_EVENT(.action = "order.checkout", .user_id = "u1"),
                                TALLY_MODE_DEFAULT, NULL, NULL) != TALLY_OK)
            return 1;
    (void)printf("disabled: %.1f ns a call\n",
                 (double)(clock_monotonic() - began) / (double)events_each);
    tally_client_close(client, 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", spools);
    return system(command) == 0 ? 0 : 1;
}
