/*
 * crc32c_paths.h - the two ways crc32c() computes, each by its own name for the tests.
 *
 * Meson picks crc32c_x86.c or crc32c_plain.c by the processor family; the second has no
 * instruction. All of them take and give the register inverted, as crc32c() does.
 */
#ifndef CRC32C_PATHS_H
#define CRC32C_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With tables, eight bytes at a step; works everywhere. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t size);

/* Whether this very processor can run crc32c_by_instruction; cheap enough to ask every time. */
bool crc32c_has_instruction(void);

/* Only where crc32c_has_instruction(). */
uint32_t crc32c_by_instruction(uint32_t crc, const void *data, size_t size);

#endif
