/*
 * fill.h - the entries that are looked for: the generator's, the same ones for a trail and its peers.
 *
 * About four a second from the beginning of 2025 on: 100 million take 290 days, a tenth of that is a
 * month. All times have passed, so that a trail orders by them.
 */
#ifndef FILL_H
#define FILL_H

#include "generate.h"
#include "rows.h"

void fill_begin(struct generator *generator_out);

/* One event as an SQL database takes it. */
struct fill_row {
    char place[24]; /* the entry's index in the trail, where the first entry is the trail's own */
    struct row row;
    char *words; /* all strings in details and the error message, a line each; "" for none */
};
void fill_next(struct generator *generator, struct fill_row *row_out);
void fill_row_free(struct fill_row *row);

/* Ends the program with status 3, on which a peer is left out, where `until` (clock_monotonic) has
 * passed; `doing` says in what. */
#define FILL_TOO_LONG 3
void fill_check(int64_t until, const char *doing);
_Noreturn void fill_give_up(const char *doing);

/* What a peer's program takes: N SECONDS WHERE. */
struct fill_options {
    uint64_t entries;
    int64_t until; /* clock_monotonic */
    const char *where;
};
void fill_options_read(int argc, char **argv, struct fill_options *options_out);

/* Prints the seconds from `began` (clock_monotonic) to now, as find_print() does. */
void fill_print_since(const char *label, int64_t began);

#endif
