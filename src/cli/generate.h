/*
 * generate.h - realistic events, the same ones for the same seed: for benchmarks and the demo.
 *
 * About 620 bytes each: 100,000 users by Zipf's law, 40 actions, 20 resource types, 300 endpoints,
 * 200 user agents, two random UUIDs (id and request_id), details of 3 to 6 members with free text,
 * changes on updates. Time goes on by some milliseconds from one to the next. One event in 100,000
 * has a word in its text that no other has.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include "buffer.h"
#include "tally/status.h"

#define GENERATE_USERS 100000u

/* The rare word, and of how many events one has it: the first of them with text from the 10,000th
 * on. */
#define GENERATE_RARE       "perihelion"
#define GENERATE_RARE_EVERY 100000u

struct generator {
    uint64_t state;
    int64_t time;     /* of the last event, nanoseconds */
    uint32_t pace;    /* 1: about 200 events a second, 2: 100, …; may be set */
    uint64_t made;    /* events */
    bool rare;        /* the next text gets the rare word */
    uint32_t *ranks;  /* cumulative weights of the users */
    uint64_t weights; /* their sum */
};

TALLY_MUST_CHECK tally_status generator_init(struct generator *generator, uint64_t seed,
                                             struct tally_error *error);
void generator_finish(struct generator *generator);

/* Appends one event, a JSON object without a line end. */
void generator_event(struct generator *generator, struct buffer *out);

#endif
