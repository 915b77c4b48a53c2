#include "intake.h"

#include "base64.h"
#include "fault.h"
#include "outcome.h"
#include "records.h"
#include "source.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Texts of the records of one batch; a batch is cut short when they get longer. */
#define TEXTS_SIZE_MAX (16 * 1024 * 1024)

/* A record that is in the batch but not in the trail yet. */
struct pending {
    const char *name; /* of its file */
    uint64_t line;
    size_t offset; /* of its text; kept only where there is a map */
    size_t size;
    enum map_identity identity;
};

enum phase {
    CHECKING, /* only looking; the batch is dropped when it is full */
    STORING,
};

struct intake {
    struct intake_options options;
    struct json_tape tape;
    struct buffer event; /* what the map made of a record */
    struct buffer texts;
    struct pending pending[INTAKE_BATCH_MAX];
    uint32_t count; /* of pending */
    struct receipt receipts[INTAKE_BATCH_MAX];
    struct intake_counts counts;
    enum phase phase;
    int unread;   /* SKIP: DONE, or why a file was not read to its end */
    bool dropped; /* CHECKING: the batch does not hold everything any more */
    uint64_t seen;
};

const struct listing_column intake_columns[INTAKE_COLUMN_COUNT] = {
    { .name = "index", .kind = CELL_NUMBER },
    { .name = "leaf", .cut = CELL_WHOLE },
    { .name = "repeated", .kind = CELL_JSON, .cut = CELL_WHOLE },
};

/* ---- making and unmaking ---- */

tally_status
intake_create(const struct intake_options *options, struct intake **intake_out,
              struct tally_error *error)
{
    assert(options->map != NULL || options->refusal == INTAKE_STOP);

    struct intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL)
        return memory_fault(error);
    intake->options = *options;
    intake->phase = STORING;

    tally_status status = TALLY_OK;
    if (options->map != NULL)
        status = json_tape_init(&intake->tape, EVENT_NODES_MAX, error);
    if (status != TALLY_OK) {
        free(intake);
        return status;
    }
    *intake_out = intake;
    return TALLY_OK;
}

void
intake_destroy(struct intake *intake)
{
    if (intake == NULL)
        return;
    if (intake->options.map != NULL)
        json_tape_finish(&intake->tape);
    buffer_free(&intake->event);
    buffer_free(&intake->texts);
    free(intake);
}

struct intake_counts
intake_counts(const struct intake *intake)
{
    return intake->counts;
}

static void
forget_batch(struct intake *intake)
{
    destination_clear(intake->options.destination);
    buffer_clear(&intake->texts);
    intake->count = 0;
}

/* ---- a batch into the trail ---- */

static tally_status
put_receipts(struct intake *intake)
{
    struct tally_error error;
    struct listing *listing = intake->options.receipts;
    for (uint32_t i = 0; i < intake->count; i++) {
        const struct receipt *receipt = &intake->receipts[i];
        char index[24];
        char leaf[2 * TALLY_HASH_SIZE];
        int size = snprintf(index, sizeof index, "%llu", (unsigned long long)receipt->index);
        hex_encode(receipt->leaf.bytes, TALLY_HASH_SIZE, leaf);
        const struct bytes cells[INTAKE_COLUMN_COUNT] = {
            bytes_of(index, (size_t)size),
            bytes_of(leaf, sizeof leaf),
            bytes_text(receipt->repeated ? "true" : "false"),
        };
        tally_status status = listing_row(listing, cells, &error);
        if (status != TALLY_OK)
            return (void)fail_with(&error, NULL), status;
    }
    tally_status status = listing_flush(listing, &error);
    if (status != TALLY_OK)
        (void)fail_with(&error, NULL);
    return status;
}

/* Counts what was appended and hands out its receipts. */
static int
acknowledge(struct intake *intake)
{
    for (uint32_t i = 0; i < intake->count; i++) {
        if (intake->receipts[i].repeated)
            intake->counts.repeated++;
        else
            intake->counts.stored++;
    }
    if (intake->options.receipts != NULL && put_receipts(intake) != TALLY_OK)
        return UNABLE;
    forget_batch(intake);
    return DONE;
}

