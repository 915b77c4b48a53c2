/*
 * find_trail - ask a trail in its folder, within this process: the filter language, the scans and the
 * statistics that the command line and the server use, without what they print.
 *
 *     find_trail [--asks N] [--cold N] [--seconds N] [--answers FILE] [--targets FILE] [--only LABEL]
 *                FOLDER SAMPLES
 *
 * The trail is open for writing, as in the application that records into it. Each ask reads its
 * filter, takes a snapshot of its own and reads whole entries. --targets only
 * writes what the same would be over HTTP: lines of QUESTION<TAB>TARGET. Beside the questions:
 * opening the trail, warm and cold, and verification, unless only some questions are asked.
 */
#include "clock.h"
#include "cold.h"
#include "export.h"
#include "find.h"
#include "gather.h"
#include "quit.h"
#include "samples.h"
#include "summary.h"
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>

struct place {
    const char *path;
    struct folder *folder;
    struct trail *trail;
};

/* $1 to $4 are replaced as find_places says. */
static const char *const filters[FIND_CONDITIONS] = {
    [WHERE_ALL] = "",
    [WHERE_INDEX] = "index:$1",
    [WHERE_ID] = "id:$1",
    [WHERE_USER] = "user_id:$1",
    [WHERE_ACTION] = "action:$1",
    [WHERE_RESOURCE] = "resource_id:$1",
    [WHERE_USER_ACTION_TIME] = "user_id:$1 action:$2 timestamp:$3..$4",
    [WHERE_ACTION_STATUS_TIME] = "action:$1 status:$2 timestamp:$3..$4",
    [WHERE_ACTION_STATUS] = "action:$1 status:$2",
    [WHERE_TEXT] = "$1",
    [WHERE_REGION] = "details.region:$1",
    [WHERE_AMOUNT] = "details.amount:$1",
    [WHERE_TIME] = "timestamp:$1..$2",
};

static void
expect(tally_status status, const struct tally_error *error)
{
    if (status != TALLY_OK)
        quit("%s", error->text);
}

static void
open_place(struct place *place)
{
    struct tally_error error;
    struct folder_options options = { .command = "find_trail" };
    struct trail_recovery recovery;
    expect(folder_open(place->path, &options, &place->folder, &error), &error);
    expect(trail_open(place->folder, "main", TRAIL_WRITE, &place->trail, &recovery, &error),
           &error);
}

static void
close_place(struct place *place)
{
    struct tally_error error;
    expect(trail_close(place->trail, &error), &error);
    folder_close(place->folder);
}

static void
cool(void *context)
{
    struct place *place = context;
    close_place(place);
    cold_drop(place->path);
    open_place(place);
}

/* ---- questions ---- */

static void
put_filter(const struct find_question *question, const struct find_wanted *wanted,
           struct buffer *filter)
{
    const struct find_places *places = &find_places[question->condition];
    for (const char *at = filters[question->condition]; *at != '\0'; at++) {
        if (*at == '$')
            buffer_text(filter, wanted->values[places->values[*++at - '1']]);
        else
            buffer_byte(filter, (uint8_t)*at);
    }
}

static enum find_outcome
find_entry(struct place *place, const struct find_question *question,
           const struct find_wanted *wanted, struct find_answer *answer)
{
    struct tally_error error;
    struct snapshot *snapshot;
    struct run_entry entry;
    uint64_t index = strtoull(wanted->values[WANTED_INDEX], NULL, 10);
    expect(snapshot_open(place->trail, &snapshot, &error), &error);
    if (question->condition == WHERE_ID)
        expect(snapshot_find_id(snapshot, bytes_text(wanted->values[WANTED_ID]), &index, &error),
               &error);
    expect(snapshot_entry(snapshot, index, RUN_VALUES, &entry, &error), &error);
    find_answer_next(answer, entry.values[FIELD_ID]);
    answer->metered = snapshot_meter(snapshot).bytes;
    snapshot_close(snapshot);
    return FIND_ANSWERED;
}

