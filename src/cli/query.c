/*
 * tally query - the entries that match a filter, a page at a time.
 */
#include "query_remote.h"

#include "clock.h"
#include "entries.h"
#include "explaining.h"
#include "filtering.h"
#include "out.h"
#include "random.h"
#include "where.h"

#include <string.h>

static const struct command_option options[] = {
    { "limit", "N", "entries on a page, at most 1000 (default: 50)" },
    { "cursor", "CURSOR", "the next page: what the page before it printed" },
    { "order", "ORDER", "-time (newest first, the default), time, index or -index" },
    { "control", NULL, "control entries, too" },
    EXPLAIN_OPTION,
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "table, json, ndjson or csv (default: table)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

/* A query as asked for. */
struct question {
    struct buffer text;
    uint8_t key[CURSOR_KEY_SIZE];
    struct excerpt_request request;
    struct cursor start;
};

/* The folder's key for cursors. Without it (a folder that may only be read) a cursor is good within
 * this process, which is nowhere, and the next page is refused with a reason. */
static void
read_key(struct folder *folder, uint8_t key[CURSOR_KEY_SIZE])
{
    struct buffer secret = { 0 };
    struct tally_error error;
    tally_status status =
        disk_read_file(folder_disk(folder), "keys/cursor.secret", CURSOR_KEY_SIZE, &secret, &error);
    if (status == TALLY_OK && secret.size == CURSOR_KEY_SIZE)
        memcpy(key, secret.data, CURSOR_KEY_SIZE);
    else
        random_bytes(key, CURSOR_KEY_SIZE);
    buffer_free(&secret);
}

static int
read_question(const struct invocation *invocation, struct question *question)
{
    unsigned long long limit;
    int outcome =
        option_number(invocation, "limit", EXCERPT_LIMIT_STANDARD, EXCERPT_LIMIT_MAX, &limit);
    if (outcome != DONE)
        return outcome;
    if (limit == 0)
        return fail(MISUSED, "--limit takes a number from 1 to %d", EXCERPT_LIMIT_MAX);

    const char *order = option_value(invocation, "order");
    const char *cursor = option_value(invocation, "cursor");
    struct tally_error error = { 0 };
    enum scan_order order_read = ORDER_TIME_DOWN;
    if (order != NULL && scan_order_read(bytes_text(order), &order_read, &error) != TALLY_OK)
        return fail_with(&error, "--order");

    filtering_text(invocation, &question->text);
    if (buffer_failed(&question->text))
        return fail(UNABLE, "out of memory");
    question->request = (struct excerpt_request){
        .text = buffer_view(&question->text),
        .control = filtering_control(invocation),
        .order = order_read,
        .limit = (size_t)limit,
        .cursor = cursor == NULL ? (struct bytes){ NULL, 0 } : bytes_text(cursor),
        .role = bytes_text("folder"), /* who may read the folder is nobody in particular */
        .key = question->key,
        .now = clock_now(),
    };
    return DONE;
}

static tally_status
write_excerpt(struct entries *entries, struct excerpt *excerpt, struct tally_error *error)
{
    struct buffer members = { 0 };
    tally_status status = entries_excerpt(entries, excerpt, UINT64_MAX, error);
    if (status == TALLY_OK)
        status = excerpt_put_next(excerpt, &members, error);
    if (status == TALLY_OK)
        status = entries_end(entries, buffer_view(&members), error);
    buffer_free(&members);
    return status;
}

/* The cursor goes to standard error where the format has no place for it. */
static void
say_next(enum listing_format format, const struct excerpt *excerpt)
{
    char text[CURSOR_TEXT_SIZE];
    struct tally_error error;
    if (format != LISTING_JSON && excerpt_next(excerpt, text, &error) == TALLY_OK)
        say("there is more: add --cursor %.*s", CURSOR_TEXT_SIZE, text);
}

static tally_status
drop(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)context;
    (void)bytes;
    (void)error;
    return TALLY_OK;
}

/* Reads the entries as if they were to be printed, and prints what that took. */
static int
explain(const struct invocation *invocation, const struct where *where, struct excerpt *excerpt,
        struct out *out)
{
    const struct listing_style style = { 0 };
    struct stream stream = { .write = drop };
    struct entries *entries = NULL;
    struct tally_error error = { 0 };
    tally_status status = entries_create(LISTING_JSON, &style, &stream, &entries, &error);
    if (status == TALLY_OK)
        status = write_excerpt(entries, excerpt, &error);
    entries_destroy(entries);
    stream_finish(&stream);
    return status == TALLY_OK ? explaining_selection(invocation, &excerpt->selection, out)
                              : where_fault(where, &error);
}

static int
print(const struct where *where, enum listing_format format, const struct listing_style *style,
      struct excerpt *excerpt, struct out *out)
{
    struct entries *entries = NULL;
    struct tally_error error = { 0 };
    tally_status status = entries_create(format, style, &out->stream, &entries, &error);
    if (status == TALLY_OK)
        status = write_excerpt(entries, excerpt, &error);
    if (status == TALLY_OK)
        status = stream_flush(&out->stream, &error);
    if (status == TALLY_OK && !out_closed(out))
        say_next(format, excerpt);
    entries_destroy(entries);
    return status == TALLY_OK ? DONE : where_fault(where, &error);
}

static int
answer_question(const struct invocation *invocation, const struct question *question,
                const struct where *where, struct out *out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, &format, &style);
    if (outcome != DONE)
        return outcome;

    struct excerpt excerpt;
    struct tally_error error = { 0 };
    if (excerpt_open(where->trail, &question->request, &question->start, &excerpt, &error) !=
        TALLY_OK)
        return filtering_fault(where, question->request.text, &error);

    outcome = explaining(invocation) ? explain(invocation, where, &excerpt, out)
                                     : print(where, format, &style, &excerpt, out);
    if (outcome == DONE && excerpt.count == 0 && !explaining(invocation))
        filtering_nothing(invocation, format);
    excerpt_close(&excerpt);
    return outcome;
}

static int
ask_folder(const struct invocation *invocation, struct question *question)
{
    struct where where;
    int outcome = where_open_trail(invocation, TRAIL_READ, &where);
    if (outcome != DONE)
        return outcome;

    read_key(where.folder, question->key);
    struct tally_error error = { 0 };
    if (excerpt_start(where.trail, &question->request, &question->start, &error) != TALLY_OK) {
        outcome = fail_with(&error, "--cursor");
    } else {
        struct out out;
        out_open(&out);
        outcome = out_finish(&out, answer_question(invocation, question, &where, &out));
    }
    return where_close(&where, outcome);
}

static int
run(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, WHERE_MISSING);
    struct question question = { 0 };
    int outcome = read_question(invocation, &question);
    if (outcome == DONE)
        outcome = where_is_url(invocation->operands[0])
                      ? query_remote(invocation, &question.request)
                      : ask_folder(invocation, &question);
    buffer_free(&question.text);
    return outcome;
}

const struct command command_query = {
    .name = "query",
    .operands = "WHERE [FILTER…]",
    .summary = "find entries",
    .text = "The operands are one filter, joined by blanks: status:failure user:u1 "
            "timestamp:-7d..now. -user:u1 is the opposite of user:u1. Quote what the shell would "
            "take for its own. tally-filter(7) has the whole language.",
    .options = options,
    .ways = COMMAND_FILTER,
    .run = run,
};
