/*
 * roles_test.c - who may ask what, by the table of routes itself: every row with every kind of key.
 */
#include "role.h"
#include "routes.h"
#include "stage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#define EVENT "{\"action\":\"test.run\",\"user_id\":\"u1\"}"

static struct stage stage;

/* Who asks. Keys for "other" may not use the trail main, which all questions are about. */
enum asker {
    NO_KEY,
    WRONG_KEY,
    NO_KEY_AT_ALL, /* something that is not even shaped like one */
    EXPIRED_KEY,
    REVOKED_KEY,
    ADMIN,
    AUDITOR,
    WRITER,
    AUDITOR_OF_OTHER,
    WRITER_OF_OTHER,
    ASKERS,
};

static struct {
    const char *name;
    enum role role;
    bool other;
    char *key;
} askers[ASKERS] = {
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

/* ---- the folder ---- */

static void
add_key(enum asker asker, const char *role, const char *option, const char *value)
{
    const char *words[] = { "add", "--name", "k", "--role", role, option, value, NULL };
    askers[asker].key = stage_key(&stage, words);
    assert_non_null(askers[asker].key);
}

static int
begin(void **state)
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

static int
end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ASKERS; i++)
        free(askers[i].key);
    stage_remove(&stage);
    return 0;
}

/* ---- asking ---- */

static const char *
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

/* What every answer has, whatever it is. */
static void
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

static unsigned
count_headers(const struct http_answer *answer, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < answer->header_count; i++)
        count += answer->headers[i].name.size == strlen(name) &&
                 strncasecmp((const char *)answer->headers[i].name.data, name, strlen(name)) == 0;
    return count;
}

/* The path of a pattern: an entry's or a key's number, or the trail main. */
static void
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

static void
ask_route(const struct route *route, const char *key, struct talk *exchange_out)
{
    char target[256] = "";
    fill_pattern(route->pattern, target, sizeof target);
    const struct http_request request = {
        .method = method_name(route->method),
        .target = target,
        .key = key,
        /* Refused by what would stream without an end. */
        .headers = route->body ? "Content-Type: application/json\r\n" : "Last-Event-ID: none\r\n",
        .body = route->body ? bytes_text(EVENT) : (struct bytes){ NULL, 0 },
    };
    talk_begin(&stage, &request, exchange_out);
}

static bool
takes_trail(const struct route *route)
{
    for (const struct parameter *p = route->parameters; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, "trail") == 0)
            return true;
    return strstr(route->pattern, "trails/*") != NULL;
}

static bool
has_text(json_t *object, const char *name, const char *part)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strstr(text, part) != NULL;
}

/* 401 and 403 name the role that would do, which the table lets in, and how to make such a key. */
static void
check_refusal(const struct route *route, const struct http_answer *answer, const char *what)
{
    json_t *problem = json_loadb((const char *)answer->body.data, answer->body.size, 0, NULL);
    assert_non_null(problem);
    const char *named = json_string_value(json_object_get(problem, "role"));
    enum role role = ROLE_ADMIN;
    if (named == NULL || !role_find(named, &role) || (route->who & 1u << role) == 0)
        fail_msg("%s: the refusal names no role that would do", what);
    if (role == ROLE_ADMIN && (route->who & (1u << ROLE_AUDITOR | 1u << ROLE_WRITER)) != 0)
        fail_msg("%s: the refusal names more than is needed", what);
    if (!has_text(problem, "command", "tally key ") || !has_text(problem, "command", " add ") ||
        !has_text(problem, "command", named))
        fail_msg("%s: the refusal says no command", what);
    json_decref(problem);
    bool challenged = bytes_is(http_header(answer, "WWW-Authenticate"), "Bearer");
    if (challenged != (answer->status == 401))
        fail_msg("%s: WWW-Authenticate with status %u", what, answer->status);
}

/* ---- the matrix ---- */

