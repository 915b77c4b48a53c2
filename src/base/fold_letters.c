/*
 * fold_letters.c - Unicode's simple case folding of letters beyond ASCII, as ranges.
 *
 * Upper and lower case stand in Unicode as two runs with a distance between them, or in turns; so a
 * range of letters to fold is its first and last one, its stride, and what is added. Letters of
 * two, three and four bytes have a table each, and none is folded to another size.
 *
 * A text's letters mostly stand near each other: the range that the last letter of that size was at
 * or behind is tried first, before a search by halves. Behind ranges are the small letters and all
 * that has no case, so that texts in scripts without case cost no search either.
 */
#include "fold_letters.h"

struct range {
    uint32_t first, last, stride;
    int32_t delta;
};

/* clang-format off */
#define RUN(first, last, delta) { first, last, 1, delta }
#define ONE(point, delta)       { point, point, 1, delta }
/* A small letter behind each capital; `last` is the last capital. */
#define PAIRS(first, last)      { first, last, 2, 1 }
#define PAIR(point)             { point, point, 1, 1 }
/* Before the first range, and behind the last one. */
#define BEGIN                   { 0, 0, 1, 0 }
#define END                     { UINT32_MAX, UINT32_MAX, 1, 0 }

static const struct range two_bytes[] = {
    BEGIN,
    /* Latin-1; the micro sign is a mu. */
    ONE(0x00b5, 775), RUN(0x00c0, 0x00d6, 32), RUN(0x00d8, 0x00de, 32),
    /* Latin Extended-A. */
    PAIRS(0x0100, 0x012e), PAIRS(0x0132, 0x0136), PAIRS(0x0139, 0x0147), PAIRS(0x014a, 0x0176),
    ONE(0x0178, -121), PAIRS(0x0179, 0x017d),
    /* Latin Extended-B and IPA. */
    ONE(0x0181, 210), PAIRS(0x0182, 0x0184), ONE(0x0186, 206), PAIR(0x0187),
    RUN(0x0189, 0x018a, 205), PAIR(0x018b), ONE(0x018e, 79), ONE(0x018f, 202), ONE(0x0190, 203),
    PAIR(0x0191), ONE(0x0193, 205), ONE(0x0194, 207), ONE(0x0196, 211), ONE(0x0197, 209),
    PAIR(0x0198), ONE(0x019c, 211), ONE(0x019d, 213), ONE(0x019f, 214), PAIRS(0x01a0, 0x01a4),
    ONE(0x01a6, 218), PAIR(0x01a7), ONE(0x01a9, 218), PAIR(0x01ac), ONE(0x01ae, 218),
    PAIR(0x01af), RUN(0x01b1, 0x01b2, 217), PAIRS(0x01b3, 0x01b5), ONE(0x01b7, 219), PAIR(0x01b8),
    PAIR(0x01bc), ONE(0x01c4, 2), PAIR(0x01c5), ONE(0x01c7, 2), PAIR(0x01c8), ONE(0x01ca, 2),
    PAIRS(0x01cb, 0x01db), PAIRS(0x01de, 0x01ee), ONE(0x01f1, 2), PAIRS(0x01f2, 0x01f4),
    ONE(0x01f6, -97), ONE(0x01f7, -56), PAIRS(0x01f8, 0x021e), ONE(0x0220, -130),
    PAIRS(0x0222, 0x0232), PAIR(0x023b), ONE(0x023d, -163), PAIR(0x0241), ONE(0x0243, -195),
    ONE(0x0244, 69), ONE(0x0245, 71), PAIRS(0x0246, 0x024e),
    /* Greek; a final sigma is a sigma. */
    ONE(0x0345, 116), PAIRS(0x0370, 0x0372), PAIR(0x0376), ONE(0x037f, 116), ONE(0x0386, 38),
    RUN(0x0388, 0x038a, 37), ONE(0x038c, 64), RUN(0x038e, 0x038f, 63), RUN(0x0391, 0x03a1, 32),
    RUN(0x03a3, 0x03ab, 32), PAIR(0x03c2), ONE(0x03cf, 8), ONE(0x03d0, -30), ONE(0x03d1, -25),
    ONE(0x03d5, -15), ONE(0x03d6, -22), PAIRS(0x03d8, 0x03ee), ONE(0x03f0, -54), ONE(0x03f1, -48),
    ONE(0x03f4, -60), ONE(0x03f5, -64), PAIR(0x03f7), ONE(0x03f9, -7), PAIR(0x03fa),
    RUN(0x03fd, 0x03ff, -130),
    /* Cyrillic. */
    RUN(0x0400, 0x040f, 80), RUN(0x0410, 0x042f, 32), PAIRS(0x0460, 0x0480),
    PAIRS(0x048a, 0x04be), ONE(0x04c0, 15), PAIRS(0x04c1, 0x04cd), PAIRS(0x04d0, 0x052e),
    /* Armenian. */
    RUN(0x0531, 0x0556, 48),
    END,
};

