/*
 * spool_numbers.h - a spool that holds numbers, for the tests of spools.
 *
 * Events are stamped with 0, 1, 2, … (spool_fixture.h): what is appended in order has to come out in
 * order. Each function fails the test where the spool does not do what it should.
 */
#ifndef SPOOL_NUMBERS_H
#define SPOOL_NUMBERS_H

#include "spool.h"
#include "spool_fixture.h"

#define DESTINATION "http://127.0.0.1:7878 main"
#define FILE_SIZE   16384u

/* A moment that a test never reaches, unless something hangs. */
#define LONG_WAIT (clock_monotonic() + 600 * CLOCK_SECOND)

/* A test with a folder of its own for spools, `root`, which is not there yet. */
#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, root_set_up, root_tear_down)
extern char root[SCRATCH_SIZE + 8];
int root_set_up(void **state);
int root_tear_down(void **state);

/* A new spool of so many files of FILE_SIZE bytes, below `where` or in memory (NULL); and the one that
 * was left in `root`. */
struct spool *make_spool(const char *where, unsigned files);
struct spool *adopt_spool(void);

/* Appends one number, which the spool may refuse; `from` to `to` - 1, which it may not; and as many from 0
 * on as there is room for, whose count is returned. */
tally_status append_number(struct spool *spool, uint64_t number);
void append_range(struct spool *spool, uint64_t from, uint64_t to);
uint64_t fill_spool(struct spool *spool);

uint64_t number_of(struct bytes event);

/* Takes everything out; it is the numbers from..to-1. */
void expect_range(struct spool *spool, uint64_t from, uint64_t to);

struct spool_state state_of(struct spool *spool);

#endif
