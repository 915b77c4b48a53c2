/*
 * outline.h - find where a JSON value ends, from pieces of its text.
 *
 * Only the structure is followed: that brackets match, that names, colons, values and commas follow
 * each other as RFC 8259 has them, that strings end on their line. What stands in strings, numbers
 * and literals is not looked at. A value that json_scan accepts has an outline; the reverse is not
 * promised.
 */
#ifndef OUTLINE_H
#define OUTLINE_H

#include "bytes.h"

/* Brackets in brackets. */
#define OUTLINE_DEPTH_MAX 128

/* What may come next in a value, so far as its structure goes. */
enum outline_expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* behind [ */
    EXPECT_NAME,
    EXPECT_NAME_OR_END, /* behind { */
    EXPECT_COLON,
    EXPECT_COMMA_OR_END,
};

enum outline_within {
    WITHIN_NOTHING,
    WITHIN_STRING,
    WITHIN_ESCAPE, /* behind a backslash in a string */
    WITHIN_SCALAR, /* a number or literal, or what tries to be one */
};

/* How far the structure of a value is known. A zeroed struct is before a value. */
struct outline {
    enum outline_expect expect;
    enum outline_within within;
    uint32_t depth;
    uint64_t is_object[OUTLINE_DEPTH_MAX / 64]; /* a bit for each level */
    bool lists;   /* stop at arrays that are members of the outermost object, or of one that is */
    size_t inner; /* where that one's last bracket opened: an offset as *at is, behind it */
    const char *trouble;
};

enum outline_progress {
    OUTLINE_MORE, /* all bytes taken, the value goes on */
    OUTLINE_DONE,
    OUTLINE_BROKEN, /* see trouble */
    OUTLINE_LIST,   /* taken up to the bracket that opens such an array; it goes on */
};

/* Takes bytes of the value from data[*at] on and moves *at behind them: all of them, or up to the
 * value's end, or up to what is broken. The end of a number or literal outside brackets is seen
 * only at the byte that follows, which is not taken. */
enum outline_progress outline_read(struct outline *outline, struct bytes data, size_t *at);

#endif
