/*
 * The words of events and questions come from the same short lists, so that most questions find
 * something and few find all. Texts hold no wildcards of either language.
 *
 * A filter's term is false where the field is absent, and its negation true; in SQL both are NULL. So
 * each condition is written to be true or false, never NULL.
 */
#include "twin.h"

#include "clock.h"
#include "fixture.h"

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const actions[] = { "user.login", "user.logout", "report.create", "report.read",
                                       "Report.Read" };
static const char *const users[] = { "u1", "u2", "Zoë", "alice@example.org", "O'Brien", "u10" };
static const char *const words[] = { "Refused", "timeout", "upstream", "untimed",
                                     "Grüße",   "retry",   "quota",    "x" };
static const char *const statuses[] = { "success", "failure", "error" };
static const char *const severities[] = { "low", "medium", "high", "critical" };
static const char *const networks[] = { "10.0.0", "10.0.7", "192.168.1", "172.16.0" };
static const char *const roles[] = { "admin", "viewer", "editor" };

static uint64_t
below(uint64_t *random, uint64_t limit)
{
    return fixture_random(random) % limit;
}

#define PICK(random, list) ((list)[below((random), COUNT_OF(list))])

/* One of many, rare ones being most of them. */
static unsigned
rare(uint64_t *random)
{
    return (unsigned)(below(random, 4) == 0 ? below(random, 10) : below(random, 5000));
}

/* A UUID by its number. */
static void
put_uuid(struct buffer *out, uint64_t number)
{
    uint64_t seed = number + 77;
    uint64_t a = fixture_random(&seed), b = fixture_random(&seed);
    buffer_format(out, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
                  (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52),
                  (unsigned long long)(b & 0xffffffffffff));
}

/*
 * Events.
 */

static void
put_details(uint64_t *random, struct buffer *out)
{
    buffer_format(out, ",\"details\":{\"n\":%u,\"ratio\":%u.%u,\"note\":\"%s %s %u\"", rare(random),
                  (unsigned)below(random, 20), (unsigned)below(random, 10), PICK(random, words),
                  PICK(random, words), rare(random));
    if (below(random, 2) == 0)
        buffer_format(out, ",\"order\":{\"ref\":\"R-%u\",\"tags\":[\"t%u\",[[\"t%u\"]]]}",
                      rare(random), (unsigned)below(random, 4), (unsigned)below(random, 4));
    if (below(random, 3) == 0)
        buffer_format(out, ",\"port\":\"%u\"", (unsigned)below(random, 30));
    if (below(random, 5) == 0)
        buffer_text(out, ",\"flag\":true,\"nothing\":null");
    buffer_byte(out, '}');
}

static void
put_result(uint64_t *random, struct buffer *out)
{
    if (below(random, 2) == 0)
        buffer_format(out, ",\"status\":\"%s\"", PICK(random, statuses));
    if (below(random, 2) == 0)
        buffer_format(out, ",\"status_code\":%u", 200 + 100 * (unsigned)below(random, 4));
    if (below(random, 3) > 0)
        buffer_format(out, ",\"response_time_ms\":%u.%u", (unsigned)below(random, 300),
                      (unsigned)below(random, 10));
    if (below(random, 4) == 0)
        buffer_format(out, ",\"severity\":\"%s\"", PICK(random, severities));
    if (below(random, 4) == 0)
        buffer_format(out, ",\"error_message\":\"%s: %s\"", PICK(random, words),
                      PICK(random, words));
}

/* Most in order, some late, some equal, some of the future. */
static void
put_time(uint64_t *random, uint64_t id, struct buffer *out)
{
    char text[INSTANT_TEXT_MAX];
    int64_t ns = INT64_C(1767225600) * CLOCK_SECOND + (int64_t)(id / 3) * 997000;
    if (below(random, 20) == 0)
        ns -= (int64_t)below(random, 100000) * CLOCK_SECOND;
    if (below(random, 200) == 0)
        ns += INT64_C(200) * 365 * 86400 * CLOCK_SECOND / 4;
    size_t size = instant_format(ns, 6, text);
    buffer_format(out, ",\"timestamp\":\"%.*s\"", (int)size, text);
}

