/*
 * fold.h - upper and lower case as one, for free text and enumerations.
 *
 * Folded are the letters of ASCII, Latin-1, Latin Extended-A, Greek (U+0386 to U+03AB) and
 * Cyrillic (U+0400 to U+042F) whose lower case is one code point of the same UTF-8 length, and the
 * final sigma: a folded text is as long as it was, so that offsets stay. Everything else stays as it is; accents are not taken off. The table is fixed: what a
 * filter matches does not depend on a locale, and indexes hold what it makes (format.md).
 */
#ifndef FOLD_H
#define FOLD_H

#include "bytes.h"

/* Writes text.size bytes; `out` may be `text.data`. What is not UTF-8 stays as it is. */
void fold_text(struct bytes text, uint8_t *out);

/* Whether `text`, folded, is `folded`. */
bool fold_equal(struct bytes text, struct bytes folded);

/* Where `needle`, folded already and of whole characters, first stands in `text`, folded: an offset
 * into either; SIZE_MAX where it does not. The empty needle stands at 0. */
size_t fold_find(struct bytes text, struct bytes needle);

#endif