static const struct range three_bytes[] = {
    BEGIN,
    /* Georgian: Asomtavruli to Nuskhuri. */
    RUN(0x10a0, 0x10c5, 7264), ONE(0x10c7, 7264), ONE(0x10cd, 7264),
    /* Cherokee, whose small letters came later and are folded to the capitals. */
    RUN(0x13f8, 0x13fd, -8),
    /* Cyrillic Extended-C. */
    ONE(0x1c88, 35267), PAIR(0x1c89),
    /* Georgian: Mtavruli to Mkhedruli. */
    RUN(0x1c90, 0x1cba, -3008), RUN(0x1cbd, 0x1cbf, -3008),
    /* Latin Extended Additional. */
    PAIRS(0x1e00, 0x1e94), ONE(0x1e9b, -58), PAIRS(0x1ea0, 0x1efe),
    /* Greek Extended. */
    RUN(0x1f08, 0x1f0f, -8), RUN(0x1f18, 0x1f1d, -8), RUN(0x1f28, 0x1f2f, -8),
    RUN(0x1f38, 0x1f3f, -8), RUN(0x1f48, 0x1f4d, -8), { 0x1f59, 0x1f5f, 2, -8 },
    RUN(0x1f68, 0x1f6f, -8), RUN(0x1f88, 0x1f8f, -8), RUN(0x1f98, 0x1f9f, -8),
    RUN(0x1fa8, 0x1faf, -8), RUN(0x1fb8, 0x1fb9, -8), RUN(0x1fba, 0x1fbb, -74), ONE(0x1fbc, -9),
    RUN(0x1fc8, 0x1fcb, -86), ONE(0x1fcc, -9), RUN(0x1fd8, 0x1fd9, -8), RUN(0x1fda, 0x1fdb, -100),
    RUN(0x1fe8, 0x1fe9, -8), RUN(0x1fea, 0x1feb, -112), ONE(0x1fec, -7),
    RUN(0x1ff8, 0x1ff9, -128), RUN(0x1ffa, 0x1ffb, -126), ONE(0x1ffc, -9),
    /* Roman numerals and letters in circles. */
    ONE(0x2132, 28), RUN(0x2160, 0x216f, 16), PAIR(0x2183), RUN(0x24b6, 0x24cf, 26),
    /* Glagolitic. */
    RUN(0x2c00, 0x2c2f, 48),
    /* Latin Extended-C. */
    PAIR(0x2c60), ONE(0x2c63, -3814), PAIRS(0x2c67, 0x2c6b), PAIR(0x2c72), PAIR(0x2c75),
    /* Coptic. */
    PAIRS(0x2c80, 0x2ce2), PAIRS(0x2ceb, 0x2ced), PAIR(0x2cf2),
    /* Cyrillic Extended-B. */
    PAIRS(0xa640, 0xa66c), PAIRS(0xa680, 0xa69a),
    /* Latin Extended-D. */
    PAIRS(0xa722, 0xa72e), PAIRS(0xa732, 0xa76e), PAIRS(0xa779, 0xa77b), ONE(0xa77d, -35332),
    PAIRS(0xa77e, 0xa786), PAIR(0xa78b), PAIRS(0xa790, 0xa792), PAIRS(0xa796, 0xa7a8),
    ONE(0xa7b3, 928), PAIRS(0xa7b4, 0xa7c2), ONE(0xa7c4, -48), ONE(0xa7c6, -35384),
    PAIRS(0xa7c7, 0xa7c9), PAIRS(0xa7cc, 0xa7da), PAIR(0xa7f5),
    /* Cherokee Supplement. */
    RUN(0xab70, 0xabbf, -38864),
    /* A ligature of long s and t, and fullwidth Latin. */
    PAIR(0xfb05), RUN(0xff21, 0xff3a, 32),
    END,
};