void
twin_event(uint64_t *random, uint64_t id, struct buffer *out)
{
    buffer_format(out, "{\"action\":\"%s\",\"id\":\"", PICK(random, actions));
    put_uuid(out, id);
    buffer_byte(out, '"');
    put_time(random, id, out);
    if (below(random, 4) > 0)
        buffer_format(out, ",\"user_id\":\"%s\"", PICK(random, users));
    else
        buffer_format(out, ",\"user_id\":\"rare-%u\"", rare(random));
    if (below(random, 2) == 0)
        buffer_format(out, ",\"resource_type\":\"report\",\"resource_id\":\"rep%u\"", rare(random));
    if (below(random, 2) == 0) {
        buffer_text(out, ",\"request_id\":\"");
        put_uuid(out, 1000000 + rare(random));
        buffer_byte(out, '"');
    }
    if (below(random, 2) == 0)
        buffer_format(out, ",\"ip_address\":\"%s.%u\"", PICK(random, networks),
                      (unsigned)below(random, 256));
    if (below(random, 3) == 0)
        buffer_format(out, ",\"message\":\"%s %u %s\"", PICK(random, words), rare(random),
                      PICK(random, words));
    put_result(random, out);
    if (below(random, 3) > 0)
        put_details(random, out);
    if (below(random, 6) == 0)
        buffer_format(out, ",\"changes\":{\"role\":{\"before\":\"%s\",\"after\":\"%s\"}}",
                      PICK(random, roles), PICK(random, roles));
    buffer_byte(out, '}');
}

/*
 * Terms. Each writes both.
 */

/* A text in SQL's quotes. */
static void
put_sql_text(struct buffer *out, const char *text)
{
    buffer_byte(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_byte(out, '\'');
        buffer_byte(out, (uint8_t)*text);
    }
    buffer_byte(out, '\'');
}

/* field:"text", as it is. */
static void
term_equal(struct twin *twin, const char *field, const char *text)
{
    buffer_format(&twin->filter, "%s:\"%s\"", field, text);
    buffer_format(&twin->sql, "coalesce(\"%s\" = ", field);
    put_sql_text(&twin->sql, text);
    buffer_text(&twin->sql, ", 0)");
}

static void
term_exact(uint64_t *random, struct twin *twin)
{
    char text[64];
    switch (below(random, 7)) {
    case 0:
        term_equal(twin, "action", PICK(random, actions));
        return;
    case 1:
        term_equal(twin, "user_id", PICK(random, users));
        return;
    case 2:
        (void)snprintf(text, sizeof text, "rare-%u", rare(random));
        term_equal(twin, "user_id", text);
        return;
    case 3:
        (void)snprintf(text, sizeof text, "rep%u", rare(random));
        term_equal(twin, "resource_id", text);
        return;
    case 4: {
        struct buffer uuid = { 0 };
        put_uuid(&uuid, 1000000 + rare(random));
        buffer_byte(&uuid, 0);
        term_equal(twin, "request_id", (const char *)uuid.data);
        buffer_free(&uuid);
        return;
    }
    case 5: {
        struct buffer uuid = { 0 };
        put_uuid(&uuid, below(random, 30000));
        buffer_byte(&uuid, 0);
        term_equal(twin, "id", (const char *)uuid.data);
        buffer_free(&uuid);
        return;
    }
    default:
        term_equal(twin, "status", PICK(random, statuses));
        return;
    }
}

static void
term_list(uint64_t *random, struct twin *twin)
{
    unsigned a = rare(random), b = rare(random);
    buffer_format(&twin->filter, "user_id:u2,rare-%u,rare-%u", a, b);
    buffer_format(&twin->sql, "coalesce(user_id IN ('u2', 'rare-%u', 'rare-%u'), 0)", a, b);
}

/* With stars; the other language's are `*`, too, in GLOB. */
static void
term_wildcard(uint64_t *random, struct twin *twin)
{
    static const struct {
        const char *field, *pattern;
    } rows[] = {
        { "action", "user.*" },       { "action", "*.read" },         { "user_id", "*@example.*" },
        { "resource_id", "rep1*" },   { "user_id", "rare-4*7" },      { "message", "*timeout*" },
        { "message", "*Refused*1*" }, { "error_message", "quota:*" }, { "request_id", "*-4a*" },
        { "ip_address", "10.0.*.1" },
    };
    size_t i = below(random, COUNT_OF(rows));
    buffer_format(&twin->filter, "%s:%s", rows[i].field, rows[i].pattern);
    buffer_format(&twin->sql, "coalesce(\"%s\" GLOB '%s', 0)", rows[i].field, rows[i].pattern);
}

