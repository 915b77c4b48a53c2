#include "resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

size_t
resident_memory(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    unsigned long pages = 0;
    return sscanf(text, "%*u %lu", &pages) == 1 ? pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}