static tally_status
take_entry(void *context, size_t i, const struct run_entry *entry, struct tally_error *error)
{
    (void)i;
    (void)error;
    find_answer_next(context, entry->values[FIELD_ID]);
    return TALLY_OK;
}

static void
find_newest(struct selection *selection, struct find_answer *answer)
{
    struct tally_error error;
    struct scan_hit hits[FIND_LIMIT];
    struct scan_list list;
    struct scan_place start = SCAN_START;
    expect(scan_list(selection->scan, ORDER_TIME_DOWN, &start, hits, FIND_LIMIT, &list, &error),
           &error);
    expect(gather_entries(selection->snapshot, hits, list.count, scan_threads_usual(), take_entry,
                          answer, &error),
           &error);
}

static void
take_summary(const struct summary *summary, struct find_answer *answer)
{
    const struct stats_values *values = &summary->stats.values;
    for (size_t i = 0; i < values->count; i++)
        find_answer_add(answer, values->values[i].value[0], values->values[i].count);
    for (size_t i = 0; i < summary->timeline.bucket_count; i++) {
        char hour[32];
        uint64_t count = timeline_bucket(&summary->timeline, i);
        (void)snprintf(hour, sizeof hour, "%" PRId64,
                       summary->timeline.start / CLOCK_SECOND + (int64_t)i * 3600);
        if (count > 0)
            find_answer_add(answer, bytes_text(hour), count);
    }
}

static enum find_outcome
find_summary(struct selection *selection, const struct find_question *question,
             struct find_answer *answer)
{
    struct tally_error error;
    struct summary_request request = summary_request_of(FIND_TOP);
    struct summary summary;
    if (question->shape == FIND_GROUPS)
        request.stats.by[request.stats.by_count++] = field_find_alias(bytes_text(question->field));
    if (question->shape == FIND_HOURS)
        request.over_time = interval_read(bytes_text("1h"), &request.interval);
    tally_status status = summary_make(selection->scan, &request, &summary, &error);
    if (status == TALLY_INVALID)
        return FIND_REFUSED;
    expect(status, &error);
    if (question->shape == FIND_COUNT)
        answer->rows = summary.total;
    else
        take_summary(&summary, answer);
    summary_finish(&summary);
    return FIND_ANSWERED;
}

static tally_status
drop_bytes(void *context, struct bytes bytes, struct tally_error *error)
{
    (void)context;
    (void)bytes;
    (void)error;
    return TALLY_OK;
}

static void
find_export(struct selection *selection, struct find_answer *answer)
{
    struct tally_error error;
    struct stream stream = { .write = drop_bytes };
    struct export_options options = { .format = EXPORT_NDJSON };
    struct export_result result;
    expect(export_write(selection, &options, &stream, &result, &error), &error);
    stream_finish(&stream);
    answer->rows = result.written;
}

static enum find_outcome
find_selected(struct place *place, const struct find_question *question,
              const struct find_wanted *wanted, struct find_answer *answer)
{
    static struct buffer filter;
    struct tally_error error;
    struct selection selection;
    enum find_outcome outcome = FIND_ANSWERED;
    buffer_clear(&filter);
    put_filter(question, wanted, &filter);
    struct selection_request request = {
        .text = buffer_view(&filter),
        .now = clock_now(),
        .size = SELECTION_ALL,
        .threads = scan_threads_usual(),
    };
    expect(selection_open(place->trail, &request, &selection, &error), &error);
    if (question->shape == FIND_NEWEST)
        find_newest(&selection, answer);
    else if (question->shape == FIND_EXPORT)
        find_export(&selection, answer);
    else
        outcome = find_summary(&selection, question, answer);
    answer->metered = snapshot_meter(selection.snapshot).bytes;
    selection_close(&selection);
    return outcome;
}

static enum find_outcome
ask(void *context, const struct find_question *question, const struct find_wanted *wanted,
    struct find_answer *answer_out)
{
    struct place *place = context;
    return question->shape == FIND_ENTRY ? find_entry(place, question, wanted, answer_out)
                                         : find_selected(place, question, wanted, answer_out);
}

/* ---- over HTTP ---- */