static void
term_range(uint64_t *random, struct twin *twin)
{
    unsigned low = (unsigned)below(random, 300), high = low + (unsigned)below(random, 100);
    switch (below(random, 4)) {
    case 0:
        buffer_format(&twin->filter, "response_time_ms:%u..%u", low, high);
        buffer_format(&twin->sql, "coalesce(response_time_ms BETWEEN %u AND %u, 0)", low, high);
        return;
    case 1:
        buffer_format(&twin->filter, "response_time_ms:>%u.5", low);
        buffer_format(&twin->sql, "coalesce(response_time_ms > %u.5, 0)", low);
        return;
    case 2:
        buffer_text(&twin->filter, "status_code:>=400");
        buffer_text(&twin->sql, "coalesce(status_code >= 400, 0)");
        return;
    default:
        buffer_text(&twin->filter, "status_code:200,500");
        buffer_text(&twin->sql, "coalesce(status_code IN (200, 500), 0)");
        return;
    }
}

static void
term_time(uint64_t *random, struct twin *twin)
{
    char first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
    int64_t ns = INT64_C(1767225600) * CLOCK_SECOND + (int64_t)below(random, 8000) * 997000;
    size_t a = instant_format(ns, 6, first);
    size_t b = instant_format(ns + (int64_t)below(random, 3000000) * 1000, 6, last);
    if (below(random, 4) == 0) {
        buffer_format(&twin->filter, "timestamp:<%.*s", (int)a, first);
        buffer_format(&twin->sql, "timestamp < '%.*s'", (int)a, first);
        return;
    }
    buffer_format(&twin->filter, "timestamp:%.*s..%.*s", (int)a, first, (int)b, last);
    buffer_format(&twin->sql, "timestamp BETWEEN '%.*s' AND '%.*s'", (int)a, first, (int)b, last);
}

static void
term_network(uint64_t *random, struct twin *twin)
{
    if (below(random, 2) == 0) {
        buffer_text(&twin->filter, "ip_address:10.0.0.0/16");
        buffer_text(&twin->sql, "coalesce(ip_address GLOB '10.0.*', 0)");
        return;
    }
    unsigned last = (unsigned)below(random, 256);
    const char *network = PICK(random, networks);
    buffer_format(&twin->filter, "ip:::ffff:%s.%u", network, last);
    buffer_format(&twin->sql, "coalesce(ip_address = '%s.%u', 0)", network, last);
}

static void
term_present(uint64_t *random, struct twin *twin)
{
    static const char *const names[] = { "user_id",  "status_code", "message", "request_id",
                                         "severity", "details",     "changes" };
    const char *name = PICK(random, names);
    buffer_format(&twin->filter, "%s:*", name);
    buffer_format(&twin->sql, "\"%s\" IS NOT NULL", name);
}

/* The values at a path: one, or an array's. */
#define AT(path) "EXISTS (SELECT 1 FROM json_each(coalesce(details, '{}'), '" path "') WHERE "

/* Those of arrays in it, too. */
#define WITHIN(path) "EXISTS (SELECT 1 FROM json_tree(coalesce(details, '{}'), '" path "') WHERE "

static void
term_member(uint64_t *random, struct twin *twin)
{
    unsigned n = rare(random), port = (unsigned)below(random, 30);
    switch (below(random, 9)) {
    case 0:
        buffer_format(&twin->filter, "details.n:%u", n);
        buffer_format(&twin->sql, AT("$.n") "value = %u)", n);
        return;
    case 1:
        buffer_format(&twin->filter, "details.n:>=%u", n);
        buffer_format(&twin->sql, AT("$.n") "value >= %u)", n);
        return;
    case 2:
        buffer_format(&twin->filter, "details.ratio:%u", port);
        buffer_format(&twin->sql, AT("$.ratio") "value = %u)", port);
        return;
    case 3:
        buffer_format(&twin->filter, "details.order.ref:R-%u", n);
        buffer_format(&twin->sql, AT("$.order.ref") "value = 'R-%u')", n);
        return;
    case 4:
        buffer_format(&twin->filter, "details.order.tags:t%u", n % 4);
        buffer_format(&twin->sql, WITHIN("$.order.tags") "atom = 't%u')", n % 4);
        return;
    case 5: /* a bare number is a text of the same spelling, too */
        buffer_format(&twin->filter, "details.port:%u", port);
        buffer_format(&twin->sql, AT("$.port") "value = '%u')", port);
        return;
    case 6:
        buffer_format(&twin->filter, "details.note:\"%s %s %u\"", words[n % 8], words[n / 8 % 8],
                      n);
        buffer_format(&twin->sql, AT("$.note") "value = '%s %s %u')", words[n % 8],
                      words[n / 8 % 8], n);
        return;
    case 7:
        buffer_text(&twin->filter, "details.nothing:*");
        buffer_text(&twin->sql, "json_type(coalesce(details, '{}'), '$.nothing') IS NOT NULL");
        return;
    default:
        buffer_text(&twin->filter, "details.flag:true");
        buffer_text(&twin->sql, AT("$.flag") "type = 'true')");
        return;
    }
}

