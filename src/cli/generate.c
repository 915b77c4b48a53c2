#include "generate.h"

#include "clock.h"
#include "fault.h"
#include "uuid.h"

#include <stdlib.h>

#define ENDPOINTS_PER_TYPE 15u /* of 20 types: 300 */
#define USER_AGENTS        200u
#define RARE_FIRST         10000u

/* 2026-01-01T00:00:00Z */
#define FIRST_TIME (INT64_C(1767225600) * CLOCK_SECOND)

/* What is done, to what: a row an action. */
struct deed {
    const char *action;
    const char *resource_type;
    const char *method;
    const char *crud; /* U: it has changes */
};

static const struct deed deeds[40] = {
    { "user.login", "session", "POST", NULL },
    { "user.logout", "session", "DELETE", NULL },
    { "user.register", "user", "POST", "C" },
    { "user.profile_update", "user", "PATCH", "U" },
    { "user.password_change", "user", "PUT", "U" },
    { "document.read", "document", "GET", "R" },
    { "document.create", "document", "POST", "C" },
    { "document.update", "document", "PUT", "U" },
    { "document.delete", "document", "DELETE", "D" },
    { "document.share", "document", "POST", "U" },
    { "report.read", "report", "GET", "R" },
    { "report.create", "report", "POST", "C" },
    { "report.approve", "report", "POST", "U" },
    { "report.reject", "report", "POST", "U" },
    { "invoice.read", "invoice", "GET", "R" },
    { "invoice.create", "invoice", "POST", "C" },
    { "invoice.update", "invoice", "PATCH", "U" },
    { "payment.capture", "payment", "POST", "C" },
    { "payment.refund", "payment", "POST", "U" },
    { "order.read", "order", "GET", "R" },
    { "order.create", "order", "POST", "C" },
    { "order.update", "order", "PATCH", "U" },
    { "shipment.cancel", "shipment", "POST", "U" },
    { "customer.read", "customer", "GET", "R" },
    { "customer.update", "customer", "PUT", "U" },
    { "ticket.create", "ticket", "POST", "C" },
    { "ticket.update", "ticket", "PATCH", "U" },
    { "ticket.close", "ticket", "POST", "U" },
    { "role.change", "role", "PUT", "U" },
    { "permission.grant", "permission", "POST", "U" },
    { "api_key.create", "api_key", "POST", "C" },
    { "api_key.revoke", "api_key", "DELETE", "D" },
    { "config.update", "setting", "PUT", "U" },
    { "file.read", "file", "GET", "R" },
    { "file.upload", "file", "POST", "C" },
    { "project.read", "project", "GET", "R" },
    { "team.update", "team", "PUT", "U" },
    { "search.run", "search", "GET", "R" },
    { "webhook.create", "webhook", "POST", "C" },
    { "deployment.start", "deployment", "POST", "C" },
};

static const char *const words[64] = {
    "account",  "after",   "already", "amount",  "and",     "approved", "archive",  "balance",
    "because",  "billing", "by",      "change",  "checked", "client",   "complete", "contract",
    "customer", "date",    "delayed", "details", "draft",   "email",    "entry",    "error",
    "file",     "final",   "for",     "from",    "in",      "invoice",  "is",       "item",
    "late",     "list",    "missing", "monthly", "new",     "note",     "number",   "of",
    "on",       "order",   "owner",   "paid",    "pending", "please",   "policy",   "quarter",
    "quota",    "reason",  "region",  "request", "review",  "sent",     "shared",   "status",
    "team",     "the",     "to",      "updated", "version", "was",      "with",     "yearly",
};

static const char *const detail_names[8] = {
    "channel", "attempts", "note", "region", "amount", "currency", "duration_ms", "comment",
};

static const char *const regions[8] = { "eu-central-1", "eu-west-1", "us-east-1",  "us-west-2",
                                        "ap-south-1",   "sa-east-1", "af-south-1", "me-south-1" };

static const char *const states[4] = { "draft", "pending", "approved", "archived" };

tally_status
generator_init(struct generator *generator, uint64_t seed, struct tally_error *error)
{
    uint32_t *ranks = calloc(GENERATE_USERS, sizeof *ranks);
    if (ranks == NULL)
        return memory_fault(error);

    /* Zipf's law with exponent 1: the user of rank r has the weight 1/r. */
    uint32_t sum = 0;
    for (uint32_t rank = 1; rank <= GENERATE_USERS; rank++) {
        sum += UINT32_C(100000000) / rank;
        ranks[rank - 1] = sum;
    }
    *generator = (struct generator){
        .state = seed,
        .time = FIRST_TIME,
        .pace = 1,
        .ranks = ranks,
        .weights = sum,
    };
    return TALLY_OK;
}

