/*
 * match.h - whether one entry is what a filter asks for: the filter's meaning, in code.
 *
 * The scan finds the same entries by columns; its tests hold it against this. Nothing here
 * allocates or keeps anything. A thread brings its own scratch memory, where strings with escapes
 * are decoded.
 */
#ifndef MATCH_H
#define MATCH_H

#include "entry.h"
#include "filter.h"

/* A string in a part, decoded, is never longer. */
#define MATCH_SCRATCH_SIZE ENTRY_PRIVATE_SIZE_MAX

struct match_scratch {
    uint8_t bytes[MATCH_SCRATCH_SIZE];
};

/* `values` has FIELD_COUNT of them, as struct run_entry has: decoded text, a number's token,
 * canonical JSON text; absent as { NULL, 0 }. A control entry matches only if filter->control. */
bool filter_match(const struct filter *filter, uint64_t index, const struct bytes *values,
                  struct match_scratch *scratch);

/* Whether a field's value, which is present, has one of a term's values: the column's half of a
 * term. For TARGET_TEXT, whether the field's value contains the text. Not for TARGET_INDEX. */
bool term_match_value(const struct filter_term *term, enum field_id field, struct bytes value,
                      struct match_scratch *scratch);

/* Whether a term on a field holds for an entry that was written before the field was in the table
 * and has it under details. `v` and `details` are the entry's values. */
bool term_match_older(const struct filter_term *term, struct bytes v, struct bytes details,
                      struct match_scratch *scratch);

#endif
