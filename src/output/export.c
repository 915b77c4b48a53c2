#include "export.h"

#include "entries.h"
#include "evidence.h"

/* Entries found at a time. */
#define STRIDE 4096

struct exporter {
    const struct export_options *options;
    struct selection *selection;
    struct stream *stream;
    struct entries *entries; /* NDJSON and CSV */
    struct bytes note;       /* evidence: the signed checkpoint, and the tree it signs */
    struct tally_tree tree;
    bool ended; /* by `progress` */
    struct export_result result;
};

static const char *const format_names[] = {
    [EXPORT_NDJSON] = "ndjson",
    [EXPORT_CSV] = "csv",
    [EXPORT_EVIDENCE] = "evidence",
};

bool
export_format_find(struct bytes name, enum export_format *format_out)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (bytes_is(name, format_names[i])) {
            *format_out = (enum export_format)i;
            return true;
        }
    }
    return false;
}

const char *
export_format_name(enum export_format format)
{
    return format_names[format];
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
    return snapshot_hash(exporter->selection->snapshot, level, index, hash_out, error);
}

/* Proves first and reads then: an entry is lent only until the snapshot is asked again. */
static tally_status
write_evidence(struct exporter *exporter, uint64_t index, struct tally_error *error)
{
    if (index >= exporter->tree.size) {
        exporter->result.unsigned_++;
        return TALLY_OK;
    }
    struct tally_proof proof;
    struct run_entry entry;
    tally_status status =
        tally_inclusion_prove(index, exporter->tree.size, read_hash, exporter, &proof, error);
    if (status == TALLY_OK)
        status = snapshot_entry(exporter->selection->snapshot, index, RUN_PARTS, &entry, error);
    if (status != TALLY_OK)
        return status;
    evidence_write(&entry, &proof, exporter->note, &exporter->stream->buffer);
    exporter->result.written++;
    return stream_commit(exporter->stream, error);
}

static tally_status
write_row(struct exporter *exporter, uint64_t index, struct tally_error *error)
{
    struct run_entry entry;
    tally_status status =
        snapshot_entry(exporter->selection->snapshot, index, RUN_VALUES, &entry, error);
    if (status != TALLY_OK)
        return status;
    exporter->result.written++;
    return entries_row(exporter->entries, &entry, error);
}

static bool
goes_on(const struct exporter *exporter)
{
    const struct export_options *options = exporter->options;
    return options->progress == NULL ||
           options->progress(options->context, exporter->result.written,
                             snapshot_size(exporter->selection->snapshot));
}

static tally_status
write_hits(struct exporter *exporter, const struct scan_hit *hits, size_t count,
           struct tally_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!goes_on(exporter)) {
            exporter->ended = true;
            return TALLY_OK;
        }
        tally_status status = exporter->options->format == EXPORT_EVIDENCE
                                  ? write_evidence(exporter, hits[i].index, error)
                                  : write_row(exporter, hits[i].index, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
write_all(struct exporter *exporter, struct tally_error *error)
{
    struct scan_hit hits[STRIDE];
    struct scan_list list = { .next = SCAN_START };
    do {
        struct scan_place place = list.next;
        tally_status status =
            scan_list(exporter->selection->scan, ORDER_INDEX, &place, hits, STRIDE, &list, error);
        if (status == TALLY_OK)
            status = write_hits(exporter, hits, list.count, error);
        if (status != TALLY_OK)
            return status;
    } while (list.more && !exporter->ended);
    return TALLY_OK;
}

static tally_status
write_all_evidence(struct exporter *exporter, struct tally_error *error)
{
    struct snapshot *snapshot = exporter->selection->snapshot;
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &exporter->note);
    tally_status status =
        tally_tree_read(checkpoint->size, snapshot_hash, snapshot, &exporter->tree, error);
    if (status == TALLY_OK)
        status = write_all(exporter, error);
    return status == TALLY_OK ? stream_flush(exporter->stream, error) : status;
}

static tally_status
write_all_rows(struct exporter *exporter, struct tally_error *error)
{
    bool csv = exporter->options->format == EXPORT_CSV;
    const struct listing_style style = { .csv_ways = exporter->options->csv_ways };
    tally_status status = entries_create(csv ? LISTING_CSV : LISTING_NDJSON, &style,
                                         exporter->stream, &exporter->entries, error);
    if (status != TALLY_OK)
        return status;
    status = write_all(exporter, error);
    if (status == TALLY_OK)
        status = entries_end(exporter->entries, (struct bytes){ NULL, 0 }, error);
    entries_destroy(exporter->entries);
    return status;
}

tally_status
export_write(struct selection *selection, const struct export_options *options,
             struct stream *stream, struct export_result *result_out, struct tally_error *error)
{
    struct exporter exporter = { .options = options, .selection = selection, .stream = stream };
    tally_status status = options->format == EXPORT_EVIDENCE ? write_all_evidence(&exporter, error)
                                                             : write_all_rows(&exporter, error);
    if (status == TALLY_OK)
        *result_out = exporter.result;
    return status;
}
