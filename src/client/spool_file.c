/*
 * spool_file.c - the file around the frames: made, opened, used again, synced.
 *
 * What can fail fails when a file is made: its blocks are allocated before it is mapped, so that no
 * later store into the mapping finds the disk full, which would be a signal. The descriptor is
 * closed at once; the mapping is enough, and a program that closes what it does not know closes
 * nothing of ours.
 *
 * A child after fork() does not inherit the mapping: it can neither write into its parent's frames
 * nor hold their blocks after they were removed.
 *
 * Three words change while the file lives, each stored at once and with its own complement beside
 * it: number, done and sending. A file is begun by storing done and sending, then the number; it is
 * cleared by storing number 0. So at any moment it holds either all of its frames or none.
 *
 * Where the complement does not fit, the word was damaged, and what is safe is assumed: nothing is
 * done, and everything may have been sent. The number is in the mark of each frame too.
 */
#include "spool_file.h"

#include "crc32c.h"
#include "fault.h"
#include "file_limit.h"
#include "spool_file_words.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC   "TALLYSPL"
#define VERSION 1

/* Offsets in a file. */
#define FILE_VERSION 8
#define FILE_SIZE    12
#define FILE_CRC     60
#define FILE_NUMBER  64
#define FILE_DONE    72
#define FILE_SENDING 80

/* Linux 5.14 has it, older C libraries do not. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What a file's pages are made by. A file system may keep so much as one, which is mapped by one fault
 * instead of eight, and made in a third of the time; but then it is also written to disk as one,
 * however little of it is new. */
#define PIECE (UINT32_C(32) << 10)

#define NAME_FORMAT "%08x.spool"
#define NAME_SIZE   14

static void
checked_store(struct spool_file *file, uint32_t at, uint32_t value)
{
    word_store(file, at, word_of(value, ~value));
}

static bool
checked_load(const struct spool_file *file, uint32_t at, uint32_t *value_out)
{
    uint64_t word = word_load(file, at);
    if (word_high(word) != ~(uint32_t)word)
        return false;
    *value_out = (uint32_t)word;
    return true;
}

/* Frees what is left of one that could not be made, too. */
void
spool_file_destroy(struct spool_file *file)
{
    if (file == NULL)
        return;
    if (file->base != NULL)
        (void)munmap(file->base, file->size);
    free(file);
}

void
spool_file_remove(const char *folder, uint32_t slot)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" NAME_FORMAT, folder, slot);
    (void)unlink(path);
}

bool
spool_file_slot(const char *name, uint32_t *slot_out)
{
    char again[NAME_SIZE + 1];
    unsigned slot;
    if (strlen(name) != NAME_SIZE || sscanf(name, NAME_FORMAT, &slot) != 1)
        return false;
    (void)snprintf(again, sizeof again, NAME_FORMAT, slot);
    if (strcmp(again, name) != 0)
        return false;
    *slot_out = slot;
    return true;
}

/* Allocates all blocks of the file. */
static tally_status
allocate(int fd, const char *path, uint32_t size, struct tally_error *error)
{
    tally_status status = file_limit_check(size, path, error);
    if (status != TALLY_OK)
        return status;
    int refused;
    do
        refused = posix_fallocate(fd, 0, size);
    while (refused == EINTR);
    if (refused == 0)
        return TALLY_OK;
    errno = refused;
    return io_fault(error, "cannot make %s of %u bytes", path, size);
}

/* Maps the file; in memory `fd` is -1. */
static tally_status
map(struct spool_file *file, int fd, const char *path, struct tally_error *error)
{
    int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *base = mmap(NULL, file->size, PROT_READ | PROT_WRITE, kind, fd, 0);
    if (base == MAP_FAILED)
        return errno == ENOMEM ? memory_fault(error) : io_fault(error, "cannot map %s", path);
    file->base = base;
    if (madvise(base, file->size, MADV_DONTFORK) != 0)
        return io_fault(error, "cannot keep %s from child processes", path);
    return TALLY_OK;
}

