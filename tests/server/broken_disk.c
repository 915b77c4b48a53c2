/*
 * broken_disk.c - a disk that breaks on demand, to be loaded into the program under test before its
 * C library (LD_PRELOAD).
 *
 * The variable BROKEN_DISK names a file. While it holds "sync PART", every sync of a file whose path
 * has PART in it fails; while it holds "slow PART", it takes 80 ms; while it holds "space PART", such
 * a file cannot grow.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fdatasync(int fd);
int fallocate(int fd, int mode, off_t offset, off_t size);
ssize_t pwrite(int fd, const void *from, size_t size, off_t offset);

/* Whether this kind of call fails for this file now. */
static bool
is_broken(const char *kind, int fd)
{
    const char *name = getenv("BROKEN_DISK");
    int order = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (order < 0)
        return false;
    char text[256] = "", link[64], path[4096] = "";
    ssize_t size = read(order, text, sizeof text - 1);
    (void)close(order);
    size_t kind_size = strlen(kind);
    if (size <= 0 || strncmp(text, kind, kind_size) != 0 || text[kind_size] != ' ')
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strstr(path, text + kind_size + 1) != NULL;
}

int
fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    if (is_broken("slow", fd))
        (void)usleep(80000);
    if (!is_broken("sync", fd))
        return real(fd);
    errno = EIO;
    return -1;
}

int
fallocate(int fd, int mode, off_t offset, off_t size)
{
    static int (*real)(int, int, off_t, off_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fallocate");
    if (!is_broken("space", fd))
        return real(fd, mode, offset, size);
    errno = ENOSPC;
    return -1;
}

ssize_t
pwrite(int fd, const void *from, size_t size, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    struct stat stat_;
    bool grows = fstat(fd, &stat_) == 0 && offset + (off_t)size > stat_.st_size;
    if (!grows || !is_broken("space", fd))
        return real(fd, from, size, offset);
    errno = ENOSPC;
    return -1;
}