/* Says how much of the input is in the trail when the command ends early. */
static int
stop(const struct intake *intake, enum outcome outcome)
{
    uint64_t stored = intake->counts.stored;
    if (stored == 0)
        return (int)outcome;
    return fail(UNABLE, "stopped there; %llu events before it are stored",
                (unsigned long long)stored);
}

/* Makes the text of an event out of a record. */
static tally_status
make_event(struct intake *intake, struct bytes text, enum map_identity identity,
           struct bytes *event_out, struct tally_error *error)
{
    if (intake->options.map == NULL) {
        *event_out = text;
        return TALLY_OK;
    }
    buffer_clear(&intake->event);
    tally_status status =
        map_apply(intake->options.map, &intake->tape, text, identity, &intake->event, error);
    if (status == TALLY_OK)
        *event_out = buffer_view(&intake->event);
    return status;
}

/* Fills the batch again from the pending records' texts. */
static int
fill_again(struct intake *intake)
{
    destination_clear(intake->options.destination);
    for (uint32_t i = 0; i < intake->count; i++) {
        const struct pending *pending = &intake->pending[i];
        struct tally_error error = { 0 };
        struct bytes event;
        struct bytes text = bytes_of(intake->texts.data + pending->offset, pending->size);
        tally_status status = make_event(intake, text, pending->identity, &event, &error);
        if (status == TALLY_OK)
            status = destination_add(intake->options.destination, event, &error);
        if (status != TALLY_OK)
            return (void)fail_with(&error, pending->name), UNABLE;
    }
    return DONE;
}

static void
drop_pending(struct intake *intake, uint32_t position)
{
    intake->count--;
    memmove(&intake->pending[position], &intake->pending[position + 1],
            (intake->count - position) * sizeof intake->pending[0]);
}

/* Says why the destination refused a record. */
static void
say_refused(const struct pending *pending, struct tally_error *error)
{
    /* The destination counts the lines of what it was sent. */
    error->line = pending->line;
    error->column = 0;
    (void)fail_with(error, pending->name);
}

/* The destination refused one record, and with it the batch. One that was mapped and whose id
 * stands for other content gets an id of its own, from its bytes, because it must not be lost for
 * what its source did; any other is left out. DONE where the batch may be tried again. */
static int
settle_refusal(struct intake *intake, uint32_t position, struct tally_error *error)
{
    if (position >= intake->count)
        return (void)fail_with(error, NULL), stop(intake, MISUSED);
    struct pending *pending = &intake->pending[position];
    const struct map *map = intake->options.map;
    if (error->status == TALLY_CONFLICT && map != NULL && !map_copies(map) &&
        pending->identity == MAP_ID_SOURCE) {
        pending->identity = MAP_ID_CONTENT;
        return fill_again(intake);
    }
    say_refused(pending, error);
    if (intake->options.refusal == INTAKE_STOP)
        return stop(intake, MISUSED);
    intake->counts.refused++;
    drop_pending(intake, position);
    return fill_again(intake);
}

