#include "routes.h"

#include "excerpt.h"
#include "reading.h"
#include "summary.h"

#include <assert.h>
#include <stdio.h>

/* ---- what routes take beside a filter ---- */

#define TRAIL                                                                            \
    {                                                                                    \
        .name = "trail", .type = PARAMETER_TEXT, .standard = "main", .text = "the trail" \
    }
#define CONTROL                                                       \
    {                                                                 \
        .name = "control", .type = PARAMETER_FLAG,                    \
        .text = "control entries, too: what the trail says of itself" \
    }
#define EXPLAIN                                                                     \
    {                                                                               \
        .name = "explain", .type = PARAMETER_FLAG,                                  \
        .text = "what the question took, too: runs and pages, how terms were asked" \
    }
#define CURSOR                                                                 \
    {                                                                          \
        .name = "cursor", .type = PARAMETER_TEXT,                              \
        .text = "the `next` of the page before, with everything else the same" \
    }
#define END          \
    {                \
        .name = NULL \
    }

static const char *const orders[] = { "-time", "time", "index", "-index", NULL };
static const char *const counts[] = { "exact", NULL };
static const char *const forms[] = { "evidence", NULL };
static const char *const formats[] = { "csv", "ndjson", "evidence", NULL };

static const struct parameter trail_only[] = { TRAIL, END };

static const struct parameter list_parameters[] = {
    TRAIL,
    { .name = "limit",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = EXCERPT_LIMIT_MAX,
      .standard = "50",
      .text = "entries on a page" },
    CURSOR,
    { .name = "order",
      .type = PARAMETER_WORD,
      .words = orders,
      .standard = "-time",
      .text = "newest first, oldest first, by index, by index down" },
    CONTROL,
    { .name = "count",
      .type = PARAMETER_WORD,
      .words = counts,
      .text = "`total`, too: how many entries match" },
    EXPLAIN,
    END,
};

static const struct parameter show_parameters[] = {
    TRAIL,
    { .name = "form",
      .type = PARAMETER_WORD,
      .words = forms,
      .text = "with all that proves the entry, for a check without this server" },
    END,
};

static const struct parameter around_parameters[] = {
    TRAIL,
    { .name = "limit",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = EXCERPT_LIMIT_MAX,
      .standard = "50",
      .text = "entries in all, half of them before it" },
    END,
};

static const struct parameter stats_parameters[] = {
    TRAIL,
    { .name = "by",
      .type = PARAMETER_TEXT,
      .text = "count by this field's values, or by the pairs of two: `action,status`" },
    { .name = "top",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = SUMMARY_TOP_MAX,
      .standard = "10",
      .text = "values that are named, most frequent first" },
    { .name = "interval",
      .type = PARAMETER_TEXT,
      .text =
          "count over time, with `by` by values too: a number and s, m, h, d or w, such as 1h" },
    { .name = "percentiles",
      .type = PARAMETER_TEXT,
      .text = "exact percentiles of a field of numbers: `response_time_ms`, `status_code`" },
    { .name = "ranks",
      .type = PARAMETER_TEXT,
      .standard = "50,90,95,99",
      .text = "which percentiles, at most 16" },
    { .name = "distinct",
      .type = PARAMETER_TEXT,
      .text = "how many different values these fields have: `user_id,ip_address`, at most 8" },
    CONTROL,
    EXPLAIN,
    END,
};

static const struct parameter export_parameters[] = {
    TRAIL,
    { .name = "format",
      .type = PARAMETER_WORD,
      .words = formats,
      .standard = "csv",
      .text = "of the file" },
    { .name = "raw",
      .type = PARAMETER_FLAG,
      .text = "CSV: texts exactly as they are, also those a spreadsheet would run" },
    CONTROL,
    END,
};

static const struct parameter tail_parameters[] = {
    TRAIL,
    { .name = "after",
      .type = PARAMETER_COUNT,
      .low = 0,
      .high = INT64_MAX,
      .text = "begin behind the entry with this index, as the header Last-Event-ID does" },
    { .name = "last",
      .type = PARAMETER_COUNT,
      .low = 0,
      .high = EXCERPT_LIMIT_MAX,
      .standard = "0",
      .text = "begin with so many of the entries that are there already" },
    CONTROL,
    END,
};