static void
check_row(const struct route *route, enum asker asker)
{
    char what[256];
    (void)snprintf(what, sizeof what, "%s %s by %s", method_name(route->method), route->pattern,
                   askers[asker].name);
    struct talk exchange;
    ask_route(route, askers[asker].key, &exchange);
    unsigned status = exchange.answer.status;
    enum role role = askers[asker].role;
    check_headers(&exchange.answer, what);

    bool open =
        (route->who & WHO_ANYONE) != 0 || (asker == NO_KEY && (route->who & WHO_LOOPBACK) != 0);
    bool allowed = role != ROLE_NONE && (route->who & 1u << role) != 0;
    unsigned wanted = open || allowed ? 0 : role == ROLE_NONE ? 401 : 403;
    if (wanted == 0 && (status == 401 || status == 403 || status >= 500) && status != 503)
        fail_msg("%s: status %u", what, status);
    if (wanted != 0 && status != wanted)
        fail_msg("%s: status %u, not %u", what, status, wanted);
    if (wanted != 0)
        check_refusal(route, &exchange.answer, what);
    else if (!open && askers[asker].other && takes_trail(route) && status != 404)
        fail_msg("%s: status %u, not 404", what, status);
    talk_end(&exchange);
}

static void
every_route_with_every_key(void **state)
{
    (void)state;
    const char *revoke[] = { "revoke", "3", NULL };
    assert_null(stage_key(&stage, revoke));
    /* Until the one has run out, and the other's end is known. */
    (void)nanosleep(&(struct timespec){ 1, 500 * 1000000L }, NULL);
    for (size_t i = 0; i < route_count; i++)
        for (unsigned asker = 0; asker < ASKERS; asker++)
            check_row(&routes[i], asker);
}

/* What is not in the table either: nothing but these is for anyone. */
static void
the_open_routes_are_few(void **state)
{
    (void)state;
    static const char *const open[] = { "/livez", "/readyz",  "/openapi.json",
                                        "/docs",  "/metrics", "/" };
    for (size_t i = 0; i < route_count; i++) {
        bool named = false;
        for (size_t j = 0; j < sizeof open / sizeof open[0]; j++)
            named = named || strcmp(routes[i].pattern, open[j]) == 0;
        if ((routes[i].who & (WHO_ANYONE | WHO_LOOPBACK)) != 0 && !named)
            fail_msg("%s is open", routes[i].pattern);
        if ((routes[i].who & WHO_PUBLIC) != 0)
            assert_string_equal(routes[i].pattern, "/trails/*/checkpoint");
        if ((routes[i].who & (WHO_ANYONE | WHO_ALL_KEYS)) == 0)
            fail_msg("%s is for nobody", routes[i].pattern);
        /* No row lets a writer read, and none an auditor write. */
        if (routes[i].method != METHOD_GET && (routes[i].who & 1u << ROLE_AUDITOR) != 0)
            fail_msg("an auditor may %s %s", method_name(routes[i].method), routes[i].pattern);
        if (routes[i].method == METHOD_GET && (routes[i].who & 1u << ROLE_WRITER) != 0)
            assert_string_equal(routes[i].pattern, "/api/trails");
    }
}

/* ---- what is not there ---- */

static void
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

static void
unknown_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api",
        "/api/",
        "/api/events/",
        "/api/event",
        "/api/events/1/x",
        "/api//events",
        "/API/events",
        "/api/events/1/proof/",
        "/favicon.ico",
        "/.git/config",
        "/api/keys/1/rotate/x",
        "/trails/main",
        "/trails//checkpoint",
        "/livez/x",
        "/api/events/1/proof/x/y/z",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        for (unsigned asker = 0; asker < ASKERS; asker += ADMIN) {
            expect_status(&(struct http_request){ .target = paths[i], .key = askers[asker].key },
                          404);
            expect_status(&(struct http_request){ .method = "POST",
                                                  .target = paths[i],
                                                  .key = askers[asker].key },
                          404);
        }
}

static bool
pattern_has(const char *pattern, enum method method)
{
    for (size_t i = 0; i < route_count; i++)
        if (strcmp(routes[i].pattern, pattern) == 0 && routes[i].method == method)
            return true;
    return false;
}

static bool
list_has(struct bytes list, const char *word)
{
    char text[128];
    assert_true(list.size + 4 < sizeof text);
    (void)snprintf(text, sizeof text, ", %.*s,", BYTES_ARG(list));
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, ", %s,", word);
    return strstr(text, wanted) != NULL;
}

