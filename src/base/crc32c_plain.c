#include "crc32c_paths.h"

bool
crc32c_has_instruction(void)
{
    return false;
}

uint32_t
crc32c_by_instruction(uint32_t crc, const void *data, size_t size)
{
    return crc32c_by_table(crc, data, size);
}