static const struct parameter verify_parameters[] = {
    TRAIL,
    { .name = "vkey",
      .type = PARAMETER_TEXT,
      .text = "the verification key to trust, not the one that the trail names" },
    { .name = "since",
      .type = PARAMETER_TEXT,
      .text = "a signed checkpoint of the trail kept elsewhere, to have grown out of" },
    END,
};

static const struct parameter logs_parameters[] = {
    TRAIL,
    { .name = "limit",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = EXCERPT_LIMIT_MAX,
      .standard = "50",
      .text = "entries on a page" },
    { .name = "page",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = LOGS_DEPTH_MAX,
      .text = "the page, counted from 1, up to 10,000 entries deep" },
    CURSOR,
    END,
};

/* These take five of the filter's names, and no filter. */
static const struct parameter audit_logs_parameters[] = {
    TRAIL,
    { .name = "user_id", .type = PARAMETER_TEXT, .text = "of this user" },
    { .name = "action", .type = PARAMETER_TEXT, .text = "with this action" },
    { .name = "resource_type", .type = PARAMETER_TEXT, .text = "to things of this kind" },
    { .name = "start_date", .type = PARAMETER_TIME, .text = "at this time or later" },
    { .name = "end_date", .type = PARAMETER_TIME, .text = "at this time or earlier" },
    { .name = "limit",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = EXCERPT_LIMIT_MAX,
      .standard = "100",
      .text = "rows at most" },
    END,
};

static const struct parameter user_logs_parameters[] = {
    TRAIL,
    { .name = "days",
      .type = PARAMETER_COUNT,
      .low = 1,
      .high = 90,
      .standard = "30",
      .text = "back from now" },
    END,
};

static const struct parameter keys_parameters[] = {
    { .name = "all",
      .type = PARAMETER_FLAG,
      .text = "also those that are revoked, and replaced ones that have run out" },
    END,
};

static const char *const receipts[] = { "full", NULL };

static const struct parameter record_parameters[] = {
    TRAIL,
    { .name = "partial",
      .type = PARAMETER_FLAG,
      .text = "store the good ones and list the others, instead of all or nothing" },
    { .name = "copies",
      .type = PARAMETER_FLAG,
      .text = "the events are entries of another trail: nothing is filled in" },
    { .name = "again",
      .type = PARAMETER_FLAG,
      .text = "they may have been stored before, however long ago: their ids are looked for in the "
              "whole trail" },
    { .name = "receipts",
      .type = PARAMETER_WORD,
      .words = receipts,
      .text = "a receipt for each event, also where there are many" },
    END,
};

/* ---- the table ---- */

