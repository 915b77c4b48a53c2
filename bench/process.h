/*
 * process.h - how much processor time another process has taken.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

/* Seconds that the process has run, in user space and in the kernel: its threads, also those that
 * have ended, its children as they are now, and what those that it has waited for took. Counted in
 * the kernel's ticks of 10 ms. */
double process_seconds(pid_t process);

/* Waits until the process has taken less than a tenth of a processor for `quiet_ms`, and gives when
 * that began (clock_monotonic): when it had finished what it does behind its answers. */
int64_t process_settle(pid_t process, int quiet_ms);

#endif
