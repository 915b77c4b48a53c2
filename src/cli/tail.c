/*
 * tally tail - the newest entries that match, and with --follow those that come.
 *
 * On a folder that another process writes to, what is seen is what that process has signed, a tenth
 * of a second or so behind. A trail that was opened for reading stays as it was; it is opened anew
 * when its checkpoint is another one.
 */
#include "tail_remote.h"

#include "clock.h"
#include "disk.h"
#include "entries.h"
#include "filtering.h"
#include "follow.h"
#include "out.h"

#include <stdio.h>
#include <time.h>

/* How often a folder is looked at. */
#define LOOK (CLOCK_SECOND / 10)

static const struct command_option options[] = {
    { "follow", NULL, "go on with what comes, until interrupted" },
    { "lines", "N", "entries that are there already, at most 1000 (default: 10)" },
    { "control", NULL, "control entries, too" },
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "table, json, ndjson or csv (default: table)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

static const struct command_letter letters[] = {
    { 'f', "follow" },
    { 'n', "lines" },
    { 0, NULL },
};

/* What follows a folder's trail. */
struct tail {
    struct where *where;
    struct filter *filter;
    struct follow follow;
    struct out *out;
    struct entries *entries;
    bool any;           /* an entry was printed */
    struct buffer note; /* the signed checkpoint as it was when the trail was opened */
};

/* A follow_visitor. TALLY_ABSENT where nobody reads on. */
static tally_status
print_entry(void *context, const struct run_entry *entry, struct tally_error *error)
{
    struct tail *tail = context;
    tail->any = true;
    return out_closed(tail->out) ? TALLY_ABSENT : entries_row(tail->entries, entry, error);
}

static int
print_news(struct tail *tail)
{
    struct tally_error error = { 0 };
    tally_status status = follow_read(&tail->follow, tail->where->trail, print_entry, tail, &error);
    if (status == TALLY_OK)
        status = entries_flush(tail->entries, &error);
    return status == TALLY_OK || status == TALLY_ABSENT ? DONE : where_fault(tail->where, &error);
}

/* Whether the trail has another checkpoint now than when this was asked last. */
static bool
has_grown(struct tail *tail)
{
    char path[128];
    struct buffer note = { 0 };
    (void)snprintf(path, sizeof path, "trails/%s/checkpoint", tail->where->name);
    bool grown = disk_read_file(folder_disk(tail->where->folder), path, TALLY_CHECKPOINT_NOTE_MAX,
                                &note, NULL) == TALLY_OK &&
                 !bytes_equal(buffer_view(&note), buffer_view(&tail->note));
    if (grown) {
        buffer_free(&tail->note);
        tail->note = note;
    } else {
        buffer_free(&note);
    }
    return grown;
}

/* Opens the trail anew, as it is now. */
static int
look_again(struct tail *tail)
{
    struct tally_error error = { 0 };
    if (trail_close(tail->where->trail, &error) != TALLY_OK)
        return where_fault(tail->where, &error);
    tail->where->trail = NULL;
    return where_open_named(tail->where, tail->where->name, TRAIL_READ);
}

/* Opening a trail beside a busy writer reads what is not sealed yet: as much time as that takes is left
 * to others. */
static int
follow_folder(struct tail *tail)
{
    int outcome = DONE;
    int64_t took = 0;
    while (outcome == DONE && !out_closed(tail->out)) {
        int64_t rest = took > LOOK ? took : LOOK;
        const struct timespec pause = { rest / CLOCK_SECOND, rest % CLOCK_SECOND };
        (void)nanosleep(&pause, NULL);
        if (!has_grown(tail))
            continue;
        int64_t began = clock_monotonic();
        outcome = look_again(tail);
        if (outcome == DONE)
            outcome = print_news(tail);
        took = clock_monotonic() - began;
    }
    return outcome;
}

static int
show(const struct invocation *invocation, struct tail *tail, enum listing_format format,
     size_t lines)
{
    struct tally_error error = { 0 };
    (void)has_grown(tail);
    if (follow_from_last(&tail->follow, tail->where->trail, lines, &error) != TALLY_OK)
        return where_fault(tail->where, &error);
    int outcome = print_news(tail);
    if (outcome != DONE)
        return outcome;
    bool follow = option_given(invocation, "follow");
    if (follow && !tail->any)
        filtering_hint(invocation, format);
    else if (!tail->any)
        filtering_nothing(invocation, format);
    if (follow)
        return follow_folder(tail);
    return entries_end(tail->entries, (struct bytes){ NULL, 0 }, &error) == TALLY_OK
               ? DONE
               : fail_with(&error, NULL);
}

static int
read_filter(const struct invocation *invocation, struct tail *tail)
{
    struct buffer text = { 0 };
    struct tally_error error = { 0 };
    const struct filter_options filter_options = {
        .now = clock_now(),
        .control = filtering_control(invocation),
    };
    filtering_text(invocation, &text);
    int outcome = DONE;
    if (buffer_failed(&text))
        outcome = fail(UNABLE, "out of memory");
    else if (filter_parse(buffer_view(&text), &filter_options, &tail->filter, &error) != TALLY_OK)
        outcome = filtering_fault(tail->where, buffer_view(&text), &error);
    buffer_free(&text);
    tail->follow.filter = tail->filter;
    return outcome;
}

static int
tail_folder(const struct invocation *invocation, enum listing_format format, size_t lines)
{
    struct where where;
    int outcome = where_open_trail(invocation, TRAIL_READ, &where);
    if (outcome != DONE)
        return outcome;
    struct out out;
    struct listing_style style;
    struct tally_error error = { 0 };
    out_open(&out);
    out_looks(&out, &style);
    struct tail tail = { .where = &where, .out = &out };
    outcome = read_filter(invocation, &tail);
    if (outcome == DONE &&
        entries_create(format, &style, &out.stream, &tail.entries, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    if (outcome == DONE)
        outcome = show(invocation, &tail, format, lines);
    entries_destroy(tail.entries);
    filter_destroy(tail.filter);
    buffer_free(&tail.note);
    return where_close(&where, out_finish(&out, outcome));
}

static int
read_format(const struct invocation *invocation, enum listing_format *format_out)
{
    const char *name = option_value(invocation, "format");
    *format_out = LISTING_TABLE;
    if (name != NULL && !listing_format_find(name, format_out))
        return fail(MISUSED, "--format takes table, json, ndjson or csv, not \"%s\"", name);
    if (*format_out == LISTING_JSON && option_given(invocation, "follow"))
        return fail(MISUSED, "--format json is one document and would never end: with --follow "
                             "take ndjson");
    return DONE;
}

static int
run(const struct invocation *invocation)
{
    unsigned long long lines;
    enum listing_format format;
    if (invocation->operand_count < 1)
        return misused(invocation, WHERE_MISSING);
    int outcome = read_format(invocation, &format);
    if (outcome == DONE)
        outcome = option_number(invocation, "lines", 10, EXCERPT_LIMIT_MAX, &lines);
    if (outcome != DONE)
        return outcome;
    if (lines == 0 && !option_given(invocation, "follow"))
        return fail(MISUSED, "--lines 0 without --follow shows nothing");
    return where_is_url(invocation->operands[0]) ? tail_remote(invocation, format, (size_t)lines)
                                                 : tail_folder(invocation, format, (size_t)lines);
}

const struct command command_tail = {
    .name = "tail",
    .operands = "WHERE [FILTER…]",
    .summary = "show the newest entries, and those that come",
    .text =
        "The newest entries that match, the last one at the end, in order of index; with --follow "
        "it goes on with those that come. The operands are one filter, as of tally query.",
    .options = options,
    .letters = letters,
    .ways = COMMAND_FILTER,
    .run = run,
};
