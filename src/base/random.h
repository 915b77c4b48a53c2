/*
 * random.h - unpredictable bytes, from the kernel by way of a pool a thread.
 *
 * The pool makes a 16-byte salt cost nanoseconds, not a system call. Bytes are wiped from the pool
 * as they are handed out. A child after fork() draws a fresh pool. Ends the process if the kernel
 * has no randomness to give, because nothing here is safe without.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t size);

#endif
