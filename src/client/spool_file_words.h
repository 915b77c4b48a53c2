/*
 * spool_file_words.h - the words that a spool's file consists of, for spool_file.c and
 * spool_file_frame.c alone.
 *
 * Whatever another thread or a later process decides by is one aligned word of eight bytes, stored
 * at once.
 */
#ifndef SPOOL_FILE_WORDS_H
#define SPOOL_FILE_WORDS_H

#include "spool_file.h"

#include <endian.h>

/* Upper halves of the first and the last word of a frame's head. UTF-8 has no byte F5 or F6, and no
 * time before the year 2262 begins with one, so no other word of a file can look like these. */
#define HEAD_MARK   UINT32_C(0xf5000000)
#define FILLED_MARK UINT32_C(0xf6000000)
#define MARK_NUMBER UINT32_C(0x00ffffff) /* the file's number stands in the rest */

/* Offsets in a frame. */
#define FRAME_TIME   8
#define FRAME_FILLED 16

static inline uint64_t
word_load(const struct spool_file *file, uint32_t at)
{
    return le64toh(__atomic_load_n((uint64_t *)(void *)(file->base + at), __ATOMIC_SEQ_CST));
}

static inline void
word_store(struct spool_file *file, uint32_t at, uint64_t word)
{
    __atomic_store_n((uint64_t *)(void *)(file->base + at), htole64(word), __ATOMIC_SEQ_CST);
}

static inline uint32_t
word_high(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static inline uint64_t
word_of(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

/* What the first words of this file's frames have in their upper half. */
static inline uint32_t
head_mark(const struct spool_file *file)
{
    return HEAD_MARK | (file->number & MARK_NUMBER);
}

static inline uint32_t
filled_mark(const struct spool_file *file)
{
    return FILLED_MARK | (file->number & MARK_NUMBER);
}

#endif
