/*
 * index_bloom.c - a Bloom filter for each page of a segment, side by side (bloom.h).
 *
 *     parameters  1 count of pages   1 probes   2 zero
 *                 4 count of blocks  1 count of fields
 *                 for each field: 1 size of its name, the name
 *     bytes       the blocks, each with its checksum
 *
 * The fields are those whose tokens were added: a page that a filter rules out has no such value of
 * a field that is named, and says nothing of any other. Ids are not among them, nor are objects:
 * these are told to the block (index_ids.c, index_members.c). A segment of more than 64 pages has
 * no such section.
 *
 * All tokens of a run are found first, since the fullest page says how large the filter is.
 */
#include "index_bloom.h"

#include "bloom.h"
#include "fault.h"
#include "run_column.h"

#define HEAD_SIZE 8u

/* The fields whose tokens are added. */
static uint64_t
fields_covered(void)
{
    return token_fields() & ~token_fields_of_objects() & ~FIELD_BIT(FIELD_ID);
}

static void
parameters_encode(unsigned pages, uint32_t block_count, struct buffer *out)
{
    buffer_byte(out, (uint8_t)pages);
    buffer_byte(out, BLOOM_PROBES);
    buffer_u16(out, 0);
    buffer_u32(out, block_count);
    index_fields_put(fields_covered(), out);
}

/* The filter of a run's tokens. */
static tally_status
filter_encode(const struct run_tokens *all, unsigned pages, struct index_content *content,
              struct tally_error *error)
{
    size_t most = 0;
    for (unsigned page = 0; page < pages; page++) {
        size_t count = all->ends[page] - (page == 0 ? 0 : all->ends[page - 1]);
        most = count > most ? count : most;
    }
    struct bloom bloom;
    tally_status status = bloom_init(&bloom, pages, bloom_block_count(most), error);
    if (status != TALLY_OK)
        return status;
    for (unsigned page = 0; page < pages; page++) {
        size_t start = page == 0 ? 0 : all->ends[page - 1];
        bloom_add(&bloom, all->tokens + start, all->ends[page] - start, page);
    }
    parameters_encode(pages, bloom.block_count, &content->parameters);
    bloom_encode(&bloom, &content->bytes);
    bloom_free(&bloom);
    return buffer_failed(&content->parameters) || buffer_failed(&content->bytes)
               ? memory_fault(error)
               : TALLY_OK;
}

tally_status
index_bloom_make(struct run_reader *reader, struct index_content *content,
                 struct tally_error *error)
{
    uint32_t pages = run_page_count(run_of(reader));
    struct run_tokens *tokens;
    if (pages > BLOOM_COLUMNS_MAX)
        return TALLY_OK;
    tally_status status = run_tokens(reader, &tokens, error);
    return status == TALLY_OK ? filter_encode(tokens, pages, content, error) : status;
}

bool
index_bloom_open(const struct index_section *section, uint32_t count, struct index_bloom *out)
{
    struct bytes parameters = section->parameters;
    struct index_bloom bloom = { .there = true, .offset = section->block.offset };
    if (parameters.size < HEAD_SIZE ||
        !index_fields_read(bytes_of(parameters.data + HEAD_SIZE, parameters.size - HEAD_SIZE),
                           &bloom.covered))
        return false;
    bloom.pages = parameters.data[0];
    bloom.block_count = get_u32(parameters.data + 4);
    if (bloom.pages != (count + PAGE_ROWS - 1) / PAGE_ROWS || bloom.pages > BLOOM_COLUMNS_MAX ||
        parameters.data[1] != BLOOM_PROBES || get_u16(parameters.data + 2) != 0 ||
        bloom.block_count == 0 || bloom.block_count > BLOOM_BLOCKS_MAX)
        return false;
    if ((uint64_t)bloom.block_count * bloom_block_size(bloom.pages) != section->block.size)
        return false;
    *out = bloom;
    return true;
}

tally_status
index_bloom_probe(const struct index_bloom *bloom, const struct segment_file *file,
                  const struct token_sought *sought, struct segment_input *input,
                  uint64_t *pages_out, struct tally_error *error)
{
    static const struct segment_place place = { .part = "a block of tokens" };
    if ((bloom->covered & FIELD_BIT(sought->field)) == 0) {
        *pages_out = bloom->pages == 64 ? UINT64_MAX : (UINT64_C(1) << bloom->pages) - 1;
        return TALLY_OK;
    }
    size_t size = bloom_block_size(bloom->pages);
    uint32_t block = bloom_block_of(sought->token, bloom->block_count);
    tally_status status =
        segment_file_fetch(file, bloom->offset + (uint64_t)block * size, size, input, error);
    if (status == TALLY_OK &&
        !bloom_probe(buffer_view(&input->bytes), bloom->pages, sought->token, pages_out))
        status = segment_file_fault(file, &place, "checksum mismatch", error);
    return status;
}
