/*
 * spool_fixture.h - what the tests of spools share: scratch folders, and events that say who made
 * them and when.
 */
#ifndef SPOOL_FIXTURE_H
#define SPOOL_FIXTURE_H

#include "bytes.h"

#define SCRATCH_SIZE 64

/* A new folder, to be removed with all that is in it. */
void scratch_make(char path[SCRATCH_SIZE]);
void scratch_remove(const char *path);

/* How many names a folder has. */
unsigned scratch_count(const char *path);

/* The event number `number` of thread `thread`, one line of JSON whose size depends on both. */
#define STAMP_SIZE_MAX 4096
struct bytes stamp_event(unsigned thread, uint64_t number, uint8_t room[STAMP_SIZE_MAX]);
/* Whose event it is. False where it is not one of the above, whole. */
bool stamp_read(struct bytes event, unsigned *thread_out, uint64_t *number_out);

#endif