static void
refuse_method(const struct route *route, const char *method)
{
    char target[256] = "";
    fill_pattern(route->pattern, target, sizeof target);
    const struct http_request request = { .method = method, .target = target };
    struct talk exchange;
    talk_begin(&stage, &request, &exchange);
    check_headers(&exchange.answer, target);
    struct bytes allow = http_header(&exchange.answer, "Allow");
    if (exchange.answer.status != 405 || allow.data == NULL)
        fail_msg("%s %s: status %u", method, target, exchange.answer.status);
    assert_true(list_has(allow, "GET") == pattern_has(route->pattern, METHOD_GET));
    assert_true(list_has(allow, "HEAD") == pattern_has(route->pattern, METHOD_GET));
    assert_true(list_has(allow, "POST") == pattern_has(route->pattern, METHOD_POST));
    assert_true(list_has(allow, "DELETE") == pattern_has(route->pattern, METHOD_DELETE));
    talk_end(&exchange);
}

static void
wrong_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        refuse_method(&routes[i], "PUT");
        refuse_method(&routes[i], "PATCH");
        refuse_method(&routes[i], "OPTIONS");
        refuse_method(&routes[i], "TRACE");
        refuse_method(&routes[i], "get");
        if (!pattern_has(routes[i].pattern, METHOD_POST))
            refuse_method(&routes[i], "POST");
        if (!pattern_has(routes[i].pattern, METHOD_DELETE))
            refuse_method(&routes[i], "DELETE");
        if (!pattern_has(routes[i].pattern, METHOD_GET))
            refuse_method(&routes[i], "GET");
    }
}

/* ---- what one may not see is not there ---- */

/* Asks the same of two trails and expects one answer, byte for byte but for the time. */
static void
expect_alike(const struct http_request *a, const struct http_request *b, unsigned status)
{
    struct talk first, second;
    talk_begin(&stage, a, &first);
    talk_begin(&stage, b, &second);
    if (first.answer.status != status)
        fail_msg("%s: status %u, not %u", a->target, first.answer.status, status);
    assert_int_equal(second.answer.status, status);
    assert_int_equal(first.answer.header_count, second.answer.header_count);
    for (size_t i = 0; i < first.answer.header_count; i++) {
        const struct http_header *x = &first.answer.headers[i], *y = &second.answer.headers[i];
        assert_true(bytes_equal(x->name, y->name));
        if (!bytes_is(x->name, "Date"))
            assert_true(bytes_equal(x->value, y->value));
    }
    assert_true(bytes_equal(first.answer.body, second.answer.body));
    talk_end(&first);
    talk_end(&second);
}

#define SAME_ID "X-Request-Id: r-1\r\n"

static void
a_trail_one_may_not_use_is_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *hidden, *absent;
    } targets[] = {
        { "/api/events?trail=main", "/api/events?trail=none" },
        { "/api/events", "/api/events?trail=none" },
        { "/api/events?trail=tally", "/api/events?trail=none" },
        { "/api/events?trail=main&q=(", "/api/events?trail=none&q=(" },
        { "/api/events?trail=main&limit=0", "/api/events?trail=none&limit=0" },
        { "/api/events?trail=main&cursor=x", "/api/events?trail=none&cursor=x" },
        { "/api/events/1?trail=main", "/api/events/1?trail=none" },
        { "/api/events/999?trail=main", "/api/events/1?trail=none" },
        { "/api/events/1/proof?trail=main", "/api/events/1/proof?trail=none" },
        { "/api/events/1/around?trail=main", "/api/events/1/around?trail=none" },
        { "/api/stats?trail=main", "/api/stats?trail=none" },
        { "/api/export?trail=main", "/api/export?trail=none" },
        { "/api/verify?trail=main", "/api/verify?trail=none" },
        { "/api/trails/main", "/api/trails/none" },
        { "/trails/main/checkpoint", "/trails/none/checkpoint" },
        { "/api/logs?trail=main", "/api/logs?trail=none" },
        { "/audit-logs?trail=main", "/audit-logs?trail=none" },
        { "/audit-logs/user/u1?trail=main", "/audit-logs/user/u1?trail=none" },
        { "/api/trails/main", "/api/trails/no%2Fname" },
        { "/api/trails/main", "/api/trails/UPPER" },
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const char *key = askers[AUDITOR_OF_OTHER].key;
        bool filtered = strstr(targets[i].hidden, "limit=0") != NULL;
        expect_alike(
            &(struct http_request){ .target = targets[i].hidden, .key = key, .headers = SAME_ID },
            &(struct http_request){ .target = targets[i].absent, .key = key, .headers = SAME_ID },
            filtered ? 400 : 404);
    }
    static const char *const writes[] = { "main", "tally", "open" };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/api/events?trail=%s", writes[i]);
        struct http_request hidden = {
            .method = "POST",
            .target = target,
            .key = askers[WRITER_OF_OTHER].key,
            .headers = SAME_ID "Content-Type: application/json\r\n",
            .body = bytes_text(EVENT),
        };
        struct http_request absent = hidden;
        absent.target = "/api/events?trail=none";
        expect_alike(&hidden, &absent, 404);
        hidden.body = absent.body = bytes_text("[{]");
        expect_alike(&hidden, &absent, 404);
    }
    /* The key's own trail is there. */
    expect_status(&(struct http_request){ .target = "/api/events?trail=other",
                                          .key = askers[AUDITOR_OF_OTHER].key },
                  200);
    expect_status(&(struct http_request){ .method = "POST",
                                          .target = "/api/events?trail=other",
                                          .key = askers[WRITER_OF_OTHER].key,
                                          .headers = "Content-Type: application/json\r\n",
                                          .body = bytes_text(EVENT) },
                  201);
}

