/*
 * resident.h - how much memory this process takes.
 */
#ifndef RESIDENT_H
#define RESIDENT_H

#include <stddef.h>

/* Bytes in memory now, or 0 where the kernel does not say. */
size_t resident_memory(void);

#endif