static int
store_batch(struct intake *intake)
{
    while (intake->count > 0) {
        struct tally_error error = { 0 };
        uint32_t refused = DESTINATION_UNKNOWN;
        tally_status status =
            destination_append(intake->options.destination, intake->receipts, &refused, &error);
        if (status == TALLY_OK || status == TALLY_REPEATED)
            return acknowledge(intake);
        if (status != TALLY_CONFLICT && status != TALLY_INVALID) {
            destination_refuse(intake->options.destination, &error);
            return stop(intake, UNABLE);
        }
        int outcome = settle_refusal(intake, refused, &error);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

static int
make_room(struct intake *intake)
{
    if (intake->phase == STORING)
        return store_batch(intake);
    intake->dropped = true;
    forget_batch(intake);
    return DONE;
}

/* ---- records into a batch ---- */

/* Reports a record that cannot be taken. DONE where reading may go on. */
static int
refuse(struct intake *intake, const struct tally_error *error, const char *name)
{
    if (intake->options.progress != NULL)
        progress_clear(intake->options.progress);
    if (intake->options.refusal == INTAKE_SKIP) {
        (void)fail_with(error, name);
        intake->counts.refused++;
        return DONE;
    }
    /* What came before it in a pipe was meant to be stored, unless it would be the first. */
    bool begun = intake->phase == STORING && intake->counts.stored > 0;
    int outcome = begun ? store_batch(intake) : DONE;
    (void)fail_with(error, name);
    return outcome != DONE ? outcome : stop(intake, MISUSED);
}

static int
add_pending(struct intake *intake, const struct record *record, const char *name)
{
    struct pending *pending = &intake->pending[intake->count++];
    *pending = (struct pending){ .name = name, .line = record->line };
    if (intake->options.map != NULL) {
        pending->offset = intake->texts.size;
        pending->size = record->text.size;
        buffer_bytes(&intake->texts, record->text);
        if (buffer_failed(&intake->texts))
            return fail(UNABLE, "out of memory");
    }
    bool full = intake->count == INTAKE_BATCH_MAX || intake->texts.size >= TEXTS_SIZE_MAX;
    return full ? make_room(intake) : DONE;
}

static int
take_record(struct intake *intake, const struct record *record, const char *name)
{
    if (intake->options.progress != NULL && intake->phase == STORING)
        progress_show(intake->options.progress, ++intake->seen, 0);

    struct tally_error error = { 0 };
    struct bytes event;
    tally_status status = make_event(intake, record->text, MAP_ID_SOURCE, &event, &error);
    if (status == TALLY_ABSENT) {
        intake->counts.skipped++;
        return DONE;
    }
    bool mapped = status == TALLY_OK;
    if (mapped)
        status = destination_add(intake->options.destination, event, &error);
    if (status == TALLY_FULL) {
        int outcome = make_room(intake);
        if (outcome != DONE)
            return outcome;
        status = destination_add(intake->options.destination, event, &error);
    }
    if (status == TALLY_INVALID) {
        record_place(record, &error);
        if (name == NULL || (mapped && intake->options.map != NULL))
            error.column = 0; /* of a text that was made here, which nobody has seen */
        return refuse(intake, &error, name);
    }
    if (status != TALLY_OK)
        return (void)fail_with(&error, name), stop(intake, UNABLE);
    return add_pending(intake, record, name);
}

/* ---- files ---- */

/* Whether reading `path` now would wait for somebody to write. */
static bool
would_wait(const char *path)
{
    if (strcmp(path, "-") != 0)
        return false;
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    return poll(&input, 1, 0) == 0;
}

/* The next chunk from the source to the records. TALLY_ABSENT at the end. */
static tally_status
feed(struct source *source, struct records *records, struct tally_error *error)
{
    struct bytes chunk;
    tally_status status = source_read(source, &chunk, error);
    if (status == TALLY_OK)
        return records_feed(records, chunk, error);
    if (status == TALLY_ABSENT)
        records_end(records);
    return status;
}

/* A source's own faults: compressed data that is damaged is invalid input; else it could not be
 * read. DONE where reading may go on behind it. */
static int
refuse_source(struct intake *intake, tally_status status, const struct tally_error *error)
{
    if (intake->options.progress != NULL)
        progress_clear(intake->options.progress);
    (void)fail_with(error, NULL);
    bool invalid = status == TALLY_DAMAGED || status == TALLY_INVALID;
    if (status == TALLY_NO_MEMORY || intake->options.refusal == INTAKE_STOP)
        return stop(intake, invalid ? MISUSED : UNABLE);
    intake->counts.refused += invalid;
    if (!invalid)
        intake->unread = UNABLE;
    else if (intake->unread == DONE)
        intake->unread = MISUSED;
    return DONE;
}

static int
take_all(struct intake *intake, const char *path, struct source *source, struct records *records)
{
    /* Not source_name(): pending records outlive their source. */
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    bool ended = false;
    for (;;) {
        struct tally_error error = { 0 };
        struct record record;
        tally_status status = records_next(records, &record, &error);
        int outcome = DONE;
        if (status == TALLY_OK) {
            outcome = take_record(intake, &record, name);
        } else if (status == TALLY_INVALID) {
            outcome = refuse(intake, &error, name);
        } else if (status == TALLY_ABSENT && !ended) {
            if (intake->phase == STORING && intake->count > 0 && would_wait(path))
                outcome = store_batch(intake);
            status = outcome == DONE ? feed(source, records, &error) : TALLY_OK;
            ended = status != TALLY_OK;
            if (ended && status != TALLY_ABSENT) {
                outcome = refuse_source(intake, status, &error);
                records_end(records);
            }
        } else if (status == TALLY_ABSENT) {
            return DONE;
        } else {
            return (void)fail_with(&error, name), stop(intake, UNABLE);
        }
        if (outcome != DONE)
            return outcome;
    }
}

static int
take_file(struct intake *intake, const char *path)
{
    struct tally_error error = { 0 };
    struct source *source;
    tally_status status = source_open(path, SOURCE_SIZE_MAX, &source, &error);
    if (status != TALLY_OK)
        return refuse_source(intake, status, &error);

    struct records *records;
    status = records_create(&records, &error);
    if (status != TALLY_OK) {
        source_close(source);
        return (void)fail_with(&error, NULL), stop(intake, UNABLE);
    }
    if (intake->options.map != NULL) {
        size_t count;
        const struct record_list *lists = map_lists(intake->options.map, &count);
        records_unwrap(records, lists, count);
    }
    int outcome = take_all(intake, path, source, records);
    records_destroy(records);
    source_close(source);
    return outcome;
}

static int
take_files(struct intake *intake, char *const *paths, int count)
{
    for (int i = 0; i < count; i++) {
        int outcome = take_file(intake, paths[i]);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

/* Whether all inputs can be read twice; *start_out is where standard input begins. */
static bool
can_read_twice(char *const *paths, int count, off_t *start_out)
{
    for (int i = 0; i < count; i++) {
        struct stat stat_;
        bool standard = strcmp(paths[i], "-") == 0;
        int result = standard ? fstat(STDIN_FILENO, &stat_) : stat(paths[i], &stat_);
        if (result < 0 || !S_ISREG(stat_.st_mode))
            return false;
        if (standard)
            *start_out = lseek(STDIN_FILENO, 0, SEEK_CUR);
    }
    return true;
}

/* Reads everything without storing it. Afterwards *stored_out says whether it was little enough to
 * be in the batch as a whole and was stored at once. */
static int
check_files(struct intake *intake, char *const *paths, int count, bool *stored_out)
{
    intake->phase = CHECKING;
    int outcome = take_files(intake, paths, count);
    intake->phase = STORING;
    *stored_out = false;
    if (outcome != DONE)
        return outcome;
    if (!intake->dropped) {
        *stored_out = true;
        return store_batch(intake);
    }
    forget_batch(intake);
    intake->counts = (struct intake_counts){ 0 };
    return DONE;
}

int
intake_files(struct intake *intake, char *const *paths, int count)
{
    off_t start = 0;
    if (intake->options.refusal == INTAKE_STOP && can_read_twice(paths, count, &start)) {
        bool stored;
        int outcome = check_files(intake, paths, count, &stored);
        if (outcome != DONE || stored)
            return outcome;
        if (start >= 0)
            (void)lseek(STDIN_FILENO, start, SEEK_SET);
    }
    int outcome = take_files(intake, paths, count);
    if (outcome == DONE)
        outcome = store_batch(intake);
    if (outcome != DONE || intake->unread == DONE)
        return outcome;
    return intake->counts.stored + intake->counts.repeated == 0 ? intake->unread : UNABLE;
}

int
intake_event(struct intake *intake, struct bytes text, const char *name)
{
    struct record record = { .text = text, .line = 0 };
    int outcome = take_record(intake, &record, name);
    return outcome != DONE ? outcome : store_batch(intake);
}
