/*
 * journal_record.c - the bytes of a journal.
 *
 * A file's header, the same for the file's whole life, so that recycling a file is only a rename:
 *
 *      0   8  "TALLYJNL"
 *      8   4  version: 1
 *     12  16  the trail's tag
 *     28   8  size of the file in bytes
 *     36  24  zeros
 *     60   4  CRC-32C of the 60 bytes before
 *
 * A record's header; records begin at multiples of 8:
 *
 *      0   8  f5 c1 fb c0 f9 fe c1 f8
 *      8   2  format: 1
 *     10   2  flags: 1 = the file was used before
 *     12   4  count of entries
 *     16   8  sequence, from 1
 *     24   8  index of the first entry
 *     32   4  size of the body in bytes
 *     36   4  the CRC (at 44) of the record before; 0 in the first
 *     40   4  CRC-32C of the body
 *     44   4  CRC-32C of the trail's tag and the 44 bytes before
 *     48      body
 *
 * The body is `count` entries, each
 *
 *      0   4  size of the public part
 *      4   4  size of the private part
 *      8  16  salt
 *     24      public part, then private part
 *
 * Up to 7 bytes of no meaning follow, to the next multiple of 8. Two checksums, so that a header
 * can be believed without its body: recovery asks of every multiple of 8 whether a record begins
 * there, and must neither read a megabyte for each question nor be led to do so by bytes made to
 * look like headers.
 *
 * **What an application sends cannot be taken for a record.** Both parts are UTF-8 without zero
 * bytes. The magic has no byte that UTF-8 can hold, so it would have to lie in the sizes and the
 * salt. The highest byte of each size is zero (JOURNAL_PART_MAX) and the magic has no zero, so it
 * would have to lie wholly in the 16 bytes of the salt. Salts are random and nobody's choice, but
 * even a chosen one is no use: the sequence stands 16 to 23 bytes after the magic, its end at least
 * 7 and at most 15 bytes into the public part, which is longer than that. Its highest byte would be
 * a byte of JSON, not zero, and a journal would have to hold 2^56 records before such a sequence
 * came. What is refused for its sequence never gets as far as its CRC.
 */
#include "journal_record.h"

#include "buffer.h"
#include "crc32c.h"
#include "fault.h"

#include <assert.h>
#include <inttypes.h>

#define FILE_MAGIC   "TALLYJNL"
#define FILE_VERSION 1u
#define FORMAT       1u
#define SEQUENCE_MAX ((UINT64_C(1) << 56) - 1)
#define ENTRY_HEADER 24u

uint32_t
record_seed(const uint8_t tag[16])
{
    return crc32c(0, tag, 16);
}

void
record_header_encode(struct record_header *header, uint32_t seed, uint8_t out[RECORD_HEADER_SIZE])
{
    assert(header->sequence <= SEQUENCE_MAX);
    header->format = FORMAT;
    memcpy(out, RECORD_MAGIC, 8);
    put_u16(out + 8, header->format);
    put_u16(out + 10, header->flags);
    put_u32(out + 12, header->count);
    put_u64(out + 16, header->sequence);
    put_u64(out + 24, header->first);
    put_u32(out + 32, header->body_size);
    put_u32(out + 36, header->chain);
    put_u32(out + 40, header->body_crc);
    header->crc = crc32c(seed, out, 44);
    put_u32(out + 44, header->crc);
}

bool
record_header_decode(const uint8_t bytes[RECORD_HEADER_SIZE], uint32_t seed,
                     struct record_header *header_out)
{
    if (memcmp(bytes, RECORD_MAGIC, 8) != 0 || get_u64(bytes + 16) > SEQUENCE_MAX ||
        get_u32(bytes + 44) != crc32c(seed, bytes, 44))
        return false;
    *header_out = (struct record_header){
        .format = get_u16(bytes + 8),
        .flags = get_u16(bytes + 10),
        .count = get_u32(bytes + 12),
        .sequence = get_u64(bytes + 16),
        .first = get_u64(bytes + 24),
        .body_size = get_u32(bytes + 32),
        .chain = get_u32(bytes + 36),
        .body_crc = get_u32(bytes + 40),
        .crc = get_u32(bytes + 44),
    };
    return true;
}

