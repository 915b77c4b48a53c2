/*
 * run.c - entries out of columns, from a head or from a segment.
 *
 * A head's pages stand in memory and are handed through. A segment's are read and decoded, and the
 * last one decoded of each column is kept: whoever goes through the rows in order decodes each page
 * once. Of a column of text single blocks of a page are decoded, so that one entry costs 256 texts,
 * not 4,096.
 *
 * An entry is put together from one value of each column. Its two parts are then written by the
 * same function that wrote them when they came (part_write), and the commitment is computed from
 * salt and private part: only an erased entry has it stored, as an exception of 32 bytes in the
 * column of salts, whose other values have 16.
 *
 * Invariant: whatever the bytes of a file, a reader ends in an entry or in TALLY_DAMAGED. Whether
 * the entry is the one that was signed, only its leaf can tell.
 */
#include "run.h"

#include "base64.h"
#include "clock.h"
#include "entry.h"
#include "fault.h"
#include "run_column.h"
#include "segment_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define PAGE_BLOCKS (PAGE_ROWS / BLOCK_ROWS)
#define NO_PAGE     UINT32_MAX

struct run_column {
    enum {
        COLUMN_NEW,     /* nobody asked yet */
        COLUMN_MISSING, /* no row has a value */
        COLUMN_THERE,
    } state;
    const struct segment_column *stored; /* of a segment */
    struct page_decoder *decoder;
    struct dictionary dictionary;
    bool dictionary_known;
    uint32_t page;         /* that is decoded, or of which blocks are; else NO_PAGE */
    uint32_t blocks_known; /* a bit for each decoded block of text */
    const struct bytes *blocks[PAGE_BLOCKS];
    bool view_known; /* view is the page, whole */
    struct page view;
};

struct run_reader {
    struct run run;
    struct codec_workspace *workspace;
    uint64_t fields_private;
    struct run_column columns[COLUMN_COUNT];
    struct buffer encoded;
    uint32_t times_page;
    int64_t times[PAGE_ROWS];
    struct buffer public_part;
    struct buffer private_part;
    char texts[FIELD_COUNT][PAGE_TEXT_MAX];
    char commitment[ENTRY_COMMITMENT_SIZE];
};

tally_status
run_reader_create(const struct run *run, struct run_reader **reader_out, struct tally_error *error)
{
    assert((run->head == NULL) != (run->segment == NULL) && run->count > 0);

    struct run_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return memory_fault(error);
    reader->run = *run;
    reader->times_page = NO_PAGE;
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        reader->columns[i].page = NO_PAGE;

    if (run->head != NULL) {
        reader->fields_private = head_fields_private(run->head);
        *reader_out = reader;
        return TALLY_OK;
    }

    tally_status status = codec_workspace_create(&reader->workspace, error);
    if (status != TALLY_OK)
        goto free_reader;
    status = segment_use(run->segment, error);
    if (status != TALLY_OK)
        goto destroy_workspace;
    reader->fields_private = segment_fields_private(run->segment);
    *reader_out = reader;
    return TALLY_OK;

destroy_workspace:
    codec_workspace_destroy(reader->workspace);
free_reader:
    free(reader);
    return status;
}

void
run_reader_destroy(struct run_reader *reader)
{
    if (reader == NULL)
        return;
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        page_decoder_destroy(reader->columns[i].decoder);
    if (reader->run.segment != NULL)
        segment_unuse(reader->run.segment);
    codec_workspace_destroy(reader->workspace);
    buffer_free(&reader->encoded);
    buffer_free(&reader->public_part);
    buffer_free(&reader->private_part);
    free(reader);
}

const struct run *
run_of(const struct run_reader *reader)
{
    return &reader->run;
}

uint64_t
run_fields_private(const struct run_reader *reader)
{
    return reader->fields_private;
}

static uint32_t
page_rows(const struct run_reader *reader, uint32_t page)
{
    uint32_t left = reader->run.count - page * PAGE_ROWS;
    return left < PAGE_ROWS ? left : PAGE_ROWS;
}

