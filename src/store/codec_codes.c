/*
 * codec_codes.c - a page of codes.
 *
 *     base 4 | width 1 | planes of each code less the base (planes.h)     width 0: all rows are `base`
 *
 * The base is the least code and the width what the distance to the greatest needs, so that a page
 * has no plane more than it must. Most questions about such a page are which rows have a certain code,
 * and the planes answer that without a code being unpacked (codes_in); an entry takes its own out of
 * them (codes_gather16). Only who wants the codes of all rows decodes the page.
 *
 * Invariant: what is decoded is a page that was written: all codes are in the dictionary, base and
 * width are as small as they can be, nothing stands behind the last row. A page that is only asked
 * has been looked at as far as its size: its rows with a code that it can be asked for are right
 * whatever the bytes, and codes that are gathered are to be held against the dictionary.
 */
#include "bits.h"
#include "codec_parts.h"
#include "planes.h"

#include <assert.h>

/* A segment has far fewer entries, let alone values. */
#define CODE_WIDTH_MAX 31u
#define CODE_MAX       INT32_MAX

static tally_status
damaged(struct tally_error *error)
{
    return fault(error, TALLY_DAMAGED, "a page of codes is not what was written");
}

/* The codes to store. The group that the last row is in is filled up with copies of it. */
static void
gather_codes(const struct page_source *source, uint32_t *codes)
{
    const struct page *page = source->page;
    uint32_t lost = 0; /* a value in use has a new code */
    memcpy(codes, page->codes, page->rows * sizeof *codes);
    for (uint32_t row = 0; source->remap != NULL && row < page->rows; row++) {
        codes[row] = source->remap[codes[row]];
        lost += (codes[row] == 0) != (page->codes[row] == 0);
    }
    assert(lost == 0);
    for (uint32_t row = page->rows; row % 64 != 0; row++)
        codes[row] = codes[page->rows - 1];
}

/* Least and greatest with 64 codes more. Signed numbers, which more processors compare many at a time:
 * codes are below CODE_MAX. */
static void
widen_bounds(const int32_t *codes, int32_t *minimum, int32_t *maximum)
{
    int32_t least = *minimum, greatest = *maximum;
    for (unsigned i = 0; i < 64; i++) {
        least = codes[i] < least ? codes[i] : least;
        greatest = codes[i] > greatest ? codes[i] : greatest;
    }
    *minimum = least;
    *maximum = greatest;
}

static void
subtract(uint32_t *codes, uint32_t base)
{
    for (unsigned i = 0; i < 64; i++)
        codes[i] -= base;
}

static void
summarise(int32_t minimum, int32_t maximum, struct page_summary *summary)
{
    if (maximum == 0)
        return;
    summary->kind = PAGE_CODES;
    summary->constant = minimum == maximum;
    summary->minimum = minimum;
    summary->maximum = maximum;
}

void
codes_summarise(const struct page *page, struct page_summary *summary)
{
    const int32_t *codes = (const int32_t *)page->codes;
    int32_t minimum = INT32_MAX, maximum = 0;
    uint32_t row = 0;
    for (; page->rows - row >= 64; row += 64)
        widen_bounds(codes + row, &minimum, &maximum);
    for (; row < page->rows; row++) {
        minimum = codes[row] < minimum ? codes[row] : minimum;
        maximum = codes[row] > maximum ? codes[row] : maximum;
    }
    summarise(minimum, maximum, summary);
}

tally_status
codes_encode(struct encode_scratch *scratch, const struct page_source *source, struct buffer *out,
             struct page_summary *summary, struct tally_error *error)
{
    const struct page *page = source->page;
    assert(page->kind == PAGE_CODES);

    int32_t minimum = INT32_MAX, maximum = 0;
    gather_codes(source, scratch->codes);
    for (uint32_t row = 0; row < page->rows; row += 64)
        widen_bounds((const int32_t *)scratch->codes + row, &minimum, &maximum);
    if (maximum == 0)
        return TALLY_OK;

    unsigned width = bits_width((uint32_t)(maximum - minimum));
    buffer_u32(out, (uint32_t)minimum);
    buffer_byte(out, (uint8_t)width);
    uint8_t *room = buffer_reserve(out, planes_size(page->rows, width));
    if (room == NULL)
        return memory_fault(error);
    for (uint32_t row = 0; row < page->rows; row += 64)
        subtract(scratch->codes + row, (uint32_t)minimum);
    planes_pack(scratch->codes, page->rows, width, room);
    out->size += planes_size(page->rows, width);

