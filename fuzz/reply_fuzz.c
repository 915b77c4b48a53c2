/*
 * reply_fuzz.c - anything at all as what a server answers.
 *
 * Read as a refusal it never ends a command well, nor as a verdict. Read as a stream of entries, each
 * that is taken is printed so that reading and printing it again gives the same bytes, and nothing
 * in them acts on a terminal.
 */
#include "entries.h"
#include "entries_read.h"
#include "escape.h"
#include "lines.h"
#include "outcome.h"
#include "refusal.h"
#include "utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static tally_status
keep(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)error;
    buffer_bytes(context, bytes);
    return TALLY_OK;
}

static void
print_entry(const struct run_entry *entry, enum listing_format format, struct buffer *text)
{
    struct stream stream = { .write = keep, .context = text };
    struct listing_style style = { .width = 0 };
    struct entries *entries;
    expect(entries_create(format, &style, &stream, &entries, NULL) == TALLY_OK);
    expect(entries_row(entries, entry, NULL) == TALLY_OK);
    expect(entries_end(entries, (struct bytes){ NULL, 0 }, NULL) == TALLY_OK);
    entries_destroy(entries);
    stream_finish(&stream);
}

static void
expect_harmless(struct bytes text)
{
    for (size_t at = 0; at < text.size;) {
        uint32_t code_point;
        size_t step = utf8_decode(bytes_of(text.data + at, text.size - at), &code_point);
        expect(step > 0 && (code_point == '\n' || !escape_needed(code_point)));
        at += step;
    }
}

static tally_status
take_line(void *context, struct reply *reply, struct tally_error *error)
{
    (void)context;
    (void)error;
    struct run_entry entry;
    if (entries_read(&reply->tape, 0, &reply->texts, &entry, NULL) != TALLY_OK)
        return TALLY_OK;
    struct buffer first = { 0 };
    struct buffer second = { 0 };
    print_entry(&entry, LISTING_TABLE, &first);
    expect_harmless(buffer_view(&first));
    buffer_clear(&first);

    print_entry(&entry, LISTING_NDJSON, &first);
    expect_harmless(buffer_view(&first));
    struct reply again = { 0 };
    expect(reply_read(&again, buffer_view(&first), NULL) == TALLY_OK);
    expect(entries_read(&again.tape, 0, &again.texts, &entry, NULL) == TALLY_OK);
    print_entry(&entry, LISTING_NDJSON, &second);
    expect(bytes_equal(buffer_view(&first), buffer_view(&second)));
    reply_finish(&again);
    buffer_free(&first);
    buffer_free(&second);
    return TALLY_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct refusal refusal;
    unsigned code = size == 0 ? 500 : 400 + data[0] % 120;
    expect(refusal_read(code, bytes_text("application/problem+json"), bytes_of(data, size),
                        &refusal) == TALLY_OK);
    enum outcome outcome = outcome_of(refusal.error.status);
    expect(outcome == MISUSED || outcome == UNABLE || outcome == NOT_THERE);

    struct lines lines = { .line = take_line };
    struct tally_error error;
    size_t half = size / 2;
    if (lines_take(&lines, bytes_of(data, half), &error) == TALLY_OK &&
        lines_take(&lines, bytes_of(data + half, size - half), &error) == TALLY_OK)
        (void)lines_end(&lines, &error);
    lines_finish(&lines);
    return 0;
}
