/*
 * codec.c - which codec a column gets, and the way in to all of them.
 *
 * Here are the rules that hold for every codec: a page without values is no bytes, a failed call
 * leaves the output as it was, a decoder allocates what its pages need and keeps it. The bytes are
 * in codec_codes.c, codec_numbers.c, codec_ids.c, codec_text.c, codec_exceptions.c, codec_frame.c
 * (integers and forms) and squeeze.c (what Zstandard does).
 */
#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>

/* Up to so many values, or a quarter of the rows, a dictionary is smaller and faster than its
 * column. */
#define CODES_MAX 65536u

/* How many values of a dictionary are looked at to learn whether they are ids. */
#define DICTIONARY_SAMPLES 256u

uint32_t
codec_unit(enum codec codec)
{
    return codec == CODEC_TEXT || codec == CODEC_IDS ? BLOCK_ROWS : PAGE_ROWS;
}

const char *
codec_name(enum codec codec)
{
    switch (codec) {
    case CODEC_CODES:
        return "codes";
    case CODEC_NUMBERS:
        return "numbers";
    case CODEC_IDS:
        return "ids";
    case CODEC_TEXT:
        return "text";
    }
    return NULL;
}

/* What `present` rows hold, judged by some of the dictionary's values, all of them equally often.
 */
static void
profile_dictionary(struct column_profile *profile, const struct dictionary *dictionary,
                   uint32_t present)
{
    uint32_t count = dictionary->count;
    uint32_t samples = count < DICTIONARY_SAMPLES ? count : DICTIONARY_SAMPLES;
    uint64_t ids = 0, size = 0;
    for (uint32_t i = 0; i < samples; i++) {
        uint8_t id[16], form;
        struct bytes value =
            dictionary_value(dictionary, 1 + (uint32_t)((uint64_t)i * count / samples));
        ids += id_read(value, id, &form);
        size += value.size;
    }
    profile->distinct = count;
    if (samples > 0) {
        profile->ids += (uint32_t)(present * ids / samples);
        profile->text_size += present * size / samples;
    }
}

static uint32_t
count_forms(const struct page *page, uint8_t form)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        count += page->forms[row] == form;
    return count;
}

/* What there is of plain values; returns how many are absent. */
static uint32_t
profile_values(struct column_profile *profile, const struct page *page)
{
    uint32_t absent = 0;
    for (uint32_t row = 0; row < page->rows; row++) {
        uint8_t id[16], form;
        absent += page->values[row].data == NULL;
        profile->ids += id_read(page->values[row], id, &form);
        profile->text_size += page->values[row].size;
    }
    return absent;
}

/* Counts what a page has; returns how many of its rows are absent. */
static uint32_t
profile_rows(struct column_profile *profile, const struct page *page)
{
    uint32_t absent = 0;
    switch (page->kind) {
    case PAGE_ABSENT:
        return page->rows;
    case PAGE_CODES:
        for (uint32_t row = 0; row < page->rows; row++)
            absent += page->codes[row] == 0;
        return absent;
    case PAGE_NUMBERS:
        return count_forms(page, NUMBER_ABSENT);
    case PAGE_IDS:
        absent = count_forms(page, ID_ABSENT);
        profile->ids += page->rows - absent - count_forms(page, ID_EXCEPTION);
        return absent;
    case PAGE_VALUES:
        return profile_values(profile, page);
    }
    return 0;
}

void
column_profile_add(struct column_profile *profile, const struct page *page,
                   const struct dictionary *dictionary)
{
    uint32_t absent = profile_rows(profile, page);
    if (page->kind == PAGE_CODES)
        profile_dictionary(profile, dictionary, page->rows - absent);
    else
        profile->uncoded += page->rows - absent;
    for (uint32_t i = 0; i < page->exception_count; i++)
        profile->text_size += page->exceptions[i].value.size;
    profile->rows += page->rows;
    profile->absent += absent;
    profile->exceptions += page->exception_count;
}

