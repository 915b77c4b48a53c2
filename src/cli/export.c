/*
 * tally export - all entries that match a filter, in order of index, in constant memory.
 */
#include "clock.h"
#include "command.h"
#include "csv.h"
#include "entries.h"
#include "evidence.h"
#include "out.h"
#include "progress.h"
#include "selection.h"
#include "where.h"

#include <string.h>

/* Entries found at a time. */
#define STRIDE 4096

static const struct command_option options[] = {
    { "format", "FORMAT", "ndjson (the default), csv or evidence" },
    { "raw", NULL, "CSV: texts exactly as they are, also those a spreadsheet would run" },
    { "output", "FILE", "write a file instead of standard output" },
    { "control", NULL, "control entries, too" },
    { "trail", "NAME", "the trail (default: main)" },
    { NULL, NULL, NULL },
};

enum export_format {
    EXPORT_NDJSON,
    EXPORT_CSV,
    EXPORT_EVIDENCE,
};

struct export
{
    enum export_format format;
    struct selection selection;
    struct entries *entries; /* NDJSON and CSV */
    struct out *out;
    struct progress progress;
    uint64_t written;
    uint64_t unsigned_; /* selected, but not covered by the checkpoint: no evidence yet */
    struct bytes note;
    uint64_t signed_size;
};

static int
read_format(const struct invocation *invocation, enum export_format *format_out)
{
    static const char *const names[] = {
        [EXPORT_NDJSON] = "ndjson",
        [EXPORT_CSV] = "csv",
        [EXPORT_EVIDENCE] = "evidence",
    };
    const char *name = option_value(invocation, "format");
    if (name == NULL)
        name = names[EXPORT_NDJSON];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *format_out = (enum export_format)i;
            return DONE;
        }
    }
    return fail(MISUSED, "--format takes csv, ndjson or evidence, not \"%s\"", name);
}

static tally_status
write_evidence(struct export *export, const struct run_entry *entry, struct tally_error *error)
{
    if (entry->index >= export->signed_size) {
        export->unsigned_++;
        return TALLY_OK;
    }
    struct tally_proof proof;
    tally_status status = tally_inclusion_prove(entry->index, export->signed_size, snapshot_hash,
                                                export->selection.snapshot, &proof, error);
    if (status != TALLY_OK)
        return status;
    evidence_write(entry, &proof, export->note, &export->out->stream.buffer);
    return stream_commit(&export->out->stream, error);
}

static tally_status
write_one(void *context, const struct run_entry *entry, struct tally_error *error)
{
    struct export *export = context;
    progress_show(&export->progress, export->written++, snapshot_size(export->selection.snapshot));
    if (export->format == EXPORT_EVIDENCE)
        return write_evidence(export, entry, error);
    return entries_row(export->entries, entry, error);
}

static tally_status
write_all(struct export *export, struct tally_error *error)
{
    struct scan_hit hits[STRIDE];
    struct scan_list list = { .next = SCAN_START };
    enum run_want want = export->format == EXPORT_EVIDENCE ? RUN_PARTS : RUN_VALUES;
    do {
        struct scan_place place = list.next;
        tally_status status =
            scan_list(export->selection.scan, ORDER_INDEX, &place, hits, STRIDE, &list, error);
        if (status == TALLY_OK)
            status = selection_read(&export->selection, hits, list.count, want, write_one, export,
                                    error);
        if (status != TALLY_OK)
            return status;
    } while (list.more && !out_closed(export->out));
    return TALLY_OK;
}

static tally_status
write_export(const struct invocation *invocation, struct export *export, struct tally_error *error)
{
    if (export->format == EXPORT_EVIDENCE) {
        const struct tally_checkpoint *checkpoint =
            snapshot_checkpoint(export->selection.snapshot, &export->note);
        export->signed_size = checkpoint->size;
        return write_all(export, error);
    }

    bool csv = export->format == EXPORT_CSV;
    struct listing_style style;
    enum listing_format format = csv ? LISTING_CSV : LISTING_NDJSON;
    out_looks(export->out, &style);
    if (option_given(invocation, "raw"))
        style.csv_ways &= ~CSV_GUARD;
    tally_status status =
        entries_create(format, &style, &export->out->stream, &export->entries, error);
    if (status != TALLY_OK)
        return status;
    status = write_all(export, error);
    if (status == TALLY_OK)
        status = entries_end(export->entries, (struct bytes){ NULL, 0 }, error);
    entries_destroy(export->entries);
    return status;
}

static int
export_selection(const struct invocation *invocation, const struct where *where,
                 struct export *export)
{
    struct buffer text = { 0 };
    selection_text(invocation, &text);
    struct selection_options selection_options = {
        .text = buffer_view(&text),
        .now = clock_now(),
        .size = UINT64_MAX,
        .control = selection_control(invocation),
    };
    int outcome = buffer_failed(&text)
                      ? fail(UNABLE, "out of memory")
                      : selection_open(where->trail, &selection_options, &export->selection);
    buffer_free(&text);
    if (outcome != DONE)
        return outcome;

    struct tally_error error = { 0 };
    progress_init(&export->progress, "exporting");
    tally_status status = write_export(invocation, export, &error);
    progress_clear(&export->progress);
    selection_close(&export->selection);
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
    struct export export = { .format = format, .out = &out };
    outcome = out_finish(&out, export_selection(invocation, where, &export));
    if (outcome == DONE && export.unsigned_ > 0)
        return fail(UNABLE,
                    "%llu entries are not covered by a checkpoint yet and were left out; export "
                    "again in a moment",
                    (unsigned long long)export.unsigned_);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, "the data folder is missing");
    enum export_format format;
    int outcome = read_format(invocation, &format);
    if (outcome != DONE)
        return outcome;

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
            "constant\nmemory. NDJSON can be imported again (--map tallystick). Evidence has for "
            "each entry its\nexact bytes, an inclusion proof and the signed checkpoint, and is "
            "checked without this\nprogram.",
    .options = options,
    .ways = COMMAND_FILTER,
    .run = run,
};
