/*
 * Writing entries.
 *
 * A part is the canonical object of some fields. Fields are numbered in canonical order, so writing
 * one is going through a mask from the lowest bit up: the name with its quotes and colon is in the
 * table, a value is copied (numbers, objects) or escaped (all else). Names and values need at most
 * six times their size, so room is asked for once.
 *
 * The public part comes first, as the journal has it; where its commitment to the private part
 * belongs is blank until it is computed (entry_hash.c), for many entries at once where there are
 * many.
 */
#include "entry.h"

#include "clock.h"
#include "fault.h"

#include <assert.h>

/* Room for the key, whose copy is of fixed size, quotes, comma and brackets. */
#define MEMBER_ROOM (FIELD_KEY_CAPACITY + 8)

static size_t
room_for(const struct bytes values[FIELD_COUNT], uint64_t mask)
{
    size_t room = MEMBER_ROOM;
    for (; mask != 0; mask &= mask - 1) {
        unsigned field = (unsigned)__builtin_ctzll(mask);
        size_t size = values[field].size;
        room += MEMBER_ROOM + (field_type_raw(fields[field].type) ? size : 6 * size);
    }
    return room;
}

static inline uint8_t *
put_value(enum field_type type, struct bytes value, uint8_t *to)
{
    if (!field_type_raw(type))
        return json_put_string(value, to);
    memcpy(to, value.data, value.size);
    return to + value.size;
}

/* Writes a part; *private_at_out is where the value of `private` begins in it, if it has one. */
static void
write_members(const struct bytes values[FIELD_COUNT], uint64_t mask, struct buffer *out,
              size_t *private_at_out)
{
    uint8_t *start = buffer_reserve(out, room_for(values, mask));
    if (start == NULL)
        return;

    /* Each member brings the comma before it; the first one's becomes the bracket. */
    uint8_t *to = start;
    for (; mask != 0; mask &= mask - 1) {
        unsigned id = (unsigned)__builtin_ctzll(mask);
        const struct field *field = &fields[id];
        if (values[id].data == NULL)
            continue;
        *to++ = ',';
        memcpy(to, field->key, FIELD_KEY_CAPACITY);
        to += field->key_size;
        if (id == FIELD_PRIVATE)
            *private_at_out = (size_t)(to + 1 - start); /* behind the quote */
        to = put_value(field->type, values[id], to);
    }
    if (to == start)
        to++;
    *start = '{';
    *to++ = '}';
    out->size += (size_t)(to - start);
}

void
part_write(const struct bytes values[FIELD_COUNT], uint64_t mask, struct buffer *out)
{
    size_t unused;
    write_members(values, mask, out, &unused);
}

/* Takes back what was appended to a buffer. */
static void
rewind_buffer(struct buffer *buffer, size_t size)
{
    buffer->size = size;
    buffer->failed = false;
}

/* Appends a part and checks it. */
static tally_status
write_part(const struct bytes values[FIELD_COUNT], uint64_t mask, size_t size_max, const char *what,
           struct buffer *out, size_t *private_at_out, struct tally_error *error)
{
    size_t start = out->size;
    write_members(values, mask, out, private_at_out);
    if (buffer_failed(out))
        return memory_fault(error);
    if (out->size - start > size_max)
        return fault(error, TALLY_INVALID, "the event's %s part has %zu bytes, at most %zu fit",
                     what, out->size - start, size_max);
    return TALLY_OK;
}

tally_status
entry_lay_out(const struct event *event, const struct entry_stamp *stamp, struct buffer *public_out,
              struct buffer *private_out, struct entry_parts *parts_out, struct tally_error *error)
{
    static const char blank[ENTRY_COMMITMENT_SIZE + 1] =
        "00000000000000000000000000000000000000000000";
    assert((stamp->private_fields & FIELDS_FIXED) == 0);
    assert(!buffer_failed(public_out) && !buffer_failed(private_out));

    struct bytes values[FIELD_COUNT];
    memcpy(values, event->values, sizeof values);
    values[FIELD_V] = (struct bytes)BYTES("1");
    values[FIELD_PRIVATE] = bytes_of(blank, ENTRY_COMMITMENT_SIZE);
    values[FIELD_RECEIVED] = stamp->received;
    values[FIELD_WRITER] = stamp->writer;
    uint64_t added = FIELD_BIT(FIELD_V) | FIELD_BIT(FIELD_PRIVATE) | FIELD_BIT(FIELD_RECEIVED) |
                     FIELD_BIT(FIELD_WRITER);

    const size_t public_before = public_out->size;
    struct entry_parts parts = { .timestamp = event->timestamp, .public_offset = public_before };
    size_t private_at = 0, none;
    tally_status status =
        write_part(values, (event->present & ~stamp->private_fields) | added, ENTRY_PUBLIC_SIZE_MAX,
                   "public", public_out, &private_at, error);
    if (status != TALLY_OK)
        goto rewind_public;
    parts.public_size = public_out->size - public_before;
    parts.commitment_offset = public_before + private_at;

    const size_t private_before = private_out->size;
    status = write_part(values, event->present & stamp->private_fields, ENTRY_PRIVATE_SIZE_MAX,
                        "private", private_out, &none, error);
    if (status != TALLY_OK)
        goto rewind_both;
    parts.private_offset = private_before;
    parts.private_size = private_out->size - private_before;
    *parts_out = parts;
    return TALLY_OK;

rewind_both:
    rewind_buffer(private_out, private_before);
rewind_public:
    rewind_buffer(public_out, public_before);
    return status;
}

tally_status
entry_write(const struct event *event, const struct entry_stamp *stamp,
            const uint8_t salt[ENTRY_SALT_SIZE], struct buffer *public_out,
            struct buffer *private_out, struct entry_parts *parts_out, struct tally_error *error)
{
    struct entry_parts parts;
    tally_status status = entry_lay_out(event, stamp, public_out, private_out, &parts, error);
    if (status != TALLY_OK)
        return status;
    entry_commit(salt, bytes_of(private_out->data + parts.private_offset, parts.private_size),
                 (char *)public_out->data + parts.commitment_offset);
    memcpy(parts.salt, salt, ENTRY_SALT_SIZE);
    tally_hash_leaf(public_out->data + parts.public_offset, parts.public_size, &parts.leaf);
    *parts_out = parts;
    return TALLY_OK;
}
