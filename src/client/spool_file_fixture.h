/*
 * spool_file_fixture.h - one file of a spool, for the tests of spool_file.h.
 *
 * Each function fails the test where the file does not do what it should.
 */
#ifndef SPOOL_FILE_FIXTURE_H
#define SPOOL_FILE_FIXTURE_H

#include "spool_file.h"
#include "spool_fixture.h"

#define SIZE 4096u

/* A test with a folder of its own; `path` is where the file of slot 1 stands in it. */
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, file_set_up, file_tear_down)
extern char folder[SCRATCH_SIZE];
extern char path[SCRATCH_SIZE + 32];
int file_set_up(void **state);
int file_tear_down(void **state);

/* A new file of slot 1, begun as number 1, in a folder or in memory (NULL). */
struct spool_file *make_file(const char *where, uint32_t size);

/* The place of a frame for an event of `size` bytes; 0: there is none. */
uint32_t reserve_frame(struct spool_file *file, uint32_t size);

/* Appends an event, of the time 1000 and its place. False where there is no room. */
bool put_event(struct spool_file *file, struct bytes event);

/* Appends stamp_event(0, number). */
void put_stamped(struct spool_file *file, uint64_t number);

#endif