/* The rows from `first` on that are stored, `most` at most. A snapshot of an older size ends a run
 * before its segment ends, but pages and blocks are decoded as they were written. */
static uint32_t
stored_rows(const struct run_reader *reader, uint32_t first, uint32_t most)
{
    const struct segment *segment = reader->run.segment;
    uint32_t left = (segment != NULL ? segment->info.count : reader->run.count) - first;
    return left < most ? left : most;
}

/* Finds a segment's column when it is asked for first. */
static tally_status
column_open(struct run_reader *reader, unsigned number, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    tally_status status = segment_find_column(reader->run.segment, number, &column->stored, error);

    if (status == TALLY_ABSENT) {
        column->state = COLUMN_MISSING;
        return TALLY_OK;
    }
    if (status != TALLY_OK)
        return status;
    status = segment_load_column(reader->run.segment, number, reader->workspace, error);
    if (status != TALLY_OK)
        return status;
    if (column->decoder == NULL) {
        status = page_decoder_create(reader->workspace, &column->decoder, error);
        if (status != TALLY_OK)
            return status;
    }
    column->state = COLUMN_THERE;
    return TALLY_OK;
}

/* A decoder knows what is wrong with a block's bytes; where they stand is known here. */
static tally_status
decode_fault(const struct segment_column *stored, uint32_t block, tally_status status,
             const struct tally_error *inner, struct tally_error *error)
{
    if (status != TALLY_DAMAGED)
        return memory_fault(error);
    struct segment_place place = segment_column_place(stored, block, NULL);
    return segment_file_fault(stored->file, &place, inner->text, error);
}

/* Begins anew with another page of a column. */
static void
column_turn(struct run_column *column, uint32_t page)
{
    column->page = page;
    column->blocks_known = 0;
    column->view_known = false;
}

static tally_status
block_decode(struct run_reader *reader, struct run_column *column, uint32_t slot,
             struct tally_error *error)
{
    uint32_t block = column->page * PAGE_BLOCKS + slot;
    uint32_t rows = stored_rows(reader, block * BLOCK_ROWS, BLOCK_ROWS);
    tally_status status = segment_column_read(column->stored, block, &reader->encoded, error);
    if (status != TALLY_OK)
        return status;

    struct tally_error inner;
    status = codec_decode_block(column->decoder, slot, rows, column->stored->primer,
                                buffer_view(&reader->encoded), &column->blocks[slot], &inner);
    if (status != TALLY_OK)
        return decode_fault(column->stored, block, status, &inner, error);
    column->blocks_known |= UINT32_C(1) << slot;
    return TALLY_OK;
}

static tally_status
text_page_decode(struct run_reader *reader, struct run_column *column, struct tally_error *error)
{
    uint32_t rows = page_rows(reader, column->page);
    for (uint32_t slot = 0; slot * BLOCK_ROWS < rows; slot++) {
        if ((column->blocks_known & UINT32_C(1) << slot) != 0)
            continue;
        tally_status status = block_decode(reader, column, slot, error);
        if (status != TALLY_OK)
            return status;
    }
    page_decoder_text_page(column->decoder, rows, &column->view);
    column->view_known = true;
    return TALLY_OK;
}

static tally_status
page_decode(struct run_reader *reader, unsigned number, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    const struct column_entry *entry = &column->stored->entry;

    if (entry->codec == CODEC_TEXT)
        return text_page_decode(reader, column, error);

    tally_status status =
        segment_column_read(column->stored, column->page, &reader->encoded, error);
    if (status != TALLY_OK)
        return status;
    struct tally_error inner;
    status = codec_decode_page(column->decoder, entry->codec, column_hint(number),
                               stored_rows(reader, column->page * PAGE_ROWS, PAGE_ROWS),
                               entry->dictionary_count, buffer_view(&reader->encoded),
                               &column->view, &inner);
    if (status != TALLY_OK)
        return decode_fault(column->stored, column->page, status, &inner, error);
    column->view.rows = page_rows(reader, column->page);
    column->view_known = true;
    return TALLY_OK;
}

