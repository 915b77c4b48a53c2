/* processors.c - those that the process is bound to, which may be fewer than the machine has. */
#include "processors.h"

#include <sched.h>
#include <unistd.h>

unsigned
processors_usable(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    /* More than the set has bits for. */
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (unsigned)online;
}
