/*
 * crc32c.h - CRC-32C (Castagnoli, RFC 3720 appendix B.4), with the processor's instruction where
 * there is one. It finds accidents; against malice there is the tree.
 *
 * crc32c(0, data, size) is the checksum; crc32c(crc32c(0, a), b) is that of a followed by b.
 * crc32c(0, "123456789", 9) is 0xe3069283.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t size);

#endif
