/*
 * load - drive a server over HTTP and measure it, at next to no cost of its own.
 *
 *     tally bench --emit N | load --batch 1000 --connections 4 http://127.0.0.1:7878
 *     tally bench --emit N | load --batch 50 --every 100 --gzip --connections 16 http://127.0.0.1:7878
 *     printf '%s\n' '/api/events?user=u1' | load --get --count 1000 http://127.0.0.1:7878
 *
 * The key is taken from TALLY_KEY; it must be one that may read, too. All requests are made before
 * the first is sent. After recording, the trail's signed checkpoint must have grown by exactly what
 * was acknowledged. Prints rows of CSV: measure, value, unit.
 */
#include "clock.h"
#include "drive.h"
#include "process.h"
#include "quit.h"
#include "reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define CONNECTIONS_MAX 4096
#define SIGNED_WITHIN   (2 * CLOCK_SECOND) /* a checkpoint follows a commit by 100 ms */
#define QUIET_MS        300

struct load {
    struct drive_options drive;
    struct endpoint endpoint;
    uint32_t batch;
    enum {
        RECORD,
        READ,
    } kind;
    pid_t server; /* 0: not said */
    const char *label;
};

static const char usage[] =
    "usage: load [--batch N] [--connections N] [--count REQUESTS] [--seconds N] [--get]\n"
    "            [--every MS] [--gzip] [--path TARGET] [--server PID] [--label TEXT] "
    "http://ADDRESS:PORT < LINES";

static const struct option options[] = {
    { "batch", required_argument, NULL, 'b' },
    { "connections", required_argument, NULL, 'c' },
    { "count", required_argument, NULL, 'n' },
    { "seconds", required_argument, NULL, 's' },
    { "every", required_argument, NULL, 'e' },
    { "gzip", no_argument, NULL, 'z' },
    { "get", no_argument, NULL, 'g' },
    { "path", required_argument, NULL, 'p' },
    { "server", required_argument, NULL, 'P' },
    { "label", required_argument, NULL, 'l' },
    { NULL, 0, NULL, 0 },
};

static uint64_t
read_count(const char *text, uint64_t most)
{
    char *end;
    errno = 0;
    uint64_t count = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || count == 0 || count > most)
        quit("%s is no number from 1 to %" PRIu64, text, most);
    return count;
}

static void
read_url(struct load *load, const char *url)
{
    static const char scheme[] = "http://";
    char address[INET_ADDRSTRLEN];
    char port[6];
    int read = 0;
    if (strncmp(url, scheme, sizeof scheme - 1) != 0 ||
        sscanf(url + sizeof scheme - 1, "%15[0-9.]:%5[0-9]%n", address, port, &read) != 2 ||
        (url[sizeof scheme - 1 + (size_t)read] != '\0' &&
         strcmp(url + sizeof scheme - 1 + read, "/") != 0))
        quit("%s is not like http://127.0.0.1:7878", url);
    static char host[32];
    (void)snprintf(host, sizeof host, "%s:%s", address, port);
    load->endpoint.host = host;
    load->drive.address.sin_family = AF_INET;
    load->drive.address.sin_port = htons((uint16_t)read_count(port, UINT16_MAX));
    if (inet_pton(AF_INET, address, &load->drive.address.sin_addr) != 1)
        quit("%s is no address", address);
}

static void
read_options(struct load *load, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b':
            load->batch = (uint32_t)read_count(optarg, 100000);
            break;
        case 'c':
            load->drive.connections = (uint32_t)read_count(optarg, CONNECTIONS_MAX);
            break;
        case 'n':
            load->drive.count = read_count(optarg, SIZE_MAX);
            break;
        case 's':
            load->drive.time = (int64_t)read_count(optarg, 86400) * CLOCK_SECOND;
            break;
        case 'e':
            load->drive.every = (int64_t)read_count(optarg, 3600000) * (CLOCK_SECOND / 1000);
            break;
        case 'z':
            load->endpoint.gzip = true;
            break;
        case 'g':
            load->kind = READ;
            break;
        case 'p':
            load->endpoint.path = optarg;
            break;
        case 'P':
            load->server = (pid_t)read_count(optarg, INT32_MAX);
            break;
        case 'l':
            load->label = optarg;
            break;
        default:
            quit("%s", usage);
        }
    }
    if (optind + 1 != argc)
        quit("%s", usage);
    read_url(load, argv[optind]);
}

