/*
 * source.h - read a file or standard input in chunks, through gzip or zstd if it is compressed.
 *
 * Whether it is gzip (RFC 1952) or zstd (RFC 8878) is seen from the first bytes, not from the name.
 * Members joined with cat follow one another; zero bytes after gzip's last member (tape padding)
 * are ignored, anything else is damage. Memory is two chunks, with zstd and a window of at most
 * 128 MiB, whatever the ratio; a bound on the bytes given out stops what was made to expand without
 * end. Other compressions are told by their name and refused.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "bytes.h"
#include "tally/status.h"

#define SOURCE_CHUNK_SIZE (256 * 1024)

/* The bound for callers that have no better: after decompression. */
#define SOURCE_SIZE_MAX (UINT64_C(1) << 40)

struct source;

/* Opens a file, or standard input where `path` is "-". `size_max` bounds what is given out in all.
 * Caller owns. */
TALLY_MUST_CHECK tally_status source_open(const char *path, uint64_t size_max,
                                          struct source **source_out, struct tally_error *error);

/* The next 1 to SOURCE_CHUNK_SIZE bytes, lent until the next call. TALLY_ABSENT at the end.
 * TALLY_DAMAGED where the compressed data is damaged or cut short; TALLY_INVALID beyond `size_max`
 * and for a compression that is not undone here. */
TALLY_MUST_CHECK tally_status source_read(struct source *source, struct bytes *chunk_out,
                                          struct tally_error *error);

/* Standard input stays open. */
void source_close(struct source *source);

#endif
