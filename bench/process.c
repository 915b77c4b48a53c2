#include "process.h"

#include "clock.h"
#include "quit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The fields of /proc/PID/stat behind the name, which may hold anything: proc(5). */
static double
own_ticks(pid_t process)
{
    char path[64];
    char line[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t size = fread(line, 1, sizeof line - 1, file);
    (void)fclose(file);
    line[size] = '\0';
    const char *rest = strrchr(line, ')');
    unsigned long user, kernel;
    long waited_user, waited_kernel;
    if (rest == NULL ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &user,
               &kernel, &waited_user, &waited_kernel) != 4)
        quit("cannot read %s", path);
    return (double)user + (double)kernel + (double)waited_user + (double)waited_kernel;
}

static double
children_ticks(pid_t process)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)process);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    double ticks = 0;
    int child;
    while (fscanf(file, "%d", &child) == 1)
        ticks += own_ticks(child);
    (void)fclose(file);
    return ticks;
}

double
process_seconds(pid_t process)
{
    return (own_ticks(process) + children_ticks(process)) / (double)sysconf(_SC_CLK_TCK);
}

int64_t
process_settle(pid_t process, int quiet_ms)
{
    const struct timespec pause = { .tv_nsec = 20 * 1000000 };
    int64_t begin = clock_monotonic();
    double seconds = process_seconds(process);
    for (;;) {
        (void)nanosleep(&pause, NULL);
        int64_t now = clock_monotonic();
        double taken = process_seconds(process) - seconds;
        if (taken * 10 >= (double)(now - begin) / 1e9 && taken > 0) {
            begin = now;
            seconds += taken;
        }
        if (now - begin >= (int64_t)quiet_ms * 1000000)
            return begin;
    }
}