void
generator_finish(struct generator *generator)
{
    free(generator->ranks);
    *generator = (struct generator){ 0 };
}

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t
next(struct generator *generator)
{
    uint64_t z = generator->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t
below(struct generator *generator, uint32_t count)
{
    return (uint32_t)((next(generator) >> 32) * count >> 32);
}

static uint32_t
pick_user(struct generator *generator)
{
    uint32_t point = (uint32_t)(next(generator) % generator->weights);
    uint32_t low = 0;
    uint32_t high = GENERATE_USERS - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (generator->ranks[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void
put_uuid(struct generator *generator, const char *name, struct buffer *out)
{
    uint8_t uuid[16];
    uint64_t halves[2] = { next(generator), next(generator) };
    put_u64(uuid, halves[0]);
    put_u64(uuid + 8, halves[1]);
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
    char text[UUID_TEXT_SIZE];
    uuid_format(uuid, text);
    buffer_format(out, ",\"%s\":\"%.*s\"", name, UUID_TEXT_SIZE, text);
}

static void
put_words(struct generator *generator, uint32_t count, struct buffer *out)
{
    for (uint32_t i = 0; i < count; i++)
        buffer_format(out, "%s%s", i == 0 ? "" : " ", words[below(generator, 64)]);
    if (generator->rare)
        buffer_text(out, " " GENERATE_RARE);
    generator->rare = false;
}

/* One member of details, by its place in detail_names. */
static void
put_detail(struct generator *generator, uint32_t which, struct buffer *out)
{
    buffer_format(out, "\"%s\":", detail_names[which]);
    switch (which) {
    case 0:
        buffer_text(out, below(generator, 3) == 0 ? "\"mobile\"" : "\"web\"");
        break;
    case 1:
    case 6:
        buffer_decimal(out, 1 + below(generator, which == 1 ? 5 : 4000));
        break;
    case 3:
        buffer_format(out, "\"%s\"", regions[below(generator, 8)]);
        break;
    case 4:
        buffer_format(out, "%u.%02u", below(generator, 2000), below(generator, 100));
        break;
    case 5:
        buffer_text(out, below(generator, 2) == 0 ? "\"EUR\"" : "\"USD\"");
        break;
    default:
        buffer_byte(out, '"');
        put_words(generator, 4 + below(generator, 5), out);
        buffer_byte(out, '"');
        break;
    }
}

/* 3 to 6 of the 8, in their order. */
static void
put_details(struct generator *generator, struct buffer *out)
{
    uint32_t wanted = 3 + below(generator, 4);
    buffer_text(out, ",\"details\":{");
    bool first = true;
    for (uint32_t i = 0; i < 8; i++) {
        /* Of those left, each is as likely as another. */
        if (below(generator, 8 - i) >= wanted)
            continue;
        wanted--;
        if (!first)
            buffer_byte(out, ',');
        first = false;
        put_detail(generator, i, out);
    }
    buffer_byte(out, '}');
}

static void
put_changes(struct generator *generator, struct buffer *out)
{
    uint32_t before = below(generator, 4);
    buffer_format(out, ",\"changes\":{\"state\":{\"before\":\"%s\",\"after\":\"%s\"}}",
                  states[before], states[(before + 1 + below(generator, 3)) % 4]);
}

/* A user has one of a few agents and addresses, one session a while. */
static void
put_who(struct generator *generator, uint32_t user, struct buffer *out)
{
    uint32_t agent = (user * 7919u + below(generator, 2)) % USER_AGENTS;
    buffer_format(out, ",\"user_id\":\"user-%06u\",\"session_id\":\"%06u-%u\"", user, user,
                  below(generator, 8));
    buffer_format(out, ",\"ip_address\":\"10.%u.%u.%u\"", user % 200, user / 200 % 250,
                  1 + below(generator, 2));
    buffer_format(out, ",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:%u.0) Firefox/%u.%u\"",
                  90 + agent / 5, 90 + agent / 5, agent % 5);
}

static void
put_what(struct generator *generator, const struct deed *deed, struct buffer *out)
{
    uint32_t endpoint = below(generator, ENDPOINTS_PER_TYPE);
    buffer_format(out, ",\"action\":\"%s\",\"resource_type\":\"%s\",\"resource_id\":\"%s-%u\"",
                  deed->action, deed->resource_type, deed->resource_type,
                  below(generator, 1000000));
    buffer_format(out, ",\"method\":\"%s\",\"endpoint\":\"/api/v%u/%s/%s\"", deed->method,
                  1 + endpoint % 3, deed->resource_type, words[endpoint / 3]);
}

static void
put_result(struct generator *generator, struct buffer *out)
{
    uint32_t luck = below(generator, 100);
    if (luck < 95)
        buffer_text(out, ",\"status\":\"success\",\"status_code\":200");
    else if (luck < 99)
        buffer_text(out, ",\"status\":\"failure\",\"status_code\":403");
    else
        buffer_text(out, ",\"status\":\"error\",\"status_code\":500,"
                         "\"error_message\":\"upstream timed out\"");
    uint32_t fast = 1 + below(generator, 40);
    uint32_t slow = below(generator, 20) == 0 ? below(generator, 3000) : 0;
    buffer_format(out, ",\"response_time_ms\":%u.%u", fast + slow, below(generator, 10));
}

void
generator_event(struct generator *generator, struct buffer *out)
{
    generator->time += 1000 * (int64_t)(500 + below(generator, 9000)) * generator->pace;
    if (++generator->made % GENERATE_RARE_EVERY == RARE_FIRST)
        generator->rare = true;
    char time[INSTANT_TEXT_MAX];
    size_t size = instant_format(generator->time, 6, time);
    buffer_format(out, "{\"timestamp\":\"%.*s\"", (int)size, time);

    const struct deed *deed = &deeds[below(generator, sizeof deeds / sizeof deeds[0])];
    put_uuid(generator, "id", out);
    put_uuid(generator, "request_id", out);
    put_who(generator, pick_user(generator), out);
    put_what(generator, deed, out);
    put_result(generator, out);
    put_details(generator, out);
    if (deed->crud != NULL && deed->crud[0] == 'U')
        put_changes(generator, out);
    buffer_byte(out, '}');
}
