#include "stage.h"

#include "must.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The rest of the line that begins so. */
static char *
line_of(struct buffer *text, const char *start)
{
    buffer_byte(text, 0);
    const char *line = strstr((const char *)text->data, start);
    assert_non_null(line);
    line += strlen(start);
    return strndup(line, strcspn(line, "\n"));
}

void
stage_run(const char *const *words)
{
    struct buffer out = { 0 };
    int status = child_run(words, &out);
    if (status != 0)
        print_error("%.*s", BYTES_ARG(buffer_view(&out)));
    buffer_free(&out);
    assert_int_equal(status, 0);
}

void
stage_make(struct stage *stage)
{
    *stage = (struct stage){ .scratch = child_folder() };
    assert_true(asprintf(&stage->data, "%s/data", stage->scratch) > 0);
    struct buffer out = { 0 };
    const char *words[] = { "init", stage->data, NULL };
    assert_int_equal(child_run(words, &out), 0);
    stage->admin = line_of(&out, "admin key: ");
    buffer_free(&out);
}

void
stage_remove(struct stage *stage)
{
    if (stage->child != NULL)
        (void)child_stop(stage->child, SIGKILL, CHILD_STOP_MS);
    free(stage->data);
    free(stage->admin);
    child_remove(stage->scratch);
}

void
stage_start(struct stage *stage, const char *const *settings)
{
    const struct child_options options = { .data = stage->data, .settings = settings };
    stage->child = child_serve(&options);
    assert_non_null(stage->child);
}

int
stage_stop(struct stage *stage, int signal)
{
    struct child *child = stage->child;
    assert_non_null(child);
    stage->child = NULL;
    return child_stop(child, signal, CHILD_STOP_MS);
}

char *
stage_key(const struct stage *stage, const char *const *words)
{
    const char *all[16] = { "key", stage->data };
    size_t count = 2;
    for (; *words != NULL; words++) {
        assert_true(count < sizeof all / sizeof all[0] - 1);
        all[count++] = *words;
    }
    struct buffer out = { 0 };
    assert_int_equal(child_run(all, &out), 0);
    char *key = out.size == 0 ? NULL : line_of(&out, "key: ");
    buffer_free(&out);
    return key;
}

void
talk_begin(const struct stage *stage, const struct http_request *request, struct talk *exchange_out)
{
    exchange_out->http = http_connect(child_port(stage->child));
    enum http_result result =
        http_ask(exchange_out->http, request, PATIENCE_MS, &exchange_out->answer);
    if (result != HTTP_OK)
        print_error("%s %s: result %d, %s\n", request->method == NULL ? "GET" : request->method,
                    request->target, result, http_why(exchange_out->http));
    assert_int_equal(result, HTTP_OK);
}

void
talk_end(struct talk *exchange)
{
    http_close(exchange->http);
    exchange->http = NULL;
}
