#include "filtering.h"

#include "clock.h"
#include "utf8.h"

#include <unistd.h>

void
filtering_text(const struct invocation *invocation, struct buffer *text)
{
    for (int i = 1; i < invocation->operand_count; i++) {
        if (i > 1)
            buffer_byte(text, ' ');
        buffer_text(text, invocation->operands[i]);
    }
}

enum filter_control
filtering_control(const struct invocation *invocation)
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

/* An error in the filter's text. */
static int
refuse(struct bytes text, const struct tally_error *error)
{
    if (error->column == 0)
        return fail(MISUSED, "the filter is refused: %s", error->text);
    say("the filter is refused at column %u: %s", error->column, error->text);
    say("    %.*s", BYTES_ARG(text));
    say("    %*s^", (int)shown_width(text, error->column - 1), "");
    return MISUSED;
}

int
filtering_fault(const struct where *where, struct bytes text, const struct tally_error *error)
{
    return error->status == TALLY_INVALID ? refuse(text, error) : where_fault(where, error);
}

int
filtering_open(const struct invocation *invocation, const struct where *where,
               struct selection *selection_out)
{
    struct buffer text = { 0 };
    filtering_text(invocation, &text);
    if (buffer_failed(&text)) {
        buffer_free(&text);
        return fail(UNABLE, "out of memory");
    }
    const struct selection_request request = {
        .text = buffer_view(&text),
        .now = clock_now(),
        .size = SELECTION_ALL,
        .control = filtering_control(invocation),
        .threads = scan_threads_usual(),
    };
    struct tally_error error = { 0 };
    tally_status status = selection_open(where->trail, &request, selection_out, &error);
    int outcome = status == TALLY_OK ? DONE : filtering_fault(where, buffer_view(&text), &error);
    buffer_free(&text);
    return outcome;
}

/* Whether somebody reads along. */
static bool
is_watched(enum listing_format format)
{
    return format == LISTING_TABLE && isatty(STDERR_FILENO) == 1;
}

void
filtering_hint(const struct invocation *invocation, enum listing_format format)
{
    struct buffer text = { 0 };
    struct buffer meant = { 0 };
    const struct filter_options options = { .now = clock_now() };
    filtering_text(invocation, &text);
    if (is_watched(format) && filter_meant(buffer_view(&text), &options, &meant) &&
        !buffer_failed(&meant))
        say("words and signs of other languages are text here: did you mean %.*s",
            BYTES_ARG(buffer_view(&meant)));
    buffer_free(&text);
    buffer_free(&meant);
}

void
filtering_nothing(const struct invocation *invocation, enum listing_format format)
{
    if (is_watched(format))
        say(invocation->operand_count > 1 ? "nothing was found" : "there are no entries");
    filtering_hint(invocation, format);
}

void
filtering_parameters(struct bytes text, enum filter_control control, struct buffer *target)
{
    if (text.size > 0)
        remote_parameter(target, "q", text);
    if (control == CONTROL_INCLUDED)
        remote_parameter(target, "control", bytes_text("true"));
}

int
filtering_refused(const struct remote *remote, struct bytes text, const struct refusal *refusal)
{
    bool pointed = refusal->error.status == TALLY_INVALID && refusal->error.column > 0;
    return pointed ? refuse(text, &refusal->error) : remote_fail(remote, refusal);
}
