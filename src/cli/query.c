/*
 * tally query - the entries that match a filter, a page at a time.
 */
#include "clock.h"
#include "command.h"
#include "cursor.h"
#include "entries.h"
#include "out.h"
#include "random.h"
#include "selection.h"
#include "where.h"

#include <string.h>

#define LIMIT_STANDARD 50
#define LIMIT_MAX      1000

static const struct command_option options[] = {
    { "limit", "N", "entries on a page, at most 1000 (default: 50)" },
    { "cursor", "CURSOR", "the next page: what the page before it printed" },
    { "order", "ORDER", "-time (newest first, the default), time, index or -index" },
    { "control", NULL, "control entries, too" },
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "table, json, ndjson or csv (default: table)" },
    { NULL, NULL, NULL },
};

/* A query as asked for. */
struct question {
    struct buffer text;
    enum scan_order order;
    enum filter_control control;
    unsigned long long limit;
    const char *cursor_text; /* NULL: the first page */
    uint8_t key[CURSOR_KEY_SIZE];
    struct cursor cursor; /* of the page's begin */
};

/* What a cursor is bound to. Whoever may read the folder is nobody in particular: no role. */
static struct cursor_binding
binding_of(const struct question *question, const struct trail *trail)
{
    return (struct cursor_binding){
        .trail = bytes_text(trail_origin(trail)),
        .filter = buffer_view(&question->text),
        .role = bytes_text("folder"),
        .control = question->control,
        .order = question->order,
    };
}

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
    int outcome = option_number(invocation, "limit", LIMIT_STANDARD, LIMIT_MAX, &question->limit);
    if (outcome != DONE)
        return outcome;
    if (question->limit == 0)
        return fail(MISUSED, "--limit takes a number from 1 to %d", LIMIT_MAX);

    const char *order = option_value(invocation, "order");
    struct tally_error error = { 0 };
    question->order = ORDER_TIME_DOWN;
    if (order != NULL && scan_order_read(bytes_text(order), &question->order, &error) != TALLY_OK)
        return fail_with(&error, "--order");

    question->control = selection_control(invocation);
    question->cursor_text = option_value(invocation, "cursor");
    selection_text(invocation, &question->text);
    return buffer_failed(&question->text) ? fail(UNABLE, "out of memory") : DONE;
}

/* Where the page begins: as the cursor says, or here and now. */
static int
read_cursor(struct question *question, const struct where *where)
{
    read_key(where->folder, question->key);
    question->cursor = (struct cursor){ .size = UINT64_MAX, .now = clock_now() };
    if (question->cursor_text == NULL)
        return DONE;

    struct cursor_binding binding = binding_of(question, where->trail);
    struct tally_error error = { 0 };
    if (cursor_read(question->key, &binding, bytes_text(question->cursor_text), &question->cursor,
                    &error) != TALLY_OK)
        return fail_with(&error, "--cursor");
    return DONE;
}

/* `"next":…` for JSON; a line on standard error for the other formats. */
static tally_status
write_next(const struct question *question, const struct where *where, const struct scan_list *list,
           uint64_t size, struct buffer *members, struct tally_error *error)
{
    if (!list->more) {
        buffer_text(members, "\"next\":null");
        return TALLY_OK;
    }
    struct cursor_binding binding = binding_of(question, where->trail);
    struct cursor next = { .size = size, .now = question->cursor.now, .place = list->next };
    char text[CURSOR_TEXT_SIZE];
    tally_status status = cursor_write(question->key, &binding, &next, text, error);
    if (status == TALLY_OK)
        buffer_format(members, "\"next\":\"%.*s\"", CURSOR_TEXT_SIZE, text);
    return status;
}

struct answer {
    struct selection selection;
    struct entries *entries;
    struct scan_hit hits[LIMIT_MAX];
    struct scan_list list;
};

static tally_status
write_rows(struct answer *answer, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < answer->list.count && status == TALLY_OK; i++) {
        struct run_entry entry;
        status = snapshot_entry(answer->selection.snapshot, answer->hits[i].index, RUN_VALUES,
                                &entry, error);
        if (status == TALLY_OK)
            status = entries_row(answer->entries, &entry, error);
    }
    return status;
}

static tally_status
write_answer(const struct question *question, const struct where *where, struct answer *answer,
             struct buffer *members, struct tally_error *error)
{
    struct selection *selection = &answer->selection;
    tally_status status = scan_list(selection->scan, question->order, &question->cursor.place,
                                    answer->hits, (size_t)question->limit, &answer->list, error);
    if (status == TALLY_OK)
        status = write_rows(answer, error);
    if (status == TALLY_OK)
        status = write_next(question, where, &answer->list, snapshot_size(selection->snapshot),
                            members, error);
    if (status == TALLY_OK)
        status = entries_end(answer->entries, buffer_view(members), error);
    return status;
}

/* The cursor goes to standard error where the format has no place for it. */
static void
say_next(enum listing_format format, const struct scan_list *list, const struct buffer *members)
{
    if (format == LISTING_JSON || !list->more)
        return;
    size_t skip = strlen("\"next\":\"");
    say("there is more: add --cursor %.*s", CURSOR_TEXT_SIZE, (const char *)members->data + skip);
}

static int
answer_question(const struct invocation *invocation, const struct question *question,
                const struct where *where, struct out *out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, LISTING_TABLE, &format, &style);
    if (outcome != DONE)
        return outcome;

    struct answer answer = { 0 };
    struct selection_options selection_options = {
        .text = buffer_view(&question->text),
        .now = question->cursor.now,
        .size = question->cursor.size,
        .control = question->control,
    };
    outcome = selection_open(where->trail, &selection_options, &answer.selection);
    if (outcome != DONE)
        return outcome;

    struct tally_error error = { 0 };
    struct buffer members = { 0 };
    tally_status status = entries_create(format, &style, &out->stream, &answer.entries, &error);
    if (status == TALLY_OK)
        status = write_answer(question, where, &answer, &members, &error);
    if (status == TALLY_OK)
        say_next(format, &answer.list, &members);
    else
        outcome = where_fault(where, &error);
    buffer_free(&members);
    entries_destroy(answer.entries);
    selection_close(&answer.selection);
    return outcome;
}

static int
ask(const struct invocation *invocation, struct question *question)
{
    int outcome = read_question(invocation, question);
    if (outcome != DONE)
        return outcome;
    struct where where;
    outcome = where_open_trail(invocation, TRAIL_READ, &where);
    if (outcome != DONE)
        return outcome;

    outcome = read_cursor(question, &where);
    if (outcome == DONE) {
        struct out out;
        out_open(&out);
        outcome = answer_question(invocation, question, &where, &out);
        outcome = out_finish(&out, outcome);
    }
    return where_close(&where, outcome);
}

static int
run(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, "the data folder is missing");
    struct question question = { 0 };
    int outcome = ask(invocation, &question);
    buffer_free(&question.text);
    return outcome;
}

const struct command command_query = {
    .name = "query",
    .operands = "WHERE [FILTER…]",
    .summary = "find entries",
    .text = "The operands are one filter, joined by blanks: status:failure user:u1 "
            "timestamp:-7d..now.\n-user:u1 is the opposite of user:u1. Quote what the shell would "
            "take for its own.\ntally-filter(7) has the whole language.",
    .options = options,
    .ways = COMMAND_FILTER,
    .run = run,
};