bool
journal_entry_next(struct bytes *body, struct journal_entry *entry_out)
{
    if (body->size < ENTRY_HEADER)
        return false;
    uint32_t public_size = get_u32(body->data);
    uint32_t private_size = get_u32(body->data + 4);
    size_t room = body->size - ENTRY_HEADER;
    if (public_size > JOURNAL_PART_MAX || private_size > JOURNAL_PART_MAX ||
        (size_t)public_size + private_size > room)
        return false;
    const uint8_t *parts = body->data + ENTRY_HEADER;
    entry_out->salt = body->data + 8;
    entry_out->public_part = bytes_of(parts, public_size);
    entry_out->private_part = bytes_of(parts + public_size, private_size);
    size_t size = ENTRY_HEADER + (size_t)public_size + private_size;
    *body = bytes_of(body->data + size, body->size - size);
    return true;
}

void
journal_entry_begin(struct buffer *body, const uint8_t *salt)
{
    buffer_u64(body, 0); /* the sizes */
    buffer_append(body, salt, JOURNAL_SALT_SIZE);
}

void
journal_entry_end(struct buffer *body, size_t start, size_t public_size, size_t private_size)
{
    assert(public_size <= JOURNAL_PART_MAX && private_size <= JOURNAL_PART_MAX);
    if (buffer_failed(body))
        return;
    assert(body->size - start == ENTRY_HEADER + public_size + private_size);
    put_u32(body->data + start, (uint32_t)public_size);
    put_u32(body->data + start + 4, (uint32_t)private_size);
}

void
journal_entry_append(struct buffer *body, struct bytes public_part, const uint8_t *salt,
                     struct bytes private_part)
{
    size_t start = body->size;
    journal_entry_begin(body, salt);
    buffer_bytes(body, public_part);
    buffer_bytes(body, private_part);
    journal_entry_end(body, start, public_part.size, private_part.size);
}

bool
record_body_valid(struct bytes body, uint32_t count)
{
    struct journal_entry entry;
    uint32_t found = 0;
    while (found < count && journal_entry_next(&body, &entry))
        found++;
    return count > 0 && found == count && body.size == 0;
}

void
journal_header_encode(const uint8_t tag[16], uint64_t size, uint8_t out[JOURNAL_HEADER_SIZE])
{
    memset(out, 0, JOURNAL_HEADER_SIZE);
    memcpy(out, FILE_MAGIC, 8);
    put_u32(out + 8, FILE_VERSION);
    memcpy(out + 12, tag, 16);
    put_u64(out + 28, size);
    put_u32(out + 60, crc32c(0, out, 60));
}

tally_status
journal_header_check(const uint8_t bytes[JOURNAL_HEADER_SIZE], const uint8_t tag[16], uint64_t size,
                     const char *name, struct tally_error *error)
{
    if (memcmp(bytes, FILE_MAGIC, 8) != 0)
        return fault(error, TALLY_DAMAGED, "%s does not begin as a journal file does", name);
    if (get_u32(bytes + 60) != crc32c(0, bytes, 60))
        return fault(error, TALLY_DAMAGED, "%s: its header does not match its checksum", name);
    if (get_u32(bytes + 8) != FILE_VERSION)
        return fault(error, TALLY_UNSUPPORTED, "%s has format %" PRIu32 "; this program reads %u",
                     name, get_u32(bytes + 8), FILE_VERSION);
    if (memcmp(bytes + 12, tag, 16) != 0)
        return fault(error, TALLY_DAMAGED, "%s belongs to another trail", name);
    if (get_u64(bytes + 28) != size || size % RECORD_ALIGNMENT != 0)
        return fault(error, TALLY_DAMAGED, "%s has %" PRIu64 " bytes; it was made with %" PRIu64,
                     name, size, get_u64(bytes + 28));
    return TALLY_OK;
}
