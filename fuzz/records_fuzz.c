/*
 * records_fuzz.c - anything at all as a stream of records, in chunks of any size.
 *
 * The first byte says how large the chunks are. However the stream is cut, the same records come of
 * it and the same lines are reported; every record is a piece of the stream, in order, on its line,
 * and what is strict JSON as a whole gives no damage.
 */
#include "json.h"
#include "records.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

/* What came of a stream. */
struct outcome {
    struct buffer log; /* a line number and a kind for each, records with their text */
    size_t at;         /* behind the last record's text in the stream */
    uint64_t line;     /* there */
    unsigned damaged;
};

/* A record must be found at or behind the last one, on the line it says. */
static void
follow(struct outcome *outcome, struct bytes stream, const struct record *record)
{
    for (;; outcome->at++) {
        expect(outcome->at + record->text.size <= stream.size);
        struct bytes here = bytes_of(stream.data + outcome->at, record->text.size);
        if (outcome->line == record->line && bytes_equal(here, record->text))
            break;
        outcome->line += stream.data[outcome->at] == '\n';
    }
    for (size_t i = 0; i < record->text.size; i++)
        outcome->line += record->text.data[i] == '\n';
    outcome->at += record->text.size;
}

static void
note(struct outcome *outcome, struct bytes stream, tally_status status, const struct record *record,
     const struct tally_error *error)
{
    if (status == TALLY_INVALID) {
        outcome->damaged++;
        buffer_u64(&outcome->log, error->line);
        return;
    }
    expect(status == TALLY_OK && record->text.size >= 2 && record->text.data[0] == '{' &&
           record->text.data[record->text.size - 1] == '}');
    buffer_u64(&outcome->log, record->line);
    buffer_bytes(&outcome->log, record->text);
    follow(outcome, stream, record);
}

/* Envelopes: {"a": […]} and {"a": {"b": […]}}. */
static const struct bytes name = { (const uint8_t *)"a", 1 };
static const struct bytes inner_name = { (const uint8_t *)"b", 1 };

static struct outcome
read_stream(struct bytes stream, size_t chunk, bool envelopes)
{
    const struct record_list lists[] = {
        { .name = name },
        { .outer = name, .name = inner_name },
    };
    struct outcome outcome = { .line = 1 };
    struct records *records;
    struct tally_error error;
    expect(records_create(&records, &error) == TALLY_OK);
    records_unwrap(records, lists, envelopes ? 2 : 0);
    size_t at = 0;
    for (bool ended = false;;) {
        struct record record;
        tally_status status = records_next(records, &record, &error);
        if (status != TALLY_ABSENT) {
            note(&outcome, stream, status, &record, &error);
            continue;
        }
        if (ended)
            break;
        size_t size = stream.size - at < chunk ? stream.size - at : chunk;
        ended = size == 0;
        if (ended)
            records_end(records);
        else
            expect(records_feed(records, bytes_of(stream.data + at, size), &error) == TALLY_OK);
        at += size;
    }
    records_destroy(records);
    return outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes stream = bytes_of(data + 1, size - 1);
    bool envelopes = data[0] % 2 == 1;
    struct outcome whole = read_stream(stream, SIZE_MAX, envelopes);
    struct outcome pieces = read_stream(stream, (size_t)data[0] + 1, envelopes);
    expect(bytes_equal(buffer_view(&whole.log), buffer_view(&pieces.log)));

    struct json_tape tape;
    expect(json_tape_init(&tape, 4096, NULL) == TALLY_OK);
    if (json_scan(&tape, stream, NULL) == TALLY_OK && tape.nodes[0].kind == JSON_KIND_OBJECT)
        expect(whole.damaged == 0 || json_member(&tape, 0, bytes_text("Records")) != 0 ||
               (envelopes && json_member(&tape, 0, name) != 0));
    json_tape_finish(&tape);
    buffer_free(&whole.log);
    buffer_free(&pieces.log);
    return 0;
}