static const struct range four_bytes[] = {
    BEGIN,
    RUN(0x10400, 0x10427, 40), /* Deseret */
    RUN(0x104b0, 0x104d3, 40), /* Osage */
    /* Vithkuqi. */
    RUN(0x10570, 0x1057a, 39), RUN(0x1057c, 0x1058a, 39), RUN(0x1058c, 0x10592, 39),
    RUN(0x10594, 0x10595, 39),
    RUN(0x10c80, 0x10cb2, 64), /* Old Hungarian */
    RUN(0x10d50, 0x10d65, 32), /* Garay */
    RUN(0x118a0, 0x118bf, 32), /* Warang Citi */
    RUN(0x16e40, 0x16e5f, 32), /* Medefaidrin */
    RUN(0x16ea0, 0x16eb8, 27), /* Beria Erfe */
    RUN(0x1e900, 0x1e921, 34), /* Adlam */
    END,
};
/* Begins at the table's begin. */
#define CURSOR(ranges)          { ranges, sizeof(ranges) / sizeof(ranges)[0] - 1, ranges }
/* clang-format on */

/* A table of `count` ranges, but for its end, and the one that was found last. */
struct cursor {
    const struct range *ranges;
    size_t count;
    const struct range *near;
};

/* The last range that does not begin behind the code point. */
static inline const struct range *
range_find(struct cursor *cursor, uint32_t point)
{
    if (point >= cursor->near->first && point < cursor->near[1].first)
        return cursor->near;
    const struct range *range = cursor->ranges;
    for (size_t count = cursor->count; count > 1; count -= count / 2)
        range += range[count / 2].first <= point ? count / 2 : 0;
    cursor->near = range;
    return range;
}

/* Folds the character of `size` bytes at `at`, whose first one fits that. Returns how many bytes to
 * go on by: one where the others do not fit. What is spelled too long is in no table. */
static inline size_t
fold_letter(uint8_t *at, size_t left, size_t size, struct cursor *cursor)
{
    if (left < size)
        return 1;
    uint32_t point = at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
        point = point << 6 | (at[i] & 0x3f);
    }
    const struct range *range = range_find(cursor, point);
    if (point > range->last || ((point - range->first) & (range->stride - 1)) != 0)
        return size;
    point += (uint32_t)range->delta;
    for (size_t i = size - 1; i > 0; i--) {
        at[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    at[0] = (uint8_t)(0xf00u >> size | point);
    return size;
}

void
fold_letters(uint8_t *text, size_t size)
{
    struct cursor two = CURSOR(two_bytes), three = CURSOR(three_bytes), four = CURSOR(four_bytes);
    for (size_t i = 0; i < size;) {
        uint8_t first = text[i];
        if (first < 0xc2 || first > 0xf4)
            i++;
        else if (first < 0xe0)
            i += fold_letter(text + i, size - i, 2, &two);
        else if (first < 0xf0)
            i += fold_letter(text + i, size - i, 3, &three);
        else
            i += fold_letter(text + i, size - i, 4, &four);
    }
}
