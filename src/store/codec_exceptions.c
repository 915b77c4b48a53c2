/*
 * codec_exceptions.c - the values of a page that have no form of their own.
 *
 * They are the values of the rows whose form says so, squeezed (squeeze.c), and stand at the end of
 * a page, only if there are any: the forms say which rows they are.
 */
#include "codec_parts.h"

#include <assert.h>

static tally_status
damaged(struct tally_error *error)
{
    return fault(error, TALLY_DAMAGED, "the exceptions of a page are not what was written");
}

void
spell_rows(struct encode_scratch *scratch, enum field_column hint, const struct page_source *source)
{
    page_values(source->page, source->dictionary, hint, 0, source->page->rows, scratch->values,
                scratch->texts);
}

bool
forms_are_all(const uint8_t *forms, uint32_t rows, uint8_t form)
{
    for (uint32_t row = 0; row < rows; row++) {
        if (forms[row] != form)
            return false;
    }
    return true;
}

/* The rows were spelled before unless the page is of the codec's own kind, and then has its exceptions
 * in order. */
tally_status
exceptions_encode(struct codec_workspace *workspace, uint8_t exception, enum page_kind own_kind,
                  const struct page *page, struct buffer *out, struct tally_error *error)
{
    struct encode_scratch *scratch = workspace->scratch;
    uint32_t count = 0;

    for (uint32_t row = 0; row < page->rows; row++) {
        if (scratch->forms[row] != exception)
            continue;
        if (page->kind == own_kind) {
            assert(count < page->exception_count && page->exceptions[count].row == row);
            scratch->exceptions[count] = page->exceptions[count].value;
        } else {
            scratch->exceptions[count] = scratch->values[row];
        }
        count++;
    }
    if (count == 0)
        return TALLY_OK;
    return values_encode(workspace, NULL, scratch->exceptions, count, out, error);
}

tally_status
exceptions_decode(struct page_decoder *decoder, uint8_t exception, uint32_t slot,
                  struct bytes encoded, struct page *page, struct tally_error *error)
{
    size_t first = (size_t)slot * BLOCK_ROWS;
    const uint8_t *forms = decoder->forms + first;
    uint32_t count = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        count += forms[row] == exception;
    if (count == 0)
        return encoded.size == 0 ? TALLY_OK : damaged(error);

    tally_status status =
        decoder_memory((void **)&decoder->values, PAGE_ROWS * sizeof *decoder->values, error);
    if (status == TALLY_OK)
        status = decoder_memory((void **)&decoder->exceptions,
                                PAGE_ROWS * sizeof *decoder->exceptions, error);
    if (status != TALLY_OK)
        return status;
    struct bytes *values = decoder->values + first;
    struct page_exception *exceptions = decoder->exceptions + first;
    struct buffer *plain = &decoder->slots[slot];
    status = unsqueeze(decoder->workspace, NULL, encoded, BLOCK_SIZE_MAX, plain, error);
    if (status == TALLY_OK)
        status = values_split(buffer_view(plain), count, values, error);
    if (status != TALLY_OK)
        return status;

    uint32_t taken = 0;
    for (uint32_t row = 0; row < page->rows; row++) {
        if (forms[row] != exception)
            continue;
        if (values[taken].data == NULL)
            return damaged(error);
        exceptions[taken] = (struct page_exception){ row, values[taken] };
        taken++;
    }
    page->exceptions = exceptions;
    page->exception_count = count;
    return TALLY_OK;
}
