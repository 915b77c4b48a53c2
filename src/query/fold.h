/*
 * fold.h - upper and lower case as one, for free text and enumerations.
 *
 * Folded are the letters of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic whose lower case
 * is one code point of the same UTF-8 length: a folded text is as long as it was, so that offsets
 * stay. Everything else stays as it is; accents are not taken off. The table is fixed: what a
 * filter matches does not depend on a locale.
 */
#ifndef FOLD_H
#define FOLD_H

#include "bytes.h"

/* Writes text.size bytes; `out` may be `text.data`. Bytes that are not UTF-8 stay as they are. */
void fold_text(struct bytes text, uint8_t *out);

/* Whether `text`, folded, contains `needle`, which is folded already. The empty needle is in every
 * text. */
bool fold_contains(struct bytes text, struct bytes needle);

#endif
