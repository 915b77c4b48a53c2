/*
 * codec_frame.c - integers and forms of a page, packed.
 *
 * A frame holds integers that lie near each other but for some. It has a base and a width; each
 * value is base + offset, the offset in `width` bits. A value too far off is a patch: it is written
 * whole beside its row. So one late entry costs ten bytes, and not a bit on each of 4,096 rows. The
 * width is the one that makes the frame smallest, found by counting how many offsets need how many
 * bits.
 *
 *     base 8 | width 1 | patches 2 | their rows 2 each, ascending | their values 8 each |
 *     packed offsets
 *
 * Arithmetic is modulo 2^64, so that a frame holds any integers. The base is the least value, or
 * one placed so that the middle of the values is in the middle of the frame: that leaves outliers
 * on both sides to be patched. The reader need not know which.
 *
 * Forms are bytes of which a page has few different ones; they are listed, and each row says which.
 *
 *     count 1 | the forms, ascending | packed positions in that list, absent where there is one
 */
#include "bits.h"
#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>

#define PATCH_SIZE (2 + 8)

bool
take_long_varint(struct bytes *from, uint32_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_SIZE_MAX && i < from->size; i++) {
        uint8_t byte = from->data[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if ((byte == 0 && i > 0) || value > UINT32_MAX)
            return false;
        from->data += i + 1;
        from->size -= i + 1;
        *out = (uint32_t)value;
        return true;
    }
    return false;
}

size_t
put_varint(uint8_t to[VARINT_SIZE_MAX], uint32_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        to[size++] = (uint8_t)(value | 0x80);
    to[size++] = (uint8_t)value;
    return size;
}

void
buffer_varint(struct buffer *buffer, uint32_t value)
{
    uint8_t *room = buffer_reserve(buffer, VARINT_SIZE_MAX);
    if (room != NULL)
        buffer->size += put_varint(room, value);
}

void
forms_encode(const uint8_t *forms, uint32_t rows, struct buffer *out)
{
    bool seen[256] = { false };
    uint8_t position[256];
    uint8_t count = 0;

    for (uint32_t row = 0; row < rows; row++)
        seen[forms[row]] = true;
    size_t count_at = out->size;
    buffer_byte(out, 0);
    for (unsigned form = 0; form < 256; form++) {
        if (!seen[form])
            continue;
        buffer_byte(out, (uint8_t)form);
        position[form] = count++;
    }
    if (buffer_failed(out))
        return;
    out->data[count_at] = count;
    if (count == 1)
        return;

    uint32_t positions[PAGE_ROWS];
    for (uint32_t row = 0; row < rows; row++)
        positions[row] = position[forms[row]];
    unsigned width = bits_width(count - 1u);
    uint8_t *room = buffer_reserve(out, bits_size(rows, width));
    if (room == NULL)
        return;
    bits_pack32(positions, rows, width, room);
    out->size += bits_size(rows, width);
}

bool
forms_open(struct bytes *from, uint32_t rows, struct forms *forms_out)
{
    struct forms forms = { .rows = rows };
    struct bytes list, packed;
    if (!take_u8(from, &forms.count) || forms.count == 0 || !take_bytes(from, forms.count, &list))
        return false;
    for (unsigned i = 1; i < forms.count; i++) {
        if (list.data[i - 1] >= list.data[i])
            return false;
    }
    forms.width = bits_width(forms.count - 1u);
    if (!take_bytes(from, bits_size(rows, forms.width), &packed))
        return false;
    forms.list = list.data;
    forms.packed = packed.data;
    *forms_out = forms;
    return true;
}

static uint32_t
group_size(uint32_t count, uint32_t group)
{
    uint32_t left = count - group * BITS_GROUP;
    return left < BITS_GROUP ? left : BITS_GROUP;
}

bool
forms_positions(const struct forms *forms, uint32_t group, uint32_t *positions_out)
{
    uint32_t size = group_size(forms->rows, group);
    uint32_t most = 0;
    bits_unpack32(forms->packed + bits_size(group * BITS_GROUP, forms->width), BITS_GROUP,
                  forms->width, positions_out);
    for (uint32_t i = 0; i < size; i++)
        most = positions_out[i] > most ? positions_out[i] : most;
    return most < forms->count;
}

bool
forms_read_group(const struct forms *forms, uint32_t group, uint8_t *forms_out)
{
    uint32_t size = group_size(forms->rows, group);
    uint32_t positions[BITS_GROUP];
    if (forms->count == 1) {
        memset(forms_out, forms->list[0], size);
        return true;
    }
    if (!forms_positions(forms, group, positions))
        return false;
    for (uint32_t i = 0; i < size; i++)
        forms_out[i] = forms->list[positions[i]];
    return true;
}

bool
forms_read(const struct forms *forms, uint8_t *forms_out)
{
    for (uint32_t group = 0; group * BITS_GROUP < forms->rows; group++) {
        if (!forms_read_group(forms, group, forms_out + group * BITS_GROUP))
            return false;
    }
    return true;
}

/* A way to write a frame. */
struct plan {
    uint64_t base;
    unsigned width;
    uint32_t patches;
    size_t size;
};

/* The best width, given how many offsets need each number of bits. */
static struct plan
plan_width(const uint32_t counts[65], uint32_t count)
{
    struct plan best = { .width = 64, .size = bits_size(count, 64) };
    uint32_t wider = 0; /* offsets of more than `width` bits */

    for (unsigned width = 64; width-- > 0;) {
        wider += counts[width + 1];
        size_t size = bits_size(count, width) + (size_t)wider * PATCH_SIZE;
        if (size < best.size)
            best = (struct plan){ .width = width, .patches = wider, .size = size };
    }
    return best;
}