static void
term_change(uint64_t *random, struct twin *twin)
{
    const char *role = PICK(random, roles);
    if (below(random, 3) == 0) {
        buffer_text(&twin->filter, "changes.role:*");
        buffer_text(&twin->sql, "json_type(coalesce(changes, '{}'), '$.role') IS NOT NULL");
        return;
    }
    buffer_format(&twin->filter, "changes.role:%s", role);
    buffer_format(
        &twin->sql,
        "coalesce(changes ->> '$.role.before' = '%s' OR changes ->> '$.role.after' = '%s', 0)",
        role, role);
}

/* Free text: every field that is a text, and each string and number within the objects. SQLite's
 * lower() knows ASCII only; so does this list. */
static void
term_text(uint64_t *random, struct twin *twin)
{
    static const struct {
        const char *asked, *lower;
    } rows[] = {
        { "timeout", "timeout" },
        { "TIMED", "timed" },
        { "\"refused up\"", "refused up" },
        { "\"quota: retry\"", "quota: retry" },
        { "example", "example" },
        { "stream", "stream" },
        { "\"upstream 7 \"", "upstream 7 " },
        { "R-17", "r-17" },
        { "rare-2", "rare-2" },
        { "editor", "editor" },
        { "nowhere", "nowhere" },
    };
    static const char *const texts[] = { "action",  "user_id",       "resource_type", "resource_id",
                                         "message", "error_message", "ip_address",    "request_id",
                                         "status",  "severity",      "writer",        "id" };
    size_t i = below(random, COUNT_OF(rows));
    buffer_text(&twin->filter, rows[i].asked);
    buffer_byte(&twin->sql, '(');
    for (size_t j = 0; j < COUNT_OF(texts); j++)
        buffer_format(&twin->sql, "instr(lower(coalesce(\"%s\", '')), '%s') > 0 OR ", texts[j],
                      rows[i].lower);
    for (unsigned j = 0; j < 2; j++)
        buffer_format(&twin->sql,
                      "EXISTS (SELECT 1 FROM json_tree(coalesce(%s, '{}')) WHERE type IN ('text', "
                      "'integer', 'real') AND instr(lower(atom), '%s') > 0)%s",
                      j == 0 ? "details" : "changes", rows[i].lower, j == 0 ? " OR " : ")");
}

static void
put_term(uint64_t *random, struct twin *twin)
{
    static void (*const terms[])(uint64_t *, struct twin *) = {
        term_exact,   term_exact,   term_exact,  term_list,   term_wildcard, term_range, term_time,
        term_network, term_present, term_member, term_member, term_change,   term_text,  term_text,
    };
    if (below(random, 4) == 0) {
        buffer_byte(&twin->filter, '-');
        buffer_text(&twin->sql, "NOT ");
    }
    PICK(random, terms)(random, twin);
}

/* (a OR b): one item of a list. */
static void
put_either(uint64_t *random, struct twin *twin)
{
    buffer_byte(&twin->filter, '(');
    buffer_byte(&twin->sql, '(');
    put_term(random, twin);
    buffer_text(&twin->filter, " OR ");
    buffer_text(&twin->sql, " OR ");
    put_term(random, twin);
    buffer_byte(&twin->filter, ')');
    buffer_byte(&twin->sql, ')');
}

void
twin_make(uint64_t *random, struct twin *twin_out)
{
    struct twin twin = { 0 };
    unsigned count = 1 + (unsigned)below(random, 3);
    for (unsigned i = 0; i < count; i++) {
        if (i > 0) {
            buffer_byte(&twin.filter, ' ');
            buffer_text(&twin.sql, " AND ");
        }
        if (below(random, 4) == 0)
            put_either(random, &twin);
        else
            put_term(random, &twin);
    }
    buffer_byte(&twin.filter, 0);
    buffer_byte(&twin.sql, 0);
    *twin_out = twin;
}

void
twin_finish(struct twin *twin)
{
    buffer_free(&twin->filter);
    buffer_free(&twin->sql);
}
