/*
 * The first part:
 *
 *     1 flags          bit 0: by the hour; bit 1: every entry's time is its timestamp
 *     N count of periods
 *     for each period: N hours since the one before (the first: zigzag, since 1970), if by the
 *                      hour; N entries
 *     N count of columns
 *     for each column: 1 size of its name, the name; N values; 1 way; N size of its items;
 *                      4 CRC-32C of them, if they stand apart
 *     the items of the columns that do not stand apart, in this order
 *
 * N is a number of at most 32 bits in LEB128. The items of a column, for each period or once for
 * all of them:
 *
 *     N count of codes
 *     for each, ascending: N how far it is behind the next one that there could be; N entries
 *
 * Invariant: the entries of a period's items add up to the period's, those of a column that is
 * counted as a whole to all periods'. Readers check it.
 */
#include "counts.h"

#include "bytes.h"
#include "codec_parts.h"
#include "crc32c.h"

#define FLAG_TIMED      0x01u
#define FLAG_TIMESTAMPS 0x02u

/*
 * Writing.
 */

static uint32_t
zigzag(int32_t number)
{
    return number < 0 ? ((uint32_t)(-(int64_t)number) << 1) - 1 : (uint32_t)number << 1;
}

void
counts_put_items(const uint32_t *matrix, uint32_t period_count, uint32_t value_count,
                 struct buffer *out)
{
    for (uint32_t period = 0; period < period_count; period++) {
        const uint32_t *counts = &matrix[(size_t)period * (value_count + 1)];
        uint32_t codes = 0, next = 0;
        for (uint32_t code = 0; code <= value_count; code++)
            codes += counts[code] > 0;
        buffer_varint(out, codes);
        for (uint32_t code = 0; code <= value_count; code++) {
            if (counts[code] == 0)
                continue;
            buffer_varint(out, code - next);
            buffer_varint(out, counts[code]);
            next = code + 1;
        }
    }
}

static void
put_periods(const struct counts_periods *periods, struct buffer *out)
{
    buffer_byte(out, (uint8_t)((periods->timed ? FLAG_TIMED : 0) |
                               (periods->timestamps ? FLAG_TIMESTAMPS : 0)));
    buffer_varint(out, periods->count);
    for (uint32_t i = 0; i < periods->count; i++) {
        if (periods->timed)
            buffer_varint(out, i == 0 ? zigzag(periods->hours[0])
                                      : (uint32_t)(periods->hours[i] - periods->hours[i - 1]));
        buffer_varint(out, periods->totals[i]);
    }
}

void
counts_put(const struct counts_periods *periods, const struct counts_column *columns,
           size_t column_count, struct buffer *out)
{
    put_periods(periods, out);
    buffer_varint(out, (uint32_t)column_count);
    for (size_t i = 0; i < column_count; i++) {
        struct bytes name = fields[columns[i].field].name;
        struct bytes items = buffer_view(&columns[i].items);
        buffer_byte(out, (uint8_t)name.size);
        buffer_bytes(out, name);
        buffer_varint(out, columns[i].value_count);
        buffer_byte(out, (uint8_t)columns[i].way);
        buffer_varint(out, (uint32_t)items.size);
        if (columns[i].way == COUNTS_APART)
            buffer_u32(out, crc32c(0, items.data, items.size));
    }
    for (size_t i = 0; i < column_count; i++)
        if (columns[i].way != COUNTS_APART)
            buffer_bytes(out, buffer_view(&columns[i].items));
}

/*
 * Reading.
 */

/* The next period; `hour` is the one before, 0 before the first. */
static bool
take_period(struct bytes *from, bool timed, bool first, int64_t *hour, uint32_t *total_out)
{
    uint32_t distance;
    if (timed) {
        if (!take_varint(from, &distance))
            return false;
        if (first)
            *hour = (distance & 1) != 0 ? -(int64_t)(distance >> 1) - 1 : (int64_t)(distance >> 1);
        else if (distance == 0)
            return false;
        else
            *hour += distance;
        if (*hour > INT32_MAX)
            return false;
    }
    return take_varint(from, total_out);
}

/* Passes over the periods, which must make sense. */
static bool
skip_periods(struct bytes *from, struct counts *counts)
{
    int64_t hour = 0;
    uint32_t most = counts->timed ? COUNTS_HOURS_MAX : 1;
    if (!take_varint(from, &counts->period_count) || counts->period_count > most)
        return false;
    counts->periods = *from;
    for (uint32_t i = 0; i < counts->period_count; i++) {
        uint32_t total;
        if (!take_period(from, counts->timed, i == 0, &hour, &total))
            return false;
        counts->total += total;
    }
    return counts->total <= UINT32_MAX;
}