const struct route routes[] = {
    { .method = METHOD_POST,
      .pattern = "/api/events",
      .who = WHO_WRITES,
      .where = RUN_HERE,
      .run = events_record,
      .name = "recordEvents",
      .summary = "Record events, durably before they are acknowledged",
      .parameters = record_parameters,
      .body = true },
    { .method = METHOD_GET,
      .pattern = "/api/events",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = events_list,
      .name = "listEvents",
      .summary = "The entries that match a filter, a page at a time",
      .parameters = list_parameters,
      .filter = true },
    { .method = METHOD_GET,
      .pattern = "/api/events/*",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = event_show,
      .name = "showEvent",
      .summary = "One entry, or all that proves it",
      .parameters = show_parameters },
    { .method = METHOD_GET,
      .pattern = "/api/events/*/proof",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = event_prove,
      .name = "proveEvent",
      .summary = "A file that proves one entry to who knows the verification key",
      .parameters = trail_only },
    { .method = METHOD_GET,
      .pattern = "/api/events/*/around",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = event_around,
      .name = "listAround",
      .summary = "What was before and after an entry in its request, session or user's day",
      .parameters = around_parameters },
    { .method = METHOD_GET,
      .pattern = "/api/stats",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = stats_show,
      .name = "showStats",
      .summary = "How many entries match: by fields, over time; percentiles, distinct values",
      .parameters = stats_parameters,
      .filter = true },
    { .method = METHOD_GET,
      .pattern = "/api/export",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = export_send,
      .name = "exportEvents",
      .summary = "All entries that match, as a file",
      .parameters = export_parameters,
      .filter = true },
    { .method = METHOD_GET,
      .pattern = "/api/tail",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = tail_follow,
      .name = "tailEvents",
      .summary = "New entries that match, as they come",
      .parameters = tail_parameters,
      .filter = true },
    { .method = METHOD_GET,
      .pattern = "/api/verify",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = verify_run,
      .name = "verifyTrail",
      .summary = "Recompute all that the trail claims; the last line is the verdict",
      .parameters = verify_parameters },
    { .method = METHOD_GET,
      .pattern = "/api/trails",
      .who = WHO_ALL_KEYS,
      .where = RUN_WORKER,
      .run = trails_list,
      .name = "listTrails",
      .summary = "The trails that the key may use" },
    { .method = METHOD_POST,
      .pattern = "/api/trails",
      .who = WHO_ADMIN,
      .where = RUN_WORKER,
      .run = trails_create,
      .name = "createTrail",
      .summary = "Make a trail with a key of its own",
      .body = true },
    { .method = METHOD_GET,
      .pattern = "/api/trails/*",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = trail_show,
      .name = "showTrail",
      .summary = "Origin, verification key, size, root and private fields of a trail" },
    { .method = METHOD_GET,
      .pattern = "/trails/*/checkpoint",
      .who = WHO_READS | WHO_PUBLIC,
      .where = RUN_WORKER,
      .run = checkpoint_show,
      .name = "showCheckpoint",
      .summary = "The newest signed checkpoint of a trail (C2SP tlog-checkpoint)" },
    { .method = METHOD_GET,
      .pattern = "/api/keys",
      .who = WHO_ADMIN,
      .where = RUN_WORKER,
      .run = keys_list,
      .name = "listKeys",
      .summary = "The API keys in service, or all there ever were",
      .parameters = keys_parameters },
    { .method = METHOD_POST,
      .pattern = "/api/keys",
      .who = WHO_ADMIN,
      .where = RUN_WORKER,
      .run = keys_create,
      .name = "createKey",
      .summary = "Make an API key, which is shown this once",
      .body = true },
    { .method = METHOD_POST,
      .pattern = "/api/keys/*/rotate",
      .who = WHO_ADMIN,
      .where = RUN_WORKER,
      .run = key_rotate,
      .name = "rotateKey",
      .summary = "Make a key that takes the place of another",
      .body = true },
    { .method = METHOD_DELETE,
      .pattern = "/api/keys/*",
      .who = WHO_ADMIN,
      .where = RUN_WORKER,
      .run = key_revoke,
      .name = "revokeKey",
      .summary = "Have a key open nothing from now on" },
    { .method = METHOD_GET,
      .pattern = "/api/doctor",
      .who = WHO_ADMIN,
      .where = RUN_WORKER,
      .run = doctor_show,
      .name = "showRisks",
      .summary = "What puts the data folder at risk, each with its cure" },
    { .method = METHOD_GET,
      .pattern = "/api/logs",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = logs_list,
      .name = "listLogs",
      .summary = "The list of entries with numbered pages",
      .parameters = logs_parameters,
      .filter = true },
    { .method = METHOD_GET,
      .pattern = "/audit-logs",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = audit_logs_list,
      .name = "listAuditLogs",
      .summary = "The newest entries as rows of eight members",
      .parameters = audit_logs_parameters },
    { .method = METHOD_GET,
      .pattern = "/audit-logs/user/*",
      .who = WHO_READS,
      .where = RUN_WORKER,
      .run = audit_logs_of_user,
      .name = "listAuditLogsOfUser",
      .summary = "A user's newest entries as rows of eight members",
      .parameters = user_logs_parameters },
    { .method = METHOD_GET,
      .pattern = "/livez",
      .who = WHO_ANYONE,
      .where = RUN_HERE,
      .run = live_show,
      .name = "showLife",
      .summary = "Whether the server lives: if not, restart it" },
    { .method = METHOD_GET,
      .pattern = "/readyz",
      .who = WHO_ANYONE,
      .where = RUN_HERE,
      .run = ready_show,
      .name = "showReadiness",
      .summary = "Whether the server takes work, or why not" },
    { .method = METHOD_GET,
      .pattern = "/metrics",
      .who = WHO_READS | WHO_LOOPBACK,
      .where = RUN_HERE,
      .run = metrics_show,
      .name = "showMetrics",
      .summary = "Counters, histograms and gauges for Prometheus" },
    { .method = METHOD_GET,
      .pattern = "/",
      .who = WHO_ANYONE,
      .where = RUN_HERE,
      .run = root_show,
      .name = "showRoot",
      .summary = "Where to begin: leads to /docs" },
    { .method = METHOD_GET,
      .pattern = "/openapi.json",
      .who = WHO_ANYONE,
      .where = RUN_HERE,
      .run = openapi_show,
      .name = "showOpenAPI",
      .summary = "This interface as an OpenAPI 3.1 document" },
    { .method = METHOD_GET,
      .pattern = "/docs",
      .who = WHO_ANYONE,
      .where = RUN_HERE,
      .run = docs_show,
      .name = "showDocs",
      .summary = "This interface for people" },
};

