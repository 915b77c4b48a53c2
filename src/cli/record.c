/*
 * tally record - events into a trail: one from options, or many from files and standard input.
 */
#include "command.h"
#include "escape.h"
#include "field.h"
#include "intake.h"
#include "json.h"
#include "out.h"
#include "remote.h"
#include "utf8.h"
#include "where.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command_option options[] = {
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "receipts as table, json, ndjson or csv (default: table)" },
    { "again", NULL, "they may be stored already: look for ids in the whole trail" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

static bool
is_field(const char *name)
{
    return field_find(bytes_text(name)) != FIELD_COUNT;
}

/* RFC 8259, section 6. */
static bool
is_number(const char *text)
{
    const char *at = text + (text[0] == '-');
    if (at[0] == '0' && at[1] >= '0' && at[1] <= '9')
        return false;
    size_t digits = strspn(at, "0123456789");
    at += digits;
    if (digits == 0)
        return false;
    if (*at == '.') {
        digits = strspn(++at, "0123456789");
        at += digits;
        if (digits == 0)
            return false;
    }
    return *at == '\0';
}

/* An object given as JSON is read on its own first, so that an error's place counts from there. */
static int
put_object(const struct option_use *use, struct buffer *event)
{
    struct json_tape tape;
    struct tally_error error = { 0 };
    tally_status status = json_tape_init(&tape, JSON_NODES_MAX, &error);
    if (status != TALLY_OK)
        return fail_with(&error, NULL);
    status = json_scan(&tape, bytes_text(use->value), &error);
    if (status == TALLY_OK)
        buffer_text(event, use->value);
    json_tape_finish(&tape);
    if (status == TALLY_OK)
        return DONE;

    struct buffer place = { 0 };
    buffer_format(&place, "--%s", use->name);
    buffer_byte(&place, '\0');
    int outcome = fail_with(&error, buffer_failed(&place) ? use->name : (char *)place.data);
    buffer_free(&place);
    return outcome;
}

static int
put_member(const struct option_use *use, struct buffer *event)
{
    buffer_byte(event, event->size == 0 ? '{' : ',');
    json_write_string(bytes_text(use->name), event);
    buffer_byte(event, ':');
    switch (fields[field_find(bytes_text(use->name))].type) {
    case TYPE_OBJECT:
        return put_object(use, event);
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        /* What is no number goes on as a text, and is refused as what it is. */
        if (is_number(use->value)) {
            buffer_text(event, use->value);
            return DONE;
        }
        break;
    default:
        break;
    }
    json_write_string(bytes_text(use->value), event);
    return DONE;
}

/* The event that the options spell. */
static int
event_of_options(const struct invocation *invocation, struct buffer *event)
{
    for (size_t i = 0; i < invocation->use_count; i++) {
        const struct option_use *use = &invocation->uses[i];
        if (!is_field(use->name))
            continue;
        size_t size = strlen(use->value);
        if (utf8_valid_size(bytes_of(use->value, size)) != size)
            return fail(MISUSED, "--%s: the value is no UTF-8", use->name);
        int outcome = put_member(use, event);
        if (outcome != DONE)
            return outcome;
    }
    buffer_byte(event, '}');
    return buffer_failed(event) ? fail(UNABLE, "out of memory") : DONE;
}

static bool
has_fields(const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->use_count; i++)
        if (is_field(invocation->uses[i].name))
            return true;
    return false;
}

static int
check_usage(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, WHERE_MISSING);
    if (has_fields(invocation) && invocation->operand_count > 1)
        return misused(invocation, "an event is given by options or by files, not by both");
    if (!has_fields(invocation) && invocation->operand_count == 1 && isatty(STDIN_FILENO) == 1)
        return misused(invocation,
                       "no event: give fields as options (--action user.login), files, or -");
    return DONE;
}

static int
take(const struct invocation *invocation, struct intake *intake)
{
    if (!has_fields(invocation)) {
        char *standard[] = { "-" };
        bool named = invocation->operand_count > 1;
        return intake_files(intake, named ? invocation->operands + 1 : standard,
                            named ? invocation->operand_count - 1 : 1);
    }
    struct buffer event = { 0 };
    int outcome = event_of_options(invocation, &event);
    if (outcome == DONE)
        outcome = intake_event(intake, buffer_view(&event), NULL);
    buffer_free(&event);
    return outcome;
}

/* Who sits at a terminal may have meant another file, or a pipe that something comes out of. */
static void
say_nothing(const struct intake *intake)
{
    const struct intake_counts counts = intake_counts(intake);
    if (counts.stored + counts.repeated == 0 && isatty(STDERR_FILENO) == 1)
        say("no event came in: nothing is recorded");
}

static int
record_into(const struct invocation *invocation, struct destination *destination,
            struct listing *receipts)
{
    struct intake_options intake_options = {
        .destination = destination,
        .refusal = INTAKE_STOP,
        .receipts = receipts,
    };
    struct intake *intake;
    struct tally_error error = { 0 };
    if (intake_create(&intake_options, &intake, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    int outcome = take(invocation, intake);
    if (outcome == DONE)
        say_nothing(intake);
    intake_destroy(intake);
    return outcome;
}

/* The receipts that there are, are always written out, whatever came then. */
static int
record_with_receipts(const struct invocation *invocation, struct destination *destination,
                     struct out *out)
{
    struct listing *receipts;
    int outcome = out_listing(invocation, out, intake_columns, INTAKE_COLUMN_COUNT, &receipts);
    if (outcome != DONE)
        return outcome;

    struct tally_error error = { 0 };
    outcome = record_into(invocation, destination, receipts);
    if (listing_end(receipts, (struct bytes){ NULL, 0 }, &error) != TALLY_OK && outcome == DONE)
        outcome = fail_with(&error, NULL);
    listing_destroy(receipts);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    int outcome = check_usage(invocation);
    if (outcome != DONE)
        return outcome;

    struct destination *destination;
    outcome = destination_open(invocation, DESTINATION_FILLS, &destination);
    if (outcome != DONE)
        return outcome;

    struct out out;
    out_open(&out);
    outcome = record_with_receipts(invocation, destination, &out);
    int written = out_finish(&out, outcome);
    if (written != outcome)
        say("the events are stored: only their receipts could not be written");
    return destination_close(destination, written);
}

const struct command command_record = {
    .name = "record",
    .operands = "WHERE [--FIELD VALUE… | FILE…]",
    .summary = "put events on record; each gets a receipt",
    .text = "Every field of an event is an option: --action, --user-id (or --user_id), --details "
            "JSON and so on. Without such options events are read from the files, or from standard "
            "input (-): JSON objects, a line each or one after another, or in an array; plain, "
            "gzip or zstd. A bad event in files ends the command before anything is stored (exit "
            "status "
            "2); in a pipe, what came in earlier batches is stored, and the message says how "
            "much (exit status 3).",
    .options = options,
    .ways = COMMAND_FIELDS,
    .run = run,
};
