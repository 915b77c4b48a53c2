/*
 * tally import - records of other products into a trail, by a map.
 */
#include "command.h"
#include "intake.h"
#include "maps.h"
#include "out.h"
#include "remote.h"
#include "where.h"

#include <limits.h>
#include <stdio.h>

static const struct command_option options[] = {
    { "map", "NAME", "how records become events: a map's name, or a file" },
    { "strict", NULL, "stop at the first record that cannot be taken" },
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "the summary as table, json, ndjson or csv (default: a sentence)" },
    { "again", NULL, "they may be stored already: look for ids in the whole trail" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

#define COUNT_COLUMNS 4
static const struct listing_column columns[COUNT_COLUMNS] = {
    { .name = "imported", .kind = CELL_NUMBER },
    { .name = "repeated", .kind = CELL_NUMBER },
    { .name = "skipped", .kind = CELL_NUMBER },
    { .name = "refused", .kind = CELL_NUMBER },
};

static tally_status
list_counts(enum listing_format format, const struct listing_style *style,
            const struct intake_counts *counts, struct out *out, struct tally_error *error)
{
    struct listing *listing;
    tally_status status =
        listing_create(format, style, columns, COUNT_COLUMNS, &out->stream, &listing, error);
    if (status != TALLY_OK)
        return status;

    const uint64_t numbers[COUNT_COLUMNS] = { counts->stored, counts->repeated, counts->skipped,
                                              counts->refused };
    char texts[COUNT_COLUMNS][24];
    struct bytes cells[COUNT_COLUMNS];
    for (size_t i = 0; i < COUNT_COLUMNS; i++) {
        int size = snprintf(texts[i], sizeof texts[i], "%llu", (unsigned long long)numbers[i]);
        cells[i] = bytes_of(texts[i], (size_t)size);
    }
    status = listing_row(listing, cells, error);
    if (status == TALLY_OK)
        status = listing_end(listing, (struct bytes){ NULL, 0 }, error);
    listing_destroy(listing);
    return status;
}

static int
summarise(const struct invocation *invocation, const struct intake_counts *counts)
{
    struct out out;
    out_open(&out);
    int outcome = DONE;
    if (option_value(invocation, "format") == NULL) {
        buffer_format(&out.stream.buffer,
                      "imported %llu, repeated %llu, skipped %llu, refused %llu\n",
                      (unsigned long long)counts->stored, (unsigned long long)counts->repeated,
                      (unsigned long long)counts->skipped, (unsigned long long)counts->refused);
    } else {
        enum listing_format format;
        struct listing_style style;
        struct tally_error error = { 0 };
        outcome = out_style(invocation, &out, &format, &style);
        if (outcome == DONE && list_counts(format, &style, counts, &out, &error) != TALLY_OK)
            outcome = fail_with(&error, NULL);
    }
    return out_finish(&out, outcome);
}

static int
import_into(const struct invocation *invocation, struct destination *destination,
            const struct map *map)
{
    struct progress progress;
    progress_init(&progress, "importing");
    struct intake_options intake_options = {
        .destination = destination,
        .map = map,
        .refusal = option_given(invocation, "strict") ? INTAKE_STOP : INTAKE_SKIP,
        .progress = &progress,
    };
    struct intake *intake;
    struct tally_error error = { 0 };
    if (intake_create(&intake_options, &intake, &error) != TALLY_OK)
        return fail_with(&error, NULL);

    int outcome = intake_files(intake, invocation->operands + 1, invocation->operand_count - 1);
    progress_clear(&progress);
    struct intake_counts counts = intake_counts(intake);
    intake_destroy(intake);
    if (outcome != MISUSED) {
        int summary = summarise(invocation, &counts);
        outcome = outcome == DONE ? summary : outcome;
    }
    /* Nothing but records that cannot be taken: that was the wrong map, or no input. */
    bool nothing = counts.stored + counts.repeated + counts.skipped == 0;
    if (outcome == DONE && nothing && counts.refused > 0)
        return fail(MISUSED, "no record could be taken; is the map the right one?");
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    static const char *const missing[] = {
        WHERE_MISSING,
        "FILE is missing, what to take in; - is standard input",
        NULL,
    };
    int outcome = operands_expect(invocation, missing, INT_MAX);
    if (outcome != DONE)
        return outcome;
    const char *name = option_value(invocation, "map");
    if (name == NULL)
        return misused(invocation, "--map is missing");

    struct map *map;
    outcome = maps_find(name, &map);
    if (outcome != DONE)
        return outcome;
    struct destination *destination;
    outcome = destination_open(invocation, map_copies(map) ? DESTINATION_COPIES : DESTINATION_FILLS,
                               &destination);
    if (outcome == DONE) {
        outcome = import_into(invocation, destination, map);
        outcome = destination_close(destination, outcome);
    }
    map_destroy(map);
    return outcome;
}

const struct command command_import = {
    .name = "import",
    .operands = "WHERE --map NAME FILE…",
    .summary = "take in records of other products, by a map",
    .text = "Files (- is standard input) hold JSON: objects, a line each or one after another, "
            "arrays, or envelopes such as {\"Records\": […]}; plain, gzip or zstd. Importing the "
            "same records again stores "
            "nothing twice; where millions of entries may lie between, say --again. What cannot be "
            "taken is reported by line; the rest is stored.",
    .options = options,
    .run = run,
};