static struct plan
plan_base(const uint64_t *values, uint32_t count, uint64_t base)
{
    uint32_t counts[65] = { 0 };
    for (uint32_t i = 0; i < count; i++)
        counts[bits_width(values[i] - base)]++;
    struct plan plan = plan_width(counts, count);
    plan.base = base;
    return plan;
}

static int64_t
least(const uint64_t *values, uint32_t count)
{
    int64_t minimum = (int64_t)values[0];
    for (uint32_t i = 1; i < count; i++) {
        if ((int64_t)values[i] < minimum)
            minimum = (int64_t)values[i];
    }
    return minimum;
}

/* Near the median: that of values spread over the page. */
static int64_t
middle(const uint64_t *values, uint32_t count)
{
    enum {
        SAMPLES = 31
    };
    int64_t sorted[SAMPLES];
    uint32_t taken = 0;
    for (; taken < SAMPLES; taken++) {
        int64_t value = (int64_t)values[(uint64_t)taken * count / SAMPLES];
        uint32_t place = taken;
        for (; place > 0 && sorted[place - 1] > value; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = value;
    }
    return sorted[SAMPLES / 2];
}

/* The bits of a value's signed distance from `centre`. */
static unsigned
distance_width(uint64_t value, uint64_t centre)
{
    uint64_t distance = value - centre;
    uint64_t size = (int64_t)distance < 0 ? ~distance : distance;
    return distance == 0 ? 0 : bits_width(size) + 1;
}

/* The least value but for outliers: those farther from `centre` than twice what suits most. */
static uint64_t
least_near(const uint64_t *values, uint32_t count, uint64_t centre)
{
    uint32_t counts[65] = { 0 };
    for (uint32_t i = 0; i < count; i++)
        counts[distance_width(values[i], centre)]++;

    unsigned width_max = plan_width(counts, count).width + 1;
    int64_t lowest = 0; /* a distance; the centre is a value itself */
    for (uint32_t i = 0; i < count; i++) {
        int64_t distance = (int64_t)(values[i] - centre);
        if (distance < lowest && distance_width(values[i], centre) <= width_max)
            lowest = distance;
    }
    return centre + (uint64_t)lowest;
}

static struct plan
plan_frame(const uint64_t *values, uint32_t count)
{
    struct plan from_least = plan_base(values, count, (uint64_t)least(values, count));
    if (from_least.width == 0)
        return from_least;
    uint64_t base = least_near(values, count, (uint64_t)middle(values, count));
    struct plan from_near = plan_base(values, count, base);
    return from_near.size < from_least.size ? from_near : from_least;
}

static bool
is_patch(const struct plan *plan, uint64_t value)
{
    return bits_width(value - plan->base) > plan->width;
}

void
frame_encode(const uint64_t *values, uint32_t count, uint64_t *offsets, struct buffer *out)
{
    assert(count > 0);
    struct plan plan = plan_frame(values, count);

    buffer_u64(out, plan.base);
    buffer_byte(out, (uint8_t)plan.width);
    buffer_u16(out, (uint16_t)plan.patches);
    for (uint32_t i = 0; i < count && plan.patches > 0; i++) {
        if (is_patch(&plan, values[i]))
            buffer_u16(out, (uint16_t)i);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool patch = is_patch(&plan, values[i]);
        if (patch)
            buffer_u64(out, values[i]);
        offsets[i] = patch ? 0 : values[i] - plan.base;
    }
    uint8_t *room = buffer_reserve(out, bits_size(count, plan.width));
    if (room == NULL)
        return;
    bits_pack64(offsets, count, plan.width, room);
    out->size += bits_size(count, plan.width);
}

bool
frame_open(struct bytes *from, uint32_t count, struct frame *frame_out)
{
    struct frame frame = { .count = count };
    uint8_t width;
    uint16_t patches;
    struct bytes places, values, packed;
    if (!take_u64(from, &frame.base) || !take_u8(from, &width) || width > 64 ||
        !take_u16(from, &patches) || !take_bytes(from, 2u * patches, &places) ||
        !take_bytes(from, 8u * patches, &values) ||
        !take_bytes(from, bits_size(count, width), &packed))
        return false;
    for (uint32_t i = 0; i < patches; i++) {
        uint32_t place = get_u16(places.data + 2 * i);
        if (place >= count || (i > 0 && place <= get_u16(places.data + 2 * (i - 1))))
            return false;
    }
    frame.width = width;
    frame.patches = patches;
    frame.places = places.data;
    frame.values = values.data;
    frame.packed = packed.data;
    *frame_out = frame;
    return true;
}

/* The first patch at or behind a place. */
static uint32_t
patch_from(const struct frame *frame, uint32_t place)
{
    uint32_t low = 0, high = frame->patches;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (get_u16(frame->places + 2 * middle) < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
frame_read_group(const struct frame *frame, uint32_t group, uint64_t *values_out)
{
    uint32_t first = group * BITS_GROUP;
    bits_unpack64_group(frame->packed, frame->count, frame->width, first, values_out);
    for (uint32_t i = 0; i < BITS_GROUP; i++)
        values_out[i] += frame->base;

    uint32_t end = patch_from(frame, first + BITS_GROUP);
    for (uint32_t i = patch_from(frame, first); i < end; i++)
        values_out[get_u16(frame->places + 2 * i) - first] = get_u64(frame->values + 8 * i);
}
