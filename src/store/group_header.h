/*
 * group_header.h - the head of a group's file. For group*.c only.
 */
#ifndef GROUP_HEADER_H
#define GROUP_HEADER_H

#include "buffer.h"
#include "group.h"

/* A head with the names of all fields there may ever be. */
#define GROUP_HEADER_MAX 8192u

void group_header_encode(const uint8_t tag[16], const struct group_info *info, uint32_t block_count,
                         struct buffer *out);

/* Tells `scan`, whose info and name are set, what the head at the beginning of `bytes` says: number
 * and place of the blocks, and the fields covered. TALLY_DAMAGED, TALLY_UNSUPPORTED. */
TALLY_MUST_CHECK tally_status group_header_decode(struct bytes bytes, const uint8_t tag[16],
                                                  struct group_scan *scan,
                                                  struct tally_error *error);

#endif
