/*
 * decimal.h - numbers as JSON spells them, compared exactly, at any length.
 *
 * No floating point: 12345678901234567890 and 12345678901234567891 differ, 1.10 and 1.1 do not.
 */
#ifndef DECIMAL_H
#define DECIMAL_H

#include "bytes.h"

/* sign * 0.d1d2d3… * 10^exponent, d1 and the last digit not 0; zero has no digits. Views into the
 * token. */
struct decimal {
    struct bytes digits; /* from d1 to the last one that is not 0; may have the point among them */
    int64_t exponent;    /* kept within ±DECIMAL_EXPONENT_MAX: beyond, numbers of one sign and the
                            same digits compare equal */
    bool negative;       /* never for zero */
    bool absent;         /* no number: an end of a range that is not there */
};

#define DECIMAL_EXPONENT_MAX (INT64_C(1) << 40)

/* True for exactly the tokens of RFC 8259, section 6. */
bool decimal_read(struct bytes token, struct decimal *out);

/* Negative, 0 or positive; neither is absent. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* An interval of numbers; an absent end is open to infinity. */
struct decimal_range {
    struct decimal low, high;
    struct bytes low_token, high_token; /* as written; { NULL, 0 } where absent */
    bool low_excluded, high_excluded;
};

bool decimal_within(const struct decimal_range *range, const struct decimal *number);

/* The range in whole units of 10^-scale, both ends included: the number key * 10^-scale is within
 * `range` exactly if *low_out <= key <= *high_out, for every |key| below 10^18. `scale` is at most
 * 18. An empty range has low > high. */
void decimal_range_keys(const struct decimal_range *range, unsigned scale, int64_t *low_out,
                        int64_t *high_out);

#endif
