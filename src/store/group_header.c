/*
 * group_header.c - what a group's file says of itself.
 *
 *     0   8   magic "TALLYGRP"
 *     8   4   version, 1
 *     12  16  tag of the trail
 *     28  4   generation
 *     32  8   index of the first entry
 *     40  4   count of segments
 *     44  4   count of blocks, a power of two
 *     48  2   size of this head
 *     50  1   rows a token has, 6
 *     51  1   count of fields
 *     52      for each field whose tokens are there: 1 size of its name, the name
 *     …   4   CRC-32C of everything before
 */
#include "group_header.h"

#include "crc32c.h"
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>

#define MAGIC      "TALLYGRP"
#define VERSION    1u
#define FIXED_SIZE 52u
#define CRC_SIZE   4u

void
group_name(const char *folder, const struct group_info *info, char name_out[GROUP_NAME_MAX])
{
    (void)snprintf(name_out, GROUP_NAME_MAX, "%s/segments/%016" PRIx64 ".group.%08" PRIx32, folder,
                   info->first, info->generation);
}

void
group_header_encode(const uint8_t tag[16], const struct group_info *info, uint32_t block_count,
                    struct buffer *out)
{
    uint64_t covered = token_fields();
    size_t start = out->size;
    buffer_append(out, MAGIC, 8);
    buffer_u32(out, VERSION);
    buffer_append(out, tag, 16);
    buffer_u32(out, info->generation);
    buffer_u64(out, info->first);
    buffer_u32(out, info->segments);
    buffer_u32(out, block_count);
    buffer_u16(out, 0); /* the size, below */
    buffer_byte(out, BLOOM_PROBES);
    buffer_byte(out, (uint8_t)__builtin_popcountll(covered));
    for (; covered != 0; covered &= covered - 1) {
        struct bytes name = fields[__builtin_ctzll(covered)].name;
        buffer_byte(out, (uint8_t)name.size);
        buffer_bytes(out, name);
    }
    if (buffer_failed(out))
        return;
    put_u16(out->data + start + 48, (uint16_t)(out->size - start + CRC_SIZE));
    buffer_u32(out, crc32c(0, out->data + start, out->size - start));
}

/* The fields that are named; those that this version does not know are passed over. */
static bool
names_decode(struct bytes names, unsigned count, uint64_t *covered_out)
{
    uint64_t covered = 0;
    size_t at = 0;
    for (; count > 0; count--) {
        if (at >= names.size || names.data[at] >= names.size - at)
            return false;
        size_t size = names.data[at++];
        enum field_id field = field_find(bytes_of(names.data + at, size));
        if (field != FIELD_COUNT)
            covered |= FIELD_BIT(field);
        at += size;
    }
    *covered_out = covered;
    return at == names.size;
}

static bool
fits(const uint8_t *head, const uint8_t tag[16], const struct group_info *info, size_t size)
{
    uint32_t blocks = get_u32(head + 44);
    return memcmp(head + 12, tag, 16) == 0 && get_u32(head + 28) == info->generation &&
           get_u64(head + 32) == info->first && get_u32(head + 40) == info->segments &&
           group_blocks_fit(blocks) && head[50] == BLOOM_PROBES &&
           info->size == size + (uint64_t)blocks * bloom_block_size(info->segments);
}

tally_status
group_header_decode(struct bytes bytes, const uint8_t tag[16], struct group_scan *scan,
                    struct tally_error *error)
{
    const char *name = scan->name;
    const uint8_t *head = bytes.data;
    if (bytes.size < FIXED_SIZE + CRC_SIZE || memcmp(head, MAGIC, 8) != 0)
        return fault(error, TALLY_DAMAGED, "%s: not a group", name);
    /* Size and checksum stand at the same places in every version, so that one that is newer can be
     * told from damage. */
    size_t size = get_u16(head + 48);
    if (size < FIXED_SIZE + CRC_SIZE || size > bytes.size ||
        get_u32(head + size - CRC_SIZE) != crc32c(0, head, size - CRC_SIZE))
        return fault(error, TALLY_DAMAGED, "%s: header: checksum mismatch", name);
    if (get_u32(head + 8) != VERSION)
        return fault(error, TALLY_UNSUPPORTED, "%s: version %" PRIu32 " is newer than this program",
                     name, get_u32(head + 8));
    uint64_t covered;
    if (!fits(head, tag, &scan->info, size) ||
        !names_decode(bytes_of(head + FIXED_SIZE, size - FIXED_SIZE - CRC_SIZE), head[51],
                      &covered))
        return fault(error, TALLY_DAMAGED, "%s: not the group that the manifest names", name);
    scan->block_count = get_u32(head + 44);
    scan->covered = covered;
    scan->offset = size;
    return TALLY_OK;
}
