/*
 * index_members.c - a segment's members of objects, as they are stored.
 *
 *     parameters  1 count of pages   1 bits of a fingerprint   1 bits of a bucket's number
 *                 1 count of fields, for each: 1 size of its name, the name
 *     bytes       buckets and their table (index_buckets.h), as member_index.h writes them
 *
 * The fields are those of objects, whatever is in them. A lookup reads two entries of the table and
 * one bucket, of about a kilobyte. A segment of more than 64 pages has no such section.
 */
#include "index_members.h"

#include "fault.h"
#include "run_column.h"
#include "token.h"

#define HEAD_SIZE 3u

static const struct segment_place place = { .part = "a bucket of members" };

/* All buckets, and behind them their table; false where memory is short. */
static bool
buckets_encode(const struct member_index *index, struct buffer *out)
{
    struct buffer table = { 0 };
    for (uint32_t i = 0; i < UINT32_C(1) << index->shape.bucket_bits && !buffer_failed(out); i++) {
        size_t start = out->size;
        member_index_encode(index, i, out);
        index_buckets_note(out, start, &table);
    }
    buffer_bytes(out, buffer_view(&table));
    bool encoded = !buffer_failed(&table) && !buffer_failed(out);
    buffer_free(&table);
    return encoded;
}

tally_status
index_members_make(struct run_reader *reader, struct index_content *content,
                   struct tally_error *error)
{
    uint32_t pages = run_page_count(run_of(reader));
    struct member_index index;
    struct run_tokens *tokens;
    if (pages > PLACES_PAGES)
        return TALLY_OK;
    tally_status status = run_tokens(reader, &tokens, error);
    if (status == TALLY_OK)
        status = member_index_make(&tokens->members, pages, &index, error);
    if (status != TALLY_OK)
        return status;
    buffer_byte(&content->parameters, (uint8_t)index.shape.pages);
    buffer_byte(&content->parameters, (uint8_t)index.shape.fingerprint_bits);
    buffer_byte(&content->parameters, (uint8_t)index.shape.bucket_bits);
    index_fields_put(token_fields_of_objects(), &content->parameters);
    bool encoded = buckets_encode(&index, &content->bytes) && !buffer_failed(&content->parameters);
    member_index_free(&index);
    return encoded ? TALLY_OK : memory_fault(error);
}

bool
index_members_open(const struct index_section *section, uint32_t count, struct index_members *out)
{
    struct bytes parameters = section->parameters;
    struct index_members members = { .there = true };
    if (parameters.size < HEAD_SIZE ||
        !index_fields_read(bytes_of(parameters.data + HEAD_SIZE, parameters.size - HEAD_SIZE),
                           &members.covered))
        return false;
    members.shape = (struct member_shape){
        .pages = parameters.data[0],
        .fingerprint_bits = parameters.data[1],
        .bucket_bits = parameters.data[2],
    };
    if (members.shape.pages != (count + PAGE_ROWS - 1) / PAGE_ROWS ||
        !member_shape_valid(&members.shape) ||
        !index_buckets_open(section, UINT64_C(1) << members.shape.bucket_bits, &members.buckets))
        return false;
    *out = members;
    return true;
}

tally_status
index_members_find(const struct index_members *members, const struct segment_file *file,
                   uint64_t token, struct segment_input *input, struct places *places,
                   struct tally_error *error)
{
    tally_status status = index_buckets_read(
        &members->buckets, file, &place, member_bucket_of(&members->shape, token), input, error);
    if (status == TALLY_OK &&
        !member_bucket_find(&members->shape, buffer_view(&input->bytes), token, places))
        status = segment_file_fault(file, &place, "makes no sense", error);
    return status;
}
