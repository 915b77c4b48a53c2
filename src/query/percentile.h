/*
 * percentile.h - percentiles of a field of numbers, exact, by nearest rank.
 *
 * The P-th percentile of N numbers is the one at place ceil(P / 100 * N) in order of size: a number
 * that is there, never one in between. Numbers are compared as decimals (decimal.h), so 1.5 and
 * 1.50 are one. Pure.
 */
#ifndef PERCENTILE_H
#define PERCENTILE_H

#include "breakdown.h"
#include "buffer.h"

#define PERCENTILES_MAX 16

/* Percentiles in thousandths of a percent: 99.9 is 99,900; 1 to PERCENTILE_WHOLE. */
#define PERCENTILE_WHOLE 100000u

struct percentile_ranks {
    size_t count;
    uint32_t ranks[PERCENTILES_MAX]; /* ascending, none twice */
};

/* "50,90,95,99" */
extern const struct percentile_ranks percentile_standard;

/* Reads "50,99.9": more than 0, up to 100, with up to three fraction digits, separated by commas,
 * in any order. False where refused. */
bool percentile_read(struct bytes text, struct percentile_ranks *ranks_out);

/* Appends one as it is read: "99.9". */
void percentile_print(uint32_t rank, struct buffer *out);

/* Numbers as JSON spells them, without zeros at the end of a fraction; { NULL, 0 } where nothing
 * was counted. Lent until the breakdown goes. */
struct percentiles {
    uint64_t count; /* of numbers */
    struct bytes minimum, maximum;
    struct bytes values[PERCENTILES_MAX]; /* by place in the ranks asked for */
};

/* Of a breakdown by one field of numbers. TALLY_DAMAGED where a value is none. */
TALLY_MUST_CHECK tally_status percentile_find(const struct breakdown *breakdown,
                                              const struct percentile_ranks *ranks,
                                              struct percentiles *percentiles_out,
                                              struct tally_error *error);

#endif