enum codec
codec_choose(enum field_column hint, const struct column_profile *profile)
{
    uint32_t present = profile->rows - profile->absent;

    if (profile->distinct > 0 && profile->uncoded == 0 &&
        (profile->distinct <= CODES_MAX || profile->distinct <= profile->rows / 4))
        return CODEC_CODES;
    if (hint == COLUMN_HINT_TIME || hint == COLUMN_HINT_NUMBER)
        return profile->exceptions > present / 4 ? CODEC_TEXT : CODEC_NUMBERS;
    /* A column without a value yet costs nothing in any codec: an id's is what it will be. */
    if (profile->ids > present / 2 || (present == 0 && hint == COLUMN_HINT_ID))
        return CODEC_IDS;
    return CODEC_TEXT;
}

static tally_status
encode_rows(struct codec_workspace *workspace, enum codec codec, enum field_column hint,
            const struct page_source *source, struct buffer *out, struct page_summary *summary,
            struct tally_error *error)
{
    switch (codec) {
    case CODEC_CODES:
        return codes_encode(workspace->scratch, source, out, summary, error);
    case CODEC_NUMBERS:
        return numbers_encode(workspace, hint, source, out, summary, error);
    case CODEC_IDS:
        return ids_encode(workspace, hint, source, out, summary, error);
    case CODEC_TEXT:
        break;
    }
    assert(false && "a codec of pages");
    return TALLY_OK;
}

void
codec_summarise_page(enum field_column hint, const struct page *page,
                     struct page_summary *summary_out)
{
    struct page_summary summary = { .known = true, .kind = PAGE_ABSENT };
    assert(page->kind != PAGE_VALUES);
    if (page->kind == PAGE_CODES)
        codes_summarise(page, &summary);
    else if (page->kind == PAGE_NUMBERS)
        numbers_summarise(page, hint, &summary);
    else if (page->kind == PAGE_IDS && !forms_are_all(page->forms, page->rows, ID_ABSENT))
        summary.kind = PAGE_IDS;
    *summary_out = summary;
}

tally_status
codec_encode_page(struct codec_workspace *workspace, enum codec codec, enum field_column hint,
                  const struct page_source *source, struct buffer *out,
                  struct page_summary *summary_out, struct tally_error *error)
{
    assert(source->page->rows > 0 && source->page->rows <= PAGE_ROWS);
    struct page_summary summary = { .known = true, .kind = PAGE_ABSENT };
    size_t start = out->size;

    if (source->page->kind != PAGE_ABSENT) {
        if (workspace_scratch(workspace) == NULL)
            return memory_fault(error);
        tally_status status = encode_rows(workspace, codec, hint, source, out, &summary, error);
        if (status == TALLY_OK && buffer_failed(out))
            status = memory_fault(error);
        if (status != TALLY_OK) {
            out->size = start;
            return status;
        }
    }
    *summary_out = summary;
    return TALLY_OK;
}

tally_status
codec_encode_block(struct codec_workspace *workspace, enum field_column hint,
                   const struct page_source *source, uint32_t block, const struct primer *primer,
                   struct buffer *out, struct tally_error *error)
{
    const struct page *page = source->page;
    uint32_t first = block * BLOCK_ROWS;
    assert(first < page->rows && page->rows <= PAGE_ROWS);
    uint32_t rows = page->rows - first < BLOCK_ROWS ? page->rows - first : BLOCK_ROWS;
    size_t start = out->size;

    if (page->kind == PAGE_ABSENT)
        return TALLY_OK;
    struct encode_scratch *scratch = workspace_scratch(workspace);
    if (scratch == NULL)
        return memory_fault(error);
    page_values(page, source->dictionary, hint, first, rows, scratch->values, scratch->texts);

    tally_status status = text_encode(workspace, primer, scratch->values, rows, out, error);
    if (status != TALLY_OK)
        out->size = start;
    return status;
}

tally_status
page_decoder_create(struct codec_workspace *workspace, struct page_decoder **decoder_out,
                    struct tally_error *error)
{
    struct page_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return memory_fault(error);
    decoder->workspace = workspace;
    *decoder_out = decoder;
    return TALLY_OK;
}