/* The part of the header that stays as it is. */
static void
make_header(uint32_t size, uint8_t header[FILE_NUMBER])
{
    memset(header, 0, FILE_NUMBER);
    memcpy(header, MAGIC, FILE_VERSION);
    put_u32(header + FILE_VERSION, VERSION);
    put_u32(header + FILE_SIZE, size);
    put_u32(header + FILE_CRC, crc32c(0, header, FILE_CRC));
}

/* Not through the mapping: the first fault in a new file may have all of it read ahead. */
static tally_status
write_header(const struct spool_file *file, int fd, const char *path, struct tally_error *error)
{
    uint8_t header[FILE_NUMBER];
    make_header(file->size, header);
    ssize_t written = pwrite(fd, header, sizeof header, 0);
    if (written == sizeof header)
        return TALLY_OK;
    if (written >= 0)
        errno = ENOSPC;
    return io_fault(error, "cannot write %s", path);
}

static struct spool_file *
make(uint32_t slot, uint32_t size)
{
    struct spool_file *file = aligned_alloc(alignof(struct spool_file), sizeof *file);
    if (file == NULL)
        return NULL;
    memset(file, 0, sizeof *file);
    file->slot = slot;
    file->size = size;
    return file;
}

/* Creates the file on disk and maps it. */
static tally_status
create_on_disk(struct spool_file *file, const char *folder, struct tally_error *error)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" NAME_FORMAT, folder, file->slot);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(error, "cannot make %s", path);
    tally_status status = allocate(fd, path, file->size, error);
    if (status == TALLY_OK)
        status = write_header(file, fd, path, error);
    if (status == TALLY_OK)
        status = map(file, fd, path, error);
    (void)close(fd);
    if (status != TALLY_OK)
        (void)unlink(path);
    return status;
}

tally_status
spool_file_create(const char *folder, uint32_t slot, uint32_t size, struct spool_file **file_out,
                  struct tally_error *error)
{
    assert(size % 8 == 0 && size <= SPOOL_FILE_SIZE_MAX);
    assert(size > SPOOL_FILE_START + SPOOL_FRAME_HEAD);
    struct spool_file *file = make(slot, size);
    if (file == NULL)
        return memory_fault(error);
    tally_status status =
        folder == NULL ? map(file, -1, "memory", error) : create_on_disk(file, folder, error);
    if (status != TALLY_OK) {
        spool_file_destroy(file);
        return status;
    }
    if (folder == NULL)
        make_header(size, file->base);
    spool_file_clear(file);
    *file_out = file;
    return TALLY_OK;
}

/* Zeros over the pages behind the first, PIECE bytes at once. */
static void
write_zeros(const char *folder, const struct spool_file *file)
{
    static const uint8_t zeros[PIECE];
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" NAME_FORMAT, folder, file->slot);
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = PIECE;
    for (uint32_t at = PIECE; written == PIECE && at + PIECE <= file->size; at += PIECE)
        written = pwrite(fd, zeros, PIECE, at);
    (void)close(fd);
}

void
spool_file_prepare(const char *folder, const struct spool_file *file)
{
    assert(file->number == 0);
    if (folder != NULL)
        write_zeros(folder, file);
    (void)madvise(file->base, file->size, MADV_POPULATE_WRITE);
}

void
spool_file_clear(struct spool_file *file)
{
    checked_store(file, FILE_NUMBER, 0);
    file->number = 0;
}

void
spool_file_begin(struct spool_file *file, uint32_t number)
{
    assert(file->number == 0 && number != 0 && !file->dead);
    spool_file_set_done(file, SPOOL_FILE_START);
    file->sending = 0;
    spool_file_set_sending(file, SPOOL_FILE_START);
    file->synced = SPOOL_FILE_START;
    atomic_store_explicit(&file->tail, SPOOL_FILE_START, memory_order_relaxed);
    file->number = number;
    checked_store(file, FILE_NUMBER, number);
}

void
spool_file_set_done(struct spool_file *file, uint32_t to)
{
    file->done = to;
    checked_store(file, FILE_DONE, to);
}

