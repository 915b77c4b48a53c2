/*
 * tally export - all entries that match a filter, in order of index, in constant memory.
 */
#include "export.h"

#include "csv.h"
#include "export_remote.h"
#include "filtering.h"
#include "out.h"
#include "progress.h"

static const struct command_option options[] = {
    { "format", "FORMAT", "ndjson (the default), csv or evidence" },
    { "raw", NULL, "CSV: texts exactly as they are, also those a spreadsheet would run" },
    { "output", "FILE", "write a file instead of standard output" },
    { "control", NULL, "control entries, too" },
    { "trail", "NAME", "the trail (default: main)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

struct exporting {
    struct out *out;
    struct progress progress;
};

static int
read_format(const struct invocation *invocation, enum export_format *format_out)
{
    const char *name = option_value(invocation, "format");
    *format_out = EXPORT_NDJSON;
    if (name == NULL || export_format_find(bytes_text(name), format_out))
        return DONE;
    return fail(MISUSED, "--format takes csv, ndjson or evidence, not \"%s\"", name);
}

/* export_options.progress */
static bool
show_progress(void *context, uint64_t done, uint64_t total)
{
    struct exporting *exporting = context;
    progress_show(&exporting->progress, done, total);
    return !out_closed(exporting->out);
}

static int
export_selection(const struct invocation *invocation, const struct where *where,
                 enum export_format format, struct out *out, struct export_result *result)
{
    struct selection selection;
    int outcome = filtering_open(invocation, where, &selection);
    if (outcome != DONE)
        return outcome;

    struct listing_style style;
    out_looks(out, &style);
    struct exporting exporting = { .out = out };
    struct export_options export_options = {
        .format = format,
        .csv_ways = style.csv_ways,
        .progress = show_progress,
        .context = &exporting,
    };
    if (option_given(invocation, "raw"))
        export_options.csv_ways &= ~CSV_GUARD;

    struct tally_error error = { 0 };
    progress_init(&exporting.progress, "exporting");
    tally_status status = export_write(&selection, &export_options, &out->stream, result, &error);
    progress_clear(&exporting.progress);
    selection_close(&selection);
    return status == TALLY_OK ? DONE : where_fault(where, &error);
}

static int
export_trail(const struct invocation *invocation, const struct where *where,
             enum export_format format)
{
    struct out out;
    int outcome = out_open_file(&out, option_value(invocation, "output"));
    if (outcome != DONE)
        return outcome;
    struct export_result result = { 0 };
    outcome = out_finish(&out, export_selection(invocation, where, format, &out, &result));
    if (outcome == DONE && result.unsigned_ > 0)
        return fail(UNABLE,
                    "%llu entries are not covered by a checkpoint yet and were left out; export "
                    "again in a moment",
                    (unsigned long long)result.unsigned_);
    if (outcome == DONE && result.written == 0 && !out_closed(&out))
        filtering_nothing(invocation, LISTING_TABLE);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, WHERE_MISSING);
    enum export_format format = EXPORT_NDJSON;
    int outcome = read_format(invocation, &format);
    if (outcome != DONE)
        return outcome;

    if (where_is_url(invocation->operands[0]))
        return export_remote(invocation, format);
    struct where where;
    outcome = where_open_trail(invocation, TRAIL_READ, &where);
    if (outcome != DONE)
        return outcome;
    outcome = export_trail(invocation, &where, format);
    return where_close(&where, outcome);
}

const struct command command_export = {
    .name = "export",
    .operands = "WHERE [FILTER…]",
    .summary = "write out entries: NDJSON, CSV or evidence",
    .text = "All entries that match the filter (all, if there is none), in order of index, in "
            "constant memory. NDJSON can be imported again (--map tallystick). Evidence has for "
            "each entry its exact bytes, an inclusion proof and the signed checkpoint, and is "
            "checked without this program.",
    .options = options,
    .ways = COMMAND_FILTER,
    .run = run,
};
