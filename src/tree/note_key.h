/*
 * note_key.h - what notes need of their keys beyond tally/note.h.
 */
#ifndef NOTE_KEY_H
#define NOTE_KEY_H

#include "bytes.h"
#include "tally/note.h"

/* Not empty, UTF-8, no spaces of Unicode, no control characters, no '+'; of any length. */
bool note_name_valid(struct bytes name);

/* A key id from the four bytes, big-endian, that stand for it. */
uint32_t note_key_id(const uint8_t bytes[4]);

#endif