void
page_decoder_destroy(struct page_decoder *decoder)
{
    if (decoder == NULL)
        return;
    free(decoder->codes);
    free(decoder->keys);
    free(decoder->ids);
    free(decoder->forms);
    free(decoder->values);
    free(decoder->exceptions);
    free(decoder->joined);
    free(decoder->strip);
    buffer_free(&decoder->strip_text);
    for (unsigned slot = 0; slot < PAGE_BLOCKS; slot++)
        buffer_free(&decoder->slots[slot]);
    free(decoder);
}

/* What memory of its own an array takes, if it was asked for. */
static size_t
array_size(const void *array, size_t size)
{
    return array == NULL ? 0 : size;
}

size_t
page_decoder_memory(const struct page_decoder *decoder)
{
    if (decoder == NULL)
        return 0;
    size_t size = sizeof *decoder + decoder->strip_text.capacity;
    size += array_size(decoder->codes, PAGE_ROWS * sizeof *decoder->codes);
    size += array_size(decoder->keys, PAGE_ROWS * sizeof *decoder->keys);
    size += array_size(decoder->ids, PAGE_ROWS * sizeof *decoder->ids);
    size += array_size(decoder->forms, PAGE_ROWS);
    size += array_size(decoder->values, PAGE_ROWS * sizeof *decoder->values);
    size += array_size(decoder->exceptions, PAGE_ROWS * sizeof *decoder->exceptions);
    size += array_size(decoder->joined, PAGE_ROWS * sizeof *decoder->joined);
    size += array_size(decoder->strip, BLOCK_ROWS * sizeof *decoder->strip);
    /* Only values have text in them. */
    for (unsigned slot = 0; slot < PAGE_BLOCKS && decoder->values != NULL; slot++)
        size += decoder->slots[slot].capacity;
    return size;
}

tally_status
decoder_memory(void **memory, size_t size, struct tally_error *error)
{
    if (*memory == NULL)
        *memory = malloc(size); /* what is decoded is written first; zeros would touch every page */
    return *memory == NULL ? memory_fault(error) : TALLY_OK;
}

tally_status
codec_decode_page(struct page_decoder *decoder, enum codec codec, enum field_column hint,
                  uint32_t rows, uint32_t code_max, struct bytes encoded, struct page *page_out,
                  struct tally_error *error)
{
    assert(rows > 0 && rows <= PAGE_ROWS);

    if (encoded.size == 0) {
        *page_out = (struct page){ .kind = PAGE_ABSENT, .rows = rows };
        return TALLY_OK;
    }
    switch (codec) {
    case CODEC_CODES:
        return codes_decode(decoder, rows, code_max, encoded, page_out, error);
    case CODEC_NUMBERS:
        return numbers_decode(decoder, hint, rows, encoded, page_out, error);
    case CODEC_IDS:
        return ids_decode(decoder, 0, rows, encoded, page_out, error);
    case CODEC_TEXT:
        break;
    }
    assert(false && "a codec of pages");
    return TALLY_OK;
}

tally_status
codec_decode_block(struct page_decoder *decoder, uint32_t slot, const struct encoded_text *encoded,
                   const struct bytes **values_out, struct tally_error *error)
{
    assert(slot < PAGE_BLOCKS && encoded->rows > 0 && encoded->rows <= BLOCK_ROWS);
    tally_status status =
        decoder_memory((void **)&decoder->values, PAGE_ROWS * sizeof *decoder->values, error);
    if (status != TALLY_OK)
        return status;

    struct bytes *values = decoder->values + (size_t)slot * BLOCK_ROWS;
    if (encoded->bytes.size == 0)
        memset(values, 0, encoded->rows * sizeof *values);
    else
        status = text_decode(decoder->workspace, encoded, &decoder->slots[slot], values, error);
    if (status == TALLY_OK)
        *values_out = values;
    return status;
}