static void
head_column_page(struct run_reader *reader, unsigned number, uint32_t page)
{
    struct run_column *column = &reader->columns[number];
    const struct run *run = &reader->run;

    if (number == COLUMN_SALT)
        head_salt_page(run->head, page, run->count, &column->view);
    else
        head_page(run->head, (enum field_id)number, page, run->count, &column->view);
    column->page = page;
    column->view_known = true;
}

tally_status
run_column_page(struct run_reader *reader, unsigned number, uint32_t page, struct page *page_out,
                struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    assert(page < run_page_count(&reader->run));

    if (column->page != page)
        column_turn(column, page);
    if (!column->view_known && reader->run.head != NULL)
        head_column_page(reader, number, page);
    if (!column->view_known && column->state == COLUMN_NEW) {
        tally_status status = column_open(reader, number, error);
        if (status != TALLY_OK)
            return status;
    }
    if (!column->view_known && column->state == COLUMN_MISSING) {
        column->view = (struct page){ .kind = PAGE_ABSENT, .rows = page_rows(reader, page) };
        column->view_known = true;
    }
    if (!column->view_known) {
        tally_status status = page_decode(reader, number, error);
        if (status != TALLY_OK) {
            column_turn(column, NO_PAGE);
            return status;
        }
    }
    *page_out = column->view;
    return TALLY_OK;
}

tally_status
run_page(struct run_reader *reader, enum field_id field, uint32_t page, struct page *page_out,
         struct tally_error *error)
{
    assert(field < FIELD_COUNT);
    return run_column_page(reader, field, page, page_out, error);
}

tally_status
run_column_dictionary(struct run_reader *reader, unsigned number, struct dictionary *dictionary_out,
                      struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];

    if (!column->dictionary_known) {
        if (reader->run.head != NULL) {
            head_dictionary(reader->run.head, (enum field_id)number, &column->dictionary);
        } else {
            tally_status status =
                column->state == COLUMN_NEW ? column_open(reader, number, error) : TALLY_OK;
            if (status != TALLY_OK)
                return status;
            if (column->state == COLUMN_THERE && column->stored->dictionary != NULL)
                column->dictionary = *dictionary_copy_view(column->stored->dictionary);
        }
        column->dictionary_known = true;
    }
    *dictionary_out = column->dictionary;
    return TALLY_OK;
}

tally_status
run_dictionary(struct run_reader *reader, enum field_id field, struct dictionary *dictionary_out,
               struct tally_error *error)
{
    assert(field < FIELD_COUNT);
    return run_column_dictionary(reader, field, dictionary_out, error);
}

/* A page of text is absent where all its blocks are. */
static enum page_kind
text_page_kind(const struct segment_column *stored, uint32_t page)
{
    for (uint32_t i = page * PAGE_BLOCKS; i < stored->block_count && i < (page + 1) * PAGE_BLOCKS;
         i++)
        if (stored->blocks[i].block.size > 0)
            return PAGE_VALUES;
    return PAGE_ABSENT;
}

tally_status
run_page_summary(struct run_reader *reader, enum field_id field, uint32_t page,
                 struct page_summary *summary_out, struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    assert(field < FIELD_COUNT && page < run_page_count(&reader->run));

    if (reader->run.head != NULL) {
        struct page view;
        head_page(reader->run.head, field, page, reader->run.count, &view);
        *summary_out = (struct page_summary){ .known = false, .kind = view.kind };
        return TALLY_OK;
    }
    if (column->state == COLUMN_NEW) {
        tally_status status = column_open(reader, field, error);
        if (status != TALLY_OK)
            return status;
    }
    if (column->state == COLUMN_MISSING)
        *summary_out = (struct page_summary){ .known = true, .kind = PAGE_ABSENT };
    else if (column->stored->entry.codec == CODEC_TEXT)
        *summary_out =
            (struct page_summary){ .known = true, .kind = text_page_kind(column->stored, page) };
    else
        *summary_out = column->stored->blocks[page].summary;
    return TALLY_OK;
}