static void
an_entry_that_is_not_there(void **state)
{
    (void)state;
    static const char *const ends[] = { "", "/proof", "/around" };
    static const char *const numbers[] = { "999999", "18446744073709551615",   "x", "-1",
                                           "1x",     "99999999999999999999999" };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        for (size_t j = 0; j < sizeof numbers / sizeof numbers[0]; j++) {
            char target[128];
            (void)snprintf(target, sizeof target, "/api/events/%s%s", numbers[j], ends[i]);
            expect_status(&(struct http_request){ .target = target, .key = askers[AUDITOR].key },
                          404);
        }
}

/* ---- the server's own trail ---- */

static void
nobody_writes_to_the_trail_tally(void **state)
{
    (void)state;
    const enum asker writers[] = { ADMIN, WRITER };
    for (size_t i = 0; i < 2; i++)
        expect_status(&(struct http_request){ .method = "POST",
                                              .target = "/api/events?trail=tally",
                                              .key = askers[writers[i]].key,
                                              .headers = "Content-Type: application/json\r\n",
                                              .body = bytes_text(EVENT) },
                      403);
    expect_status(
        &(struct http_request){ .target = "/api/events?trail=tally", .key = askers[AUDITOR].key },
        200);
}

/* ---- public checkpoints ---- */

static void
a_public_checkpoint_is_for_anyone(void **state)
{
    (void)state;
    const struct {
        const char *trail;
        enum asker asker;
        unsigned status;
    } rows[] = {
        { "open", NO_KEY, 200 },  { "open", WRONG_KEY, 401 }, /* who brings a key is told that it is none */
        { "open", AUDITOR, 200 }, { "open", WRITER, 403 },    { "main", NO_KEY, 401 },
        { "none", NO_KEY, 401 },  { "main", AUDITOR, 200 },   { "open", AUDITOR_OF_OTHER, 404 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/trails/%s/checkpoint", rows[i].trail);
        expect_status(&(struct http_request){ .target = target, .key = askers[rows[i].asker].key },
                      rows[i].status);
    }
    expect_status(&(struct http_request){ .target = "/api/trails/open" }, 401);
}

/* ---- request ids ---- */

static void
a_request_id_is_kept_if_it_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        bool kept;
    } rows[] = {
        { "abc-123", true },
        { "A.b_c:d-9", true },
        { "0123456789012345678901234567890123456789012345678901234567890123", true },
        { "01234567890123456789012345678901234567890123456789012345678901234", false },
        { "", false },
        { "a b", false },
        { "a\"b", false },
        { "<b>", false },
        { "\xc3\xa4", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128];
        (void)snprintf(header, sizeof header, "X-Request-Id: %s\r\n", rows[i].sent);
        struct talk exchange;
        talk_begin(&stage, &(struct http_request){ .target = "/api/events", .headers = header },
                   &exchange);
        struct bytes id = http_header(&exchange.answer, "X-Request-Id");
        if (rows[i].kept != bytes_is(id, rows[i].sent))
            fail_msg("\"%s\" became \"%.*s\"", rows[i].sent, BYTES_ARG(id));
        check_headers(&exchange.answer, "/api/events");
        talk_end(&exchange);
    }
}

