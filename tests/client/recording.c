#include "recording.h"

#include <dirent.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define FLUSH_MS   300000
#define WAIT_MS    60000
#define LIST_LIMIT 1000

void
recording_begin(struct recording *recording, const char *const *settings)
{
    *recording = (struct recording){ .scratch = child_folder() };
    (void)pthread_mutex_init(&recording->lock, NULL);
    assert_true(asprintf(&recording->spools, "%s/spool", recording->scratch) > 0);
    served_begin(&recording->served, settings);
    (void)snprintf(recording->url, sizeof recording->url, "http://127.0.0.1:%u",
                   (unsigned)recording->served.port);
}

void
recording_end(struct recording *recording)
{
    served_end(&recording->served);
    free(recording->spools);
    child_remove(recording->scratch);
}

static void
note(void *context, const char *text)
{
    struct recording *recording = context;
    (void)pthread_mutex_lock(&recording->lock);
    size_t size = strlen(recording->notices);
    (void)snprintf(recording->notices + size, sizeof recording->notices - size, "%s\n", text);
    (void)pthread_mutex_unlock(&recording->lock);
}

unsigned
recording_said(struct recording *recording, const char *text)
{
    unsigned count = 0;
    (void)pthread_mutex_lock(&recording->lock);
    for (const char *at = recording->notices; (at = strstr(at, text)) != NULL; at++)
        count++;
    (void)pthread_mutex_unlock(&recording->lock);
    return count;
}

void
recording_hush(struct recording *recording)
{
    (void)pthread_mutex_lock(&recording->lock);
    recording->notices[0] = '\0';
    (void)pthread_mutex_unlock(&recording->lock);
}

void
recording_wait_said(struct recording *recording, const char *text)
{
    for (int i = 0; i < WAIT_MS && recording_said(recording, text) == 0; i++)
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    if (recording_said(recording, text) == 0)
        print_error("\"%s\" was not said, but:\n%s", text, recording->notices);
    assert_true(recording_said(recording, text) > 0);
}

struct tally_client_statistics
recording_statistics(struct tally_client *client)
{
    struct tally_client_statistics statistics;
    tally_client_statistics(client, &statistics);
    assert_int_equal(statistics.recorded, statistics.queued + statistics.sent + statistics.refused +
                                              statistics.lost + statistics.denied);
    return statistics;
}

struct tally_client_options
recording_options(struct recording *recording)
{
    return (struct tally_client_options){
        .size = sizeof(struct tally_client_options),
        .key = recording->served.key,
        .spool_folder = recording->spools,
        .timeout_ms = 60000,
        .notice = note,
        .notice_context = recording,
    };
}

struct tally_client *
recording_client(struct recording *recording, const char *where,
                 const struct tally_client_options *options)
{
    struct tally_client *client = NULL;
    struct tally_error error = { 0 };
    tally_status status =
        tally_client_open(where == NULL ? recording->url : where, options, &client, &error);
    if (status != TALLY_OK)
        print_error("%s\n", error.text);
    assert_int_equal(status, TALLY_OK);
    return client;
}

void
recording_flush(struct tally_client *client)
{
    struct tally_error error = { 0 };
    tally_status status = tally_client_flush(client, FLUSH_MS, &error);
    if (status != TALLY_OK)
        print_error("%s\n", error.text);
    assert_int_equal(status, TALLY_OK);
}

void
recording_wait_sent(struct tally_client *client, uint64_t count)
{
    struct tally_client_statistics statistics = { 0 };
    for (int i = 0; i < WAIT_MS && statistics.sent < count; i++) {
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
        tally_client_statistics(client, &statistics);
    }
    assert_int_equal(statistics.sent, count);
}

tally_status
recording_event(struct tally_client *client, const char *series, unsigned number,
                enum tally_mode mode, struct tally_receipt *receipt_out, struct tally_error *error)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    return tally_client_record(client,
                               TALLY_EVENT(.action = "test.step", .correlation_id = series,
                                           .resource_type = "number", .resource_id = text),
                               mode, receipt_out, error);
}

void *
recording_work(void *context)
{
    struct recording_task *task = context;
    for (unsigned i = 0; i < task->count; i++) {
        struct tally_receipt receipt;
        if (recording_event(task->client, task->series, i, task->mode, &receipt, NULL) != TALLY_OK)
            abort();
    }
    return NULL;
}

/* The value behind "next":, without quotes; false where it is null. */
static bool
read_next(const char *page, char *next, size_t capacity)
{
    const char *at = strstr(page, "\"next\":\"");
    if (at == NULL)
        return false;
    at += strlen("\"next\":\"");
    assert_true(snprintf(next, capacity, "%.*s", (int)strcspn(at, "\""), at) < (int)capacity);
    return true;
}

/* Counts on through a page. */
static unsigned
count_page(const char *page, const char *series, unsigned count)
{
    static const char key[] = "\"resource_id\":\"";
    for (const char *at = page; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        unsigned number = (unsigned)strtoul(at, NULL, 10);
        if (number != count)
            print_error("%s: %u comes where %u should\n", series, number, count);
        assert_int_equal(number, count);
        count++;
    }
    return count;
}

unsigned
recording_count(struct recording *recording, const char *series)
{
    unsigned count = 0;
    char next[1024] = "", target[2048];
    for (;;) {
        struct buffer page = { 0 };
        (void)snprintf(target, sizeof target,
                       "/api/events?order=index&limit=%d&correlation_id=%s%s%s", LIST_LIMIT, series,
                       next[0] == '\0' ? "" : "&cursor=", next);
        struct http_request request = { .target = target, .key = recording->served.key };
        assert_int_equal(served_ask(&recording->served, &request, &page), 200);
        buffer_byte(&page, '\0');
        count = count_page((const char *)page.data, series, count);
        bool more = read_next((const char *)page.data, next, sizeof next);
        buffer_free(&page);
        if (!more)
            return count;
    }
}

char *
recording_find(struct recording *recording, const char *query)
{
    struct buffer page = { 0 };
    char target[1024];
    (void)snprintf(target, sizeof target, "/api/events?order=index&%s", query);
    struct http_request request = { .target = target, .key = recording->served.key };
    assert_int_equal(served_ask(&recording->served, &request, &page), 200);
    buffer_byte(&page, '\0');
    return (char *)page.data;
}

uint16_t
recording_silent_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port); /* bound until the process ends */
}

bool
recording_spools_empty(const struct recording *recording)
{
    DIR *folder = opendir(recording->spools);
    bool empty = true;
    if (folder == NULL)
        return true;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
            empty = false;
    (void)closedir(folder);
    return empty;
}