void
spool_file_set_sending(struct spool_file *file, uint32_t to)
{
    if (to <= file->sending)
        return;
    file->sending = to;
    checked_store(file, FILE_SENDING, to);
}

/* Reads where the owner was. */
static void
read_positions(struct spool_file *file)
{
    uint32_t end = file->size & ~UINT32_C(7);
    if (!checked_load(file, FILE_NUMBER, &file->number)) {
        uint64_t first = word_load(file, SPOOL_FILE_START);
        file->number =
            (word_high(first) & ~MARK_NUMBER) == HEAD_MARK ? word_high(first) & MARK_NUMBER : 0;
    }
    if (!checked_load(file, FILE_DONE, &file->done) || file->done < SPOOL_FILE_START ||
        file->done > end || file->done % 8 != 0) {
        file->done = SPOOL_FILE_START;
        file->sending = UINT32_MAX;
    }
    if (file->sending == 0 && !checked_load(file, FILE_SENDING, &file->sending))
        file->sending = UINT32_MAX;
    file->dead = true;
    atomic_store_explicit(&file->tail, end, memory_order_relaxed);
}

/* A header that is damaged says nothing, and nothing in it is needed. */
static bool
is_newer(const struct spool_file *file)
{
    return memcmp(file->base, MAGIC, FILE_VERSION) == 0 &&
           get_u32(file->base + FILE_CRC) == crc32c(0, file->base, FILE_CRC) &&
           get_u32(file->base + FILE_VERSION) > VERSION;
}

static tally_status
strange_fault(const char *path, struct tally_error *error)
{
    return fault(error, TALLY_DAMAGED, "%s is no file of a spool: move it away", path);
}

/* TALLY_ABSENT where the file is too small to hold a frame. */
static tally_status
map_dead(struct spool_file *file, int fd, const char *path, struct tally_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return io_fault(error, "cannot read %s", path);
    if (!S_ISREG(about.st_mode) || about.st_size > SPOOL_FILE_SIZE_MAX)
        return strange_fault(path, error);
    if (about.st_size <= SPOOL_FILE_START + SPOOL_FRAME_HEAD)
        return TALLY_ABSENT;
    file->size = (uint32_t)about.st_size;
    /* A copy of the file may have holes, and the positions are going to be written. */
    tally_status status = allocate(fd, path, file->size, error);
    return status == TALLY_OK ? map(file, fd, path, error) : status;
}

tally_status
spool_file_open(const char *folder, uint32_t slot, struct spool_file **file_out,
                struct tally_error *error)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" NAME_FORMAT, folder, slot);
    struct spool_file *file = make(slot, 0);
    if (file == NULL)
        return memory_fault(error);
    tally_status status;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        status = errno == EISDIR || errno == ELOOP ? strange_fault(path, error)
                                                   : io_fault(error, "cannot open %s", path);
    } else {
        status = map_dead(file, fd, path, error);
        (void)close(fd);
    }
    if (status == TALLY_OK && is_newer(file))
        status = fault(error, TALLY_UNSUPPORTED, "%s was written by a newer version", path);
    if (status == TALLY_OK) {
        read_positions(file);
        status = file->number == 0 ? TALLY_ABSENT : TALLY_OK;
    }
    if (status != TALLY_OK) {
        spool_file_destroy(file);
        return status;
    }
    *file_out = file;
    return TALLY_OK;
}

/* A page that is written out while it is mapped has to be made read-only first, which interrupts every
 * other processor that runs a thread of this process: once a page, if the kernel does it. So the
 * pages that are full go out of the mapping all at once before. They stay in memory, where the
 * reader finds them. */
tally_status
spool_file_sync(const struct spool_file *file, uint32_t from, uint32_t to,
                struct tally_error *error)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t begin = from / page * page;
    size_t full = to / page * page;
    if (full > begin)
        (void)madvise(file->base + begin, full - begin, MADV_DONTNEED);
    if (msync(file->base + begin, to - begin, MS_SYNC) != 0)
        return io_fault(error, "cannot sync %08x.spool", file->slot);
    return TALLY_OK;
}