/* ---- keys that are brought in other ways ---- */

static void
a_key_is_taken_from_its_header_only(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind; /* of the key, in a header line */
        unsigned status;
    } rows[] = {
        { "Authorization: Bearer ", "", 200 },
        { "Authorization: bearer   ", "", 200 },
        { "authorization: BEARER ", " ", 200 },
        { "Authorization: ", "", 401 },
        { "Authorization: Basic ", "", 401 },
        { "Authorization: Bearer", "", 401 },
        { "Authorization: Bearer ", "A", 401 },
        { "Authorization: Bearer x ", "", 401 },
        { "X-Api-Key: ", "", 401 },
        { "Cookie: session=", "", 401 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[256];
        (void)snprintf(header, sizeof header, "%s%s%s\r\n", rows[i].before, stage.admin,
                       rows[i].behind);
        expect_status(&(struct http_request){ .target = "/api/events", .headers = header },
                      rows[i].status);
    }
}

/* ---- too many wrong keys ---- */

static void
an_address_that_tries_keys_has_to_wait(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    stage_start(&stage, (const char *const[]){ "TALLY_ACCESS_FAILURES_PER_MINUTE=3",
                                               "TALLY_ACCESS_REQUESTS_PER_MINUTE=5", NULL });
    /* Without a key nothing is tried. */
    for (unsigned i = 0; i < 5; i++)
        expect_status(&(struct http_request){ .target = "/api/events" }, 401);
    for (unsigned i = 0; i < 3; i++)
        expect_status(
            &(struct http_request){ .target = "/api/events", .key = askers[WRONG_KEY].key }, 401);
    struct talk exchange;
    talk_begin(&stage,
               &(struct http_request){ .target = "/api/events", .key = askers[WRONG_KEY].key },
               &exchange);
    assert_int_equal(exchange.answer.status, 429);
    assert_int_equal(count_headers(&exchange.answer, "Retry-After"), 1);
    assert_non_null(http_header(&exchange.answer, "RateLimit").data);
    talk_end(&exchange);
}

static void
a_key_that_asks_too_often_has_to_wait(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    stage_start(&stage, (const char *const[]){ "TALLY_ACCESS_REQUESTS_PER_MINUTE=5", NULL });
    const struct http_request request = { .target = "/api/trails", .key = askers[AUDITOR].key };
    for (unsigned i = 0; i < 5; i++)
        expect_status(&request, 200);
    struct talk exchange;
    talk_begin(&stage, &request, &exchange);
    assert_int_equal(exchange.answer.status, 429);
    assert_int_equal(count_headers(&exchange.answer, "Retry-After"), 1);
    struct bytes after = http_header(&exchange.answer, "Retry-After");
    assert_true(after.size > 0 && !bytes_is(after, "0"));
    talk_end(&exchange);
    expect_status(&(struct http_request){ .target = "/api/trails", .key = stage.admin }, 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_with_every_key),
        cmocka_unit_test(the_open_routes_are_few),
        cmocka_unit_test(unknown_paths),
        cmocka_unit_test(wrong_methods),
        cmocka_unit_test(a_trail_one_may_not_use_is_not_there),
        cmocka_unit_test(an_entry_that_is_not_there),
        cmocka_unit_test(nobody_writes_to_the_trail_tally),
        cmocka_unit_test(a_public_checkpoint_is_for_anyone),
        cmocka_unit_test(a_request_id_is_kept_if_it_is_one),
        cmocka_unit_test(a_key_is_taken_from_its_header_only),
        cmocka_unit_test(an_address_that_tries_keys_has_to_wait),
        cmocka_unit_test(a_key_that_asks_too_often_has_to_wait),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
