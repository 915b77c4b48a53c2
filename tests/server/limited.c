#include "limited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct served served;

void
sleep_ms(long ms)
{
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&pause, NULL);
}

__attribute__((format(printf, 2, 3))) void
send_text(struct http *http, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)http_send(http, bytes_text(text));
}

void
send_post_head(struct http *http, size_t size)
{
    send_text(http,
              "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
              "Content-Length: %zu\r\n\r\n",
              served.key, size);
}

unsigned
read_status(struct http *http)
{
    struct http_answer answer;
    return http_read(http, HTTP_BODY, PATIENCE_MS, &answer) == HTTP_OK ? answer.status : 0;
}

void
assert_retry_after(const struct http_answer *answer)
{
    struct bytes value = http_header(answer, "Retry-After");
    assert_non_null(value.data);
    assert_in_range(value.size, 1, 5);
    assert_in_range(value.data[0], '1', '9');
}

unsigned
post(struct bytes body, const char *headers)
{
    struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .headers = headers,
        .body = body,
    };
    return served_ask(&served, &request, NULL);
}

unsigned
post_event_patiently(void)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned status;
    while ((status = post(bytes_text(EVENT), NULL)) == 0 && now_ms() < deadline)
        continue;
    return status;
}
