/*
 * index_section.c - fields by their names, as parameters of sections have them.
 *
 * A section says whose values it is of, so that a version with other fields neither misses what is
 * not there nor stumbles over what it does not know.
 */
#include "index_section.h"

#include "field.h"

void
index_fields_put(uint64_t mask, struct buffer *out)
{
    buffer_byte(out, (uint8_t)__builtin_popcountll(mask));
    for (; mask != 0; mask &= mask - 1) {
        struct bytes name = fields[__builtin_ctzll(mask)].name;
        buffer_byte(out, (uint8_t)name.size);
        buffer_bytes(out, name);
    }
}

bool
index_fields_read(struct bytes encoded, uint64_t *mask_out)
{
    uint64_t mask = 0;
    size_t at = 1;
    if (encoded.size == 0)
        return false;
    for (unsigned left = encoded.data[0]; left > 0; left--) {
        if (at >= encoded.size || encoded.data[at] >= encoded.size - at)
            return false;
        size_t size = encoded.data[at++];
        enum field_id field = field_find(bytes_of(encoded.data + at, size));
        if (field != FIELD_COUNT)
            mask |= FIELD_BIT(field);
        at += size;
    }
    if (at != encoded.size)
        return false;
    *mask_out = mask;
    return true;
}
