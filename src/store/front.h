/*
 * front.h - sorted values by what each shares with the one before it ("front coding").
 *
 *     for each value: shared varint | rest varint        then the rests, one after the other
 *
 * `shared` is as long as it can be, so that a set of values has one spelling. Pure.
 */
#ifndef FRONT_H
#define FRONT_H

#include "buffer.h"

/* Appends `count` values that strictly ascend. */
void front_encode(const struct bytes *values, uint32_t count, struct buffer *out);

/* Whether `encoded` may be `count` values, and what they take together: known before memory is taken
 * for them, because a few hostile bytes can spell much text, each value repeating a long one. False
 * also where that is more than `text_max`. */
bool front_measure(struct bytes encoded, uint32_t count, size_t text_max, size_t *text_size_out);

/* Spells what was measured into `text`. False where the values do not strictly ascend. */
bool front_spell(struct bytes encoded, uint32_t count, struct bytes *values_out, uint8_t *text);

/* Of values that were encoded so, at most FRONT_PICK_MAX, appends number `at` to `text`; the first
 * is lent by `encoded`. Nothing of the others is spelled, nor is it looked at whether they ascend.
 * False, with nothing appended, where `encoded` cannot be `count` values. */
#define FRONT_PICK_MAX 256u
bool front_pick(struct bytes encoded, uint32_t count, uint32_t at, struct bytes *first_out,
                struct buffer *text);

#endif