/* Lowers each row's time to that of `number`'s column. A time that cannot be read, as in bytes that
 * nobody wrote, counts as later than all others. */
static tally_status
times_lower(struct run_reader *reader, enum field_id field, uint32_t page,
            struct tally_error *error)
{
    struct page view;
    struct dictionary dictionary;
    tally_status status = run_page(reader, field, page, &view, error);
    if (status != TALLY_OK)
        return status;

    int64_t *times = reader->times;
    if (view.kind == PAGE_NUMBERS) {
        for (uint32_t row = 0; row < view.rows; row++)
            if (view.forms[row] != NUMBER_ABSENT && view.keys[row] < times[row])
                times[row] = view.keys[row];
        return TALLY_OK;
    }

    status = run_dictionary(reader, field, &dictionary, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t row = 0; row < view.rows; row++) {
        char text[PAGE_TEXT_MAX];
        const char *reason;
        struct instant instant;
        struct bytes value = page_value(&view, &dictionary, fields[field].column, row, text);
        if (value.data != NULL && instant_parse(value, &instant, &reason) &&
            instant.ns < times[row])
            times[row] = instant.ns;
    }
    return TALLY_OK;
}

tally_status
run_times(struct run_reader *reader, uint32_t page, const int64_t **times_out, uint32_t *rows_out,
          struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    uint32_t rows = page_rows(reader, page);

    if (reader->times_page != page) {
        reader->times_page = NO_PAGE;
        for (uint32_t row = 0; row < rows; row++)
            reader->times[row] = INT64_MAX;
        tally_status status = times_lower(reader, FIELD_TIMESTAMP, page, error);
        if (status != TALLY_OK)
            return status;
        status = times_lower(reader, FIELD_RECEIVED, page, error);
        if (status != TALLY_OK)
            return status;
        reader->times_page = page;
    }
    *times_out = reader->times;
    *rows_out = rows;
    return TALLY_OK;
}

tally_status
run_time_range(struct run_reader *reader, uint32_t page, int64_t *minimum_out, int64_t *maximum_out,
               struct tally_error *error)
{
    assert(page < run_page_count(&reader->run));
    if (reader->run.segment != NULL) {
        const struct time_range *range = &segment_time_ranges(reader->run.segment)[page];
        *minimum_out = range->minimum;
        *maximum_out = range->maximum;
        return TALLY_OK;
    }

    const int64_t *times;
    uint32_t rows;
    tally_status status = run_times(reader, page, &times, &rows, error);
    if (status != TALLY_OK)
        return status;
    int64_t minimum = times[0];
    int64_t maximum = times[0];
    for (uint32_t row = 1; row < rows; row++) {
        minimum = times[row] < minimum ? times[row] : minimum;
        maximum = times[row] > maximum ? times[row] : maximum;
    }
    *minimum_out = minimum;
    *maximum_out = maximum;
    return TALLY_OK;
}

/* The value of one row of a column of text, through its block. */
static tally_status
text_value(struct run_reader *reader, struct run_column *column, uint32_t row,
           struct bytes *value_out, struct tally_error *error)
{
    uint32_t page = row / PAGE_ROWS;
    uint32_t slot = row % PAGE_ROWS / BLOCK_ROWS;

    if (column->page != page)
        column_turn(column, page);
    if ((column->blocks_known & UINT32_C(1) << slot) == 0) {
        tally_status status = block_decode(reader, column, slot, error);
        if (status != TALLY_OK)
            return status;
    }
    *value_out = column->blocks[slot][row % BLOCK_ROWS];
    return TALLY_OK;
}

/* A column that run_entry() need not look at for any row. */
static bool
column_missing(const struct run_reader *reader, enum field_id field)
{
    return field == FIELD_PRIVATE || reader->columns[field].state == COLUMN_MISSING;
}