void
page_decoder_text_page(const struct page_decoder *decoder, uint32_t rows, struct page *page_out)
{
    assert(decoder->values != NULL && rows > 0 && rows <= PAGE_ROWS);

    *page_out = (struct page){ .kind = PAGE_ABSENT, .rows = rows };
    for (uint32_t row = 0; row < rows && page_out->kind == PAGE_ABSENT; row++) {
        if (decoder->values[row].data != NULL)
            page_out->kind = PAGE_VALUES;
    }
    page_out->values = page_out->kind == PAGE_VALUES ? decoder->values : NULL;
}

tally_status
codec_decode_ids(struct page_decoder *decoder, uint32_t slot, uint32_t rows, struct bytes encoded,
                 struct tally_error *error)
{
    assert(slot < PAGE_BLOCKS && rows > 0 && rows <= BLOCK_ROWS);
    struct page page = { .rows = rows };
    tally_status status =
        decoder_memory((void **)&decoder->ids, PAGE_ROWS * sizeof *decoder->ids, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->forms, PAGE_ROWS, error);
    if (status != TALLY_OK)
        return status;
    if (encoded.size > 0)
        status = ids_decode(decoder, slot, rows, encoded, &page, error);
    else
        memset(decoder->forms + (size_t)slot * BLOCK_ROWS, ID_ABSENT, rows);
    if (status == TALLY_OK)
        decoder->exception_counts[slot] = page.exception_count;
    return status;
}

void
page_decoder_ids_block(const struct page_decoder *decoder, uint32_t slot, uint32_t rows,
                       struct page *page_out)
{
    size_t first = (size_t)slot * BLOCK_ROWS;
    uint32_t count = decoder->exception_counts[slot];
    *page_out = (struct page){
        .kind = PAGE_IDS,
        .rows = rows,
        .ids = (const uint8_t(*)[16])decoder->ids + first,
        .forms = decoder->forms + first,
        .exceptions = count == 0 ? NULL : decoder->exceptions + first,
        .exception_count = count,
    };
}

/* The exceptions of all slots in one list, with their rows in the page. */
static tally_status
join_exceptions(struct page_decoder *decoder, struct page *page, struct tally_error *error)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot * BLOCK_ROWS < page->rows; slot++)
        count += decoder->exception_counts[slot];
    if (count == 0)
        return TALLY_OK;
    tally_status status =
        decoder_memory((void **)&decoder->joined, PAGE_ROWS * sizeof *decoder->joined, error);
    if (status != TALLY_OK)
        return status;

    count = 0;
    for (uint32_t slot = 0; slot * BLOCK_ROWS < page->rows; slot++) {
        const struct page_exception *from = decoder->exceptions + (size_t)slot * BLOCK_ROWS;
        for (uint32_t i = 0; i < decoder->exception_counts[slot]; i++) {
            uint32_t row = slot * BLOCK_ROWS + from[i].row;
            if (row < page->rows) /* a run may end before its block does */
                decoder->joined[count++] = (struct page_exception){ row, from[i].value };
        }
    }
    page->exceptions = decoder->joined;
    page->exception_count = count;
    return TALLY_OK;
}

tally_status
page_decoder_ids_page(struct page_decoder *decoder, uint32_t rows, struct page *page_out,
                      struct tally_error *error)
{
    assert(rows > 0 && rows <= PAGE_ROWS);
    struct page page = {
        .kind = PAGE_ABSENT,
        .rows = rows,
        .ids = (const uint8_t(*)[16])decoder->ids,
        .forms = decoder->forms,
    };
    for (uint32_t row = 0; row < rows && page.kind == PAGE_ABSENT; row++)
        if (decoder->forms[row] != ID_ABSENT)
            page.kind = PAGE_IDS;
    tally_status status = TALLY_OK;
    if (page.kind == PAGE_IDS)
        status = join_exceptions(decoder, &page, error);
    else
        page = (struct page){ .kind = PAGE_ABSENT, .rows = rows };
    if (status == TALLY_OK)
        *page_out = page;
    return status;
}
