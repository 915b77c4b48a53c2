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

struct exporter {
    enum export_format format;
    struct selection selection;
    struct entries *entries; /* NDJSON and CSV */
    struct out *out;
    struct progress progress;
    uint64_t written;
    uint64_t unsigned_; /* selected, but not covered by the checkpoint: no evidence yet */
    struct bytes note;
    struct tally_tree tree; /* that the checkpoint signs */
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

/* A tally_hash_reader. The tree's peaks stand at its right edge and in nearly every proof, but the
 * snapshot would compute the lower ones from the entries each time. */
static tally_status
read_hash(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
          struct tally_error *error)
{
    const struct exporter *exporter = context;
    uint64_t size = exporter->tree.size;
    if ((size >> level & 1) != 0 && index == (size >> level) - 1) {
        *hash_out = exporter->tree.peaks[level];
        return TALLY_OK;
    }
    return snapshot_hash(exporter->selection.snapshot, level, index, hash_out, error);
}

/* Proves first and reads then: an entry is lent only until the snapshot is asked again. */
static tally_status
write_evidence(struct exporter *exporter, uint64_t index, struct tally_error *error)
{
    if (index >= exporter->tree.size) {
        exporter->unsigned_++;
        return TALLY_OK;
    }
    struct tally_proof proof;
    struct run_entry entry;
    tally_status status =
        tally_inclusion_prove(index, exporter->tree.size, read_hash, exporter, &proof, error);
    if (status == TALLY_OK)
        status = snapshot_entry(exporter->selection.snapshot, index, RUN_PARTS, &entry, error);
    if (status != TALLY_OK)
        return status;
    evidence_write(&entry, &proof, exporter->note, &exporter->out->stream.buffer);
    return stream_commit(&exporter->out->stream, error);
}

static tally_status
write_row(struct exporter *exporter, uint64_t index, struct tally_error *error)
{
    struct run_entry entry;
    tally_status status =
        snapshot_entry(exporter->selection.snapshot, index, RUN_VALUES, &entry, error);
    return status == TALLY_OK ? entries_row(exporter->entries, &entry, error) : status;
}

static tally_status
write_hits(struct exporter *exporter, const struct scan_hit *hits, size_t count,
           struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        progress_show(&exporter->progress, exporter->written++,
                      snapshot_size(exporter->selection.snapshot));
        status = exporter->format == EXPORT_EVIDENCE
                     ? write_evidence(exporter, hits[i].index, error)
                     : write_row(exporter, hits[i].index, error);
    }
    return status;
}

static tally_status
write_all(struct exporter *exporter, struct tally_error *error)
{
    struct scan_hit hits[STRIDE];
    struct scan_list list = { .next = SCAN_START };
    do {
        struct scan_place place = list.next;
        tally_status status =
            scan_list(exporter->selection.scan, ORDER_INDEX, &place, hits, STRIDE, &list, error);
        if (status == TALLY_OK)
            status = write_hits(exporter, hits, list.count, error);
        if (status != TALLY_OK)
            return status;
    } while (list.more && !out_closed(exporter->out));
    return TALLY_OK;
}

static tally_status
write_export(const struct invocation *invocation, struct exporter *exporter,
             struct tally_error *error)
{
    if (exporter->format == EXPORT_EVIDENCE) {
        const struct tally_checkpoint *checkpoint =
            snapshot_checkpoint(exporter->selection.snapshot, &exporter->note);
        tally_status status = tally_tree_read(checkpoint->size, snapshot_hash,
                                              exporter->selection.snapshot, &exporter->tree, error);
        return status == TALLY_OK ? write_all(exporter, error) : status;
    }

    bool csv = exporter->format == EXPORT_CSV;
    struct listing_style style;
    enum listing_format format = csv ? LISTING_CSV : LISTING_NDJSON;
    out_looks(exporter->out, &style);
    if (option_given(invocation, "raw"))
        style.csv_ways &= ~CSV_GUARD;
    tally_status status =
        entries_create(format, &style, &exporter->out->stream, &exporter->entries, error);
    if (status != TALLY_OK)
        return status;
    status = write_all(exporter, error);
    if (status == TALLY_OK)
        status = entries_end(exporter->entries, (struct bytes){ NULL, 0 }, error);
    entries_destroy(exporter->entries);
    return status;
}

static int
export_selection(const struct invocation *invocation, const struct where *where,
                 struct exporter *exporter)
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
                      : selection_open(where->trail, &selection_options, &exporter->selection);
    buffer_free(&text);
    if (outcome != DONE)
        return outcome;

    struct tally_error error = { 0 };
    progress_init(&exporter->progress, "exporting");
    tally_status status = write_export(invocation, exporter, &error);
    progress_clear(&exporter->progress);
    selection_close(&exporter->selection);
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
    struct exporter exporter = { .format = format, .out = &out };
    outcome = out_finish(&out, export_selection(invocation, where, &exporter));
    if (outcome == DONE && exporter.unsigned_ > 0)
        return fail(UNABLE,
                    "%llu entries are not covered by a checkpoint yet and were left out; export "
                    "again in a moment",
                    (unsigned long long)exporter.unsigned_);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, "the data folder is missing");
    enum export_format format = EXPORT_NDJSON;
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
