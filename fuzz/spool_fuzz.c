/*
 * spool_fuzz.c - a dead process's file of a spool with anything in it.
 *
 * Whatever it holds: going through it ends, stays within it, and finds the same frames when it is
 * opened once more; from a place up to which it is said to be done, it finds those behind.
 *
 * Checksums are all 0, in the writer and in the reader: see journal_fuzz.c.
 */
#include "crc32c.h"
#include "spool_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/tally-spool-fuzz-XXXXXX";
static char path[sizeof folder + 32];

/* In place of the base layer's. */
uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
    (void)crc;
    (void)data;
    (void)size;
    return 0;
}

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
remove_folder(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void
write_file(const uint8_t *data, size_t size)
{
    if (path[0] == '\0') {
        must(mkdtemp(folder) != NULL);
        (void)snprintf(path, sizeof path, "%s/00000001.spool", folder);
        must(atexit(remove_folder) == 0);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)close(fd);
}

/* Where the next whole frame from `at` on ends, 0 if there is none. */
static uint32_t
next_whole(const struct spool_file *file, uint32_t at, unsigned *sum)
{
    for (;;) {
        struct spool_frame frame;
        spool_file_look(file, at, &frame);
        if (frame.kind == SPOOL_FRAME_NONE)
            return 0;
        must(frame.kind != SPOOL_FRAME_PENDING);
        must(frame.next > at && frame.next <= file->size && frame.next % 8 == 0);
        if (frame.kind == SPOOL_FRAME_WHOLE) {
            must(frame.event.data == file->base + at + SPOOL_FRAME_HEAD && frame.event.size > 0);
            must(frame.event.size <= frame.next - at - SPOOL_FRAME_HEAD);
            for (size_t i = 0; i < frame.event.size; i++)
                *sum += frame.event.data[i];
            return frame.next;
        }
        at = frame.next;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spool_file *file;
    unsigned sum = 0, again = 0;
    write_file(data, size);
    tally_status status = spool_file_open(folder, 1, &file, NULL);
    must(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_UNSUPPORTED);
    if (status != TALLY_OK)
        return 0;
    uint32_t first = next_whole(file, file->done, &sum);
    unsigned count = 0;
    for (uint32_t at = first; at != 0; at = next_whole(file, at, &sum))
        count++;
    if (first != 0)
        spool_file_set_done(file, first);
    spool_file_destroy(file);

    must(spool_file_open(folder, 1, &file, NULL) == TALLY_OK);
    must(first == 0 || file->done == first);
    for (uint32_t at = file->done; first != 0 && count > 0; count--) {
        at = next_whole(file, at, &again);
        must((at == 0) == (count == 1));
    }
    spool_file_destroy(file);
    return 0;
}
