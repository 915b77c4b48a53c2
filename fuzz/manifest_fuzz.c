/*
 * manifest_fuzz.c - anything as a manifest. What is read is written back as it was.
 *
 * Checksums would turn everything away, and someone who writes files on purpose computes them: here
 * they are all 0, in the writer and in the reader.
 */
#include "buffer.h"
#include "crc32c.h"
#include "manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the base layer's. */
uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
    (void)crc;
    (void)data;
    (void)size;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest manifest, again;
    if (manifest_decode(bytes_of(data, size), "manifest", &manifest, NULL) != TALLY_OK)
        return 0;
    struct buffer file = { 0 };
    manifest_encode(&manifest, &file);
    if (buffer_failed(&file) ||
        manifest_decode(buffer_view(&file), "manifest", &again, NULL) != TALLY_OK ||
        !bytes_equal(buffer_view(&file), bytes_of(data, size)))
        abort();
    buffer_free(&file);
    manifest_free(&manifest);
    manifest_free(&again);
    return 0;
}
