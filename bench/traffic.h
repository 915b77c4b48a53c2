/*
 * traffic.h - what this process has read from files so far, as the kernel counts it (proc(5), io).
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stdint.h>

struct traffic {
    uint64_t reads; /* system calls */
    uint64_t bytes; /* they gave */
    uint64_t disk;  /* bytes that had to be fetched from the disk, read ahead among them */
};

/* What was read since `before`, but for what asking takes; zeros where the kernel does not say. */
void traffic_now(struct traffic *now_out);
struct traffic traffic_since(const struct traffic *before);

#endif