/* For a URL's query: all but letters and digits by their numbers. */
static void
put_escaped(struct buffer *target, struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        buffer_format(target, "%%%02X", text.data[i]);
}

static void
put_target(const struct find_question *question, const struct find_wanted *wanted,
           struct buffer *target)
{
    struct buffer filter = { 0 };
    if (question->condition == WHERE_INDEX) {
        buffer_format(target, "/api/events/%s", wanted->values[WANTED_INDEX]);
        return;
    }
    if (question->shape == FIND_ENTRY || question->shape == FIND_NEWEST)
        buffer_format(target, "/api/events?limit=%d", FIND_LIMIT);
    else if (question->shape == FIND_EXPORT)
        buffer_text(target, "/api/export?format=ndjson");
    else
        buffer_format(target, "/api/stats?top=%d", FIND_TOP);
    if (question->shape == FIND_HOURS)
        buffer_text(target, "&interval=1h");
    if (question->shape == FIND_GROUPS)
        buffer_format(target, "&by=%s", question->field);
    put_filter(question, wanted, &filter);
    if (filter.size > 0) {
        buffer_text(target, "&q=");
        put_escaped(target, buffer_view(&filter));
    }
    buffer_free(&filter);
}

static void
write_targets(const struct find_options *options)
{
    struct find_samples *samples = find_samples_read(options->samples);
    FILE *file = fopen(options->targets, "w");
    if (file == NULL)
        quit("cannot write %s", options->targets);
    for (const struct find_question *question = find_questions; question->label != NULL;
         question++) {
        if (question->shape == FIND_EXPORT)
            continue; /* a stream, whose length nobody knows before */
        for (size_t i = 0; i < options->asks; i++) {
            struct find_wanted wanted;
            struct buffer target = { 0 };
            find_wanted(samples, question, i, &wanted);
            put_target(question, &wanted, &target);
            (void)fprintf(file, "%s\t%.*s\n", question->label, (int)target.size,
                          (const char *)target.data);
            buffer_free(&target);
        }
    }
    if (fclose(file) != 0)
        quit("cannot write %s", options->targets);
    find_samples_free(samples);
}

/* ---- beside the questions ---- */

enum heat {
    WARM,
    COLD,
};

static void
measure_opening(struct place *place, enum heat heat, size_t count)
{
    struct samples samples = { 0 };
    for (size_t i = 0; i < count; i++) {
        if (heat == COLD)
            cold_drop(place->path);
        int64_t began = clock_monotonic();
        open_place(place);
        samples_add(&samples, clock_monotonic() - began);
        close_place(place);
    }
    if (count > 0)
        find_print("opening", heat == COLD ? "cold" : "p50", samples_quantile(&samples, 0.5));
    samples_free(&samples);
}

/* As often as there is time, at least once; the best, for nothing makes it faster than it is. */
static void
measure_verification(struct place *place, unsigned seconds)
{
    struct tally_error error;
    int64_t until = clock_monotonic() + seconds * CLOCK_SECOND;
    double best = 0;
    do {
        struct verify_options options = { 0 };
        struct verify_report report;
        int64_t began = clock_monotonic();
        expect(verify_trail(place->folder, "main", &options, &report, &error), &error);
        double rate = (double)report.entries * 1e9 / (double)(clock_monotonic() - began);
        if (report.verdict != VERDICT_INTACT)
            quit("%s", report.text);
        if (rate > best)
            best = rate;
    } while (clock_monotonic() < until);
    find_print("verification", "rate", best);
}

int
main(int argc, char **argv)
{
    struct find_options options;
    find_options_read(argc, argv, &options);
    if (options.targets != NULL) {
        write_targets(&options);
        return 0;
    }
    struct place place = { .path = options.where };
    const struct find_engine engine = { .context = &place, .ask = ask, .cool = cool };
    if (options.only == NULL) {
        measure_opening(&place, COLD, options.cold);
        measure_opening(&place, WARM, 10);
    }
    open_place(&place);
    find_run(&engine, &options);
    if (options.only == NULL)
        measure_verification(&place, options.seconds);
    close_place(&place);
    return 0;
}
