/*
 * codec_ids.c - pages and blocks of ids.
 *
 *     forms | 16 bytes for each row that has them | exceptions
 *
 * Invariant: what is read back is a page that could have been written: every form is one of the
 * codec's, every byte used.
 */
#include "codec_parts.h"

#include <assert.h>

static tally_status
damaged(struct tally_error *error)
{
    return fault(error, TALLY_DAMAGED, "a page of ids is not what was written");
}

static void
forms_of_ids(struct encode_scratch *scratch, enum field_column hint,
             const struct page_source *source)
{
    const struct page *page = source->page;
    if (page->kind == PAGE_IDS) {
        memcpy(scratch->forms, page->forms, page->rows);
        memcpy(scratch->ids, page->ids, page->rows * sizeof *page->ids);
        return;
    }
    spell_rows(scratch, hint, source);
    for (uint32_t row = 0; row < page->rows; row++)
        scratch->forms[row] = id_form(scratch->values[row], scratch->ids[row]);
}

static bool
has_id(uint8_t form)
{
    return form == ID_UUID || form == ID_HEX || form == ID_RAW;
}

tally_status
ids_encode(struct codec_workspace *workspace, enum field_column hint,
           const struct page_source *source, struct buffer *out, struct page_summary *summary,
           struct tally_error *error)
{
    struct encode_scratch *scratch = workspace->scratch;
    uint32_t rows = source->page->rows;

    forms_of_ids(scratch, hint, source);
    if (forms_are_all(scratch->forms, rows, ID_ABSENT))
        return TALLY_OK;
    summary->kind = PAGE_IDS;

    forms_encode(scratch->forms, rows, out);
    uint8_t *room = buffer_reserve(out, (size_t)rows * 16);
    if (room == NULL)
        return memory_fault(error);
    for (uint32_t row = 0; row < rows; row++) {
        if (has_id(scratch->forms[row])) {
            memcpy(out->data + out->size, scratch->ids[row], 16);
            out->size += 16;
        }
    }
    return exceptions_encode(workspace, ID_EXCEPTION, PAGE_IDS, source->page, out, error);
}

/* How many ids stand before that of `row`, and its form; false where they are not to be read. */
static bool
find_id(const struct forms *forms, uint32_t row, uint32_t *before_out, uint8_t *form_out)
{
    uint8_t each[BLOCK_ROWS];
    uint32_t before = 0;
    if (forms->count == 1) {
        *before_out = has_id(forms->list[0]) ? row : 0;
        *form_out = forms->list[0];
        return true;
    }
    if (!forms_read_group(forms, 0, each))
        return false;
    for (uint32_t i = 0; i < row; i++)
        before += has_id(each[i]);
    *before_out = before;
    *form_out = each[row];
    return true;
}

tally_status
codec_decode_id(uint32_t rows, uint32_t row, struct bytes encoded, uint8_t id_out[16],
                uint8_t *form_out, struct tally_error *error)
{
    struct forms forms;
    struct bytes before, id;
    uint32_t count;
    uint8_t form;
    assert(row < rows && rows <= BLOCK_ROWS);
    if (encoded.size == 0) {
        *form_out = ID_ABSENT;
        return TALLY_OK;
    }
    if (!forms_open(&encoded, rows, &forms) || !find_id(&forms, row, &count, &form) ||
        form > ID_EXCEPTION)
        return damaged(error);
    if (form == ID_EXCEPTION)
        return TALLY_ABSENT;
    if (has_id(form)) {
        if (!take_bytes(&encoded, (size_t)count * 16, &before) || !take_bytes(&encoded, 16, &id))
            return damaged(error);
        memcpy(id_out, id.data, 16);
    }
    *form_out = form;
    return TALLY_OK;
}

tally_status
ids_decode(struct page_decoder *decoder, uint32_t slot, uint32_t rows, struct bytes encoded,
           struct page *page, struct tally_error *error)
{
    tally_status status =
        decoder_memory((void **)&decoder->ids, PAGE_ROWS * sizeof *decoder->ids, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->forms, PAGE_ROWS, error);
    if (status != TALLY_OK)
        return status;

    uint8_t *forms = decoder->forms + (size_t)slot * BLOCK_ROWS;
    uint8_t(*ids)[16] = decoder->ids + (size_t)slot * BLOCK_ROWS;
    struct forms packed;
    if (!forms_open(&encoded, rows, &packed) || !forms_read(&packed, forms))
        return damaged(error);
    for (uint32_t row = 0; row < rows; row++) {
        struct bytes id;
        if (!has_id(forms[row])) {
            if (forms[row] > ID_EXCEPTION)
                return damaged(error);
            memset(ids[row], 0, 16);
            continue;
        }
        if (!take_bytes(&encoded, 16, &id))
            return damaged(error);
        memcpy(ids[row], id.data, 16);
    }

    struct page decoded = {
        .kind = PAGE_IDS,
        .rows = rows,
        .ids = (const uint8_t(*)[16])ids,
        .forms = forms,
    };
    status = exceptions_decode(decoder, ID_EXCEPTION, slot, encoded, &decoded, error);
    if (status == TALLY_OK)
        *page = decoded;
    return status;
}
