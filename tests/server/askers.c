#include "askers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct stage stage;

struct asker_kind askers[ASKERS] = {
    [NO_KEY] = { "no key", ROLE_NONE, false, NULL },
    [WRONG_KEY] = { "a wrong key", ROLE_NONE, false, NULL },
    [NO_KEY_AT_ALL] = { "something that is no key", ROLE_NONE, false, NULL },
    [EXPIRED_KEY] = { "an expired key", ROLE_NONE, false, NULL },
    [REVOKED_KEY] = { "a revoked key", ROLE_NONE, false, NULL },
    [ADMIN] = { "an admin", ROLE_ADMIN, false, NULL },
    [AUDITOR] = { "an auditor", ROLE_AUDITOR, false, NULL },
    [WRITER] = { "a writer", ROLE_WRITER, false, NULL },
    [AUDITOR_OF_OTHER] = { "an auditor of another trail", ROLE_AUDITOR, true, NULL },
    [WRITER_OF_OTHER] = { "a writer to another trail", ROLE_WRITER, true, NULL },
};

static void
add_key(enum asker asker, const char *role, const char *option, const char *value)
{
    const char *words[] = { "add", "--name", "k", "--role", role, option, value, NULL };
    askers[asker].key = stage_key(&stage, words);
    assert_non_null(askers[asker].key);
}

int
askers_set_up(void **state)
{
    (void)state;
    stage_make(&stage);
    for (const char *const *name = (const char *const[]){ "other", "open", NULL }; *name; name++)
        stage_run((const char *const[]){ "trail", stage.data, "create", *name, NULL });
    stage_run((const char *const[]){ "record", stage.data, "--action", "a.b", NULL });
    askers[ADMIN].key = strdup(stage.admin);
    askers[WRONG_KEY].key = strdup("tally_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    askers[NO_KEY_AT_ALL].key = strdup("x");
    add_key(EXPIRED_KEY, "auditor", "--expires", "1s");        /* id 2 */
    add_key(REVOKED_KEY, "auditor", "--expires", "30d");       /* id 3 */
    add_key(AUDITOR, "auditor", NULL, NULL);                   /* id 4 */
    add_key(WRITER, "writer", NULL, NULL);                     /* id 5 */
    add_key(AUDITOR_OF_OTHER, "auditor", "--trails", "other"); /* id 6 */
    add_key(WRITER_OF_OTHER, "writer", "--trails", "other");   /* id 7 */
    stage_start(&stage, (const char *const[]){ "TALLY_ACCESS_FAILURES_PER_MINUTE=1000000",
                                               "TALLY_TRAILS_PUBLIC=open", NULL });
    return 0;
}

int
askers_tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < ASKERS; i++)
        free(askers[i].key);
    stage_remove(&stage);
    return 0;
}

const char *
method_name(enum method method)
{
    return method == METHOD_POST ? "POST" : method == METHOD_DELETE ? "DELETE" : "GET";
}

static bool
is_id_byte(uint8_t c)
{
    return c != '\0' &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-", c) != NULL;
}

void
check_headers(const struct http_answer *answer, const char *what)
{
    static const struct {
        const char *name, *value;
    } always[] = {
        { "Cache-Control", "no-store" },
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
    };
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (!bytes_is(http_header(answer, always[i].name), always[i].value))
            fail_msg("%s: the answer has no %s: %s", what, always[i].name, always[i].value);
    struct bytes policy = http_header(answer, "Content-Security-Policy");
    if (policy.data == NULL || memmem(policy.data, policy.size, "default-src 'none'", 18) == NULL ||
        memmem(policy.data, policy.size, "frame-ancestors 'none'", 22) == NULL)
        fail_msg("%s: the answer has no strict policy", what);
    struct bytes id = http_header(answer, "X-Request-Id");
    if (id.size == 0 || id.size > 64)
        fail_msg("%s: the answer has no request id", what);
    for (size_t i = 0; i < id.size; i++)
        assert_true(is_id_byte(id.data[i]));
    if (bytes_is(http_header(answer, "Content-Type"), "application/problem+json"))
        assert_non_null(memmem(answer->body.data, answer->body.size, id.data, id.size));
}

void
fill_pattern(const char *pattern, char *out, size_t size)
{
    bool trail = strstr(pattern, "trails/*") != NULL;
    size_t at = 0;
    for (; *pattern != '\0'; pattern++) {
        const char *value = strncmp(out, "/api/keys/", 10) == 0 ? "999999" : trail ? "main" : "1";
        int written = snprintf(out + at, size - at, "%s",
                               *pattern == '*' ? value : (const char[]){ *pattern, '\0' });
        assert_true(written > 0 && (size_t)written < size - at);
        at += (size_t)written;
    }
}

void
expect_status(const struct http_request *request, unsigned status)
{
    struct talk exchange;
    talk_begin(&stage, request, &exchange);
    check_headers(&exchange.answer, request->target);
    if (exchange.answer.status != status)
        fail_msg("%s %s: status %u, not %u; %.*s",
                 request->method == NULL ? "GET" : request->method, request->target,
                 exchange.answer.status, status, BYTES_ARG(exchange.answer.body));
    talk_end(&exchange);
}
