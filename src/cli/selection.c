#include "selection.h"

#include "escape.h"
#include "utf8.h"

#include <stdio.h>

void
selection_text(const struct invocation *invocation, struct buffer *text)
{
    for (int i = 1; i < invocation->operand_count; i++) {
        if (i > 1)
            buffer_byte(text, ' ');
        buffer_text(text, invocation->operands[i]);
    }
}

enum filter_control
selection_control(const struct invocation *invocation)
{
    return option_given(invocation, "control") ? CONTROL_INCLUDED : CONTROL_LEFT_OUT;
}

/* How many characters the first `size` bytes show, so that a caret stands below the next. */
static unsigned
shown_width(struct bytes text, size_t size)
{
    unsigned width = 0;
    for (size_t at = 0; at < size && at < text.size;) {
        uint32_t code_point;
        size_t step = utf8_decode(bytes_of(text.data + at, text.size - at), &code_point);
        at += step == 0 ? 1 : step;
        width++;
    }
    return width;
}

static int
refuse_filter(struct bytes text, const struct tally_error *error)
{
    if (error->status != TALLY_INVALID)
        return fail_with(error, NULL);
    if (error->column == 0)
        return fail(MISUSED, "the filter is refused: %s", error->text);
    say("the filter is refused at column %u: %s", error->column, error->text);
    say("    %.*s", BYTES_ARG(text));
    say("    %*s^", (int)shown_width(text, error->column - 1), "");
    return MISUSED;
}

static tally_status
open_snapshot(struct trail *trail, uint64_t size, struct snapshot **snapshot_out,
              struct tally_error *error)
{
    if (size == UINT64_MAX)
        return snapshot_open(trail, snapshot_out, error);
    return snapshot_open_at(trail, size, snapshot_out, error);
}

static int
open_scan(struct trail *trail, uint64_t size, struct selection *selection)
{
    struct tally_error error = { 0 };
    tally_status status = open_snapshot(trail, size, &selection->snapshot, &error);
    if (status == TALLY_ABSENT)
        return fail(UNABLE, "the cursor is of a trail that was larger; begin anew without it");
    if (status != TALLY_OK)
        return fail_with(&error, trail_name(trail));

    struct scan_source source = scan_snapshot(selection->snapshot);
    if (scan_create(selection->filter, &source, &selection->scan, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    return DONE;
}

int
selection_open(struct trail *trail, const struct selection_options *options,
               struct selection *selection_out)
{
    struct selection selection = { 0 };
    struct filter_options filter_options = { .now = options->now, .control = options->control };
    struct tally_error error = { 0 };
    if (filter_parse(options->text, &filter_options, &selection.filter, &error) != TALLY_OK)
        return refuse_filter(options->text, &error);

    int outcome = open_scan(trail, options->size, &selection);
    if (outcome != DONE) {
        selection_close(&selection);
        return outcome;
    }
    *selection_out = selection;
    return DONE;
}

void
selection_close(struct selection *selection)
{
    scan_destroy(selection->scan);
    snapshot_close(selection->snapshot);
    filter_destroy(selection->filter);
    *selection = (struct selection){ 0 };
}
