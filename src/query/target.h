/*
 * target.h - a request target: the path's segments and the query's parameters (RFC 9112, section
 * 3.2.1; RFC 3986).
 *
 * Pure. Only the origin form is read: it begins with '/'. Percent-encoding is undone once, in
 * segments and in parameters; '+' in a query is a blank. Refused: a '%' without two hexadecimal
 * digits, bytes that are no UTF-8, control characters (also encoded ones, but for line feeds in
 * values), blanks and '#' that are not encoded, "." and ".." segments, more than the limits below.
 * Nothing between two '&' is no parameter, and so is an empty query; a name without '=' has an
 * empty value.
 */
#ifndef TARGET_H
#define TARGET_H

#include "filter.h"

#define TARGET_SIZE_MAX       16384
#define TARGET_SEGMENTS_MAX   8
#define TARGET_PARAMETERS_MAX 64

struct target {
    size_t segment_count; /* "/" has none, "/api/events" two; a trailing '/' is one more, empty */
    struct bytes segments[TARGET_SEGMENTS_MAX];
    size_t parameter_count;
    struct filter_parameter parameters[TARGET_PARAMETERS_MAX];
};

/* Reads `raw` into `target_out`, whose views point into `memory`, which holds raw.size bytes at
 * least. TALLY_INVALID with a sentence that names what is wrong. */
TALLY_MUST_CHECK tally_status target_parse(struct bytes raw, uint8_t *memory,
                                           struct target *target_out, struct tally_error *error);

/* Reads a number as it stands in targets: 1 to 18 decimal digits and nothing else. */
bool target_count(struct bytes text, uint64_t *count_out);

#endif