/* The size that the trail's checkpoint states in its second line (C2SP tlog-checkpoint). */
static uint64_t
read_size(const struct load *load)
{
    struct requests requests = { 0 };
    requests_add_get(&requests, &load->endpoint, "/trails/main/checkpoint");
    struct drive_options once = load->drive;
    once.connections = 1;
    once.count = 1;
    struct drive_result result;
    drive(&once, &requests, &result);
    struct reply reply;
    if (reply_read(buffer_view(&result.last), &reply) != REPLY_WHOLE)
        quit("no checkpoint");
    const uint8_t *line = memchr(reply.body.data, '\n', reply.body.size);
    uint64_t size = line == NULL ? 0 : strtoull((const char *)line, NULL, 10);
    drive_finish(&result);
    requests_free(&requests);
    return size;
}

static void
check_size(const struct load *load, uint64_t before, uint64_t acknowledged)
{
    const struct timespec pause = { .tv_nsec = 10 * 1000000 };
    int64_t until = clock_monotonic() + SIGNED_WITHIN;
    uint64_t size = read_size(load);
    while (size < before + acknowledged && clock_monotonic() < until) {
        (void)nanosleep(&pause, NULL);
        size = read_size(load);
    }
    if (size != before + acknowledged)
        quit("the trail grew from %" PRIu64 " to %" PRIu64 ", not by the %" PRIu64
             " that were acknowledged",
             before, size, acknowledged);
}

static void
print_row(const struct load *load, const char *what, double value, const char *unit)
{
    (void)printf("\"%s%s\",%.3f,%s\n", load->label, what, value, unit);
}

static void
print_recorded(const struct load *load, const struct drive_result *result, double before)
{
    double events = (double)result->events;
    print_row(load, "", events * 1e9 / (double)(result->ended - result->began), "events/s");
    if (result->refused > 0)
        print_row(load, ", refused and sent again", (double)result->refused, "requests");
    if (load->server == 0)
        return;
    int64_t settled = process_settle(load->server, QUIET_MS);
    if (settled < result->ended)
        settled = result->ended;
    print_row(load, ", with all work behind it", events * 1e9 / (double)(settled - result->began),
              "events/s");
    print_row(load, ", server CPU", (process_seconds(load->server) - before) * 1e6 / events,
              "us/event");
}

static void
run(const struct load *load, const struct requests *requests)
{
    uint64_t size = load->kind == RECORD ? read_size(load) : 0;
    double before = load->server == 0 ? 0 : process_seconds(load->server);
    struct drive_result result;
    drive(&load->drive, requests, &result);
    if (load->kind == RECORD) {
        print_recorded(load, &result, before);
        check_size(load, size, result.events);
    }
    samples_print(&result.samples, load->label);
    drive_finish(&result);
}

int
main(int argc, char **argv)
{
    struct load load = {
        .drive = { .connections = 1 },
        .endpoint = { .path = "/api/events", .key = getenv("TALLY_KEY") },
        .batch = 1,
        .label = "request",
    };
    if (load.endpoint.key == NULL)
        quit("the key is taken from TALLY_KEY");
    read_options(&load, argc, argv);

    struct requests requests = { 0 };
    if (load.kind == READ)
        requests_get(&requests, &load.endpoint, stdin);
    else
        requests_record(&requests, &load.endpoint, load.batch, stdin);
    if (requests.count == 0)
        quit("there is nothing to send");
    /* An event is sent once: a second time it would be a repeat. */
    if (load.drive.count == 0 || (load.kind == RECORD && load.drive.count > requests.count))
        load.drive.count = requests.count;
    run(&load, &requests);
    requests_free(&requests);
    return 0;
}