const size_t route_count = sizeof routes / sizeof routes[0];

/* ---- values ---- */

static bool
takes_count(const struct parameter *parameter, struct bytes value)
{
    uint64_t count;
    return target_count(value, &count) && count >= parameter->low && count <= parameter->high;
}

/* One of the words; else they are listed. */
static bool
takes_word(const struct parameter *parameter, struct bytes value,
           char wanted_out[PARAMETER_WANTED_SIZE])
{
    char wanted[PARAMETER_WANTED_SIZE] = "";
    size_t size = 0;
    for (size_t i = 0; parameter->words[i] != NULL; i++) {
        if (bytes_is(value, parameter->words[i]))
            return true;
        size += (size_t)snprintf(wanted + size, sizeof wanted - size, "%s%s", i > 0 ? ", " : "",
                                 parameter->words[i]);
        assert(size < sizeof wanted);
    }
    memcpy(wanted_out, wanted, sizeof wanted);
    return false;
}

bool
parameter_takes(const struct parameter *parameter, struct bytes value,
                char wanted_out[PARAMETER_WANTED_SIZE])
{
    switch (parameter->type) {
    case PARAMETER_COUNT:
        if (takes_count(parameter, value))
            return true;
        (void)snprintf(wanted_out, PARAMETER_WANTED_SIZE, "a number from %llu to %llu",
                       (unsigned long long)parameter->low, (unsigned long long)parameter->high);
        return false;
    case PARAMETER_FLAG:
        if (bytes_is(value, "true") || bytes_is(value, "false"))
            return true;
        (void)snprintf(wanted_out, PARAMETER_WANTED_SIZE, "true or false");
        return false;
    case PARAMETER_WORD:
        return takes_word(parameter, value, wanted_out);
    default:
        return true;
    }
}

/* ---- finding one ---- */

/* Whether the segments are those of the pattern; '*' is any one that is not empty. */
static bool
pattern_matches(const char *pattern, const struct target *target)
{
    for (size_t i = 0; i < target->segment_count; i++) {
        if (*pattern != '/')
            return false;
        pattern++;
        size_t size = strcspn(pattern, "/");
        struct bytes wanted = bytes_of(pattern, size);
        struct bytes segment = target->segments[i];
        if (bytes_is(wanted, "*") ? segment.size == 0 : !bytes_equal(wanted, segment))
            return false;
        pattern += size;
    }
    return *pattern == '\0' || (target->segment_count == 0 && strcmp(pattern, "/") == 0);
}

static const char *
method_names(enum method method)
{
    switch (method) {
    case METHOD_GET:
        return "GET, HEAD";
    case METHOD_POST:
        return "POST";
    case METHOD_DELETE:
        return "DELETE";
    default:
        return "";
    }
}

tally_status
route_find(enum method method, const struct target *target, const struct route **route_out,
           char allowed_out[ROUTES_ALLOWED_SIZE])
{
    char allowed[ROUTES_ALLOWED_SIZE] = "";
    size_t size = 0;
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    for (size_t i = 0; i < route_count; i++) {
        if (!pattern_matches(routes[i].pattern, target))
            continue;
        if (routes[i].method == wanted) {
            *route_out = &routes[i];
            return TALLY_OK;
        }
        size += (size_t)snprintf(allowed + size, sizeof allowed - size, "%s%s",
                                 size > 0 ? ", " : "", method_names(routes[i].method));
    }
    if (size == 0)
        return TALLY_ABSENT;
    memcpy(allowed_out, allowed, sizeof allowed);
    return TALLY_DISAGREES;
}