    summarise(minimum, maximum, summary);
    return TALLY_OK;
}

tally_status
codes_open(struct bytes encoded, uint32_t rows, struct coded_page *page_out,
           struct tally_error *error)
{
    struct coded_page page = { .rows = rows };
    uint8_t width = 0;
    if (encoded.size > 0 && (!take_u32(&encoded, &page.base) || !take_u8(&encoded, &width) ||
                             width > CODE_WIDTH_MAX || encoded.size != planes_size(rows, width)))
        return damaged(error);
    page.width = width;
    page.planes = encoded.data;
    *page_out = page;
    return TALLY_OK;
}

void
codes_in(const struct coded_page *page, uint32_t first, uint32_t last, const struct row_set *among,
         struct row_set *out)
{
    assert(first <= last);
    uint32_t most = (UINT32_C(1) << page->width) - 1;
    if (last < page->base || (first > page->base && first - page->base > most))
        return;
    uint32_t low = first > page->base ? first - page->base : 0;
    uint32_t high = last - page->base < most ? last - page->base : most;
    planes_in_range(page->planes, page->rows, page->width, low, high, among, out);
}

void
codes_gather16(const struct coded_page *page, uint32_t row, uint32_t codes_out[16])
{
    planes_gather16(page->planes, page->rows, page->width, row, codes_out);
    for (uint32_t i = 0; i < 16; i++)
        codes_out[i] = row + i < page->rows ? codes_out[i] + page->base : 0;
}

/* Adds the base to 64 distances from it. Returns false if one is greater than `room`; `met` gets its
 * top bit where one is zero. All numbers have less than 32 bits, so that a difference that has them
 * all is a negative one: nothing is compared, and four rows are done at once. */
static bool
add_base(uint32_t *codes, uint32_t base, uint32_t room, uint32_t *met)
{
    uint32_t over = 0, zero = 0;
    for (unsigned i = 0; i < 64; i++) {
        over |= room - codes[i];
        zero |= codes[i] - 1;
        codes[i] += base;
    }
    *met |= zero;
    return over >> 31 == 0;
}

/* From distances to codes. False where no writer could have written them: base and width are the
 * least that will do. */
static bool
distances_to_codes(const struct coded_page *page, uint32_t code_max, uint32_t *codes)
{
    uint32_t rows = page->rows, least = 0, greatest = 0;
    uint32_t whole = rows / 64 * 64;
    for (uint32_t row = 0; row < whole; row += 64) {
        if (!add_base(codes + row, page->base, code_max - page->base, &least))
            return false;
    }
    bool zero = least >> 31 != 0;
    for (uint32_t row = whole; row < rows; row++) {
        zero |= codes[row] == 0;
        greatest = codes[row] > greatest ? codes[row] : greatest;
        codes[row] += page->base;
    }
    return zero && greatest <= code_max - page->base;
}

/* Whether the last plane is not all zeros. */
static bool
top_plane_used(const struct coded_page *page)
{
    size_t words = planes_words(page->rows);
    uint64_t any = 0;
    for (size_t i = 0; i < words; i++)
        any |= get_u64(page->planes + 8 * ((page->width - 1) * words + i));
    return any != 0;
}

tally_status
codes_decode(struct page_decoder *decoder, uint32_t rows, uint32_t code_max, struct bytes encoded,
             struct page *page, struct tally_error *error)
{
    struct coded_page coded;
    tally_status status =
        decoder_memory((void **)&decoder->codes, PAGE_ROWS * sizeof *decoder->codes, error);
    if (status == TALLY_OK)
        status = codes_open(encoded, rows, &coded, error);
    if (status != TALLY_OK)
        return status;

    uint32_t *codes = decoder->codes;
    if (code_max > CODE_MAX || coded.base > code_max || (coded.base == 0 && coded.width == 0) ||
        (coded.width > 0 && !top_plane_used(&coded)) ||
        !planes_clean(coded.planes, rows, coded.width))
        return damaged(error);
    planes_unpack(coded.planes, rows, coded.width, codes);
    if (!distances_to_codes(&coded, code_max, codes))
        return damaged(error);
    *page = (struct page){ .kind = PAGE_CODES, .rows = rows, .codes = codes };
    return TALLY_OK;
}