static tally_status
field_value(struct run_reader *reader, enum field_id field, uint32_t row, struct bytes *value_out,
            struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    if (column->state == COLUMN_THERE && column->stored->entry.codec == CODEC_TEXT)
        return text_value(reader, column, row, value_out, error);

    if (!column->view_known || column->page != row / PAGE_ROWS || !column->dictionary_known) {
        struct page view;
        struct dictionary dictionary;
        tally_status status = run_page(reader, field, row / PAGE_ROWS, &view, error);
        if (status == TALLY_OK)
            status = run_dictionary(reader, field, &dictionary, error);
        if (status != TALLY_OK)
            return status;
    }
    if (column->view.kind == PAGE_ABSENT)
        *value_out = (struct bytes){ NULL, 0 };
    else
        *value_out = page_value(&column->view, &column->dictionary, fields[field].column,
                                row % PAGE_ROWS, reader->texts[field]);
    return TALLY_OK;
}

tally_status
run_value(struct run_reader *reader, enum field_id field, uint32_t row, struct bytes *value_out,
          struct tally_error *error)
{
    assert(field < FIELD_COUNT && row < reader->run.count);
    if (reader->run.segment != NULL && reader->columns[field].state == COLUMN_NEW) {
        tally_status status = column_open(reader, field, error);
        if (status != TALLY_OK)
            return status;
    }
    return field_value(reader, field, row, value_out, error);
}

static tally_status
salt_fault(const struct run_reader *reader, uint64_t index, struct tally_error *error)
{
    const struct segment *segment = reader->run.segment;
    return fault(error, TALLY_DAMAGED, "%s: entry %" PRIu64 " has neither a salt nor a commitment",
                 segment != NULL ? segment->files[HALF_PRIVATE].name : "head", index);
}

/* Salt, or the commitment that an erasure left in its place. */
static tally_status
salt_read(struct run_reader *reader, uint32_t row, struct run_entry *entry,
          struct tally_error *error)
{
    struct page page;
    tally_status status = run_column_page(reader, COLUMN_SALT, row / PAGE_ROWS, &page, error);
    if (status != TALLY_OK)
        return status;

    uint32_t at = row % PAGE_ROWS;
    if (page.kind == PAGE_IDS && page.forms[at] == ID_RAW) {
        memcpy(entry->salt, page.ids[at], sizeof entry->salt);
        return TALLY_OK;
    }
    char text[PAGE_TEXT_MAX];
    struct bytes value = { NULL, 0 };
    if (page.kind == PAGE_IDS)
        value = page_value(&page, NULL, COLUMN_HINT_ID, at, text);
    if (value.size != sizeof entry->commitment)
        return salt_fault(reader, entry->index, error);
    memcpy(entry->commitment, value.data, sizeof entry->commitment);
    entry->erased = true;
    return TALLY_OK;
}

tally_status
run_row_kind(struct run_reader *reader, uint32_t row, bool *control_out, bool *erased_out,
             struct tally_error *error)
{
    struct run_entry entry = { .index = reader->run.first + row };
    struct bytes control;
    tally_status status = salt_read(reader, row, &entry, error);
    if (status == TALLY_OK)
        status = field_value(reader, FIELD_CONTROL, row, &control, error);
    if (status != TALLY_OK)
        return status;
    *control_out = control.data != NULL;
    *erased_out = entry.erased;
    return TALLY_OK;
}

/* Writes both parts anew and, unless the entry is erased, its commitment. */
static tally_status
parts_write(struct run_reader *reader, struct run_entry *entry, struct tally_error *error)
{
    buffer_clear(&reader->private_part);
    buffer_clear(&reader->public_part);
    if (!entry->erased) {
        struct tally_hash commitment;
        part_write(entry->values, reader->fields_private, &reader->private_part);
        if (buffer_failed(&reader->private_part))
            return memory_fault(error);
        entry->private_part = buffer_view(&reader->private_part);
        entry_commit_hash(entry->salt, entry->private_part, &commitment);
        memcpy(entry->commitment, commitment.bytes, sizeof entry->commitment);
    }

    base64_encode(entry->commitment, sizeof entry->commitment, reader->commitment);
    entry->values[FIELD_PRIVATE] = bytes_of(reader->commitment, sizeof reader->commitment);
    part_write(entry->values, FIELDS_ALL & ~reader->fields_private, &reader->public_part);
    if (buffer_failed(&reader->public_part))
        return memory_fault(error);
    entry->public_part = buffer_view(&reader->public_part);
    return TALLY_OK;
}

