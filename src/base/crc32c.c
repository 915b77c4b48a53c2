#include "crc32c.h"

#include "bytes.h"
#include "crc32c_paths.h"

#include <pthread.h>

/* The polynomial 0x1edc6f41 with its bits reversed. */
#define POLYNOMIAL UINT32_C(0x82f63b78)

/* tables[k][b] is what byte b does to the register when k more bytes follow it. */
static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void
make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (unsigned k = 1; k < 8; k++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 255];
        }
    }
}

uint32_t
crc32c_by_table(uint32_t crc, const void *data, size_t size)
{
    (void)pthread_once(&tables_once, make_tables);

    const uint8_t *at = data;
    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word = get_u64(at) ^ crc;
        crc = 0;
        for (unsigned k = 0; k < 8; k++)
            crc ^= tables[7 - k][word >> (8 * k) & 255];
    }
    for (; size > 0; size--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 255];
    return ~crc;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
    if (crc32c_has_instruction())
        return crc32c_by_instruction(crc, data, size);
    return crc32c_by_table(crc, data, size);
}
