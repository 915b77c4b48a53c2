/*
 * fold.h - upper and lower case as one, for free text and enumerations.
 *
 * This is Unicode's simple case folding (C and S in its CaseFolding.txt) of each character whose
 * folded one has the same size in UTF-8: a folded text is as long as it was, so that offsets stay.
 * All else stays as it is, the dotted I of Turkish and the capital sharp s among it, and accents
 * are not taken off. It depends on no locale. Indexes hold what it makes (format.md) and say by
 * which version: what is folded once is always folded so, a later version only adds.
 */
#ifndef FOLD_H
#define FOLD_H

#include "bytes.h"

/* The version of Unicode. Whoever stores folded texts stores it beside them. */
#define FOLD_UNICODE 17

/* Writes text.size bytes; `out` may be `text.data`. What is not UTF-8 stays as it is. */
void fold_text(struct bytes text, uint8_t *out);

/* Whether `text`, folded, is `folded`. */
bool fold_equal(struct bytes text, struct bytes folded);

/* Where `needle`, folded already and of whole characters, first stands in `text`, folded: an offset
 * into either; SIZE_MAX where it does not. The empty needle stands at 0. */
size_t fold_find(struct bytes text, struct bytes needle);

#endif
