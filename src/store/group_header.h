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

/* What the head at the beginning of `bytes` says; TALLY_DAMAGED, TALLY_UNSUPPORTED. */
TALLY_MUST_CHECK tally_status group_header_decode(struct bytes bytes, const uint8_t tag[16],
                                                  const struct group_info *info, const char *name,
                                                  uint32_t *block_count_out, uint64_t *covered_out,
                                                  size_t *size_out, struct tally_error *error);

#endif