tally_status
run_entry(struct run_reader *reader, uint32_t row, enum run_want want, struct run_entry *entry_out,
          struct tally_error *error)
{
    assert(row < reader->run.count);
    struct run_entry entry = { .index = reader->run.first + row };
    tally_status status = TALLY_OK;

    if (reader->run.segment != NULL)
        status = segment_whole(reader->run.segment, error);
    if (status == TALLY_OK)
        status = salt_read(reader, row, &entry, error);
    for (unsigned field = 0; field < FIELD_COUNT && status == TALLY_OK; field++)
        if (!column_missing(reader, (enum field_id)field))
            status = field_value(reader, (enum field_id)field, row, &entry.values[field], error);
    if (status == TALLY_OK && want == RUN_PARTS)
        status = parts_write(reader, &entry, error);
    if (status != TALLY_OK)
        return status;

    entry.control = entry.values[FIELD_CONTROL].data != NULL;
    *entry_out = entry;
    return TALLY_OK;
}

/* The id of a row; text is lent until the next call. */
static tally_status
row_id(struct run_reader *reader, uint32_t row, struct bytes *id_out, struct tally_error *error)
{
    return field_value(reader, FIELD_ID, row, id_out, error);
}

tally_status
run_id_hashes(struct run_reader *reader, uint64_t *hashes, struct tally_error *error)
{
    for (uint32_t row = 0; row < reader->run.count; row++) {
        struct bytes id;
        tally_status status = row_id(reader, row, &id, error);
        if (status != TALLY_OK)
            return status;
        hashes[row] = id_hash(id);
    }
    return TALLY_OK;
}

/* The last row with this id, by looking at all of them. */
static tally_status
id_search(struct run_reader *reader, struct bytes id, uint32_t *row_out, struct tally_error *error)
{
    for (uint32_t row = reader->run.count; row-- > 0;) {
        struct bytes value;
        tally_status status = row_id(reader, row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && bytes_equal(value, id)) {
            *row_out = row;
            return TALLY_OK;
        }
    }
    return TALLY_ABSENT;
}

/* The last of the rows of a bucket whose fingerprint and id fit. */
static tally_status
bucket_search(struct run_reader *reader, struct bytes bucket, uint32_t rows, uint64_t hash,
              struct bytes id, uint32_t *row_out, struct tally_error *error)
{
    uint32_t count = segment_get_info(reader->run.segment)->count; /* the index is over all rows */
    uint16_t fingerprint = id_fingerprint(hash, id_index_bucket_bits(count));
    uint32_t found = UINT32_MAX;

    for (uint32_t i = 0; i < rows; i++) {
        if (get_u16(bucket.data + 2 * (size_t)i) != fingerprint)
            continue;
        uint32_t row = id_bucket_row(bucket, rows, id_index_row_bits(count), i);
        if (row >= reader->run.count)
            continue;
        struct bytes value;
        tally_status status = row_id(reader, row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && bytes_equal(value, id))
            found = row;
    }
    if (found == UINT32_MAX)
        return TALLY_ABSENT;
    *row_out = found;
    return TALLY_OK;
}

tally_status
run_find_id(struct run_reader *reader, struct bytes id, uint32_t *row_out,
            struct tally_error *error)
{
    if (reader->run.head != NULL)
        return head_find_id(reader->run.head, id, reader->run.count, row_out);

    uint64_t hash = id_hash(id);
    struct buffer bucket = { 0 };
    uint32_t rows;
    tally_status status = segment_read_bucket(reader->run.segment, hash, &bucket, &rows, error);
    if (status == TALLY_OK)
        status = bucket_search(reader, buffer_view(&bucket), rows, hash, id, row_out, error);
    else if (status == TALLY_ABSENT)
        status = id_search(reader, id, row_out, error);
    buffer_free(&bucket);
    return status;
}
