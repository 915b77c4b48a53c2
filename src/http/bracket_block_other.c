#include "bracket_block.h"

struct bracket_masks
bracket_block(const uint8_t block[BRACKET_BLOCK_SIZE])
{
    return bracket_block_plain(block);
}