static bool
take_column(struct bytes *from, struct bytes *name_out, struct counts_place *place_out)
{
    struct bytes size, way, crc;
    struct counts_place place = { 0 };
    if (!take_bytes(from, 1, &size) || !take_bytes(from, size.data[0], name_out) ||
        !take_varint(from, &place.value_count) || place.value_count > COUNTS_VALUES_MAX ||
        !take_bytes(from, 1, &way) || way.data[0] > COUNTS_APART || !take_varint(from, &place.size))
        return false;
    place.way = (enum counts_way)way.data[0];
    if (place.way != COUNTS_APART && place.value_count > COUNTS_HOURLY_VALUES_MAX)
        return false;
    if (place.way == COUNTS_APART) {
        if (!take_bytes(from, 4, &crc))
            return false;
        place.crc = get_u32(crc.data);
    }
    *place_out = place;
    return true;
}

/* Passes over the table of columns, whose items must fill the rest of the part. */
static bool
skip_columns(struct bytes *from, struct counts *counts)
{
    uint64_t size = 0;
    if (!take_varint(from, &counts->column_count) || counts->column_count > 255)
        return false;
    counts->columns = *from;
    for (uint32_t i = 0; i < counts->column_count; i++) {
        struct counts_place place;
        struct bytes name;
        if (!take_column(from, &name, &place) || (place.way == COUNTS_HOURLY && !counts->timed))
            return false;
        size += place.way == COUNTS_APART ? 0 : place.size;
    }
    counts->items = *from;
    return size == from->size;
}

bool
counts_open(struct bytes part, struct counts *counts_out)
{
    struct counts counts = { 0 };
    struct bytes flags;
    if (!take_bytes(&part, 1, &flags) || (flags.data[0] & ~(FLAG_TIMED | FLAG_TIMESTAMPS)) != 0)
        return false;
    counts.timed = (flags.data[0] & FLAG_TIMED) != 0;
    counts.timestamps = (flags.data[0] & FLAG_TIMESTAMPS) != 0;
    if (!skip_periods(&part, &counts) || !skip_columns(&part, &counts))
        return false;
    *counts_out = counts;
    return true;
}

void
counts_read_periods(const struct counts *counts, int32_t *hours_out, uint32_t *totals_out)
{
    struct bytes from = counts->periods;
    int64_t hour = 0;
    for (uint32_t i = 0; i < counts->period_count; i++) {
        if (!take_period(&from, counts->timed, i == 0, &hour, &totals_out[i]))
            return;
        hours_out[i] = (int32_t)hour;
    }
}

bool
counts_find(const struct counts *counts, struct bytes name, struct counts_place *place_out)
{
    struct bytes table = counts->columns;
    size_t inside = 0;
    uint64_t apart = 0;
    for (uint32_t i = 0; i < counts->column_count; i++) {
        struct counts_place place;
        struct bytes other;
        if (!take_column(&table, &other, &place))
            return false;
        if (bytes_equal(name, other)) {
            place.offset = apart;
            if (place.way != COUNTS_APART)
                place.items = bytes_of(counts->items.data + inside, place.size);
            *place_out = place;
            return true;
        }
        if (place.way == COUNTS_APART)
            apart += place.size;
        else
            inside += place.size;
    }
    return false;
}

void
counts_walk_begin(struct counts_walk *walk, const struct counts_place *place, struct bytes items,
                  const struct counts *counts, const uint32_t *totals)
{
    bool hourly = place->way == COUNTS_HOURLY;
    *walk = (struct counts_walk){
        .items = items,
        .period_count = hourly || counts->period_count == 0 ? counts->period_count : 1,
        .value_count = place->value_count,
        .totals = hourly ? totals : NULL,
        .expected = hourly ? 0 : counts->total,
    };
}

/* Turns to the next period that has items. False at the end, or where nothing makes sense. */
static bool
walk_turn(struct counts_walk *walk, bool *whole_out)
{
    while (walk->left == 0) {
        /* What the period before was to add up to; all periods, before the first of one. */
        bool begun = walk->period > 0 || walk->totals != NULL;
        *whole_out = false;
        if (begun && walk->expected != 0)
            return false;
        if (walk->period == walk->period_count) {
            *whole_out = walk->items.size == 0 && walk->expected == 0;
            return false;
        }
        if (!take_varint(&walk->items, &walk->left))
            return false;
        if (walk->totals != NULL)
            walk->expected = walk->totals[walk->period];
        walk->period++;
        walk->code = 0;
    }
    return true;
}

bool
counts_walk_next(struct counts_walk *walk, struct counts_item *item_out, bool *whole_out)
{
    uint32_t distance, count;
    if (!walk_turn(walk, whole_out))
        return false;
    *whole_out = false;
    if (!take_varint(&walk->items, &distance) || !take_varint(&walk->items, &count))
        return false;
    walk->code += distance;
    if (walk->code > walk->value_count || count == 0 || count > walk->expected)
        return false;
    *item_out = (struct counts_item){ walk->period - 1, (uint32_t)walk->code, count };
    walk->code++;
    walk->expected -= count;
    walk->left--;
    return true;
}
