#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define EVENT       "{\"action\":\"hostile\"}"
#define EVENT_CHUNK "14\r\n" EVENT "\r\n0\r\n\r\n"

/* A connection on which nothing more comes for this long, though all that may come has, is closed from
 * this side. A server that is slower answers all the same. */
#define SILENCE_MS 300

struct served hostile_served;

int
hostile_begin(void **state)
{
    (void)state;
    served_begin(&hostile_served,
                 (const char *const[]){ "TALLY_SERVER_REQUEST_TIMEOUT_S=3600",
                                        "TALLY_SERVER_IDLE_TIMEOUT_S=3600", NULL });
    return 0;
}

int
hostile_end(void **state)
{
    (void)state;
    served_end(&hostile_served);
    return 0;
}

void
hostile_expand(struct bytes text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t what = i + 1 < text.size ? text.data[i + 1] : 0;
        if (text.data[i] != '$' || what == 0 || strchr("HKEC", what) == NULL) {
            buffer_byte(out, text.data[i]);
            continue;
        }
        i++;
        if (what == 'H')
            buffer_text(out, "Host: localhost\r\n");
        else if (what == 'K')
            buffer_format(out, "Authorization: Bearer %s\r\n", hostile_served.key);
        else
            buffer_text(out, what == 'E' ? EVENT : EVENT_CHUNK);
    }
}

struct seen {
    unsigned answers;
    unsigned first, last; /* status */
    bool closed;
};

/* What comes back, of which so many answers must. Behind an answer that closes nothing is an answer
 * any more. */
static struct seen
exchange(struct bytes bytes, unsigned least)
{
    struct seen seen = { 0 };
    struct http *http = http_connect(hostile_served.port);
    (void)http_send(http, bytes);
    bool head = bytes.size > 5 && memcmp(bytes.data, "HEAD ", 5) == 0;
    for (bool ended = false;;) {
        struct http_answer answer;
        if (!ended && seen.answers >= least && http_is_silent(http, SILENCE_MS)) {
            http_end_sending(http);
            ended = true;
        }
        enum http_result result =
            http_read(http, head ? HTTP_NO_BODY : HTTP_BODY, PATIENCE_MS, &answer);
        if (result != HTTP_OK) {
            seen.closed = result == HTTP_CLOSED || result == HTTP_CUT;
            break;
        }
        if (answer.status < 200)
            continue;
        seen.last = answer.status;
        if (seen.answers++ == 0)
            seen.first = answer.status;
        if (answer.closing) {
            seen.closed = true;
            break;
        }
    }
    http_close(http);
    return seen;
}

void
hostile_check_served(const char *why)
{
    struct http_request request = { .target = "/api/trails", .key = hostile_served.key };
    if (served_ask(&hostile_served, &request, NULL) != 200)
        fail_msg("%s: the server does not answer any more", why);
}

void
hostile_check(const struct hostile *row, struct bytes bytes)
{
    uint64_t before = served_size(&hostile_served);
    struct seen seen = exchange(bytes, row->outcome == SERVED ? row->answers : 0);
    hostile_check_served(row->why);
    uint64_t stored = served_size(&hostile_served) - before;

    if (stored > row->stored)
        fail_msg("%s: %llu entries were stored", row->why, (unsigned long long)stored);
    if (seen.answers > row->answers)
        fail_msg("%s: %u answers", row->why, seen.answers);
    if (row->outcome == SERVED && (seen.answers != row->answers || stored != row->stored))
        fail_msg("%s: %u answers, the last %u, and %llu entries", row->why, seen.answers, seen.last,
                 (unsigned long long)stored);
    if (row->outcome != SERVED && row->outcome != FREE && seen.answers > 0 && seen.first < 400)
        fail_msg("%s: answered with %u", row->why, seen.first);
    if (row->outcome == REFUSED && !seen.closed)
        fail_msg("%s: the connection goes on after %u", row->why, seen.first);
}

void
hostile_check_rows(const struct hostile *rows, size_t count)
{
    struct buffer text = { 0 };
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&text);
        hostile_expand(rows[i].text, &text);
        assert_false(buffer_failed(&text));
        hostile_check(&rows[i], buffer_view(&text));
    }
    buffer_free(&text);
}
