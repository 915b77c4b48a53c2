/*
 * fold_letters.h - letters beyond ASCII in lower case. Internal to fold.c.
 */
#ifndef FOLD_LETTERS_H
#define FOLD_LETTERS_H

#include <stddef.h>
#include <stdint.h>

/* In place. What is not UTF-8 stays as it is. */
void fold_letters(uint8_t *text, size_t size);

#endif
