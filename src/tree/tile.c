/*
 * tile.c - tile paths, both ways.
 *
 * A path is read in one pass by what its bytes must be, then written again from what was understood
 * and compared: so there is one spelling, and the reader need not know about needless leading
 * groups or zeros.
 */
#include "tally/tile.h"
#include "ascii.h"

#include "fault.h"
#include "tree_text.h"
#include <assert.h>

unsigned
tally_tile_width(unsigned level, uint64_t index, uint64_t size)
{
    /* Hashes of level 8 * level; a level above the 64th bit has none. */
    uint64_t count = level < 8 ? size >> (8 * level) : 0;
    if (index > count / TALLY_TILE_WIDTH)
        return 0;
    uint64_t left = count - index * TALLY_TILE_WIDTH;
    return left < TALLY_TILE_WIDTH ? (unsigned)left : TALLY_TILE_WIDTH;
}

static void
put_group(struct text_out *out, unsigned group)
{
    const uint8_t digits[3] = { (uint8_t)('0' + group / 100), (uint8_t)('0' + group / 10 % 10),
                                (uint8_t)('0' + group % 10) };
    text_put(out, bytes_of(digits, sizeof digits));
}

static void
put_index(struct text_out *out, uint64_t index)
{
    uint64_t unit = 1;
    while (index / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000) {
        text_put(out, bytes_text("x"));
        put_group(out, (unsigned)(index / unit % 1000));
        text_put(out, bytes_text("/"));
    }
    put_group(out, (unsigned)(index % 1000));
}

void
tally_tile_format(const struct tally_tile *tile, char out[TALLY_TILE_PATH_SIZE])
{
    assert(tile->level <= TALLY_TILE_LEVEL_MAX && tile->index <= TALLY_TILE_INDEX_MAX);
    assert(tile->width >= 1 && tile->width <= TALLY_TILE_WIDTH);

    struct text_out path = { .data = out, .capacity = TALLY_TILE_PATH_SIZE };
    text_put(&path, bytes_text("tile/"));
    if (tile->kind == TALLY_TILE_ENTRIES)
        text_put(&path, bytes_text("entries"));
    else
        text_put_decimal(&path, tile->level);
    text_put(&path, bytes_text("/"));
    put_index(&path, tile->index);
    if (tile->width < TALLY_TILE_WIDTH) {
        text_put(&path, bytes_text(".p/"));
        text_put_decimal(&path, tile->width);
    }
    text_put(&path, bytes_of("", 1));
    assert(!path.overflow);
}

/* Digits from the front, as many as there are up to `most`; false where there is none. */
static bool
take_digits(struct bytes *rest, unsigned most, uint64_t *value_out)
{
    uint64_t value = 0;
    unsigned count = 0;
    while (count < most && count < rest->size && ascii_is_digit(rest->data[count]))
        value = value * 10 + (rest->data[count++] - '0');
    *rest = bytes_of(rest->data + count, rest->size - count);
    *value_out = value;
    return count > 0;
}

static bool
take_text(struct bytes *rest, const char *text)
{
    return text_take_prefix(rest, bytes_text(text));
}

static bool
take_index(struct bytes *rest, uint64_t *index_out)
{
    uint64_t index = 0, group;
    bool more = true;
    while (more) {
        more = take_text(rest, "x");
        if (index > TALLY_TILE_INDEX_MAX / 1000 || !take_digits(rest, 3, &group))
            return false;
        index = index * 1000 + group;
        if (more && !take_text(rest, "/"))
            return false;
    }
    *index_out = index;
    return true;
}

static bool
take_tile(struct bytes rest, struct tally_tile *tile_out)
{
    struct tally_tile tile = { .kind = TALLY_TILE_HASHES, .width = TALLY_TILE_WIDTH };
    uint64_t level = 0, width = TALLY_TILE_WIDTH;
    if (!take_text(&rest, "tile/"))
        return false;
    if (take_text(&rest, "entries/"))
        tile.kind = TALLY_TILE_ENTRIES;
    else if (!take_digits(&rest, 2, &level) || level > TALLY_TILE_LEVEL_MAX ||
             !take_text(&rest, "/"))
        return false;
    if (!take_index(&rest, &tile.index))
        return false;
    if (take_text(&rest, ".p/") &&
        (!take_digits(&rest, 3, &width) || width == 0 || width >= TALLY_TILE_WIDTH))
        return false;
    tile.level = (unsigned)level;
    tile.width = (unsigned)width;
    *tile_out = tile;
    return rest.size == 0;
}

tally_status
tally_tile_parse(const char *path, size_t size, struct tally_tile *tile_out,
                 struct tally_error *error)
{
    struct tally_tile tile;
    char again[TALLY_TILE_PATH_SIZE];
    struct bytes bytes = bytes_of(path, size);
    if (!take_tile(bytes, &tile))
        return fault(error, TALLY_INVALID, "this is not the path of a tile");
    tally_tile_format(&tile, again);
    if (!bytes_is(bytes, again))
        return fault(error, TALLY_INVALID, "this path of a tile is spelled %s", again);
    *tile_out = tile;
    return TALLY_OK;
}
